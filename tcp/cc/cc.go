// Package cc decides how much of a connection's data may be in flight.
//
// A Control sees octets and times, never segments or sequence numbers, and owns
// no clock: it is told what happened and asked for a window and a rate. Users of
// octet may bring their own.
package cc

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// A Control is the congestion control of one connection. Its methods are called
// by one goroutine at a time. Windows and amounts are octets of TCP payload.
type Control interface {
	// Name is how people call the algorithm: "cubic", "newreno", "bbr".
	Name() string
	// Window returns cwnd: the most that may be in flight, at least one segment.
	// After Lost it is where the window is going; the owner walks there by
	// proportional rate reduction (RFC 9937), unless the Control is a SelfClocked.
	Window() int
	// PacingRate returns the most that may leave in a second, in octets; 0 means unpaced.
	PacingRate() uint64
	// Sent tells of octets that left, new or retransmitted; inflight includes them.
	// idle is how long nothing had been in flight before them (0 if something was,
	// or nothing was ever sent): RFC 5681 §4.1 and RFC 7661 begin from it.
	Sent(now mono.Time, octets, inflight int, idle time.Duration)
	// Acked tells of an acknowledgement that delivered something. During loss
	// recovery the owner also calls it; InRecovery is then set.
	Acked(a Ack)
	// Lost tells that the first loss of a new episode was detected (or, for ECN,
	// that a mark was echoed): once for each window of data, and before
	// the Acked of the same acknowledgement. A timeout is no Lost.
	Lost(e Event)
	// Recovered tells that everything in flight when the episode began was acknowledged.
	Recovered(now mono.Time)
	// TimedOut tells that the retransmission timer expired: called for each expiry,
	// with backoff 1, 2, …. inflight is FlightSize (RFC 5681 §2): what was sent and
	// not acknowledged, before any of it is given up as lost. An expiry that lost a
	// SYN has inflight 0. Recovered follows when all of it is acknowledged.
	TimedOut(now mono.Time, backoff, inflight int)
	// Undo tells that the last Lost or TimedOut was spurious: state from before it comes back.
	Undo(now mono.Time)
	// SetMSS tells of another segment size, in octets of payload.
	SetMSS(mss int)
	// State is what Info shows; its content is up to the algorithm.
	State() State
}

// A SelfClocked Control decides what is in flight during loss recovery too: its
// owner then sends what Window and PacingRate allow, and PRR is not applied.
type SelfClocked interface {
	Control
	// SelfClocked marks the type; it does nothing.
	SelfClocked()
}

// A Scalable Control answers marks in proportion to how many there are. Where the
// peer counts them (AccECN), octets then leave as ECT(1), which asks the network
// for the early and frequent marks of L4S (RFC 9331 §4).
type Scalable interface {
	Control
	// Scalable marks the type; it does nothing.
	Scalable()
}

// Ack is what one acknowledgement said.
type Ack struct {
	Now        mono.Time
	Octets     int           // newly delivered: acknowledged or selectively acknowledged for the first time
	RTT        time.Duration // of the newest octets delivered, 0 if unknown (Karn)
	SRTT       time.Duration // RFC 6298, 0 while there is no sample
	RTO        time.Duration // RFC 6298 before backoff, 0 if unknown: how long makes an idle time (RFC 5681 §4.1)
	MinRTT     time.Duration // over the life of the connection, 0 if unknown
	Inflight   int           // after this acknowledgement
	Prior      int           // in flight before it
	Lost       int           // marked lost since the Ack before this one
	Loss       LossSample    // of what is in Lost
	InRecovery bool          // a loss episode is going on
	Early      bool          // octets below those are missing, and no reordering is known on the path: it may become an episode
	CwndLtd    bool          // the window, not the application or the peer, stopped the sender in this round or the last (RFC 7661)
	Round      bool          // everything in flight a round trip ago is now delivered: a new round begins
	ECE        int           // octets that arrived marked CE, as far as the peer tells (AccECN), else 0
	Rate       RateSample
}

// RateSample is a delivery rate (draft-ietf-ccwg-bbr §4.1): Delivered octets in Interval.
type RateSample struct {
	Delivered  int
	Interval   time.Duration // 0: no valid sample
	AppLimited bool
	TxInFlight int    // in flight when the newest delivered octets were sent
	LostSince  int    // octets lost since then
	Total      uint64 // C.delivered: octets delivered so far
	PriorTotal uint64 // P.delivered: octets delivered when the packet just acknowledged was sent
}

// LossSample describes the newest octets that were marked lost
// (draft-ietf-ccwg-bbr, HandleLostPacket). All zero if the owner does not know.
type LossSample struct {
	TxInFlight int // in flight when they were sent, themselves included
	Since      int // lost since they were sent, themselves included
	AppLimited bool
}

// Event is the begin of a congestion episode.
type Event struct {
	Now      mono.Time
	Inflight int  // FlightSize (RFC 5681 §2): sent and not acknowledged
	Lost     int  // octets marked lost
	ECN      bool // a mark, not a loss
}

// State is a snapshot for people.
type State struct {
	Name       string
	Cwnd       int
	Ssthresh   int    // 0 if the algorithm has none, or none yet
	Phase      string // "slow start", "congestion avoidance", "startup", "probe bw", …
	PacingRate uint64 // octets a second
}
