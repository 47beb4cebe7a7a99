package tcp

import (
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Output makes the next segment that must leave now, or returns false. The
// segment's payload carries a reference of its own. Ports stay zero.
//
// This is the only place where segments are made. It tries what may be due in
// order of urgency; each attempt gives up if there is nothing of its kind, so
// that no other code needs to know whether there is something to send.
func (t *TCB) Output(now mono.Time, seg *wire.Segment) bool {
	t.size.cut = 0
	if t.Silent() {
		return false
	}
	*seg = wire.Segment{}
	open := t.cc != nil && sending.has(t.state)
	ok := t.outReset(now, seg) ||
		t.outSYN(now, seg) ||
		t.outShake(now, seg) ||
		open && t.outLost(now, seg) ||
		t.outProbe(now, seg) ||
		open && (t.outSizeProbe(now, seg) || t.outNew(now, seg)) ||
		t.outAck(now, seg)
	if ok {
		t.counts.SegmentsOut++
		t.counts.OctetsOut += uint64(seg.Payload.Len())
	}
	return ok
}

// Silent reports, with a few comparisons, that Output has nothing to say now: every
// second call finds that. It may be false where that is so; only the attempts know.
func (t *TCB) Silent() bool {
	o, s := &t.out, &t.snd
	return !o.reset && !o.syn && !o.ack && !o.probe && !o.alive &&
		s.waiting() == 0 && (!s.fin || s.finSent) && t.loss.silent()
}

// outReset makes the reset that ends the connection or answers a bad segment.
func (t *TCB) outReset(now mono.Time, seg *wire.Segment) bool {
	if !t.out.reset {
		return false
	}
	t.out.reset = false
	seg.Seq, seg.Flags = t.out.resetAt, wire.RST
	if !t.out.bare {
		seg.Flags |= wire.ACK | t.aceField()
		seg.Ack = t.rcv.nxt
		t.stamp(now, seg)
	}
	return true
}

// outSYN makes the SYN of an active, the SYN-ACK of a passive open.
// The MSS option stands in every one of them (MUST-14, SHLD-5, MAY-3) and in no other
// segment (MUST-65).
func (t *TCB) outSYN(now mono.Time, seg *wire.Segment) bool {
	if !t.out.syn {
		return false
	}
	t.out.syn = false
	if t.state != SynSent && t.state != SynReceived {
		return false
	}
	t.armSYN(now)
	s, r, o := &t.snd, &t.rcv, &seg.Options
	s.nxt = wire.MaxSeq(s.nxt, s.iss.Add(1))
	seg.Seq, seg.Flags = s.iss, wire.SYN
	seg.Window = uint16(min(r.offered(), 65535))
	if t.state == SynReceived {
		seg.Flags |= wire.ACK
		seg.Ack = r.nxt
		r.edge = wire.MaxSeq(r.edge, r.nxt.Add(r.offered()))
		r.lastAck = r.nxt
		t.out.ack = false
	}
	o.Has, o.MSS = wire.HasMSS, uint16(min(r.mss, 65535))
	if t.opt.scale {
		o.Has |= wire.HasScale
		o.Scale = r.scale
	}
	if t.opt.sack {
		o.Has |= wire.HasSACKPermitted
	}
	t.stamp(now, seg)
	t.offerECN(seg)
	t.outFastOpen(seg)
	return true
}

// stamp adds the timestamps option where both ends want it.
func (t *TCB) stamp(now mono.Time, seg *wire.Segment) {
	if !t.opt.ts {
		return
	}
	seg.Options.Has |= wire.HasTimestamp
	seg.Options.TSVal = t.clock(now)
	if seg.Flags&wire.ACK != 0 {
		seg.Options.TSEcr = t.rcv.tsRecent
	}
}

// fill writes what every segment of a synchronized state has, and notes that the
// peer is told now what it says.
func (t *TCB) fill(now mono.Time, seg *wire.Segment, seq wire.Seq) {
	r := &t.rcv
	seg.Seq = seq
	seg.Flags |= wire.ACK
	seg.Ack = r.nxt
	seg.Window = r.offer()
	t.stamp(now, seg)
	blocks := t.blockLimit(seg.Payload.Len() > 0)
	if t.tellMarks(seg) {
		t.addSACK(seg, blocks)
	}
	if s := &t.snd; s.urgent && seq.Less(s.up) {
		seg.Flags |= wire.URG
		seg.Urgent = uint16(min(s.up.Sub(seq), 65535)) // MUST-62
	}
	if t.out.unacked > 0 && t.out.quick > 0 {
		t.out.quick--
	}
	r.lastAck = r.nxt
	t.out.ack, t.out.unacked = false, 0
	t.timers.ack = mono.Never
}

// addSACK tells what came twice and what came early (RFC 2883 §4, RFC 2018 §4), in at
// most so many blocks.
func (t *TCB) addSACK(seg *wire.Segment, blocks int) {
	r, o := &t.rcv, &seg.Options
	n := 0
	if r.hasDSACK {
		o.SACK[0] = r.dsack
		n = 1
		r.hasDSACK = false
	}
	if r.early != nil && t.opt.sack {
		n += r.early.blocks(o.SACK[n:blocks])
	}
	if n > 0 {
		o.Has |= wire.HasSACK
		o.NSACK = uint8(n)
	}
}

// blockLimit returns how many SACK blocks fit beside the other options of a segment
// with octets or without: at least two (RFC 9768 §3.2.3.3).
func (t *TCB) blockLimit(octets bool) int {
	room := wire.MaxTCPOptions - 2
	if t.opt.ts {
		room -= 10
	}
	if has, n := t.optionDue(octets); has != 0 {
		room -= 2 + 3*int(n)
	}
	return min(room/8, maxBlocks)
}

// payloadLimit returns the most payload of the next segment: options that not every
// segment has take from it (RFC 9293 §3.7.1, MUST-16).
func (t *TCB) payloadLimit() int {
	n := 0
	if t.rcv.hasDSACK {
		n = 1
	}
	if t.rcv.early != nil && t.opt.sack {
		n += t.rcv.early.known
	}
	s := &t.snd
	has, counters := t.optionDue(true)
	switch {
	case n > 0 || has != 0:
	case t.uncut():
		return s.mss
	default:
		return max(s.mss, s.batch/s.mss*s.mss)
	}
	o := wire.Options{Has: has, AccECN: wire.AccECN{N: counters}}
	if t.opt.ts {
		o.Has |= wire.HasTimestamp
	}
	if n > 0 {
		o.Has |= wire.HasSACK
		o.NSACK = uint8(min(n, t.blockLimit(true)))
	}
	return max(1, s.mss+t.optionLen()-o.Size())
}

// outLost sends again what was lost.
// Also what lies inside a window that shrank since (SHLD-16).
func (t *TCB) outLost(now mono.Time, seg *wire.Segment) bool {
	r, ok := t.loss.nextLost(min(t.snd.mss, t.payloadLimit()))
	if !ok {
		return false
	}
	if t.loss.allowance(t.cc.Window()) < r.Len() && t.loss.inflight() > 0 || t.held(now) {
		t.snd.limited = true // what is to be sent again needs the window as new octets do
		return false
	}
	t.again(now, seg, r, sentAgain)
	return true
}

// again makes a segment of octets, and perhaps the FIN, that were sent before.
func (t *TCB) again(now mono.Time, seg *wire.Segment, r wire.Range, kind sentKind) {
	s := &t.snd
	n := wire.MinSeq(r.End, s.queue.end).Sub(r.Start)
	if n > 0 {
		seg.Payload = s.queue.view(r.Start, n)
	}
	if s.finSent && s.queue.end.Less(r.End) {
		seg.Flags |= wire.FIN
	}
	if n > 0 && r.Start.Add(n) == s.queue.end {
		seg.Flags |= wire.PSH
	}
	if t.acc != nil && kind == sentAgain {
		t.acc.lostTrial(r)
	}
	t.fill(now, seg, r.Start)
	t.loss.sent(now, r.Start, r.End, kind)
	t.tellSent(now, r.Len(), 0)
	t.sizeLost(now, r)
	t.counts.Retransmits++
}

// tellSent tells the congestion control and the pacer of octets that left. The
// pace never holds for longer than a timeout: a path that takes that long for what
// left would show it in its round trip, while a rate measured when hardly anything
// arrived may be next to nothing, and would keep back what shows that it is wrong.
func (t *TCB) tellSent(now mono.Time, n int, idle time.Duration) {
	t.cc.Sent(now, n, t.loss.inflight(), idle)
	if t.pacing {
		t.pacer.Sent(now, n, t.cc.PacingRate(), t.snd.mss)
		t.pacer.NotAfter(now.Add(t.loss.rtt.base(&t.cfg.Recovery)))
	}
}

// held reports whether the pace holds segments back; the timer then wakes us.
func (t *TCB) held(now mono.Time) bool {
	if !t.pacing || t.pacer.Ready(now) {
		return false
	}
	t.timers.pace = t.pacer.Due()
	return true
}

// outProbe makes what is sent to learn something rather than to deliver it: a
// tail loss probe, a zero-window probe, a keep-alive probe.
func (t *TCB) outProbe(now mono.Time, seg *wire.Segment) bool {
	s := &t.snd
	switch {
	case t.cc == nil || t.state == Closed:
		return false
	case t.loss.probing():
		t.outTailProbe(now, seg)
	case t.out.probe:
		t.out.probe = false
		return t.outWindowProbe(now, seg)
	case t.out.alive:
		t.out.alive = false
		t.fill(now, seg, s.nxt.Add(-1)) // RFC 9293 §3.8.4: an old number asks for an ACK
	default:
		return false
	}
	t.counts.Probes++
	return true
}

// outTailProbe sends one new segment, or the last one again (RFC 8985 §7.3).
func (t *TCB) outTailProbe(now mono.Time, seg *wire.Segment) {
	s := &t.snd
	n := min(s.waiting(), s.usable(), s.mss, t.payloadLimit())
	if n > 0 || s.waiting() == 0 && s.fin && !s.finSent && s.usable() > 0 {
		t.send(now, seg, n, sentProbe)
		return
	}
	r := t.loss.probe()
	r.Start = wire.MaxSeq(r.Start, r.End.Add(-min(s.mss, t.payloadLimit())))
	t.again(now, seg, r, sentProbe)
}

// outWindowProbe sends one octet, or the FIN, beyond a window that is closed
// (RFC 9293 §3.8.6.1, MUST-36). The octet does not count as sent until the peer
// acknowledges it: usually it is thrown away there.
func (t *TCB) outWindowProbe(now mono.Time, seg *wire.Segment) bool {
	s := &t.snd
	if s.usable() > 0 || s.una != s.nxt || !s.unsent() {
		return false
	}
	if s.waiting() > 0 {
		seg.Payload = s.queue.view(s.nxt, 1)
	} else {
		seg.Flags |= wire.FIN
	}
	s.probed, s.probedAt = true, now
	t.fill(now, seg, s.nxt)
	t.counts.Probes++
	return true
}

// outNew sends octets that were never sent, as far as the peer's window, the
// congestion window and the pace allow.
// Nothing new goes into a window that shrank (SHLD-15). What was sent piece by piece
// leaves in the largest segments (SHLD-27, SHLD-28, MAY-16), and nothing waits
// for a PUSH that never comes (MUST-60).
func (t *TCB) outNew(now mono.Time, seg *wire.Segment) bool {
	s := &t.snd
	if !s.unsent() {
		return false
	}
	n := min(s.waiting(), s.usable(), t.payloadLimit())
	if n <= 0 && !(s.waiting() == 0 && s.usable() > 0) { // a FIN takes a number too
		t.armProbe(now)
		return false
	}
	if room := t.loss.allowance(t.cc.Window()); room < n {
		if room < min(n, s.mss) && t.loss.inflight() > 0 {
			s.limited = true
			return false
		}
		n = max(room, min(n, s.mss))
	}
	n = t.wholeSegments(n)
	if !t.worthSending(n) {
		t.armProbe(now)
		return false
	}
	if t.held(now) {
		s.limited = true
		return false
	}
	t.send(now, seg, n, sentNew)
	return true
}

// wholeSegments rounds n, more than one segment, down to full ones unless it is
// all there is; and lets a large one end where its chunk does, if that is not in
// its first segment.
func (t *TCB) wholeSegments(n int) int {
	s := &t.snd
	if n <= s.mss {
		return n
	}
	n = max(s.queue.contiguous(s.nxt, n), s.mss)
	if n > s.mss && n < s.waiting() {
		n -= n % s.mss
	}
	return n
}

// worthSending avoids silly windows (RFC 9293 §3.8.6.2.1, MUST-38) and holds
// small segments back if the user wants (Nagle, §3.7.4).
// Nagle is SHLD-7.
func (t *TCB) worthSending(n int) bool {
	s := &t.snd
	switch {
	case n >= s.mss || n >= t.payloadLimit():
		return true
	case s.force:
		return true
	case n >= s.waiting(): // everything that is queued
		return t.user.noDelay || s.una == s.nxt || s.fin
	}
	return n >= s.maxWnd/2 && n > 0
}

// send makes a segment of the next n octets, and of the FIN if it follows them.
func (t *TCB) send(now mono.Time, seg *wire.Segment, n int, kind sentKind) {
	s := &t.snd
	start := s.nxt
	if n > 0 {
		seg.Payload = s.queue.view(start, n)
	}
	end := start.Add(n)
	if end == s.queue.end && n > 0 {
		seg.Flags |= wire.PSH // MUST-61
	}
	if end == s.queue.end && s.fin && s.usable() > n {
		seg.Flags |= wire.FIN
		end = end.Add(1)
		s.finSent = true
	}
	if s.una == s.nxt {
		s.moved = now
	}
	s.nxt, s.force, s.probed = end, false, false
	t.mark(seg)
	t.fill(now, seg, start)
	if t.state != SynReceived {
		t.timers.send = mono.Never // what is in flight has a timer of its own
	}
	idle := t.loss.sent(now, start, end, kind)
	t.tellSent(now, end.Sub(start), idle)
	if !s.unsent() && !s.limited {
		t.loss.appLimited()
	}
}

// outAck makes a segment that only acknowledges.
func (t *TCB) outAck(now mono.Time, seg *wire.Segment) bool {
	if !t.out.ack || t.state == Closed {
		return false
	}
	seg.Payload = chunk.View{}
	seq := t.snd.nxt
	if t.out.fin {
		t.out.fin = false
		seq, seg.Flags = seq.Add(-1), wire.FIN
	}
	t.fill(now, seg, seq)
	return true
}
