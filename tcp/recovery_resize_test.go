package tcp

import (
	"slices"
	"testing"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// RFC 1191 §6.4: segments that a path does not carry are sent again in smaller ones at
// once. It is no congestion: the window stays.
func TestRFC1191_6_4_SegmentsThatWereTooLarge(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.cc.window = 6 * segment
	s.fill()
	s.l.setMSS(segment / 2)
	// "only one segment should be retransmitted until acknowledgements begin to arrive again"
	again := func() (octets int) {
		for {
			r, ok := s.l.nextLost(segment / 2)
			if !ok || s.l.allowance(s.cc.window) < r.Len() {
				return octets
			}
			s.l.sent(s.now, r.Start, r.End, sentAgain)
			octets += r.Len()
		}
	}
	sent := []int{again()}
	acked := s.base
	for flight := sent[0]; flight > 0; flight = sent[len(sent)-1] {
		s.advance(100 * ms)
		n := 0
		for ; flight > 0; flight -= segment / 2 {
			acked = acked.Add(segment / 2)
			s.take(s.l.ack(s.now, ackIn{ack: acked, echo: mono.Never}))
			n += again()
		}
		sent = append(sent, n)
	}
	if want := []int{500, 1000, 2000, 2500, 0}; !slices.Equal(sent, want) {
		t.Errorf("octets sent again in each round trip: %v, want %v", sent, want)
	}
	s.wantInflight(0)
	s.wantCalls()
	if s.l.recovering() || s.cc.window != 6*segment {
		t.Errorf("window %d, recovering: %v", s.cc.window, s.l.recovering())
	}
}

// A loss among what is sent again in smaller segments is one like any other.
func TestRFC1191_6_4_LossAfterResizing(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(6)
	s.l.setMSS(segment / 2)
	half := func(i int) wire.Seq { return s.base.Add(i * segment / 2) }
	for i := range 3 {
		s.l.sent(s.now, half(i), half(i+1), sentAgain)
	}
	s.advance(100 * ms)
	s.take(s.l.ack(s.now, ackIn{ack: half(1), echo: mono.Never, sack: []wire.Range{{Start: half(2), End: half(3)}}}))
	s.expire(timerReorder, 25*ms)
	s.wantCalls("lost")
}
