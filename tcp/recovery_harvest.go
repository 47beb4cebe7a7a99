package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A harvest collects what one acknowledgement delivered. The scoreboard fills it
// record by record, in sequence order.
type harvest struct {
	// What is known before.
	now     mono.Time
	echo    mono.Time     // end of the tick that TSecr names; Never without timestamps
	least   time.Duration // smallest round trip
	fack    wire.Seq      // end of the highest octets delivered so far; kept up
	recover wire.Seq      // SND.NXT when the episode began
	dsack   wire.Range    // what the peer reports to have come twice; empty if nothing

	// What the acknowledgement adds.
	octets    int       // delivered for the first time
	packets   int       // and how many records they were
	originals int       // of them sent once only, and before recover
	newest    moment    // the last transmission among them that can be told apart
	stamp     stamp     // of newest
	any       bool      // newest and stamp are valid
	repeated  bool      // some of them were sent more than once: no round trip to be had (Karn)
	oldest    mono.Time // when the first among them was sent
	newestOne mono.Time // when the last among those sent once was sent, Never if none
	answered  mono.Time // when those that dsack reports were sent last, Never if it was too short ago or they are not among them
	disorder  bool      // some arrived after octets that lie above them and were never sent again
}

func newHarvest(now, echo mono.Time, least time.Duration) harvest {
	return harvest{now: now, echo: echo, least: least, oldest: mono.Never, newestOne: mono.Never, answered: mono.Never}
}

// deliver notes that n octets of r have arrived, if that is news.
func (h *harvest) deliver(r *record, t *trip, n int) {
	if r.has(markSacked | markCounted) {
		return
	}
	h.octets += n
	h.packets++
	h.order(r)
	if r.has(markRepeated) {
		h.repeated = true
		if h.dsack.End == r.end && h.dsack.Len() > 0 && h.now.Sub(t.sent) >= h.least {
			h.answered = t.sent
		}
		if h.ambiguous(t.sent) {
			return
		}
	} else {
		h.oldest = min(h.oldest, t.sent)
		if h.newestOne == mono.Never || t.sent > h.newestOne {
			h.newestOne = t.sent
		}
		if r.end.LessEq(h.recover) {
			h.originals += n
		}
	}
	if m := t.moment(r.end); !h.any || h.newest.before(m) {
		h.any, h.newest, h.stamp = true, m, t.stamp
	}
}

// order follows RFC 8985 §6.2 step 3: a segment below RACK.fack that was never
// sent again was delivered out of order.
func (h *harvest) order(r *record) {
	switch {
	case h.fack.Less(r.end):
		h.fack = r.end
	case r.end.Less(h.fack) && !r.has(markRepeated):
		h.disorder = true
	}
}

// ambiguous reports whether it may have been an earlier transmission that
// arrived than the last, at sent: RFC 8985 §6.2 step 2 ignores it if the echoed timestamp is older than
// the repetition, or the answer came sooner than any ever did.
func (h *harvest) ambiguous(sent mono.Time) bool {
	return h.echo != mono.Never && h.echo <= sent || h.now.Sub(sent) < h.least
}
