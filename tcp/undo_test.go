package tcp

import (
	"testing"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// The path stalls, the timer expires, and then the acknowledgements arrive.
func TestRFC3522_SpuriousTimeoutByTimestamps(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.stamps, s.echo = true, s.now
	s.policy.NoProbe = true
	s.send(10)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantCalls("timed out 1")
	s.wantAgain("0")
	s.advance(20 * ms)
	// RFC 3522 §3.2 step 5: "If the value of the Timestamp Echo Reply field of
	// the acceptable ACK's Timestamps option is smaller than the value of
	// RetransmitTS, then … SpuriousRecovery = SPUR_TO".
	s.ack(2)
	s.wantCalls("undo")
	s.wantAgain("")
	s.wantInflight(8)
	// RFC 4015 §3.2: SRTT and RTTVAR adapt to the delay that was not expected.
	if want := s.now.Sub(s.echo); s.l.rtt.srtt != want {
		t.Errorf("SRTT = %v, want %v", s.l.rtt.srtt, want)
	}
	s.ack(10)
	s.wantCalls()
}

// With an echo of the retransmission nothing is undone.
func TestRFC3522_GenuineTimeout(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.stamps = true
	s.policy.NoProbe = true
	s.send(3)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.echo = s.now
	s.cc.window = 2 * segment
	s.advance(100 * ms)
	s.ack(1)
	s.wantCalls("timed out 1")
	s.wantAgain("1 2")
}

func TestRFC3522_SpuriousFastRetransmit(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.stamps, s.echo = true, s.now
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 1, 4)
	s.wantAgain("0")
	s.advance(3 * ms)
	s.ack(4)
	s.wantCalls("lost", "undo")
	if s.cc.window != 10*segment {
		t.Errorf("window = %d after undo", s.cc.window)
	}
	if !s.l.rack.reordered {
		t.Error("what was reordering is not remembered as such")
	}
}

// The peer says that everything sent again was there already.
func TestRFC3708_AllRetransmissionsWereDuplicates(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 2, 6)
	s.wantAgain("0")
	s.ack(0, 2, 8)
	s.wantAgain("1")
	s.ack(10)
	s.wantCalls("lost", "recovered")
	s.send(1)
	s.ack(10, 0, 1)
	s.wantCalls()
	s.ack(10, 1, 2)
	s.wantCalls("undo")
	// RFC 8985 §6.2 step 4: the reordering window grew, once in this round trip.
	if s.l.rack.mult != 1 {
		t.Errorf("reo_wnd_mult = %d, want 2", s.l.rack.mult+1)
	}
	// It is over: another duplicate undoes nothing.
	s.ack(10, 1, 2)
	s.wantCalls()
}

// Octets that an earlier episode sent again do not acquit this one.
func TestRFC3708_DuplicateOfEarlierEpisode(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 1, 10)
	s.wantAgain("0")
	s.advance(100 * ms)
	s.ack(10)
	s.send(10)
	s.advance(100 * ms)
	s.ack(10, 11, 15)
	s.wantAgain("10")
	s.wantCalls("lost", "recovered", "lost")
	s.take(s.l.ack(s.now, ackIn{ack: s.at(10), echo: mono.Never, sack: []wire.Range{
		{Start: s.at(0), End: s.at(1)}, {Start: s.at(11), End: s.at(15)}}}))
	s.wantCalls()
	if !s.last.dsack {
		t.Error("the DSACK was not seen")
	}
}

func TestRFC5682_SpuriousTimeoutWithoutTimestamps(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.policy.NoProbe = true
	s.fresh = true
	s.send(10)
	// §2.1 step 1: "When the retransmission timer expires, retransmit the first
	// unacknowledged segment".
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.advance(20 * ms)
	// Step 2b: "transmit up to two new (previously unsent) segments".
	s.ack(1)
	s.wantAgain("")
	if n := s.fill(); n != 2 {
		t.Errorf("sent %d new segments, want 2", n)
	}
	// Step 3b: "if the acknowledgment advances the window …, the timeout is
	// declared spurious".
	s.advance(5 * ms)
	s.ack(2)
	s.wantCalls("timed out 1", "undo")
	s.wantAgain("")
}

func TestRFC5682_GenuineTimeout(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.policy.NoProbe = true
	s.fresh = true
	s.send(10)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.advance(100 * ms)
	s.ack(1)
	s.fill()
	// Step 3a: a duplicate acknowledgement, here with the new segments sacked:
	// "the sender … continues by retransmitting unacknowledged data".
	s.advance(100 * ms)
	s.ack(1, 10, 12)
	if got := s.again(); got == "" {
		t.Error("recovery did not go on")
	}
	s.wantCalls("timed out 1")
}

// Without new octets there is nothing to find out with: go on as usual.
func TestRFC5682_NothingNewToSend(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.policy.NoProbe = true
	s.send(10)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.cc.window = 4 * segment
	s.advance(100 * ms)
	s.ack(1)
	s.wantAgain("1 2 3 4")
}

// A second timeout in F-RTO does not leave it holding back for ever.
func TestRFC5682_SecondTimeout(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.policy.NoProbe = true
	s.fresh = true
	s.send(10)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.advance(20 * ms)
	s.ack(1)
	s.fill()
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("1")
}

// Everything was acknowledged before anything was sent again.
func TestUndoBeforeAnythingWasRepeated(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(5)
	s.advance(100 * ms)
	s.ack(0, 1, 4)
	s.ack(5)
	s.wantCalls("lost", "undo")
}

func TestUndoByPolicyNever(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.policy.NoUndo = true
	s.send(5)
	s.advance(100 * ms)
	s.ack(0, 1, 4)
	s.ack(5)
	s.wantCalls("lost", "recovered")
}

// A timeout that turns out spurious takes nothing for lost, not even what a probe had
// repeated before, and RACK goes on looking after it.
func TestRFC3522_UndoForgivesWhatAProbeRepeated(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.stamps, s.echo = true, s.now
	s.send(10)
	s.expire(timerTLP, 200*ms)
	s.probe(false) // repeats 9
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.advance(20 * ms)
	s.ack(2)
	s.wantCalls("timed out 1", "undo")
	s.wantAgain("")
	if s.l.board.lost != 0 {
		t.Errorf("%d octets are still taken for lost", s.l.board.lost)
	}
	// The originals arrive except for 9, and what is sent now overtakes its repetition.
	s.ack(9)
	s.send(4)
	s.advance(600 * ms)
	s.ack(9, 10, 14)
	s.wantAgain("9")
}

// Everything had arrived, but its acknowledgements were lost: the repetition is
// reported to be a duplicate. The window comes back, and the round trip measured is
// that of the repetition, not the time since the original that the echo tells.
func TestRFC6298_3_AcknowledgementsWereLost(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.stamps, s.echo = true, s.now
	s.policy.NoProbe = true
	s.send(2)
	s.expire(timerRTO, s.l.rtt.rto(&s.policy))
	s.wantAgain("0")
	s.advance(100 * ms)
	s.ack(2, 0, 1)
	s.wantCalls("timed out 1", "undo")
	if got := s.l.rtt.srtt; got != 100*ms {
		t.Errorf("SRTT = %v, want the round trip of the repetition", got)
	}
	if got, want := s.l.rtt.rto(&s.policy), s.l.rtt.base(&s.policy); got != want {
		t.Errorf("the timeout is still backed off: %v, not %v", got, want)
	}
}
