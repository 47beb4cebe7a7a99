package octet

import (
	"bytes"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet/tcp"
)

// budgeted returns a host with so much memory, and pairs of connected sockets.
func budgeted(t *testing.T, memory, pairs int) (step func(time.Duration), h *Host, senders, receivers []*Socket) {
	p := Linux()
	p.Memory = memory
	line, h := manual(t, WithProfile(p))
	l := listening(t, h, "127.0.0.1:80", pairs)
	for range pairs {
		senders = append(senders, connecting(t, h, "127.0.0.1:80"))
		receivers = append(receivers, accepted(t, l))
	}
	t.Cleanup(func() {
		h.Close()
		if m := h.Stats().Memory; m != 0 {
			t.Errorf("a closed host holds %d octets", m)
		}
	})
	return func(d time.Duration) { line.Advance(line.Now().Add(d)) }, h, senders, receivers
}

// withinBudget checks what a host says and what the process really holds since before.
func withinBudget(t *testing.T, h *Host, memory int, before uint64) {
	t.Helper()
	if m := h.Stats().Memory; m > int64(memory)*11/10 {
		t.Errorf("the host holds %d octets of %d", m, memory)
	}
	if now := heap(); now > before+uint64(memory)*11/10 {
		t.Errorf("the process holds %d octets more than before, the budget is %d", now-before, memory)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fillAll sends on every socket in turn, 4 kB at a time, until none takes any more, and
// returns what each has taken.
func fillAll(t *testing.T, senders []*Socket) []int {
	t.Helper()
	p := bytes.Repeat([]byte("memory"), 700)
	taken := make([]int, len(senders))
	for more := true; more; {
		more = false
		for i, s := range senders {
			n, err := s.Send(p)
			if err != nil && err != syscall.EAGAIN {
				t.Fatal(err)
			}
			taken[i] += n
			more = more || n > 0
		}
	}
	return taken
}

// drainAll reads everything that has arrived and returns how much per socket.
func drainAll(t *testing.T, receivers []*Socket, got []int) {
	t.Helper()
	buf := make([]byte, 64<<10)
	for i, s := range receivers {
		for {
			n, err := s.Recv(buf)
			got[i] += n
			if err == syscall.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// T-70: with all flows pouring and nobody reading, a host keeps to its budget,
// everybody gets something, nothing that was taken is lost, and when programs
// read again everything flows.
func TestThreat_T70_MemoryPressure(t *testing.T) {
	pairs, memory := 1000, 24<<20
	if testing.Short() {
		pairs, memory = 200, 5<<20
	}
	before := heap()
	step, h, senders, receivers := budgeted(t, memory, pairs)
	got := make([]int, pairs)
	sent := make([]int, pairs)
	for round := range 3 {
		for range 20 { // what was dropped comes again, and is dropped again
			for i, n := range fillAll(t, senders) {
				sent[i] += n
			}
			step(300 * time.Millisecond)
			withinBudget(t, h, memory, before)
			if t.Failed() {
				return
			}
		}
		least, most := sent[0], sent[0]
		for _, n := range sent {
			least, most = min(least, n), max(most, n)
		}
		t.Logf("round %d: %d octets held of %d; flows got %d to %d octets in; dropped %d", round, h.Stats().Memory, memory, least, most, h.Stats().Drops[DropMemory])
		if least < 512 {
			t.Errorf("a flow got %d octets in, another %d", least, most)
		}
		for range 400 {
			drainAll(t, receivers, got)
			step(time.Second)
		}
		for i := range got {
			if got[i] != sent[i] {
				t.Fatalf("round %d: flow %d has %d octets of %d: %+v", round, i, got[i], sent[i], senders[i].Info().Info)
			}
		}
	}
}

// A program that waits in Write for memory goes on when another gives it back.
func TestWriteWaitsForMemory(t *testing.T) {
	p := Linux()
	p.Memory = 1 << 20
	h := newHost(t, WithProfile(p))
	s1, c1 := pair(t, h, h, "127.0.0.1:0")
	s2, c2 := pair(t, h, h, "127.0.0.1:0")
	one := bytes.Repeat([]byte{1}, 4<<20)
	done := make(chan error, 2)
	for _, c := range []*TCPConn{c1, c2} {
		go func() {
			_, err := c.Write(one)
			done <- err
		}()
	}
	buf := make([]byte, 64<<10)
	for _, s := range []*TCPConn{s1, s2} { // the second waits for the first
		for n := 0; n < len(one); {
			k, err := s.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n += k; h.Stats().Memory > 11<<20/10 {
				t.Fatalf("%d octets held of %d", h.Stats().Memory, p.Memory)
			}
		}
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// T-69: when all memory is spent no connection is opened, and one is when some was
// given back.
func TestThreat_T69_NoMemoryNoConnection(t *testing.T) {
	const memory = 64 * connectionCost
	p := Linux()
	p.Memory = memory
	line, h := manual(t, WithProfile(p))
	l := listening(t, h, "127.0.0.1:80", 1000)
	var open []*Socket
	for {
		s, err := h.Socket("tcp4")
		if err != nil {
			t.Fatal(err)
		}
		err = s.Connect(netip.MustParseAddrPort("127.0.0.1:80"))
		if err == syscall.ENOBUFS {
			break
		}
		if err != syscall.EINPROGRESS || len(open) > 100 {
			t.Fatalf("connection %d: %v", len(open), err)
		}
		open = append(open, s)
	}
	if m := h.Stats().Memory; m > memory*11/10 || m < memory/2 {
		t.Errorf("%d octets held of %d by %d connections", m, memory, len(open))
	}
	for _, s := range open {
		s.Abort()
	}
	line.Advance(line.Now().Add(time.Minute))
	for s, err := l.Accept(); err == nil; s, err = l.Accept() {
		s.Close()
	}
	s, _ := h.Socket("tcp4")
	if err := s.Connect(netip.MustParseAddrPort("127.0.0.1:80")); err != syscall.EINPROGRESS || s.Info().State != tcp.Established {
		t.Errorf("with memory again: %v, %v", err, s.Info().State)
	}
}
