package link

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// Entering is a packet that is about to start on one direction of a Wire.
type Entering struct {
	At          mono.Time // on the grid
	Forth       bool      // from end 0 to end 1
	Ethernet    bool      // it is an Ethernet frame; otherwise a bare IP packet
	Flow, Index uint64    // which packet of which flow it is
	Packet      *Packet   // not to be changed, nor kept after the call
}

// Passage says what becomes of a packet at a Gate; the zero Passage lets it go on.
type Passage struct {
	Stop  bool          // it goes no further
	Twice bool          // it goes on and a copy behind it
	Delay time.Duration // it travels so much longer, and others may overtake it
}

// A Gate is asked about every packet that a Wire takes, before it waits for the
// transmitter: in the order in which packets start, which no race between
// goroutines can change, with no lock held, by one goroutine at a time for each
// direction. It must not send.
type Gate interface {
	Pass(e *Entering) Passage
}

// A Judge has the last word on what chance does to the packets of a Wire: it is
// told what was drawn for a packet and returns what shall happen. It can record
// the faults of a run, and repeat them or leave some out. The fates are Lost,
// Duplicated, Corrupted and HeldBack.
//
// It is called with a lock of the wire held and must not call the wire.
type Judge interface {
	Decide(forth bool, fate Fate, flow, index uint64, drawn bool) bool
}

// decide asks the judge, if there is one, about a fate that was drawn.
func (p *path) decide(q *Queued, fate Fate, drawn bool) bool {
	if p.judge == nil {
		return drawn
	}
	return p.judge.Decide(p.forth, fate, q.Flow, q.Index, drawn)
}

// admit asks the gate about a packet, with the lock released meanwhile, and
// queues what may go on.
func (p *path) admit(q *Queued) {
	if p.gate == nil {
		p.queue.Put(q.Since, q, p.onDrop)
		return
	}
	p.mu.Unlock()
	v := p.gate.Pass(&Entering{q.Since, p.forth, p.ethernet, q.Flow, q.Index, &q.Packet})
	p.mu.Lock()
	if v.Stop {
		p.count.Stopped++
		p.lose(q, Stopped)
		return
	}
	q.extra = max(0, v.Delay)
	if !v.Twice {
		p.queue.Put(q.Since, q, p.onDrop)
		return
	}
	p.count.Duplicated++
	second := p.double(q)
	second.extra = q.extra
	p.queue.Put(q.Since, q, p.onDrop)
	p.queue.Put(second.Since, second, p.onDrop)
}

// double makes a copy of a packet that shares its data.
func (p *path) double(q *Queued) *Queued {
	twin := q.Packet
	twin.Data = q.Data.Share()
	second := p.hold(&twin, q.Size)
	second.Flow, second.flow, second.Index, second.Since = q.Flow, q.flow, q.Index, q.Since
	p.see(second, Duplicated)
	return second
}
