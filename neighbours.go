package octet

import (
	"net"
	"net/netip"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

// Neighbours returns what is known of the neighbours on the Ethernet links of the
// host, in the order of interfaces and addresses.
func (h *Host) Neighbours() []ip.Neighbour {
	h.ip.mu.Lock()
	defer h.ip.mu.Unlock()
	return h.ip.node.Neighbours(0)
}

// AddNeighbour fixes the Ethernet address of a neighbour on the link of an interface.
func (h *Host) AddNeighbour(index int, a netip.Addr, mac net.HardwareAddr) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		if len(mac) != len(wire.MAC{}) {
			return ip.ErrInvalid
		}
		return node.AddNeighbour(now, ip.ID(index), a, wire.MAC(mac))
	})
}

// RemoveNeighbour forgets a neighbour: the next packet to it asks for it again.
func (h *Host) RemoveNeighbour(index int, a netip.Addr) error {
	return h.ip.change(func(_ mono.Time, node *ip.Node) error { return node.RemoveNeighbour(ip.ID(index), a) })
}

// vouchEvery is how often a connection that makes progress says so to the ip.Node:
// seldom enough to cost nothing, and more often than the five seconds after which a
// neighbour of which nothing is heard is asked.
const vouchEvery = time.Second

// vouch tells the ip.Node that the neighbour on the way to the peer answers, if
// the peer has said something new (RFC 4861 §7.3.1): it need not be asked.
func (s *Socket) vouch(e *event) {
	if !s.nic.info.Ethernet || s.hop == nil || e.now < s.hop.vouchAt {
		return
	}
	if p := s.tcb.Progress(); p != s.hop.progress {
		s.hop.progress, s.hop.vouchAt = p, e.now.Add(vouchEvery)
		e.host.ip.confirm(e, &s.path)
	}
}

// doubt tells the ip.Node that the neighbour may be gone, if several timeouts in a
// row brought no answer, or a SYN brought none (RFC 9293 §3.8.3 MUST-20, RFC 1122 §3.3.1.4).
func (s *Socket) doubt(e *event) {
	if !s.nic.info.Ethernet {
		return
	}
	if s.tcb.State() == tcp.SynSent || s.tcb.Ready()&tcp.Doubtful != 0 {
		e.host.ip.doubt(e, &s.path)
	}
}

// confirm is ip.Node.Confirm.
func (l *ipLayer) confirm(e *event, path *ip.Path) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.node.Confirm(e.now, path)
	l.settle(e)
}

// doubt is ip.Node.Doubt.
func (l *ipLayer) doubt(e *event, path *ip.Path) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.node.Doubt(e.now, path)
	l.settle(e)
}
