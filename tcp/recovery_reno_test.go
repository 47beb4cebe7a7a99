package tcp

import (
	"testing"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// newRenoStory is a story with a peer that has no SACK.
func newRenoStory(t *testing.T) *lossStory {
	s := newLossStory(t, 100*ms)
	s.l.sack = false
	return s
}

func TestRFC6582_FastRetransmitAndPartialAck(t *testing.T) {
	s := newRenoStory(t)
	s.send(10) // 0 and 4 are lost
	s.advance(100 * ms)
	s.ack(0)
	s.ack(0)
	s.wantAgain("")
	// §3.2 step 2: "When the third duplicate ACK is received", enter fast retransmit.
	s.ack(0)
	s.wantCalls("lost")
	s.wantAgain("0")
	for range 5 {
		s.ack(0)
	}
	s.wantAgain("")
	// Step 3, partial acknowledgement: "retransmit the first unacknowledged segment".
	s.advance(100 * ms)
	s.ack(4)
	s.wantAgain("4")
	s.wantCalls()
	// Step 3, full acknowledgement: "Exit the fast recovery procedure".
	s.advance(100 * ms)
	s.ack(10)
	s.wantCalls("recovered")
	s.wantInflight(0)
}

func TestRFC3042_LimitedTransmit(t *testing.T) {
	for _, sack := range []bool{false, true} {
		s := newLossStory(t, 100*ms)
		s.l.sack = sack
		s.l.rack.reordered = true // so that nothing is lost early
		s.fill()
		s.advance(100 * ms)
		for i := range 2 {
			// §3: "transmit a new segment of data upon the arrival of the first
			// two consecutive duplicate ACKs".
			s.ack(0, 1, 2+i)
			if n := s.fill(); n != 1 {
				t.Errorf("sack %v: duplicate ACK %d releases %d segments, want 1", sack, i+1, n)
			}
		}
	}
}

// RFC 5681 §3.2 step 1: "the TCP sender MUST NOT change cwnd to reflect these two
// segments", which limited transmit sends. Where reordering is known duplicates mean
// less, and slow start goes on.
func TestRFC5681_3_2_DuplicatesDoNotOpenTheWindow(t *testing.T) {
	for _, c := range []struct {
		sack, reordered bool
		want            int
	}{{false, false, 10}, {true, false, 10}, {true, true, 12}} {
		s := newLossStory(t, 100*ms)
		s.l.sack, s.l.rack.reordered = c.sack, c.reordered
		control := cc.NewReno(cc.Params{MSS: segment})
		s.send(10)
		s.advance(100 * ms)
		for i := range 2 {
			in := ackIn{ack: s.base, echo: mono.Never, dup: true, sack: []wire.Range{{Start: s.at(1), End: s.at(2 + i)}}}
			v := s.l.ack(s.now, in)
			v.cc.CwndLtd = true
			s.l.tell(s.now, control, &v)
		}
		if got := control.Window() / segment; got != c.want {
			t.Errorf("%+v: a window of %d segments", c, got)
		}
	}
}

func TestRFC6582_NoFastRetransmitForOldDuplicates(t *testing.T) {
	s := newRenoStory(t)
	s.send(4)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.again()
	s.advance(100 * ms)
	s.ack(4)
	s.wantCalls("timed out 1", "recovered")
	s.send(4)
	// §3.2 step 2: duplicates that the repetitions of a timeout caused do not
	// "cover more than recover".
	for range 4 {
		s.ack(4)
	}
	s.wantCalls()
	s.wantAgain("")
}

// Forged duplicates make no room for more than the flight.
func TestSavage1999_ForgedDuplicates(t *testing.T) {
	s := newRenoStory(t)
	s.fill()
	s.advance(100 * ms)
	sent := 0
	for range 1000 {
		s.ack(0)
		s.again()
		for s.l.allowance(s.cc.window) >= segment && sent < 1000 {
			s.send(1)
			sent++
		}
	}
	// Ten segments were in flight and one is missing: nine could have arrived.
	if sent > 9 {
		t.Errorf("1000 forged duplicates released %d segments", sent)
	}
}

// A timeout without SACK sends everything again from the first on.
func TestRFC6298_TimeoutWithoutSACK(t *testing.T) {
	s := newRenoStory(t)
	s.send(4)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	// RFC 6298 §5.4: "Retransmit the earliest segment that has not been acknowledged".
	s.wantAgain("0")
	// §5.5: "The host MUST set RTO <- RTO * 2".
	s.expire(timerRTO, 2*s.l.rtt.base(&s.policy))
	s.wantAgain("0")
	s.wantCalls("timed out 1", "timed out 2")
	s.cc.window = 3 * segment
	s.advance(100 * ms)
	s.ack(1)
	s.wantAgain("1 2 3")
}
