package cc

import (
	"math"
	"time"
)

// A hystart is HyStart++ (RFC 9406): it leaves the first slow start when the round
// trip grows, before the queue overflows. It begins with a conservative slow start
// (CSS) of five rounds, in case the delay was only jitter:
//
//	slow start ──RTT grew──→ CSS ──five rounds──→ congestion avoidance
//	     ↑                    │
//	     └──RTT fell again────┘
//
// Round trips are in microseconds, noRTT where there is none.
type hystart struct {
	last     uint32 // the smallest of the round before
	current  uint32 // the smallest of this round
	baseline uint32 // the smallest when CSS began; noRTT outside CSS
	samples  uint8  // in this round, counted up to sampleCount
	rounds   uint8  // of CSS begun, this one included
}

// RFC 9406 §4.3.
const (
	minRTTThresh     = 4000  // microseconds
	maxRTTThresh     = 16000 // microseconds
	minRTTDivisor    = 8
	sampleCount      = 8
	cssGrowthDivisor = 4
	cssRounds        = 5
	unpacedLimit     = 8 // L, where nothing else holds bursts down
)

const noRTT = math.MaxUint32

func newHystart() hystart { return hystart{last: noRTT, current: noRTT, baseline: noRTT} }

// conservative reports whether CSS is going on.
func (h *hystart) conservative() bool { return h.baseline != noRTT }

// widen returns by how much n acknowledged octets widen the window. RFC 9406 §4.2:
// by as much in slow start, by a fourth of it in CSS.
func (h *hystart) widen(n int32) int32 {
	if h.conservative() {
		return n / cssGrowthDivisor
	}
	return n
}

// acked takes an acknowledgement and reports that slow start is over.
func (h *hystart) acked(rtt time.Duration, round bool) (done bool) {
	if rtt > 0 {
		h.sample(uint32(min(rtt/time.Microsecond, noRTT-1)))
	}
	if round {
		done = h.endRound()
	}
	return done
}

// sample is the per-ACK part of RFC 9406 §4.2.
func (h *hystart) sample(rtt uint32) {
	h.current = min(h.current, rtt)
	h.samples = min(h.samples+1, sampleCount)
	if h.samples < sampleCount {
		return
	}
	if h.conservative() {
		// "If (currentRoundMinRTT < cssBaselineMinRtt)" slow start goes on.
		if h.current < h.baseline {
			h.baseline = noRTT
		}
		return
	}
	if h.last != noRTT && h.current >= h.last+threshold(h.last) {
		h.baseline = h.current
		h.rounds = 1 // the rest of this round is the first
	}
}

// threshold is RttThresh: an eighth of the round trip, within 4 to 16 ms.
func threshold(last uint32) uint32 {
	return max(minRTTThresh, min(last/minRTTDivisor, maxRTTThresh))
}

// endRound begins a new round and reports that CSS has had all of its rounds.
func (h *hystart) endRound() bool {
	h.last, h.current, h.samples = h.current, noRTT, 0
	if !h.conservative() {
		return false
	}
	h.rounds++
	return h.rounds > cssRounds
}
