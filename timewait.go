package octet

import (
	"hash/maphash"
	"sync"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// timeWaits holds what remains of connections in TIME-WAIT. They all last equally
// long, so they leave through a queue, with one timer for the host; when there
// are more than the Profile allows the oldest leave early (T-51).
type timeWaits struct {
	mu     sync.Mutex
	most   int
	byName index[*timeWait]
	seed   maphash.Seed
	first  *timeWait // queue in order of arrival, the oldest first
	last   *timeWait
	budget *budget
	queued int // with those that left byName already
	event  timeline.Event
	pushed uint64 // records that left early
	closed bool
}

// A timeWait is one record: at most 128 octets of memory.
type timeWait struct {
	rec   tcp.TimeWait
	tuple tuple
	due   mono.Time // when the queue looks at it: rec.Deadline() may have moved later since
	next  *timeWait
}

func (w *timeWait) name() *tuple { return &w.tuple }

func (t *timeWaits) init(line *timeline.Timeline, key uint64, most int) {
	t.budget = new(budget) // without a limit
	t.seed = maphash.MakeSeed()
	t.most = max(most, 1)
	t.event.Init(line, key, t.expire)
}

func (t *timeWaits) hash(k *tuple) uint32 { return uint32(maphash.Comparable(t.seed, *k)) }

// named returns the record of a tuple, nil if there is none.
func (t *timeWaits) named(k *tuple) *timeWait { return t.byName.get(k, t.hash(k)) }

// add enters a record, in place of an older one of the same tuple.
func (t *timeWaits) add(k *tuple, rec tcp.TimeWait) {
	w := &timeWait{rec: rec, tuple: *k}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	h := t.hash(k)
	t.byName.remove(k, h)
	t.byName.add(w, h)
	t.push(w)
	if t.queued > t.most || t.queued > 1 && t.budget.on() && t.budget.room(0) == 0 {
		t.pushed++
		t.forget(t.pop())
	}
	if t.first == w {
		t.event.Set(w.due)
	}
}

func (t *timeWaits) push(w *timeWait) {
	w.due, w.next = w.rec.Deadline(), nil
	if t.last == nil {
		t.first = w
	} else {
		t.last.next = w
	}
	t.last = w
	t.queued++
	t.budget.used.Add(timeWaitCost)
}

func (t *timeWaits) pop() *timeWait {
	w := t.first
	if t.first = w.next; t.first == nil {
		t.last = nil
	}
	t.queued--
	t.budget.give(timeWaitCost)
	return w
}

// forget takes a record out of the map, unless another has taken its place.
func (t *timeWaits) forget(w *timeWait) {
	if t.named(&w.tuple) == w {
		t.byName.remove(&w.tuple, t.hash(&w.tuple))
	}
}

// expire throws away what is due. A record whose time began anew while it stood
// in the queue goes to its end.
func (t *timeWaits) expire(now mono.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.first != nil && t.first.due <= now {
		w := t.pop()
		if t.named(&w.tuple) == w && w.rec.Deadline() > now {
			t.push(w)
		} else {
			t.forget(w)
		}
	}
	if t.first != nil {
		t.event.Set(t.first.due)
	}
}

// arrive judges a segment for a connection that may be in TIME-WAIT. When the
// verdict is Reopen the record is gone, and returned for its NextISS.
func (t *timeWaits) arrive(now mono.Time, k *tuple, in, out *wire.Segment) (v tcp.Verdict, rec tcp.TimeWait, found bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.named(k)
	if w == nil || w.rec.Deadline() <= now {
		return tcp.Ignore, rec, false
	}
	v = w.rec.Arrive(now, in, out)
	if v == tcp.Reopen {
		t.forget(w)
	}
	return v, w.rec, true
}

// get returns the record of a tuple that is in TIME-WAIT.
func (t *timeWaits) get(now mono.Time, k *tuple) (tcp.TimeWait, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.named(k)
	if w == nil || w.rec.Deadline() <= now {
		return tcp.TimeWait{}, false
	}
	return w.rec, true
}

// remove forgets the record of a tuple.
func (t *timeWaits) remove(k *tuple) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName.remove(k, t.hash(k))
}

// len returns how many records there are, and how many have left early.
func (t *timeWaits) len() (records int, pushed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byName.used, t.pushed
}

// close forgets every record and leaves no timer.
func (t *timeWaits) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.byName = index[*timeWait]{}
	t.budget.give(t.queued * timeWaitCost)
	t.first, t.last, t.queued = nil, nil, 0
	t.event.Clear()
}

// tuples returns the names of all records, in no order.
func (t *timeWaits) tuples() (list []tuple) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := range t.byName.all() {
		list = append(list, w.tuple)
	}
	return list
}
