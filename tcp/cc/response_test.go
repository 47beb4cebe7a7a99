package cc

import (
	"math"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// averageWindow is the mean of what a control has in flight, in segments, where
// nothing but loss limits it, from a fourth of d to its end.
func averageWindow(name string, p path, d time.Duration) float64 {
	p.rate, p.buffer = 1_250_000_000, maxWindow
	m := &model{path: p}
	f := m.add(newControl(name, 0), 0)
	m.run(mono.Time(d / 4))
	begin := f.delivered
	m.run(mono.Time(d))
	rounds := float64(d-d/4) / float64(p.rtt)
	return float64(f.delivered-begin) / seg / rounds
}

// aimd is RFC 9438 §4.3 equation 3, the average window of AIMD(1, 0.5), which is the
// formula of Mathis et al. with its constant for one acknowledgement a segment:
// sqrt(3/2)/sqrt(p).
func aimd(loss float64) float64 { return math.Sqrt(1.5 / loss) }

// cubicResponse is RFC 9438 §5.1 equation 6 with C = 0.4, or Reno's if that is more.
func cubicResponse(loss float64, rtt time.Duration) float64 {
	return max(1.054*math.Pow(rtt.Seconds()/loss, 0.75), aimd(loss))
}

// The closed forms assume that exactly every (1/p)th segment is lost; they leave out
// the round trip of recovery, in which a window does not grow: one of six where one
// segment of a hundred is lost, next to nothing where losses are rare.
func TestResponseToPeriodicLoss(t *testing.T) {
	for _, c := range []struct {
		name  string
		every int
		rtt   time.Duration
		d     time.Duration
		bound float64 // relative, of the closed form
	}{
		{"newreno", 100, 100 * ms, 100 * time.Second, 0.25},
		{"newreno", 1000, 100 * ms, 200 * time.Second, 0.1},
		{"newreno", 10_000, 10 * ms, 60 * time.Second, 0.05},
		{"cubic", 100, 100 * ms, 100 * time.Second, 0.2},
		{"cubic", 1000, 100 * ms, 200 * time.Second, 0.1},
		{"cubic", 1000, 10 * ms, 20 * time.Second, 0.1},
		{"cubic", 10_000, 100 * ms, 200 * time.Second, 0.15},
		{"cubic", 10_000, 10 * ms, 60 * time.Second, 0.05},
		{"cubic", 100_000, 100 * ms, 200 * time.Second, 0.1},
	} {
		loss := 1 / float64(c.every)
		want := aimd(loss)
		if c.name == "cubic" {
			want = cubicResponse(loss, c.rtt)
		}
		got := averageWindow(c.name, path{rtt: c.rtt, every: c.every}, c.d)
		t.Logf("%s, 1 of %d lost, %v: %.1f segments, closed form %.1f (%+.1f %%)", c.name, c.every, c.rtt, got, want, 100*(got/want-1))
		if math.Abs(got/want-1) > c.bound {
			t.Errorf("%s, 1 of %d lost, %v: average window %.1f, want %.1f within %g %%",
				c.name, c.every, c.rtt, got, want, 100*c.bound)
		}
	}
}

// Random loss comes in runs and gaps: the formula then holds up to a constant. It does
// not know of timeouts, which begin to count at 3 %.
func TestResponseToRandomLoss(t *testing.T) {
	for _, name := range []string{"newreno", "cubic"} {
		for _, loss := range []float64{0.03, 0.01, 0.003, 0.001} {
			var got float64
			for seed := range uint64(4) {
				got += averageWindow(name, path{rtt: 20 * ms, loss: loss, seed: seed}, 60*time.Second) / 4
			}
			want := cubicResponse(loss, 20*ms)
			t.Logf("%s, %g lost: %.1f segments, closed form %.1f (%+.1f %%)", name, loss, got, want, 100*(got/want-1))
			if got < 0.75*want || got > 1.35*want {
				t.Errorf("%s, %g lost: average window %.1f, want %.1f, -25 to +35 %%", name, loss, got, want)
			}
		}
	}
}
