package octet

import (
	"sync"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// A side is one direction of a socket in which programs wait: for something to
// read, for room to write, for a connection to accept. Everything in it is
// guarded by the lock that init is given.
//
// A deadline is a moment that is compared with the time; a timer runs only while
// somebody waits, so setting a deadline leaves nothing behind. A nil side is one at
// which nobody has waited yet, without a deadline.
type side struct {
	cond     sync.Cond
	key      uint64 // orders its alarm among the events of one moment
	waiting  int
	deadline mono.Time // Never if there is none
	alarm    *alarm    // made when somebody first waits with a deadline
}

// An alarm wakes those who wait when their deadline may have come.
type alarm struct {
	event timeline.Event
	armed mono.Time // when event will run, Never if it is not set
}

func (w *side) init(mu *sync.Mutex, key uint64) {
	w.cond.L, w.key = mu, key
	w.deadline = mono.Never
}

// expired reports whether the deadline has come.
func (w *side) expired(line *timeline.Timeline) bool {
	return w != nil && w.deadline != mono.Never && w.deadline.Due(line.Now())
}

// wait gives up the lock until somebody wakes this side, and takes it again.
// Like any condition, the caller's must be looked at again afterwards.
func (w *side) wait(line *timeline.Timeline) {
	w.arm(line)
	w.waiting++
	w.cond.Wait()
	w.waiting--
}

// wake lets one waiting program look again, or all where there are several.
func (w *side) wake() {
	w.call().do()
}

// alone reports that nobody waits.
func (w *side) alone() bool { return w == nil || w.waiting == 0 }

// call returns whom to wake, and how, once the lock is given up: those who are woken
// then find it free.
func (w *side) call() waking {
	if w.alone() {
		return waking{}
	}
	return waking{&w.cond, w.waiting > 1}
}

// A waking is a wake that is yet to come. The zero waking wakes nobody.
type waking struct {
	cond *sync.Cond
	all  bool
}

func (w waking) do() {
	switch {
	case w.cond == nil:
	case w.all:
		w.cond.Broadcast()
	default:
		w.cond.Signal()
	}
}

// wakeAll lets all waiting programs look again.
func (w *side) wakeAll() {
	if w != nil && w.waiting > 0 {
		w.cond.Broadcast()
	}
}

// setDeadline takes over the deadline that a program has set; the zero time means none.
func (w *side) setDeadline(line *timeline.Timeline, t time.Time) {
	w.deadline = mono.Never
	if !t.IsZero() {
		w.deadline = line.At(t)
	}
	if w.waiting == 0 {
		return
	}
	if w.expired(line) {
		w.wakeAll()
	} else {
		w.arm(line)
	}
}

// arm sees to it that the side is woken at its deadline or before.
func (w *side) arm(line *timeline.Timeline) {
	if w.deadline == mono.Never {
		return
	}
	if w.alarm == nil {
		w.alarm = &alarm{armed: mono.Never}
		w.alarm.event.Init(line, w.key, w.ring)
	}
	if w.deadline < w.alarm.armed {
		w.alarm.armed = w.deadline
		w.alarm.event.Set(w.deadline)
	}
}

// ring is what the alarm calls.
func (w *side) ring(mono.Time) {
	w.cond.L.Lock()
	w.alarm.armed = mono.Never
	w.wakeAll()
	w.cond.L.Unlock()
}

// stop wakes everybody and leaves no timer: the socket has come to its end.
func (w *side) stop() {
	w.wakeAll()
	if w != nil && w.alarm != nil {
		w.alarm.armed = mono.Never
		w.alarm.event.Clear()
	}
}
