package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// checkAck is the fifth step (RFC 9293 §3.10.7.4).
// The check of RFC 5961 §5 is MAY-12.
func (t *TCB) checkAck(now mono.Time, seg *wire.Segment) bool {
	if seg.Flags&wire.ACK == 0 {
		t.drop(DropNoAck)
		return false
	}
	s := &t.snd
	opening := t.state == SynReceived
	if opening && !t.finishHandshake(now, seg) {
		return false
	}
	t.lateAck(seg.Ack)
	t.timers.heard = now
	t.timers.silent = 0
	t.timers.alive = 0
	if s.probed && seg.Ack == s.nxt.Add(1) {
		t.probeTaken()
	}
	// RFC 5961 §5.2: SND.UNA-MAX.SND.WND ≤ SEG.ACK ≤ SND.NXT, or a challenge.
	if s.nxt.Less(seg.Ack) || seg.Ack.Less(s.una.Add(-s.maxWnd)) {
		t.drop(DropAck)
		t.challenge(now)
		return false
	}
	t.takeTimestamp(now, seg)
	if seg.Ack.Less(s.una) {
		return true // an old duplicate: its text may still be new
	}
	changed := s.setWindow(seg, int(seg.Window)<<s.scale)
	t.acknowledged(now, seg, changed || opening)
	return t.state != Closed
}

// finishHandshake takes the ACK of our SYN in SYN-RECEIVED.
func (t *TCB) finishHandshake(now mono.Time, seg *wire.Segment) bool {
	s := &t.snd
	if seg.Ack.LessEq(s.una) || s.nxt.Less(seg.Ack) {
		t.drop(DropAck)
		t.answerReset(seg)
		return false
	}
	s.una = s.iss.Add(1)
	s.wnd = int(seg.Window) << s.scale
	s.maxWnd = max(s.maxWnd, s.wnd)
	s.wl1, s.wl2 = seg.Seq, seg.Ack
	marked := t.acc != nil && t.acc.shaken(seg)
	t.establish(now)
	if marked {
		t.markedSYN(now)
	}
	return true
}

// probeTaken notes that the peer took the octet of a window probe.
func (t *TCB) probeTaken() {
	s := &t.snd
	end := s.nxt.Add(1)
	t.loss.sent(s.probedAt, s.nxt, end, sentNew)
	s.finSent = s.finSent || s.queue.end.Less(end)
	s.nxt, s.probed = end, false
}

// acknowledged acts on an acknowledgement with SND.UNA ≤ SEG.ACK ≤ SND.NXT.
func (t *TCB) acknowledged(now mono.Time, seg *wire.Segment, changed bool) {
	s := &t.snd
	in := ackIn{
		ack:   seg.Ack,
		echo:  mono.Never,
		dup:   seg.Len() == 0 && !changed,
		fresh: s.waiting() > 0 && s.usable() > 0,
	}
	if t.opt.sack && seg.Options.Has&wire.HasSACK != 0 {
		in.sack = seg.Options.SACK[:min(int(seg.Options.NSACK), maxBlocks)]
	}
	if t.opt.ts && seg.Options.Has&wire.HasTimestamp != 0 && seg.Options.TSEcr != 0 {
		in.echo = t.echoed(now, seg.Options.TSEcr)
	}
	v := t.loss.ack(now, in)
	if t.hearMarks(seg, &v) {
		t.loss.mark(&v)
	}
	if v.acked > 0 {
		t.advance(now, seg.Ack)
	}
	t.heed(now, &v)
	t.sizePassed(now)
	if s.usable() > 0 {
		t.stopProbe()
	}
}

// advance moves SND.UNA and gives back what is acknowledged.
func (t *TCB) advance(now mono.Time, ack wire.Seq) {
	s := &t.snd
	s.una = ack
	s.moved = now
	s.queue.acked(wire.MinSeq(ack, s.queue.end))
	if s.urgent && s.up.LessEq(ack) {
		s.urgent = false
	}
	if s.finSent && ack == s.nxt {
		t.finAcked(now)
	}
}

// finAcked acts on the acknowledgement of our FIN.
func (t *TCB) finAcked(now mono.Time) {
	switch t.state {
	case FinWait1:
		t.setState(FinWait2)
		t.armFinWait2(now)
	case Closing:
		t.enterTimeWait(now)
	case LastAck:
		t.end(0)
	}
}

// heed does what loss recovery concluded.
func (t *TCB) heed(now mono.Time, v *verdict) {
	if t.state == Closed || t.cc == nil {
		return
	}
	v.cc.CwndLtd = t.snd.limited
	t.pardon(v)
	t.loss.tell(now, t.cc, v)
	if v.acked > 0 {
		t.snd.limited = false
		t.growSend()
	}
	if v.began {
		t.ecn.cwr = t.ecn.mode == ClassicECN // whatever the reason was (RFC 3168 §6.1.2)
	}
	if v.began && v.event.ECN {
		t.counts.Marks++
	} else if v.began && v.timer != timerRTO {
		t.counts.FastRecoveries++
	}
	if v.spurious {
		t.counts.Spurious++
	}
	if v.timer == timerRTO {
		t.timedOut(now, v.backoff)
	}
}

// growSend lets the send buffer follow the congestion window: twice of it keeps
// the path busy while the user refills it.
func (t *TCB) growSend() {
	s := &t.snd
	if !s.fixed {
		s.limit = max(s.limit, min(2*t.cc.Window(), t.cfg.SendBuffer.Max))
	}
}
