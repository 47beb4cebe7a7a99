package tcp

import (
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// costSteps are the steps that one measurement times.
const costSteps = 50_000

// flat checks that a step costs at most twice as much among 100,000 of something as
// among 100. Only the two are compared: medians of measurements in turn, in several
// attempts, since other work on the machine slows now the one, now the other.
func flat(t *testing.T, name string, cost func(n int) time.Duration) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for try := 1; ; try++ {
		var small, large [5]time.Duration
		for i := range small {
			runtime.GC() // now, and not while the time counts
			small[i], large[i] = cost(100), cost(100_000)
		}
		slices.Sort(small[:])
		slices.Sort(large[:])
		a, b := small[len(small)/2], large[len(large)/2]
		t.Logf("%s: %v a step among 100, %v among 100,000", name, a, b)
		if b <= 2*a {
			return
		}
		if try == 10 {
			t.Errorf("%s: the cost more than doubled in each of %d attempts", name, try)
			return
		}
	}
}
