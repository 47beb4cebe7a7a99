package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// rtt estimates the round trip time and the retransmission timeout (RFC 6298).
type rtt struct {
	srtt    time.Duration // 0 before the first sample
	rttvar  time.Duration
	latest  time.Duration
	minimum minFilter
	backoff uint8 // doublings of the timeout since the last sample
}

// minFilter is the smallest sample of a sliding span of time.
type minFilter struct {
	at    mono.Time
	value time.Duration
}

// sample takes a measured round trip in. flight is FlightSize in segments when
// the sample was taken: RFC 7323 appendix G weighs frequent samples less.
func (r *rtt) sample(now mono.Time, d time.Duration, flight int, p *lossPolicy) {}

// min returns the smallest round trip seen lately, 0 if none.
func (r *rtt) min() time.Duration { return r.minimum.value }

// rto returns the timeout, backed off as often as back was called.
func (r *rtt) rto(p *lossPolicy) time.Duration { return p.InitialRTO }

// back doubles the timeout until the next sample (RFC 6298 §5.5).
func (r *rtt) back() {}

// synTimedOut tells that a SYN had to be sent again: data begins with a timeout
// of 3 s unless there is a sample (RFC 6298 §5.7).
func (r *rtt) synTimedOut() {}
