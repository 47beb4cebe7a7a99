package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A TimeWait is what remains of a connection in TIME-WAIT: enough to acknowledge
// a repeated FIN and to tell old segments from a new connection.
type TimeWait struct {
	until mono.Time
}

// Verdict is what is to be done about a segment that arrived in TIME-WAIT.
type Verdict uint8

// The verdicts.
const (
	Ignore Verdict = iota // nothing
	Reply                 // send the answer
	Reopen                // the record may go: the segment is a SYN that a listener can accept (RFC 6191)
)

// Arrive judges a segment for a connection in TIME-WAIT (RFC 9293 §3.10.7.4) and
// fills out with the answer when the verdict is Reply.
func (w *TimeWait) Arrive(now mono.Time, seg, out *wire.Segment) Verdict { return Ignore }

// Deadline returns when the record can be thrown away.
func (w *TimeWait) Deadline() mono.Time { return w.until }

// NextISS returns an initial sequence number for a connection that replaces this
// one: beyond everything the old one sent (RFC 9293 §3.10.7.4).
func (w *TimeWait) NextISS(iss wire.Seq) wire.Seq { return iss }
