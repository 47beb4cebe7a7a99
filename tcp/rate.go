package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
)

// rate samples how fast data is delivered, as BBR's draft has it
// (draft-ietf-ccwg-bbr §4.1): each record remembers how much had been delivered
// when it was sent, and the difference when it arrives, over the time that
// passed, is what the path carried.
type rate struct {
	delivered   uint64    // C.delivered: octets delivered so far
	deliveredAt mono.Time // C.delivered_time
	firstSent   mono.Time // C.first_send_time: when the newest delivered octets, or the first of a flight, were sent
	lost        uint64    // C.lost: octets marked lost so far, repeatedly lost ones repeatedly
	limited     uint64    // C.app_limited: samples up to this much delivered show the application's rate; 0: none
	round       uint64    // delivered when the current round began
}

// A stamp is what a record remembers of the moment it was sent.
type stamp struct {
	delivered   uint64    // P.delivered
	deliveredAt mono.Time // P.delivered_time
	firstSent   mono.Time // P.first_send_time
	inflight    uint32    // P.tx_in_flight
	lost        uint32    // P.lost, modulo 2³²
	limited     bool      // P.is_app_limited
	order       uint32    // of the transmission among all, modulo 2³²; the scoreboard counts
}

// send returns the stamp for octets that leave now, the total in flight being
// inflight with them. quiet says that nothing was in flight before.
func (r *rate) send(now mono.Time, inflight int, quiet bool) stamp {
	if quiet {
		r.firstSent, r.deliveredAt = now, now
	}
	return stamp{
		delivered:   r.delivered,
		deliveredAt: r.deliveredAt,
		firstSent:   r.firstSent,
		inflight:    uint32(inflight),
		lost:        uint32(r.lost),
		limited:     r.limited != 0,
	}
}

// limit marks the samples of what is in flight as limited by the application.
func (r *rate) limit(inflight int) { r.limited = max(r.delivered+uint64(inflight), 1) }

// deliver counts octets delivered at now.
func (r *rate) deliver(now mono.Time, octets int) {
	r.delivered += uint64(octets)
	r.deliveredAt = now
	if r.limited != 0 && r.delivered > r.limited {
		r.limited = 0
	}
}

// sample makes the rate sample of an acknowledgement whose newest record was
// sent at sent with stamp p. It reports whether a round trip ended.
func (r *rate) sample(sent mono.Time, p stamp, least time.Duration) (s cc.RateSample, round bool) {
	if p.delivered >= r.round {
		r.round, round = r.delivered, true
	}
	r.firstSent = sent
	s = cc.RateSample{
		Delivered:  int(r.delivered - p.delivered),
		AppLimited: p.limited,
		TxInFlight: int(p.inflight),
		LostSince:  int(uint32(r.lost) - p.lost),
		Total:      r.delivered,
		PriorTotal: p.delivered,
	}
	// The longer of the two phases: neither ACKs that arrive in a bunch nor a
	// burst of sending shows more than the path carries.
	interval := max(sent.Sub(p.firstSent), r.deliveredAt.Sub(p.deliveredAt))
	if interval > 0 && interval >= least {
		s.Interval = interval
	}
	return s, round
}
