package link

import (
	"fmt"
	"time"

	"github.com/octet-net/octet/mono"
)

// A Discipline makes the queue in which packets wait for a transmitter. It is a
// comparable value: a Path that is set again with an equal one keeps its queue.
type Discipline interface {
	NewQueue() Queue
}

// A Queue holds packets until a transmitter takes them. It decides which to drop
// and calls drop for each; it is called with the lock of its path held.
type Queue interface {
	// Put adds a packet that came at now.
	Put(now mono.Time, p *Queued, drop func(*Queued))
	// Take removes the packet to send at now; nil if none waits.
	Take(now mono.Time, drop func(*Queued)) *Queued
	// Backlog returns how many packets wait and how many octets they have.
	Backlog() (packets, octets int)
}

// Queued is a packet on its way through a Path.
type Queued struct {
	Packet
	Flow  uint64    // which flow it belongs to
	Index uint64    // of the packet in its flow
	Size  int       // octets
	Since mono.Time // when it was sent

	// Marked says that MarkCE changed the packet.
	Marked bool

	ethernet bool
	extra    time.Duration // of a Gate
	flow     *flowCount
	next     *Queued // in the Queue, or in the list of those that are free
}

// fifo is a list of packets, first in first out. The zero value is empty.
type fifo struct {
	head, tail      *Queued
	packets, octets int
}

func (f *fifo) push(q *Queued) {
	q.next = nil
	if f.tail == nil {
		f.head = q
	} else {
		f.tail.next = q
	}
	f.tail = q
	f.packets++
	f.octets += q.Size
}

func (f *fifo) pop() *Queued {
	q := f.head
	if q == nil {
		return nil
	}
	if f.head = q.next; f.head == nil {
		f.tail = nil
	}
	q.next = nil
	f.packets--
	f.octets -= q.Size
	return q
}

// DefaultQueue is the limit of a DropTail(0), in octets: about 700 full packets.
const DefaultQueue = 1 << 20

// DropTail is a queue of at most so many octets, DefaultQueue if zero, that drops
// the packet that comes when it is full. It takes one packet of any length when empty.
type DropTail int

// NewQueue returns an empty queue.
func (d DropTail) NewQueue() Queue {
	if d == 0 {
		d = DefaultQueue
	}
	return &dropTail{limit: int(d)}
}

// Check says whether the limit is usable.
func (d DropTail) Check() error {
	if d < 0 {
		return fmt.Errorf("queue of %d octets", int(d))
	}
	return nil
}

type dropTail struct {
	fifo
	limit int
}

func (d *dropTail) Put(_ mono.Time, q *Queued, drop func(*Queued)) {
	if d.packets > 0 && d.octets+q.Size > d.limit {
		drop(q)
		return
	}
	d.push(q)
}

func (d *dropTail) Take(mono.Time, func(*Queued)) *Queued { return d.pop() }

func (d *dropTail) Backlog() (packets, octets int) { return d.packets, d.octets }
