package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// undo finds out that an episode of loss was none: what was taken for lost had
// only been late. Three kinds of evidence count: timestamps (Eifel, RFC 3522),
// duplicates that the peer reports (RFC 3708), and originals that arrive after a
// timeout (F-RTO, RFC 5682).
type undo struct {
	armed  bool
	any    bool      // something was sent again in this episode
	frto   frtoState // only after a timeout
	head   wire.Seq  // SND.UNA when the episode began
	first  mono.Time // when head was sent again, Never if not yet
	excess int       // octets sent again of which no duplicate was reported
}

// frtoState is the step of RFC 5682 §3.1.
type frtoState uint8

const (
	frtoOff  frtoState = iota
	frtoRTO            // step 1: the timer expired, SND.UNA was sent again
	frtoHold           // step 2b: two new segments go out, nothing is sent again until the next ACK
)

// begin starts an episode that may turn out spurious.
func (u *undo) begin(una wire.Seq) {
	*u = undo{armed: true, head: una, first: mono.Never}
}

// repeated notes octets from start on as sent again at now.
func (u *undo) repeated(now mono.Time, start wire.Seq, octets int) {
	u.any = true
	u.excess += octets
	if start == u.head && u.first == mono.Never {
		u.first = now
	}
}

// duplicate takes a DSACK in. Only what the episode sent again counts.
func (u *undo) duplicate(d wire.Range) {
	if u.head.LessEq(d.Start) {
		u.excess -= d.Len()
	}
}

// eifel reports whether the first acknowledgement beyond head answers an original:
// it echoes a timestamp from before head was sent again (RFC 3522 §3.2 step 5).
// echo is the end of the echoed tick, una SND.UNA before.
func (u *undo) eifel(echo mono.Time, una wire.Seq, advanced bool) bool {
	return u.armed && advanced && una == u.head && echo != mono.Never && u.first != mono.Never && echo <= u.first
}

// allDuplicates reports whether the peer told that everything sent again was not needed.
func (u *undo) allDuplicates() bool { return u.armed && u.any && u.excess <= 0 }
