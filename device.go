package octet

import (
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// What a device does by itself: its MTU changes, or it ends.

// follow has the device of an interface tell what it does by itself.
func (n *nic) follow() {
	if c, ok := n.dev.(link.Changing); ok {
		c.OnChange(n.changed)
	}
}

// changed is called by the device, with no lock held.
func (n *nic) changed(info link.Info, ended error) {
	if ended != nil {
		n.lost(ended)
		return
	}
	// The error is that the interface or the host is gone meanwhile.
	_ = n.host.SetMTU(int(n.id), info.MTU)
}

// lost takes the interface away whose device has ended by itself, and ends what
// stood on it: nobody else would tell the programs.
func (n *nic) lost(why error) {
	h := n.host
	addrs := h.Addresses(int(n.id))
	if h.remove(n) != nil {
		return // Detach or Close was faster
	}
	for _, s := range h.conns.all((*Socket).key) {
		s.cutOff(n)
	}
	for _, b := range h.ports.all() {
		if b.udp != nil {
			b.udp.cutOff(n, addrs)
		}
	}
	n.dev.Close() // it has ended: there is nobody to tell that it did so badly
	h.watchers.put(Change{Kind: DeviceEnded, Interface: int(n.id), Name: n.name, Err: why})
	h.watchers.tell()
}

// Detach takes an interface away with its addresses and routes, and closes its
// device. Connections through it fail in time.
func (h *Host) Detach(index int) error {
	n := h.ip.nic(ip.ID(index))
	if n == nil {
		return ip.ErrNoInterface
	}
	if err := h.remove(n); err != nil {
		return err
	}
	return n.dev.Close()
}

// remove takes an interface out of the node and the list, once.
func (h *Host) remove(n *nic) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		list := slices.Clone(*h.ip.nics.Load())
		if list[n.id] != n {
			return ip.ErrNoInterface
		}
		list[n.id] = nil
		h.ip.nics.Store(&list)
		return node.RemoveInterface(now, n.id)
	})
}

// cutOff ends a connection whose packets went through an interface that is gone.
func (s *Socket) cutOff(n *nic) {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	if s.nic != n || s.tcb == nil || !s.entered {
		return
	}
	s.end = errno(syscall.ENETDOWN)
	s.tcb.Abort(e.now)
}

// cutOff tells a datagram socket that the interface is gone by which it was
// connected, or which had its address.
func (c *UDPConn) cutOff(n *nic, addrs []ip.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	local := c.binding.local.Addr()
	bound := slices.ContainsFunc(addrs, func(a ip.Address) bool { return a.Addr() == local })
	if bound || c.remote.IsValid() && c.way.nic == n {
		c.err = syscall.ENETDOWN
		c.reads.wakeAll()
	}
}

// LinkStats returns what passed the device of an interface; ok is false where the
// device counts nothing, or there is no such interface.
func (h *Host) LinkStats(index int) (s link.Stats, ok bool) {
	n := h.ip.nic(ip.ID(index))
	if n == nil {
		return s, false
	}
	c, ok := n.dev.(link.Counted)
	if !ok {
		return s, false
	}
	return c.Stats(), true
}

// Groups returns the multicast groups that an interface is in, sorted.
func (h *Host) Groups(index int) []netip.Addr {
	return slices.Clone(h.ip.tables.Load().Groups(ip.ID(index)))
}

// RouteTo returns how packets to an address leave, and the error that a dial would meet.
func (h *Host) RouteTo(dst netip.Addr) (ip.Path, error) {
	if h.closed.Load() {
		return ip.Path{}, net.ErrClosed
	}
	path, err := h.ip.route(h.line.Now(), dst, netip.Addr{}, 0)
	if err != nil {
		return path, errnoOf(err)
	}
	return path, nil
}

// SetMTU tells the host that packets of an interface may be so long, in octets.
// A device that changes its MTU by itself does so, too.
func (h *Host) SetMTU(index, mtu int) error {
	return h.ip.changeIn(func(e *event, node *ip.Node) error {
		i, ok := node.Tables().Interface(ip.ID(index))
		if !ok {
			return ip.ErrNoInterface
		}
		if i.MTU == mtu {
			return nil
		}
		i.MTU = mtu
		if err := node.SetInterface(e.now, i); err != nil {
			return err
		}
		e.news(Change{Kind: MTUChanged, Interface: index, Name: i.Name, MTU: mtu})
		return nil
	})
}
