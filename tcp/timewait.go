package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A TimeWait is what remains of a connection in TIME-WAIT: enough to acknowledge
// a repeated FIN, and to tell old segments from a new connection. It has at most
// 128 octets and no reference, so that a busy host can keep very many.
type TimeWait struct {
	until    mono.Time
	limited  mono.Time     // no further ACK before this, but for a repeated FIN
	interval time.Duration // Config.AckInterval
	span     time.Duration // 2 MSL
	sndNxt   wire.Seq
	rcvNxt   wire.Seq
	rcvWnd   uint32 // octets
	window   uint16 // as the header has it
	tsRecent uint32
	tsOffset uint32
	ace      wire.Flags // what the connection counted last (RFC 9768 §3.2.2)
	ts       bool
	reuse    bool // Config.ReuseOnSYN
}

// Verdict is what is to be done about a segment that arrived in TIME-WAIT.
type Verdict uint8

// The verdicts.
const (
	Ignore Verdict = iota // nothing
	Reply                 // send the answer
	Reopen                // the record may go: the segment is a SYN that a listener can accept (RFC 6191)
)

// TimeWait returns the small record that can stand for the connection once
// State is TimeWaiting and Output has nothing left.
func (t *TCB) TimeWait() TimeWait {
	r := &t.rcv
	return TimeWait{
		until:    t.timers.life,
		limited:  t.out.limited,
		interval: t.cfg.AckInterval,
		span:     2 * t.cfg.MSL,
		sndNxt:   t.snd.nxt,
		rcvNxt:   r.nxt,
		rcvWnd:   uint32(r.window()),
		window:   r.offer(),
		tsRecent: r.tsRecent,
		tsOffset: t.opt.tsOffset,
		ace:      t.aceField(),
		ts:       t.opt.ts,
		reuse:    t.cfg.ReuseOnSYN,
	}
}

// Arrive judges a segment for a connection in TIME-WAIT (RFC 9293 §3.10.7.4) and
// fills out with the answer when the verdict is Reply.
//
// Resets are ignored: an old one would let an old duplicate into the next
// connection (RFC 1337 §3).
func (w *TimeWait) Arrive(now mono.Time, seg, out *wire.Segment) Verdict {
	switch {
	case seg.Flags&wire.RST != 0:
		return Ignore
	case seg.Flags&wire.SYN != 0:
		if w.reuse && seg.Flags&wire.ACK == 0 && w.newer(seg) {
			return Reopen
		}
		return w.challenge(now, out)
	case seg.Flags&wire.ACK == 0:
		return Ignore
	case w.repeatedFIN(seg):
		w.until = now.Add(w.span)
		w.answer(now, out)
		return Reply
	case seg.Len() == 0 && seg.Seq == w.rcvNxt && !w.old(seg):
		return Ignore // an ACK that says nothing new needs no answer
	}
	return w.challenge(now, out)
}

// newer reports whether a SYN can only belong to a new connection: by its
// timestamp, or without one by its number (RFC 6191 §2, RFC 9293 MAY-2, SHLD-4).
func (w *TimeWait) newer(syn *wire.Segment) bool {
	if w.ts && syn.Options.Has&wire.HasTimestamp != 0 {
		if d := int32(syn.Options.TSVal - w.tsRecent); d != 0 {
			return d > 0
		}
	}
	return w.rcvNxt.Less(syn.Seq)
}

// repeatedFIN reports whether the segment is the FIN that was acknowledged
// before: only that restarts the 2 MSL (RFC 9293 §3.10.7.4, eighth step).
func (w *TimeWait) repeatedFIN(seg *wire.Segment) bool {
	return seg.Flags&wire.FIN != 0 && seg.Seq.Add(seg.Len()) == w.rcvNxt && !w.old(seg)
}

// old reports whether PAWS refuses the segment (RFC 7323 §5).
func (w *TimeWait) old(seg *wire.Segment) bool {
	return w.ts && seg.Options.Has&wire.HasTimestamp != 0 && int32(seg.Options.TSVal-w.tsRecent) < 0
}

// challenge answers anything else with an ACK, at most one in a while.
func (w *TimeWait) challenge(now mono.Time, out *wire.Segment) Verdict {
	if !w.limited.Due(now) {
		return Ignore
	}
	w.limited = now.Add(w.interval)
	w.answer(now, out)
	return Reply
}

func (w *TimeWait) answer(now mono.Time, out *wire.Segment) {
	*out = wire.Segment{Seq: w.sndNxt, Ack: w.rcvNxt, Flags: wire.ACK | w.ace, Window: w.window}
	if w.ts {
		out.Options.Has = wire.HasTimestamp
		out.Options.TSVal = uint32(int64(now)/int64(time.Millisecond)) + w.tsOffset
		out.Options.TSEcr = w.tsRecent
	}
}

// Deadline returns when the record can be thrown away.
func (w *TimeWait) Deadline() mono.Time { return w.until }

// NextISS returns an initial sequence number for the connection that follows this
// one on the same addresses and ports: iss if it lies beyond everything that
// this one sent, else one that does (RFC 9293 §3.10.7.4).
func (w *TimeWait) NextISS(iss wire.Seq) wire.Seq {
	if past := w.sndNxt.Add(1 << 16); iss.Less(past) {
		return past
	}
	return iss
}

// arriveTimeWait lets the record judge for a TCB that was not replaced by it. A
// SYN that would reopen is challenged: only who owns the table can act on it.
func (t *TCB) arriveTimeWait(now mono.Time, seg *wire.Segment) {
	var answer wire.Segment
	w := t.TimeWait()
	w.reuse = false
	if w.Arrive(now, seg, &answer) == Reply {
		t.out.ack = true
	}
	t.timers.life, t.out.limited = w.until, w.limited
}
