package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A FastOpen is what an opening knows of TCP Fast Open (RFC 7413), by which octets
// leave with the SYN and are taken before the handshake is done. The zero value
// does without.
type FastOpen struct {
	// On lets an active open ask for a cookie or, if it has one, send octets with
	// its SYN. For a passive open it says that the cookie of the SYN is good.
	On bool
	// Cookie is shown to the peer by an active open, given to the peer by a
	// passive one. Without octets it is neither.
	Cookie wire.Cookie
	// MSS is the MSS option that came with the cookie (RFC 7413 §4.1.3); 0: not
	// known, and Opening.DefaultMSS counts.
	MSS int
	// Wait is how long the SYN of an active open that has a cookie waits for the
	// first octets, so that they can go with it.
	Wait time.Duration
}

// A FastOpening says what became of Fast Open in one connection.
type FastOpening struct {
	Outcome FastOpenOutcome
	Cookie  wire.Cookie // active: that the peer gave, for connections to come
	Sent    int         // octets that our SYN carried, or the peer's
	Taken   int         // of these taken without being sent again
}

// FastOpenOutcome is how Fast Open ended.
type FastOpenOutcome uint8

// How Fast Open can end.
const (
	FastOpenOff     FastOpenOutcome = iota // it was not tried
	FastOpenTrying                         // the SYN is not answered yet
	FastOpenTaken                          // the octets of the SYN were taken; passive: the program has the connection before the handshake is done
	FastOpenGiven                          // the peer gave a cookie, and took no octets
	FastOpenUnused                         // the SYN showed a cookie, but no octets came in time to go with it
	FastOpenRefused                        // the peer neither took octets nor gave a cookie
	FastOpenLost                           // only a SYN without cookie and octets was answered
	fastOutcomes    int             = iota
)

var fastOpenNames = [fastOutcomes]string{"off", "trying", "taken", "cookie given", "unused", "refused", "lost"}

// String says the outcome in words.
func (o FastOpenOutcome) String() string { return fastOpenNames[o] }

// fastOpen is the part of a connection that uses Fast Open; others have none.
//
//	 iss    una=nxt after SYN-ACK       end
//	──┼──────────┼───────────────────────┼───
//	  │ SYN      │ carried by the SYN,   │
//	  │          │ not acknowledged: new │
type fastOpen struct {
	FastOpening
	use     FastOpen
	waiting bool     // the SYN has not left: it waits for octets
	end     wire.Seq // end of what our SYN carried
	late    bool     // SND.NXT went back before end: an ACK may still go beyond it
}

// ahead reports whether data may flow before the handshake is done.
func (t *TCB) ahead() bool {
	f := t.fast
	return f != nil && f.use.On && (t.user.passive || f.use.Cookie.Len > 0)
}

// FastOpening returns what became of Fast Open.
func (t *TCB) FastOpening() FastOpening {
	if t.fast == nil {
		return FastOpening{}
	}
	return t.fast.FastOpening
}

// beginFastOpen prepares an active open (RFC 7413 §4.2.1, §4.2.2). With a cookie
// the SYN waits for what it could carry.
func (t *TCB) beginFastOpen(now mono.Time, f *FastOpen) {
	if !f.On {
		return
	}
	t.fast = &fastOpen{use: *f, FastOpening: FastOpening{Outcome: FastOpenTrying}}
	if f.Cookie.Len > 0 && f.Wait > 0 {
		t.fast.waiting, t.out.syn = true, false
		t.timers.send, t.snd.moved = now.Add(f.Wait), now
	}
}

// hasten lets a SYN leave that waits for octets: some have come, or none will.
func (t *TCB) hasten() {
	if f := t.fast; f != nil && f.waiting && t.state == SynSent {
		f.waiting, t.out.syn = false, true
	}
}

// acceptFastOpen prepares a passive open. If the cookie was good the octets of the
// SYN are the user's at once, and he may answer (RFC 7413 §4.2.2, step 4). The SYN
// may come again: the connection is there then and takes no text from it (RFC 7413 §2.1).
func (t *TCB) acceptFastOpen(f *FastOpen, syn *wire.Segment) {
	if !f.On && f.Cookie.Len == 0 {
		return
	}
	t.fast = &fastOpen{use: *f, FastOpening: FastOpening{Sent: syn.Payload.Len()}}
	if !f.On {
		t.fast.Outcome = FastOpenGiven
		return
	}
	t.fast.Outcome = FastOpenTaken
	r := &t.rcv
	syn.Payload.Trim(0, min(syn.Payload.Len(), r.offered()))
	n := syn.Payload.Len()
	t.fast.Taken = n
	t.counts.OctetsIn += uint64(n)
	r.nxt = r.nxt.Add(n)
	r.queue.push(&syn.Payload)
	// RFC 7413 §4.2.2, step 6: the initial window is that of every connection. It is
	// also all that leaves for an address that does not answer (RFC 7413 §5.2).
	t.prepare()
}

// outFastOpen adds to a SYN the option and what it may carry, to a SYN-ACK the
// option. A SYN or SYN-ACK that is sent again has neither, as there are paths that
// do not let them pass (RFC 7413 §4.2.1, §4.2.2). There is always room: with the
// longest cookie the options of a SYN take 37 octets.
func (t *TCB) outFastOpen(seg *wire.Segment) {
	f, p := t.fast, t.user.passive
	if f == nil || t.timers.tries != 1 || p != (t.state == SynReceived) || p && f.use.Cookie.Len == 0 {
		return
	}
	seg.Options.Has |= wire.HasFastOpen
	seg.Options.Cookie = f.use.Cookie
	if !p && f.use.Cookie.Len > 0 {
		t.carry(seg)
	}
}

// carry puts as many octets into the SYN as the peer took last time in one
// segment, less the options (RFC 7413 §4.1.3, §4.2.2).
func (t *TCB) carry(seg *wire.Segment) {
	f, s := t.fast, &t.snd
	mss := f.use.MSS
	if mss == 0 {
		mss = s.peerMSS
	}
	n := min(s.queue.len(), min(mss, s.pathMSS)-seg.Options.Size())
	if n <= 0 {
		return
	}
	seg.Payload = s.queue.view(s.iss.Add(1), n)
	s.nxt = s.iss.Add(1 + n)
	f.Sent, f.end = n, s.nxt
}

// synAnswered reads what a SYN-ACK says of the octets and the cookie that the SYN
// carried (RFC 7413 §4.2.2).
func (t *TCB) synAnswered(seg *wire.Segment) {
	f, s := t.fast, &t.snd
	if f == nil || f.Outcome != FastOpenTrying {
		return
	}
	if o := &seg.Options; o.Has&wire.HasFastOpen != 0 {
		f.Cookie = o.Cookie
	}
	f.Taken = seg.Ack.Sub(s.iss.Add(1))
	switch {
	case f.Taken > 0:
		f.Outcome = FastOpenTaken
	case f.Cookie.Len > 0:
		f.Outcome = FastOpenGiven
	case t.timers.tries > 1: // it answers the SYN that was sent again
		f.Outcome = FastOpenLost
	case f.Sent == 0 && f.use.Cookie.Len > 0:
		f.Outcome = FastOpenUnused
	default:
		f.Outcome = FastOpenRefused
	}
}

// takeBack makes what the SYN carried and the peer did not acknowledge new again
// when the handshake is done, so that it goes with the first ACK (RFC 7413
// §4.2.2). It is the one case in which SND.NXT goes back: what a SYN carries was
// not in the network as far as congestion control is concerned.
func (t *TCB) takeBack() {
	f, s := t.fast, &t.snd
	if f == nil || t.user.passive || f.Sent == 0 {
		return
	}
	s.queue.acked(s.una)
	s.nxt = s.una
	f.late = s.una.Less(f.end)
}

// lateAck lets an ACK count for octets of the SYN that were taken back, if the
// peer had them after all.
func (t *TCB) lateAck(ack wire.Seq) {
	f, s := t.fast, &t.snd
	if f == nil || !f.late {
		return
	}
	if s.nxt.Less(ack) && ack.LessEq(f.end) {
		t.loss.sent(t.timers.synAt, s.nxt, ack, sentNew)
		f.Taken += ack.Sub(s.nxt)
		s.nxt, s.probed = ack, false
	}
	f.late = s.nxt.Less(f.end)
}

// answered ends the time in which the SYN-ACK alone was repeated, with octets in
// flight behind it: their timer begins now that the round trip is known. If the
// SYN-ACK was lost, so were they probably, and the timer stays as it was.
func (l *loss) answered(now mono.Time, first bool) {
	if l.inFlight == nil {
		return
	}
	l.timers.clear()
	if first && l.timers.rto != mono.Never {
		l.timers.restart(now, l.rtt.rto(l.policy))
		l.armProbe(now)
	}
}

// synTooBig sends a SYN again, without octets, that a router has found too large
// for the way.
func (t *TCB) synTooBig() {
	if t.state == SynSent && t.fast != nil && t.fast.Sent > 0 && t.timers.tries == 1 {
		t.out.syn = true
	}
}
