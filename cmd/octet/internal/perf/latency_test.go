package perf

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The classes cover all times without a gap, each no wider than a thirty-second.
func TestClasses(t *testing.T) {
	for class := 1; class < 59*perDoubling; class++ {
		low, high := upper(class-1)+1, upper(class)
		if classOf(low) != class || classOf(high) != class {
			t.Fatalf("class %d is from %d to %d, but they are of classes %d and %d", class, low, high, classOf(low), classOf(high))
		}
		if float64(high-low) > float64(low)/perDoubling {
			t.Fatalf("class %d from %d to %d is too wide", class, low, high)
		}
	}
	if classOf(1<<63-1) >= len(new(latencies).classes) || classOf(-1) != 0 {
		t.Error("the longest or a negative time has no class")
	}
}

// Quantiles are those of the sorted times, but for three per cent.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var one, two latencies
	for range 10_000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
		all = append(all, d)
		if random.IntN(2) == 0 {
			one.add(d)
		} else {
			two.add(d)
		}
	}
	one.merge(&two)
	one.merge(new(latencies))
	slices.Sort(all)
	for _, share := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(share*float64(len(all)))-1, 0)]
		if got := one.quantile(share); got < want || float64(got) > float64(want)*1.04 {
			t.Errorf("quantile %v is %v, want %v", share, got, want)
		}
	}
	if one.min != all[0] || one.max != all[len(all)-1] || one.n != int64(len(all)) {
		t.Errorf("from %v to %v, want %v to %v", one.min, one.max, all[0], all[len(all)-1])
	}
	if empty := new(latencies); empty.quantile(0.5) != 0 || empty.mean() != 0 {
		t.Error("nothing has a latency")
	}
}
