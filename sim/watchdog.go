package sim

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet/link"
)

// A watchdog lives outside the bubble, in real time, and looks whether the clock
// of the bubble stands still: whether no packet has moved and none of its goroutines
// computes, while one waits for something that the clock does not know, such as a
// sync.Mutex. Such a test would hang until go test loses its patience.
type watchdog struct {
	test    string
	bubble  string
	entered atomic.Bool
	packets atomic.Uint64
	done    chan struct{}
	ended   chan struct{}
}

func newWatchdog(test string) *watchdog {
	w := &watchdog{test: test, done: make(chan struct{}), ended: make(chan struct{})}
	if *flagWatchdog <= 0 {
		close(w.ended)
		return w
	}
	go w.watch(*flagWatchdog)
	return w
}

// enter is called first in the bubble.
func (w *watchdog) enter() {
	w.bubble = bubbleOfCaller()
	w.entered.Store(true)
}

// Observe counts packets (link.Observer).
func (w *watchdog) Observe(*link.Sighting) { w.packets.Add(1) }

func (w *watchdog) stop() {
	close(w.done)
	<-w.ended
}

// watch looks four times before it is sure.
func (w *watchdog) watch(patience time.Duration) {
	defer close(w.ended)
	tick := time.NewTicker(patience / 4)
	defer tick.Stop()
	var before uint64
	var seen string
	for same := 0; ; {
		select {
		case <-w.done:
			return
		case <-tick.C:
		}
		now := w.packets.Load()
		if !w.entered.Load() || now != before {
			before, same = now, 0
			continue
		}
		report, frozen := w.look()
		if !frozen || report != seen {
			seen, same = report, 0
			continue
		}
		if same++; same == 3 {
			fmt.Fprintf(os.Stderr, "sim: %s: the virtual clock has stood still for %v of real time.\nIt moves when all goroutines of the test wait for timers, channels and conditions of the test itself. It is held by:\n%s", w.test, patience, report)
			panic("sim: " + w.test + ": the virtual clock stands still: see above for who holds it")
		}
	}
}

// look describes the goroutines that hold the clock, and reports whether it stands still.
func (w *watchdog) look() (report string, frozen bool) {
	var held []goroutine
	for _, g := range stacks() {
		if g.bubble != w.bubble || g.durable() {
			continue
		}
		if g.busy() {
			return "", false
		}
		held = append(held, g)
	}
	if len(held) == 0 {
		return "", false
	}
	owner := owners()
	var b strings.Builder
	for _, g := range held {
		g.print(&b, owner(&g))
	}
	return stable(b.String()), true
}

// stable takes the minutes that a goroutine has waited out of a report.
func stable(s string) string { return waited.ReplaceAllString(s, "") }
