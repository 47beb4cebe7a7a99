package link

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestPathCheck(t *testing.T) {
	for _, c := range []struct {
		path Path
		want string // what the error names; none if empty
	}{
		{Path{}, ""},
		{Path{Loss: Random(1), Duplicate: 1, Reorder: 1, Corrupt: 1, Rate: 1e12, Delay: time.Hour}, ""},
		{Path{MTU: -1}, "MTU"},
		{Path{MTU: 70000}, "MTU"},
		{Path{Rate: -5}, "Rate"},
		{Path{Delay: -time.Second}, "Delay"},
		{Path{Duplicate: math.NaN()}, "Duplicate"},
		{Path{Corrupt: 1.01}, "Corrupt"},
		{Path{Reorder: -0.1}, "Reorder"},
		{Path{HoldBack: -1}, "HoldBack"},
		{Path{Jitter: Jitter{Kind: 77, Spread: 1}}, "jitter"},
		{Path{Jitter: Jitter{Spread: -1}}, "Jitter"},
		{Path{Loss: Random(2)}, "random loss"},
		{Path{Loss: Every(0)}, "every 0-th"},
		{Path{Loss: List{3, 1}}, "ascend"},
		{Path{Loss: GilbertElliott{LossBad: 3}}, "LossBad"},
		{Path{Queue: DropTail(-1)}, "queue of -1"},
		{Path{Queue: uncomparable{}}, "uncomparable"},
	} {
		err := c.path.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error that names %q", c.path, err, c.want)
		}
	}
}

type uncomparable struct{ _ []int }

func (uncomparable) NewQueue() Queue { return nil }

// Mean and deviation of each distribution, in units of the spread.
func TestJitterDistributions(t *testing.T) {
	const n, spread = 100_000, 10 * time.Millisecond
	for _, c := range []struct {
		name            string
		kind            JitterKind
		mean, deviation float64
		most            float64
	}{
		{"uniform", Uniform, 0.5, math.Sqrt(1.0 / 12), 1},
		{"normal", Normal, math.Sqrt(2 / math.Pi), math.Sqrt(1 - 2/math.Pi), 6},
		{"exponential", Exponential, 1, 1, 44.4},
	} {
		var sum, squares float64
		for i := range uint64(n) {
			d := float64(Jitter{c.kind, spread}.Of(mix(i))) / float64(spread)
			if d < 0 || d > c.most {
				t.Fatalf("%s: %v spreads", c.name, d)
			}
			sum += d
			squares += d * d
		}
		mean := sum / n
		deviation := math.Sqrt(squares/n - mean*mean)
		if math.Abs(mean-c.mean) > 0.02 || math.Abs(deviation-c.deviation) > 0.02 {
			t.Errorf("%s: mean %.3f and deviation %.3f, want %.3f and %.3f", c.name, mean, deviation, c.mean, c.deviation)
		}
	}
	for _, draw := range []uint64{0, 1, math.MaxUint64} {
		for kind := Uniform; kind <= Pareto; kind++ {
			if d := (Jitter{kind, maxDelay}).Of(draw); d < 0 || d > 255*maxDelay {
				t.Errorf("kind %d of the longest spread gives %v", kind, d)
			}
		}
	}
}

// The tail of the Pareto distribution: P(X > x) = (1 + x)^-2 for shape 2 and mean 1.
func TestParetoTail(t *testing.T) {
	const n, spread = 400_000, time.Millisecond
	over := map[int]int{1: 0, 9: 0, 31: 0}
	for i := range uint64(n) {
		d := Jitter{Pareto, spread}.Of(mix(i))
		for x := range over {
			if d > time.Duration(x)*spread {
				over[x]++
			}
		}
	}
	for x, got := range over {
		p := 1 / float64((1+x)*(1+x))
		if want, deviation := n*p, math.Sqrt(n*p*(1-p)); math.Abs(float64(got)-want) > 5*deviation {
			t.Errorf("%d of %d are above %d spreads, want %.0f ± %.0f", got, n, x, want, 5*deviation)
		}
	}
}
