package vnet

import (
	"cmp"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// PIE is a queue that drops arriving packets with a probability which a controller
// moves so that the delay stays near a target (RFC 8033). It marks instead while
// the probability is below a tenth (RFC 8033 §5.1). The delay is measured by time
// stamps (RFC 8033 §5.2).
type PIE struct {
	Limit  int           // octets; link.DefaultQueue if zero
	Target time.Duration // QDELAY_REF: 15 ms if zero
	Update time.Duration // T_UPDATE: 15 ms if zero
	Burst  time.Duration // MAX_BURST: 150 ms if zero
	Seed   uint64        // of its draws
}

// NewQueue returns an empty queue.
func (p PIE) NewQueue() link.Queue {
	return &pie{
		limit: limited(p.Limit), seed: p.Seed,
		target: cmp.Or(p.Target, 15*time.Millisecond), update: cmp.Or(p.Update, 15*time.Millisecond),
		maxBurst: cmp.Or(p.Burst, 150*time.Millisecond), burst: cmp.Or(p.Burst, 150*time.Millisecond),
	}
}

// Check says whether the values are usable.
func (p PIE) Check() error { return checkQueue("PIE", p.Limit, p.Target, p.Update, p.Burst) }

// The parameters of RFC 8033 §4.2 and §5.1.
const (
	pieAlpha   = 0.125 // 1/8 Hz
	pieBeta    = 1.25  // 10/8 Hz
	pieMarkTop = 0.1
	pieDecay   = 1 - 1.0/64
)

type pie struct {
	backlog
	limit                           int
	seed                            uint64
	target, update, maxBurst, burst time.Duration

	next  mono.Time // of the next update
	p     float64
	old   time.Duration // delay at the last update
	delay time.Duration // of the packet that left last
	accu  float64       // probability since the last drop (RFC 8033 §5.4)
}

func (p *pie) Put(now mono.Time, q *link.Queued, drop func(*link.Queued)) {
	p.run(now)
	switch {
	case p.count > 0 && p.octets+q.Size > p.limit:
		drop(q)
		return
	case p.early(q):
		if p.p >= pieMarkTop || !q.MarkCE() {
			drop(q)
			return
		}
	}
	p.push(q)
}

// early is drop_early of RFC 8033 §4.1 with the derandomization of §5.4.
func (p *pie) early(q *link.Queued) bool {
	if p.burst > 0 || p.old < p.target/2 && p.p < 0.2 || p.octets <= 2*fullFrame {
		return false
	}
	p.accu += p.p
	if p.accu < 0.85 {
		return false
	}
	if p.accu < 8.5 && chance(p.seed, q, 1) >= p.p {
		return false
	}
	p.accu = 0
	return true
}

func (p *pie) Take(now mono.Time, _ func(*link.Queued)) *link.Queued {
	p.run(now)
	q := p.pop()
	if q == nil {
		p.delay = 0
		return nil
	}
	p.delay = now.Sub(q.Since)
	if p.count == 0 {
		p.delay = 0
	}
	return q
}

// run makes the updates that are due.
func (p *pie) run(now mono.Time) {
	if p.next == 0 {
		p.next = now.Add(p.update)
	}
	for i := 0; p.next <= now; i++ {
		if i == 1000 { // long idle: everything has decayed
			p.p, p.next = 0, now.Add(p.update)
			return
		}
		delay := p.delay
		if q := p.first(); q != nil {
			delay = max(0, p.next.Sub(q.Since))
		}
		p.calculate(delay)
		p.next = p.next.Add(p.update)
	}
}

// calculate is calculate_drop_prob of RFC 8033 §4.2.
func (p *pie) calculate(delay time.Duration) {
	d := float64(pieAlpha*(delay-p.target).Seconds()) + float64(pieBeta*(delay-p.old).Seconds())
	d *= pieScale(p.p)
	if p.p >= 0.1 && d > 0.02 { // RFC 8033 §5.5: not in large steps
		d = 0.02
	}
	p.p += d
	if delay == 0 && p.old == 0 {
		p.p *= pieDecay
	}
	p.p = min(max(p.p, 0), 1)
	p.burst = max(0, p.burst-p.update)
	if p.p == 0 && delay < p.target/2 && p.old < p.target/2 {
		p.burst = p.maxBurst
	}
	p.old = delay
}

// pieScale makes the steps small while the probability is (RFC 8033 §4.2).
func pieScale(p float64) float64 {
	for _, s := range []struct{ below, by float64 }{
		{0.000001, 1.0 / 2048}, {0.00001, 1.0 / 512}, {0.0001, 1.0 / 128}, {0.001, 1.0 / 32}, {0.01, 1.0 / 8}, {0.1, 1.0 / 2},
	} {
		if p < s.below {
			return s.by
		}
	}
	return 1
}

func (p *pie) Backlog() (packets, octets int) { return p.count, p.octets }
