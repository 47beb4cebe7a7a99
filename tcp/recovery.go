package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// lossPolicy is what a profile may choose about retransmission. It is shared by
// connections and never written after it is made.
type lossPolicy struct {
	InitialRTO  time.Duration // before the first sample (RFC 6298 §2.1: 1 s)
	MinRTO      time.Duration // least time beyond SRTT (RFC 6298 §2.4: 1 s; Linux: 200 ms)
	MaxRTO      time.Duration // upper bound, at least 60 s (RFC 6298 §2.5)
	MaxAckDelay time.Duration // TLP.max_ack_delay (RFC 8985 §7.2): the peer's longest delayed ACK
	NoProbe     bool          // no tail loss probes
	NoUndo      bool          // no undoing of reductions that turn out spurious
}

// defaultLossPolicy has the numbers of the Linux profile.
func defaultLossPolicy() lossPolicy {
	return lossPolicy{
		InitialRTO:  time.Second,
		MinRTO:      200 * time.Millisecond,
		MaxRTO:      120 * time.Second,
		MaxAckDelay: 200 * time.Millisecond,
	}
}

// sentKind tells why octets left.
type sentKind uint8

const (
	sentNew   sentKind = iota // octets from SND.NXT on, never sent before
	sentAgain                 // a range that nextLost gave
	sentProbe                 // the tail loss probe that probing asked for: new octets or those of probe
)

// ackIn is what an acceptable acknowledgement says: SND.UNA ≤ SEG.ACK ≤ SND.NXT.
type ackIn struct {
	ack   wire.Seq
	sack  []wire.Range // the blocks as they came, a leading DSACK included (RFC 2883)
	echo  mono.Time    // start of the millisecond that TSecr names on our clock; mono.Never without the option
	dup   bool         // no data, no SYN or FIN, same window: a duplicate if ack is SND.UNA (RFC 5681 §2)
	fresh bool         // octets never sent wait in the buffer and the peer's window has room for them
}

// A verdict is what loss recovery concluded from an acknowledgement or a timer.
type verdict struct {
	cc        cc.Ack    // for the congestion control; CwndLtd and ECE are the caller's to fill
	event     cc.Event  // with began, and its Inflight with timerRTO too
	acked     int       // octets by which SND.UNA advanced
	lost      int       // octets newly marked lost
	packets   int       // segments newly delivered, as far as they are told apart
	began     bool      // an episode of reduction began: Control.Lost
	recovered bool      // it ended: Control.Recovered
	spurious  bool      // it had been for nothing: Control.Undo
	dsack     bool      // the peer told of a duplicate
	probed    bool      // the tail loss probe repaired a loss: began and recovered at once
	timer     timerKind // what expired, timerNone for an acknowledgement
	backoff   int       // with timerRTO: how many expiries in a row, from 1
}

// An episode is the reason why the window is being reduced, or why what is to be sent
// again leaves slowly.
type episode uint8

const (
	steady    episode = iota
	resizing          // the path does not carry what was sent; nothing is reduced
	marked            // the network marked a packet (RFC 3168)
	repairing         // fast recovery
	timedOut          // recovery from a retransmission timeout
)

// loss is the sender's knowledge of what is in flight: it samples round trips,
// detects losses, says what to send again and how much may leave. It is a value
// without references to its owner, is told the time, and answers with verdicts.
//
// A SYN is no part of it; a FIN is its last octet.
type loss struct {
	*inFlight // nil at rest
	policy    *lossPolicy
	rtt       rtt
	rack      rack
	rate      rate

	mss      int
	episode  episode
	sack     bool      // both ends permit SACK; without it recovery is that of RFC 6582
	insist   bool      // the octets at una may leave whatever the window says, as after a timeout
	recover  wire.Seq  // SND.NXT when the episode began; no octet before it begins another
	at       wire.Seq  // SND.UNA and SND.NXT at rest
	expiries int32     // of the retransmission timer since SND.UNA moved
	quiet    mono.Time // since when nothing is in flight; Never before the first flight
	unsaid   int       // octets marked lost that the congestion control was not told of
}

// inFlight is what loss knows of octets that are under way. While there have been
// none for a while a connection does without: it is at rest.
type inFlight struct {
	board  scoreboard
	tlp    tlp
	prr    prr
	undo   undo
	timers sendTimers
	reno   reno
}

// rise ends the rest.
func (l *loss) rise() {
	if l.inFlight != nil {
		return
	}
	l.inFlight = new(inFlight)
	l.board.una, l.board.nxt = l.at, l.at
	l.timers.stop()
}

// stir ends the rest although nothing is sent, and sees to it that it comes back.
func (l *loss) stir(now mono.Time) {
	if l.inFlight == nil {
		l.rise()
		l.timers.set(now.Add(trimAfter), timerTrim)
	}
}

// memory returns the octets that the flight costs.
func (l *loss) memory() int {
	if l.inFlight == nil {
		return 0
	}
	return flightCost + len(l.board.ring)*recordSize
}

// flightCost is the memory of an inFlight without records, in octets, and of the least
// that queues keep with it.
const flightCost = 576

// rest gives the memory of the flight back after trimAfter without one, or only
// that of the scoreboard if the next octets are part of a story that goes on.
func (l *loss) rest() {
	if l.episode != steady || l.undo.armed {
		l.board.trim()
		return
	}
	l.at, l.inFlight = l.board.una, nil
}

// reset prepares for a connection whose first octet of data is seq. The round
// trip estimator survives: the SYN may have been sampled. sack tells whether both
// ends permit SACK.
func (l *loss) reset(policy *lossPolicy, seq wire.Seq, mss int, sack bool) {
	*l = loss{policy: policy, rtt: l.rtt, mss: mss, sack: sack}
	l.at, l.rack.fack = seq, seq
	l.recover = seq.Add(-1)
	l.quiet = mono.Never
	l.rtt.opened()
}

// setMSS tells of another segment size in octets of payload. What was sent in
// larger segments is sent again at once. That is no sign of congestion and does not
// change the window, but slow start begins: one segment leaves before an
// acknowledgement comes (RFC 1191 §6.4), and proportional rate reduction, with
// nothing to reduce, lets out two for each that arrives.
func (l *loss) setMSS(mss int) {
	if l.mss = mss; l.inFlight == nil || l.board.count() == 0 {
		return
	}
	if lost := l.board.resize(mss); lost > 0 && l.episode == steady {
		l.episode, l.recover = resizing, l.board.nxt
		l.prr.begin(l.board.outstanding())
		l.prr.room = mss
	}
}

// sent records [start, end) as sent at now. It returns how long nothing had been
// in flight before, 0 if something was or nothing was ever sent.
func (l *loss) sent(now mono.Time, start, end wire.Seq, kind sentKind) (idle time.Duration) {
	l.rise()
	if l.board.count() == 0 && l.quiet != mono.Never {
		idle = now.Sub(l.quiet)
	}
	again := start.Less(l.board.nxt)
	n := end.Sub(start)
	inflight := l.inflight()
	p := l.rate.send(now, inflight+n, inflight == 0)
	if again {
		l.repeated(now, wire.Range{Start: start, End: end}, p)
	} else {
		l.board.push(now, end, l.mss, p)
	}
	l.prr.sent(n)
	if kind == sentProbe {
		l.tlp.sent(l.board.nxt, again)
		l.timers.restart(now, l.rtt.rto(l.policy))
		return idle
	}
	l.timers.start(now, l.rtt.rto(l.policy))
	if !again {
		l.armProbe(now)
	}
	return idle
}

// repeated records that w was sent again.
func (l *loss) repeated(now mono.Time, w wire.Range, p stamp) {
	if head := w.Start.LessEq(l.board.una); head {
		// The timer guards the oldest octets: it begins anew with them.
		l.insist = false
		l.timers.restart(now, l.rtt.rto(l.policy))
	}
	n := l.board.repeat(now, w, p)
	if l.episode >= repairing {
		l.undo.repeated(now, w.Start, n)
	}
}

// appLimited tells that the sender has nothing more to send although the window
// would allow it: rate samples until then say less than the path can do.
func (l *loss) appLimited() { l.rate.limit(l.inflight()) }

// inflight returns the octets thought to be in the network (pipe of RFC 6675 §4).
// Without SACK each duplicate ACK tells that a segment has left it (RFC 5681 §3.2).
func (l *loss) inflight() int {
	if l.inFlight == nil {
		return 0
	}
	return l.board.pipe() - l.reno.gone(&l.board)
}

// outstanding returns FlightSize (RFC 5681 §2): sent and not acknowledged.
func (l *loss) outstanding() int {
	if l.inFlight == nil {
		return 0
	}
	return l.board.outstanding()
}

// nextLost returns the next octets to send again. They are whole records as far
// as they fit into limit, and the first limit octets of one that does not: limit
// is what one segment may carry, and whether the range fits into allowance is
// the caller's question.
func (l *loss) nextLost(limit int) (wire.Range, bool) {
	if l.inFlight == nil || l.undo.frto == frtoHold {
		return wire.Range{}, false
	}
	return l.board.next(limit)
}

// allowance returns how many octets may leave now, given the congestion window.
// Limited transmit (RFC 3042) follows from the accounting: what a duplicate ACK
// shows delivered is not in flight.
func (l *loss) allowance(window int) int {
	if l.inFlight == nil {
		return max(window, 0)
	}
	n := window - l.inflight()
	if l.prr.on {
		n = l.prr.room
	}
	switch {
	case l.insist:
		n = max(n, l.mss)
	case l.undo.frto == frtoHold:
		// RFC 5682 §2.1 step 2b: "transmit up to two new (previously unsent) segments".
		n = max(n, 2*l.mss-l.board.nxt.Sub(l.recover))
	}
	return max(n, 0)
}

// probing reports that a tail loss probe is due: send one segment of new octets
// if there are any and the peer's window allows, otherwise those of probe, even
// if the congestion window is full, and report it as sentProbe.
func (l *loss) probing() bool {
	return l.inFlight != nil && l.tlp.state == tlpDue && l.board.count() > 0
}

// probe returns the octets that a tail loss probe repeats: the last segment sent.
func (l *loss) probe() wire.Range {
	w := l.board.span(l.board.last - 1)
	w.Start = wire.MaxSeq(w.Start, w.End.Add(-l.mss))
	return w
}

// recovering reports whether an episode of reduction is going on, after losses,
// a timeout or a mark.
func (l *loss) recovering() bool { return l.episode != steady }

// silent reports that there is nothing to send again.
func (l *loss) silent() bool {
	return l.inFlight == nil || l.board.lost == 0 && l.board.redo.empty() && l.tlp.state != tlpDue
}

// disturbed reports whether something is missing in what the peer has, so that an
// episode is going on or may begin.
func (l *loss) disturbed() bool { return l.recovering() || l.inFlight != nil && l.board.sacked > 0 }

// tell makes the calls that v asks for on c, in the right order, and lets
// proportional rate reduction follow c's window. Call it for every verdict.
func (l *loss) tell(now mono.Time, c cc.Control, v *verdict) {
	if v.spurious {
		c.Undo(now)
	}
	if v.recovered && !v.probed {
		c.Recovered(now)
	}
	if v.timer == timerRTO {
		c.TimedOut(now, v.backoff, v.event.Inflight)
	}
	if v.began {
		c.Lost(v.event)
	}
	if v.cc.Octets > 0 {
		v.cc.Lost, l.unsaid = l.unsaid, 0
		c.Acked(v.cc)
	}
	if v.recovered && v.probed {
		c.Recovered(now)
	}
	if l.inFlight == nil || !l.prr.on {
		return
	}
	if _, own := c.(cc.SelfClocked); own {
		l.prr.end()
		return
	}
	l.prr.acked(v.cc.Octets, l.inflight(), c.Window(), l.mss, v.acked > 0 && v.lost == 0)
}
