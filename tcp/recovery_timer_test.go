package tcp

import "testing"

// The repetition of a segment is lost with nothing behind it that would tell. What
// the peer holds above is not sent again after the timeout.
func TestRFC6675_5_1_TimeoutKeepsWhatIsSacked(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 1, 5, 6, 10)
	s.wantAgain("0 5") // both are lost
	at, kind := s.l.deadline()
	if kind != timerRTO {
		t.Fatalf("timer of kind %d runs", kind)
	}
	s.expire(timerRTO, at.Sub(s.now))
	s.wantCalls("lost", "timed out 1")
	s.cc.window = 10 * segment
	// RFC 8985 §6.3: what is "not acknowledged yet", selectively or not.
	s.wantAgain("0 5")
	s.advance(100 * ms)
	s.ack(5, 6, 10)
	s.ack(10)
	s.wantCalls("recovered")
}

// A peer that acknowledges up to a segment that it had sacked, and not that one, has
// thrown away what it held: everything is sent again, soon.
func TestRFC2018_8_Reneging(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(6)
	s.advance(100 * ms)
	s.ack(0, 1, 3, 4, 6)
	s.wantAgain("0 3")
	s.advance(100 * ms)
	s.ack(1)
	s.expire(timerRTO, s.l.rtt.srtt/2)
	s.cc.window = 10 * segment
	s.wantAgain("1 2 3 4 5")
	if s.l.board.sacked != 0 {
		t.Errorf("%d octets are still thought to be held", s.l.board.sacked)
	}
	s.advance(100 * ms)
	s.ack(6)
	s.wantInflight(0)
	// What was delivered twice counts once.
	if got := s.l.rate.delivered; got != 6*segment {
		t.Errorf("%d octets count as delivered, want those of 6 segments", got)
	}
}
