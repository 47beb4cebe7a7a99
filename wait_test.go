package octet

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/timeline"
)

// A deadline that nobody waits for costs no timer.
func TestDeadlineNeedsATimerOnlyWhileSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		var mu sync.Mutex
		var w side
		w.init(&mu, 1)
		mu.Lock()
		w.setDeadline(line, time.Now().Add(time.Hour))
		if n := line.Len(); n != 0 {
			t.Errorf("%d timers for a deadline nobody waits for", n)
		}
		start := time.Now()
		for !w.expired(line) {
			w.wait(line)
		}
		if d := time.Since(start); d != time.Hour {
			t.Errorf("waited %v for the deadline in an hour", d)
		}
		w.setDeadline(line, time.Time{})
		if w.expired(line) {
			t.Error("a deadline that was taken back is over")
		}
		mu.Unlock()
		if n := line.Len(); n != 0 {
			t.Errorf("%d timers remain", n)
		}
	})
}

// Every waiting program is woken when something happens that concerns all, and one
// is enough where one waits.
func TestWakeLosesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		var mu sync.Mutex
		var w side
		w.init(&mu, 1)
		items, taken := 0, 0
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				mu.Lock()
				defer mu.Unlock()
				for items == 0 {
					w.wait(line)
				}
				items--
				taken++
			})
		}
		for range 50 {
			mu.Lock()
			items++
			w.wake()
			mu.Unlock()
		}
		wg.Wait()
		if taken != 50 || w.waiting != 0 {
			t.Errorf("%d of 50 were served, %d still wait", taken, w.waiting)
		}
	})
}
