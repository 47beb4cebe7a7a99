package cc

import (
	"testing"
	"time"
)

// rounds feeds whole rounds of n samples of one round trip each.
func (h *hystart) feed(n int, rtt time.Duration) (done bool) {
	for i := range n {
		done = h.acked(rtt, i == n-1)
	}
	return done
}

func TestHystartThreshold(t *testing.T) {
	for _, c := range []struct {
		name  string
		rtt   time.Duration
		enter time.Duration // the least round trip that begins CSS
	}{
		// RFC 9406 §4.2: RttThresh = max(MIN_RTT_THRESH, min(lastRoundMinRTT /
		// MIN_RTT_DIVISOR, MAX_RTT_THRESH)).
		{"short paths by 4 ms", 1 * ms, 5 * ms},
		{"an eighth", 80 * ms, 90 * ms},
		{"long paths by 16 ms", 600 * ms, 616 * ms},
	} {
		h := newHystart()
		h.feed(8, c.rtt)
		h.feed(8, c.enter-time.Microsecond)
		if h.conservative() {
			t.Errorf("%s: CSS below the threshold", c.name)
		}
		h = newHystart()
		h.feed(8, c.rtt)
		h.feed(8, c.enter)
		if !h.conservative() {
			t.Errorf("%s: no CSS at the threshold", c.name)
		}
	}
}

func TestHystartNeedsEightSamples(t *testing.T) {
	h := newHystart()
	h.feed(8, 100*ms)
	// RFC 9406 §4.2: "For rounds where at least N_RTT_SAMPLE RTT samples have been
	// obtained"; acknowledgements without a sample (Karn) do not count.
	for range 20 {
		h.acked(0, false)
	}
	for range 7 {
		h.acked(200*ms, false)
	}
	if h.conservative() {
		t.Error("CSS after seven samples")
	}
	// One small sample among the eight is what the round's minimum is for.
	h.acked(100*ms, false)
	if h.conservative() {
		t.Error("CSS although the smallest round trip did not grow")
	}
}

func TestHystartJitterEndsCSS(t *testing.T) {
	h := newHystart()
	h.feed(8, 100*ms)
	h.feed(8, 120*ms)
	if h.widen(1000) != 250 {
		t.Error("CSS does not grow by a fourth")
	}
	// "If current RTT is less than the baseline, resume slow start".
	h.feed(8, 119*ms)
	if h.conservative() || h.widen(1000) != 1000 {
		t.Error("CSS goes on although the round trip fell")
	}
}

func TestHystartFiveRounds(t *testing.T) {
	h := newHystart()
	h.feed(8, 100*ms)
	for i := range 8 {
		h.acked(120*ms, false)
		if want := i == 7; h.conservative() != want {
			t.Fatalf("after %d samples: CSS %v", i+1, !want)
		}
	}
	// "If the transition into CSS happens in the middle of a round, that partial
	// round counts towards the limit" of CSS_ROUNDS, 5.
	for i := range 5 {
		if done := h.feed(8, 130*ms); done != (i == 4) {
			t.Fatalf("round %d of CSS: done = %v", i+1, done)
		}
	}
}
