package cc

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// A window is what the controls that count a congestion window have in common.
// The floor holds always: mss <= cwnd <= maxWindow and 2*mss <= ssthresh.
type window struct {
	mss      int32 // octets
	cwnd     int32 // octets
	ssthresh int32 // octets; maxWindow until the first loss
	saved    struct {
		cwnd, ssthresh int32 // before the last reduction; cwnd 0: nothing to undo
	}
	segments int16 // the initial window, in segments
	flown    bool  // something was sent: a change of MSS no longer sets the initial window
	restart  bool  // after an idle time (Params.IdleRestart)
	unpaced  bool  // Params.Unpaced
	timedOut bool  // repairing after a timeout: the window grows while the owner recovers
	srtt     time.Duration
	rto      time.Duration
	used     validation
}

func newWindow(p Params) window {
	w := window{ssthresh: maxWindow, segments: p.initialWindow(), restart: p.IdleRestart || p.Unpaced, unpaced: p.Unpaced, used: newValidation()}
	w.SetMSS(p.mss())
	return w
}

// Window returns the congestion window in octets.
func (w *window) Window() int { return int(w.cwnd) }

// SetMSS takes another segment size. Before the first transmission the initial
// window follows it; afterwards the window stays what it is in octets.
func (w *window) SetMSS(mss int) {
	w.mss = int32(min(max(mss, 1), maxMSS))
	if !w.flown {
		w.cwnd = w.initial()
	}
	w.cwnd = min(max(w.cwnd, w.mss), maxWindow)
	w.ssthresh = max(w.ssthresh, 2*w.mss)
}

func (w *window) initial() int32 { return initialWindow(int32(w.segments), w.mss) }

// Sent tells of octets that left after idle.
func (w *window) Sent(now mono.Time, octets, inflight int, idle time.Duration) {
	w.flown = true
	if idle <= 0 {
		return
	}
	if w.restart {
		// RFC 5681 §4.1: RW = min(IW,cwnd) when nothing was sent for more than an RTO.
		if idle > w.timeout() {
			w.cwnd = min(w.cwnd, w.initial())
		}
		return
	}
	w.used.idle(now, idle)
	w.decay(now)
}

// timeout is the RTO as far as it is known, at first that of RFC 6298 §2.1.
func (w *window) timeout() time.Duration {
	if w.rto > 0 {
		return w.rto
	}
	return time.Second
}

// observe takes from an acknowledgement what every control keeps.
func (w *window) observe(a Ack) {
	w.flown = true
	if a.SRTT > 0 {
		w.srtt = a.SRTT
	}
	if a.RTO > 0 {
		w.rto = a.RTO
	}
	w.used.acked(a, w.srtt, w.cwnd)
	if !w.restart {
		w.decay(a.Now)
	}
}

// decay is RFC 7661 §4.4.3: at the end of the non-validated period the unused part goes.
func (w *window) decay(now mono.Time) {
	for w.used.expired(now) && w.cwnd > w.initial() {
		w.ssthresh = max(w.ssthresh, w.cwnd/4*3)
		w.cwnd = max(w.cwnd/2, w.initial())
	}
}

// mayGrow reports whether an acknowledgement may widen the window. RFC 9438 §5.8:
// not while the application or the peer limits the sender; RFC 6582: not during
// fast recovery, but again after a timeout, which begins a slow start.
func (w *window) mayGrow(a Ack) bool {
	return a.CwndLtd && a.Octets > 0 && !a.Early && (!a.InRecovery || w.timedOut)
}

// slowStart widens the window by n up to ssthresh and returns the octets of n that
// remain for congestion avoidance.
func (w *window) slowStart(n int32) int32 {
	if w.cwnd >= w.ssthresh {
		return n
	}
	d := min(n, w.ssthresh-w.cwnd)
	w.grow(d)
	return n - d
}

// counted is what n acknowledged octets count for in the slow start of RFC 3465:
// at most L segments, where L is 2 (§2.2), and 1 while repairing a timeout (§2.3).
func (w *window) counted(n int32) int32 {
	if w.timedOut {
		return min(n, w.mss)
	}
	return min(n, 2*w.mss)
}

func (w *window) grow(octets int32) { w.cwnd = min(w.cwnd+octets, maxWindow) }

// flight is what a reduction starts from. RFC 5681 §3.1 says FlightSize; RFC 7661
// §4.4.1 takes pipeACK if that is more, so that a sender that pauses while it loses
// a little is not thrown back to it. (What it takes off again for the octets
// retransmitted is left to PRR.) Never more than the window: limited transmit
// (RFC 3042) does not count.
func (w *window) flight(inflight int) int32 {
	return min(max(amount(inflight), w.used.pipe()), w.cwnd)
}

// reduce remembers the window for undo and sets ssthresh to percent of the flight.
func (w *window) reduce(flight int32, percent int) {
	w.remember()
	w.ssthresh = max(scale(flight, percent), 2*w.mss)
	w.used.reset()
}

func (w *window) remember() { w.saved.cwnd, w.saved.ssthresh = w.cwnd, w.ssthresh }

// lost is a congestion event: RFC 5681 §3.2 step 2, and for a mark RFC 3168 §6.1.2
// with RFC 9438 §4.6: the window may then go down to one segment.
func (w *window) lost(e Event, percent int) {
	w.reduce(w.flight(e.Inflight), percent)
	w.timedOut = false
	w.cwnd = min(w.cwnd, w.ssthresh)
	if e.ECN {
		w.cwnd = max(min(w.cwnd, scale(w.saved.cwnd, percent)), w.mss)
	}
}

// expired is a timeout. RFC 5681 §3.1: ssthresh once, for a segment that the timer
// has not resent yet, and cwnd to the loss window, which is one segment. If only
// a SYN was lost the initial window is one segment and ssthresh stays as it is.
func (w *window) expired(backoff, inflight, percent int) {
	if backoff <= 1 {
		if inflight > 0 {
			w.reduce(w.flight(inflight), percent)
		} else {
			w.remember()
		}
	}
	w.flown = true
	w.timedOut = inflight > 0 || w.timedOut
	w.cwnd = w.mss
}

// Recovered ends an episode.
func (w *window) Recovered(now mono.Time) { w.timedOut = false }

// undo puts back the window of before the last reduction, if it was larger.
// RFC 9438 §4.9.2 and RFC 4015 §3.2 (which limits what may leave at once by pacing here).
func (w *window) undo() bool {
	if w.saved.cwnd == 0 {
		return false
	}
	w.timedOut = false
	back := w.cwnd < w.saved.cwnd
	if back {
		w.cwnd = w.saved.cwnd
		w.ssthresh = max(w.ssthresh, w.saved.ssthresh)
	}
	w.saved.cwnd = 0
	return back
}

// PacingRate spreads a window over a round trip, with the factors of Linux: twice
// as fast while the window doubles, 1.2 times when it only creeps, so that pacing
// itself never limits the sender. 0 while no round trip was measured.
func (w *window) PacingRate() uint64 {
	if w.cwnd < w.ssthresh/2 {
		return windowRate(w.cwnd, w.srtt, 200)
	}
	return windowRate(w.cwnd, w.srtt, 120)
}

// state fills a snapshot.
func (w *window) state(name, phase string) State {
	s := State{Name: name, Cwnd: int(w.cwnd), Ssthresh: int(w.ssthresh), Phase: phase, PacingRate: w.PacingRate()}
	if w.ssthresh == maxWindow {
		s.Ssthresh = 0
	}
	return s
}
