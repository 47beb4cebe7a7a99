package tcp

import (
	"fmt"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A hostile is a peer that acknowledges to hurt: a flight of n segments is in
// flight to it and it never acknowledges the first.
type hostile struct {
	l      loss
	policy lossPolicy
	now    mono.Time
	n      int
}

func newHostile(n int) *hostile {
	h := &hostile{policy: defaultLossPolicy(), n: n}
	h.l.reset(&h.policy, 0xffff_f000, segment, true)
	h.l.rtt.sample(0, 100*ms, 1)
	h.l.sent(h.now, h.at(0), h.at(n), sentNew)
	h.now = h.now.Add(100 * ms)
	return h
}

func (h *hostile) at(i int) wire.Seq { return wire.Seq(0xffff_f000).Add(i * segment) }

func (h *hostile) sack(blocks ...wire.Range) verdict {
	return h.l.ack(h.now, ackIn{ack: h.at(0), sack: blocks, echo: mono.Never, dup: true})
}

func (h *hostile) block(i, j int) wire.Range { return wire.Range{Start: h.at(i), End: h.at(j)} }

// attacks are patterns of blocks; step is called for i = 0, 1, 2, ….
var attacks = []struct {
	name string
	step func(h *hostile, i int)
}{
	// Every second segment, in a spread order: no two blocks ever touch.
	{"alternate", func(h *hostile, i int) {
		k := 1 + 2*int(uint32(i)*2654435761%uint32(h.n/2-1))
		h.sack(h.block(k, k+1))
	}},
	// The whole flight again and again, and parts of it.
	{"repeated", func(h *hostile, i int) {
		k := 1 + int(uint32(i)*2654435761%uint32(h.n/2))
		h.sack(h.block(k, h.n), h.block(1, k), h.block(1, h.n))
	}},
	// Blocks that cover no segment whole.
	{"slivers", func(h *hostile, i int) {
		k := 1 + int(uint32(i)*2654435761%uint32(h.n-2))
		h.sack(wire.Range{Start: h.at(k).Add(1), End: h.at(k + 1).Add(-1)})
	}},
	// Duplicates, and blocks of octets that were never sent.
	{"duplicates", func(h *hostile, i int) {
		h.sack(wire.Range{Start: h.at(-2), End: h.at(-1)}, wire.Range{Start: h.at(h.n), End: h.at(h.n + 5)}, h.block(h.n-1, h.n))
	}},
	// From the end towards the front.
	{"backwards", func(h *hostile, i int) {
		k := h.n - 1 - i%(h.n-1)
		h.sack(h.block(k, k+1))
	}},
	// One sacked after the other while what is lost is sent again and lost again.
	{"churn", func(h *hostile, i int) {
		h.now = h.now.Add(time.Microsecond)
		k := 1 + int(uint32(i)*2654435761%uint32(h.n-2))
		h.sack(h.block(k, k+1))
		if r, ok := h.l.nextLost(segment); ok {
			h.l.sent(h.now, r.Start, r.End, sentAgain)
		}
	}},
}

func BenchmarkHostileSACK(b *testing.B) {
	for _, a := range attacks {
		for _, n := range []int{100, 1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", a.name, n), func(b *testing.B) {
				h := newHostile(n)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					a.step(h, i)
				}
			})
		}
	}
}

// T-54: the cost of an acknowledgement does not grow with the scoreboard.
func TestThreat_T54_HostileSACKCostsFlatTime(t *testing.T) {
	for _, a := range attacks {
		flat(t, a.name, func(n int) time.Duration { return perStep(a.step, n) })
	}
}

// perStep is the time of one step of an attack on n segments, which goes on until it
// had a step for every second of them and then begins anew.
func perStep(step func(*hostile, int), n int) time.Duration {
	var spent time.Duration
	for range costSteps / (n / 2) {
		h := newHostile(n)
		start := time.Now()
		for i := range n / 2 {
			step(h, i)
		}
		spent += time.Since(start)
	}
	return spent / costSteps
}

// No acknowledgement makes the scoreboard larger.
func TestThreat_T54_HostileSACKTakesNoMemory(t *testing.T) {
	for _, a := range attacks {
		h := newHostile(1000)
		for i := range 20_000 {
			a.step(h, i)
			if i%100 == 0 {
				checkLoss(t, &h.l)
			}
		}
		if n := len(h.l.board.ring); n > 1024 {
			t.Errorf("%s: the ring has %d records for 1000 segments", a.name, n)
		}
		if n := cap(h.l.board.again.list) + cap(h.l.board.redo.list); n > 8*1000 {
			t.Errorf("%s: %d repetitions are listed for 1000 segments", a.name, n)
		}
	}
}

// Segments of one octet share records once those weigh more than what they describe.
func TestThreat_T54_SmallSegmentsShareRecords(t *testing.T) {
	var s scoreboard
	for i := range 1 << 16 {
		s.push(mono.Time(i), s.nxt.Add(1), segment, stamp{})
	}
	if weight := s.count() * recordSize; weight > s.outstanding()+weighRecords*recordSize {
		t.Errorf("%d records of %d octets describe %d octets", s.count(), recordSize, s.outstanding())
	}
}

// In the steady state of a transfer nothing is allocated, with and without loss.
func TestLossAllocatesNothing(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		policy := defaultLossPolicy()
		var l loss
		l.reset(&policy, 0, segment, true)
		l.rise()
		control := &tapeControl{window: 64 * segment}
		now := mono.Time(0)
		next := 0
		flight := func() {
			for range 32 {
				l.sent(now, l.board.nxt, l.board.nxt.Add(segment), sentNew)
			}
			now = now.Add(10 * ms)
			first := l.board.una
			if lossy {
				blocks := [1]wire.Range{{Start: first.Add(segment), End: l.board.nxt}}
				v := l.ack(now, ackIn{ack: first, sack: blocks[:], echo: mono.Never, dup: true})
				l.tell(now, control, &v)
				for r, ok := l.nextLost(segment); ok; r, ok = l.nextLost(segment) {
					l.sent(now, r.Start, r.End, sentAgain)
				}
				now = now.Add(10 * ms)
			}
			v := l.ack(now, ackIn{ack: l.board.nxt, echo: mono.Never})
			l.tell(now, control, &v)
			control.calls, control.acks = control.calls[:0], control.acks[:0]
			next++
		}
		for range 10 {
			flight()
		}
		if n := testing.AllocsPerRun(100, flight); n != 0 {
			t.Errorf("lossy %v: %v allocations a flight of 32 segments, want 0", lossy, n)
		}
	}
}

// A transfer without loss, two segments to an acknowledgement.
func BenchmarkAck(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := newHostile(n)
			b.ReportAllocs()
			for b.Loop() {
				h.l.sent(h.now, h.l.board.nxt, h.l.board.nxt.Add(2*segment), sentNew)
				h.now = h.now.Add(time.Microsecond)
				h.l.ack(h.now, ackIn{ack: h.l.board.una.Add(2 * segment), echo: mono.Never})
			}
		})
	}
}
