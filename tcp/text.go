package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// takeText is the seventh step: what of the text lies in the window is kept.
func (t *TCB) takeText(now mono.Time, seg *wire.Segment) bool {
	if seg.Flags&wire.FIN != 0 {
		t.noteFIN(seg)
	}
	n := seg.Payload.Len()
	if n == 0 {
		return true
	}
	if !canReceive.has(t.state) || t.rcv.gotFIN {
		// After the peer's FIN there is no text (RFC 9293 §3.10.7.4).
		t.drop(DropState)
		t.out.ack = true
		return true
	}
	t.counts.OctetsIn += uint64(n)
	t.takeMark(seg)
	if t.user.orphan && t.rcv.nxt.Less(seg.Seq.Add(n)) {
		t.abort(ReasonAborted) // nobody will read this (RFC 9293 §3.6.1, SHLD-3)
		return false
	}
	t.trim(seg)
	if t.rcv.hasDSACK {
		t.out.ack = true // the sender should learn of it at once (RFC 2883 §4)
	}
	switch {
	case seg.Payload.Len() == 0:
		t.out.ack = true // an old duplicate, or a window probe
	case seg.Seq == t.rcv.nxt && t.rcv.early == nil:
		t.takeNext(now, seg)
	default:
		t.takeEarly(now, seg)
	}
	return true
}

// trim cuts off what lies before RCV.NXT, beyond the window, or beyond the peer's FIN.
func (t *TCB) trim(seg *wire.Segment) {
	r, p := &t.rcv, &seg.Payload
	if front := r.nxt.Sub(seg.Seq); front > 0 {
		t.rememberDuplicate(seg)
		front = min(front, p.Len())
		p.Trim(front, p.Len())
		seg.Seq = seg.Seq.Add(front)
	}
	end := r.edge
	if r.hasFIN {
		end = wire.MinSeq(end, r.finAt)
	}
	if over := seg.Seq.Add(p.Len()).Sub(end); over > 0 {
		p.Trim(0, p.Len()-min(over, p.Len()))
	}
}

// takeNext takes text that begins at RCV.NXT, with nothing that came early behind it.
func (t *TCB) takeNext(now mono.Time, seg *wire.Segment) {
	n := seg.Payload.Len()
	t.rcv.seen = min(max(t.rcv.seen, n), t.rcv.mss)
	t.deliver(now, seg)
	t.delayAck(now, n)
}

// deliver moves text that begins at RCV.NXT to the user's queue.
func (t *TCB) deliver(now mono.Time, seg *wire.Segment) {
	r := &t.rcv
	r.nxt = r.nxt.Add(seg.Payload.Len())
	r.queue.push(&seg.Payload)
	if r.early != nil {
		r.nxt = r.early.take(r.nxt, &r.queue)
	}
	if r.closed {
		r.forget()
	}
	r.tune.received(now, r.nxt, r.window())
}

// takeEarly takes text that leaves a gap, or comes when there is one. Every such
// segment is acknowledged at once (RFC 5681 §4.2).
// It is acknowledged before the gap is filled (MAY-13).
func (t *TCB) takeEarly(now mono.Time, seg *wire.Segment) {
	r := &t.rcv
	t.out.ack = true
	if seg.Seq == r.nxt {
		t.rememberEarlyDuplicate(seg)
		t.deliver(now, seg)
		if r.early.spans.n == 0 {
			r.release()
		}
		return
	}
	if r.early == nil {
		r.early = newReassembly()
	}
	t.counts.ReorderedIn++
	t.rememberEarlyDuplicate(seg)
	if !r.early.insert(seg.Payload, seg.Seq, 2*r.limit) {
		t.drop(DropMemory)
	}
	if r.early.spans.n == 0 { // the first of them was refused
		r.release()
	}
}

// AnswersNow reports whether the segment that came last is to be answered before
// the next is taken in: it came early, or twice (RFC 5681 §4.2, RFC 2883 §4).
// Otherwise what comes in one batch may have one answer; but where something is
// missing each answer tells something else, and is lost alone.
func (t *TCB) AnswersNow() bool { return t.out.ack && (t.rcv.early != nil || t.rcv.hasDSACK) }

// delayAck decides when n octets that came in order are acknowledged: at once
// for the second full segment since the last ACK (SHLD-19) or when quick, else
// within the delay (MUST-40).
// Delaying is SHLD-18.
func (t *TCB) delayAck(now mono.Time, n int) {
	o := &t.out
	o.unacked += n
	full := max(t.rcv.seen, min(536, t.rcv.mss))
	second := t.cfg.AckSecond && o.unacked > n
	if o.unacked >= 2*full || second || o.quick > 0 || t.cfg.DelayedAck == 0 {
		o.ack = true
		return
	}
	if t.timers.ack == mono.Never {
		t.timers.ack = now.Add(min(t.cfg.DelayedAck, maxAckDelay))
	}
}

// maxAckDelay keeps the delay of an ACK below half a second (MUST-40).
const maxAckDelay = 499 * time.Millisecond

// rememberDuplicate notes octets before RCV.NXT that came again (RFC 2883 §4).
func (t *TCB) rememberDuplicate(seg *wire.Segment) {
	end := wire.MinSeq(seg.Seq.Add(seg.Payload.Len()), t.rcv.nxt)
	if seg.Payload.Len() == 0 || end.LessEq(seg.Seq) {
		return
	}
	t.counts.DuplicatesIn++
	t.rcv.dsack, t.rcv.hasDSACK = wire.Range{Start: seg.Seq, End: end}, t.opt.sack
}

// rememberEarlyDuplicate notes octets that came early before and again now (RFC 2883 §4.1).
func (t *TCB) rememberEarlyDuplicate(seg *wire.Segment) {
	end := seg.Seq.Add(seg.Payload.Len())
	p := t.rcv.early.spans.touching(seg.Seq.Add(1))
	if t.rcv.hasDSACK || !t.rcv.early.spans.valid(p) {
		return // there is one report only, and the first duplicate is the one to make
	}
	old := t.rcv.early.spans.at(p).Range
	dup := wire.Range{Start: wire.MaxSeq(seg.Seq, old.Start), End: wire.MinSeq(end, old.End)}
	if dup.Start.Less(dup.End) {
		t.counts.DuplicatesIn++
		t.rcv.dsack, t.rcv.hasDSACK = dup, t.opt.sack
	}
}

// noteFIN remembers where the peer's FIN is. It may come before text that it
// follows, and takes no room in the window. One that would cut off octets which
// came already is not believed.
func (t *TCB) noteFIN(seg *wire.Segment) {
	r := &t.rcv
	at := seg.Seq.Add(seg.Payload.Len())
	if r.hasFIN || !canReceive.has(t.state) || at.Less(r.nxt) || r.edge.Less(at) {
		return
	}
	if r.early != nil && at.Less(r.early.spans.end()) {
		return
	}
	r.finAt, r.hasFIN = at, true
}

// takeFIN is the eighth step.
func (t *TCB) takeFIN(now mono.Time, seg *wire.Segment) bool {
	r := &t.rcv
	if r.hasFIN && r.nxt != r.finAt && seg.Flags&wire.FIN != 0 {
		t.out.ack = true // it came early
	}
	if !r.hasFIN || r.gotFIN || r.nxt != r.finAt {
		return true
	}
	r.gotFIN = true
	if r.urgent && r.finAt.Less(r.up) { // the peer has no more than this
		r.up = r.finAt
		r.urgent = r.queue.n > 0
	}
	r.nxt = r.nxt.Add(1)
	r.edge = r.edge.Add(1) // it took no room
	t.out.ack = true
	switch t.state {
	case Established:
		t.setState(CloseWait)
	case FinWait1: // our FIN is not acknowledged yet, or the fifth step had left this state
		t.setState(Closing)
		t.out.fin = t.cfg.RepeatFIN && t.snd.finSent
	case FinWait2:
		t.enterTimeWait(now)
	}
	return true
}
