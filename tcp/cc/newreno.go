package cc

import "github.com/octet-net/octet/mono"

// Reno is NewReno: the window of RFC 5681 and RFC 6582, growing by octets
// acknowledged (RFC 3465) and not by acknowledgements, so that a peer that divides
// its acknowledgements gains nothing.
type Reno struct {
	window
	credit int32 // octets acknowledged in congestion avoidance, short of the next segment
}

// The multiplicative decrease, in percent: RFC 5681 §3.1 for a loss and RFC 8511
// §3 for a mark, which a shallow queue sends early.
const (
	renoLoss = 50
	renoMark = 80
)

// NewReno returns NewReno for one connection.
func NewReno(p Params) *Reno { return &Reno{window: newWindow(p)} }

// Name returns "newreno".
func (r *Reno) Name() string { return "newreno" }

// Acked widens the window.
func (r *Reno) Acked(a Ack) {
	r.observe(a)
	if !r.mayGrow(a) {
		return
	}
	n := amount(a.Octets)
	if r.cwnd < r.ssthresh {
		n = r.slowStart(r.counted(n))
	}
	r.avoid(n)
}

// avoid is congestion avoidance. RFC 5681 §3.1: when the octets acknowledged reach
// cwnd, cwnd grows by one segment: at most one segment a round trip.
func (r *Reno) avoid(n int32) {
	if n <= 0 {
		return
	}
	r.credit += min(n, r.cwnd)
	if r.credit >= r.cwnd {
		r.credit -= r.cwnd
		r.grow(r.mss)
	}
}

// Lost halves the window; a mark in congestion avoidance takes a fifth.
func (r *Reno) Lost(e Event) {
	r.credit = 0
	r.lost(e, r.factor(e))
}

func (r *Reno) factor(e Event) int {
	// RFC 8511 §3: the milder factor is for congestion avoidance only.
	if e.ECN && r.cwnd >= r.ssthresh {
		return renoMark
	}
	return renoLoss
}

// TimedOut goes back to one segment.
func (r *Reno) TimedOut(now mono.Time, backoff, inflight int) {
	r.credit = 0
	r.expired(backoff, inflight, renoLoss)
}

// Undo takes the last reduction back.
func (r *Reno) Undo(now mono.Time) { r.undo() }

// State returns a snapshot.
func (r *Reno) State() State {
	phase := "congestion avoidance"
	if r.cwnd < r.ssthresh {
		phase = "slow start"
	}
	return r.state(r.Name(), phase)
}
