package octet

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
)

// pickTuple enters a connection that is about to be opened into the table, with a
// local port if it has none: one drawn at random of those that are free for this
// destination (RFC 6056). The same port serves connections to many destinations.
func (s *Socket) pickTuple(now mono.Time) error {
	h := s.host
	if s.binding != nil {
		s.tuple = tupleOf(s.local, s.remote, uint32(s.path.Interface))
		if !s.enterTable(now, true) {
			return syscall.EADDRNOTAVAIL
		}
		return nil
	}
	n := uint32(h.profile.LastPort-h.profile.FirstPort) + 1
	s.tuple = tupleOf(s.local, s.remote, uint32(s.path.Interface))
	name := s.tuple.bytes()
	at := h.ports.draw(name[:], n)
	fresh := min(n, reuseAfter) // so many tries for a port that has rested
	for i := range fresh + n {
		s.tuple.localPort = h.profile.FirstPort + uint16((at+i)%n)
		if h.ports.mayConnectFrom(&s.tuple) && s.enterTable(now, i >= fresh) {
			s.local = netip.AddrPortFrom(s.local.Addr(), s.tuple.localPort)
			return nil
		}
	}
	return syscall.EADDRNOTAVAIL
}

// reuseAfter is how many ports in TIME-WAIT or use are passed over before one in
// TIME-WAIT is taken.
const reuseAfter = 64

// enterTable enters the connection under its tuple, unless that is in use, or in
// TIME-WAIT and may not yet be used again.
func (s *Socket) enterTable(now mono.Time, reuse bool) bool {
	h := s.host
	rec, waits := h.waits.get(now, &s.tuple)
	if waits && !(reuse && s.mayReuse(rec.Deadline().Sub(now))) {
		return false
	}
	if !h.conns.add(&s.tuple, s) {
		return false
	}
	s.entered = true
	if waits {
		h.waits.remove(&s.tuple)
		s.successor = rec.NextISS
	}
	return true
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
