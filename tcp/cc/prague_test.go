package cc

import "testing"

// marked acknowledges a window of which every nth segment arrived marked.
func (s *story) marked(nth int) {
	n := s.c.Window() / seg
	for i := range n {
		a := s.base(seg)
		if i%nth == 0 {
			a.ECE = seg
			if !s.recovery {
				s.mark(s.c.Window())
			}
		}
		a.InRecovery = s.recovery
		a.Round = i == n-1
		s.c.Acked(a)
	}
	s.recovered()
}

func TestPragueFollowsTheMarks(t *testing.T) {
	s := tell(t, "prague", Params{})
	for range 3 {
		s.round()
	}
	// RFC 8257 §3.3: the estimate begins at 1, so the first mark halves.
	s.mark(80 * seg)
	s.wantWindow(40 * seg)
	s.recovered()
	// A tenth of the segments marked, round after round: alpha comes to 0.1 and each
	// round takes a twentieth, "cwnd = cwnd * (1 - DCTCP.Alpha / 2)".
	for range 100 {
		s.marked(10)
	}
	p := s.c.(*Prague)
	if got := float64(p.alpha) / pragueOne; got < 0.09 || got > 0.25 {
		t.Errorf("alpha = %.3f, want about 0.1", got)
	}
	// AIMD balances where a segment a round trip is what the marks take.
	if w := s.c.Window() / seg; w < 5 || w > 30 {
		t.Errorf("window of %d segments with a tenth marked", w)
	}
	// Nothing marked any more: the estimate fades and the window grows.
	w := s.c.Window()
	for range 60 {
		s.round()
	}
	if got := float64(p.alpha) / pragueOne; got > 0.01 {
		t.Errorf("alpha = %.3f after 60 rounds without a mark", got)
	}
	if got := s.c.Window(); got < w+55*seg {
		t.Errorf("window went from %d to %d in 60 rounds", w, got)
	}
	// Now a single mark costs next to nothing, a loss still half.
	w = s.c.Window()
	s.marked(1000)
	if got := s.c.Window(); got < w*97/100 {
		t.Errorf("one mark took the window from %d to %d", w, got)
	}
	w = s.c.Window()
	s.lose(w)
	s.wantWindow(w / 2)
	s.ack(seg)
	s.wantWindow(w / 2)
}

func TestPragueWithoutCounts(t *testing.T) {
	s := tell(t, "prague", Params{})
	for range 3 {
		s.round()
	}
	// RFC 3168 §6.1.2: an ECN-Echo that counts nothing is answered like a loss, and
	// no estimate of unmarked rounds may weaken that.
	for _, want := range []int{40 * seg, 20*seg + seg/2} {
		s.mark(s.c.Window())
		s.wantWindow(want)
		s.recovered()
		s.round()
	}
}
