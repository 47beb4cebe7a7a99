package octet

import (
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// A crowd is the far end of a host's link, played by the test: it sends whatever
// it likes from any address, and hears what the host says.
type crowd struct {
	device link.Device
	mu     sync.Mutex
	heard  []wire.Segment
	from   []netip.Addr
}

// Receive implements link.Receiver.
func (c *crowd) Receive(_ mono.Time, batch []link.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range batch {
		o := wire.Plain(batch[i].AppendTo(nil))
		var h wire.IP
		if wire.ParseIP(&o, &h) != wire.OK || h.Proto != wire.ProtoTCP {
			continue
		}
		o.Pull(int(h.HeaderLen))
		var s wire.Segment
		if wire.ParseTCP(&o, &s) == wire.OK {
			s.Payload = chunk.View{}
			c.heard, c.from = append(c.heard, s), append(c.from, h.Src)
		}
	}
}

// say sends a segment and returns what the host answered to it. The pipe delivers
// before Flush returns, so the answer is there or will never come.
func (c *crowd) say(src, dst string, s wire.Segment) []wire.Segment {
	c.mu.Lock()
	c.heard, c.from = nil, nil
	c.mu.Unlock()
	h := wire.IP{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), Proto: wire.ProtoTCP, Next: wire.ProtoTCP, TTL: 64}
	t := make([]byte, s.HeaderLen())
	wire.PutTCP(t, &s)
	h.Len = h.Size() + len(t)
	h.Seal(t, nil)
	b := make([]byte, h.Size(), h.Len)
	wire.PutIP(b, &h)
	p := link.Packet{Data: chunk.Copy(append(b, t...))}
	c.device.Send(&p)
	c.device.Flush()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}

// surrounded returns a host at 192.0.2.1/24 that only a crowd is connected to.
func surrounded(t *testing.T, o ...Option) (*Host, *crowd) {
	line := timeline.NewManual()
	h := newHost(t, append([]Option{WithTimeline(line), WithSeed(1)}, o...)...)
	a, b := link.NewPipe(line, link.PipeOptions{})
	c := &crowd{device: a}
	a.Attach(c)
	attach(t, h, b, "192.0.2.1/24", "198.51.100.1/24")
	return h, c
}

func isSYNACK(list []wire.Segment) bool {
	return len(list) == 1 && list[0].Flags == wire.SYN|wire.ACK
}

// "Every passive OPEN call either creates a new connection record in LISTEN state, or
// it returns an error; it MUST NOT affect any previously created connection record."
func TestRFC9293_MUST41_ListeningLeavesConnectionsAlone(t *testing.T) {
	alice, bob := twoHosts(t, link.PipeOptions{})
	s, c := pair(t, bob, alice, "192.0.2.2:80")
	l := listen(t, bob, "192.0.2.2:80")
	if _, err := bob.Listen("tcp", "192.0.2.2:80"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second listener at the address: %v, want EADDRINUSE", err)
	}
	mustWrite(t, c, "still here")
	mustRead(t, s, "still here")
	connect(t, alice, l)
}

// "A TCP that supports multiple concurrent users MUST ... allow an application to LISTEN
// on a port while a connection block with the same local port is in SYN-SENT or
// SYN-RECEIVED", and different local addresses share a port.
func TestRFC9293_MUST42_ListenersShareAPort(t *testing.T) {
	alice, bob := twoHosts(t, link.PipeOptions{})
	four, six := listen(t, bob, "192.0.2.2:80"), listen(t, bob, "[2001:db8::2]:80")
	lo := listen(t, bob, "127.0.0.1:80")
	for _, l := range []*TCPListener{four, six} {
		s, c := connect(t, alice, l)
		mustWrite(t, c, l.Addr().String())
		mustRead(t, s, l.Addr().String())
	}
	connect(t, bob, lo)
}

// "The 'local IP address' ... in an OPEN call", passive and active.
func TestRFC9293_MUST43_LocalAddressMayBeGiven(t *testing.T) {
	h, c := surrounded(t)
	l, err := h.Socket("tcp4")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(l.Bind(netip.MustParseAddrPort("198.51.100.1:80")), l.Listen(1)); err != nil {
		t.Fatal(err)
	}
	syn := wire.Segment{SrcPort: 9, DstPort: 80, Flags: wire.SYN, Window: 1000}
	if got := c.say("192.0.2.9", "192.0.2.1", syn); len(got) != 1 || got[0].Flags&wire.RST == 0 {
		t.Errorf("a SYN to the other address got %v, want a reset", got)
	}
	if got := c.say("192.0.2.9", "198.51.100.1", syn); !isSYNACK(got) {
		t.Errorf("a SYN to the address got %v, want SYN-ACK", got)
	}
	s, err := h.Socket("tcp4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Bind(netip.MustParseAddrPort("198.51.100.1:0")); err != nil {
		t.Fatal(err)
	}
	c.heard, c.from = nil, nil
	if err := s.Connect(netip.MustParseAddrPort("192.0.2.9:99")); err != syscall.EINPROGRESS {
		t.Fatal(err)
	}
	if len(c.from) != 1 || c.from[0] != netip.MustParseAddr("198.51.100.1") {
		t.Errorf("the SYN came from %v", c.from)
	}
}

// Without one, "the TCP implementation MUST ask the IP layer to select a local IP
// address before sending the (first) SYN" (RFC 6724).
func TestRFC9293_MUST44_SourceIsChosenByIP(t *testing.T) {
	h, c := surrounded(t)
	for to, want := range map[string]string{"192.0.2.77:5": "192.0.2.1", "198.51.100.77:5": "198.51.100.1"} {
		s, err := h.Socket("tcp4")
		if err != nil {
			t.Fatal(err)
		}
		c.from = nil
		if err := s.Connect(netip.MustParseAddrPort(to)); err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
		if len(c.from) != 1 || c.from[0] != netip.MustParseAddr(want) {
			t.Errorf("to %s the SYN came from %v, want %s", to, c.from, want)
		}
		s.Close()
	}
}

// "At all other times, a previous segment has either been sent or received on this
// connection, and TCP implementations MUST use the same local address."
func TestRFC9293_MUST45_LocalAddressStays(t *testing.T) {
	alice, bob := twoHosts(t, link.PipeOptions{})
	s, c := pair(t, bob, alice, "192.0.2.2:80")
	before := c.LocalAddr().String()
	if err := alice.AddAddress(2, netip.MustParsePrefix("192.0.2.200/24")); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, c, "from the same address")
	mustRead(t, s, "from the same address")
	if c.LocalAddr().String() != before || s.RemoteAddr().String() != before {
		t.Errorf("the address changed from %s to %s", before, c.LocalAddr())
	}
}

// "A TCP implementation MUST reject as an error a local OPEN call for an invalid
// remote IP address (e.g., a broadcast or multicast address)."
func TestRFC9293_MUST46_NoConnectionToGroups(t *testing.T) {
	h, c := surrounded(t)
	for _, to := range []string{"255.255.255.255:80", "192.0.2.255:80", "224.0.0.1:80", "239.1.2.3:80"} {
		s, err := h.Socket("tcp4")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Connect(netip.MustParseAddrPort(to)); err == nil || err == syscall.EINPROGRESS {
			t.Errorf("Connect(%s) = %v, want an error", to, err)
		}
		s.Close()
	}
	if len(c.heard) != 0 {
		t.Errorf("%d segments were sent all the same", len(c.heard))
	}
}

// "A TCP implementation MUST silently discard an incoming SYN segment that is addressed
// to a broadcast or multicast address."
func TestRFC9293_MUST57_NoAnswerToASYNToAGroup(t *testing.T) {
	h, c := surrounded(t)
	listen(t, h, "0.0.0.0:80")
	syn := wire.Segment{SrcPort: 9, DstPort: 80, Flags: wire.SYN, Window: 1000}
	for _, dst := range []string{"255.255.255.255", "192.0.2.255", "224.0.0.1"} {
		if got := c.say("192.0.2.9", dst, syn); len(got) != 0 {
			t.Errorf("a SYN to %s was answered with %v", dst, got)
		}
	}
	if got := c.say("192.0.2.9", "192.0.2.1", syn); !isSYNACK(got) {
		t.Errorf("a SYN to the host itself got %v, want SYN-ACK", got)
	}
}

// "TCP ... MUST ignore an incoming SYN with an invalid source address."
func TestRFC9293_MUST63_NoAnswerToAnInvalidSource(t *testing.T) {
	h, c := surrounded(t)
	listen(t, h, "0.0.0.0:80")
	syn := wire.Segment{SrcPort: 9, DstPort: 80, Flags: wire.SYN, Window: 1000}
	for _, src := range []string{"255.255.255.255", "192.0.2.255", "224.0.0.1", "0.0.0.0", "127.0.0.1", "192.0.2.1", "240.0.0.1"} {
		if got := c.say(src, "192.0.2.1", syn); len(got) != 0 {
			t.Errorf("a SYN from %s was answered with %v", src, got)
		}
	}
	if n := h.Stats().HalfOpen; n != 0 {
		t.Errorf("%d half-open connections came of them", n)
	}
}

// "There MUST be a mechanism for reporting soft TCP error conditions to the
// application": asked for, so that who does not want them hears nothing (SHLD-20).
func TestRFC9293_MUST47_SoftErrorsAreReported(t *testing.T) {
	h, c := surrounded(t)
	s, err := h.Socket("tcp4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Connect(netip.MustParseAddrPort("192.0.2.9:99")); err != syscall.EINPROGRESS {
		t.Fatal(err)
	}
	c.complain(s, uint32(c.heard[0].Seq))
	if err := s.Error(); err != nil {
		t.Errorf("a soft error ended the connection: %v", err)
	}
	if err := s.SoftError(); err != syscall.EHOSTUNREACH {
		t.Errorf("SoftError = %v, want EHOSTUNREACH", err)
	}
	if err := s.SoftError(); err != nil {
		t.Errorf("a second SoftError = %v, want nil", err)
	}
}

// The information is there for the program (SHLD-25).
func TestRFC9293_SHLD25_SoftErrorsAreMadeKnown(t *testing.T) {
	TestRFC9293_MUST47_SoftErrorsAreReported(t)
}

// Who does not ask is not told: no call fails because of a soft error (SHLD-20).
func TestRFC9293_SHLD20_ReportsCanBeIgnored(t *testing.T) {
	TestRFC9293_MUST47_SoftErrorsAreReported(t)
}

// complain sends an ICMP Host Unreachable about the segment with that number.
func (c *crowd) complain(s *Socket, seq uint32) {
	quoted := wire.IP{Src: s.LocalAddr().Addr(), Dst: s.RemoteAddr().Addr(), Proto: wire.ProtoTCP, Next: wire.ProtoTCP, TTL: 1, Len: 40}
	body := make([]byte, quoted.Size()+wire.TCPLen)
	wire.PutIP(body, &quoted)
	wire.PutTCP(body[quoted.Size():], &wire.Segment{SrcPort: s.LocalAddr().Port(), DstPort: s.RemoteAddr().Port(), Seq: wire.Seq(seq), Flags: wire.SYN})
	h := wire.IP{Src: netip.MustParseAddr("192.0.2.254"), Dst: s.LocalAddr().Addr(), Proto: wire.ProtoICMPv4, Next: wire.ProtoICMPv4, TTL: 64}
	m := make([]byte, wire.ICMPLen)
	wire.PutICMP(m, &wire.ICMP{Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4HostUnreachable})
	h.Len = h.Size() + len(m) + len(body)
	h.Seal(m, body)
	b := make([]byte, h.Size(), h.Len)
	wire.PutIP(b, &h)
	p := link.Packet{Data: chunk.Copy(append(append(b, m...), body...))}
	c.device.Send(&p)
	c.device.Flush()
}

// "TCP implementations SHOULD inform the application of the delivery problem ... when R1
// is reached and before R2."
func TestRFC9293_SHLD9_TroubleIsTold(t *testing.T) {
	h, c := surrounded(t)
	s, err := h.Socket("tcp4")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Connect(netip.MustParseAddrPort("192.0.2.9:99")); err != syscall.EINPROGRESS {
		t.Fatal(err)
	}
	syn := c.heard[0]
	c.say("192.0.2.9", "192.0.2.1", wire.Segment{SrcPort: 99, DstPort: syn.SrcPort, Seq: 1, Ack: syn.Seq + 1, Flags: wire.SYN | wire.ACK, Window: 1000})
	if _, err := s.Send([]byte("hello?")); err != nil {
		t.Fatal(err)
	}
	line := h.Timeline()
	told := mono.Never
	for line.Now() < mono.Time(1000e9) && !s.Ready().Has(Failed) {
		line.Advance(line.Next())
		if s.Ready().Has(Doubtful) && told == mono.Never {
			told = line.Now()
		}
	}
	if !s.Ready().Has(Failed) || !errors.Is(s.Error(), syscall.ETIMEDOUT) {
		t.Fatalf("the connection did not time out")
	}
	if told == mono.Never || told >= line.Now() {
		t.Errorf("told of trouble at %v, the end was at %v", told, line.Now())
	}
}
