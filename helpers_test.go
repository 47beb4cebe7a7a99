package octet

import (
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// newHost returns a host that ends with the test, and checks then that it leaves nothing.
func newHost(t testing.TB, o ...Option) *Host {
	t.Helper()
	h := NewHost(o...)
	t.Cleanup(func() {
		h.Close()
		if s := h.Stats(); s.Connections+s.HalfOpen+s.Orphans+s.TimeWaits != 0 {
			t.Errorf("a closed host holds %+v", s)
		}
		if n := len(h.ports.all()); n != 0 {
			t.Errorf("a closed host holds %d ports", n)
		}
	})
	return h
}

// twoHosts returns two hosts, alice at 192.0.2.1 and 2001:db8::1 and bob at .2
// and ::2, joined by a pipe, on one Timeline.
func twoHosts(t testing.TB, o link.PipeOptions, opts ...Option) (alice, bob *Host) {
	t.Helper()
	line := timeline.New()
	alice = newHost(t, append([]Option{WithName("alice"), WithTimeline(line)}, opts...)...)
	bob = newHost(t, append([]Option{WithName("bob"), WithTimeline(line)}, opts...)...)
	a, b := link.NewPipe(line, o)
	attach(t, alice, a, "192.0.2.1/24", "2001:db8::1/64")
	attach(t, bob, b, "192.0.2.2/24", "2001:db8::2/64")
	return alice, bob
}

func attach(t testing.TB, h *Host, d link.Device, addrs ...string) {
	t.Helper()
	var list []netip.Prefix
	for _, a := range addrs {
		list = append(list, netip.MustParsePrefix(a))
	}
	if _, err := h.Attach(d, list...); err != nil {
		t.Fatal(err)
	}
}

// pair returns the two ends of a connection to a listener of server at address.
func pair(t testing.TB, server, client *Host, address string) (s, c *TCPConn) {
	t.Helper()
	l := listen(t, server, address)
	defer l.Close()
	return connect(t, client, l)
}

func listen(t testing.TB, h *Host, address string) *TCPListener {
	t.Helper()
	l, err := h.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*TCPListener)
}

// connect dials a listener and accepts.
func connect(t testing.TB, client *Host, l *TCPListener) (s, c *TCPConn) {
	t.Helper()
	dialed, err := client.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); dialed.Close() })
	return s, dialed.(*TCPConn)
}

// mustRead reads exactly the octets of want.
func mustRead(t testing.TB, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v; want %q", b[:n], err, want)
	}
}

func mustWrite(t testing.TB, w io.Writer, s string) {
	t.Helper()
	if n, err := io.WriteString(w, s); n != len(s) || err != nil {
		t.Fatalf("wrote %d of %d octets: %v", n, len(s), err)
	}
}

var _ net.Conn = (*TCPConn)(nil)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// payload returns n octets of data for a segment.
func payload(n int) chunk.View { return chunk.Copy(make([]byte, n)) }
