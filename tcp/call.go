package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Send copies octets into the send buffer and returns how many it took: 0 when
// the buffer is full or nothing can be sent any more (RFC 9293 §3.10.2).
func (t *TCB) Send(now mono.Time, p []byte) int {
	s := &t.snd
	if !canSend.has(t.state) || s.fin {
		return 0
	}
	if s.queue.len() == 0 {
		s.moved = now
	}
	n := s.queue.write(p, s.limit, s.mss)
	if n > 0 {
		t.hasten()
	}
	return n
}

// SendUrgent is Send for octets that the peer shall know to be urgent (RFC 9293
// §3.8.5, MUST-30). New programs should not use it (RFC 6093 §6).
// Urgent data may have any length (MUST-31).
func (t *TCB) SendUrgent(now mono.Time, p []byte) int {
	n := t.Send(now, p)
	if n > 0 {
		t.snd.up, t.snd.urgent = t.snd.queue.end, true
	}
	return n
}

// Receive moves octets that arrived in order to p and returns how many (RFC 9293
// §3.10.3). When it returns 0, Ready tells whether more may come.
func (t *TCB) Receive(now mono.Time, p []byte) int {
	r := &t.rcv
	n := r.queue.read(p)
	if n == 0 {
		return 0
	}
	if r.urgent && r.up.LessEq(r.unread()) {
		r.urgent = false
	}
	if want := r.tune.took(now, n); !r.fixed && want > r.limit {
		r.limit = min(want, max(r.limit, t.cfg.ReceiveBuffer.Max))
	}
	if canReceive.has(t.state) && r.worthTelling() {
		t.out.ack = true
	}
	return n
}

// Peek copies octets like Receive, from off octets after the next, and leaves them there.
func (t *TCB) Peek(p []byte, off int) int { return t.rcv.queue.peek(p, off) }

// Shutdown ends our direction: a FIN follows what is queued (RFC 9293 §3.10.4).
// During the handshake it waits until that is done.
func (t *TCB) Shutdown(now mono.Time) {
	if t.snd.fin || !canSend.has(t.state) {
		return
	}
	t.snd.fin = true
	t.hasten()
	switch t.state {
	case Established:
		t.setState(FinWait1)
	case CloseWait:
		t.setState(LastAck)
	}
}

// CloseRead ends the peer's direction for the user: what is unread and what
// still arrives is acknowledged and thrown away.
func (t *TCB) CloseRead(now mono.Time) {
	t.rcv.closed = true
	t.rcv.forget()
	if canReceive.has(t.state) && t.rcv.worthTelling() {
		t.out.ack = true
	}
}

// Close ends both directions and leaves the connection to finish alone. With
// data unread, or when more arrives, the peer is sent a reset so that it learns
// of the loss (RFC 9293 §3.6.1, SHLD-3).
// The user reads no more (MAY-1).
func (t *TCB) Close(now mono.Time) {
	if t.user.orphan || t.state == Closed {
		return
	}
	t.user.orphan = true
	switch {
	case t.state == SynSent && !(t.ahead() && t.snd.queue.len() > 0): // what Fast Open took is delivered
		t.end(ReasonAborted)
	case t.rcv.queue.n > 0:
		t.abort(ReasonAborted)
	default:
		t.Shutdown(now)
		if t.state == FinWait2 {
			t.armFinWait2(now)
		}
	}
}

// Abort ends the connection at once with a reset (RFC 9293 §3.10.5).
func (t *TCB) Abort(now mono.Time) {
	if t.state != Closed {
		t.abort(ReasonAborted)
	}
}

// abort ends the connection, with a reset where the peer still has a part to play
// (RFC 9293 §3.10.5).
func (t *TCB) abort(why Reason) {
	if setOf(SynReceived, Established, FinWait1, FinWait2, CloseWait).has(t.state) {
		t.out.reset, t.out.bare, t.out.resetAt = true, false, t.snd.nxt
	}
	t.end(why)
}

// SetNoDelay turns the Nagle algorithm off or on (RFC 9293 §3.7.4, MUST-17).
func (t *TCB) SetNoDelay(now mono.Time, on bool) { t.user.noDelay = on }

// SetKeepAlive says when an idle peer is asked (MUST-24, MUST-27).
func (t *TCB) SetKeepAlive(now mono.Time, k KeepAlive) {
	t.user.keepAlive = k
	t.armKeepAlive(now)
}

// SetUserTimeout says how long data may stay unacknowledged before the connection
// is given up; 0 returns to the policy's count (MUST-21, RFC 5482).
func (t *TCB) SetUserTimeout(now mono.Time, d time.Duration) { t.user.timeout = max(d, 0) }

// SetSendBuffer fixes the size of the send buffer in octets: it no longer grows by itself.
func (t *TCB) SetSendBuffer(now mono.Time, n int) {
	t.snd.limit, t.snd.fixed = clampBuffer(n), true
}

// SetReceiveBuffer fixes the size of the receive buffer in octets. A window that
// was offered is not taken back: a smaller buffer takes effect as octets arrive (SHLD-14).
func (t *TCB) SetReceiveBuffer(now mono.Time, n int) {
	t.rcv.limit, t.rcv.fixed = clampBuffer(n), true
	if canReceive.has(t.state) && t.rcv.worthTelling() {
		t.out.ack = true
	}
}

// maxBuffer keeps everything queued within half of the sequence space.
const maxBuffer = 1 << 30

func clampBuffer(n int) int { return min(max(n, 1), maxBuffer) }

// Urgent returns how many octets remain to be read up to the end of the urgent
// data, 0 if there is none (RFC 9293 §3.8.5, MUST-33).
func (t *TCB) Urgent() int {
	r := &t.rcv
	if !r.urgent {
		return 0
	}
	end := r.up
	if r.gotFIN {
		end = wire.MinSeq(end, r.finAt)
	}
	return max(0, end.Sub(r.unread()))
}

// Memory returns how many octets the connection holds besides what every one does: its
// buffers, and what it knows of octets in flight. Buffers that it shares with another
// count for both.
func (t *TCB) Memory() int {
	n := int(t.snd.queue.mem) + int(t.rcv.queue.mem) + t.loss.memory()
	if t.rcv.early != nil {
		n += t.rcv.early.cost()
	}
	return n
}

// Squeeze keeps the receive buffer, unless the user has fixed its size, to n octets, so
// that the window opens no further than they allow. A window that was offered is not
// taken back (SHLD-14). The buffer may grow again afterwards.
func (t *TCB) Squeeze(n int) {
	if r := &t.rcv; !r.fixed {
		r.limit = min(r.limit, max(n, t.cfg.MinMSS))
	}
}
