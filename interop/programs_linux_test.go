package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// curl fetches and sends over TLS and HTTP/2, from a server of net/http that stands
// on our listener and knows nothing of it.
func TestCurlWithTLSAndHTTP2(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	l := newLab(t, labPlan{tap: true})
	l.curl(l.website(3 << 20))
}

// A website answers GET with content and POST with the hash of what came.
type website struct {
	cert    string // file
	content []byte
}

// website serves HTTPS at port 443 of our addresses.
func (l *lab) website(size int) website {
	l.Helper()
	cert, file := l.certificate()
	w := website{file, octets(1, size)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(out http.ResponseWriter, r *http.Request) { out.Write(w.content) })
	mux.HandleFunc("POST /", func(out http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(out, "%s %s", r.Proto, sum(b))
	})
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
	ln, err := l.host.Listen("tcp", ":443")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { server.Close() })
	go server.ServeTLS(ln, "", "")
	return w
}

// certificate makes one for our addresses, and a file for those who are to trust it.
func (l *lab) certificate() (tls.Certificate, string) {
	l.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		l.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "octet"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(ours4), net.ParseIP(ours6)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		l.Fatal(err)
	}
	file := l.file("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// curl runs one GET and one POST over each version of IP.
func (l *lab) curl(w website) {
	l.Helper()
	upload := l.file("upload", w.content)
	for _, v := range l.versions() {
		url := "https://" + net.JoinHostPort(v.ours, "443") + "/"
		got := run(l.T, "curl", "-sS", "--http2", "--cacert", w.cert, url)
		if sum([]byte(got)) != sum(w.content) {
			l.Errorf("%s: curl got %d other octets", v.name, len(got))
		}
		got = run(l.T, "curl", "-sS", "--http2", "--cacert", w.cert, "-H", "Expect:", "--data-binary", "@"+upload, url)
		if want := "HTTP/2.0 " + sum(w.content); got != want {
			l.Errorf("%s: the server got %q, want %q", v.name, got, want)
		}
	}
}

const pythonClient = `
import hashlib, http.client, socket, sys
host, port, echo = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
c = http.client.HTTPConnection(host, port, timeout=20)
for k in range(20): # one connection
    c.request("GET", "/%d" % k)
    r = c.getresponse()
    assert r.status == 200 and r.read() == b"%d" % k
body = bytes(range(256)) * 4000
c.request("POST", "/", body=body)
assert c.getresponse().read() == hashlib.sha256(body).hexdigest().encode()
c.close()
s = socket.create_connection((host, echo), timeout=20)
s.sendall(b"Are you talking to me?")
s.shutdown(socket.SHUT_WR)
got = b""
while True:
    p = s.recv(7)
    if not p: break
    got += p
assert got == b"Are you talking to me?", got
u = socket.socket(s.family, socket.SOCK_DGRAM)
u.settimeout(20)
u.sendto(b"Hello", (host, echo))
assert u.recvfrom(100)[0] == b"Hello"
try:
    socket.create_connection((host, 9), timeout=20)
    assert False
except ConnectionRefusedError:
    pass
print("well")
`

// Python's http.client and sockets find nothing unusual.
func TestPython(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	newLab(t, labPlan{}).python()
}

func (l *lab) python() {
	l.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path[1:]) })
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // the client compares
		io.WriteString(w, sum(b))
	})
	server := &http.Server{Handler: mux}
	ln, err := l.host.Listen("tcp", ":0")
	if err != nil {
		l.Fatal(err)
	}
	defer server.Close()
	go server.Serve(ln)
	web := ln.Addr().(*net.TCPAddr).Port
	second := l.listen(":0", echo)
	defer second.Close()
	port := second.Addr().(*net.TCPAddr).Port
	u, err := l.host.ListenPacket("udp", fmt.Sprintf(":%d", port))
	if err != nil {
		l.Fatal(err)
	}
	defer u.Close()
	go echoPackets(u)
	for _, v := range l.versions() {
		got := run(l.T, "python3", "-c", pythonClient, v.ours, fmt.Sprint(web), fmt.Sprint(port))
		if got != "well\n" {
			l.Errorf("%s: python says %q", v.name, got)
		}
	}
}

// iperf3 measures through a port that our host forwards to the server.
func TestIperf3ThroughAForwardedPort(t *testing.T) {
	t.Parallel()
	need(t, "iperf3", "ss")
	newLab(t, labPlan{}).iperf("1")
}

func (l *lab) iperf(seconds string) {
	l.Helper()
	ln := l.listen(net.JoinHostPort(ours4, "5201"), func(c net.Conn) {
		d, err := l.host.Dial("tcp", net.JoinHostPort(kernel4, "5201"))
		if err != nil {
			return
		}
		defer d.Close()
		splice(c, d)
	})
	defer ln.Close()
	for _, way := range [][]string{nil, {"-R"}} {
		octets, said := 0.0, ""
		for range 3 { // iperf3 gives up when its parameters, two writes, arrive with a pause between them
			if octets, said = l.iperfOnce(seconds, way); octets > 1<<20 {
				break
			}
			l.Logf("iperf3 %v, once more after: %s", way, said)
		}
		if octets < 1<<20 {
			l.Errorf("iperf3 %v: %s", way, said)
		}
		l.Logf("iperf3 %v: %.1f MB", way, octets/1e6)
	}
}

// iperfOnce measures once and returns how many octets arrived, and the end of the report.
func (l *lab) iperfOnce(seconds string, way []string) (octets float64, said string) {
	l.Helper()
	stop := l.start("iperf3", "-s", "-1", "-B", kernel4, "-p", "5201") // one for each: between two tests it is deaf
	defer stop()
	l.await(func() error {
		if run(l.T, "ss", "-Hltn", "sport = :5201") == "" {
			return errors.New("iperf3 does not listen")
		}
		return nil
	})
	out := run(l.T, "iperf3", append([]string{"-c", ours4, "-p", "5201", "-P", "4", "-t", seconds, "-J"}, way...)...)
	said = strings.TrimSpace(out[max(0, len(out)-1500):])
	var report struct {
		Error string
		End   struct {
			Received struct {
				Bytes float64
			} `json:"sum_received"`
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Error != "" {
		return 0, said
	}
	return report.End.Received.Bytes, said
}

// splice passes octets on between two connections until both directions have ended.
func splice(a, b net.Conn) {
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		io.Copy(to, from)
		to.(interface{ CloseWrite() error }).CloseWrite()
	}
	both.Go(func() { pass(a, b) })
	both.Go(func() { pass(b, a) })
	both.Wait()
}

// A thousand connections at once, from either side, each with something to say.
func TestThousandConnections(t *testing.T) {
	t.Parallel()
	newLab(t, labPlan{tap: true}).thousand(1000)
}

func (l *lab) thousand(n int) {
	l.Helper()
	ours := l.listen(net.JoinHostPort(ours4, "0"), echo)
	defer ours.Close()
	theirs := l.listenKernel(net.JoinHostPort(kernel4, "0"), echo)
	defer theirs.Close()
	for who, dial := range map[string]func() (net.Conn, error){
		"kernel to host": func() (net.Conn, error) { return net.Dial("tcp", ours.Addr().String()) },
		"host to kernel": func() (net.Conn, error) { return l.host.Dial("tcp", theirs.Addr().String()) },
	} {
		conns := make([]net.Conn, n)
		for i := range conns {
			c, err := dial()
			if err != nil {
				l.Fatalf("%s: connection %d: %v", who, i, err)
			}
			defer c.Close()
			conns[i] = c
		}
		errs := make(chan error, n)
		for i, c := range conns {
			go func() { errs <- exchangeStream(c, octets(i, 5000+i)) }()
		}
		for range conns {
			if err := <-errs; err != nil {
				l.Errorf("%s: %v", who, err)
			}
		}
	}
}

// A kernel client behind a wire that loses, repeats and reorders receives every octet.
func TestKernelClientBehindABadWire(t *testing.T) {
	t.Parallel()
	for _, v := range []version{ip4, ip6} {
		t.Run(v.name, func(t *testing.T) {
			l := newLab(t, labPlan{tap: true, capture: true, bad: badPath()})
			l.streams(v, 300_000)
		})
	}
}
