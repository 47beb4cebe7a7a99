package octet

import (
	"sync/atomic"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

// A press tells without the listener's lock what a packet must know during a
// flood: thousands of SYNs meet at no lock of the listener's then (T-50).
type press struct {
	half    atomic.Bool  // too many connections in SYN-RECEIVED
	ready   atomic.Bool  // the accept queue is full: a cookie would become nothing
	cookies atomic.Int64 // cookies are worth checking before this moment
}

// measure notes how great the press is. The caller holds l.mu.
func (l *listener) measure() {
	l.press.half.Store(l.tooManyHalf())
	l.press.ready.Store(l.waitingForAccept() >= l.backlog)
}

// flooded reports whether SYNs are answered by cookies: only while there is no
// room for another connection in SYN-RECEIVED (T-39).
func (l *listener) flooded() bool {
	h := l.host
	return h.profile.SYNCookies && !l.press.ready.Load() &&
		(l.press.half.Load() || h.halfOpen.Load() >= int64(h.profile.HalfOpen))
}

// giveCookie answers the SYN in e.in with a cookie.
func (l *listener) giveCookie(e *event, k *tuple) {
	h := l.host
	local, remote := e.dstPort().Addr(), e.srcPort().Addr()
	path, err := h.ip.route(e.now, remote, local, ip.ID(k.zone))
	if err != nil {
		h.count(DropNoRoute)
		return
	}
	n := h.ip.nic(path.Interface)
	if n == nil {
		h.count(DropNoRoute)
		return
	}
	name := k.bytes()
	o := h.opening(name[:], remote, n, &path)
	l.sock.mu.Lock()
	cfg := l.sock.config
	l.sock.mu.Unlock()
	tcp.MakeCookie(e.now, cfg, h.secret.syn, name[:], o, &e.in, &e.out)
	l.press.cookies.Store(int64(e.now.Add(tcp.CookieLife)))
	h.cookiesSent.Add(1)
	e.answerFor(l.sock)
}

// takeCookie makes a connection of the ACK in e.in, if it answers a cookie. An ACK
// for which the accept queue has no room is dropped: the peer's data comes again.
func (l *listener) takeCookie(e *event, k *tuple) bool {
	var syn wire.Segment
	name := k.bytes()
	h := l.host
	if e.now >= mono.Time(l.press.cookies.Load()) ||
		!tcp.CheckCookie(e.now, h.secret.syn, name[:], &e.in, &syn) {
		return false
	}
	l.mu.Lock()
	s := (*Socket)(nil)
	switch {
	case l.closed:
		l.mu.Unlock()
		return false
	case l.waitingForAccept() >= l.backlog:
		h.count(DropBacklog)
	default:
		s = l.enter(e, k)
	}
	if s == nil {
		l.mu.Unlock()
		return true
	}
	s.tcb = tcp.AcceptCookie(e.now, s.config, s.opening(0), &syn, &e.in)
	l.addHalf(s) // until the end of this event
	h.cookiesUsed.Add(1)
	s.mu.Lock()
	e.ln, e.sock = l, s
	s.arrive(e)
	return true
}
