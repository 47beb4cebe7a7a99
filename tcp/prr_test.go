package tcp

import "testing"

// A prrFlight drives prr alone: segments of 1000 octets, one SACK after another.
type prrFlight struct {
	prr
	pipe, ssthresh int
}

// sacked lets a segment arrive and returns how many octets may be sent; all are.
func (f *prrFlight) sacked(safe bool) int {
	f.pipe -= segment
	f.acked(segment, f.pipe, f.ssthresh, segment, safe)
	n := f.room
	f.sent(n)
	f.pipe += n
	return n
}

func TestRFC9937_ReducesInProportion(t *testing.T) {
	// RFC 9937 §6: "sndcnt = CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out":
	// 20 segments in flight, one lost, target 14.
	f := prrFlight{pipe: 19 * segment, ssthresh: 14 * segment}
	f.begin(20 * segment)
	for i := 1; i <= 16; i++ {
		f.sacked(false)
		if want := (i*segment*14 + 19) / 20; i > 1 && f.pipe > f.ssthresh && f.out != want {
			t.Fatalf("after %d segments %d octets were sent, want %d", i, f.out, want)
		}
	}
	if f.pipe > f.ssthresh+segment || f.pipe < f.ssthresh-segment {
		t.Errorf("%d octets in flight at the end, want the target %d", f.pipe, f.ssthresh)
	}
}

func TestRFC9937_ConservesPacketsAfterHeavyLoss(t *testing.T) {
	// PRR-CRB: below the target, what is delivered is replaced and no more.
	f := prrFlight{pipe: 4 * segment, ssthresh: 10 * segment}
	f.begin(20 * segment)
	for range 3 {
		if n := f.sacked(false); n != segment {
			t.Errorf("an ACK that is not safe releases %d octets, want one segment", n)
		}
	}
}

func TestRFC9937_GrowsBackWithSafeAcks(t *testing.T) {
	// PRR-SSRB: a safe ACK releases one segment more, until the target.
	f := prrFlight{pipe: 4 * segment, ssthresh: 6 * segment}
	f.begin(20 * segment)
	for _, want := range []int{2 * segment, 2 * segment, segment, segment} {
		if n := f.sacked(true); n != want {
			t.Errorf("a safe ACK released %d octets with %d in flight, want %d", n, f.pipe, want)
		}
	}
	if f.pipe != f.ssthresh {
		t.Errorf("%d octets in flight, want the target %d", f.pipe, f.ssthresh)
	}
}

func TestRFC9937_ForcesFirstRetransmission(t *testing.T) {
	// "If prr_out is 0 AND sndcnt is 0: sndcnt = SMSS".
	var p prr
	p.begin(20 * segment)
	p.acked(0, 20*segment, 10*segment, segment, false)
	if p.room != segment {
		t.Errorf("%d octets may be sent on entering recovery, want a segment", p.room)
	}
	// "If DeliveredData is 0: return": nothing left the network.
	p.sent(segment)
	p.acked(0, 5*segment, 10*segment, segment, true)
	if p.room != 0 {
		t.Errorf("an ACK that delivered nothing releases %d octets", p.room)
	}
}

// During recovery the loss part sends what PRR allows, whoever marks what lost.
func TestRFC9937_RecoveryOfTenLosses(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.cc.window = 20 * segment
	s.fill()
	s.advance(100 * ms)
	sent := 0
	for i := 11; i <= 20; i++ {
		s.ack(0, 10, i)
		for range len(s.again()) {
			sent++
		}
		if s.l.inflight() > 20*segment {
			t.Fatalf("%d in flight during recovery", s.l.inflight())
		}
	}
	if got := s.l.inflight(); got > s.cc.window {
		t.Errorf("%d octets in flight at the end of the round, want at most the target %d", got, s.cc.window)
	}
	if sent == 0 {
		t.Error("nothing was sent again")
	}
}
