package tcp

import (
	"testing"
	"time"
)

func TestRFC8985_ProbeTimeout(t *testing.T) {
	var p tlp
	for _, c := range []struct {
		name   string
		srtt   time.Duration
		flight int
		want   time.Duration
	}{
		{"no SRTT: 1 s", 0, 5 * segment, time.Second},
		{"2 * SRTT", 100 * ms, 5 * segment, 200 * ms},
		{"one segment: + TLP.max_ack_delay", 100 * ms, segment, 400 * ms},
	} {
		wantDuration(t, c.name, p.pto(c.srtt, c.flight, segment, 200*ms), c.want)
	}
}

// The tail of a flight is lost. A probe repairs it one round trip after its
// timeout of two; the retransmission timeout would have come later and cost the window.
func TestRFC8985_TailLossOfOneSegment(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(5)
	s.advance(100 * ms)
	s.ack(4) // the last is lost
	start := s.now
	// §7.2: "If Now() + PTO > TCP_RTO_expiration()": 400 ms is more than the 300
	// of the retransmission timeout, so the probe leaves in its place.
	s.expire(timerTLP, 300*ms)
	s.wantCalls()
	s.probe(false)
	s.advance(100 * ms)

	// §7.4.2: ACK.ack_number > TLP.end_seq cannot be yet; after more data it shows
	// that the probe repaired a loss, which "MUST" reduce the window.
	s.ack(5)
	s.wantCalls()
	s.send(1)
	s.advance(100 * ms)
	s.ack(6)
	s.wantCalls("lost", "recovered")
	if d := s.now.Sub(start); d > 700*ms {
		t.Errorf("repair took %v", d)
	}
}

// Several segments at the tail are lost: the ACK of the probe lets RACK find them.
// Two round trips after the flight was sent the first of them leaves again.
func TestRFC8985_TailLossOfSeveralSegments(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	sent := s.now
	s.expire(timerTLP, 200*ms)
	if d := s.now.Sub(sent); d > 2*s.l.rtt.srtt {
		t.Errorf("the probe leaves after %v, want at most 2 round trips", d)
	}
	s.probe(false) // repeats 9
	// §7.3 step 2: the retransmission timer starts anew.
	s.wantTimer(timerRTO, s.l.rtt.rto(&s.policy))
	s.advance(100 * ms)
	s.ack(0, 9, 10)
	// RACK.rtt is 100 ms, the window 25 ms and everything else 300 ms old.
	s.wantCalls("lost")
	s.wantAgain("0")
}

// New data, if there is any, is the better probe.
func TestRFC8985_ProbeWithNewData(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(4)
	s.expire(timerTLP, 200*ms)
	s.probe(true)
	s.advance(100 * ms)
	s.ack(0, 4, 5)
	s.wantCalls("lost")
	s.advance(100 * ms)
	s.again()
	s.ack(5)
	s.wantCalls("recovered") // not: lost, by the probe
}

func TestRFC8985_ProbeWasNotNeeded(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(s *lossStory)
	}{
		// §7.4.2: "ACK has a DSACK option matching TLP.end_seq".
		{"DSACK", func(s *lossStory) { s.ack(3, 2, 3) }},
		// "ACK is a DUPACK without any SACK option".
		{"duplicate ACK", func(s *lossStory) { s.ack(3) }},
	} {
		s := newLossStory(t, 100*ms)
		s.send(3)
		s.expire(timerTLP, 200*ms)
		s.probe(false)
		s.ack(3)
		c.answer(s)
		s.send(2)
		s.advance(100 * ms)
		s.ack(5)
		if len(s.cc.calls) != 0 {
			t.Errorf("%s: control was told %q", c.name, s.cc.calls)
		}
		if s.l.rack.mult != 0 {
			t.Errorf("%s: a probe's duplicate widens the reordering window", c.name)
		}
	}
}

func TestRFC8985_OneProbeForEachSample(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(3)
	s.expire(timerTLP, 200*ms)
	s.probe(false)
	// §7.3: "there is no other previously sent loss probe still in flight".
	s.send(1)
	s.wantTimer(timerRTO, s.l.rtt.rto(&s.policy))
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantCalls("timed out 1")
}

func TestRFC8985_NoProbe(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(s *lossStory)
	}{
		{"by policy", func(s *lossStory) { s.policy.NoProbe = true; s.send(3) }},
		{"without SACK", func(s *lossStory) { s.l.sack = false; s.send(3) }},
		{"in recovery", func(s *lossStory) { s.send(5); s.advance(100 * ms); s.ack(0, 1, 4); s.again() }},
	} {
		s := newLossStory(t, 100*ms)
		c.prepare(s)
		if _, kind := s.l.deadline(); kind == timerTLP {
			t.Errorf("%s: the probe's timer runs", c.name)
		}
	}
}
