package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// snd holds the send sequence variables of RFC 9293 §3.3.1 and the octets to send:
//
//	   una             nxt                 queue.end
//	────┼───────────────┼──────────────────────┼──── FIN
//	    │ in flight     │ waiting              │
//
// nxt never goes back: what is to be sent again is the business of loss.
type snd struct {
	una, nxt wire.Seq
	iss      wire.Seq
	wl1, wl2 wire.Seq // segment of the last window update
	up       wire.Seq // SND.UP: first octet after the urgent data; valid with urgent
	wnd      int      // SND.WND, in octets
	maxWnd   int      // MAX.SND.WND (RFC 5961 §5)
	scale    uint8    // shift of the windows that come

	urgent  bool
	fin     bool // the user has no more: a FIN follows the queue
	finSent bool
	probed  bool // the octet at nxt was sent as a window probe, and nxt left where it is
	fixed   bool // limit does not grow by itself
	limited bool // the congestion window, nothing else, kept data back (RFC 7661 §4.3)
	force   bool // the override timeout passed: send what the window takes (RFC 9293 §3.8.6.2.1)

	peerMSS int // MSS of the peer, or the default
	pathMSS int // what the path carries
	mss     int // Eff.snd.MSS (MUST-16): payload of a segment with the options that all segments have
	batch   int // largest payload of one Segment

	queue    sendQueue
	limit    int       // octets that may be queued
	probedAt mono.Time // when the last window probe left
	moved    mono.Time // when una last moved, or the queue was empty before (user timeout)
}

// right returns the right edge of the peer's window.
func (s *snd) right() wire.Seq { return s.una.Add(s.wnd) }

// waiting returns how many octets have never been sent, the FIN not counted.
func (s *snd) waiting() int { return max(0, s.queue.end.Sub(s.nxt)) }

// unsent reports whether octets or a FIN have never been sent.
func (s *snd) unsent() bool { return s.waiting() > 0 || s.fin && !s.finSent }

// usable returns how many octets beyond nxt the peer's window takes. It is
// negative after the peer took back part of its window (MUST-34).
func (s *snd) usable() int { return s.right().Sub(s.nxt) }

// setWindow takes a window from a segment that is not older than the last
// (RFC 9293 §3.10.7.4) and reports whether it changed. A segment that acknowledges
// more is newer whatever its number: it may be one sent again, and to move
// SND.UNA without SND.WND would move the right edge beyond what the peer offered.
// The window is unsigned (MUST-1), scaled by then; one that shrank takes effect too.
func (s *snd) setWindow(seg *wire.Segment, w int) bool {
	if !s.una.Less(seg.Ack) && (seg.Seq.Less(s.wl1) || seg.Seq == s.wl1 && seg.Ack.Less(s.wl2)) {
		return false
	}
	changed := w != s.wnd
	s.wnd, s.wl1, s.wl2 = w, seg.Seq, seg.Ack
	s.maxWnd = max(s.maxWnd, w)
	return changed
}

// setMSS computes Eff.snd.MSS from what the peer takes and what the path carries,
// less the options that every segment has (RFC 9293 §3.7.1).
func (s *snd) setMSS(options int) {
	s.mss = max(1, min(s.peerMSS, s.pathMSS)-options)
}
