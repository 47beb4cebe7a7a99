// Package tcp is RFC 9293 for one connection, and nothing else.
//
// A TCB is told the time and what happened: a segment arrived, a timer is due,
// the user called. It answers with the segments that must leave, a deadline and
// what is ready. It owns no clock, goroutine, lock or socket, and knows neither
// addresses nor ports; the same calls with the same arguments give the same
// segments, octet for octet. Who owns it calls Output until it returns false
// after every other call, and Expire when Deadline has come.
//
// What it refuses: it sends nothing by itself, draws no random number, and keeps
// no more memory for a peer than its Config allows.
package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A TCB is one connection (transmission control block, RFC 9293 §3.3.1).
type TCB struct {
	cfg    *Config
	state  State
	passed set // states it has been in
	reason Reason
}

// Connect opens a connection actively (RFC 9293 §3.10.1): its SYN comes from Output.
func Connect(now mono.Time, cfg *Config, o Opening) *TCB {
	t := &TCB{cfg: cfg}
	t.setState(SynSent)
	return t
}

// Accept opens a connection from a SYN that arrived at a listener (RFC 9293
// §3.10.7.2); its SYN-ACK comes from Output. The SYN has neither ACK nor RST.
func Accept(now mono.Time, cfg *Config, o Opening, syn *wire.Segment) *TCB {
	t := &TCB{cfg: cfg}
	t.setState(SynReceived)
	return t
}

// Arrive processes a segment from the peer (RFC 9293 §3.10.7). It may take over
// the payload and empty it; the caller releases what remains.
func (t *TCB) Arrive(now mono.Time, seg *wire.Segment) {}

// Expire does what is due at now (RFC 9293 §3.10.8). Calling it early does no harm.
func (t *TCB) Expire(now mono.Time) {}

// Unreachable tells of an ICMP message about a segment of this connection. Only
// those that RFC 5927 §4 believes have an effect.
func (t *TCB) Unreachable(now mono.Time, why Notice) {}

// Send copies octets into the send buffer and returns how many it took: 0 when
// the buffer is full or nothing can be sent any more.
func (t *TCB) Send(now mono.Time, p []byte) int { return 0 }

// SendUrgent is Send for octets that the peer shall know to be urgent (RFC 6093).
func (t *TCB) SendUrgent(now mono.Time, p []byte) int { return 0 }

// Receive moves octets that arrived in order to p and returns how many. When it
// returns 0, Ready tells whether more may come.
func (t *TCB) Receive(now mono.Time, p []byte) int { return 0 }

// Peek copies octets like Receive, from off octets after the next, and leaves them there.
func (t *TCB) Peek(p []byte, off int) int { return 0 }

// Shutdown ends our direction: a FIN follows what is queued (RFC 9293 §3.6).
func (t *TCB) Shutdown(now mono.Time) {}

// CloseRead ends the peer's direction for the user: what is unread and what
// still arrives is acknowledged and thrown away.
func (t *TCB) CloseRead(now mono.Time) {}

// Close ends both directions and leaves the connection to finish alone. With
// data unread, or when more arrives, the peer is sent a reset so that it learns
// of the loss (RFC 9293 §3.6.1, SHLD-3).
func (t *TCB) Close(now mono.Time) {}

// Abort ends the connection at once with a reset (RFC 9293 §3.10.5).
func (t *TCB) Abort(now mono.Time) {}

// Output makes the next segment that must leave now, or returns false. The
// segment's payload carries a reference of its own. Ports stay zero.
func (t *TCB) Output(now mono.Time, seg *wire.Segment) bool { return false }

// Deadline returns when Expire must be called next, or Never.
func (t *TCB) Deadline() mono.Time { return mono.Never }

// MSS returns the most payload of one segment in octets, timestamps already
// taken off: how a device cuts a larger Segment (see Opening.Batch).
func (t *TCB) MSS() int { return 536 }

// SetNoDelay turns the Nagle algorithm off or on (RFC 9293 §3.7.4, MUST-17).
func (t *TCB) SetNoDelay(now mono.Time, on bool) {}

// SetKeepAlive says when an idle peer is asked (MUST-24, MUST-27).
func (t *TCB) SetKeepAlive(now mono.Time, k KeepAlive) {}

// SetUserTimeout says how long data may stay unacknowledged before the connection
// is given up; 0 returns to the policy's count (MUST-21, RFC 5482).
func (t *TCB) SetUserTimeout(now mono.Time, d time.Duration) {}

// SetSendBuffer fixes the size of the send buffer in octets: it no longer grows by itself.
func (t *TCB) SetSendBuffer(now mono.Time, n int) {}

// SetReceiveBuffer fixes the size of the receive buffer in octets.
func (t *TCB) SetReceiveBuffer(now mono.Time, n int) {}

// TimeWait returns the small record that can stand for the connection once
// State is TimeWaiting and Output has nothing left.
func (t *TCB) TimeWait() TimeWait { return TimeWait{} }

// State returns where the connection stands.
func (t *TCB) State() State { return t.state }

// Err returns why the connection ended, as a Reason; nil while it lives and after an orderly close.
func (t *TCB) Err() error { return nil }

// SoftErr returns the last ICMP error that did not end the connection, and forgets it (MUST-47).
func (t *TCB) SoftErr() error { return nil }

// Urgent returns how many octets remain to be read up to the end of the urgent
// data, 0 if there is none (RFC 9293 §3.8.5, MUST-33).
func (t *TCB) Urgent() int { return 0 }

func (t *TCB) release() {}
