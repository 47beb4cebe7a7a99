package vnet

import (
	"cmp"
	"fmt"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// FQCoDel gives every flow a CoDel queue of its own and serves them in turn, new
// ones first (RFC 8290), so that a bulky flow does not delay a thin one.
type FQCoDel struct {
	Limit    int           // octets of all queues; link.DefaultQueue if zero
	Target   time.Duration // 5 ms if zero
	Interval time.Duration // 100 ms if zero
	Queues   int           // 1024 if zero
	Quantum  int           // octets that a queue may send in its turn; 1514 if zero
}

// NewQueue returns an empty queue.
func (f FQCoDel) NewQueue() link.Queue {
	n := cmp.Or(f.Queues, 1024)
	q := &fqcodel{limit: limited(f.Limit), quantum: cmp.Or(f.Quantum, fullFrame), queues: make([]fqQueue, n)}
	for i := range q.queues {
		q.queues[i].state = newCodel(f.Target, f.Interval)
	}
	return q
}

// queuesMax bounds the memory of an FQ-CoDel.
const queuesMax = 1 << 16

// Check says whether the values are usable.
func (f FQCoDel) Check() error {
	if f.Queues < 0 || f.Queues > queuesMax || f.Quantum < 0 {
		return fmt.Errorf("FQ-CoDel of %d queues with a quantum of %d octets", f.Queues, f.Quantum)
	}
	return checkQueue("FQ-CoDel", f.Limit, f.Target, f.Interval)
}

// fqQueue is the queue of one flow, or of several whose hashes collide.
type fqQueue struct {
	backlog
	state   codel
	credits int
	listed  bool // in newQueues or oldQueues
}

type fqcodel struct {
	limit, quantum       int
	queues               []fqQueue
	newQueues, oldQueues []*fqQueue
	packets, octets      int
}

// Put is the enqueue of RFC 8290 §4.1.
func (f *fqcodel) Put(now mono.Time, p *link.Queued, drop func(*link.Queued)) {
	q := &f.queues[mix(p.Flow)%uint64(len(f.queues))]
	q.push(p)
	f.packets++
	f.octets += p.Size
	if !q.listed {
		q.listed, q.credits = true, f.quantum
		f.newQueues = append(f.newQueues, q)
	}
	for f.octets > f.limit && f.packets > 1 {
		f.shed(drop)
	}
}

// shed drops half of the longest queue, at most 64 packets, from its head (RFC 8290 §4.1).
func (f *fqcodel) shed(drop func(*link.Queued)) {
	fat := &f.queues[0]
	for i := range f.queues {
		if f.queues[i].octets > fat.octets {
			fat = &f.queues[i]
		}
	}
	for n, enough := 0, fat.octets/2; n < 64 && (n == 0 || fat.octets > enough) && f.packets > 1; n++ {
		p := fat.pop()
		if p == nil {
			return
		}
		f.forget(p)
		drop(p)
	}
}

func (f *fqcodel) forget(p *link.Queued) {
	f.packets--
	f.octets -= p.Size
}

// Take is the dequeue of RFC 8290 §4.2.
func (f *fqcodel) Take(now mono.Time, drop func(*link.Queued)) *link.Queued {
	for {
		list := &f.newQueues
		if len(*list) == 0 {
			list = &f.oldQueues
		}
		if len(*list) == 0 {
			return nil
		}
		q := (*list)[0]
		if q.credits <= 0 {
			q.credits += f.quantum
			f.retire(list, q)
			continue
		}
		p := q.state.take(now, &q.backlog, func(p *link.Queued) {
			f.forget(p)
			drop(p)
		})
		if p == nil {
			// A new queue that is empty goes to the old ones once, so that a flow of
			// single packets does not always come first (RFC 8290 §4.2).
			if list == &f.newQueues && len(f.oldQueues) > 0 {
				f.retire(list, q)
			} else {
				*list = (*list)[1:]
				q.listed = false
			}
			continue
		}
		f.forget(p)
		q.credits -= p.Size
		return p
	}
}

// retire moves the first queue of a list to the end of the old ones.
func (f *fqcodel) retire(list *[]*fqQueue, q *fqQueue) {
	*list = (*list)[1:]
	f.oldQueues = append(f.oldQueues, q)
}

func (f *fqcodel) Backlog() (packets, octets int) { return f.packets, f.octets }
