package octet

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// The tests of this file run without a goroutine, on a Timeline that stands still:
// what a call causes has happened when it returns.

// manual returns a Timeline that stands still and a host on it.
func manual(t testing.TB, o ...Option) (*timeline.Timeline, *Host) {
	line := timeline.NewManual()
	return line, newHost(t, append([]Option{WithTimeline(line)}, o...)...)
}

func newSocket(t testing.TB, h *Host, network string) *Socket {
	t.Helper()
	s, err := h.Socket(network)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// listening returns a socket that listens at an address.
func listening(t testing.TB, h *Host, address string, backlog int) *Socket {
	t.Helper()
	s := newSocket(t, h, "tcp")
	if err := errors.Join(s.SetReuseAddr(true), s.Bind(netip.MustParseAddrPort(address)), s.Listen(backlog)); err != nil {
		t.Fatal(err)
	}
	return s
}

// connecting returns a socket that has begun to connect.
func connecting(t testing.TB, h *Host, address string) *Socket {
	t.Helper()
	s := newSocket(t, h, "tcp")
	if err := s.Connect(netip.MustParseAddrPort(address)); err != syscall.EINPROGRESS {
		t.Fatalf("connect: %v, want EINPROGRESS", err)
	}
	return s
}

func accepted(t testing.TB, l *Socket) *Socket {
	t.Helper()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// joined2 returns both ends of a connection over loopback.
func joinedSockets(t testing.TB, h *Host) (server, client *Socket) {
	t.Helper()
	l := listening(t, h, "127.0.0.1:80", 1)
	client = connecting(t, h, "127.0.0.1:80")
	server = accepted(t, l)
	l.Close()
	return server, client
}

func state(s *Socket) string { return s.Info().State.String() }

func TestSocketConversation(t *testing.T) {
	_, h := manual(t)
	l := listening(t, h, "127.0.0.1:80", 1)
	if _, err := l.Accept(); err != syscall.EAGAIN {
		t.Errorf("accept before anybody came: %v, want EAGAIN", err)
	}
	c := connecting(t, h, "127.0.0.1:80")
	if err := c.Connect(netip.MustParseAddrPort("127.0.0.1:80")); err != syscall.EISCONN {
		t.Errorf("second connect: %v, want EISCONN", err)
	}
	if r := c.Ready(); r != CanWrite {
		t.Errorf("client is ready for %b, want to write", r)
	}
	s := accepted(t, l)
	if got, want := s.RemoteAddr(), c.LocalAddr(); got != want {
		t.Errorf("server sees %v, client is %v", got, want)
	}
	buf := make([]byte, 100)
	if _, err := s.Recv(buf); err != syscall.EAGAIN {
		t.Errorf("recv of nothing: %v, want EAGAIN", err)
	}
	if n, err := c.Send([]byte("Are you talking to me?")); n != 22 || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	if n, err := s.Peek(buf[:3], 4); string(buf[:n]) != "you" || err != nil {
		t.Errorf("peeked %q, %v", buf[:n], err)
	}
	if n, err := s.Recv(buf); string(buf[:n]) != "Are you talking to me?" || err != nil {
		t.Errorf("received %q, %v", buf[:n], err)
	}
	if err := c.Shutdown(ShutWrite); err != nil {
		t.Error(err)
	}
	if _, err := c.Send(buf); err != syscall.EPIPE {
		t.Errorf("send after shutdown: %v, want EPIPE", err)
	}
	if n, err := s.Recv(buf); n != 0 || err != io.EOF {
		t.Errorf("recv after the peer's FIN: %d, %v, want EOF", n, err)
	}
	if a, b := state(c), state(s); a != "FIN-WAIT-2" || b != "CLOSE-WAIT" {
		t.Errorf("states %s and %s", a, b)
	}
	if n, err := s.Send([]byte("no")); n != 2 || err != nil {
		t.Errorf("send in CLOSE-WAIT: %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n, err := c.Recv(buf); string(buf[:n]) != "no" || err != nil {
		t.Errorf("received %q, %v", buf[:n], err)
	}
	if n, err := c.Recv(buf); n != 0 || err != io.EOF {
		t.Errorf("then %d, %v, want EOF", n, err)
	}
	if s := h.Stats(); s.TimeWaits != 1 || s.Connections != 0 {
		t.Errorf("holds %+v, want one TIME-WAIT", s)
	}
}

func TestSocketRefusedConnect(t *testing.T) {
	_, h := manual(t)
	c := connecting(t, h, "127.0.0.1:80")
	if r := c.Ready(); !r.Has(Failed | ReadEnd | WriteEnd) {
		t.Errorf("ready %b, want failed", r)
	}
	if err := c.Error(); err != syscall.ECONNREFUSED {
		t.Errorf("SO_ERROR %v, want ECONNREFUSED", err)
	}
	if err := c.Error(); err != nil {
		t.Errorf("SO_ERROR again: %v, want none", err)
	}
	if _, err := c.Send([]byte("x")); err != syscall.EPIPE {
		t.Errorf("send: %v, want EPIPE", err)
	}
	if n, err := c.Recv(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("recv: %v, want EOF", err)
	}
}

func TestSocketPendingErrorIsReturnedOnce(t *testing.T) {
	_, h := manual(t)
	s, c := joinedSockets(t, h)
	if err := errors.Join(s.SetLinger(0), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(make([]byte, 1)); err != syscall.ECONNRESET {
		t.Errorf("recv: %v, want ECONNRESET", err)
	}
	if _, err := c.Recv(make([]byte, 1)); err != io.EOF {
		t.Errorf("recv again: %v, want EOF", err)
	}
	if err := c.Error(); err != nil {
		t.Errorf("SO_ERROR: %v, want none: recv has told it", err)
	}
}

func TestSocketConnectTwiceWhileOnTheWay(t *testing.T) {
	line := timeline.NewManual()
	h := newHost(t, WithTimeline(line))
	a, _ := link.NewPipe(line, link.PipeOptions{}) // nobody at the other end
	attach(t, h, a, "192.0.2.1/24")
	c := connecting(t, h, "192.0.2.2:80")
	if err := c.Connect(netip.MustParseAddrPort("192.0.2.2:80")); err != syscall.EALREADY {
		t.Errorf("second connect: %v, want EALREADY", err)
	}
	if _, err := c.Send([]byte("x")); err != syscall.EAGAIN {
		t.Errorf("send: %v, want EAGAIN", err)
	}
	if _, err := c.Recv(make([]byte, 1)); err != syscall.EAGAIN {
		t.Errorf("recv: %v, want EAGAIN", err)
	}
	line.Advance(line.Now().Add(10 * time.Minute)) // RFC 9293 §3.8.3: more than three minutes of trying
	if err := c.Error(); err != syscall.ETIMEDOUT {
		t.Errorf("SO_ERROR %v, want ETIMEDOUT", err)
	}
	if s := h.Stats(); s.Connections != 0 {
		t.Errorf("%d connections remain", s.Connections)
	}
}

func TestSocketNotifyTellsOfEveryChange(t *testing.T) {
	_, h := manual(t)
	l := listening(t, h, "127.0.0.1:80", 1)
	var heard []Ready
	l.Notify(func(r Ready) { heard = append(heard, r) })
	c := newSocket(t, h, "tcp4")
	var client []Ready
	c.Notify(func(r Ready) { client = append(client, r) })
	if err := c.Connect(netip.MustParseAddrPort("127.0.0.1:80")); err != syscall.EINPROGRESS {
		t.Fatal(err)
	}
	if !slices.Equal(heard, []Ready{CanRead}) || !l.Ready().Has(CanRead) {
		t.Errorf("listener heard %b", heard)
	}
	s := accepted(t, l)
	if _, err := s.Send([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	want := []Ready{CanWrite, CanWrite | CanRead, CanWrite, ReadEnd | WriteEnd | Failed}
	if !slices.Equal(client, want) {
		t.Errorf("client heard %b, want %b", client, want)
	}
}

// A callback may use the socket that it is called for: no lock is held.
func TestSocketNotifyMayCallBack(t *testing.T) {
	_, h := manual(t)
	s, c := joinedSockets(t, h)
	var got []byte
	s.Notify(func(r Ready) {
		buf := make([]byte, 10)
		for {
			n, err := s.Recv(buf)
			if got = append(got, buf[:n]...); err != nil {
				return
			}
		}
	})
	for range 3 {
		if _, err := c.Send([]byte("octets ")); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "octets octets octets " {
		t.Errorf("callback read %q", got)
	}
}

// The send buffer fills up, EAGAIN; it empties, and the socket can be written again.
func TestSocketSendUntilFull(t *testing.T) {
	line, h := manual(t)
	s, c := joinedSockets(t, h)
	if err := errors.Join(s.SetReceiveBuffer(10000), c.SetSendBuffer(10000)); err != nil {
		t.Fatal(err)
	}
	p, sent := make([]byte, 3000), 0
	for {
		n, err := c.Send(p)
		if err == syscall.EAGAIN {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if sent += n; sent > 1<<20 {
			t.Fatal("the socket never gets full")
		}
	}
	if c.Ready().Has(CanWrite) {
		t.Error("ready to write though it is full")
	}
	received, buf := 0, make([]byte, 4096)
	for received < sent {
		n, err := s.Recv(buf)
		received += n
		if err == syscall.EAGAIN {
			line.Advance(line.Now().Add(time.Second)) // a window probe may be needed
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !c.Ready().Has(CanWrite) {
		t.Error("not ready to write though all was read")
	}
}

func TestSocketBindErrors(t *testing.T) {
	_, h := manual(t)
	for _, c := range []struct {
		network, address string
		want             error
	}{
		{"tcp", "203.0.113.1:80", syscall.EADDRNOTAVAIL},
		{"tcp4", "[::1]:80", syscall.EAFNOSUPPORT},
		{"tcp6", "127.0.0.1:80", syscall.EAFNOSUPPORT},
		{"tcp", "224.0.0.1:80", syscall.EADDRNOTAVAIL},
	} {
		if err := newSocket(t, h, c.network).Bind(netip.MustParseAddrPort(c.address)); err != c.want {
			t.Errorf("%s %s: %v, want %v", c.network, c.address, err, c.want)
		}
	}
	s := newSocket(t, h, "tcp")
	if err := s.Bind(netip.MustParseAddrPort("127.0.0.1:80")); err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(netip.MustParseAddrPort("127.0.0.1:81")); err != syscall.EINVAL {
		t.Errorf("second bind: %v, want EINVAL", err)
	}
	if err := newSocket(t, h, "tcp").Bind(netip.MustParseAddrPort("0.0.0.0:80")); err != syscall.EADDRINUSE {
		t.Errorf("bind to all beside one: %v, want EADDRINUSE", err)
	}
}

// RFC 9293 MUST-46: an open to an address that is no single host's is refused.
func TestRFC9293_MUST46_ConnectToInvalidAddress(t *testing.T) {
	_, h := manual(t)
	for address, want := range map[string]error{
		"224.0.0.1:80": syscall.ENETUNREACH, "255.255.255.255:80": syscall.ENETUNREACH,
		"127.0.0.1:0": syscall.ECONNREFUSED, "192.0.2.1:80": syscall.ENETUNREACH,
	} {
		if err := newSocket(t, h, "tcp").Connect(netip.MustParseAddrPort(address)); err != want {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
}

// RFC 9293 MUST-42, MUST-43: many listeners on one port of different addresses.
func TestRFC9293_MUST42_ListenersOfOnePort(t *testing.T) {
	_, h := manual(t)
	addresses := []string{"127.0.0.1:80", "127.0.0.2:80", "127.0.0.3:80", "[::1]:80"}
	var listeners []*Socket
	for _, a := range addresses {
		listeners = append(listeners, listening(t, h, a, 1))
	}
	for i, a := range addresses {
		c := connecting(t, h, a)
		if s := accepted(t, listeners[i]); s.LocalAddr().String() != a || s.RemoteAddr() != c.LocalAddr() {
			t.Errorf("listener of %s got %v from %v", a, s.LocalAddr(), s.RemoteAddr())
		}
	}
}

// RFC 9293 MUST-41: a passive open leaves other connections alone; also of the
// same port, whose listener is gone, in any state.
func TestRFC9293_MUST41_ListenAgain(t *testing.T) {
	_, h := manual(t)
	s1, c1 := joinedSockets(t, h) // established
	s2, c2 := joinedSockets(t, h)
	s2.Close() // in TIME-WAIT
	c2.Close()
	l := listening(t, h, "127.0.0.1:80", 1)
	connecting(t, h, "127.0.0.1:80")
	accepted(t, l)
	buf := make([]byte, 10)
	if _, err := c1.Send([]byte("still")); err != nil {
		t.Fatal(err)
	}
	if n, err := s1.Recv(buf); string(buf[:n]) != "still" || err != nil {
		t.Errorf("old connection: %q, %v", buf[:n], err)
	}
}

func TestSocketOnlyIPv6(t *testing.T) {
	_, h := manual(t)
	l := newSocket(t, h, "tcp")
	if err := errors.Join(l.SetOnlyIPv6(true), l.Bind(netip.MustParseAddrPort("[::]:80")), l.Listen(1)); err != nil {
		t.Fatal(err)
	}
	if err := connecting(t, h, "127.0.0.1:80").Error(); err != syscall.ECONNREFUSED {
		t.Errorf("IPv4: %v, want ECONNREFUSED", err)
	}
	if err := connecting(t, h, "[::1]:80").Error(); err != nil {
		t.Errorf("IPv6: %v", err)
	}
	listening(t, h, "0.0.0.0:80", 1) // and IPv4 is free for another
}

// Linger: the host goes on for so long and no longer.
func TestSocketLinger(t *testing.T) {
	line := timeline.NewManual()
	h := newHost(t, WithTimeline(line))
	a, b := link.NewPipe(line, link.PipeOptions{})
	attach(t, h, a, "192.0.2.1/24")
	peer := newHost(t, WithTimeline(line))
	attach(t, peer, b, "192.0.2.2/24")
	l := listening(t, peer, "192.0.2.2:80", 1)
	c := connecting(t, h, "192.0.2.2:80")
	accepted(t, l)
	if err := c.SetLinger(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil { // the peer is cut off
		t.Fatal(err)
	}
	if _, err := c.Send([]byte("nobody will acknowledge this")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	line.Advance(mono.Time(4 * time.Second))
	if s := h.Stats(); s.Orphans != 1 {
		t.Errorf("after 4 s %d connections linger, want 1", s.Orphans)
	}
	line.Advance(mono.Time(6 * time.Second))
	if s := h.Stats(); s.Connections+s.Orphans != 0 {
		t.Errorf("after 6 s: %+v, want nothing", s)
	}
}

func TestSocketClosedCallsFail(t *testing.T) {
	_, h := manual(t)
	s := newSocket(t, h, "tcp")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, sendErr := s.Send(nil)
	_, recvErr := s.Recv(nil)
	_, peekErr := s.Peek(nil, 0)
	_, acceptErr := s.Accept()
	for i, err := range []error{
		s.Close(), s.Bind(netip.MustParseAddrPort("127.0.0.1:1")), s.Listen(1), s.Connect(netip.MustParseAddrPort("127.0.0.1:1")),
		s.Shutdown(ShutWrite), s.SetNoDelay(true), s.SetLinger(0), sendErr, recvErr, peekErr, acceptErr,
	} {
		if err == nil || err.Error() != "use of closed network connection" {
			t.Errorf("call %d: %v, want net.ErrClosed", i, err)
		}
	}
}

func TestSocketNotConnected(t *testing.T) {
	_, h := manual(t)
	s := newSocket(t, h, "tcp")
	_, sendErr := s.Send([]byte("x"))
	_, recvErr := s.Recv(make([]byte, 1))
	for i, err := range []error{sendErr, recvErr, s.Shutdown(ShutRead)} {
		if err != syscall.ENOTCONN {
			t.Errorf("call %d: %v, want ENOTCONN", i, err)
		}
	}
	if _, err := s.Accept(); err != syscall.EINVAL {
		t.Errorf("accept: %v, want EINVAL", err)
	}
	if _, err := h.Socket("udp"); err == nil {
		t.Error("made a TCP socket of udp")
	}
}
