package octet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// The first example of every course on sockets: a UDP server and its client, on a
// network that is nothing but this program.
func Example() {
	host := octet.NewHost()
	defer host.Close()
	server, err := host.ListenPacket("udp", "localhost:6789")
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := host.Dial("udp", "localhost:6789")
	if err != nil {
		fmt.Println(err)
		return
	}
	client.Write([]byte("Hello"))
	buf := make([]byte, 2048)
	n, from, _ := server.ReadFrom(buf)
	fmt.Printf("server got %q\n", buf[:n])
	server.WriteTo([]byte("Are you talking to me?"), from)
	n, _ = client.Read(buf)
	fmt.Printf("client got %q\n", buf[:n])
	// Output:
	// server got "Hello"
	// client got "Are you talking to me?"
}

// A question that may be asked twice goes with the SYN once the server's cookie is known.
func ExampleDialer_fastOpen() {
	host := octet.NewHost()
	defer host.Close()
	server := octet.ListenConfig{Host: host, FastOpen: true}
	l, err := server.Listen(context.Background(), "tcp", "localhost:80")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := octet.Dialer{Host: host, FastOpen: true}
	for range 2 {
		c, err := client.DialContext(context.Background(), "tcp", "localhost:80")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Fprint(c, "GET /")
		s, err := l.Accept()
		if err != nil {
			fmt.Println(err)
			return
		}
		buf := make([]byte, 100)
		n, _ := s.Read(buf)
		fmt.Printf("the server read %q; Fast Open: %v\n", buf[:n], s.(*octet.TCPConn).Info().FastOpen.Outcome)
		c.Close()
		s.Close()
	}
	// Output:
	// the server read "GET /"; Fast Open: cookie given
	// the server read "GET /"; Fast Open: taken
}

// An HTTP server and client, unchanged, on two hosts that a wire joins.
func ExampleHost_Listen() {
	line := timeline.New()
	alice := octet.NewHost(octet.WithName("alice"), octet.WithTimeline(line), octet.WithHosts("bob", netip.MustParseAddr("192.0.2.2")))
	bob := octet.NewHost(octet.WithName("bob"), octet.WithTimeline(line))
	defer alice.Close()
	defer bob.Close()
	a, b := link.NewPipe(line, link.PipeOptions{})
	alice.Attach(a, netip.MustParsePrefix("192.0.2.1/24"))
	bob.Attach(b, netip.MustParsePrefix("192.0.2.2/24"))

	l, err := bob.Listen("tcp", ":80")
	if err != nil {
		fmt.Println(err)
		return
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s at %s", r.URL.Path, r.Host)
	}))
	client := http.Client{Transport: &http.Transport{DialContext: alice.DialContext}}
	answer, err := client.Get("http://bob/index")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(string(body))
	// Output: /index at bob
}

// Every program that takes a Network runs on a host of ours and on the operating system.
func ExampleNetwork() {
	hello := func(n octet.Network) string {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err.Error()
		}
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err == nil {
				io.Copy(c, strings.NewReader("hello"))
				c.Close()
			}
		}()
		c, err := n.DialContext(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		b, _ := io.ReadAll(c)
		return string(b)
	}
	host := octet.NewHost()
	defer host.Close()
	fmt.Println(hello(host), hello(octet.System()))
	// Output: hello hello
}

// A host tells its interfaces.
func ExampleHost_Interfaces() {
	host := octet.NewHost()
	defer host.Close()
	list, _ := host.Interfaces()
	for _, i := range list {
		fmt.Println(i.Index, i.Name, i.MTU, i.Flags, i.Addrs)
	}
	// Output: 1 lo 65535 up|loopback|multicast|running [127.0.0.1/8 ::1/128]
}

// A Socket never waits: it says what is ready, and syscall.EAGAIN otherwise.
func ExampleSocket() {
	host := octet.NewHost()
	defer host.Close()
	at := netip.MustParseAddrPort("127.0.0.1:7")
	server, _ := host.Socket("tcp4")
	server.Bind(at)
	server.Listen(1)
	client, _ := host.Socket("tcp4")
	fmt.Println(client.Connect(at) == syscall.EINPROGRESS)
	conn, _ := server.Accept()
	conn.Notify(func(r octet.Ready) {
		buf := make([]byte, 100)
		if n, err := conn.Recv(buf); err == nil {
			conn.Send(buf[:n])
		}
	})
	client.Send([]byte("echo"))
	buf := make([]byte, 100)
	n, err := client.Recv(buf)
	fmt.Printf("%q %v\n", buf[:n], err)
	_, err = client.Recv(buf)
	fmt.Println(err == syscall.EAGAIN)
	// Output:
	// true
	// "echo" <nil>
	// true
}

// An observer sees every packet, layer by layer.
func ExampleWithObserver() {
	host := octet.NewHost(octet.WithObserver(printer{}))
	defer host.Close()
	server, _ := host.ListenPacket("udp", "localhost:6789")
	server.WriteTo([]byte("Hello"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6789})
	// Output: 127.0.0.1:6789 → 127.0.0.1:6789 [IP 20 [UDP 8 [data 5]]] = 33 octets
}

type printer struct{}

func (printer) Observe(s *link.Sighting) {
	if s.Outgoing {
		fmt.Println(wire.Line(wire.Plain(s.Packet.AppendTo(nil)), 0))
	}
}

// The policies of a host can be changed one by one.
func ExampleProfile() {
	p := octet.Linux()
	p.TCP.DelayedAck = 10 * time.Millisecond
	p.FirstPort, p.LastPort = 50000, 50999
	host := octet.NewHost(octet.WithProfile(p))
	defer host.Close()
	c, _ := host.Dial("udp", "localhost:9")
	port := c.LocalAddr().(*net.UDPAddr).Port
	fmt.Println(port >= 50000 && port <= 50999)
	// Output: true
}

// A connection tells everything that can be observed in it.
func ExampleTCPConn_Info() {
	host := octet.NewHost()
	defer host.Close()
	l, _ := host.Listen("tcp", "localhost:80")
	c, _ := host.Dial("tcp", l.Addr().String())
	i := c.(*octet.TCPConn).Info()
	fmt.Println(i.State, i.Remote, i.Interface, i.Timestamps, i.SACK)
	// Output: ESTABLISHED 127.0.0.1:80 lo true true
}
