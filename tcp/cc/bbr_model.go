package cc

import (
	"math"
	"time"

	"github.com/octet-net/octet/mono"
)

// A bbrSample is RS of the draft, made safe: no amount exceeds a window.
type bbrSample struct {
	now        mono.Time
	acked      int32 // RS.newly_acked
	inflight   int32 // C.inflight, after the acknowledgement
	before     int32 // and before it: the most that was reached
	lostNow    bool  // RS.newly_lost > 0
	marked     int32 // octets that arrived marked
	recovery   bool
	rtt        time.Duration // 0: none
	rate       uint64        // RS.delivery_rate; 0: none
	delivered  int32         // RS.delivered
	txInflight int32
	lost       int32
	appLimited bool
	total      uint64 // C.delivered
	prior      uint64 // RS.prior_delivered
	loss       LossSample
}

// sample reads an acknowledgement and counts the round (draft §5.5.1).
func (b *BBR) sample(a Ack) bbrSample {
	r := a.Rate
	s := bbrSample{
		now: a.Now, acked: amount(a.Octets), inflight: amount(a.Inflight), before: amount(a.Prior), lostNow: a.Lost > 0,
		marked: amount(a.ECE), recovery: a.InRecovery, rtt: max(a.RTT, 0),
		delivered: amount(r.Delivered), txInflight: amount(r.TxInFlight), lost: amount(r.LostSince),
		total: r.Total, prior: r.PriorTotal, loss: a.Loss,
	}
	if r.Interval > 0 {
		s.rate = mulDiv(uint64(s.delivered), uint64(time.Second), uint64(r.Interval))
	}
	s.appLimited = r.AppLimited || b.state == probeRTT || s.prior < b.rtt.bubble
	b.seen(a)
	b.round.update(&s, a.Round)
	if b.round.start {
		b.cycle.roundsSinceUp = min(b.cycle.roundsSinceUp+1, math.MaxInt16)
		b.limitedRound, b.limited = b.limited, false
	}
	b.limited = b.limited || a.CwndLtd
	return s
}

// seen takes the round trip; the first gives the pacing rate its measure.
func (b *BBR) seen(a Ack) {
	if a.SRTT <= 0 {
		return
	}
	b.srtt = a.SRTT
	if !b.timedRTT {
		b.timedRTT = true
		b.initPacing(a.SRTT)
	}
}

// cwndLimited is C.is_cwnd_limited.
func (b *BBR) cwndLimited() bool { return b.limited || b.limitedRound }

// A bbrRound counts packet-timed round trips (draft §5.5.1).
type bbrRound struct {
	next  uint64 // BBR.next_round_delivered
	total uint64 // C.delivered
	count uint32
	start bool
}

func (r *bbrRound) update(s *bbrSample, round bool) {
	r.total = s.total
	r.start = s.acked > 0 && s.prior >= r.next
	if s.total == 0 {
		r.start = round // the owner does not sample the rate
	}
	if r.start {
		r.begin()
		r.count++
	}
}

// begin is StartRound.
func (r *bbrRound) begin() { r.next = r.total }

// A bbrBandwidth is the largest delivery rate of two probing cycles (draft §5.5.2)
// and the bound that losses set to it. Octets a second.
type bbrBandwidth struct {
	cycles [2]uint64 // the one before and this one
	max    uint64
	short  uint64 // BBR.bw_shortterm
	bw     uint64 // BBR.bw
}

func (w *bbrBandwidth) update(s *bbrSample) {
	if s.rate > 0 && (s.rate >= w.max || !s.appLimited) {
		w.cycles[1] = max(w.cycles[1], s.rate)
		w.max = max(w.cycles[0], w.cycles[1])
	}
	w.bound()
}

// advance is AdvanceMaxBwFilter. A cycle without a sample forgets nothing.
func (w *bbrBandwidth) advance() {
	if w.cycles[1] != 0 {
		w.cycles[0], w.cycles[1] = w.cycles[1], 0
		w.max = w.cycles[0]
	}
}

// bound is BoundBWForModel.
func (w *bbrBandwidth) bound() { w.bw = min(w.max, w.short) }

// A bbrFull finds that sending faster delivers no more (draft §5.3.1.2).
type bbrFull struct {
	bw      uint64
	count   uint8
	now     bool // BBR.full_bw_now
	reached bool // BBR.full_bw_reached
}

// reset is ResetFullBW with a new baseline.
func (f *bbrFull) reset(bw uint64) { f.bw, f.count, f.now = bw, 0, false }

// check is CheckFullBWReached: three rounds without a quarter more.
func (f *bbrFull) check(s *bbrSample, round bool) {
	if f.now || !round || s.appLimited || s.rate == 0 {
		return
	}
	if s.rate >= f.bw+f.bw/4 {
		f.reset(s.rate)
		return
	}
	f.count++
	if f.count >= 3 {
		f.now, f.reached = true, true
	}
}

// A bbrRTT estimates the round trip without a queue (draft §5.3.4.3).
type bbrRTT struct {
	min        time.Duration // BBR.min_rtt; 0: none yet
	minStamp   mono.Time
	probe      time.Duration // BBR.probe_rtt_min_delay
	probeStamp mono.Time
	expired    bool      // BBR.probe_rtt_expired
	done       mono.Time // BBR.probe_rtt_done_stamp; Never: not set
	roundDone  bool
	bubble     uint64 // deliveries below it say nothing of the bandwidth
}

func newBBRRTT() bbrRTT { return bbrRTT{done: mono.Never} }

// update is UpdateMinRTT.
func (r *bbrRTT) update(now mono.Time, rtt time.Duration) {
	r.expired = r.probe > 0 && now > r.probeStamp.Add(bbrProbeRTTEvery)
	if rtt > 0 && (r.probe == 0 || rtt < r.probe || r.expired) {
		r.probe, r.probeStamp = rtt, now
	}
	old := now > r.minStamp.Add(bbrMinRTTLen)
	if r.probe > 0 && (r.min == 0 || r.probe < r.min || old) {
		r.min, r.minStamp = r.probe, r.probeStamp
	}
}

// A bbrAggregation estimates how much more than expected is acknowledged at once
// (draft §5.5.9): the largest excess of ten rounds, kept as two halves.
type bbrAggregation struct {
	start     mono.Time
	delivered uint64 // BBR.extra_acked_delivered
	halves    [2]int32
	rounds    uint8 // in this half
}

func (g *bbrAggregation) extra() int32 { return max(g.halves[0], g.halves[1]) }

// updateAggregation is UpdateACKAggregation.
func (b *BBR) updateAggregation(s *bbrSample) {
	g := &b.agg
	if b.round.start {
		g.turn(b.full.reached)
	}
	expected := mulDiv(b.bw.bw, uint64(max(s.now.Sub(g.start), 0)), uint64(time.Second))
	if g.delivered <= expected {
		g.delivered, g.start, expected = 0, s.now, 0
	}
	g.delivered += uint64(s.acked)
	extra := int32(min(g.delivered-expected, uint64(b.cwnd)))
	g.halves[1] = max(g.halves[1], extra)
}

// turn moves the halves along: five rounds each, or one while in startup.
func (g *bbrAggregation) turn(steady bool) {
	g.rounds++
	if steady && g.rounds < 5 {
		return
	}
	g.rounds = 0
	g.halves[0], g.halves[1] = g.halves[1], 0
	if !steady {
		g.halves[0] = 0
	}
}

// bdp returns percent of BBR.bw * BBR.min_rtt, at a bandwidth bw.
func (b *BBR) bdp(bw, percent uint64) int32 {
	if b.rtt.min == 0 {
		return b.initial()
	}
	v := mulDiv(bw, uint64(b.rtt.min), uint64(time.Second))
	return int32(min(mulDiv(v, percent, 100), maxWindow))
}

// quantize is QuantizationBudget (draft §5.6.4.2): room for offload and pipelining.
func (b *BBR) quantize(inflight int32) int32 {
	budget := int32(min(3*int64(Quantum(b.pacingRate, int(b.mss))), maxWindow))
	inflight = max(inflight, budget, b.minPipe())
	if b.state == probeUp {
		inflight += 2 * b.mss
	}
	return min(inflight, maxWindow)
}

// inflight is Inflight(gain).
func (b *BBR) inflight(bw, percent uint64) int32 { return b.quantize(b.bdp(bw, percent)) }

// target is TargetInflight.
func (b *BBR) target() int32 { return min(b.bdp(b.bw.bw, 100), b.cwnd) }
