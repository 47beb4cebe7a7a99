package cc

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

const (
	ms  = time.Millisecond
	seg = 1000 // octets in a full segment of the stories
)

// A story drives one Control as a connection would and says what it wants to see.
type story struct {
	*testing.T
	c        Control
	now      mono.Time
	rtt      time.Duration
	recovery bool
}

func tell(t *testing.T, name string, p Params) *story {
	t.Helper()
	if p.MSS == 0 {
		p.MSS = seg
	}
	c, err := New(name, p)
	if err != nil {
		t.Fatal(err)
	}
	return &story{T: t, c: c, rtt: 100 * ms}
}

// base is an acknowledgement of octets by a sender that fills its window.
func (s *story) base(octets int) Ack {
	return Ack{
		Now: s.now, Octets: octets, RTT: s.rtt, SRTT: s.rtt, RTO: 200*ms + s.rtt, MinRTT: s.rtt,
		Inflight: max(s.c.Window()-octets, 0), Prior: s.c.Window(), CwndLtd: true, InRecovery: s.recovery,
	}
}

func (s *story) ack(octets int) { s.c.Acked(s.base(octets)) }

// round acknowledges a whole window, segment by segment, within one round trip.
func (s *story) round() {
	w := s.c.Window()
	n := max(w/seg, 1)
	for i := range n {
		s.now = s.now.Add(s.rtt / time.Duration(n))
		a := s.base(w / n)
		a.Round = i == n-1
		s.c.Acked(a)
	}
}

func (s *story) lose(inflight int) {
	s.c.Lost(Event{Now: s.now, Inflight: inflight, Lost: seg})
	s.recovery = true
}

func (s *story) mark(inflight int) {
	s.c.Lost(Event{Now: s.now, Inflight: inflight, ECN: true})
	s.recovery = true
}

func (s *story) recovered() {
	s.c.Recovered(s.now)
	s.recovery = false
}

func (s *story) timeout(backoff, inflight int) {
	s.c.TimedOut(s.now, backoff, inflight)
	s.recovery = inflight > 0
}

func (s *story) wantWindow(want int) {
	s.Helper()
	if got := s.c.Window(); got != want {
		s.Fatalf("window = %d, want %d", got, want)
	}
}

func (s *story) wantSsthresh(want int) {
	s.Helper()
	if got := s.c.State().Ssthresh; got != want {
		s.Fatalf("ssthresh = %d, want %d", got, want)
	}
}

func (s *story) wantPhase(want string) {
	s.Helper()
	if got := s.c.State().Phase; got != want {
		s.Fatalf("phase = %q, want %q", got, want)
	}
}
