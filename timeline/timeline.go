// Package timeline runs the events of a network in order of time with one timer.
//
// A host, or all hosts and wires of one virtual network, share a Timeline: it
// tells them the time and calls them back when a deadline has come. It starts no
// goroutine of its own and holds no lock while it calls; events of one moment
// run one after another in the order of their keys, so that two runs agree.
//
// The time is that of package time (also inside a testing/synctest bubble), or,
// for a Timeline made by NewManual, whatever its owner advances it to.
package timeline

import (
	"sync"
	"time"

	"github.com/octet-net/octet/mono"
)

// Grid is the step to which Set rounds deadlines up. Programs that wake at odd
// nanoseconds then never race with the network, whose events all lie on the grid.
const Grid = time.Microsecond

// A Timeline is a clock and the events that wait for it. Use New or NewManual.
type Timeline struct {
	start  time.Time
	manual bool

	mu     sync.Mutex
	now    mono.Time // manual: the time; otherwise unused
	heap   heap
	timer  *time.Timer
	armed  mono.Time // when timer will fire; Never if it is not set
	firing bool      // somebody runs the events that are due
	closed bool
}

// New returns a Timeline that follows package time and starts at zero now.
func New() *Timeline { return &Timeline{start: time.Now(), armed: mono.Never} }

// NewManual returns a Timeline that stands at zero until Advance moves it.
func NewManual() *Timeline { return &Timeline{manual: true, armed: mono.Never} }

// Manual reports whether the time stands still until Advance moves it.
func (t *Timeline) Manual() bool { return t.manual }

// Now returns the time.
func (t *Timeline) Now() mono.Time {
	if !t.manual {
		return mono.Time(time.Since(t.start))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// At returns the moment of a wall-clock time. A moment before the start, such as
// the deadlines in 1970 that programs use for "at once", becomes zero.
func (t *Timeline) At(w time.Time) mono.Time {
	d := time.Until(w)
	if t.manual {
		d = w.Sub(t.Wall(t.Now()))
	}
	return max(0, t.Now().Add(d))
}

// Wall returns the wall-clock time of a moment. A manual Timeline began at the Unix epoch.
func (t *Timeline) Wall(m mono.Time) time.Time {
	if t.manual {
		return time.Unix(0, int64(m)).UTC()
	}
	return t.start.Add(time.Duration(m))
}

// Close forgets every event and stops the timer; later calls to Set do nothing.
// A callback that is running already is not waited for.
func (t *Timeline) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, e := range t.heap {
		e.index = 0
	}
	t.heap = nil
	t.armed = mono.Never
	if t.timer != nil {
		t.timer.Stop()
	}
}

// Len returns how many events wait.
func (t *Timeline) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.heap)
}

// Next returns the moment of the first event that waits, or Never.
func (t *Timeline) Next() mono.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heap.first()
}

// Advance moves a manual Timeline to the moment to, running on the way every
// event that falls due, each at its own moment. Time never goes back.
func (t *Timeline) Advance(to mono.Time) {
	if !t.manual {
		panic("timeline: Advance of a Timeline that follows package time")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.firing && t.heap.first() <= to {
		t.now = max(t.now, t.heap.first())
		t.fire()
	}
	t.now = max(t.now, to)
}

// stackRoom is more than the way of a packet from a wire to a socket and back needs.
const stackRoom = 12 << 10

// grow makes the stack of a goroutine that is new, as that of a timer is each time,
// large in one step. Growing by doubling on the way of the first packet, where the
// stack is deep, costs several times what the packet does.
//
//go:noinline
func grow() byte {
	var room [stackRoom]byte
	return touch(&room)
}

//go:noinline
func touch(room *[stackRoom]byte) byte { return room[0] }

// tick is what the timer calls.
func (t *Timeline) tick() {
	grow()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = mono.Never
	if !t.firing {
		t.fire()
		t.arm()
	}
}

// fire runs the events that are due, one at a time, with t.mu released.
func (t *Timeline) fire() {
	t.firing = true
	for {
		now := t.now
		if !t.manual {
			now = mono.Time(time.Since(t.start))
		}
		if t.heap.first() > now {
			break
		}
		e := t.heap.pop()
		run := e.fire
		t.mu.Unlock()
		run(now)
		t.mu.Lock()
	}
	t.firing = false
}

// arm sets the timer to the first event. While events run there is no need: fire looks again.
func (t *Timeline) arm() {
	first := t.heap.first()
	if t.manual || t.firing || first >= t.armed {
		return
	}
	t.armed = first
	d := max(0, first.Sub(mono.Time(time.Since(t.start))))
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.tick)
		return
	}
	t.timer.Reset(d)
}

// An Event is a callback that waits for its moment. Init it once, then Set it as
// often as needed: it never allocates. The zero Event may be Cleared.
type Event struct {
	line  *Timeline
	fire  func(now mono.Time)
	key   uint64    // orders the events of one moment
	at    mono.Time // guarded by line.mu
	index int       // place in the heap plus one, zero when not set; guarded by line.mu
}

// Init prepares the event. The callback runs with no lock held and without the
// event being set; it may run once more after Clear if it was due at that moment.
func (e *Event) Init(line *Timeline, key uint64, fire func(now mono.Time)) {
	e.line, e.key, e.fire = line, key, fire
}

// Key returns what Init was given.
func (e *Event) Key() uint64 { return e.key }

// Set moves the event to the first point of the Grid not before at; Never clears it.
func (e *Event) Set(at mono.Time) {
	const g = mono.Time(Grid)
	if at < mono.Never-g {
		at = (at + g - 1) / g * g
	}
	e.SetExact(at)
}

// SetExact moves the event to exactly at; Never clears it.
func (e *Event) SetExact(at mono.Time) {
	t := e.line
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
	case at == mono.Never:
		t.heap.remove(e)
	default:
		t.heap.set(e, at)
		t.arm()
	}
}

// Clear takes the event out.
func (e *Event) Clear() { e.SetExact(mono.Never) }
