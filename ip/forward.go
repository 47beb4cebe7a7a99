package ip

import (
	"encoding/binary"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// forward sends a packet for somebody else on its way (RFC 1812 §5.2, RFC 8200).
// Redirects are not sent: hosts do not believe them nowadays. Extension headers
// are none of a router's business, so their faults do not matter here.
func (n *Node) forward(now mono.Time, p *Packet, v *Verdict, fault wire.Fault) Reason {
	h := &v.Datagram.IP
	if p.Link != Unicast { // RFC 1812 §5.3.4
		return MartianDest
	}
	o := offenceOf(p, h, Unicast)
	if why := n.scopes(now, &o); why != NotDropped {
		return why
	}
	if h.TTL <= 1 {
		n.complain(now, o, &wire.ICMP{Type: timeExceeded(h), Code: wire.ICMPHopLimit})
		return TTLExceeded
	}
	path, _, err := n.tables.hop(h.Dst, 0)
	if err != nil || path.Flags.Has(Loopback) {
		m := unreachable(h.Is6(), NetUnreachable)
		n.complain(now, o, &m)
		return NoRoute
	}
	if path.Cast != Unicast { // RFC 2644: no directed broadcasts
		return MartianDest
	}
	if !p.fits(h, path.MTU) {
		return n.squeeze(now, p, v, &path, &o)
	}
	s, ok := p.passOn(h, fault)
	if !ok {
		return Malformed
	}
	v.Kind = Forward
	n.emit(now, &path, &s)
	return NotDropped
}

// scopes drops what must not leave its link (RFC 4291 §2.5.6, RFC 3927 §2.7).
func (n *Node) scopes(now mono.Time, o *offence) Reason {
	src, dst := o.ip.Src, o.ip.Dst
	if dst.IsLinkLocalUnicast() || src.IsUnspecified() {
		return BeyondScope
	}
	if src.IsLinkLocalUnicast() {
		if src.Is6() {
			n.complain(now, *o, &wire.ICMP{Type: wire.ICMPv6Unreachable, Code: wire.ICMPv6BeyondScope})
		}
		return BeyondScope
	}
	return NotDropped
}

func timeExceeded(h *wire.IP) uint8 {
	if h.Is6() {
		return wire.ICMPv6TimeExceeded
	}
	return wire.ICMPv4TimeExceeded
}

// fits reports whether a packet, or each segment that it will be cut into, may
// leave through a link with the MTU.
func (p *Packet) fits(h *wire.IP, mtu int) bool {
	if p.SegmentSize == 0 {
		return h.Len <= mtu
	}
	t := p.Octets
	t.Pull(int(h.HeaderLen))
	b := t.Front()
	if h.Proto != wire.ProtoTCP || len(b) < wire.TCPLen {
		return false
	}
	return int(h.HeaderLen)+int(b[12]>>4)*4+int(p.SegmentSize) <= mtu
}

// squeeze deals with a packet that is too big for the next link: IPv4 without DF is
// cut, the sender of anything else is told.
func (n *Node) squeeze(now mono.Time, p *Packet, v *Verdict, path *Path, o *offence) Reason {
	h := &v.Datagram.IP
	if h.Is6() {
		n.complain(now, *o, &wire.ICMP{Type: wire.ICMPv6PacketTooBig, Rest: uint32(path.MTU)})
		return PacketTooBig
	}
	if h.Flags&wire.DontFragment != 0 || p.SegmentSize != 0 || len(o.rest.Head) > maxTransportHeader {
		n.complain(now, *o, &wire.ICMP{Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4FragmentationNeeded, Rest: uint32(path.MTU)})
		return PacketTooBig
	}
	p.Octets = wire.Octets{}
	f := *h
	f.TTL--
	transport, data := o.rest.Head, keep(o.rest.Data)
	if p.NoSum && len(transport) == 0 { // the checksum lies in what must not be written to
		transport, data = n.detach(h, data)
	}
	if err := n.fragment(now, path, &f, transport, data, p.NoSum); err != nil {
		return PacketTooBig
	}
	v.Kind = Forward
	return NotDropped
}

// detach takes the transport header off data.
func (n *Node) detach(h *wire.IP, data chunk.View) ([]byte, chunk.View) {
	size := min(transportHeader(h.Proto, data.B), data.Len())
	head := append([]byte(nil), data.B[:size]...)
	data.Trim(size, data.Len())
	return head, data
}

// transportHeader returns the length of the header that b begins with.
func transportHeader(proto wire.Proto, b []byte) int {
	switch proto {
	case wire.ProtoTCP:
		if len(b) >= wire.TCPLen {
			return max(int(b[12]>>4)*4, wire.TCPLen)
		}
	case wire.ProtoUDP, wire.ProtoICMPv4, wire.ProtoICMPv6, wire.ProtoIGMP:
		return wire.UDPLen
	}
	return 0
}

// passOn takes the octets of a packet over into one that leaves, with one hop less to go.
func (p *Packet) passOn(h *wire.IP, fault wire.Fault) (s sending, ok bool) {
	s.noSum, s.segment = p.NoSum, p.SegmentSize
	switch n := int(h.HeaderLen); {
	case len(p.Head) > headRoom:
		return s, false
	case len(p.Head) > 0:
		copy(s.setHead(len(p.Head)), p.Head)
		s.data = keep(p.Data)
	case fault == wire.OK && !h.IsFragment() && n <= headRoom:
		copy(s.setHead(n), p.Data.B)
		s.data = keep(p.Data)
		s.data.Trim(n, s.data.Len())
	case p.Len() > chunk.MaxSize:
		return s, false
	default: // headers that must not be torn apart
		s.data = chunk.Copy(p.Data.B)
		p.Data.Release()
	}
	p.Octets = wire.Octets{}
	b := s.head[:s.headLen]
	if s.headLen == 0 {
		b = s.data.B // our own copy, which nobody else has seen yet
	}
	hop(b)
	return s, true
}

// hop takes one off the time to live of a packet.
func hop(b []byte) {
	if b[0]>>4 == 6 {
		b[7]--
		return
	}
	old := binary.BigEndian.Uint16(b[8:])
	b[8]--
	sum := wire.UpdateChecksum(binary.BigEndian.Uint16(b[10:]), old, binary.BigEndian.Uint16(b[8:]))
	binary.BigEndian.PutUint16(b[10:], sum)
}
