package octet

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// An ipLayer is the ip.Node of a host with what it must not know of: its lock,
// its timer, and the devices of its interfaces.
type ipLayer struct {
	host   *Host
	tables atomic.Pointer[ip.Tables]
	nics   atomic.Pointer[[]*nic] // by ip.ID; never changed, only replaced

	mu         sync.Mutex
	forwarding bool
	closed     bool
	node       *ip.Node
	out        ip.Packet // what Output fills in
	event      timeline.Event
	armed      mono.Time
}

func (l *ipLayer) init(h *Host) {
	l.host = h
	l.armed = mono.Never
	l.node = ip.New(ip.Config{Key: h.secret.ip, TTL: h.profile.HopLimit})
	l.event.Init(h.line, h.nextKey(), l.expire)
	l.nics.Store(new([]*nic))
	l.tables.Store(l.node.Tables())
}

// settle publishes what a call of the node has changed, sends what it wants sent
// and sets its timer. l.mu is held.
func (l *ipLayer) settle(e *event) {
	if t := l.node.Tables(); t != l.tables.Load() {
		l.tables.Store(t)
	}
	for l.node.Output(e.now, &l.out) {
		l.transmit(e)
	}
	l.report(e)
	if d := l.node.Deadline(); d < l.armed && !l.closed {
		l.armed = d
		l.event.Set(d)
	}
}

// transmit sends one packet of the node.
func (l *ipLayer) transmit(e *event) {
	o := &l.out
	n := l.nic(o.Interface)
	if n == nil {
		o.Data.Release()
		return
	}
	p := &e.packet
	copy(p.SetHead(len(o.Head)), o.Head)
	p.NoSum, p.SegmentSize = o.NoSum, o.SegmentSize
	p.Data, o.Data = o.Data, chunk.View{}
	switch {
	case o.Looped:
		e.loop(n)
		return
	case n.info.Ethernet:
		n.frame(p, o.MAC, o.Ether)
	}
	e.send(n)
}

func (l *ipLayer) expire(now mono.Time) {
	e := l.host.beginAt(now)
	defer e.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = mono.Never
	l.node.Expire(now)
	l.settle(e)
}

// nic returns the interface of a number, nil if there is none.
func (l *ipLayer) nic(id ip.ID) *nic {
	list := *l.nics.Load()
	if int(id) >= len(list) {
		return nil
	}
	return list[id]
}

func (l *ipLayer) generation() uint64 { return l.tables.Load().Generation() }

// route is ip.Node.Route.
func (l *ipLayer) route(now mono.Time, dst, src netip.Addr, through ip.ID) (ip.Path, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node.Route(now, dst, src, through)
}

// send is ip.Node.Send of e.outward.
func (l *ipLayer) send(e *event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.node.Send(e.now, &e.outward)
	e.outward = ip.Outgoing{}
	l.settle(e)
	return err
}

// resolve finds the neighbour that e.packet, an IP packet for the path, goes to.
// If it is not known yet the node keeps the packet.
func (l *ipLayer) resolve(e *event, n *nic, path *ip.Path) (mac [6]byte, until mono.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.out
	*p = ip.Packet{
		Octets:    wire.Octets{Head: e.packet.Head(), Data: e.packet.Data},
		Interface: n.id, NoSum: e.packet.NoSum, SegmentSize: e.packet.SegmentSize,
	}
	until, ok = l.node.Resolve(e.now, path, p)
	if ok {
		mac = p.MAC
	} else {
		e.packet.Data = chunk.View{}
	}
	p.Head, p.Data = nil, chunk.View{}
	l.settle(e)
	return mac, until, ok
}

// change calls f, which changes interfaces, addresses or routes.
func (l *ipLayer) change(f func(now mono.Time, node *ip.Node) error) error {
	return l.changeIn(func(e *event, node *ip.Node) error { return f(e.now, node) })
}

// changeIn is change for an f that has more to say in the event.
func (l *ipLayer) changeIn(f func(e *event, node *ip.Node) error) error {
	e := l.host.begin()
	defer e.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	err := f(e, l.node)
	l.settle(e)
	return err
}

// lowerMTU tells the node of a path MTU that a transport has believed.
func (l *ipLayer) lowerMTU(e *event, dst netip.Addr, mtu int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.node.LowerMTU(e.now, dst, mtu)
	l.settle(e)
}

// close closes the devices and leaves no timer.
func (l *ipLayer) close() error {
	l.mu.Lock()
	l.closed = true
	l.event.Clear()
	l.mu.Unlock()
	var first error
	for _, n := range *l.nics.Load() {
		if n == nil {
			continue
		}
		if err := n.dev.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// unreachable answers a datagram that was delivered and that nobody takes.
func (l *ipLayer) unreachable(e *event, d *ip.Datagram, why ip.NoticeKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.node.Unreachable(e.now, d, why)
	l.settle(e)
}

// flowLabel returns the flow label of a connection (RFC 6437).
func (l *ipLayer) flowLabel(local, remote netip.AddrPort) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node.FlowLabel(local.Addr(), remote.Addr(), wire.ProtoTCP, local.Port(), remote.Port())
}
