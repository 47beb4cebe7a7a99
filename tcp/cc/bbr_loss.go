package cc

// A bbrSignals is what the last round said of congestion (draft §5.5.10.3).
type bbrSignals struct {
	bwLatest       uint64 // largest rate of a round
	inflightLatest int32  // largest RS.delivered of a round
	roundDelivered uint64 // BBR.loss_round_delivered
	marked         int32  // octets that arrived marked in this round
	events         uint8  // acknowledgements of this round that lost something
	roundStart     bool   // BBR.loss_round_start
	lossInRound    bool   // BBR.is_loss_in_round
	echoed         bool   // a mark was echoed, not counted (RFC 3168)
}

// reset is ResetCongestionSignals.
func (g *bbrSignals) reset() {
	g.lossInRound, g.bwLatest, g.inflightLatest = false, 0, 0
}

// A bbrUndo is the state of before a loss episode (draft §5.5.11.1).
type bbrUndo struct {
	bwShort       uint64
	inflightShort int32
	inflightLong  int32
	state         bbrUndoState
}

type bbrUndoState uint8

const (
	undoNothing bbrUndoState = iota
	undoStartup
	undoProbeUp
)

// saveUponLoss is SaveStateUponLoss.
func (b *BBR) saveUponLoss() {
	b.saveCwnd()
	b.undone = bbrUndo{bwShort: b.bw.short, inflightShort: b.inflightShort, inflightLong: b.inflightLong}
}

// noteLoss is NoteLoss.
func (b *BBR) noteLoss() {
	if !b.signals.lossInRound {
		b.signals.roundDelivered = b.round.total
		if !b.recovering {
			b.saveUponLoss()
		}
	}
	b.signals.lossInRound = true
}

// lostPacket is HandleLostPacket (draft §5.5.10.2). The sample of the lost octets
// says at which volume the network began to drop; without one the sample of the
// octets that were delivered has to do.
func (b *BBR) lostPacket(s *bbrSample) {
	b.noteLoss()
	b.signals.marked = min(b.signals.marked+s.marked, maxWindow)
	if s.lostNow {
		b.signals.events = min(b.signals.events+1, bbrFullLossCount)
	}
	if !b.cycle.probeSample {
		return
	}
	tx, lost, limited := s.txInflight, s.lost, s.appLimited
	if s.loss.TxInFlight > 0 {
		tx, lost, limited = amount(s.loss.TxInFlight), amount(s.loss.Since), s.loss.AppLimited
	}
	if !b.tooHigh(tx, lost) {
		return
	}
	if s.lostNow {
		tx = inflightAtLoss(tx, lost, b.mss)
	}
	b.handleTooHigh(s, tx, limited)
}

// tooHigh is IsInflightTooHigh. Marks count as losses (draft §3.7); an echo that
// does not count them is as much as the threshold.
func (b *BBR) tooHigh(tx, lost int32) bool {
	bad := min(lost+b.signals.marked, maxWindow)
	return bad > scale(tx, bbrLossThresh) || lost > 0 && b.noSACK || b.signals.echoed
}

// handleTooHigh is HandleInflightTooHigh.
func (b *BBR) handleTooHigh(s *bbrSample, tx int32, appLimited bool) {
	b.cycle.tooHigh = true
	b.cycle.probeSample = false
	if !appLimited {
		b.inflightLong = max(tx, scale(b.target(), bbrBeta), b.minPipe())
	}
	if b.state == probeUp {
		b.undone.state = undoProbeUp
		b.startDown(s.now)
	}
}

// inflightAtLoss is InflightAtLoss: the prefix of the lost segment at which losses
// crossed the threshold.
func inflightAtLoss(tx, lost, size int32) int32 {
	prev := max(tx-size, 0)
	lostPrev := max(lost-size, 0)
	prefix := (int64(prev)*bbrLossThresh - int64(lostPrev)*100) / (100 - bbrLossThresh)
	return prev + int32(max(prefix, 0))
}

// updateLatestSignals is UpdateLatestDeliverySignals.
func (b *BBR) updateLatestSignals(s *bbrSample) {
	g := &b.signals
	g.roundStart = false
	g.bwLatest = max(g.bwLatest, s.rate)
	g.inflightLatest = max(g.inflightLatest, s.delivered)
	if s.prior >= g.roundDelivered {
		g.roundDelivered = s.total
		g.roundStart = true
	}
}

// advanceLatestSignals is AdvanceLatestDeliverySignals.
func (b *BBR) advanceLatestSignals(s *bbrSample) {
	if b.signals.roundStart {
		b.signals.bwLatest, b.signals.inflightLatest = s.rate, s.delivered
		b.signals.marked, b.signals.echoed = 0, false
	}
}

// updateCongestionSignals is UpdateCongestionSignals: once a round the short-term
// model follows what was delivered.
func (b *BBR) updateCongestionSignals(s *bbrSample) {
	b.bw.update(s)
	if !b.signals.roundStart {
		return
	}
	if b.signals.lossInRound && !b.accelerating() {
		b.lowerBounds()
	}
	b.signals.lossInRound = false
}

// accelerating is IsProbingBW.
func (b *BBR) accelerating() bool {
	return b.state == startup || b.state == probeRefill || b.state == probeUp
}

// lowerBounds is InitLowerBounds and LossLowerBounds.
func (b *BBR) lowerBounds() {
	if b.bw.short == bbrNoBound {
		b.bw.short = b.bw.max
	}
	if b.inflightShort == maxWindow {
		b.inflightShort = b.cwnd
	}
	b.bw.short = max(b.signals.bwLatest, mulDiv(b.bw.short, bbrBeta, 100))
	b.inflightShort = max(b.signals.inflightLatest, scale(b.inflightShort, bbrBeta))
	b.bw.bound()
}

// resetShortTerm is ResetShortTermModel.
func (b *BBR) resetShortTerm() {
	b.bw.short, b.inflightShort = bbrNoBound, maxWindow
	b.bw.bound()
}
