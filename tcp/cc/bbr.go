package cc

import (
	"math"
	"time"

	"github.com/octet-net/octet/mono"
)

// BBR is BBR version 3 (draft-ietf-ccwg-bbr). It does not search for the window
// at which the network drops, but keeps a model of the path, the bandwidth and the
// round trip without a queue, and sends at what the model says:
//
//	startup → drain → probe bw: down → cruise → refill → up ┐
//	                              ↑                         │
//	                              └─────────────────────────┘
//	every 5 s without a smaller round trip: probe rtt
//
// Names and steps are those of the draft, so that both can be read side by side.
// It needs RateSample in every Ack, and Ack.Loss where segments were lost.
type BBR struct {
	mss      int32
	cwnd     int32
	segments int16 // of the initial window
	noSACK   bool
	flown    bool // something was sent
	timedRTT bool // the pacing rate knows a round trip

	state      bbrState
	pacingRate uint64 // octets a second
	srtt       time.Duration
	seed       uint64
	draws      uint64

	round   bbrRound
	bw      bbrBandwidth
	full    bbrFull
	rtt     bbrRTT
	agg     bbrAggregation
	cycle   bbrCycle
	signals bbrSignals
	undone  bbrUndo

	inflightLong  int32 // BBR.inflight_longterm; maxWindow: no bound is known
	inflightShort int32 // BBR.inflight_shortterm, likewise
	priorCwnd     int32
	recovering    bool // C.InLossRecovery
	idleRestart   bool
	limited       bool // C.is_cwnd_limited: the window was full in this round or the last
	limitedRound  bool
}

type bbrState uint8

const (
	startup bbrState = iota
	drain
	probeDown
	probeCruise
	probeRefill
	probeUp
	probeRTT
)

// The gains in percent and the name of each state (draft §5.6.1).
var bbrGains = [...]struct {
	pacing, cwnd uint64
	name         string
}{
	startup:     {277, 200, "startup"},
	drain:       {50, 200, "drain"},
	probeDown:   {90, 200, "probe bw down"},
	probeCruise: {100, 200, "probe bw cruise"},
	probeRefill: {100, 200, "probe bw refill"},
	probeUp:     {125, 225, "probe bw up"},
	probeRTT:    {100, 50, "probe rtt"},
}

// Parameters of the draft, §2.8 and following.
const (
	bbrLossThresh    = 2  // percent of a round trip
	bbrBeta          = 70 // percent
	bbrHeadroom      = 15 // percent
	bbrMinPipe       = 4  // segments
	bbrPacingMargin  = 1  // percent
	bbrFullLossCount = 6  // loss events in a round that end startup
	bbrMinRTTLen     = 10 * time.Second
	bbrProbeRTTLen   = 200 * time.Millisecond
	bbrProbeRTTEvery = 5 * time.Second
	bbrNoBound       = math.MaxUint64 // of bandwidth
)

// NewBBR returns BBR for one connection. Its random draws follow from p.Seed.
func NewBBR(p Params) *BBR {
	b := &BBR{
		segments: p.initialWindow(), noSACK: p.NoSACK, seed: p.Seed,
		inflightLong: maxWindow, inflightShort: maxWindow,
		rtt: newBBRRTT(), bw: bbrBandwidth{short: bbrNoBound},
	}
	b.cycle.perInc = maxWindow
	b.SetMSS(p.mss())
	b.initPacing(time.Millisecond)
	return b
}

// Name returns "bbr".
func (b *BBR) Name() string { return "bbr" }

// Window returns the congestion window in octets.
func (b *BBR) Window() int { return int(b.cwnd) }

// PacingRate returns C.pacing_rate in octets a second.
func (b *BBR) PacingRate() uint64 { return b.pacingRate }

// SelfClocked marks that PRR is not to be applied.
func (b *BBR) SelfClocked() {}

// SetMSS takes another segment size.
func (b *BBR) SetMSS(mss int) {
	b.mss = int32(min(max(mss, 1), maxMSS))
	if !b.flown {
		b.cwnd = b.initial()
	}
	b.cwnd = min(max(b.cwnd, b.mss), maxWindow)
}

func (b *BBR) initial() int32 { return initialWindow(int32(b.segments), b.mss) }

func (b *BBR) minPipe() int32 { return bbrMinPipe * b.mss }

// Sent is HandleRestartFromIdle (draft §5.4.1).
func (b *BBR) Sent(now mono.Time, octets, inflight int, idle time.Duration) {
	b.flown = true
	if idle <= 0 {
		return
	}
	b.idleRestart = true
	b.agg.start = now
	if b.probingBW() {
		b.setPacingRate(100)
	} else if b.state == probeRTT {
		b.checkProbeRTTDone(now)
	}
}

// Acked is UpdateOnACK (draft §5.2.3), after HandleLostPacket for what it lost.
func (b *BBR) Acked(a Ack) {
	b.flown = true
	s := b.sample(a)
	if a.Lost > 0 || a.ECE > 0 {
		b.lostPacket(&s)
	}
	b.updateModel(&s)
	b.setPacingRate(bbrGains[b.state].pacing)
	b.setCwnd(&s)
}

// updateModel is UpdateModelAndState.
func (b *BBR) updateModel(s *bbrSample) {
	b.updateLatestSignals(s)
	b.updateCongestionSignals(s)
	b.updateAggregation(s)
	b.full.check(s, b.round.start)
	b.checkStartupDone(s)
	b.checkDrainDone(s)
	b.updateCycle(s)
	b.rtt.update(s.now, s.rtt)
	b.checkProbeRTT(s)
	b.advanceLatestSignals(s)
}

// Lost is OnEnterFastRecovery (draft §5.6.4.4). A mark is congestion like a loss
// (draft §3.7); it is told apart only in that nothing has to be repaired.
func (b *BBR) Lost(e Event) {
	b.noteLoss()
	if e.ECN {
		b.signals.echoed = true
	}
	b.recovering = true
}

// Recovered ends an episode: the last known good window comes back.
func (b *BBR) Recovered(now mono.Time) {
	if b.recovering {
		b.recovering = false
		b.restoreCwnd()
		b.boundCwnd()
	}
}

// TimedOut is OnEnterRTO: one segment, then up again by what is acknowledged.
func (b *BBR) TimedOut(now mono.Time, backoff, inflight int) {
	if backoff <= 1 && inflight > 0 {
		b.saveUponLoss()
		b.recovering = true
	}
	b.flown = true
	b.cwnd = b.mss
}

// Undo is HandleSpuriousLossDetection (draft §5.5.11.2).
func (b *BBR) Undo(now mono.Time) {
	b.recovering = false
	b.restoreCwnd()
	b.signals.lossInRound = false
	b.full.reset(0)
	b.bw.short = max(b.bw.short, b.undone.bwShort)
	b.inflightShort = max(b.inflightShort, b.undone.inflightShort)
	b.inflightLong = max(b.inflightLong, b.undone.inflightLong)
	b.bw.bound()
	b.undoState(now)
	b.undone = bbrUndo{}
}

// undoState goes back to where a spurious loss had ended a search for bandwidth.
func (b *BBR) undoState(now mono.Time) {
	switch {
	case b.undone.state == undoStartup && b.state != startup:
		b.full.reached = false
		if b.state != probeRTT {
			b.state = startup
		}
	case b.undone.state == undoProbeUp && b.state != probeUp && b.state != probeRTT:
		b.startRefill()
	}
}

// State returns a snapshot. BBR has no ssthresh.
func (b *BBR) State() State {
	return State{Name: b.Name(), Cwnd: b.Window(), Phase: bbrGains[b.state].name, PacingRate: b.pacingRate}
}

// draw returns the next random 64 bits: a hash of the seed and a counter
// (SplitMix64), so that one connection's draws do not shift another's.
func (b *BBR) draw() uint64 {
	b.draws++
	return mix(b.seed + b.draws*0x9e3779b97f4a7c15)
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
