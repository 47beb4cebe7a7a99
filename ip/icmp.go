package ip

import (
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// An offence is a packet that an ICMP error may be about.
type offence struct {
	ip     *wire.IP
	header []byte
	rest   wire.Octets // what follows the header
	in     ID
	cast   Cast
	link   Cast
	looped bool
}

// offenceOf makes one of a packet that has not been delivered.
func offenceOf(p *Packet, h *wire.IP, cast Cast) offence {
	o := offence{ip: h, rest: p.Octets, in: p.Interface, cast: cast, link: p.Link, looped: p.Looped}
	o.header = p.Front()[:h.HeaderLen]
	o.rest.Pull(int(h.HeaderLen))
	return o
}

// How much of an ICMP error there may be: RFC 1812 §4.3.2.3 for IPv4; the least
// MTU for IPv6 (RFC 4443 §2.4(c)).
const (
	maxError4 = 576
	maxError6 = minMTU6
)

// Unreachable answers a delivered datagram with an ICMP error, if the rules and
// the rate limits allow it: PortUnreachable, ProtoUnreachable or Prohibited.
func (n *Node) Unreachable(now mono.Time, d *Datagram, why NoticeKind) {
	if d.Looped {
		return
	}
	m := unreachable(d.IP.Is6(), why)
	if d.IP.Is6() && why == ProtoUnreachable { // RFC 8200 §4: an unrecognized next header
		m.Rest = uint32(d.IP.At)
	}
	n.complain(now, offence{ip: &d.IP, header: d.Header, rest: d.Octets, in: d.Interface, cast: d.Cast}, &m)
}

// unreachable returns the message that says why.
func unreachable(is6 bool, why NoticeKind) wire.ICMP {
	if is6 {
		switch why {
		case ProtoUnreachable:
			return wire.ICMP{Type: wire.ICMPv6ParamProblem, Code: wire.ICMPv6UnknownHeader}
		case NetUnreachable:
			return wire.ICMP{Type: wire.ICMPv6Unreachable, Code: wire.ICMPv6NoRoute}
		case HostUnreachable:
			return wire.ICMP{Type: wire.ICMPv6Unreachable, Code: wire.ICMPv6AddressUnreachable}
		case Prohibited:
			return wire.ICMP{Type: wire.ICMPv6Unreachable, Code: wire.ICMPv6Prohibited}
		}
		return wire.ICMP{Type: wire.ICMPv6Unreachable, Code: wire.ICMPv6PortUnreachable}
	}
	code := uint8(wire.ICMPv4PortUnreachable)
	switch why {
	case ProtoUnreachable:
		code = wire.ICMPv4ProtocolUnreachable
	case NetUnreachable:
		code = wire.ICMPv4NetUnreachable
	case HostUnreachable:
		code = wire.ICMPv4HostUnreachable
	case Prohibited:
		code = wire.ICMPv4Prohibited
	}
	return wire.ICMP{Type: wire.ICMPv4Unreachable, Code: code}
}

// complain sends an ICMP error about a packet, if that is allowed. The type and
// code of m say what is wrong.
func (n *Node) complain(now mono.Time, o offence, m *wire.ICMP) {
	if !o.answerable(m) {
		return
	}
	from := netip.Addr{}
	if _, ours := n.tables.Local(o.ip.Dst); ours && o.cast == Unicast {
		from = o.ip.Dst // RFC 1122 §3.2.2, RFC 4443 §2.2(a)
	}
	path, ok := n.pathBack(now, o.ip.Src, from, o.in)
	if !ok {
		return
	}
	if !path.Flags.Has(Loopback) && !n.limiter.allow(now, n, o.ip.Src) {
		n.drop(RateLimited)
		return
	}
	n.sendICMP(now, &path, o.ip.Src, m, quote(&o), 0)
}

// answerable reports whether a packet may be answered with an ICMP error at all
// (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7, RFC 4443 §2.4(e)).
func (o *offence) answerable(m *wire.ICMP) bool {
	src := o.ip.Src
	if !src.IsValid() || src.IsUnspecified() || src.IsMulticast() || src == limitedBroadcast || o.looped {
		return false // it names no single host
	}
	if o.ip.Offset != 0 && !(o.ip.Is6() && m.Type == wire.ICMPv6ParamProblem) {
		return false // but RFC 8200 §4.5 wants the sender of a fragment that cannot be right told
	}
	if o.cast != Unicast || o.link != Unicast {
		toMany := o.ip.Is6() && (m.Type == wire.ICMPv6PacketTooBig ||
			m.Type == wire.ICMPv6ParamProblem && m.Code == wire.ICMPv6UnknownOption)
		if !toMany {
			return false
		}
	}
	return !o.isError()
}

// isError reports whether the packet is an ICMP error itself, or may be one.
func (o *offence) isError() bool {
	b := o.rest.Front()
	switch {
	case o.ip.Is6() && o.ip.Proto == wire.ProtoICMPv6:
		return len(b) == 0 || wire.IsError6(b[0])
	case !o.ip.Is6() && o.ip.Proto == wire.ProtoICMPv4:
		return len(b) == 0 || wire.IsError4(b[0])
	}
	return false
}

// quote returns as much of a packet as an error about it may hold.
func quote(o *offence) chunk.View {
	limit := maxError4 - wire.IPv4Len - wire.ICMPLen
	if o.ip.Is6() {
		limit = maxError6 - wire.IPv6Len - wire.ICMPLen
	}
	c := chunk.New(limit)
	for _, b := range [...][]byte{o.header, o.rest.Head, o.rest.Data.B} {
		c.Append(b[:min(len(b), limit-c.Len())])
	}
	v := c.View(0, c.Len())
	c.Release()
	return v
}

// pathBack returns the way to who sent a packet that arrived on an interface. An
// answer from an address of ours keeps it, if packets can leave with it.
func (n *Node) pathBack(now mono.Time, to, from netip.Addr, in ID) (Path, bool) {
	through := ID(0)
	if to.IsLinkLocalUnicast() {
		through = in
	}
	path, err := n.Route(now, to, from, through)
	if err != nil && from.IsValid() {
		path, err = n.Route(now, to, netip.Addr{}, through)
	}
	return path, err == nil && path.Cast == Unicast
}

// sendICMP sends a message to dst. It takes over the body.
func (n *Node) sendICMP(now mono.Time, path *Path, dst netip.Addr, m *wire.ICMP, body chunk.View, tos uint8) {
	h := wire.IP{Src: path.Source, Dst: dst, Proto: wire.ProtoICMPv4, TTL: n.cfg.TTL, TOS: tos}
	if dst.Is6() {
		h.Proto = wire.ProtoICMPv6
	}
	n.sendMessage(now, path, &h, m, body)
}

// sendMessage does so with a header of which only the lengths are missing.
func (n *Node) sendMessage(now mono.Time, path *Path, h *wire.IP, m *wire.ICMP, body chunk.View) {
	var b [wire.ICMPLen]byte
	wire.PutICMP(b[:], m)
	h.Seal(b[:], body.B)
	h.Next, h.HeaderLen = h.Proto, uint16(h.Size())
	h.Len = int(h.HeaderLen) + len(b) + body.Len()
	if err := n.transmit(now, path, h, b[:], body, false); err != nil {
		n.drop(PacketTooBig)
	}
}

// echo answers an echo request, which m is, with the octets that came (RFC 1122
// §3.2.2.6, RFC 4443 §4.2).
func (n *Node) echo(now mono.Time, p *Packet, h *wire.IP, m *wire.ICMP, cast Cast, reply uint8) Reason {
	if h.Src.IsUnspecified() {
		return MartianSource
	}
	from := h.Dst
	if cast != Unicast {
		from = netip.Addr{}
	}
	path, ok := n.pathBack(now, h.Src, from, p.Interface)
	if !ok {
		return NoRoute
	}
	if cast != Unicast && !n.limiter.allow(now, n, h.Src) {
		return RateLimited
	}
	p.Octets = wire.Octets{} // the body is handed on
	n.sendICMP(now, &path, h.Src, &wire.ICMP{Type: reply, Rest: m.Rest}, m.Body, h.TOS&^3)
	return NotDropped
}
