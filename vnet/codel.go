package vnet

import (
	"cmp"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// CoDel is a queue that holds the time which packets spend in it near a target
// (RFC 8289). It marks packets of a transport that knows marks and drops others.
type CoDel struct {
	Limit    int           // octets; link.DefaultQueue if zero
	Target   time.Duration // acceptable time in the queue: 5 ms if zero (RFC 8289 §4.3)
	Interval time.Duration // for which it may be exceeded: 100 ms if zero
}

// NewQueue returns an empty queue.
func (c CoDel) NewQueue() link.Queue {
	return &codelQueue{limit: limited(c.Limit), state: newCodel(c.Target, c.Interval)}
}

// Check says whether the values are usable.
func (c CoDel) Check() error { return checkQueue("CoDel", c.Limit, c.Target, c.Interval) }

type codelQueue struct {
	backlog
	limit int
	state codel
}

func (c *codelQueue) Put(now mono.Time, q *link.Queued, drop func(*link.Queued)) {
	if c.count > 0 && c.octets+q.Size > c.limit {
		drop(q)
		return
	}
	c.push(q)
}

func (c *codelQueue) Take(now mono.Time, drop func(*link.Queued)) *link.Queued {
	return c.state.take(now, &c.backlog, drop)
}

func (c *codelQueue) Backlog() (packets, octets int) { return c.count, c.octets }

// fullFrame is how many octets of backlog are always well: one packet (RFC 8289 §5.4).
const fullFrame = 1514

// codel is the state of the algorithm, with the names of RFC 8289 §5.
type codel struct {
	target, interval time.Duration
	firstAbove       mono.Time // when the time in the queue will have been above target for interval; 0: it is not
	dropNext         mono.Time
	count, lastCount int
	dropping         bool
}

func newCodel(target, interval time.Duration) codel {
	return codel{
		target:   cmp.Or(target, 5*time.Millisecond),
		interval: cmp.Or(interval, 100*time.Millisecond),
	}
}

// controlLaw returns when the next packet is to be dropped (RFC 8289 §5.4).
func (c *codel) controlLaw(t mono.Time) mono.Time {
	return t.Add(time.Duration(float64(c.interval) * isqrt(c.count)))
}

// doDequeue takes a packet and says whether it may be dropped (RFC 8289 §5.5).
func (c *codel) doDequeue(now mono.Time, b *backlog) (q *link.Queued, ok bool) {
	if q = b.pop(); q == nil {
		c.firstAbove = 0
		return nil, false
	}
	if now.Sub(q.Since) < c.target || b.octets <= fullFrame {
		c.firstAbove = 0
		return q, false
	}
	if c.firstAbove == 0 {
		c.firstAbove = now.Add(c.interval)
		return q, false
	}
	return q, now >= c.firstAbove
}

// take is the dequeue of RFC 8289 §5.6. A packet that is marked goes on where
// another would be dropped and the next one taken.
func (c *codel) take(now mono.Time, b *backlog, drop func(*link.Queued)) *link.Queued {
	q, ok := c.doDequeue(now, b)
	if !c.dropping {
		if !ok {
			return q
		}
		// Start where the last dropping stopped, if that is not long ago.
		delta := c.count - c.lastCount
		c.dropping, c.count = true, 1
		if delta > 1 && now.Sub(c.dropNext) < 16*c.interval {
			c.count = delta
		}
		c.dropNext, c.lastCount = c.controlLaw(now), c.count
		if q.MarkCE() {
			return q
		}
		drop(q)
		q, _ = c.doDequeue(now, b)
		return q
	}
	if !ok {
		c.dropping = false
		return q
	}
	for c.dropping && now >= c.dropNext {
		c.count++
		c.dropNext = c.controlLaw(c.dropNext)
		if q.MarkCE() {
			return q
		}
		drop(q)
		if q, ok = c.doDequeue(now, b); !ok {
			c.dropping = false
		}
	}
	return q
}
