package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// arriveSynSent is SEGMENT ARRIVES in SYN-SENT (RFC 9293 §3.10.7.3).
func (t *TCB) arriveSynSent(now mono.Time, seg *wire.Segment) {
	s := &t.snd
	acked := seg.Flags&wire.ACK != 0
	if acked && (seg.Ack.LessEq(s.iss) || s.nxt.Less(seg.Ack)) { // first: the ACK
		t.drop(DropAck)
		t.answerReset(seg)
		return
	}
	if seg.Flags&wire.RST != 0 { // second: believed only with a good ACK (RFC 5961 §3.2)
		if acked {
			t.end(ReasonRefused)
			return
		}
		t.drop(DropReset)
		return
	}
	if seg.Flags&wire.SYN == 0 { // fourth
		t.drop(DropState)
		return
	}
	if !acked && t.cfg.StrictOpen {
		t.drop(DropState)
		return
	}
	t.learn(now, seg)
	if !acked { // simultaneous open (MUST-10)
		t.setState(SynReceived)
		t.timers.tries = 0
		t.out.syn = true
		return
	}
	s.una = seg.Ack
	t.synAnswered(seg)
	t.establish(now)
	if t.acc != nil && ace(seg.Flags) == shakeCE {
		t.markedSYN(now)
	}
	t.out.ack = true
	seg.Flags &^= wire.SYN
	seg.Seq = seg.Seq.Add(1)
	t.rcv.edge = t.rcv.nxt.Add(t.rcv.offered())
	_ = t.takeUrgent(seg) && t.takeText(now, seg) && t.takeFIN(now, seg)
}

// answerReset answers a segment whose ACK cannot be ours with <SEQ=SEG.ACK><CTL=RST>.
func (t *TCB) answerReset(seg *wire.Segment) {
	if seg.Flags&wire.RST != 0 {
		return
	}
	t.out.reset, t.out.bare, t.out.resetAt = true, true, seg.Ack
}
