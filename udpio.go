package octet

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/wire"
)

// The longest payloads of a datagram in octets: what the length fields leave
// after the headers (RFC 791 §3.1, RFC 8200 §3, RFC 768).
const (
	maxDatagram4 = 0xffff - 20 - wire.UDPLen
	maxDatagram6 = 0xffff - wire.UDPLen
)

// Read reads the next datagram. What does not fit into p is lost.
func (c *UDPConn) Read(p []byte) (int, error) {
	n, _, err := c.read(p)
	if err != nil {
		return n, c.opErr("read", nil, sysErr("read", err))
	}
	return n, nil
}

// ReadFrom reads the next datagram and returns a *net.UDPAddr of its sender.
func (c *UDPConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(p)
	if err != nil {
		return n, nil, err
	}
	return n, udpAddr(from), nil
}

// ReadFromUDP is ReadFrom for those who want the concrete type.
func (c *UDPConn) ReadFromUDP(p []byte) (int, *net.UDPAddr, error) {
	n, from, err := c.ReadFromUDPAddrPort(p)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort reads the next datagram and returns its sender. It does not allocate.
func (c *UDPConn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, err := c.read(p)
	if err != nil {
		err = c.opErr("read", nil, sysErr("recvfrom", err))
	}
	return n, from, err
}

// read waits for a datagram and copies it to p.
func (c *UDPConn) read(p []byte) (int, netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		case c.reads.expired(c.host.line):
			return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
		case c.err != 0:
			return 0, netip.AddrPort{}, c.takeErr()
		case c.count > 0:
			d := c.pop()
			n := copy(p, d.data.B)
			d.data.Release()
			if c.count > 0 {
				c.reads.wake() // others may wait for the next one
			}
			return n, withZone(d.from, c.host.ip.nic(d.on)), nil
		}
		c.reads.wait(c.host.line)
	}
}

// takeErr returns what ICMP has said, once.
func (c *UDPConn) takeErr() error {
	err := c.err
	c.err = 0
	return err
}

// Write sends p as one datagram to the connected address.
func (c *UDPConn) Write(p []byte) (int, error) {
	if !c.remote.IsValid() {
		return 0, c.opErr("write", nil, sysErr("write", syscall.EDESTADDRREQ))
	}
	if err := c.send(p, c.remote); err != nil {
		return 0, c.opErr("write", nil, sysErr("write", err))
	}
	return len(p), nil
}

// WriteTo sends p as one datagram to a *net.UDPAddr.
func (c *UDPConn) WriteTo(p []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.opErr("write", to, syscall.EINVAL)
	}
	return c.WriteToUDP(p, a)
}

// WriteToUDP is WriteTo for those who have the concrete type.
func (c *UDPConn) WriteToUDP(p []byte, to *net.UDPAddr) (int, error) {
	if to == nil {
		return 0, opErr("write", c.network, c.LocalAddr(), nil, &net.AddrError{Err: "missing address"})
	}
	return c.WriteToUDPAddrPort(p, to.AddrPort())
}

// WriteToUDPAddrPort sends p as one datagram. It does not allocate. To the
// unspecified address means to this host.
func (c *UDPConn) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if c.remote.IsValid() {
		return 0, c.opErr("write", udpAddr(to), net.ErrWriteToConnected)
	}
	if err := c.send(p, to); err != nil {
		return 0, c.opErr("write", udpAddr(to), sysErr("sendto", err))
	}
	return len(p), nil
}

// send sends one datagram. It never waits.
func (c *UDPConn) send(p []byte, to netip.AddrPort) error {
	e := c.host.begin()
	defer e.end() // after the lock is given up
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return net.ErrClosed
	case c.writes.expired(c.host.line):
		return os.ErrDeadlineExceeded
	case c.err != 0:
		return c.takeErr()
	}
	if err := c.findWay(e, to); err != nil {
		return err
	}
	w := &c.way
	if w.to.Is4() && len(p) > maxDatagram4 || len(p) > maxDatagram6 {
		return syscall.EMSGSIZE
	}
	return c.transmit(e, to.Port(), chunk.Copy(p))
}

// findWay makes c.way lead to where a datagram goes.
func (c *UDPConn) findWay(e *event, to netip.AddrPort) error {
	w := &c.way
	if to.Addr() == w.to && w.path.Generation == c.host.ip.generation() {
		return nil
	}
	a, on, err := c.host.splitZone(to.Addr().Unmap())
	if err != nil {
		return err
	}
	switch {
	case !a.IsValid() || to.Port() == 0:
		return syscall.EINVAL
	case !fits(c.network, a):
		return syscall.EAFNOSUPPORT
	case a.IsUnspecified():
		a = loopbackLike(a)
	}
	src := c.local.Addr()
	if src.IsUnspecified() || src.IsMulticast() {
		src = netip.Addr{}
	} else if src.Is4() != a.Is4() {
		return syscall.EAFNOSUPPORT
	}
	if err := w.find(e, a, src, max(on, ip.ID(c.binding.on))); err != nil {
		return errnoOf(err)
	}
	return nil
}

// find asks how to reach an address.
func (w *way) find(e *event, to, src netip.Addr, through ip.ID) error {
	path, err := e.host.ip.route(e.now, to, src, through)
	if err != nil {
		return err
	}
	n := e.host.ip.nic(path.Interface)
	if n == nil {
		return ip.ErrNoInterface
	}
	*w = way{to: to, path: path, nic: n}
	return nil
}

// transmit sends data, which it takes over, by c.way: straight to the device if
// it is one packet to one host, and by way of the node if it is to be cut or copied.
func (c *UDPConn) transmit(e *event, port uint16, data chunk.View) error {
	w := &c.way
	u := wire.UDP{SrcPort: c.local.Port(), DstPort: port, Payload: data}
	head := wire.IP{
		Src: w.path.Source, Dst: w.to, Proto: wire.ProtoUDP,
		TTL: c.hopLimit, TOS: c.tos,
	}
	n := head.Size()
	head.Len = n + wire.UDPLen + data.Len()
	if w.path.Cast != ip.Unicast || head.Len > w.path.MTU {
		return c.transmitByNode(e, &head, &u)
	}
	if head.TTL == 0 {
		head.TTL = c.host.profile.HopLimit
	}
	p := &e.packet
	b := p.SetHead(n + wire.UDPLen)
	wire.PutIP(b, &head)
	wire.PutUDP(b[n:], &u)
	if !w.nic.info.NoSum {
		head.Seal(b[n:], data.B)
	}
	p.NoSum, p.SegmentSize, p.Data = w.nic.info.NoSum, 0, data
	if w.nic.info.Ethernet && !w.frame(e) {
		return nil
	}
	e.send(w.nic)
	return nil
}

// transmitByNode lets the node cut a datagram into fragments or send it to a group.
func (c *UDPConn) transmitByNode(e *event, head *wire.IP, u *wire.UDP) error {
	b := e.scratch[:wire.UDPLen]
	wire.PutUDP(b, u)
	head.Seal(b, u.Payload.B)
	e.outward = ip.Outgoing{
		Path: c.way.path, Src: head.Src, Dst: head.Dst, Proto: wire.ProtoUDP,
		TTL: head.TTL, TOS: head.TOS, Octets: wire.Octets{Head: b, Data: u.Payload},
	}
	return errnoOf(e.host.ip.send(e))
}

// frame puts an Ethernet header before e.packet. While the neighbour is not
// known the node keeps the packet, and it returns false.
func (w *way) frame(e *event) bool {
	if w.macUntil <= e.now {
		mac, until, ok := e.host.ip.resolve(e, w.nic, &w.path)
		if !ok {
			return false
		}
		w.mac, w.macUntil = mac, until
	}
	w.nic.frame(&e.packet, w.mac, etherType(w.to))
	return true
}

// push queues a datagram that has arrived, unless the queue is full: then the
// newest is dropped (T-68).
func (c *UDPConn) push(d datagram) bool {
	cost := d.data.Cost() + datagramCost
	if c.closed || c.count > 0 && c.cost+cost > c.limit {
		c.drops++
		return false
	}
	if !c.host.budget.take(cost) {
		c.host.count(DropMemory)
		c.drops++
		return false
	}
	if c.count == len(c.queue) {
		c.grow()
	}
	c.queue[(c.first+c.count)%len(c.queue)] = d
	c.count++
	c.cost += cost
	c.reads.wake()
	return true
}

func (c *UDPConn) grow() {
	bigger := make([]datagram, max(4, 2*len(c.queue)))
	n := copy(bigger, c.queue[c.first:])
	copy(bigger[n:], c.queue[:c.first])
	c.queue, c.first = bigger, 0
}

func (c *UDPConn) pop() datagram {
	d := c.queue[c.first]
	c.queue[c.first] = datagram{}
	c.first = (c.first + 1) % len(c.queue)
	c.count--
	cost := d.data.Cost() + datagramCost
	c.cost -= cost
	c.host.budget.give(cost)
	return d
}
