package cc

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// A bbrCycle is the state of probing for bandwidth (draft §2.14).
type bbrCycle struct {
	phase         bbrAckPhase
	probeSample   bool // BBR.is_bw_probe_sample
	tooHigh       bool // BBR.prev_probe_too_high
	precautionary bool // BBR.prev_probe_precautionary
	upRounds      uint8
	roundsSinceUp int16
	upAcked       int32
	perInc        int32         // BBR.probe_up_acked_per_inc; maxWindow: not growing
	wait          time.Duration // BBR.bw_probe_wait
	stamp         mono.Time     // BBR.cycle_stamp
	drainRound    uint32
}

type bbrAckPhase uint8

const (
	acksInit bbrAckPhase = iota
	acksRefilling
	acksProbeStarting
	acksProbeFeedback
	acksProbeStopping
)

// probingBW is IsInAProbeBWState.
func (b *BBR) probingBW() bool { return b.state >= probeDown && b.state <= probeUp }

// checkStartupDone leaves startup when the pipe is full or drops too much (§5.3.1.3).
func (b *BBR) checkStartupDone(s *bbrSample) {
	b.checkStartupHighLoss(s)
	if b.state == startup && b.full.reached {
		b.state = drain
		b.cycle.drainRound = b.round.count
	}
}

func (b *BBR) checkStartupHighLoss(s *bbrSample) {
	g := &b.signals
	if !g.roundStart {
		return
	}
	events := g.events
	g.events = 0
	if b.full.reached || !s.recovery {
		return
	}
	if events >= bbrFullLossCount && b.tooHigh(s.txInflight, s.lost) || b.noSACK && events > 0 {
		b.undone.state = undoStartup
		b.full.reached = true
		b.inflightLong = max(b.bdp(b.bw.bw, 100), g.inflightLatest, b.minPipe())
	}
}

// checkDrainDone is CheckDrainDone (§5.3.2).
func (b *BBR) checkDrainDone(s *bbrSample) {
	if b.state == drain && (s.inflight <= b.inflight(b.bw.bw, 100) || b.round.count > b.cycle.drainRound+3) {
		b.startDown(s.now)
	}
}

// startDown is StartProbeBW_DOWN with PickProbeWait (§5.3.3.8).
func (b *BBR) startDown(now mono.Time) {
	b.signals.reset()
	b.cycle.perInc = maxWindow
	r := b.draw()
	b.cycle.roundsSinceUp = int16(r & 1)
	b.cycle.wait = 2*time.Second + time.Duration(r>>1%uint64(time.Second))
	b.cycle.stamp = now
	b.cycle.phase = acksProbeStopping
	b.round.begin()
	b.state = probeDown
}

// startRefill is StartProbeBW_REFILL.
func (b *BBR) startRefill() {
	b.resetShortTerm()
	b.cycle.upRounds, b.cycle.upAcked = 0, 0
	b.cycle.precautionary = false
	b.cycle.phase = acksRefilling
	b.round.begin()
	b.state = probeRefill
}

// startUp is StartProbeBW_UP.
func (b *BBR) startUp(s *bbrSample) {
	b.cycle.phase = acksProbeStarting
	b.round.begin()
	b.full.reset(s.rate)
	b.state = probeUp
	b.raiseSlope()
}

// updateCycle is UpdateProbeBWCyclePhase.
func (b *BBR) updateCycle(s *bbrSample) {
	if !b.full.reached || s.acked == 0 {
		return
	}
	if b.adaptLongTerm(s) {
		return
	}
	switch b.state {
	case probeDown:
		if !b.timeToProbe(s) && b.timeToCruise(s) {
			b.state = probeCruise
		}
	case probeCruise:
		b.timeToProbe(s)
	case probeRefill:
		if b.round.start {
			b.cycle.probeSample = true
			b.startUp(s)
		}
	case probeUp:
		if b.timeToGoDown(s) {
			b.cycle.tooHigh = false
			b.startDown(s.now)
		}
	}
}

// timeToProbe is IsTimeToProbeBW: by the clock, or as often as Reno would.
func (b *BBR) timeToProbe(s *bbrSample) bool {
	reno := min(b.target()/b.mss, 63)
	if s.now <= b.cycle.stamp.Add(b.cycle.wait) && int32(b.cycle.roundsSinceUp) < reno {
		return false
	}
	b.startRefill()
	return true
}

// timeToCruise is IsTimeToCruise.
func (b *BBR) timeToCruise(s *bbrSample) bool {
	return s.inflight <= b.withHeadroom() && s.inflight <= b.inflight(b.bw.max, 100)
}

// timeToGoDown is IsTimeToGoDown. What is in flight reaches a bound when no segment
// fits any more, before an acknowledgement takes from it.
func (b *BBR) timeToGoDown(s *bbrSample) bool {
	if b.cycle.tooHigh && max(s.inflight, s.before)+b.mss > b.inflightLong {
		b.cycle.precautionary = true
		return true
	}
	if b.cwndLimited() && b.cwnd >= b.inflightLong {
		b.full.reset(s.rate) // the bound, not the path, limits the bandwidth
		return false
	}
	return b.full.now
}

// adaptLongTerm is AdaptLongTermModel. It reports that it has chosen a state.
func (b *BBR) adaptLongTerm(s *bbrSample) bool {
	if b.cycle.phase == acksProbeStarting && b.round.start {
		b.cycle.phase = acksProbeFeedback
	}
	if b.cycle.phase == acksProbeStopping && b.round.start {
		b.cycle.probeSample = false
		b.cycle.phase = acksInit
		if b.probingBW() && !s.appLimited {
			b.bw.advance()
			b.bw.bound()
		}
		if b.probingBW() && b.cycle.precautionary && !b.cycle.tooHigh {
			b.startRefill()
			return true
		}
	}
	if b.inflightLong == maxWindow || b.tooHigh(s.txInflight, s.lost) {
		return false
	}
	b.inflightLong = max(b.inflightLong, s.txInflight)
	if b.state == probeUp {
		b.raiseLongTerm(s)
	}
	return false
}

// raiseLongTerm is ProbeInflightLongtermUpward.
func (b *BBR) raiseLongTerm(s *bbrSample) {
	if !b.cwndLimited() || b.cwnd < b.inflightLong {
		return
	}
	c := &b.cycle
	c.upAcked = min(c.upAcked+s.acked, maxWindow)
	if c.upAcked >= c.perInc {
		delta := c.upAcked / c.perInc
		c.upAcked -= delta * c.perInc
		b.inflightLong = int32(min(int64(b.inflightLong)+int64(delta)*int64(b.mss), maxWindow))
	}
	if b.round.start {
		b.raiseSlope()
	}
}

// raiseSlope is RaiseInflightLongtermSlope: 1, 2, 4, … segments a round trip.
func (b *BBR) raiseSlope() {
	growth := int32(1) << b.cycle.upRounds
	b.cycle.upRounds = min(b.cycle.upRounds+1, 30)
	b.cycle.perInc = max(b.cwnd/growth, b.mss)
}

// checkProbeRTT is CheckProbeRTT (§5.3.4.3).
func (b *BBR) checkProbeRTT(s *bbrSample) {
	if b.state != probeRTT && b.rtt.expired && !b.idleRestart {
		b.saveCwnd()
		b.state = probeRTT
		b.rtt.done = mono.Never
		b.cycle.phase = acksProbeStopping
		b.round.begin()
	}
	if b.state == probeRTT {
		b.handleProbeRTT(s)
	}
	if s.delivered > 0 {
		b.idleRestart = false
	}
}

// handleProbeRTT holds the small window for 200 ms and a round. The low rates it
// causes say nothing of the bandwidth, nor do those of what is still in flight.
func (b *BBR) handleProbeRTT(s *bbrSample) {
	b.rtt.bubble = s.total + uint64(s.inflight)
	if b.rtt.done == mono.Never {
		if s.inflight <= b.probeRTTCwnd() {
			b.rtt.done = s.now.Add(bbrProbeRTTLen)
			b.rtt.roundDone = false
			b.round.begin()
		}
		return
	}
	b.rtt.roundDone = b.rtt.roundDone || b.round.start
	if b.rtt.roundDone {
		b.checkProbeRTTDone(s.now)
	}
}

// checkProbeRTTDone is CheckProbeRTTDone and ExitProbeRTT.
func (b *BBR) checkProbeRTTDone(now mono.Time) {
	if b.rtt.done == mono.Never || now <= b.rtt.done {
		return
	}
	b.rtt.probeStamp = now
	b.restoreCwnd()
	b.resetShortTerm()
	if b.full.reached {
		b.startDown(now)
		b.state = probeCruise
	} else {
		b.state = startup
	}
}
