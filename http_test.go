package octet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
)

// lossy returns two hosts at the ends of a wire with 25 ms and 1 % loss each way.
func lossy(t testing.TB, line *timeline.Timeline, seed uint64, path link.Path) (alice, bob *Host, w *link.Wire) {
	t.Helper()
	w, err := link.NewWire(line, link.WireOptions{Seed: seed, Paths: [2]link.Path{path, path}})
	if err != nil {
		t.Fatal(err)
	}
	p := Linux()
	p.TCP.SendBuffer = tcp.Buffer{Initial: 1 << 30, Max: 1 << 30} // elastic: code that holds a mutex while it writes would freeze a bubble
	common := []Option{WithTimeline(line), WithSeed(seed), WithProfile(p)}
	alice = newHost(t, append(common, WithName("alice"), WithHosts("bob", addr("192.0.2.2"), addr("2001:db8::2")))...)
	bob = newHost(t, append(common, WithName("bob"))...)
	attach(t, alice, w.End(0), "192.0.2.1/24", "2001:db8::1/64")
	attach(t, bob, w.End(1), "192.0.2.2/24", "2001:db8::2/64")
	return alice, bob, w
}

func TestHTTP2OverTLSInRealTime(t *testing.T) {
	h := newHost(t)
	requests(t, h, h, "localhost:443", 200)
}

// 200 requests over a wire with 50 ms from one host to the other and back, and
// 1 % loss each way, in virtual time.
func TestHTTP2OverTLSInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		alice, bob, w := lossy(t, line, 7, link.Path{Delay: 50 * time.Millisecond, Loss: link.Random(0.01)})
		requests(t, bob, alice, "bob:443", 200)
		if w.Stats(0).Lost+w.Stats(1).Lost == 0 {
			t.Error("the wire lost nothing: the test shows less than it should")
		}
		alice.Close()
		bob.Close()
		time.Sleep(time.Second) // packets are on the way
		if n := line.Len(); n != 0 {
			t.Errorf("%d timers remain", n)
		}
	})
}

// requests has n clients at once fetch different pages and post different bodies
// over HTTP/2 and TLS.
func requests(t *testing.T, server, client *Host, address string, n int) {
	l, err := server.Listen("tcp", address[len(address)-4:])
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ProtoMajor != 2 {
			t.Errorf("%s: read %d octets over %s: %v", r.URL.Path, len(body), r.Proto, err)
		}
		fmt.Fprintf(w, "%s %x", r.URL.Path, sha256.Sum256(body))
	}))
	s.Listener.Close()
	s.Listener = l
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the client closes connections that it finds it does not need
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	transport := &http.Transport{
		DialContext:       client.DialContext,
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "example.com"},
	}
	defer transport.CloseIdleConnections()

	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, 100*i)
			url := fmt.Sprintf("https://%s/page/%d", address, i)
			if err := fetch(t.Context(), &http.Client{Transport: transport}, url, body); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func fetch(ctx context.Context, c *http.Client, url string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if want := fmt.Sprintf("%s %x", r.URL.Path, sha256.Sum256(body)); string(got) != want {
		return fmt.Errorf("got %q, %v; want %q", got, err, want)
	}
	return err
}
