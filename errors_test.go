package octet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestErrorsAreThoseOfPackageNet does the same on the kernel's loopback and on
// ours: every step must end with the same error, to the last word of its message.
func TestErrorsAreThoseOfPackageNet(t *testing.T) {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Skip("the kernel has no loopback to compare with:", err)
	} else {
		l.Close()
	}
	for _, s := range errorScenarios {
		t.Run(s.name, func(t *testing.T) {
			var want, got steps
			want.t, got.t = t, t
			s.run(&want, System())
			s.run(&got, newHost(t))
			for i := range max(len(want.list), len(got.list)) {
				if i >= len(want.list) || i >= len(got.list) {
					t.Fatalf("%d steps of ours, %d of the kernel's", len(got.list), len(want.list))
				}
				if w, g := want.list[i], got.list[i]; w != g {
					t.Errorf("octet:  %s\nkernel: %s", g, w)
				}
			}
		})
	}
}

// steps collects what each step of a scenario ended with.
type steps struct {
	t    *testing.T
	list []string
}

func (s *steps) step(what string, err error) { s.list = append(s.list, what+": "+describe(err)) }

// n notes a step that also returns a number of octets.
func (s *steps) n(what string, n int, err error) { s.step(fmt.Sprintf("%s = %d", what, n), err) }

// must is for what is not compared and has to succeed.
func (s *steps) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

var portInText = regexp.MustCompile(`:\d+\b`)

// describe says everything of an error that programs look at.
func describe(err error) string {
	if err == nil || err == io.EOF {
		return fmt.Sprint(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%q", portInText.ReplaceAllString(err.Error(), ":P"))
	var op *net.OpError
	if errors.As(err, &op) {
		fmt.Fprintf(&b, " op=%s net=%s source=%T addr=%T", op.Op, op.Net, op.Source, op.Addr)
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		fmt.Fprintf(&b, " call=%s", sys.Syscall)
	}
	var timeout net.Error
	if errors.As(err, &timeout) {
		fmt.Fprintf(&b, " timeout=%v", timeout.Timeout())
	}
	for name, target := range map[string]error{"closed": net.ErrClosed, "canceled": context.Canceled, "EOF": io.EOF} {
		if errors.Is(err, target) {
			fmt.Fprintf(&b, " is %s", name)
		}
	}
	var no syscall.Errno
	if errors.As(err, &no) {
		fmt.Fprintf(&b, " errno=%d", no)
	}
	return b.String()
}

type duplex interface {
	net.Conn
	CloseRead() error
	CloseWrite() error
	SetLinger(int) error
}

// tcpPair returns both ends of a connection over a network's loopback.
func (s *steps) tcpPair(n Network) (server, client duplex) {
	s.t.Helper()
	l, err := n.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	defer l.Close()
	c, err := n.DialContext(s.t.Context(), "tcp", l.Addr().String())
	s.must(err)
	a, err := l.Accept()
	s.must(err)
	s.t.Cleanup(func() { a.Close(); c.Close() })
	return a.(duplex), c.(duplex)
}

var past = time.Unix(1, 0)

var errorScenarios = []struct {
	name string
	run  func(s *steps, n Network)
}{
	{"bad addresses", func(s *steps, n Network) {
		for _, network := range []string{"tcp", "tcp4", "udp", "udp6", "tcp5", "", "unixx"} {
			for _, address := range []string{"", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:nonsense", "[::1", "1:2:3"} {
				_, err := n.DialContext(s.t.Context(), network, address)
				s.step("dial "+network+" "+address, err)
				_, err = n.Listen(network, address)
				s.step("listen "+network+" "+address, err)
				_, err = n.ListenPacket(network, address)
				s.step("listen packet "+network+" "+address, err)
			}
		}
	}},
	{"address of the other version", func(s *steps, n Network) {
		for _, network := range []string{"tcp4", "tcp6", "udp4", "udp6"} {
			address := map[byte]string{'4': "[::1]:80", '6': "127.0.0.1:80"}[network[3]]
			_, err := n.DialContext(s.t.Context(), network, address)
			s.step("dial "+network, err)
		}
		_, err := n.Listen("tcp4", "[::1]:80")
		s.step("listen tcp4", err)
		_, err = n.ListenPacket("udp6", "127.0.0.1:0")
		s.step("listen udp6", err)
	}},
	{"refused", func(s *steps, n Network) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		l.Close()
		_, err = n.DialContext(s.t.Context(), "tcp", l.Addr().String())
		s.step("dial", err)
		_, err = n.DialContext(s.t.Context(), "tcp4", l.Addr().String())
		s.step("dial tcp4", err)
	}},
	{"address in use", func(s *steps, n Network) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		defer l.Close()
		_, err = n.Listen("tcp", l.Addr().String())
		s.step("listen again", err)
		p, err := n.ListenPacket("udp", "127.0.0.1:0")
		s.must(err)
		defer p.Close()
		_, err = n.ListenPacket("udp", p.LocalAddr().String())
		s.step("listen packet again", err)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		_, err = n.Listen("tcp4", "0.0.0.0:"+port)
		s.step("listen on all", err)
		m, err := n.Listen("tcp", "127.0.0.2:"+port)
		s.step("listen on another address", err)
		if err == nil {
			m.Close()
		}
	}},
	{"address of somebody else", func(s *steps, n Network) {
		_, err := n.Listen("tcp", "203.0.113.1:80")
		s.step("listen", err)
		_, err = n.ListenPacket("udp", "203.0.113.1:80")
		s.step("listen packet", err)
	}},
	{"listener", func(s *steps, n Network) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		d := l.(interface{ SetDeadline(time.Time) error })
		s.step("set deadline", d.SetDeadline(past))
		_, err = l.Accept()
		s.step("accept after the deadline", err)
		s.step("close", l.Close())
		_, err = l.Accept()
		s.step("accept after close", err)
		s.step("close again", l.Close())
		s.step("set deadline after close", d.SetDeadline(past))
	}},
	{"end of file", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		mustWrite(s.t, a, "x")
		s.step("close write", a.CloseWrite())
		_, err := a.Write([]byte("y"))
		s.step("write after close write", err)
		mustRead(s.t, b, "x")
		buf := make([]byte, 10)
		k, err := b.Read(buf)
		s.n("read", k, err)
		k, err = b.Read(buf)
		s.n("read again", k, err)
		k, err = b.Read(nil)
		s.n("read nothing", k, err)
		k, err = b.Write(nil)
		s.n("write nothing", k, err)
		s.step("close", b.Close())
		k, err = a.Read(buf)
		s.n("read at the other end", k, err)
		s.step("close write again", a.CloseWrite())
	}},
	{"closed", func(s *steps, n Network) {
		a, _ := s.tcpPair(n)
		s.step("close", a.Close())
		buf := make([]byte, 10)
		k, err := a.Read(buf)
		s.n("read", k, err)
		k, err = a.Read(nil)
		s.n("read nothing", k, err)
		k, err = a.Write(buf)
		s.n("write", k, err)
		s.step("close again", a.Close())
		s.step("close write", a.CloseWrite())
		s.step("close read", a.CloseRead())
		s.step("set deadline", a.SetDeadline(past))
		s.step("set linger", a.SetLinger(0))
	}},
	{"close read", func(s *steps, n Network) {
		a, _ := s.tcpPair(n)
		s.step("close read", a.CloseRead())
		k, err := a.Read(make([]byte, 10))
		s.n("read", k, err)
		k, err = a.Write([]byte("abc"))
		s.n("write", k, err)
	}},
	{"deadlines", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		mustWrite(s.t, b, "x")
		buf := make([]byte, 10)
		s.step("set", a.SetDeadline(past))
		k, err := a.Read(buf)
		s.n("read though data is there", k, err)
		k, err = a.Write(buf)
		s.n("write though there is room", k, err)
		s.step("unset", a.SetDeadline(time.Time{}))
		k, err = a.Read(buf)
		s.n("read", k, err)
		s.step("set soon", a.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		k, err = a.Read(buf)
		s.n("read until the deadline", k, err)
		s.step("set soon", a.SetWriteDeadline(time.Now().Add(10*time.Millisecond)))
		_, err = io.Copy(struct{ io.Writer }{a}, neverEnding{})
		s.step("write until the deadline", err)
	}},
	{"reset, seen by read", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		s.must(a.SetLinger(0))
		s.step("close", a.Close())
		buf := make([]byte, 10)
		k, err := b.Read(buf)
		s.n("read", k, err)
		k, err = b.Read(buf)
		s.n("read again", k, err)
		k, err = b.Write(buf)
		s.n("write", k, err)
		s.step("close write", b.CloseWrite())
		s.step("close", b.Close())
	}},
	{"reset, seen by write", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		s.must(a.SetLinger(0))
		s.step("close", a.Close())
		buf := make([]byte, 10)
		k, err := b.Write(buf)
		s.n("write", k, err)
		k, err = b.Write(buf)
		s.n("write again", k, err)
	}},
	{"broken pipe", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		s.step("close", a.Close())
		buf := make([]byte, 10)
		k, err := b.Read(buf)
		s.n("read", k, err)
		k, err = b.Write(buf) // answered by a reset
		s.n("write", k, err)
		k, err = b.Write(buf)
		s.n("write again", k, err)
		k, err = b.Read(buf)
		s.n("read again", k, err)
	}},
	{"close with unread data", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		mustWrite(s.t, b, "unread")
		s.step("close", a.Close())
		k, err := b.Read(make([]byte, 10))
		s.n("read", k, err)
	}},
	{"data before a reset", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		mustWrite(s.t, a, "last words")
		s.must(a.SetLinger(0))
		s.step("close", a.Close())
		buf := make([]byte, 4)
		for range 5 {
			k, err := b.Read(buf)
			s.n("read", k, err)
		}
	}},
	{"reset of what nobody has accepted", func(s *steps, n Network) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		c, err := n.DialContext(s.t.Context(), "tcp", l.Addr().String())
		s.must(err)
		defer c.Close()
		s.step("close the listener", l.Close())
		_, err = c.Read(make([]byte, 1))
		s.step("read", err)
		_, err = n.DialContext(s.t.Context(), "tcp", l.Addr().String())
		s.step("dial", err)
	}},
	{"half-closed both ways", func(s *steps, n Network) {
		a, b := s.tcpPair(n)
		s.step("close write", a.CloseWrite())
		s.step("close write of the other", b.CloseWrite())
		buf := make([]byte, 4)
		for _, c := range []net.Conn{a, b} {
			k, err := c.Read(buf)
			s.n("read", k, err)
			k, err = c.Write(buf)
			s.n("write", k, err)
			s.step("close", c.Close())
		}
	}},
	{"connect twice from one port", func(s *steps, n Network) {
		p, err := n.ListenPacket("udp", "127.0.0.1:0")
		s.must(err)
		defer p.Close()
		_, err = n.DialContext(s.t.Context(), "udp", "127.0.0.1:0")
		s.step("dial port 0", err)
		_, err = n.DialContext(s.t.Context(), "tcp", "127.0.0.1:0")
		s.step("dial port 0 by TCP", err)
	}},
	{"context", func(s *steps, n Network) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		defer l.Close()
		ctx, cancel := context.WithCancel(s.t.Context())
		cancel()
		_, err = n.DialContext(ctx, "tcp", l.Addr().String())
		s.step("dial canceled", err)
		ctx, cancel = context.WithDeadline(s.t.Context(), past)
		defer cancel()
		_, err = n.DialContext(ctx, "tcp", l.Addr().String())
		s.step("dial too late", err)
	}},
	{"datagrams", func(s *steps, n Network) {
		p, err := n.ListenPacket("udp", "127.0.0.1:0")
		s.must(err)
		c, err := n.DialContext(s.t.Context(), "udp", p.LocalAddr().String())
		s.must(err)
		big := make([]byte, 65508)
		k, err := c.Write(big)
		s.n("write too much", k, err)
		k, err = p.WriteTo(big, c.LocalAddr())
		s.n("write too much to", k, err)
		k, err = c.(net.PacketConn).WriteTo([]byte("x"), p.LocalAddr())
		s.n("write to, connected", k, err)
		k, err = p.(net.Conn).Write([]byte("x"))
		s.n("write, not connected", k, err)
		k, err = p.WriteTo([]byte("x"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
		s.n("write to an address of TCP", k, err)
		k, err = p.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		s.n("write to port 0", k, err)
		k, err = c.Write(nil)
		s.n("write nothing", k, err)
		k, _, err = p.ReadFrom(make([]byte, 10))
		s.n("read nothing", k, err)
		k, err = c.Write([]byte("longer than the buffer"))
		s.n("write", k, err)
		k, _, err = p.ReadFrom(make([]byte, 10))
		s.n("read", k, err)
		s.step("set deadline", p.SetDeadline(past))
		_, _, err = p.ReadFrom(make([]byte, 10))
		s.step("read after the deadline", err)
		_, err = p.WriteTo([]byte("x"), c.LocalAddr())
		s.step("write after the deadline", err)
		s.step("close", p.Close())
		s.step("close again", p.Close())
		_, _, err = p.ReadFrom(make([]byte, 10))
		s.step("read after close", err)
		_, err = p.WriteTo([]byte("x"), c.LocalAddr())
		s.step("write after close", err)
		s.step("set deadline after close", p.SetDeadline(past))
		_, err = c.Write([]byte("nobody listens"))
		s.step("write to a closed port", err)
		_, err = c.Read(make([]byte, 10))
		s.step("read its refusal", err)
		_, err = c.Write([]byte("nobody listens"))
		s.step("write again", err)
		_, err = c.Write([]byte("nobody listens"))
		s.step("write its refusal", err)
	}},
}

// neverEnding yields zeros.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) { return len(p), nil }
