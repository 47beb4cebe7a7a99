package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// renegeDelay is the least time that a peer is given to acknowledge what it had
// sacked at the head of the flight before that counts as discarded.
const renegeDelay = 10 * time.Millisecond

// exonerate ends an episode that turns out to have been for nothing. una is
// SND.UNA before the acknowledgement.
func (l *loss) exonerate(una wire.Seq, in *ackIn, h *harvest, blocks *sackBlocks, v *verdict) {
	if blocks.dup && !blocks.ofProbe {
		l.undo.duplicate(blocks.dsack)
	}
	late := l.lateOriginals(in, h, v) // always, as it takes a step
	late = late || l.undo.eifel(h.echo, una, v.acked > 0) || l.neverRepeated()
	if l.policy.NoUndo || !l.undo.armed || !late && !l.undo.allDuplicates() {
		return
	}
	v.spurious = true
	l.undo.armed = false
	if l.episode == timedOut && v.cc.RTT > 0 {
		l.rtt.late(v.cc.RTT)
	}
	if l.episode >= repairing {
		// Something older arrived after something newer.
		l.rack.reordered = l.rack.reordered || l.episode == repairing
		l.board.forgive()
		l.settle()
	}
}

// neverRepeated reports whether all of an episode was acknowledged before
// anything of it was sent again.
func (l *loss) neverRepeated() bool {
	return l.episode >= repairing && !l.undo.any && l.covered()
}

// lateOriginals is F-RTO (RFC 5682 §2.1, and §3.1 with SACK): it reports whether
// octets sent before the timeout, and not again since, arrive after all.
func (l *loss) lateOriginals(in *ackIn, h *harvest, v *verdict) bool {
	u := &l.undo
	if u.frto == frtoOff || v.acked == 0 && h.octets == 0 && !in.dup {
		return false
	}
	step := u.frto
	u.frto = frtoOff
	switch {
	case step == frtoHold:
		// Step 3: an ACK of what was sent once shows that the timeout was
		// spurious; a duplicate shows the opposite.
		return h.originals > 0
	case v.acked > 0 && !l.covered() && in.fresh:
		// Step 2b: the window advanced, not over everything: two new segments
		// find out whether this was the original or its repetition. Without any
		// to send, recovery goes on as usual.
		u.frto = frtoHold
	}
	return false
}

// covered reports whether everything that was in flight when the last episode
// began is acknowledged.
func (l *loss) covered() bool { return l.recover.LessEq(l.board.una) }

// settle ends an episode.
func (l *loss) settle() {
	l.episode = steady
	l.insist = false
	l.undo.frto = frtoOff
	l.prr.end()
	l.reno.reset()
}

// judge ends an episode that is covered and begins one if there is a reason:
// loss, or a probe that repaired one.
func (l *loss) judge(now mono.Time, v *verdict) {
	if l.episode != steady && l.covered() {
		v.recovered = l.episode != resizing
		l.settle()
	}
	switch {
	case l.episode >= repairing:
	case v.lost > 0:
		l.begin(repairing, v)
	case l.episode == marked:
	case v.probed:
		// RFC 8985 §7.4.2: "invoke a congestion control response equivalent to
		// fast recovery", which ends as it begins, for nothing is missing.
		l.begin(repairing, v)
		l.undo.armed = false
		l.settle()
		v.recovered = true
	}
	if l.episode == steady && l.board.una.Sub(l.recover) > staleRecover {
		l.recover = l.board.una.Add(-1)
	}
}

// mark begins an episode because the acknowledgement of v tells of a mark, unless one
// goes on that answers it. Something beyond recover must have arrived, hence the CWR
// that went with it: until then the peer repeats an echo that was answered (RFC 3168
// §6.1.2), or counts marks of octets that left before the answer.
func (l *loss) mark(v *verdict) {
	l.stir(v.cc.Now)
	if l.episode == steady && l.recover.Less(l.board.una) {
		l.begin(marked, v)
		v.cc.InRecovery = true
	}
}

// staleRecover is how far SND.UNA may leave recover behind before it follows: well
// before the order of sequence numbers turns over.
const staleRecover = 1 << 30

// begin enters an episode. One that follows a mark goes on with its reduction.
func (l *loss) begin(e episode, v *verdict) {
	v.began = l.episode < marked
	v.event.Lost, v.event.ECN = v.lost, e == marked
	l.episode, l.recover = e, l.board.nxt
	if v.began {
		l.prr.begin(l.board.outstanding() - l.board.sacked - l.reno.left + v.cc.Octets)
	}
	if e == marked {
		return
	}
	l.reno.most = l.board.outstanding()
	l.undo.begin(l.board.una)
	l.undo.armed = v.began
	l.tlp.state = tlpIdle // RFC 8985 §7.1
	if l.timers.kind == timerTLP {
		l.timers.clear()
	}
}

// rearm restarts the retransmission timer when an acknowledgement advanced
// SND.UNA (RFC 6298 §5.3), and stops it when nothing is outstanding (§5.2).
func (l *loss) rearm(now mono.Time, v *verdict) {
	if v.acked == 0 {
		return
	}
	l.expiries = 0
	if l.tlp.state == tlpDue {
		l.tlp.state = tlpIdle
	}
	l.timers.stop()
	if l.board.count() == 0 {
		l.insist = false
		l.quiet = now
		l.timers.set(now.Add(trimAfter), timerTrim)
		return
	}
	d := l.rtt.rto(l.policy)
	if l.board.reneged() {
		d = min(d, max(l.rtt.srtt/2, renegeDelay))
	}
	l.timers.restart(now, d)
}

// report fills in what the congestion control wants to know of the state after.
func (l *loss) report(before episode, v *verdict) {
	a := &v.cc
	a.SRTT, a.MinRTT = l.rtt.srtt, l.rtt.minimum()
	if l.rtt.measured() {
		a.RTO = l.rtt.base(l.policy)
	}
	a.Inflight = l.inflight()
	// RFC 5681 §3.2 step 1: the sender "MUST NOT change cwnd" for what the first
	// duplicates let out.
	a.Early = v.acked == 0 && !l.rack.reordered
	a.InRecovery = before != steady || l.episode != steady
	if l.unsaid > 0 {
		p := &l.board.gone
		a.Loss = cc.LossSample{
			TxInFlight: int(p.inflight),
			Since:      int(uint32(l.rate.lost) - p.lost),
			AppLimited: p.limited,
		}
	}
}

// sackBlocks are the valid blocks of an acknowledgement in sequence order, and
// the DSACK that leads them (RFC 2883).
type sackBlocks struct {
	list    [4]wire.Range
	n       int
	dup     bool // dsack is valid
	ofProbe bool // it tells of a probe's octets, which nobody had taken for lost
	dsack   wire.Range
}

// sort takes blocks in. Blocks that tell nothing of (ack, nxt] are ignored.
func (s *sackBlocks) sort(blocks []wire.Range, ack, nxt wire.Seq) {
	for i, b := range blocks {
		switch {
		case !b.Start.Less(b.End) || nxt.Less(b.End):
		case i == 0 && (b.End.LessEq(ack) || len(blocks) > 1 && within(b, blocks[1])):
			// RFC 2883 §4: below the cumulative acknowledgement, or inside
			// the second block.
			s.dup, s.dsack = true, b
		case ack.LessEq(b.Start) && s.n < len(s.list):
			s.insert(b)
		}
	}
}

func within(b, c wire.Range) bool { return c.Start.LessEq(b.Start) && b.End.LessEq(c.End) }

func (s *sackBlocks) insert(b wire.Range) {
	i := s.n
	for ; i > 0 && b.Start.Less(s.list[i-1].Start); i-- {
		s.list[i] = s.list[i-1]
	}
	s.list[i] = b
	s.n++
}
