package octet

import (
	"testing"
)

// An event that began before another but came to the lock of the socket after it
// happens no earlier: the machine of a connection is told times that never go back.
func TestEventsOfASocketNeverGoBack(t *testing.T) {
	h := newHost(t)
	s, c := pair(t, h, h, "127.0.0.1:0")
	first := h.begin()
	began := first.now
	second := h.beginAt(began + 1000)
	second.enter(c.s)
	second.end()
	first.enter(c.s)
	if now := first.now; now < began+1000 {
		t.Errorf("an event of moment %d happens at %d, after one of %d", began, now, began+1000)
	}
	first.enter(s.s) // another socket follows in the same event
	first.end()
	third := h.beginAt(began)
	c.s.mu.Lock()
	third.sock = c.s
	third.follow()
	if third.now < began+1000 {
		t.Errorf("an event that adopts the socket happens at %d, after one of %d", third.now, began+1000)
	}
	third.end()
}
