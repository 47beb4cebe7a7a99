package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Arrive processes a segment from the peer (RFC 9293 §3.10.7). It may take over
// the payload and empty it; the caller releases what remains.
//
// The steps are those of §3.10.7.4, in its order and shared by all states; the
// third, security, is void. Each returns whether the next is to be taken.
func (t *TCB) Arrive(now mono.Time, seg *wire.Segment) {
	t.counts.SegmentsIn++
	switch t.state {
	case Closed:
		t.drop(DropState)
		return
	case SynSent:
		t.arriveSynSent(now, seg)
		return
	}
	if seg.Flags&(wire.ACK|wire.RST|wire.SYN) == 0 {
		// The fifth step drops what has no ACK, but the first would answer it if it
		// lay outside the window. No peer sends such a segment: it gets no answer.
		t.drop(DropNoAck)
		return
	}
	switch t.state {
	case TimeWaiting:
		t.arriveTimeWait(now, seg)
		return
	}
	_ = t.checkTimestamp(now, seg) &&
		t.checkSequence(now, seg) && // first
		t.checkReset(now, seg) && // second
		t.checkSYN(now, seg) && // fourth
		t.checkAck(now, seg) && // fifth
		t.takeCount(seg) &&
		t.takeUrgent(seg) && // sixth
		t.takeText(now, seg) && // seventh
		t.takeFIN(now, seg) // eighth
}

func (t *TCB) drop(why Drop) { t.counts.drop(why) }

// checkTimestamp protects against wrapped sequence numbers (RFC 7323 §5.3 R1).
func (t *TCB) checkTimestamp(now mono.Time, seg *wire.Segment) bool {
	if !t.opt.ts || seg.Flags&wire.RST != 0 {
		return true
	}
	if seg.Options.Has&wire.HasTimestamp == 0 {
		if t.cfg.RequireTS { // RFC 7323 §3.2: drop silently
			t.drop(DropNoTS)
			return false
		}
		return true
	}
	r := &t.rcv
	if int32(seg.Options.TSVal-r.tsRecent) >= 0 {
		return true
	}
	if now.Sub(r.tsRecentAt) > pawsIdle {
		return true // TS.Recent is too old to say anything (RFC 7323 §5.5)
	}
	t.drop(DropPAWS)
	t.rememberDuplicate(seg)
	t.refuse(now, seg)
	return false
}

// pawsIdle is the time after which TS.Recent is invalid (RFC 7323 §5.5).
const pawsIdle = 24 * 24 * time.Hour

// checkSequence is the first step: the segment must begin or end in the window.
func (t *TCB) checkSequence(now mono.Time, seg *wire.Segment) bool {
	r := &t.rcv
	if t.state == SynReceived && seg.Flags&wire.SYN != 0 && seg.Seq == r.irs {
		return t.repeatedSYN(seg)
	}
	n, w := seg.Len(), r.window()
	ok := false
	switch {
	case n == 0 && w == 0:
		ok = seg.Seq == r.nxt
	case n == 0:
		ok = seg.Seq.In(r.nxt, w)
	case w == 0:
		// Nothing is acceptable, but ACK, RST and URG are (MUST-66).
		ok = seg.Seq == r.nxt
	default:
		ok = seg.Seq.In(r.nxt, w) || seg.Seq.Add(n-1).In(r.nxt, w)
	}
	if !ok {
		t.drop(DropWindow)
		t.rememberDuplicate(seg)
		t.refuse(now, seg)
		t.cameAgain(seg)
		return false
	}
	return true
}

// takeTimestamp updates TS.Recent (RFC 7323 §4.3 (2)). It waits for the fifth step:
// who guesses a number in the window, but no acknowledgement, shall not shut the
// peer out with a timestamp from the future.
func (t *TCB) takeTimestamp(now mono.Time, seg *wire.Segment) {
	r := &t.rcv
	if t.opt.ts && seg.Options.Has&wire.HasTimestamp != 0 && seg.Seq.LessEq(r.lastAck) && seg.Flags&wire.RST == 0 {
		r.tsRecent, r.tsRecentAt = seg.Options.TSVal, now
	}
}

// repeatedSYN handles the peer's SYN arriving again in SYN-RECEIVED. With an ACK
// it is the answer to our SYN in a simultaneous open: trimmed to the window, its
// ACK counts (RFC 9293 §3.5, Figure 8). Without, our SYN-ACK was lost.
func (t *TCB) repeatedSYN(seg *wire.Segment) bool {
	if seg.Flags&wire.ACK == 0 {
		t.out.syn = t.repeatedECN(seg)
		return false
	}
	t.crossed(seg)
	seg.Flags &^= wire.SYN
	seg.Seq = seg.Seq.Add(1)
	if good := t.snd.una.Less(seg.Ack) && seg.Ack.LessEq(t.snd.nxt); good && !t.user.passive {
		t.out.ack = true // our SYN-ACK, which crossed this one, may have been lost
	}
	return true
}

// refuse answers a segment that is not acceptable with an ACK, unless it is a
// reset. One without text is answered at most once in a while, so that two ends
// that disagree cannot talk for ever (RFC 5961 §7).
func (t *TCB) refuse(now mono.Time, seg *wire.Segment) {
	if seg.Flags&wire.RST != 0 {
		return
	}
	if seg.Payload.Len() > 0 || seg.Flags&(wire.SYN|wire.FIN) == wire.FIN {
		t.out.ack = true
		return
	}
	t.challenge(now)
}

// challenge sends an ACK that a live peer answers and an attacker does not see
// (RFC 5961 §3.2, §4.2, §5.2). The limit is the connection's own: a limit that
// connections share tells an attacker about the others (CVE-2016-5696).
func (t *TCB) challenge(now mono.Time) {
	if !t.out.limited.Due(now) {
		return
	}
	t.out.limited = now.Add(t.cfg.AckInterval)
	t.out.ack = true
}

// checkReset is the second step. Only a reset at RCV.NXT is believed; elsewhere
// in the window it is challenged (RFC 5961 §3.2).
// It may carry text, which nobody looks at (SHLD-2).
func (t *TCB) checkReset(now mono.Time, seg *wire.Segment) bool {
	if seg.Flags&wire.RST == 0 {
		return true
	}
	if seg.Seq != t.rcv.nxt {
		t.drop(DropReset)
		t.challenge(now)
		return false
	}
	switch {
	case t.state == SynReceived && t.user.passive:
		t.end(ReasonReset) // back to LISTEN: the user has not heard of it (MUST-11)
	case t.state == SynReceived:
		t.end(ReasonRefused)
	case t.state == Closing || t.state == LastAck:
		t.end(0) // both ends had said all they had to say
	default:
		t.end(ReasonReset)
	}
	return false
}

// checkSYN is the fourth step: in a synchronized state a SYN is challenged,
// wherever it lies (RFC 5961 §4.2).
func (t *TCB) checkSYN(now mono.Time, seg *wire.Segment) bool {
	if seg.Flags&wire.SYN == 0 {
		return true
	}
	t.drop(DropSYN)
	if t.state == SynReceived && t.user.passive && !t.ahead() {
		t.end(ReasonReset) // back to LISTEN
		return false
	}
	t.challenge(now)
	return false
}

// takeUrgent is the sixth step: it remembers where urgent data ends (RFC 9293
// §3.8.5). The data stays in line, as RFC 6093 §6 asks.
func (t *TCB) takeUrgent(seg *wire.Segment) bool {
	if seg.Flags&wire.URG == 0 || seg.Urgent == 0 || !canReceive.has(t.state) || t.rcv.closed {
		return true
	}
	r := &t.rcv
	up := seg.Seq.Add(int(seg.Urgent))
	if r.hasFIN {
		up = wire.MinSeq(up, r.finAt)
	}
	if r.nxt.Less(up) || seg.Payload.Len() > 0 && r.unread().Less(up) {
		if !r.urgent || r.up.Less(up) {
			r.up, r.urgent = up, true
		}
	}
	return true
}
