package octet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// A forge is a device by which a test says any packet to a host and hears what
// the host says.
type forge struct {
	to    link.Receiver
	heard []link.Packet
	keep  bool // what the host says; otherwise it is only counted
	count int

	iss, stamp uint32 // of the last handshake
}

func (f *forge) Attach(r link.Receiver) { f.to = r }
func (f *forge) Flush()                 {}
func (f *forge) Close() error           { return nil }
func (f *forge) Info() link.Info        { return link.Info{Name: "forge", MTU: 1500} }

func (f *forge) Send(p *link.Packet) {
	f.count++
	if f.keep {
		f.heard = append(f.heard, link.Packet{})
		last := &f.heard[len(f.heard)-1]
		copy(last.SetHead(len(p.Head())), p.Head())
		last.Data = chunk.Copy(p.Data.B)
	}
	p.Data.Release()
}

// say has a segment arrive.
func (f *forge) say(now mono.Time, src, dst netip.Addr, seg wire.Segment) {
	var p link.Packet
	head := wire.IP{Src: src, Dst: dst, Proto: wire.ProtoTCP, TTL: 64}
	putTCP(&p, &head, &seg, false)
	batch := [1]link.Packet{p}
	f.to.Receive(now, batch[:])
}

// answers returns the TCP segments that the host sent since the last call.
func (f *forge) answers(t testing.TB) (list []wire.Segment) {
	t.Helper()
	for i := range f.heard {
		o := wire.Octets{Head: f.heard[i].Head(), Data: f.heard[i].Data}
		var h wire.IP
		var s wire.Segment
		if wire.ParseIP(&o, &h) != wire.OK {
			t.Fatalf("the host sent a broken packet: %x", f.heard[i].Head())
		}
		if h.Proto != wire.ProtoTCP {
			continue // group memberships and the like
		}
		o.Pull(int(h.HeaderLen))
		if h.Verify(&o) != wire.OK || wire.ParseTCP(&o, &s) != wire.OK {
			t.Fatalf("the host sent a broken segment: %x", f.heard[i].Head())
		}
		list = append(list, s)
	}
	f.heard = nil
	return list
}

// besieged returns a host at 192.0.2.1 with a forge beside it, and a bystander: a
// connection over loopback that must keep working whatever happens.
func besieged(t testing.TB, o ...Option) (line *timeline.Timeline, h *Host, f *forge, check func()) {
	t.Helper()
	line, h = manual(t, o...)
	f = &forge{keep: true}
	attach(t, h, f, "192.0.2.1/24", "2001:db8::1/64")
	s, c := joinedSockets(t, h)
	return line, h, f, func() {
		t.Helper()
		if _, err := c.Send([]byte("bystander")); err != nil {
			t.Errorf("the bystander cannot send: %v", err)
		}
		buf := make([]byte, 20)
		if n, err := s.Recv(buf); string(buf[:n]) != "bystander" || err != nil {
			t.Errorf("the bystander received %q, %v", buf[:n], err)
		}
		fs, fc := joinedSockets2(t, h, "127.0.0.9:8181")
		fs.Close()
		fc.Close()
	}
}

func joinedSockets2(t testing.TB, h *Host, address string) (server, client *Socket) {
	t.Helper()
	l := listening(t, h, address, 1)
	defer l.Close()
	client = connecting(t, h, address)
	return accepted(t, l), client
}

var (
	victim  = netip.MustParseAddr("192.0.2.1")
	peer    = netip.MustParseAddr("192.0.2.66")
	victim6 = netip.MustParseAddr("2001:db8::1")
)

// T-43: addresses that nobody can have, or that name no single host, are dropped
// in silence (RFC 9293 MUST-57, MUST-63).
func TestThreat_T43_ImpossibleAddresses(t *testing.T) {
	line, h, f, check := besieged(t)
	listening(t, h, "192.0.2.1:80", 5)
	listening(t, h, "[2001:db8::1]:81", 5)
	listening(t, h, "192.0.2.1:81", 5)
	for _, c := range []struct {
		name, src, dst   string
		srcPort, dstPort uint16
	}{
		{"LAND", "192.0.2.1", "192.0.2.1", 80, 80},
		{"LAND of IPv6", "2001:db8::1", "2001:db8::1", 81, 81},
		{"source port 0", "192.0.2.66", "192.0.2.1", 0, 80},
		{"destination port 0", "192.0.2.66", "192.0.2.1", 1000, 0},
		{"from a group", "224.0.0.1", "192.0.2.1", 1000, 80},
		{"from everybody", "255.255.255.255", "192.0.2.1", 1000, 80},
		{"from loopback", "127.0.0.1", "192.0.2.1", 1000, 80},
		{"from nowhere", "0.0.0.0", "192.0.2.1", 1000, 80},
		{"to loopback", "192.0.2.66", "127.0.0.1", 1000, 80},
		{"to everybody", "192.0.2.66", "255.255.255.255", 1000, 81},
		{"to the network", "192.0.2.66", "192.0.2.255", 1000, 81},
		{"to a group", "192.0.2.66", "224.0.0.1", 1000, 81},
		{"from a group of IPv6", "ff02::1", "2001:db8::1", 1000, 81},
		{"to a group of IPv6", "2001:db8::66", "ff02::1", 1000, 81},
		{"from nowhere in IPv6", "::", "2001:db8::1", 1000, 81},
		{"to a closed port of a group", "192.0.2.66", "224.0.0.1", 1000, 9},
	} {
		before := h.Stats()
		for _, flags := range []wire.Flags{wire.SYN, wire.ACK, wire.SYN | wire.ACK, wire.FIN | wire.ACK, wire.RST, 0} {
			f.say(line.Now(), addr(c.src), addr(c.dst), wire.Segment{SrcPort: c.srcPort, DstPort: c.dstPort, Seq: 1, Ack: 1, Flags: flags, Window: 1000})
		}
		if n := len(f.answers(t)); n != 0 {
			t.Errorf("%s: %d answers", c.name, n)
		}
		if after := h.Stats(); after.HalfOpen != before.HalfOpen || after.Connections != before.Connections {
			t.Errorf("%s: made a connection", c.name)
		}
	}
	check()
}

// T-47: what belongs to no connection is answered by one reset at most, without payload.
func TestThreat_T47_OutOfState(t *testing.T) {
	line, h, f, check := besieged(t)
	listening(t, h, "192.0.2.1:80", 5)
	for _, port := range []uint16{80, 9} {
		for flags := range wire.Flags(64) {
			if flags&(wire.SYN|wire.ACK|wire.RST) == wire.SYN && port == 80 {
				continue // a proper SYN
			}
			seg := wire.Segment{SrcPort: 1000, DstPort: port, Seq: 100, Ack: 200, Flags: flags, Window: 100}
			f.say(line.Now(), peer, victim, seg)
			list := f.answers(t)
			wantNone := flags&wire.RST != 0 || port == 80 && flags&wire.ACK == 0
			switch {
			case wantNone && len(list) != 0:
				t.Errorf("port %d, flags %b: answered by %+v", port, flags, list)
			case !wantNone && (len(list) != 1 || list[0].Flags&wire.RST == 0 || list[0].Payload.Len() != 0):
				t.Errorf("port %d, flags %b: answered by %+v, want one reset", port, flags, list)
			}
		}
	}
	check()
}

// T-50: a flood of SYNs from sources that do not exist fills the half-open places
// and nothing else.
func TestThreat_T50_SYNFlood(t *testing.T) {
	const backlog = 128
	line, h, f, check := besieged(t)
	f.keep = false
	if err := h.AddRouteThrough(netip.MustParsePrefix("0.0.0.0/0"), 2); err != nil {
		t.Fatal(err)
	}
	listening(t, h, "192.0.2.1:80", backlog)
	before := memory()
	const flood = 100_000
	for i := range uint32(flood) {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000|i)
		f.say(line.Now(), netip.AddrFrom4(a), victim, wire.Segment{SrcPort: 1000 + uint16(i%50000), DstPort: 80, Seq: wire.Seq(i), Flags: wire.SYN, Window: 1000})
	}
	s := h.Stats()
	if s.HalfOpen > backlog || s.CookiesSent != flood-uint64(s.HalfOpen) {
		t.Errorf("%d half-open connections, %d SYNs answered by cookies of %d", s.HalfOpen, s.CookiesSent, flood)
	}
	if grown := memory() - before; grown > backlog*16<<10 {
		t.Errorf("memory grew by %d octets", grown)
	}
	check()
	line.Advance(line.Now().Add(10 * time.Minute)) // T-48: SYN-ACKs are repeated a few times and given up
	if n := f.count - int(s.CookiesSent); n > backlog*8 {
		t.Errorf("%d SYN-ACKs for %d connections", n, backlog)
	}
	if s := h.Stats(); s.HalfOpen != 0 {
		t.Errorf("%d half-open connections never end", s.HalfOpen)
	}
	check()
}

func memory() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// T-51: piles of connections that are closed at one end and never at the other go
// away; TIME-WAIT holds as many records as it may and lets the oldest go.
func TestThreat_T51_AbandonedConnections(t *testing.T) {
	p := Linux()
	p.TimeWaits, p.Orphans = 1000, 500
	line, h, f, check := besieged(t, WithProfile(p))
	f.keep = false
	l := listening(t, h, "192.0.2.1:80", 5)
	const n = 3000
	for i := range n {
		s := handshake(t, line, f, l, uint16(i+1))
		s.Close() // FIN-WAIT-1, and the peer says nothing more
	}
	if s := h.Stats(); s.Orphans > 500 || s.Drops[DropOrphan] != n-500 {
		t.Errorf("%d orphans, %d reset, of %d", s.Orphans, s.Drops[DropOrphan], n)
	}
	check()
	line.Advance(line.Now().Add(time.Hour))
	if s := h.Stats(); s.Orphans != 0 || s.Connections != 2 {
		t.Errorf("an hour later: %+v", s)
	}
	for range n { // over loopback, to TIME-WAIT
		s, c := joinedSockets2(t, h, "127.0.0.1:82")
		c.Close()
		s.Close()
	}
	if s := h.Stats(); s.TimeWaits != 1000 || s.Recycled < n-1000 {
		t.Errorf("%d records of TIME-WAIT, %d recycled, of %d", s.TimeWaits, s.Recycled, n)
	}
	check()
	line.Advance(line.Now().Add(2 * time.Minute))
	if s := h.Stats(); s.TimeWaits != 0 {
		t.Errorf("%d records of TIME-WAIT never end", s.TimeWaits)
	}
}

// handshake opens a connection from the peer's port to a listener on port 80.
func handshake(t testing.TB, line *timeline.Timeline, f *forge, l *Socket, port uint16) *Socket {
	t.Helper()
	return handshakeWith(t, line, f, l, port, wire.Options{})
}

func handshakeWithTimestamp(t testing.TB, line *timeline.Timeline, f *forge, l *Socket, port uint16) *Socket {
	t.Helper()
	return handshakeWith(t, line, f, l, port, wire.Options{Has: wire.HasTimestamp, TSVal: 1})
}

func handshakeWith(t testing.TB, line *timeline.Timeline, f *forge, l *Socket, port uint16, o wire.Options) *Socket {
	t.Helper()
	keep := f.keep
	f.keep, f.heard = true, nil
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: port, DstPort: 80, Seq: 999, Flags: wire.SYN, Window: 65535, Options: o})
	list := f.answers(t)
	if len(list) != 1 || list[0].Flags != wire.SYN|wire.ACK {
		t.Fatalf("SYN answered by %+v", list)
	}
	f.iss, f.stamp = uint32(list[0].Seq), list[0].Options.TSVal
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: port, DstPort: 80, Seq: 1000, Ack: list[0].Seq + 1, Flags: wire.ACK, Window: 65535, Options: o})
	f.keep = keep
	return accepted(t, l)
}

// T-58: connections whose tuples an attacker chose so that they would meet in a
// weak hash are found as fast as others.
func TestThreat_T58_ChosenTuples(t *testing.T) {
	var random, chosen table[*Socket]
	const n = 100_000
	var last tuple
	fill := func(tab *table[*Socket], name func(i int) tuple) time.Duration {
		tab.init()
		for i := range n {
			last = name(i)
			tab.add(&last, &Socket{tuple: last})
		}
		start := time.Now()
		for i := range n {
			if k := name(i); tab.get(&k) == nil {
				t.Fatal("a tuple is lost")
			}
		}
		return time.Since(start)
	}
	a := fill(&random, func(i int) (k tuple) {
		binary.BigEndian.PutUint64(k.remote[8:], uint64(i)*0x9e3779b97f4a7c15)
		k.localPort, k.remotePort = 80, uint16(i*40503)
		return k
	})
	b := fill(&chosen, func(i int) (k tuple) { // ports and the last octets are the same
		binary.BigEndian.PutUint64(k.remote[:], uint64(i))
		k.localPort, k.remotePort = 80, 1000
		return k
	})
	t.Logf("random %v, chosen %v a lookup", a/n, b/n)
	if b > 8*a { // flat, not linear: a chain of all would be 10⁴ times slower
		t.Errorf("chosen tuples take %v, random ones %v", b, a)
	}
}

// T-59: a timer a connection, none of them with a goroutine.
func TestThreat_T59_ManyTimers(t *testing.T) {
	p := Linux()
	p.TCP.KeepAlive.Idle, p.TCP.KeepAlive.Interval, p.TCP.KeepAlive.Count = time.Minute, time.Minute, 3
	line, h := manual(t, WithProfile(p))
	const n = 5000
	before := runtime.NumGoroutine()
	l := listening(t, h, "127.0.0.1:80", n)
	var all []*Socket
	for range n {
		all = append(all, connecting(t, h, "127.0.0.1:80"), accepted(t, l))
	}
	if g := runtime.NumGoroutine(); g > before {
		t.Errorf("%d goroutines for %d connections", g-before, n)
	}
	line.Advance(line.Now().Add(10 * time.Minute))
	for _, s := range all {
		if state(s) != "ESTABLISHED" {
			t.Fatalf("a connection is in %s after ten idle minutes", state(s))
		}
	}
}

// T-69: SYNs to a listener whose program never calls Accept are ignored, not
// reset, and connections whose program never reads are stopped by their window.
func TestThreat_T69_NobodyAcceptsOrReads(t *testing.T) {
	line, h, f, check := besieged(t)
	l := listening(t, h, "192.0.2.1:80", 3)
	for port := range uint16(200) {
		f.say(line.Now(), peer, victim, wire.Segment{SrcPort: port + 1, DstPort: 80, Seq: 1, Flags: wire.SYN, Window: 100})
		for _, a := range f.answers(t) {
			if a.Flags&wire.RST != 0 {
				t.Fatalf("SYN %d was answered by a reset", port)
			}
			f.say(line.Now(), peer, victim, wire.Segment{SrcPort: port + 1, DstPort: 80, Seq: 2, Ack: a.Seq + 1, Flags: wire.ACK, Window: 100})
			f.answers(t)
		}
	}
	if n := l.listen.waitingForAccept(); n != 3 {
		t.Errorf("%d connections wait for Accept, want the backlog of 3", n)
	}
	l.Close()
	f.answers(t)

	l = listening(t, h, "192.0.2.1:80", 3)
	s := handshake(t, line, f, l, 5000)
	limit := s.Info().ReceiveBuffer
	seq, sent, window := wire.Seq(1000), 0, 65535
	for window > 0 && sent < 10<<20 {
		seg := wire.Segment{SrcPort: 5000, DstPort: 80, Seq: seq, Ack: s.Info().SndNxt, Flags: wire.ACK, Window: 1000}
		n := min(1400, window)
		seg.Payload = payload(n)
		f.say(line.Now(), peer, victim, seg)
		line.Advance(line.Now().Add(time.Second))
		for _, a := range f.answers(t) {
			seq, window = a.Ack, int(a.Window)
		}
		sent += n
	}
	if i := s.Info(); window != 0 || i.ReceiveQueued > 2*limit {
		t.Errorf("window %d after %d octets, %d of them queued", window, sent, i.ReceiveQueued)
	}
	check()
}

// T-71: everything at once from many goroutines, and Close in the middle of it.
func TestThreat_T71_CloseDuringEverything(t *testing.T) {
	h := newHost(t)
	for round := range 20 {
		l := listen(t, h, "127.0.0.1:0")
		s, c := connect(t, h, l)
		u := listenUDP(t, h, "127.0.0.1:0")
		var wg sync.WaitGroup
		var begun atomic.Int32
		for i := range 64 {
			wg.Go(func() {
				begun.Add(1)
				if err := abuse(i, h, l, s, c, u); !allowed(err) {
					t.Errorf("round %d, abuse %d: %v", round, i%len(abuses), err)
				}
			})
		}
		for begun.Load() < 32 {
			runtime.Gosched()
		}
		for range 3 { // twice is an error, and no more than that
			for _, x := range []io.Closer{l, s, c, u} {
				wg.Go(func() {
					if err := x.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
						t.Errorf("close: %v", err)
					}
				})
			}
		}
		wg.Wait()
	}
}

var abuses = []func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error{
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		_, err := c.Read(make([]byte, 100))
		return err
	},
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		_, err := io.Copy(struct{ io.Writer }{s}, neverEnding{})
		return err
	},
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		for {
			x, err := l.Accept()
			if err != nil {
				return err
			}
			x.Close()
		}
	},
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		for {
			x, err := h.Dial("tcp", l.Addr().String())
			if err != nil {
				return err
			}
			x.Close()
		}
	},
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		for i := 0; ; i++ { // a storm of deadlines
			if err := c.SetDeadline(time.Now().Add(time.Duration(i%3-1) * time.Millisecond)); err != nil {
				return err
			}
		}
	},
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error { return c.CloseWrite() },
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		_, err := u.Read(make([]byte, 1))
		return err
	},
	func(h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
		for {
			if _, err := u.WriteTo([]byte("x"), u.LocalAddr()); err != nil {
				return err
			}
			if _, err := u.Read(make([]byte, 1)); err != nil {
				return err
			}
		}
	},
}

func abuse(i int, h *Host, l *TCPListener, s, c *TCPConn, u *UDPConn) error {
	return abuses[i%len(abuses)](h, l, s, c, u)
}

// allowed says which errors a call may end with while its socket is closed.
func allowed(err error) bool {
	for _, x := range []error{
		nil, io.EOF, net.ErrClosed, os.ErrDeadlineExceeded,
		syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE, syscall.ENOTCONN,
	} {
		if errors.Is(err, x) {
			return true
		}
	}
	return false
}

// T-72: the clock jumps, by hours and weeks; timers neither stop nor run hot.
func TestThreat_T72_ClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, 25 * 24 * time.Hour, 50 * 24 * time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			line, h, _, check := besieged(t)
			s, c := joinedSockets2(t, h, "127.0.0.1:83")
			check()
			line.Advance(line.Now().Add(jump))
			check()
			if _, err := c.Send([]byte("after the jump")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			if n, err := s.Recv(buf); string(buf[:n]) != "after the jump" || err != nil {
				t.Errorf("received %q, %v", buf[:n], err)
			}
			events := 0
			for next := line.Next(); next != mono.Never && events < 1000; next = line.Next() {
				line.Advance(next)
				events++
			}
			if events == 1000 {
				t.Error("timers never come to rest")
			}
		})
	}
	t.Run("a deadline long past", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t)
			s, _ := pair(t, h, h, "127.0.0.1:0")
			for _, d := range []time.Time{time.Unix(0, 1), time.Unix(1, 0), time.Now().Add(-time.Hour)} {
				s.SetReadDeadline(d)
				if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("deadline %v: %v", d, err)
				}
			}
		})
	})
}
