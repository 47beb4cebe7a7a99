package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
)

// timerKind names what the one send timer stands for.
type timerKind uint8

const (
	timerNone    timerKind = iota
	timerRTO               // RFC 6298 §5
	timerTLP               // RFC 8985 §7.2
	timerReorder           // RFC 8985 §6.2 step 5
	timerTrim              // nothing in flight for a while: the bookkeeping gives its memory back
)

// trimAfter is how long memory is kept for the next flight.
const trimAfter = time.Second

// sendTimers holds the deadline of the retransmission timer and, before it, that
// of at most one of the others.
type sendTimers struct {
	rto   mono.Time
	early mono.Time
	kind  timerKind // of early
}

func (t *sendTimers) stop() { *t = sendTimers{rto: mono.Never, early: mono.Never} }

// start runs the retransmission timer if it is not running (RFC 6298 §5.1).
func (t *sendTimers) start(now mono.Time, rto time.Duration) {
	if t.rto == mono.Never {
		t.restart(now, rto)
	}
}

// restart runs it from now on (RFC 6298 §5.3).
func (t *sendTimers) restart(now mono.Time, rto time.Duration) {
	if t.rto == mono.Never {
		t.clear() // what ran without it concerns an empty network
	}
	t.rto = now.Add(rto)
	t.fit()
}

// set runs another timer before it, instead of one that ran.
func (t *sendTimers) set(at mono.Time, kind timerKind) {
	t.early, t.kind = at, kind
	t.fit()
}

// fit keeps the other timer before the retransmission timer. A probe that would
// be later takes its place (RFC 8985 §7.2); the reordering timer yields.
func (t *sendTimers) fit() {
	switch {
	case t.early == mono.Never || t.early < t.rto:
	case t.kind == timerTLP:
		t.early = t.rto
	default:
		t.clear()
	}
}

func (t *sendTimers) clear() { t.early, t.kind = mono.Never, timerNone }

// deadline returns when expire is to be called, and what for; Never if there is
// nothing to wait for.
func (l *loss) deadline() (mono.Time, timerKind) {
	if l.inFlight == nil {
		return mono.Never, timerNone
	}
	switch t := &l.timers; {
	case t.early != mono.Never:
		return t.early, t.kind
	case t.rto != mono.Never:
		return t.rto, timerRTO
	}
	return mono.Never, timerNone
}

// expire acts on the timer if it is due at now.
func (l *loss) expire(now mono.Time) (v verdict) {
	at, kind := l.deadline()
	if !at.Due(now) {
		return v
	}
	l.timers.clear()
	v.timer = kind
	v.cc.Now = now
	v.event = cc.Event{Now: now, Inflight: l.board.outstanding()}
	switch kind {
	case timerTrim:
		l.rest()
	case timerTLP:
		l.tlpExpired(now)
	case timerReorder:
		l.detect(now, &v)
		l.judge(now, &v)
	case timerRTO:
		l.rtoExpired(now, &v)
	}
	return v
}

// tlpExpired asks for a probe if one may be sent; if not the retransmission
// timer remains (RFC 8985 §7.3).
func (l *loss) tlpExpired(now mono.Time) {
	if l.tlp.may() {
		l.tlp.state = tlpDue
		l.timers.restart(now, l.rtt.rto(l.policy))
	}
}

// armProbe starts the probe's timer, after new octets left or were acknowledged
// in sequence, unless something else will find a loss: a recovery, or the
// reordering timer once something is sacked (RFC 8985 §7.2). What RACK alone
// could answer needs SACK.
func (l *loss) armProbe(now mono.Time) {
	if !l.sack || l.policy.NoProbe || l.episode >= repairing || l.board.sacked > 0 || l.board.count() == 0 || !l.tlp.may() {
		return
	}
	d := l.tlp.pto(l.rtt.srtt, l.board.outstanding(), l.mss, l.policy.MaxAckDelay)
	l.timers.set(now.Add(d), timerTLP)
}

// rtoExpired is RFC 6298 §5.4 to 5.6 with the choice of RFC 8985 §6.3 of what is lost.
func (l *loss) rtoExpired(now mono.Time, v *verdict) {
	l.rtt.backOff()
	l.expiries++
	v.backoff = int(l.expiries)
	v.lost = l.board.timeout(l.rack.cut(now, l.reorderWindow()))
	l.lostMore(v.lost)
	l.reno.reset()
	l.tlp = tlp{spent: l.tlp.spent}
	l.prr.end()
	l.insist = true
	l.undo.frto = frtoOff
	if l.expiries == 1 {
		l.undo.begin(l.board.una)
		if l.episode != timedOut {
			l.undo.frto = frtoRTO
		}
	}
	l.episode, l.recover = timedOut, l.board.nxt
	l.timers.restart(now, l.rtt.rto(l.policy))
}
