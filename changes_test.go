package octet

import (
	"slices"
	"testing"
)

// changes collects what a host tells.
type changes []string

func (c *changes) watch(h *Host) (stop func()) {
	return h.Watch(func(x Change) { *c = append(*c, x.String()) })
}

func (c *changes) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*c, want) {
		t.Errorf("told %q, want %q", []string(*c), want)
	}
	*c = nil
}

// Watchers are told everything in order, also what one of them causes, and nothing
// once they have stopped.
func TestWatch(t *testing.T) {
	_, h := manual(t)
	attach(t, h, &forge{}, "192.0.2.1/24")
	var first, second changes
	stop := h.Watch(func(c Change) {
		first = append(first, c.String())
		if c.MTU == 1400 { // a watcher may call the host
			if err := h.SetMTU(2, 1300); err != nil {
				t.Error(err)
			}
		}
	})
	defer second.watch(h)()
	if err := h.SetMTU(2, 1400); err != nil {
		t.Fatal(err)
	}
	if err := h.SetMTU(2, 1300); err != nil { // which it is
		t.Fatal(err)
	}
	want := []string{"forge: MTU changed to 1400", "forge: MTU changed to 1300"}
	first.want(t, want...)
	second.want(t, want...)
	stop()
	stop()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	first.want(t)
	second.want(t, "host closed")
}

// A watcher that keeps everybody waiting costs a bounded amount of memory.
func TestWatchersQueueIsBounded(t *testing.T) {
	var w watchers
	w.put(Change{})
	if len(w.queue) != 0 {
		t.Error("kept for nobody")
	}
	w.list = []*func(Change){new(func(Change))}
	for i := range 10 * maxChanges {
		w.put(Change{MTU: i})
	}
	if n := len(w.queue); n != maxChanges || w.queue[n-1].MTU != 10*maxChanges-1 {
		t.Errorf("%d changes wait, the last %v", n, w.queue[n-1])
	}
}
