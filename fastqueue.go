package octet

import (
	"sync"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

// fastResetHold is how long a connection that was reset counts as pending.
const fastResetHold = time.Minute

// A fastQueue counts the connections of a listener that a Fast Open has given to
// the program and whose handshake is not done: PendingFastOpenRequests
// (RFC 7413 §4.2). One that was reset counts for a while longer, so that who knows
// a cookie cannot make room for himself by forged resets (RFC 7413 §5.1).
type fastQueue struct {
	mu      sync.Mutex
	pending int
	held    []mono.Time // until when those count that were reset, in order
}

// admit counts one more if there is room.
func (q *fastQueue) admit(now mono.Time, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.held) && q.held[n].Due(now) {
		n++
	}
	q.held = q.held[:copy(q.held, q.held[n:])]
	if q.pending+len(q.held) >= most {
		return false
	}
	q.pending++
	return true
}

// done ends the count of one.
func (q *fastQueue) done(now mono.Time, reset bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending--
	if reset {
		q.held = append(q.held, now.Add(fastResetHold))
	}
}

// acceptFast looks at the cookie of the SYN in e.in (RFC 7413 §4.2.2). Beyond the
// limit there is Fast Open for nobody, nor a cookie.
func (l *listener) acceptFast(e *event, s *Socket, o *tcp.Opening) {
	if !s.options.fastOpen || e.in.Options.Has&wire.HasFastOpen == 0 {
		return
	}
	h := l.host
	c := &e.in.Options.Cookie
	both := s.tuple.bytes()
	name := both[:32] // the addresses without the ports
	good, old := tcp.CheckFastOpenCookie(e.now, h.secret.fast, name, c)
	switch {
	case good && l.fast.admit(e.now, h.profile.FastOpenPending):
		o.FastOpen.On = true
		s.fast = &fastOpening{queue: &l.fast}
		h.fastStats.accepted.Add(1)
	case good:
		h.fastStats.overflows.Add(1)
		return
	case c.Len > 0:
		h.fastStats.badCookies.Add(1)
	}
	if !good || old {
		o.FastOpen.Cookie = tcp.FastOpenCookie(e.now, h.secret.fast, name)
		h.fastStats.given.Add(1)
	}
}
