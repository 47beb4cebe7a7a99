package octet

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// pickTuple enters a connection that is about to be opened into the table, with a
// local port if it has none: one drawn at random of those that are free for this
// destination (RFC 6056). The same port serves connections to many destinations.
// It returns the sequence number to begin with.
func (s *Socket) pickTuple(now mono.Time) (wire.Seq, error) {
	h := s.host
	s.tuple = tupleOf(s.local, s.remote, uint32(s.path.Interface))
	if s.binding != nil {
		if iss, ok := s.enterTable(now, true); ok {
			return iss, nil
		}
		return 0, syscall.EADDRNOTAVAIL
	}
	n := uint32(h.profile.LastPort-h.profile.FirstPort) + 1
	name := s.tuple.bytes()
	at := h.ports.draw(name[:], n)
	fresh := min(n, reuseAfter) // so many tries for a port that has rested
	if s.path.Flags.Has(ip.Loopback) {
		fresh = min(n, 4) // nothing is old there: see mayReuse
	}
	for i := range fresh + n {
		s.tuple.localPort = h.profile.FirstPort + uint16((at+i)%n)
		if !h.ports.mayConnectFrom(&s.tuple) {
			continue
		}
		if iss, ok := s.enterTable(now, i >= fresh); ok {
			s.local = netip.AddrPortFrom(s.local.Addr(), s.tuple.localPort)
			return iss, nil
		}
	}
	return 0, syscall.EADDRNOTAVAIL
}

// reuseAfter is how many ports in TIME-WAIT or use are passed over before one in
// TIME-WAIT is taken.
const reuseAfter = 64

// enterTable enters the connection under its tuple, unless that is in use, or in
// TIME-WAIT and may not yet be used again.
func (s *Socket) enterTable(now mono.Time, reuse bool) (iss wire.Seq, ok bool) {
	h := s.host
	old, waits := h.waits.get(now, &s.tuple)
	if waits && !(reuse && s.mayReuse(old.Deadline().Sub(now))) {
		return 0, false
	}
	if !h.conns.add(&s.tuple, s) {
		return 0, false
	}
	s.entered = true
	if h.closed.Load() { // after it has looked for connections to end
		h.conns.remove(&s.tuple, s)
		s.entered = false
		return 0, false
	}
	iss = h.initialSeq(&s.tuple, now)
	if waits {
		h.waits.remove(&s.tuple)
		iss = old.NextISS(iss)
	}
	return iss, true
}

// mayReuse reports whether our own end may leave TIME-WAIT for a new connection.
// Over loopback nothing of the old one can be under way any more: what the peer
// has sent lay in the queue before its last acknowledgement. Elsewhere the peer's
// timestamps must have moved on, which a second is enough for (RFC 6191 §2, from
// the other side).
func (s *Socket) mayReuse(left time.Duration) bool {
	if s.path.Flags.Has(ip.Loopback) {
		return true
	}
	c := &s.host.profile.TCP
	return c.Timestamps && c.ReuseOnSYN && left < 2*c.MSL-time.Second
}
