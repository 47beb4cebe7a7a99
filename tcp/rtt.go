package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
)

const (
	clockGrain   = time.Millisecond  // G of RFC 6298 §2: no timeout is finer
	minRTTSpan   = 300 * time.Second // how long a smallest round trip is believed
	mostSamples  = 1 << 12           // of one round trip that appendix G of RFC 7323 divides by
	synLateRTO   = 3 * time.Second   // RFC 6298 §5.7
	mostBackoffs = 32                // doublings; MaxRTO ends them long before
	leastRTT     = time.Nanosecond   // a round trip within one moment of virtual time
)

// rtt estimates the round trip time and the retransmission timeout (RFC 6298).
// The zero value has no sample.
type rtt struct {
	srtt    time.Duration // smoothed round trip; 0 before the first sample
	rttvar  time.Duration // its mean deviation
	least   minFilter
	doubled uint8 // times the timeout was backed off since the last sample
	synLate bool  // a SYN timed out and no sample was taken since
}

// sample takes a measured round trip in. most is how many such samples one round trip
// gives: one out of many weighs as little as they are many, so that history is as
// long as RFC 6298 means it to be (RFC 7323 appendix G, which expects one for every
// second segment; we take what the acknowledgement covers, as many cover more).
// Karn: what was sent twice is never measured, unless timestamps tell which of the two
// was acknowledged (MUST-18); the caller sees to it.
func (r *rtt) sample(now mono.Time, d time.Duration, most int) {
	d = max(d, leastRTT)
	r.least.take(now, d)
	if r.srtt == 0 {
		// RFC 6298 §2.2: "SRTT <- R, RTTVAR <- R/2".
		r.srtt, r.rttvar = d, d/2
	} else {
		// RFC 6298 §2.3, with alpha and beta divided by the expected samples.
		n := time.Duration(min(max(most, 1), mostSamples))
		r.rttvar += ((r.srtt - d).Abs() - r.rttvar) / (4 * n)
		r.srtt = max(r.srtt+(d-r.srtt)/(8*n), leastRTT)
	}
	// RFC 6298 §5: a new measurement collapses a backed-off timeout.
	r.doubled, r.synLate = 0, false
}

// late takes in the round trip that showed a timeout to be spurious: the path
// is slower than was believed (RFC 4015 §3.2 step SPUR_TO).
func (r *rtt) late(d time.Duration) {
	if r.srtt == 0 {
		return
	}
	r.srtt = max(r.srtt, d)
	r.rttvar = max(r.rttvar, d/2)
}

// measured reports whether there is a sample.
func (r *rtt) measured() bool { return r.srtt != 0 }

// minimum returns the smallest round trip seen lately, 0 before the first sample.
func (r *rtt) minimum() time.Duration { return r.least.value() }

// rto returns the timeout, doubled as often as backOff was called since the last
// sample.
func (r *rtt) rto(p *lossPolicy) time.Duration {
	d := r.base(p)
	for range r.doubled {
		if d >= p.MaxRTO {
			break
		}
		d *= 2
	}
	return min(d, p.MaxRTO)
}

// base returns the timeout before it is doubled. The lower bound of RFC 6298 §2.4 is applied to the deviation instead of
// the sum, as Linux does: where it is far below the RFC's second, a path with a
// long and steady round trip would else be left no time for a delayed ACK.
func (r *rtt) base(p *lossPolicy) time.Duration {
	d := p.InitialRTO
	switch {
	case r.srtt != 0:
		d = r.srtt + max(clockGrain, 4*r.rttvar, p.MinRTO)
	case r.synLate:
		d = max(d, synLateRTO)
	}
	return min(d, p.MaxRTO)
}

// backOff doubles the timeout until the next sample (RFC 6298 §5.5).
func (r *rtt) backOff() { r.doubled = min(r.doubled+1, mostBackoffs) }

// synTimedOut tells that a SYN was sent again. RFC 6298 §5.7: if its timer
// expired, the timeout is 3 s when data begins, unless a sample says otherwise.
func (r *rtt) synTimedOut() { r.synLate = true }

// opened ends the handshake: what a SYN was backed off does not concern data.
func (r *rtt) opened() { r.doubled = 0 }

// A minFilter is the smallest sample of a sliding span of time. It keeps one
// minimum for each half of the span, so it forgets between half a span and a whole.
type minFilter struct {
	half       mono.Time // when the current half began
	now, prior time.Duration
}

func (f *minFilter) take(now mono.Time, d time.Duration) {
	switch age := now.Sub(f.half); {
	case f.now == 0 || age >= minRTTSpan:
		*f = minFilter{half: now, now: d, prior: d}
	case age >= minRTTSpan/2:
		*f = minFilter{half: now, now: d, prior: f.now}
	default:
		f.now = min(f.now, d)
	}
}

func (f *minFilter) value() time.Duration { return min(f.now, f.prior) }
