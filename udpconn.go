package octet

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A UDPConn is a UDP socket: a net.Conn if it is connected, and a net.PacketConn
// in any case, like *net.UDPConn. It is made by Host.Dial or Host.ListenPacket.
type UDPConn struct {
	host    *Host
	network string
	key     uint64
	binding *binding

	local  netip.AddrPort // like the next three: never changed
	remote netip.AddrPort // valid if the socket is connected
	on     ip.ID          // interface of a link-local address
	tuple  tuple          // of a connected socket

	mu     sync.Mutex
	way    way // to where the last datagram went
	closed bool
	reads  side
	writes side // a datagram is never waited for, but the deadline may be over

	queue  []datagram // ring
	first  int        // place of the oldest
	count  int
	cost   int // octets of memory that the queue holds
	limit  int // of cost
	drops  uint64
	err    syscall.Errno // what ICMP said about a datagram of ours, for the next call
	groups []membership

	hopLimit, tos uint8
}

// A datagram waits in the queue of a socket.
type datagram struct {
	from netip.AddrPort
	on   ip.ID
	data chunk.View
}

// datagramCost is what a queued datagram costs apart from its octets, so that
// empty ones cannot fill the memory (T-68).
const datagramCost = 128

// A way is how a socket reaches an address.
type way struct {
	to       netip.Addr
	path     ip.Path
	nic      *nic
	mac      [6]byte
	macUntil mono.Time
}

type membership struct {
	on    ip.ID
	group netip.Addr
}

// newUDP makes a socket that is bound to local; a valid remote connects it.
func (h *Host) newUDP(network string, local, remote netip.AddrPort) (*UDPConn, error) {
	b, err := h.newBinding(wire.ProtoUDP, local, network)
	if err != nil {
		return nil, sysErr("bind", err)
	}
	c := &UDPConn{host: h, network: network, key: h.nextKey(), binding: b, limit: h.profile.DatagramBuffer}
	c.reads.init(&c.mu, c.key)
	c.writes.init(&c.mu, c.key)
	b.udp = c
	if remote.IsValid() {
		if err := c.connect(remote); err != nil {
			return nil, sysErr("connect", err)
		}
	}
	if err := h.ports.bind(b, h.profile.FirstPort, h.profile.LastPort); err != nil {
		return nil, sysErr("bind", err)
	}
	c.local, c.on = b.local, ip.ID(b.on)
	if remote.IsValid() {
		c.on = c.way.path.Interface
		c.tuple = tupleOf(c.local, c.remote, uint32(c.on))
		h.udps.add(&c.tuple, c)
	}
	if h.closed.Load() {
		c.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// connect fixes the remote address, and the local one by the path that leads there.
func (c *UDPConn) connect(remote netip.AddrPort) error {
	to, on, err := c.host.splitZone(remote.Addr().Unmap())
	if err != nil {
		return err
	}
	if to.IsUnspecified() {
		to = loopbackLike(to)
	}
	src := c.binding.local.Addr()
	if src.IsUnspecified() {
		src = netip.Addr{}
	}
	e := c.host.begin()
	defer e.end()
	if err := c.way.find(e, to, src, on); err != nil {
		return errnoOf(err)
	}
	c.remote = netip.AddrPortFrom(to, remote.Port())
	c.binding.local = netip.AddrPortFrom(c.way.path.Source, c.binding.local.Port())
	c.binding.dual = false
	return nil
}

// Close ends the socket. A Read that waits returns net.ErrClosed.
func (c *UDPConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return c.opErr("close", nil, net.ErrClosed)
	}
	c.closed = true
	c.reads.stop()
	c.writes.stop()
	for c.count > 0 {
		d := c.pop()
		d.data.Release()
	}
	c.queue = nil
	groups := c.groups
	c.groups = nil
	c.mu.Unlock()
	c.host.ports.release(c.binding)
	if c.remote.IsValid() {
		c.host.udps.remove(&c.tuple, c)
	}
	for _, g := range groups {
		c.host.leave(g)
	}
	return nil
}

// LocalAddr returns a *net.UDPAddr.
func (c *UDPConn) LocalAddr() net.Addr { return udpAddr(withZone(c.local, c.host.ip.nic(c.on))) }

// RemoteAddr returns a *net.UDPAddr, or nil if the socket is not connected.
func (c *UDPConn) RemoteAddr() net.Addr { return udpAddr(withZone(c.remote, c.host.ip.nic(c.on))) }

// SetDeadline sets both deadlines (net.Conn.SetDeadline).
func (c *UDPConn) SetDeadline(t time.Time) error { return c.setDeadline(t, &c.reads, &c.writes) }

// SetReadDeadline sets the deadline of reading; the zero time means none.
func (c *UDPConn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, &c.reads) }

// SetWriteDeadline sets the deadline of writing. Writing a datagram never waits,
// but it fails after the deadline.
func (c *UDPConn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.writes) }

func (c *UDPConn) setDeadline(t time.Time, sides ...*side) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return opErr("set", c.network, nil, c.LocalAddr(), net.ErrClosed)
	}
	for _, s := range sides {
		s.setDeadline(c.host.line, t)
	}
	return nil
}

// SetReadBuffer limits the memory of datagrams that wait to be read, in octets.
func (c *UDPConn) SetReadBuffer(octets int) error {
	return c.set(func() { c.limit = max(octets, 1) })
}

// SetWriteBuffer does nothing: a datagram that is written has left the socket.
func (c *UDPConn) SetWriteBuffer(int) error { return c.set(func() {}) }

// SetHopLimit sets the TTL or hop limit of what is sent; 0 returns to that of the host.
func (c *UDPConn) SetHopLimit(n uint8) error { return c.set(func() { c.hopLimit = n }) }

// SetTOS sets the traffic class of what is sent: DSCP and ECN.
func (c *UDPConn) SetTOS(tos uint8) error { return c.set(func() { c.tos = tos }) }

func (c *UDPConn) set(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opErr("set", nil, net.ErrClosed)
	}
	f()
	return nil
}

// Dropped returns how many datagrams found the queue of the socket full.
func (c *UDPConn) Dropped() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

// JoinGroup makes the socket's host a member of a multicast group on an
// interface (0: the one that routes lead to), until LeaveGroup or Close. The
// socket must be bound to the group's port.
func (c *UDPConn) JoinGroup(index int, group netip.Addr) error {
	m := membership{ip.ID(index), group.WithZone("").Unmap()}
	if err := c.host.join(&m); err != nil {
		return c.opErr("set", nil, sysErr("setsockopt", errnoOf(err)))
	}
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.groups = append(c.groups, m)
	}
	c.mu.Unlock()
	if closed {
		c.host.leave(m)
		return c.opErr("set", nil, net.ErrClosed)
	}
	return nil
}

// LeaveGroup undoes one JoinGroup.
func (c *UDPConn) LeaveGroup(index int, group netip.Addr) error {
	m, ok := c.takeGroup(ip.ID(index), group.WithZone("").Unmap())
	if !ok {
		return c.opErr("set", nil, sysErr("setsockopt", syscall.EADDRNOTAVAIL))
	}
	c.host.leave(m)
	return nil
}

// takeGroup forgets a membership, and returns it.
func (c *UDPConn) takeGroup(on ip.ID, group netip.Addr) (membership, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.groups {
		if m.group == group && (on == 0 || m.on == on) {
			c.groups = append(c.groups[:i], c.groups[i+1:]...)
			return m, true
		}
	}
	return membership{}, false
}

// join makes the host a member of a group, and fills in the interface.
func (h *Host) join(m *membership) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		if m.on == 0 {
			path, err := node.Route(now, m.group, netip.Addr{}, 0)
			if err != nil {
				return err
			}
			m.on = path.Interface
		}
		return node.Join(now, m.on, m.group)
	})
}

func (h *Host) leave(m membership) {
	// The only error is that the interface is gone, and the membership with it.
	_ = h.ip.change(func(now mono.Time, node *ip.Node) error { return node.Leave(now, m.on, m.group) })
}

// opErr makes the error of an operation to or from an address, or, where that is
// nil, the connected one.
func (c *UDPConn) opErr(op string, addr net.Addr, err error) error {
	if addr == nil {
		addr = c.RemoteAddr()
	}
	return opErr(op, c.network, c.LocalAddr(), addr, err)
}
