package tcp

import (
	"testing"
	"time"
)

// A path that delivers a segment each 10 ms shows 100 segments a second, whatever
// the bursts in which they were sent.
func TestRateOfBottleneck(t *testing.T) {
	s := newLossStory(t, 0)
	s.send(20)
	s.advance(100 * ms)
	for i := 1; i <= 20; i++ {
		s.ack(i)
		s.advance(10 * ms)
	}
	// draft-ietf-ccwg-bbr §4.1.1.3: the interval is the longer of the time it took
	// to send and to have delivered. The first samples see the round trip of 100 ms.
	r := s.cc.acks[19].Rate
	if want := 290 * ms; r.Interval != want || r.Delivered != 20*segment {
		t.Errorf("sample %+v, want 20 segments in %v", r, want)
	}
	s.send(20)
	s.advance(100 * ms)
	for i := 21; i <= 40; i++ {
		s.ack(i)
		s.advance(10 * ms)
	}
	if a := s.cc.acks[39]; a.Rate.Total != 40*segment || a.Rate.PriorTotal != 20*segment || a.Rate.TxInFlight != 20*segment {
		t.Errorf("sample %+v", a.Rate)
	}
}

// In steady state each sample spans one round trip and tells the path's rate.
func TestRateInSteadyState(t *testing.T) {
	s := newLossStory(t, 0)
	s.send(10)
	s.advance(100 * ms)
	for i := 1; i <= 100; i++ {
		s.ack(i)
		s.send(1)
		s.advance(10 * ms)
	}
	r := s.cc.acks[99].Rate
	if perSecond := time.Duration(r.Delivered) * time.Second / r.Interval; perSecond != 100*segment {
		t.Errorf("rate %d octets a second, want %d; sample %+v", perSecond, 100*segment, r)
	}
	rounds := 0
	for _, a := range s.cc.acks {
		if a.Round {
			rounds++
		}
	}
	if rounds != 10 {
		t.Errorf("%d rounds in 100 segments of which 10 are in flight, want 10", rounds)
	}
}

// Samples of a sender that had nothing to send are marked until that flight is delivered.
func TestRateAppLimited(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(2)
	s.l.appLimited()
	s.send(2) // sent while limited
	s.advance(100 * ms)
	s.ack(3)
	if !s.last.cc.Rate.AppLimited {
		t.Error("a sample of the limited time is not marked")
	}
	s.send(2)
	s.advance(100 * ms)
	s.ack(6)
	if s.last.cc.Rate.AppLimited {
		t.Error("the mark outlives the flight that it was for")
	}
}

// An interval shorter than the smallest round trip is no sample: it comes of
// acknowledgements in a bunch.
func TestRateOfBunchedAcks(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(1)
	s.advance(10 * ms)
	s.send(1)
	s.l.rate.firstSent = s.now
	s.advance(ms)
	got, _ := s.l.rate.sample(s.now, stamp{firstSent: s.now, deliveredAt: s.now}, 100*ms)
	if got.Interval != 0 {
		t.Errorf("interval %v, want none", got.Interval)
	}
}

// Losses are counted for the flight in which they happen.
func TestRateCountsLoss(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 1, 4)
	s.advance(ms)
	s.ack(0, 1, 5)
	if got := s.last.cc.Rate.LostSince; got != segment {
		t.Errorf("LostSince = %d, want one segment", got)
	}
	if got := s.cc.acks[0].Loss.TxInFlight; got != 10*segment {
		t.Errorf("the lost segment was sent with %d in flight, want 10 segments", got)
	}
}
