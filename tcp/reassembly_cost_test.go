package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// arrivals are orders in which n early octets come, one in a segment with a gap
// behind each; at returns the place of the i-th.
var arrivals = []struct {
	name string
	at   func(i, n int) int
}{
	{"ascending", func(i, n int) int { return i }},
	{"descending", func(i, n int) int { return n - 1 - i }},
	{"scattered", func(i, n int) int { return i * 61_803 % n }},
}

// T-55: the cost of an early segment, and of the acknowledgement that answers it, does
// not grow with those that wait, in whatever order they come.
func TestThreat_T55_EarlySegmentsCostFlatTime(t *testing.T) {
	for _, o := range arrivals {
		flat(t, o.name, func(n int) time.Duration { return perEarly(t, o.at, n) })
	}
}

// perEarly is the time of one of n early segments of one octet each.
func perEarly(t *testing.T, at func(i, n int) int, n int) time.Duration {
	one := []byte{1}
	rounds := max(costSteps/n, 1)
	var spent time.Duration
	for range rounds {
		p := established(t, func(p *pair) { p.cfg[server].ReceiveBuffer = Buffer{32 << 20, 32 << 20} })
		p.transfer(client, one, time.Second) // the window is told in full
		s := p.end[server]
		first, ack, recent := s.rcv.nxt.Add(1), s.snd.nxt, s.rcv.tsRecent
		start := time.Now()
		for i := range n {
			seg := wire.Segment{Seq: first.Add(2 * at(i, n)), Ack: ack, Flags: wire.ACK, Window: 65535, Payload: chunk.Borrow(one)}
			seg.Options.Has, seg.Options.TSVal = wire.HasTimestamp, recent
			s.Arrive(p.now, &seg)
			for s.Output(p.now, &seg) {
				seg.Payload.Release()
			}
		}
		spent += time.Since(start)
		if got := s.Info().OutOfOrderRanges; got != n {
			t.Fatalf("%d of %d segments wait", got, n)
		}
	}
	return spent / time.Duration(rounds*n)
}
