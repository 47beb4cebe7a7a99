package cc

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// nonValidatedPeriod is how long an unused window is kept (RFC 7661 §4.4.3; §5 says why five minutes).
const nonValidatedPeriod = 5 * time.Minute

// A validation knows how much of the window was used of late (RFC 7661). Its
// measure is pipeACK (§4.2): the most that was acknowledged in one round trip over
// the last sampling period, max(3*RTT, 1 s), kept here as the maxima of two halves.
//
//	        half            half
//	├───── before ─────┼───── recent ──→ now
//	                 since
type validation struct {
	round  int32 // acknowledged in the round that goes on, octets
	recent int32
	before int32
	known  bool // a whole round was measured: otherwise the window counts as valid
	since  mono.Time
	unused mono.Time // pipeACK is below half the window since then; Never if it is not
}

func newValidation() validation { return validation{unused: mono.Never} }

// reset forgets the measure. RFC 7661 §4.2: pipeACK is undefined after a loss.
func (v *validation) reset() { *v = newValidation() }

// pipe returns pipeACK in octets, 0 if it is undefined.
func (v *validation) pipe() int32 {
	if !v.known {
		return 0
	}
	return max(v.recent, v.before)
}

// acked takes an acknowledgement into the measure; cwnd is from before it.
func (v *validation) acked(a Ack, srtt time.Duration, cwnd int32) {
	v.age(a.Now, max(3*min(srtt, time.Minute), time.Second)/2)
	v.round = min(v.round+amount(a.Octets), maxWindow)
	if !a.Round {
		return
	}
	v.known = true
	v.recent = max(v.recent, v.round)
	v.round = 0
	// RFC 7661 §4.3: validated while pipeACK >= (1/2)*cwnd.
	if v.pipe() >= cwnd/2 {
		v.unused = mono.Never
	} else if v.unused == mono.Never {
		v.unused = a.Now
	}
}

// age moves the two halves along.
func (v *validation) age(now mono.Time, half time.Duration) {
	gone := now.Sub(v.since)
	if gone < half {
		return
	}
	v.before, v.recent, v.since = v.recent, 0, now
	if gone >= 2*half {
		v.before = 0
	}
}

// idle tells that nothing was in flight for d until now.
func (v *validation) idle(now mono.Time, d time.Duration) {
	if d >= time.Second && v.unused == mono.Never {
		v.unused = now.Add(-d)
	}
}

// expired reports that the window was unused for a whole period, and begins the next.
func (v *validation) expired(now mono.Time) bool {
	if v.unused == mono.Never || now.Sub(v.unused) < nonValidatedPeriod {
		return false
	}
	v.unused = v.unused.Add(nonValidatedPeriod)
	return true
}
