package vnet

import (
	"net/netip"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A natOutside is the table as the filter of the outer interface, a natInside that
// of the inner one.
type (
	natOutside natTable
	natInside  natTable
)

func version6(p *link.Packet) bool {
	var first [link.HeadRoom]byte
	b := begin(p, &first)
	return len(b) > 14 && b[12] == 0x86 && b[13] == 0xdd
}

// outgoing gives what comes from inside the outer address.
func (o *natOutside) outgoing(k *nic, now mono.Time, p *link.Packet) bool {
	if version6(p) {
		return false
	}
	d, ok := open(p)
	if !ok {
		return true // ARP
	}
	t := (*natTable)(o)
	if t.own[d.src()] {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.later() { // the ports are in the first: the outer address is one for all
		d.setAddr(t.outer, 12, 0)
		return true
	}
	if q, isError := d.quote(); isError {
		return t.errorOut(now, &d, &q)
	}
	src, dst, ok := d.ends()
	if !ok {
		return false
	}
	m := t.outbound(now, d.proto, src, dst)
	if m == nil {
		return false
	}
	m.follow(&d)
	d.setSrc(netip.AddrPortFrom(t.outer, m.port))
	return true
}

// follow notes how far a connection is.
func (m *mapping) follow(d *datagram) {
	if d.proto == wire.ProtoTCP {
		m.open = m.in && !d.transitory()
	}
}

// errorOut lets an ICMP error of a host inside pass that is about a packet which
// came by a mapping (RFC 5508 REQ-5).
func (t *natTable) errorOut(now mono.Time, d, q *datagram) bool {
	src, dst, ok := q.ends()
	if !ok {
		return false
	}
	m := t.byHost[innerKey{q.proto, dst, t.config.Mapping.seen(src)}]
	if m == nil || !t.alive(m, now) {
		return false
	}
	d.change(func() { q.setDst(netip.AddrPortFrom(t.outer, m.port)) })
	d.setAddr(t.outer, 12, 0)
	return true
}

// incoming gives what comes from outside to the host that it is for. What is for
// nobody goes no further, but for echo requests to the NAT itself.
func (o *natOutside) incoming(k *nic, now mono.Time, p *link.Packet) bool {
	if version6(p) {
		return false
	}
	d, ok := open(p)
	if !ok {
		return true
	}
	t := (*natTable)(o)
	if d.dst() != t.outer {
		return false // nobody outside knows who is inside
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.later() {
		host, known := t.fragments[fragmentKey{d.src(), d.id()}]
		if known {
			d.setAddr(host, 16, 0)
		}
		return known
	}
	if q, isError := d.quote(); isError {
		return t.errorIn(now, &d, &q)
	}
	src, dst, ok := d.ends()
	if !ok {
		return false
	}
	if d.proto == wire.ProtoICMPv4 && d.b[d.at] == wire.ICMPv4Echo {
		return true
	}
	m := t.inbound(now, d.proto, dst.Port(), src)
	if m == nil {
		return false
	}
	m.follow(&d)
	if d.first() {
		if len(t.fragments) >= peersMax {
			clear(t.fragments)
		}
		t.fragments[fragmentKey{d.src(), d.id()}] = m.key.host.Addr()
	}
	d.setDst(m.key.host)
	return true
}

// errorIn takes an ICMP error to the host whose packet it quotes (RFC 5508 REQ-4).
// It does not prolong the mapping.
func (t *natTable) errorIn(now mono.Time, d, q *datagram) bool {
	src, _, ok := q.ends()
	if !ok {
		return false
	}
	m := t.byPort[outerKey{q.proto, src.Port()}]
	if m == nil || !t.alive(m, now) {
		return false
	}
	d.change(func() { q.setSrc(m.key.host) })
	d.setAddr(m.key.host.Addr(), 16, 0)
	return true
}

// outgoing gives what incoming has turned round the outer address as its source:
// the router between the two would not forward a packet from an address of its own.
func (i *natInside) outgoing(_ *nic, _ mono.Time, p *link.Packet) bool {
	t := (*natTable)(i)
	var seen Packet
	seen.read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	shown, turned := t.turned[innerKey{seen.Proto, seen.Src, seen.Dst}]
	if !turned {
		return true
	}
	d, ok := open(p)
	if ok {
		d.setSrc(shown)
	}
	return ok
}

// incoming turns round what a host inside sends to the outer address: to another
// host inside it comes from the outer address and port (RFC 4787 REQ-9).
func (i *natInside) incoming(k *nic, now mono.Time, p *link.Packet) bool {
	t := (*natTable)(i)
	var seen Packet
	seen.read(p)
	if seen.Dst.Addr() != t.outer || seen.Proto != wire.ProtoTCP && seen.Proto != wire.ProtoUDP {
		return true
	}
	if t.config.NoHairpin {
		return false
	}
	d, ok := open(p)
	if !ok {
		return false
	}
	src, dst, ok := d.ends()
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	from := t.outbound(now, d.proto, src, dst)
	if from == nil {
		return false
	}
	shown := netip.AddrPortFrom(t.outer, from.port)
	to := t.inbound(now, d.proto, dst.Port(), shown)
	if to == nil {
		return false
	}
	from.follow(&d)
	to.follow(&d)
	if len(t.turned) >= peersMax {
		clear(t.turned)
	}
	t.turned[innerKey{d.proto, src, to.key.host}] = shown
	d.setDst(to.key.host)
	return true
}
