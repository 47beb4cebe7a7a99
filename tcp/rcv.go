package tcp

import (
	"math/bits"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// rcv holds the receive sequence variables of RFC 9293 §3.3.1 and what arrived:
//
//	   read            nxt        edge
//	────┼───────────────┼───────────┼──────
//	    │ queue         │ window    │
//
// Octets up to nxt wait in the queue for the user; those between nxt and edge
// that came early wait in early.
type rcv struct {
	nxt   wire.Seq
	edge  wire.Seq // RCV.NXT+RCV.WND as it was last sent: the peer may send up to here
	irs   wire.Seq
	up    wire.Seq // RCV.UP: first octet after the urgent data; valid with urgent
	finAt wire.Seq // number of the peer's FIN; valid with hasFIN
	scale uint8    // shift of the windows that we send

	urgent bool
	hasFIN bool // a FIN came, perhaps early
	gotFIN bool // RCV.NXT is beyond the FIN: end of the stream
	closed bool // the user reads no more
	fixed  bool // limit does not grow by itself
	wide   bool // the window is the buffer, also where the header cannot say so (Config.WholeBuffer)

	limit     int // octets that may wait for the user
	maxWindow int // most that is offered
	mss       int // MSS option that we sent
	seen      int // largest payload that came lately, at most mss

	queue recvQueue
	early *reassembly // nil while nothing came out of order

	dsack    wire.Range // octets that came twice, to be told once (RFC 2883)
	hasDSACK bool

	tsRecent   uint32 // TS.Recent of RFC 7323 §4.3
	tsRecentAt mono.Time
	lastAck    wire.Seq // Last.ACK.sent

	tune tuner
}

// shiftFor returns the window scale that lets n octets be offered (RFC 7323 §2).
func shiftFor(n int) uint8 {
	return uint8(min(14, max(0, bits.Len(uint(n))-16)))
}

// window returns how many octets beyond nxt the peer may send.
func (r *rcv) window() int { return max(0, r.edge.Sub(r.nxt)) }

// room returns the window that the buffer allows, in whole units of the scale.
func (r *rcv) room() int {
	most := min(r.maxWindow, 65535<<r.scale)
	if r.wide {
		most = r.maxWindow
	}
	return max(0, min(r.limit-r.queue.n, most)) &^ (1<<r.scale - 1)
}

// offered returns the window that our SYN gave the peer, which is never scaled
// (RFC 7323 §2.2).
func (r *rcv) offered() int {
	if r.wide && r.scale == 0 {
		return r.room()
	}
	return max(0, min(r.limit-r.queue.n, r.maxWindow, 65535))
}

// offer moves the right edge as far as the buffer allows and returns the window
// as the header carries it, shifted by scale.
//
// The edge never moves back (SHLD-14), and moves on only by a worthwhile step, a
// segment or half the buffer (RFC 9293 §3.8.6.2.2, MUST-39). What the scale cannot
// express is rounded up, so that the edge does not seem to move back by less than
// one unit (RFC 7323 §2.4), unless a peer has by tiny segments made that a habit.
// While the user does not read it stays closed (MAY-8).
func (r *rcv) offer() uint16 {
	scale := r.scale
	room := r.room()
	if step := room - r.window(); step >= min(r.limit/2, r.mss) {
		r.edge = r.nxt.Add(room)
	}
	w := r.window()
	if up := (w + 1<<scale - 1) &^ (1<<scale - 1); up-room <= r.limit/4 {
		w = max(w, up)
		r.edge = r.nxt.Add(w)
	}
	return uint16(min(w>>scale, 65535))
}

// worthTelling reports whether the window has opened so much since the last
// segment that the peer should learn of it at once.
func (r *rcv) worthTelling() bool {
	room, w := r.room(), r.window()
	return room-w >= min(r.limit/2, 2*r.mss) && room >= 2*w
}

// due returns SEG.SEQ of the next octet that the user reads.
func (r *rcv) unread() wire.Seq {
	n := r.queue.n
	if r.gotFIN {
		n++
	}
	return r.nxt.Add(-n)
}

// forget throws away what the user will not read.
func (r *rcv) forget() {
	r.queue.drop()
	r.urgent = false
}

// release gives back every buffer, but keeps what the user can still read.
func (r *rcv) release() {
	if r.early != nil {
		r.early.drop()
		r.early = nil
	}
}

// A tuner lets the receive buffer grow with what the user takes in a round trip
// (dynamic right-sizing): twice that must be offered to keep a sender busy.
type tuner struct {
	rtt    time.Duration // smoothed time to receive one window; 0: not known
	edge   wire.Seq      // when nxt gets here, a window has been received
	start  mono.Time     // since when
	taken  int           // octets that the user took in this span
	since  mono.Time     // begin of the span
	primed bool
}

// received measures how long the peer takes to fill the window offered, which is
// no less than a round trip.
func (u *tuner) received(now mono.Time, nxt wire.Seq, window int) {
	if u.primed && nxt.Less(u.edge) {
		return
	}
	if u.primed {
		d := max(now.Sub(u.start), time.Microsecond)
		if u.rtt == 0 || d < u.rtt {
			u.rtt = d
		} else {
			u.rtt += (d - u.rtt) / 8
		}
	}
	u.primed = true
	u.start = now
	u.edge = nxt.Add(max(window, 1))
}

// took tells that the user took n octets, and returns the size that the buffer
// should have, 0 if there is nothing new to say.
func (u *tuner) took(now mono.Time, n int) int {
	u.taken += n
	if u.rtt == 0 || now.Sub(u.since) < u.rtt {
		return 0
	}
	want := 2 * u.taken
	u.taken, u.since = 0, now
	return want
}
