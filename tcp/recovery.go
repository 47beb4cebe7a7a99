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
	MinRTO      time.Duration // lower bound (RFC 6298 §2.4: 1 s; Linux: 200 ms)
	MaxRTO      time.Duration // upper bound, at least 60 s (RFC 6298 §2.5)
	Granularity time.Duration // G of RFC 6298 §2: the clock's grain
	MaxAckDelay time.Duration // TLP.max_ack_delay (RFC 8985 §7.2), the peer's worst delayed ACK
	MinRTTSpan  time.Duration // how long a minimum RTT stays valid
	MaxRecords  int           // most records in the scoreboard; beyond it, segments share one
	NoTLP       bool          // no tail loss probes
}

// defaultLossPolicy has the numbers of the Linux profile.
func defaultLossPolicy() lossPolicy {
	return lossPolicy{
		InitialRTO:  time.Second,
		MinRTO:      200 * time.Millisecond,
		MaxRTO:      120 * time.Second,
		Granularity: time.Millisecond,
		MaxAckDelay: 200 * time.Millisecond,
		MinRTTSpan:  300 * time.Second,
		MaxRecords:  1 << 17,
	}
}

// sentKind tells why octets left.
type sentKind uint8

const (
	sentNew   sentKind = iota // octets from SND.NXT on, never sent before
	sentAgain                 // a range that nextLost gave
	sentProbe                 // the tail loss probe that probing asked for: new octets or those of probe
)

// timerKind names what the one send timer stands for.
type timerKind uint8

const (
	timerNone    timerKind = iota
	timerRTO               // RFC 6298 §5
	timerTLP               // RFC 8985 §7.2
	timerReorder           // RFC 8985 §6.2
	timerTrim              // nothing in flight for a while: give bookkeeping memory back
)

// ackIn is what an acceptable acknowledgement says: SND.UNA ≤ SEG.ACK ≤ SND.NXT.
type ackIn struct {
	ack   wire.Seq
	sack  []wire.Range // the blocks as they came, a leading DSACK included (RFC 2883)
	echo  mono.Time    // start of the tick that TSecr names on our clock; Never without the option
	dup   bool         // no data, no SYN or FIN, same window: it is a duplicate if ack = SND.UNA (RFC 5681 §2)
	ece   bool         // congestion echoed: ECE set (RFC 3168 §6.1.2)
	fresh bool         // octets never sent wait in the buffer and the peer's window has room for them
}

// verdict is what loss recovery concluded from an acknowledgement or a timer.
type verdict struct {
	cc        cc.Ack    // for the congestion control; CwndLtd and ECE are the caller's to fill
	event     cc.Event  // valid if began
	acked     int       // octets by which SND.UNA advanced
	lost      int       // octets newly marked lost
	began     bool      // an episode of reduction began: Control.Lost
	recovered bool      // it ended: Control.Recovered
	spurious  bool      // it had been for nothing: Control.Undo
	dsack     bool      // the peer told of a duplicate
	timer     timerKind // what expired, timerNone for an acknowledgement
	backoff   int       // with timerRTO: how many expiries in a row, from 1
}

// loss is the sender's knowledge of what is in flight: it samples round trips,
// detects losses, says what to send again and how much may leave. It is a value
// without references to its owner, is told the time, and answers with verdicts.
//
// Records span [una, nxt) without gaps; a SYN is not part of it, a FIN is its last octet.
type loss struct {
	policy *lossPolicy
	rtt    rtt
	mss    int
	una    wire.Seq
	nxt    wire.Seq
	sack   bool
}

// reset prepares for a connection whose first data octet is seq. The round
// trip estimator survives (the SYN may have been sampled). sack tells whether
// both ends permit SACK; without it recovery is NewReno's (RFC 6582).
func (l *loss) reset(policy *lossPolicy, seq wire.Seq, mss int, sack bool) {
	*l = loss{policy: policy, rtt: l.rtt, una: seq, nxt: seq, mss: mss, sack: sack}
}

// setMSS tells of another segment size in octets of payload. Records larger
// than it are cut, so that each can be sent again alone.
func (l *loss) setMSS(mss int) { l.mss = mss }

// sent records [start, end) as sent at now. It returns how long nothing had been
// in flight before, 0 if something was.
func (l *loss) sent(now mono.Time, start, end wire.Seq, kind sentKind) (idle time.Duration) {
	return 0
}

// appLimited tells that the sender has nothing more to send although the window
// would allow it: rate samples until then say less than the path can do.
func (l *loss) appLimited() {}

// ack takes an acknowledgement in.
func (l *loss) ack(now mono.Time, in ackIn) verdict { return verdict{timer: timerNone} }

// expire acts on the timer if it is due at now.
func (l *loss) expire(now mono.Time) verdict { return verdict{} }

// deadline returns when expire is to be called, and what for; Never if nothing is in flight.
func (l *loss) deadline() (mono.Time, timerKind) { return mono.Never, timerNone }

// tell makes the calls that v asks for on c, in the right order, and lets
// proportional rate reduction follow c's window. Call it for every verdict.
func (l *loss) tell(now mono.Time, c cc.Control, v *verdict) {}

// inflight returns the octets thought to be in the network (pipe of RFC 6675).
func (l *loss) inflight() int { return 0 }

// outstanding returns FlightSize of RFC 5681: sent and not cumulatively acknowledged.
func (l *loss) outstanding() int { return l.nxt.Sub(l.una) }

// nextLost returns the next octets to send again, at most limit of them.
func (l *loss) nextLost(limit int) (wire.Range, bool) { return wire.Range{}, false }

// allowance returns how many octets may leave now, given the congestion window:
// never negative. During fast recovery it follows RFC 9937, with limited
// transmit RFC 3042.
func (l *loss) allowance(window int) int { return max(0, window-l.inflight()) }

// probing reports that a tail loss probe is due: send one segment of new octets
// if there are any and the peer's window allows, otherwise those of probe, even
// if the congestion window is full, and report it as sentProbe.
func (l *loss) probing() bool { return false }

// probe returns the octets that a tail loss probe repeats: the last segment sent.
func (l *loss) probe() wire.Range { return wire.Range{} }

// recovering reports whether an episode of reduction is going on, after losses,
// a timeout or a mark.
func (l *loss) recovering() bool { return false }
