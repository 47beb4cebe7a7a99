package cc

import (
	"math"
	"testing"
	"time"
)

// avoiding is a CUBIC whose window of segments was just reduced from before.
func avoiding(t *testing.T, before int, rtt time.Duration) *story {
	s := tell(t, "cubic", Params{InitialWindow: before})
	s.rtt = rtt
	s.lose(before * seg)
	s.recovered()
	return s
}

// wcubic is RFC 9438 §4.2 equation 1, in segments.
func wcubic(t, k, wmax float64) float64 { return 0.4*math.Pow(t-k, 3) + wmax }

func TestCubicFollowsItsCurve(t *testing.T) {
	// 1000 segments and 200 ms: far outside the Reno-friendly region.
	s := avoiding(t, 1000, 200*ms)
	// RFC 9438 §4.6: "The parameter β_cubic SHOULD be set to 0.7".
	s.wantWindow(700 * seg)
	// RFC 9438 §4.2: K is the cubic root of (W_max - cwnd_epoch)/C.
	k := math.Cbrt((1000 - 700) / 0.4)
	begin := s.now.Add(s.rtt / 700) // the first acknowledgement begins the stage
	for at := 0.0; at < 2*k; at = s.now.Sub(begin).Seconds() {
		s.round()
		// The window follows the curve within a round trip: between what W_cubic was
		// one round trip ago and what it will be after the next.
		lo, hi := wcubic(at-0.4, k, 1000), wcubic(at+0.5, k, 1000)
		if got := float64(s.c.Window()) / seg; got < lo-1 || got > hi+1 {
			t.Fatalf("at %.1f s of K = %.1f s: %.1f segments, want %.1f to %.1f", at, k, got, lo, hi)
		}
	}
	// §4.5, convex: past K it looks for more than W_max.
	if s.c.Window() < 1200*seg {
		t.Errorf("after 2K the window is %d", s.c.Window())
	}
}

func TestCubicK(t *testing.T) {
	for _, wmax := range []float64{2, 10, 100, 1e4, 7e5} {
		var c curve
		c.max = wmax * seg
		c.begin(0, int32(0.7*wmax*seg), seg)
		if want := math.Cbrt(wmax * 0.3 / 0.4); math.Abs(c.k-want) > 1e-8*want {
			t.Errorf("W_max = %g: K = %.12g, want %.12g", wmax, c.k, want)
		}
	}
}

func TestCbrt(t *testing.T) {
	for _, x := range []float64{1e-300, 1e-9, 0.001, 0.5, 1, 2, 7.999, 8, 27, 1e6, 123456789, 1e18, 1e300} {
		if got, want := cbrt(x), math.Cbrt(x); math.Abs(got-want) > 4e-16*want {
			t.Errorf("cbrt(%g) = %.17g, want %.17g", x, got, want)
		}
	}
	for _, x := range []float64{0, -1, math.NaN()} {
		if got := cbrt(x); got != 0 {
			t.Errorf("cbrt(%g) = %g, want 0", x, got)
		}
	}
}

func TestCubicRenoFriendly(t *testing.T) {
	// 20 segments and 10 ms: Reno would be faster than the curve.
	s := avoiding(t, 20, 10*ms)
	s.wantWindow(14 * seg)
	// RFC 9438 §4.3: W_est grows by α_cubic = 3*(1-β)/(1+β) segments a round trip.
	for range 10 {
		s.round()
	}
	est := 14 + 10*9.0/17
	if got := float64(s.c.Window()) / seg; math.Abs(got-est) > 0.2 {
		t.Errorf("after 10 round trips: %.2f segments, want %.2f", got, est)
	}
	// §4.3: once W_est has reached cwnd_prior, α_cubic is 1.
	for s.c.Window() < 20*seg {
		s.round()
	}
	w := s.c.Window()
	for range 10 {
		s.round()
	}
	if got := float64(s.c.Window()-w) / seg; got < 9.5 || got > 10.5 {
		t.Errorf("10 round trips past cwnd_prior: %.2f segments more, want 10", got)
	}
}

func TestCubicBounds(t *testing.T) {
	s := avoiding(t, 1000, 100*ms)
	s.round()
	w := s.c.Window()
	// §4.2: target is at most 1.5*cwnd, even if the curve has been left alone for a
	// day by a peer that acknowledged nothing.
	s.now = s.now.Add(24 * time.Hour)
	s.ack(w)
	if got := s.c.Window(); got > w*3/2+1 || got < w*14/10 {
		t.Errorf("window went from %d to %d, want 1.5 times", w, got)
	}
}

func TestCubicFastConvergence(t *testing.T) {
	s := avoiding(t, 1000, 100*ms)
	// RFC 9438 §4.7: cwnd < W_max at the next event, so W_max = cwnd*(1+β)/2.
	s.lose(700 * seg)
	s.recovered()
	c := s.c.(*Cubic)
	if want := 700 * seg * 0.85; math.Abs(c.curve.max-want) > 1 {
		t.Errorf("W_max = %g, want %g", c.curve.max, want)
	}
	s.wantWindow(490 * seg)
	// At or above W_max the window itself is remembered.
	c.cwnd = int32(c.curve.max) + seg
	w := c.cwnd
	s.lose(int(w))
	if c.curve.max != float64(w) {
		t.Errorf("W_max = %g, want %d", c.curve.max, w)
	}
}

func TestCubicMark(t *testing.T) {
	s := avoiding(t, 100, 100*ms)
	// RFC 8511 §3: β_ecn is 0.85 for CUBIC.
	s.mark(70 * seg)
	s.wantWindow(59500)
	// RFC 9438 §4.6: "CUBIC MUST continue to reduce cwnd in response to congestion
	// events due to ECN-Echo ACKs until it reaches a value of 1 MSS."
	for range 30 {
		s.recovered()
		s.mark(s.c.Window())
	}
	s.wantWindow(seg)
}

func TestCubicTimeout(t *testing.T) {
	s := avoiding(t, 1000, 100*ms)
	// RFC 9438 §4.8: Reno's window, but ssthresh by β_cubic.
	s.timeout(1, 700*seg)
	s.wantWindow(seg)
	s.wantSsthresh(490 * seg)
	for s.c.Window() < 490*seg {
		s.round()
	}
	s.recovered()
	// "K is set to 0, and W_max is set to the congestion window size at the beginning
	// of the current congestion avoidance stage": the curve is convex from the start.
	s.ack(seg)
	c := s.c.(*Cubic)
	if c.curve.k != 0 || math.Abs(c.curve.max-490*seg) > seg {
		t.Errorf("K = %g, W_max = %g", c.curve.k, c.curve.max)
	}
}

func TestCubicUndo(t *testing.T) {
	s := avoiding(t, 1000, 100*ms)
	for range 20 {
		s.round()
	}
	before := *s.c.(*Cubic)
	for name, spurious := range map[string]func(){
		"loss":    func() { s.lose(700 * seg) },
		"timeout": func() { s.timeout(1, 700*seg); s.timeout(2, 700*seg) },
	} {
		spurious()
		// RFC 9438 §4.9.2: cwnd, cwnd_prior, ssthresh, W_max, K, t_epoch and W_est return.
		s.c.Undo(s.now)
		s.recovery = false
		after := s.c.(*Cubic)
		if after.curve != before.curve || after.cwnd != before.cwnd || after.ssthresh != before.ssthresh {
			t.Errorf("%s: state after undo is %+v, was %+v", name, after.curve, before.curve)
		}
	}
}

// RFC 9438 §5.8: the curve does not run on while the application is silent.
func TestCubicIdleTimeDoesNotCount(t *testing.T) {
	grow := func(pause func(s *story)) int {
		s := avoiding(t, 1000, 100*ms)
		for range 10 {
			s.round()
		}
		pause(s)
		for range 10 {
			s.round()
		}
		return s.c.Window()
	}
	want := grow(func(*story) {})
	for name, pause := range map[string]func(s *story){
		"idle": func(s *story) {
			s.now = s.now.Add(time.Minute)
			s.c.Sent(s.now, seg, seg, time.Minute)
		},
		"a trickle": func(s *story) {
			for range 600 {
				s.now = s.now.Add(100 * ms)
				a := s.base(seg)
				a.CwndLtd = false
				s.c.Acked(a)
			}
		},
	} {
		if got := grow(pause); got != want {
			t.Errorf("%s: window %d, without it %d", name, got, want)
		}
	}
}

func TestCubicLeavesSlowStartByDelay(t *testing.T) {
	s := tell(t, "cubic", Params{})
	for range 3 {
		s.round()
	}
	s.wantWindow(80 * seg)
	s.wantPhase("slow start")
	// RFC 9406 §4.2: an eighth more delay, seen by eight samples, begins CSS.
	s.rtt = 113 * ms
	for range 8 {
		s.ack(seg)
	}
	s.wantPhase("conservative slow start")
	// "cwnd = cwnd + (min(N, L * SMSS) / CSS_GROWTH_DIVISOR)"
	w := s.c.Window()
	s.ack(seg)
	s.wantWindow(w + seg/4)
	for range 5 {
		s.wantPhase("conservative slow start")
		s.round()
	}
	// "If CSS_ROUNDS rounds are complete, enter congestion avoidance by setting the
	// ssthresh to the current cwnd."
	s.wantPhase("congestion avoidance")
	s.wantSsthresh(s.c.Window())
	// RFC 9438 §4.10: K = 0 and W_max the window: from here the curve is convex.
	s.ack(seg)
	if c := s.c.(*Cubic); c.curve.k != 0 || c.curve.prior == 0 {
		t.Errorf("curve = %+v", c.curve)
	}
}

// Rounds and round trips count for HyStart++ also while nothing grows.
func TestCubicSeesDelayWhenNotLimited(t *testing.T) {
	s := tell(t, "cubic", Params{})
	trickle := func() {
		for i := range 8 {
			a := s.base(seg)
			a.CwndLtd, a.Round = false, i == 7
			s.c.Acked(a)
		}
	}
	trickle()
	s.rtt = 150 * ms
	trickle()
	s.wantPhase("conservative slow start")
	s.wantWindow(10 * seg)
}

func TestUnpacedSlowStart(t *testing.T) {
	// RFC 9406 §4.3: "L = infinity if paced, L = 8 if non-paced".
	for _, c := range []struct {
		unpaced bool
		want    int
	}{{false, 110 * seg}, {true, 18 * seg}} {
		s := tell(t, "cubic", Params{Unpaced: c.unpaced})
		s.ack(100 * seg)
		s.wantWindow(c.want)
	}
}
