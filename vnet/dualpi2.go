package vnet

import (
	"cmp"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// DualPI2 is two queues behind one transmitter (RFC 9332, appendix A): one for
// transports that want to be marked early and often (ECT(1), L4S) and keeps almost
// no delay, one for all others, which it drops or marks with the square of the
// probability, so that both get a like share.
type DualPI2 struct {
	Limit  int           // octets of both; link.DefaultQueue if zero
	Target time.Duration // of the classic queue: 15 ms if zero
	Update time.Duration // Tupdate: 15 ms if zero
	Seed   uint64        // of its draws
}

// NewQueue returns an empty queue.
func (d DualPI2) NewQueue() link.Queue {
	return &dualpi2{
		limit: limited(d.Limit), seed: d.Seed,
		target: cmp.Or(d.Target, 15*time.Millisecond), update: cmp.Or(d.Update, 15*time.Millisecond),
	}
}

// Check says whether the values are usable.
func (d DualPI2) Check() error { return checkQueue("DualPI2", d.Limit, d.Target, d.Update) }

// The parameters of RFC 9332 §A.1: gains for RTT_max 100 ms, the coupling factor,
// the delay at which L4S packets are marked, the weight of the scheduler, and the
// probability beyond which nothing is marked any more.
const (
	dualAlpha    = 0.15 // Hz: 0.1 * Tupdate / RTT_max²
	dualBeta     = 3.0  // Hz: 0.3 / RTT_max
	dualCoupling = 2
	dualMinTh    = 800 * time.Microsecond
	dualRange    = 400 * time.Microsecond
	dualShift    = 2 * 15 * time.Millisecond           // TS-FIFO: the L4S queue goes first unless the classic one is so much older
	dualTop      = 1.0 / (dualCoupling * dualCoupling) // p_Cmax: beyond it marks do not help and packets are dropped
)

type dualpi2 struct {
	l, c           backlog
	limit          int
	seed           uint64
	target, update time.Duration

	next mono.Time
	p    float64 // p'
	old  time.Duration
}

func (d *dualpi2) Put(now mono.Time, q *link.Queued, drop func(*link.Queued)) {
	d.run(now)
	if packets, octets := d.Backlog(); packets > 0 && octets+q.Size > d.limit {
		drop(q)
		return
	}
	if q.ECN()&link.ECT1 != 0 { // ECT(1) and CE
		d.l.push(q)
	} else {
		d.c.push(q)
	}
}

func (d *dualpi2) Take(now mono.Time, drop func(*link.Queued)) *link.Queued {
	d.run(now)
	for {
		if d.lFirst(now) {
			return d.takeL(now, drop)
		}
		q := d.c.pop()
		if q == nil {
			return nil
		}
		// The square is made by comparing with the larger of two draws (RFC 9332 §A.1).
		hit := d.p > max(chance(d.seed, q, 1), chance(d.seed, q, 2))
		if hit && (d.overloaded() || !q.MarkCE()) {
			drop(q)
			continue
		}
		return q
	}
}

// lFirst is the scheduler: first come, first served, with a handicap for the
// classic queue (RFC 9332 §4.2.2).
func (d *dualpi2) lFirst(now mono.Time) bool {
	l, c := d.l.first(), d.c.first()
	switch {
	case l == nil:
		return false
	case c == nil:
		return true
	}
	return now.Sub(l.Since)+dualShift >= now.Sub(c.Since)
}

// takeL takes an L4S packet and marks it with the probability of its own queue or
// of the coupling, whichever is larger (RFC 9332 §A.1).
func (d *dualpi2) takeL(now mono.Time, drop func(*link.Queued)) *link.Queued {
	q := d.l.pop()
	if d.overloaded() && d.p > max(chance(d.seed, q, 1), chance(d.seed, q, 2)) {
		drop(q)
		return d.Take(now, drop)
	}
	p := min(float64(dualCoupling*d.p), 1)
	if d.l.octets > 2*fullFrame { // not for one packet in service
		p = max(p, ramp(now.Sub(q.Since)))
	}
	if p > chance(d.seed, q, 3) && !q.MarkCE() {
		drop(q)
		return d.Take(now, drop)
	}
	return q
}

// overloaded reports whether the classic probability, the square of p, has reached its end.
func (d *dualpi2) overloaded() bool { return float64(d.p*d.p) >= dualTop }

// ramp is the marking of the L4S queue by its own delay.
func ramp(d time.Duration) float64 {
	return min(1, max(0, float64(d-dualMinTh)/float64(dualRange)))
}

// run makes the updates of the controller that are due (RFC 9332 §A.1, dualpi2_update).
func (d *dualpi2) run(now mono.Time) {
	if d.next == 0 {
		d.next = now.Add(d.update)
	}
	for i := 0; d.next <= now; i++ {
		if i == 1000 { // long idle
			d.p, d.old, d.next = 0, 0, now.Add(d.update)
			return
		}
		var delay time.Duration
		for _, b := range []*backlog{&d.l, &d.c} {
			if q := b.first(); q != nil {
				delay = max(delay, d.next.Sub(q.Since))
			}
		}
		d.p += float64(dualAlpha*(delay-d.target).Seconds()) + float64(dualBeta*(delay-d.old).Seconds())
		d.p = min(max(d.p, 0), 1)
		d.old = delay
		d.next = d.next.Add(d.update)
	}
}

func (d *dualpi2) Backlog() (packets, octets int) {
	return d.l.count + d.c.count, d.l.octets + d.c.octets
}
