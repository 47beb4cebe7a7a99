package octet

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

func TestFreshHostHasLoopback(t *testing.T) {
	h := newHost(t)
	list, err := h.Interfaces()
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	lo := list[0]
	want := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}
	if lo.Name != "lo" || lo.Index != 1 || lo.MTU < 65535 || !slices.Equal(lo.Addrs, want) ||
		lo.Flags&(net.FlagUp|net.FlagLoopback) != net.FlagUp|net.FlagLoopback || lo.MAC != nil {
		t.Errorf("%+v", lo)
	}
	if h.Name() != "localhost" {
		t.Errorf("it is called %s", h.Name())
	}
}

// The same seed and name give the same packets.
func TestSeedRepeats(t *testing.T) {
	run := func(name string, seed uint64) []uint16 {
		_, h := silent(t, WithName(name), WithSeed(seed))
		return ports(t, h, "192.0.2.2:80", 10)
	}
	first := run("alice", 1)
	if !slices.Equal(first, run("alice", 1)) {
		t.Error("two runs with one seed differ")
	}
	if slices.Equal(first, run("alice", 2)) || slices.Equal(first, run("bob", 1)) {
		t.Error("another seed or name gave the same")
	}
}

// watcher is an observer that notes every packet.
type watcher struct {
	mu      sync.Mutex
	in, out []string
	longest atomic.Int64
}

func (w *watcher) Observe(s *link.Sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.longest.Store(max(w.longest.Load(), int64(s.Packet.Len())))
	text := s.Device + " " + wire.Layers(wire.Plain(s.Packet.AppendTo(nil)), 0)
	if s.Outgoing {
		w.out = append(w.out, text)
	} else {
		w.in = append(w.in, text)
	}
}

func TestObserverSeesEveryPacket(t *testing.T) {
	w := new(watcher)
	_, h := manual(t, WithObserver(w))
	server, client := listenUDP(t, h, "127.0.0.1:6789"), dialUDP(t, h, "localhost:6789")
	mustWrite(t, client, "Hello")
	mustReadDatagram(t, server, "Hello")
	want := []string{"lo [IP 20 [UDP 8 [data 5]]]"}
	if !slices.Equal(w.in, want) || !slices.Equal(w.out, want) {
		t.Errorf("in %q, out %q; want %q of both", w.in, w.out, want)
	}
}

// Whatever arrives, the host neither panics nor stops working.
func FuzzReceive(f *testing.F) {
	line := timeline.NewManual()
	for _, seg := range []wire.Segment{
		{SrcPort: 1000, DstPort: 80, Seq: 1, Flags: wire.SYN, Window: 1000},
		{SrcPort: 1000, DstPort: 80, Seq: 2, Ack: 3, Flags: wire.ACK | wire.FIN, Window: 1000},
	} {
		var p link.Packet
		head := wire.IP{Src: peer, Dst: victim, Proto: wire.ProtoTCP, TTL: 64}
		putTCP(&p, &head, &seg, false)
		f.Add(p.AppendTo(nil), true)
		head = wire.IP{Src: addr("2001:db8::66"), Dst: victim6, Proto: wire.ProtoTCP, TTL: 64}
		putTCP(&p, &head, &seg, false)
		f.Add(p.AppendTo(nil), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		if len(b) > 65535 {
			return
		}
		h := NewHost(WithTimeline(line), WithSeed(1))
		defer h.Close()
		dev := &forge{}
		attach(t, h, dev, "192.0.2.1/24", "2001:db8::1/64")
		listening(t, h, "[::]:80", 2)
		server, client := joinedSockets2(t, h, "127.0.0.1:81")
		// the same octets a few times, and with a right checksum, so that more than the checks is reached
		for i := range 3 {
			var p link.Packet
			if whole {
				p.Data = chunk.Copy(b)
			} else {
				p.Data = chunk.Borrow(slices.Clone(b))
			}
			p.NoSum = i > 0
			batch := []link.Packet{p}
			dev.to.Receive(line.Now(), batch)
			batch[0].Data.Release()
			line.Advance(line.Now() + 1e9)
		}
		if _, err := client.Send([]byte("still alive")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 20)
		if n, err := server.Recv(buf); err != nil || string(buf[:n]) != "still alive" {
			t.Fatalf("the host does not work any more: %q, %v", buf[:n], err)
		}
	})
}

func TestConnsListsEverySocket(t *testing.T) {
	_, h := manual(t)
	l := listening(t, h, "127.0.0.1:80", 7)
	c := connecting(t, h, "127.0.0.1:80")
	s := accepted(t, l)
	if _, err := c.Send([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	connecting(t, h, "127.0.0.1:80") // waits for Accept
	x, y := joinedSockets2(t, h, "127.0.0.2:90")
	x.Close()
	y.Close()
	u := listenUDP(t, h, "127.0.0.1:53")
	type row struct {
		network, state, local string
		receive, send         int
	}
	have := map[row]bool{}
	for _, c := range h.Conns() {
		have[row{c.Network, c.State, c.Local.String(), c.ReceiveQueue, c.SendQueue}] = true
	}
	for _, want := range []row{
		{"tcp", "LISTEN", "127.0.0.1:80", 1, 7},
		{"tcp", "ESTABLISHED", "127.0.0.1:80", 6, 0},
		{"tcp", "ESTABLISHED", c.LocalAddr().String(), 0, 0},
		{"tcp", "TIME-WAIT", "127.0.0.2:90", 0, 0},
		{"udp", "", "127.0.0.1:53", 0, 0},
	} {
		if !have[want] {
			t.Errorf("no row %+v in %v", want, h.Conns())
		}
	}
	s.Close()
	u.Close()
}

// Two hosts without a Timeline of their own each have one, which ends with them.
func TestHostOwnsItsTimeline(t *testing.T) {
	h := NewHost()
	l, err := h.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.Copy(c, c)
		}
	}()
	c, err := h.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, c, "x")
	mustRead(t, c, "x")
	h.Close()
	if n := h.Timeline().Len(); n != 0 {
		t.Errorf("%d timers remain", n)
	}
}

// Abort ends all sockets, tells the peers, and leaves a host that works.
func TestAbortEndsSocketsNotTheHost(t *testing.T) {
	a, b := twoHosts(t, link.PipeOptions{})
	l := listen(t, b, "192.0.2.2:80")
	_, c := connect(t, a, l)
	b.Abort()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer reads %v, want ECONNRESET", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept returns %v, want net.ErrClosed", err)
	}
	if _, err := a.Dial("tcp", "192.0.2.2:80"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial returns %v, want ECONNREFUSED", err)
	}
	pair(t, b, a, "192.0.2.2:80")
}
