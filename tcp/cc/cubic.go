package cc

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// Cubic is CUBIC (RFC 9438) with HyStart++ (RFC 9406), the default.
//
// Its arithmetic is the same on every machine: no product is added to anything
// without a conversion in between, which forbids the compiler to fuse the two.
type Cubic struct {
	window
	start  hystart
	curve  curve
	undone *curve    // the curve of before the last reduction, nil before the first
	last   mono.Time // of the last acknowledgement
}

const (
	cubicC    = 0.4      // segment/second³ (RFC 9438 §5.1)
	cubicLoss = 70       // β_cubic in percent (RFC 9438 §4.6)
	cubicMark = 85       // RFC 8511 §3
	cubicAIMD = 9.0 / 17 // α_cubic = 3 * (1-β)/(1+β) (RFC 9438 §4.3)
)

// NewCubic returns CUBIC for one connection.
func NewCubic(p Params) *Cubic {
	return &Cubic{window: newWindow(p), start: newHystart()}
}

// Name returns "cubic".
func (c *Cubic) Name() string { return "cubic" }

// Acked widens the window.
func (c *Cubic) Acked(a Ack) {
	c.observe(a)
	gone := max(a.Now.Sub(c.last), 0)
	c.last = a.Now
	if !a.CwndLtd {
		// RFC 9438 §4.2: t "MUST NOT include periods during which cwnd has not been
		// updated due to application-limited behavior".
		c.curve.shift(gone)
	}
	// RFC 9406 §4.3: HyStart++ is for the first slow start only.
	first := c.ssthresh == maxWindow && !c.timedOut
	if c.mayGrow(a) {
		c.widen(a.Now, amount(a.Octets), first)
	}
	if first && c.start.acked(a.RTT, a.Round) {
		c.leave()
	}
}

// widen takes n acknowledged octets into the window.
func (c *Cubic) widen(now mono.Time, n int32, first bool) {
	if c.cwnd < c.ssthresh {
		c.curve.on = false
		n = c.slowly(n, first)
	}
	if n > 0 && c.cwnd >= c.ssthresh {
		c.avoid(now, n)
	}
}

// slowly is slow start and returns what is left for congestion avoidance. Those
// after a timeout or an idle time are of the traditional kind (RFC 3465).
func (c *Cubic) slowly(n int32, first bool) int32 {
	switch {
	case !first:
		return c.slowStart(c.counted(n))
	case c.unpaced:
		n = min(n, unpacedLimit*c.mss)
	}
	return c.slowStart(c.start.widen(n))
}

// leave ends the first slow start without a loss. RFC 9438 §4.10: W_max is
// undefined then; cwnd_prior = cwnd, K = 0 and W_max is the window as it is.
func (c *Cubic) leave() {
	c.ssthresh = max(c.cwnd, 2*c.mss)
	c.curve = curve{prior: c.cwnd}
}

// avoid is congestion avoidance: n octets were acknowledged.
func (c *Cubic) avoid(now mono.Time, n int32) {
	if !c.curve.on {
		c.curve.begin(now, c.cwnd, c.mss)
	}
	c.cwnd = min(c.curve.next(now, c.srtt, n, c.cwnd, c.mss), maxWindow)
}

// Sent tells of octets that left after idle; RFC 9438 §5.8: idle time is no time of the curve.
func (c *Cubic) Sent(now mono.Time, octets, inflight int, idle time.Duration) {
	if idle > 0 {
		c.curve.shift(min(idle, max(now.Sub(c.last), 0)))
		c.last = now
	}
	c.window.Sent(now, octets, inflight, idle)
}

// Lost is RFC 9438 §4.6 and §4.7.
func (c *Cubic) Lost(e Event) {
	c.keep()
	c.curve.congested(c.cwnd)
	if e.ECN && c.cwnd >= c.ssthresh {
		c.lost(e, cubicMark)
	} else {
		c.lost(e, cubicLoss)
	}
}

// TimedOut is RFC 9438 §4.8: the window of Reno, the factor of CUBIC, and K = 0
// with W_max the window at which the next congestion avoidance begins.
func (c *Cubic) TimedOut(now mono.Time, backoff, inflight int) {
	if backoff <= 1 {
		c.keep()
		c.curve = curve{prior: c.cwnd}
	}
	c.expired(backoff, inflight, cubicLoss)
}

// Undo is RFC 9438 §4.9.
func (c *Cubic) Undo(now mono.Time) {
	if c.undo() && c.undone != nil {
		c.curve = *c.undone
	}
}

// keep remembers the curve for Undo.
func (c *Cubic) keep() {
	if c.undone == nil {
		c.undone = new(curve)
	}
	*c.undone = c.curve
}

// State returns a snapshot.
func (c *Cubic) State() State { return c.state(c.Name(), c.phase()) }

func (c *Cubic) phase() string {
	switch {
	case c.cwnd >= c.ssthresh:
		return "congestion avoidance"
	case c.start.conservative() && c.ssthresh == maxWindow:
		return "conservative slow start"
	}
	return "slow start"
}
