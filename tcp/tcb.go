// Package tcp is RFC 9293 for one connection, and nothing else.
//
// A TCB is told the time and what happened: a segment arrived, a timer is due,
// the user called. It answers with the segments that must leave, a deadline and
// what is ready. It owns no clock, goroutine, lock or socket, and knows neither
// addresses nor ports; the same calls with the same arguments give the same
// segments, octet for octet. Who owns it calls Output until it returns false
// after every other call, and Expire when Deadline has come.
//
// What it refuses: it sends nothing by itself, draws no random number, and keeps
// no more memory for a peer than its Config allows.
package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// A TCB is one connection (transmission control block, RFC 9293 §3.3.1).
type TCB struct {
	cfg    *Config
	cc     cc.Control // nil until the handshake is done
	pacer  cc.Pacer
	pacing bool
	state  State
	passed set    // states it has been in
	reason Reason // why it ended
	soft   Reason // last soft error (MUST-47)
	opt    options
	user   user
	ecn    ecn
	acc    *accecn // nil unless both ends count marks
	size   sizing
	snd    snd
	rcv    rcv
	loss   loss
	timers timers
	out    pending
	fast   *fastOpen // nil without Fast Open
	counts numbers
}

// options are what the handshake agreed on, or what we offer before it.
type options struct {
	sack, ts, scale bool
	tsOffset        uint32
}

// user is what the user asked for.
type user struct {
	passive   bool // the connection was opened by Accept (MUST-11)
	orphan    bool // Close was called: nobody reads or waits any more
	noDelay   bool
	keepAlive KeepAlive
	timeout   time.Duration
}

// pending is what input and timers want Output to do.
type pending struct {
	reset   bool     // send a reset with number resetAt
	bare    bool     // ... that acknowledges nothing (RFC 9293 §3.10.7.4, answer to a bad ACK)
	syn     bool     // send SYN or SYN-ACK
	ack     bool     // acknowledge now
	fin     bool     // ... with our FIN once more
	probe   bool     // send a window probe
	alive   bool     // send a keep-alive probe
	resetAt wire.Seq // see reset

	quick   int       // segments that are still acknowledged at once
	unacked int       // octets in order that came since the last ACK
	limited mono.Time // no ACK for a segment out of the window before this (RFC 5961 §7)
}

// Connect opens a connection actively (RFC 9293 §3.10.1): its SYN comes from Output.
func Connect(now mono.Time, cfg *Config, o Opening) *TCB {
	t := open(now, cfg, o)
	t.opt.scale, t.opt.ts, t.opt.sack = cfg.WindowScale, cfg.Timestamps, cfg.SACK
	t.setState(SynSent)
	t.out.syn = true
	t.beginFastOpen(now, &o.FastOpen)
	return t
}

// Accept opens a connection from a SYN that arrived at a listener (RFC 9293
// §3.10.7.2); its SYN-ACK comes from Output. The SYN has neither ACK nor RST.
// Text and FIN that come with it are left for the peer to send again, but for text
// whose Fast Open cookie is good: that is taken over.
func Accept(now mono.Time, cfg *Config, o Opening, syn *wire.Segment) *TCB {
	t := open(now, cfg, o)
	t.user.passive = true
	has := syn.Options.Has
	t.opt.scale = cfg.WindowScale && has&wire.HasScale != 0
	t.opt.ts = cfg.Timestamps && has&wire.HasTimestamp != 0
	t.opt.sack = cfg.SACK && has&wire.HasSACKPermitted != 0
	t.learn(now, syn)
	t.acceptFastOpen(&o.FastOpen, syn)
	t.setState(SynReceived)
	t.out.syn = true
	return t
}

// open returns a TCB with everything that both kinds of open share.
func open(now mono.Time, cfg *Config, o Opening) *TCB {
	t := &TCB{cfg: cfg}
	t.opt.tsOffset = o.TSOffset
	t.user = user{noDelay: !cfg.Nagle, keepAlive: cfg.KeepAlive, timeout: cfg.UserTimeout}
	t.timers.stop()
	t.out.quick = cfg.QuickAcks

	s := &t.snd
	s.iss, s.una, s.nxt = o.ISS, o.ISS, o.ISS
	s.queue.una, s.queue.end = o.ISS.Add(1), o.ISS.Add(1)
	s.peerMSS, s.pathMSS, s.batch = o.DefaultMSS, o.SendMSS, o.Batch
	t.size.ceiling, t.size.least = o.SendMSS, int32(min(o.DefaultMSS, o.SendMSS))
	s.limit = cfg.SendBuffer.Initial
	s.setMSS(0)

	r := &t.rcv
	r.limit = cfg.ReceiveBuffer.Initial
	r.maxWindow = cfg.maxWindow()
	r.mss = o.RecvMSS
	if cfg.WindowScale {
		r.scale = cfg.scale()
	}
	return t
}

// learn takes the peer's numbers and options from its SYN. What both ends did
// not offer is off (RFC 7323 §2.2, §3.2, RFC 2018 §2).
func (t *TCB) learn(now mono.Time, syn *wire.Segment) {
	r, s, o := &t.rcv, &t.snd, &syn.Options
	r.irs, r.nxt = syn.Seq, syn.Seq.Add(1)
	r.edge, r.lastAck = r.nxt, r.nxt
	t.opt.scale = t.opt.scale && o.Has&wire.HasScale != 0
	t.opt.ts = t.opt.ts && o.Has&wire.HasTimestamp != 0
	t.opt.sack = t.opt.sack && o.Has&wire.HasSACKPermitted != 0
	if t.opt.scale {
		s.scale = min(o.Scale, 14) // RFC 7323 §2.3
	} else {
		r.scale = 0
	}
	if t.opt.ts {
		r.tsRecent, r.tsRecentAt = o.TSVal, now
	}
	if o.Has&wire.HasMSS != 0 {
		s.peerMSS = max(int(o.MSS), t.cfg.MinMSS)
	}
	t.agreeECN(syn)
	s.setMSS(t.optionLen())
	if !t.user.passive {
		t.wholeBuffer()
	}
	s.wnd, s.maxWnd = int(syn.Window), int(syn.Window) // never scaled (RFC 7323 §2.2)
	s.wl1, s.wl2 = syn.Seq, syn.Ack
}

// wholeBuffer rounds the receive buffer up, where the policy is to. A passive open
// does so when the handshake is done: before, there is no buffer.
func (t *TCB) wholeBuffer() {
	if t.cfg.WholeBuffer {
		t.rcv.limit = (t.rcv.limit + t.snd.mss - 1) / t.snd.mss * t.snd.mss
		t.rcv.wide = true
	}
}

// optionLen returns the octets of options that every segment has, padding included.
func (t *TCB) optionLen() int {
	if t.opt.ts {
		return 12
	}
	return 0
}

// establish enters ESTABLISHED: from here on data may flow.
func (t *TCB) establish(now mono.Time) {
	if tries := t.timers.tries; tries > 1 {
		t.loss.rtt.synTimedOut() // RFC 6298 §5.7
	} else {
		t.loss.rtt.sample(now, now.Sub(t.timers.synAt), 1)
	}
	if t.cc == nil {
		t.takeBack()
		t.prepare()
	} else {
		t.loss.answered(now, t.timers.tries == 1)
	}
	t.timers.send, t.timers.tries = mono.Never, 0
	t.snd.moved = now
	t.timers.heard = now
	t.setState(Established)
	t.armKeepAlive(now)
	if t.snd.fin { // the user closed before (RFC 9293 §3.10.4)
		t.setState(FinWait1)
	}
}

// prepare gets ready for sending from SND.NXT on, which no octet has passed.
func (t *TCB) prepare() {
	t.loss.reset(&t.cfg.Recovery, t.snd.queue.una, t.snd.mss, t.opt.sack)
	t.control()
	t.wholeBuffer()
}

// control makes the congestion control. One that is clocked by itself cannot do
// without the pace.
func (t *TCB) control() {
	p := cc.Params{
		MSS:           t.snd.mss,
		InitialWindow: t.cfg.InitialWindow,
		Unpaced:       !t.cfg.Pacing,
		NoSACK:        !t.opt.sack,
		Seed:          uint64(t.snd.iss)<<32 | uint64(t.opt.tsOffset),
	}
	if t.cfg.NewControl != nil {
		t.cc = t.cfg.NewControl(p)
	} else {
		t.cc = cc.NewCubic(p)
	}
	_, selfClocked := t.cc.(cc.SelfClocked)
	t.pacing = t.cfg.Pacing || selfClocked
	if _, ok := t.cc.(cc.Scalable); ok && t.acc != nil && t.acc.ect == ect0 {
		t.acc.ect = ect1 // L4S asks for marks that are counted (RFC 9331 §4.2)
	}
}

// end enters CLOSED; why is zero for an orderly end.
func (t *TCB) end(why Reason) {
	t.reason = why
	t.setState(Closed)
}

// release gives back what a connection in CLOSED does not need. Octets that
// arrived in order stay for the user, unless he has given the connection up. That
// they stay after the peer's reset is what programs know from everywhere; RFC 9293
// §3.10.7.4 would flush them.
func (t *TCB) release() {
	t.quiet()
	if t.reason == ReasonAborted {
		t.rcv.forget()
	}
	t.out = pending{reset: t.out.reset, bare: t.out.bare, resetAt: t.out.resetAt}
}

// quiet gives back what served to send and to reassemble, and stops the timers.
func (t *TCB) quiet() {
	t.snd.queue.drop()
	t.rcv.release()
	if t.cc != nil {
		t.loss.reset(&t.cfg.Recovery, t.snd.nxt, t.snd.mss, t.opt.sack)
	}
	t.timers.stop()
}

// clock returns our timestamp clock: milliseconds (RFC 7323 §5.4).
func (t *TCB) clock(now mono.Time) uint32 {
	return millis(now) + t.opt.tsOffset
}

func millis(now mono.Time) uint32 { return uint32(int64(now) / int64(time.Millisecond)) }

// echoed returns the moment at which the tick named by a TSecr began, Never if
// we cannot have sent it.
func (t *TCB) echoed(now mono.Time, tsecr uint32) mono.Time {
	age := t.clock(now) - tsecr
	at := int64(now)/int64(time.Millisecond) - int64(age)
	if at < 0 || age > 1<<31 {
		return mono.Never
	}
	return mono.Time(at * int64(time.Millisecond))
}

// State returns where the connection stands.
func (t *TCB) State() State { return t.state }

// MSS returns the most payload of one segment in octets, timestamps already
// taken off. A larger Segment is cut as SegmentSize says (see Opening.Batch).
func (t *TCB) MSS() int { return t.snd.mss }

// Progress returns a number that changes whenever the peer has acknowledged
// something new or something new of its own has come: a sign that packets pass in
// both directions (RFC 4861 §7.3.1).
func (t *TCB) Progress() uint32 { return uint32(t.snd.una) + uint32(t.rcv.nxt) }

// Err returns why the connection ended, as a Reason; nil while it lives and after an orderly close.
// It tells a user an abort from an end (MUST-12).
func (t *TCB) Err() error {
	if t.reason == 0 {
		return nil
	}
	return t.reason
}

// SoftErr returns the last ICMP error that did not end the connection, and forgets it (MUST-47).
func (t *TCB) SoftErr() error {
	why := t.soft
	t.soft = 0
	if why == 0 {
		return nil
	}
	return why
}
