package ip

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Deliver is the short way of an ordinary packet: whole, without anything unusual
// in its headers, for a transport of ours. If p is one, it fills in the verdict as
// Arrive does and returns true. Otherwise it leaves p for Arrive. It needs no Node.
func (t *Tables) Deliver(p *Packet, v *Verdict) bool {
	h := &v.Datagram.IP
	i := t.up(p.Interface)
	if i == nil || !p.saysIP() || wire.ParseIP(&p.Octets, h) != wire.OK {
		return false
	}
	switch h.Proto {
	case wire.ProtoICMPv4, wire.ProtoICMPv6, wire.ProtoIGMP, wire.ProtoNone:
		return false
	}
	if h.Flags&(wire.MoreFragments|wire.Fragmented|wire.SourceRoute) != 0 || h.Offset != 0 {
		return false
	}
	cast, why := t.judge(i, p, h)
	if why != NotDropped {
		return false
	}
	v.deliver(p, cast)
	return true
}

// saysIP reports whether the frame that brought a packet says that it is one of IP,
// of the version that it says itself.
func (p *Packet) saysIP() bool {
	switch b := p.Front(); p.Ether {
	case 0:
		return true
	case wire.EtherIPv4:
		return len(b) > 0 && b[0]>>4 == 4
	case wire.EtherIPv6:
		return len(b) > 0 && b[0]>>4 == 6
	}
	return false
}

// deliver makes v the verdict that the packet, whose header v.Datagram has, is for us.
func (v *Verdict) deliver(p *Packet, cast Cast) {
	d := &v.Datagram
	v.Kind, v.Reason = Deliver, NotDropped
	d.Header = p.Front()[:d.IP.HeaderLen]
	d.Octets, p.Octets = p.Octets, wire.Octets{}
	d.Pull(int(d.IP.HeaderLen))
	d.Interface, d.Cast = p.Interface, cast
	d.Looped, d.NoSum, d.SegmentSize = p.Looped, p.NoSum, p.SegmentSize
}

// Arrive takes an arrived packet and fills in what becomes of it. It takes over
// p.Octets (and empties them) if it delivers them; the caller releases what
// remains of p.Data. Afterwards Output may have something to send.
func (n *Node) Arrive(now mono.Time, p *Packet, v *Verdict) {
	if n.tables.Deliver(p, v) {
		return
	}
	v.Reason = n.arrive(now, p, v)
	if v.Reason != NotDropped {
		v.Kind = Drop
		n.drop(v.Reason)
	}
}

// arrive is the long way. It sets the kind of the verdict, or returns why the packet is dropped.
func (n *Node) arrive(now mono.Time, p *Packet, v *Verdict) Reason {
	i := n.tables.up(p.Interface)
	if i == nil {
		return NoInterface
	}
	if p.Ether == wire.EtherARP {
		return n.arriveARP(now, i, p, v)
	}
	if !p.saysIP() {
		return Malformed
	}
	h := &v.Datagram.IP
	fault := wire.ParseIP(&p.Octets, h)
	if !h.Src.IsValid() || fault == wire.Truncated && h.Len > p.Len() || fault != wire.OK && !h.Is6() {
		return n.broken(p, h, fault)
	}
	cast, why := n.tables.judge(i, p, h)
	if h.Flags&wire.SourceRoute != 0 {
		return SourceRouted // RFC 7126 §4.3, §4.4
	}
	if why == NotForUs && i.Flags.Has(Forwarding) && !p.Looped {
		return n.forward(now, p, v, fault)
	}
	if why != NotDropped {
		return why
	}
	if fault != wire.OK {
		return n.refuse(now, p, h, cast, fault)
	}
	return n.accept(now, i, p, v, cast)
}

// broken returns why a packet that cannot be read is dropped, without a word to
// anybody (RFC 1122 §3.2.1.1, §3.2.1.2).
func (n *Node) broken(p *Packet, h *wire.IP, fault wire.Fault) Reason {
	switch fault {
	case wire.BadChecksum:
		return BadChecksum
	case wire.BadOption:
		return BadOption
	case wire.FragmentRange:
		n.frags.spoilKey(p.Interface, h)
		return FragmentTooLong
	case wire.FragmentLength:
		return FragmentBad
	}
	return Malformed
}

// refuse drops an IPv6 packet for us because of its extension headers, and says so
// to the sender where RFC 8200 wants that.
func (n *Node) refuse(now mono.Time, p *Packet, h *wire.IP, cast Cast, fault wire.Fault) Reason {
	code, why := -1, Malformed
	switch fault {
	case wire.UnknownRouting: // RFC 8200 §4.4, RFC 5095 §3
		code, why = wire.ICMPv6BadField, SourceRouted
	case wire.UnknownOption: // RFC 8200 §4.2
		code, why = wire.ICMPv6UnknownOption, BadOption
	case wire.UnwantedOption, wire.BadOption:
		why = BadOption
	case wire.HeaderOrder: // RFC 8200 §4.1
		code, why = wire.ICMPv6UnknownHeader, BadOption
	case wire.TooManyHeaders:
		why = TooManyHeaders
	case wire.HeaderChain: // RFC 7112 §5
		n.frags.spoilKey(p.Interface, h)
		code, why = wire.ICMPv6HeaderChain, HeaderSplit
	case wire.FragmentLength: // RFC 8200 §4.5
		code, why = wire.ICMPv6BadField, FragmentBad
	case wire.FragmentRange: // h.At is the offset in the fragment header, which begins with the protocol
		h.Proto = wire.Proto(p.Front()[h.At-2])
		n.frags.spoilKey(p.Interface, h)
		code, why = wire.ICMPv6BadField, FragmentTooLong
	}
	if code >= 0 {
		m := wire.ICMP{Type: wire.ICMPv6ParamProblem, Code: uint8(code), Rest: uint32(h.At)}
		n.complain(now, offenceOf(p, h, cast), &m)
	}
	return why
}

// accept takes a packet that is for us and well-formed.
func (n *Node) accept(now mono.Time, i *iface, p *Packet, v *Verdict, cast Cast) Reason {
	h := &v.Datagram.IP
	if h.IsFragment() {
		if why := n.gather(now, p, h); why != NotDropped || p.Len() == 0 {
			v.Kind = Hold
			return why
		}
	}
	nd := h.Flags&wire.Fragmented != 0
	switch h.Proto {
	case wire.ProtoICMPv4:
		if !h.Is6() {
			return n.arriveICMPv4(now, p, v, cast)
		}
	case wire.ProtoICMPv6:
		if h.Is6() {
			return n.arriveICMPv6(now, i, p, v, cast, nd)
		}
	case wire.ProtoIGMP:
		if !h.Is6() {
			return n.arriveIGMP(now, i, p, v, cast)
		}
	case wire.ProtoNone: // RFC 8200 §4.7
		v.Kind = Answer
		return NotDropped
	}
	v.deliver(p, cast)
	return NotDropped
}

// gather takes a fragment. If the packet is whole now, it takes the place of the
// fragment in p and h; if not, p is empty afterwards.
func (n *Node) gather(now mono.Time, p *Packet, h *wire.IP) Reason {
	if !h.Is6() && h.Proto == wire.ProtoTCP && isTiny(h) {
		n.frags.spoilKey(p.Interface, h)
		return HeaderSplit
	}
	whole, why := n.frags.add(now, p.Interface, &p.Octets, h, &p.NoSum)
	p.Data.Release()
	p.Octets, p.SegmentSize = wire.Octets{Data: whole}, 0
	if why != NotDropped || whole.Len() == 0 {
		return why
	}
	if f := wire.ParseIP(&p.Octets, h); f != wire.OK || h.IsFragment() || h.Flags&wire.Fragmented != 0 {
		return FragmentBad // a fragment in fragments
	}
	h.Flags |= wire.Fragmented
	return NotDropped
}

// isTiny reports whether an IPv4 fragment splits the header of TCP so that who
// looks at first fragments only does not see its flags (RFC 1858 §3, RFC 3128).
func isTiny(h *wire.IP) bool {
	return h.Offset == 8 || h.Offset == 0 && h.Len-int(h.HeaderLen) < 16
}
