package octet

import (
	"sync/atomic"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
)

// TCP Fast Open (RFC 7413 §3) lets the first octets of a connection go with its SYN
// and be answered a round trip sooner. It is off unless a program asks for it
// (Dialer, ListenConfig, Socket.SetFastOpen, Profile): octets of a SYN that the
// network repeats late may reach the other program twice (RFC 7413 §6.1), so the
// first thing said must be one that may be said twice.

// A fastOpening is a socket's Fast Open until its handshake is over: that of a
// client has a path, that of a server a queue.
type fastOpening struct {
	path  fastPath
	queue *fastQueue
}

// openFast prepares a connection that the program wants to be a Fast Open.
func (s *Socket) openFast(now mono.Time, o *tcp.Opening) {
	if !s.options.fastOpen {
		return
	}
	h := s.host
	p := s.tuple.fastPath()
	if o.FastOpen = h.fast.recall(now, p); !o.FastOpen.On {
		return
	}
	if o.FastOpen.Cookie.Len == 0 {
		h.fastStats.asked.Add(1)
	}
	o.FastOpen.Wait = h.profile.FastOpenWait
	s.fast = &fastOpening{path: p}
}

// settleFast draws the consequences of a Fast Open whose handshake is over.
func (s *Socket) settleFast(e *event) {
	if st := s.tcb.State(); st == tcp.SynSent || st == tcp.SynReceived {
		return
	}
	f, reason := s.fast, s.tcb.Err()
	s.fast = nil
	if f.queue != nil {
		f.queue.done(e.now, reason == tcp.ReasonReset)
		return
	}
	got := s.tcb.FastOpening()
	if got.Outcome == tcp.FastOpenTrying && unanswered(reason) {
		got.Outcome = tcp.FastOpenLost
	}
	mss := s.tcb.Info().PeerMSS
	s.host.fastStats.opened(&got)
	s.host.fast.learn(e.now, f.path, &got, min(mss, usualMSS(s.remote.Addr())))
}

// unanswered reports whether a connection failed as it does where something on the
// way does not let Fast Open pass.
func unanswered(reason error) bool {
	switch reason {
	case nil, tcp.ReasonRefused, tcp.ReasonAborted, tcp.ReasonReset:
		return false
	}
	return true
}

// FastOpenStats are counts of Fast Open (RFC 7413).
type FastOpenStats struct {
	// Of connections that were dialed, by how the SYN ended.
	Asked   uint64 // for a cookie
	Got     uint64 // cookies, asked for or instead of an old one
	Sent    uint64 // with octets
	Taken   uint64 // of these, by the server
	Refused uint64 // no cookie given, no octets taken
	Lost    uint64 // a SYN without cookie and octets had to be sent

	// Of connections that were accepted.
	Given      uint64 // cookies
	Accepted   uint64 // before their handshake was done
	BadCookies uint64 // forged, or too old
	Overflows  uint64 // not accepted early, as too many were pending
}

// fastStats are the same where events count them.
type fastStats struct {
	asked, got, sent, taken, refused, lost atomic.Uint64
	given, accepted, badCookies, overflows atomic.Uint64
}

// opened counts a connection that was dialed.
func (s *fastStats) opened(got *tcp.FastOpening) {
	count := func(c *atomic.Uint64, yes bool) {
		if yes {
			c.Add(1)
		}
	}
	count(&s.got, got.Cookie.Len > 0)
	count(&s.sent, got.Sent > 0)
	count(&s.taken, got.Taken > 0)
	count(&s.refused, got.Outcome == tcp.FastOpenRefused)
	count(&s.lost, got.Outcome == tcp.FastOpenLost)
}

func (s *fastStats) read() FastOpenStats {
	return FastOpenStats{
		Asked: s.asked.Load(), Got: s.got.Load(), Sent: s.sent.Load(), Taken: s.taken.Load(),
		Refused: s.refused.Load(), Lost: s.lost.Load(),
		Given: s.given.Load(), Accepted: s.accepted.Load(),
		BadCookies: s.badCookies.Load(), Overflows: s.overflows.Load(),
	}
}
