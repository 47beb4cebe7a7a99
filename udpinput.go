package octet

import (
	"net/netip"
	"syscall"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/wire"
)

// findUDP returns the socket for a datagram to one host: one that is connected
// to its sender before one that is not.
func (h *Host) findUDP(to, from netip.AddrPort, on ip.ID) *UDPConn {
	k := tupleOf(to, from, uint32(on))
	if c := h.udps.get(&k); c != nil {
		return c
	}
	b := h.ports.find(wire.ProtoUDP, to, uint32(on))
	if b == nil {
		return nil
	}
	return b.udp
}

// receive queues the datagram whose ports and payload are in e.in, and takes
// over the payload.
func (c *UDPConn) receive(e *event) {
	d := datagram{from: e.srcPort(), on: e.verdict.Datagram.Interface}
	if d.data = e.in.Payload; d.data.Owned() {
		e.in.Payload = chunk.View{}
	} else {
		d.data = d.data.Own()
	}
	c.mu.Lock()
	ok := c.push(d)
	c.mu.Unlock()
	if !ok {
		e.host.count(DropQueue)
		d.data.Release()
	}
}

// deliverToGroup gives a broadcast or multicast to every socket that is bound so
// as to receive it: to the port, on all addresses or on that of the group.
func (e *event) deliverToGroup() {
	to, data := e.dstPort(), e.in.Payload.Own()
	e.host.ports.each(wire.ProtoUDP, to.Port(), func(b *binding) {
		c := b.udp
		if b.takes(to.Addr(), 0) == 0 || c.remote.IsValid() && c.remote != e.srcPort() {
			return
		}
		if to.Addr().IsMulticast() && !c.isMember(e.verdict.Datagram.Interface, to.Addr()) {
			return
		}
		e.in.Payload = data.Share()
		c.receive(e)
	})
	data.Release()
}

// isMember reports whether the program has joined the group by this socket.
func (c *UDPConn) isMember(on ip.ID, group netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.groups {
		if m.on == on && m.group == group {
			return true
		}
	}
	return false
}

// informUDP tells a connected socket what ICMP says about a datagram of its own.
// An unconnected one is told nothing: the error could not be tied to a call (T-41).
func (e *event) informUDP(n *ip.Notice, local, remote netip.AddrPort) {
	k := tupleOf(local, remote, uint32(n.Interface))
	c := e.host.udps.get(&k)
	if c == nil {
		return
	}
	if n.Kind == ip.TooBig {
		e.host.ip.lowerMTU(e, n.Dst, n.MTU)
		return // datagrams are cut into fragments
	}
	err, ok := udpErrno(n.Kind)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.reads.wake()
}

// udpErrno returns what the kernel would say; soft errors are not told to UDP
// programs (RFC 1122 §4.1.3.3 lets us choose, Linux does the same).
func udpErrno(k ip.NoticeKind) (err syscall.Errno, ok bool) {
	switch k {
	case ip.PortUnreachable:
		return syscall.ECONNREFUSED, true
	case ip.ProtoUnreachable:
		return syscall.ENOPROTOOPT, true
	case ip.Prohibited:
		return syscall.EHOSTUNREACH, true
	}
	return 0, false
}
