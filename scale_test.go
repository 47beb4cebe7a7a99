package octet

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// greeted sends an octet each way between two sockets.
func greeted(t testing.TB, a, b *Socket) {
	t.Helper()
	p := []byte{1}
	for _, way := range [][2]*Socket{{a, b}, {b, a}} {
		if _, err := way[0].Send(p); err != nil {
			t.Fatal(err)
		}
		if _, err := way[1].Recv(p); err != nil {
			t.Fatal(err)
		}
	}
}

// A connection at rest, on which an octet has gone each way, holds at most 1.5 kB at
// each end, no timer and no goroutine, however many there are.
func TestIdleConnections(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	line, h := manual(t)
	var listeners []*Socket
	for i := range 10 { // each port has no more than 28,000 peers
		listeners = append(listeners, listening(t, h, fmt.Sprintf("127.0.0.1:%d", 80+i), n))
	}
	ends := make([]*Socket, 0, 2*n)
	goroutines := runtime.NumGoroutine()
	before := heap()
	for i := range n {
		l := listeners[i%len(listeners)]
		c, err := h.Socket("tcp")
		if err != nil {
			t.Fatal(err)
		}
		c.Connect(l.LocalAddr()) // seen by Accept
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		greeted(t, c, s)
		ends = append(ends, c, s)
	}
	busy := heap()
	line.Advance(line.Now().Add(3 * time.Second))
	each := float64(heap()-before) / float64(len(ends))
	t.Logf("%d connections: %.0f octets each end, %.0f just after use", n, each, float64(busy-before)/float64(len(ends)))
	if each > 1536 {
		t.Errorf("each end of an idle connection holds %.0f octets", each)
	}
	if g := runtime.NumGoroutine(); g > goroutines {
		t.Errorf("%d goroutines for %d connections", g-goroutines, n)
	}
	if line.Len() > 10 {
		t.Errorf("%d timers run for idle connections", line.Len())
	}
	for _, s := range ends { // and all of them still work
		if state(s) != "ESTABLISHED" {
			t.Fatalf("a connection is in %s", state(s))
		}
	}
	greeted(t, ends[0], ends[1])
	runtime.KeepAlive(ends)
}

// A record of TIME-WAIT holds 128 octets, and the place where it is found less than
// half as much more.
func TestManyTimeWaits(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	var w timeWaits
	line := timeline.NewManual()
	w.init(line, 0, n)
	before := heap()
	for i := range n {
		k := tupleNumber(i)
		w.add(&k, tcp.TimeWait{})
	}
	each := float64(heap()-before) / float64(n)
	t.Logf("%d records: %.0f octets each", n, each)
	if each > 192 {
		t.Errorf("a record holds %.0f octets", each)
	}
	if records, pushed := w.len(); records != n || pushed != 0 {
		t.Errorf("%d records, %d left early", records, pushed)
	}
	line.Advance(mono.Time(time.Hour))
	if records, _ := w.len(); records != 0 {
		t.Errorf("%d records after an hour", records)
	}
	runtime.KeepAlive(&w)
}

// It costs a packet the same to find its listener among ten as among ten thousand.
func TestManyListeners(t *testing.T) {
	_, h := manual(t)
	find := func(n int) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			for i := range 20_000 {
				to := netip.AddrPortFrom(loopback4, uint16(1000+i*7919%n))
				if h.ports.find(wire.ProtoTCP, to, 1) == nil {
					t.Fatalf("nobody listens at %v", to)
				}
			}
			best = min(best, time.Since(start))
		}
		return best / 20_000
	}
	open := 0
	listen := func(n int) {
		for ; open < n; open++ {
			s, err := h.Socket("tcp4")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Bind(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(1000+open))); err != nil {
				t.Fatal(err)
			}
			if err := s.Listen(1); err != nil {
				t.Fatal(err)
			}
		}
	}
	listen(10)
	few := find(10)
	listen(10_000)
	many := find(10_000)
	t.Logf("%v among 10, %v among 10,000", few, many)
	if many > 8*few { // the cache holds ten of them; a list would be a thousand times slower
		t.Errorf("finding one listener takes %v among 10, %v among 10,000", few, many)
	}
}

// One connection: handshake, an octet each way, close by both ends, TIME-WAIT. Nobody
// waits, so this is what the stack itself costs.
func BenchmarkChurn(b *testing.B) {
	line, h := manual(b)
	l := listening(b, h, "127.0.0.1:80", 10)
	b.ReportAllocs()
	for b.Loop() {
		c, err := h.Socket("tcp")
		if err != nil {
			b.Fatal(err)
		}
		c.Connect(l.LocalAddr())
		s, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		greeted(b, c, s)
		c.Close()
		s.Close()
		line.Advance(line.Now() + 20_000)
	}
}
