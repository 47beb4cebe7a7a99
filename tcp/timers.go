package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// timers holds the deadlines of a connection. What is in flight is timed by loss;
// send is set only while nothing is, so there is one send timer at any time.
type timers struct {
	send mono.Time // SYN again, or a zero-window probe
	ack  mono.Time // the delayed ACK
	pace mono.Time // the pace holds something back until then
	life mono.Time // keep-alive, FIN-WAIT-2, TIME-WAIT

	synAt  mono.Time // when the SYN was sent first
	heard  mono.Time // when the last acceptable segment came
	tries  uint8     // SYNs sent, or window probes since the window closed
	silent uint8     // timeouts and probes since the peer was heard
	alive  uint8     // keep-alive probes since the peer was heard

	excused uint32 // timeouts in a row that do not count towards R2
}

// stop sets no timer.
func (m *timers) stop() {
	m.send, m.ack, m.pace, m.life = mono.Never, mono.Never, mono.Never, mono.Never
}

// Deadline returns when Expire must be called next, or Never.
func (t *TCB) Deadline() mono.Time {
	m := &t.timers
	d := min(m.send, m.ack, m.pace, m.life)
	if t.cc != nil && t.state != SynReceived { // there, the SYN-ACK alone is repeated (RFC 7413 §4.2.2)
		at, _ := t.loss.deadline()
		d = min(d, at)
	}
	if t.stuck() {
		d = min(d, t.giveUpAt())
	}
	return d
}

// Expire does what is due at now (RFC 9293 §3.10.8). Calling it early does no harm.
func (t *TCB) Expire(now mono.Time) {
	m := &t.timers
	if m.ack.Due(now) {
		m.ack = mono.Never
		t.out.ack = true
	}
	if m.pace.Due(now) {
		m.pace = mono.Never
	}
	if m.life.Due(now) {
		m.life = mono.Never
		t.expireLife(now)
	}
	if t.giveUpAt().Due(now) && t.stuck() {
		t.fail(ReasonTimedOut)
	}
	if m.send.Due(now) {
		m.send = mono.Never
		t.expireSend(now)
	}
	if t.cc == nil || t.state == Closed || t.state == SynReceived {
		return
	}
	if at, _ := t.loss.deadline(); at.Due(now) {
		v := t.loss.expire(now)
		if v.timer == timerTrim {
			t.snd.queue.chunks.trim()
			t.rcv.queue.views.trim()
		}
		t.heed(now, &v)
	}
}

// stuck reports whether something is unacknowledged or kept back by the peer.
func (t *TCB) stuck() bool { return t.snd.una != t.snd.nxt || t.timers.send != mono.Never }

// giveUpAt returns when the user timeout ends the connection (MUST-21, RFC 5482).
func (t *TCB) giveUpAt() mono.Time {
	if t.user.timeout == 0 || t.state == Closed {
		return mono.Never
	}
	return t.snd.moved.Add(t.user.timeout)
}

// fail ends the connection because the peer does not answer.
func (t *TCB) fail(why Reason) {
	switch t.state {
	case SynSent:
		if t.soft != 0 {
			why = t.soft // what ICMP said tells more
		}
		t.end(why)
	case SynReceived:
		t.end(why) // the SYN may have been forged: nobody asked for a reset
	default:
		t.abort(why)
	}
}

// armSYN starts the timer of a SYN that leaves now, doubled each time (RFC 6298
// §5.5, MUST-22).
func (t *TCB) armSYN(now mono.Time) {
	m := &t.timers
	if m.tries == 0 {
		m.synAt = now
		t.snd.moved = now
	}
	m.send = now.Add(backoff(t.cfg.Recovery.InitialRTO, m.tries, t.cfg.Recovery.MaxRTO))
	m.tries++
}

// backoff returns d doubled n times, at most limit.
func backoff(d time.Duration, n uint8, limit time.Duration) time.Duration {
	for range n {
		if d >= limit {
			return limit
		}
		d *= 2
	}
	return min(d, limit)
}

// expireSend acts on the timer of a SYN or of a zero-window probe.
func (t *TCB) expireSend(now mono.Time) {
	m := &t.timers
	switch t.state {
	case Closed, TimeWaiting:
	case SynSent, SynReceived:
		if m.tries == 0 { // it has waited long enough for octets to go with it
			t.hasten()
			return
		}
		limit := t.cfg.SynRetries
		if t.user.passive {
			limit = t.cfg.SynAckRetries
		}
		if int(m.tries) > limit {
			t.fail(ReasonTimedOut)
			return
		}
		t.counts.Timeouts++
		t.out.syn = true
	default:
		t.expireProbe(now)
	}
}

// armProbe starts the timer of window probes if the peer's window keeps data
// back while nothing is in flight (RFC 9293 §3.8.6.1).
// A window that shrank to zero is probed like any other (MUST-35), first after the RTO
// (SHLD-29), then ever more rarely (SHLD-30).
func (t *TCB) armProbe(now mono.Time) {
	s, m := &t.snd, &t.timers
	if s.una != s.nxt || m.send != mono.Never {
		return
	}
	if m.tries == 0 {
		s.moved = now
	}
	m.send = now.Add(backoff(t.loss.rtt.rto(&t.cfg.Recovery), m.tries, t.cfg.MaxProbe))
}

// stopProbe ends probing: the window has opened, or something is in flight.
func (t *TCB) stopProbe() { t.timers.send, t.timers.tries = mono.Never, 0 }

// expireProbe sends a window probe, or what a small window takes (the override
// timeout of RFC 9293 §3.8.6.2.1). A peer that answers is asked for ever, every
// MaxProbe at last (MUST-37); one that does not answer is given up after R2.
func (t *TCB) expireProbe(now mono.Time) {
	s, m := &t.snd, &t.timers
	limit := t.cfg.R2
	if t.user.orphan {
		limit = t.cfg.OrphanRetries
		m.silent = m.tries // nobody waits: answers do not count (RFC 6429 §3)
	}
	if int(m.silent) > limit {
		t.fail(ReasonTimedOut)
		return
	}
	m.tries = min(m.tries+1, 250)
	m.silent = min(m.silent+1, 250)
	if s.usable() > 0 {
		s.force = true
		return
	}
	t.out.probe = true
	m.send = now.Add(backoff(t.loss.rtt.rto(&t.cfg.Recovery), m.tries, t.cfg.MaxProbe))
}

// timedOut acts on the n-th retransmission timeout in a row: after R2 of them the
// connection is given up (RFC 9293 §3.8.3). A peer that took its window back, and
// says so, is there: those before do not count (SHLD-17).
// With slow start and congestion avoidance in package cc, this is MUST-19.
func (t *TCB) timedOut(now mono.Time, n int) {
	t.counts.Timeouts++
	m := &t.timers
	if n < int(m.excused) { // something was acknowledged since
		m.excused = 0
	}
	if t.snd.wnd == 0 && m.silent == 0 && !t.user.orphan {
		m.excused = uint32(n)
	}
	m.silent = min(m.silent+1, 250)
	limit := t.cfg.R2
	if t.user.orphan {
		limit = t.cfg.OrphanRetries
	}
	if n-int(m.excused) > limit {
		t.fail(ReasonTimedOut)
		return
	}
	t.blackHole(now, n)
}

// expireLife acts on the slow timer.
func (t *TCB) expireLife(now mono.Time) {
	switch t.state {
	case Closed, SynSent, SynReceived:
	case TimeWaiting:
		t.end(0)
	case FinWait2:
		if t.user.orphan {
			t.end(0) // the peer's FIN never came
			return
		}
		t.keepAlive(now)
	default:
		t.keepAlive(now)
	}
}

// armFinWait2 limits how long a closed connection waits for the peer's FIN.
func (t *TCB) armFinWait2(now mono.Time) {
	if t.user.orphan {
		t.timers.life = now.Add(t.cfg.FinWait2)
	}
}

// armKeepAlive starts the keep-alive timer if the user asked for it (MUST-25).
func (t *TCB) armKeepAlive(now mono.Time) {
	k := t.user.keepAlive
	if k.Idle <= 0 || t.state == SynSent || t.state == SynReceived || t.state == Closed || t.state == TimeWaiting {
		return
	}
	t.timers.life = max(now, t.timers.heard.Add(k.Idle))
}

// keepAlive asks an idle peer whether it is there (RFC 9293 §3.8.4). Time in
// which something was heard or is in flight is not idle (MUST-26).
// One unanswered probe ends nothing (MUST-29); a probe carries no data (SHLD-12). The
// user chooses the idle time, usually two hours (MUST-28).
func (t *TCB) keepAlive(now mono.Time) {
	k, m := t.user.keepAlive, &t.timers
	if k.Idle <= 0 {
		return
	}
	if due := m.heard.Add(k.Idle); now < due || t.stuck() {
		m.alive = 0
		m.life = max(due, now.Add(k.Interval))
		return
	}
	if int(m.alive) >= max(k.Count, 1) {
		t.fail(ReasonTimedOut)
		return
	}
	m.alive++
	t.out.alive = true
	m.life = now.Add(max(k.Interval, time.Second))
}

// enterTimeWait waits 2 MSL for what may still come (MUST-13).
func (t *TCB) enterTimeWait(now mono.Time) {
	t.setState(TimeWaiting)
	t.quiet()
	t.timers.life = now.Add(2 * t.cfg.MSL)
}
