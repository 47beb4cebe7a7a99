package cc

import "time"

// initPacing is InitPacingRate (draft §5.6.2).
func (b *BBR) initPacing(rtt time.Duration) {
	b.pacingRate = windowRate(b.initial(), rtt, bbrGains[startup].pacing)
}

// setPacingRate is SetPacingRateWithGain. Until the pipe was full once the rate
// only rises: samples that the application limited do not slow it down.
func (b *BBR) setPacingRate(percent uint64) {
	rate := mulDiv(b.bw.bw, percent*(100-bbrPacingMargin), 100*100)
	if b.full.reached || rate > b.pacingRate {
		b.pacingRate = max(rate, 1)
	}
}

// setCwnd is SetCwnd (draft §5.6.4.6).
func (b *BBR) setCwnd(s *bbrSample) {
	limit := b.maxInflight()
	grown := min(b.cwnd+s.acked, maxWindow)
	switch {
	case b.full.reached:
		b.cwnd = min(grown, limit)
	case b.cwnd < limit || s.total < uint64(b.initial()):
		b.cwnd = grown
	}
	b.cwnd = max(b.cwnd, b.minPipe())
	b.boundCwnd()
}

// maxInflight is UpdateMaxInflight.
func (b *BBR) maxInflight() int32 {
	v := b.bdp(b.bw.bw, bbrGains[b.state].cwnd)
	return b.quantize(min(v+b.agg.extra(), maxWindow))
}

// boundCwnd is BoundCwndForProbeRTT and BoundCwndForModel (draft §5.6.4.7).
func (b *BBR) boundCwnd() {
	limit := int32(maxWindow)
	switch b.state {
	case probeDown, probeRefill, probeUp:
		limit = b.inflightLong
	case probeCruise:
		limit = b.withHeadroom()
	case probeRTT:
		limit = min(b.withHeadroom(), b.probeRTTCwnd())
	}
	limit = max(min(limit, b.inflightShort), b.minPipe())
	b.cwnd = min(max(b.cwnd, b.mss), limit, maxWindow)
}

// withHeadroom is InflightWithHeadroom: what leaves room for other flows.
func (b *BBR) withHeadroom() int32 {
	if b.inflightLong == maxWindow {
		return maxWindow
	}
	room := max(b.mss, scale(b.inflightLong, bbrHeadroom))
	return max(b.inflightLong-room, b.minPipe())
}

func (b *BBR) probeRTTCwnd() int32 {
	return max(b.bdp(b.bw.bw, bbrGains[probeRTT].cwnd), b.minPipe())
}

// saveCwnd remembers the window that loss or probe rtt did not modulate.
func (b *BBR) saveCwnd() {
	if !b.recovering && b.state != probeRTT {
		b.priorCwnd = b.cwnd
	} else {
		b.priorCwnd = max(b.priorCwnd, b.cwnd)
	}
}

func (b *BBR) restoreCwnd() { b.cwnd = max(b.cwnd, b.priorCwnd) }
