package ip

import "github.com/octet-net/octet/wire"

// noticeKind says what an ICMP error means, 0 if nothing that we know.
func noticeKind(is6 bool, m *wire.ICMP) NoticeKind {
	if is6 {
		return noticeKind6(m)
	}
	switch m.Type {
	case wire.ICMPv4TimeExceeded:
		return expiry(m.Code)
	case wire.ICMPv4ParamProblem:
		return ParameterProblem
	}
	switch m.Code { // of an Unreachable
	case 0, 5, 6, 11:
		return NetUnreachable
	case 1, 7, 8, 12:
		return HostUnreachable
	case wire.ICMPv4ProtocolUnreachable:
		return ProtoUnreachable
	case wire.ICMPv4PortUnreachable:
		return PortUnreachable
	case wire.ICMPv4FragmentationNeeded:
		return TooBig
	case 9, 10, 13, 14, 15:
		return Prohibited
	}
	return 0
}

func noticeKind6(m *wire.ICMP) NoticeKind {
	switch m.Type {
	case wire.ICMPv6PacketTooBig:
		return TooBig
	case wire.ICMPv6TimeExceeded:
		return expiry(m.Code)
	case wire.ICMPv6ParamProblem:
		if m.Code == wire.ICMPv6UnknownHeader {
			return ProtoUnreachable
		}
		return ParameterProblem
	}
	switch m.Code { // of an Unreachable
	case wire.ICMPv6NoRoute, wire.ICMPv6BeyondScope:
		return NetUnreachable
	case wire.ICMPv6AddressUnreachable:
		return HostUnreachable
	case wire.ICMPv6PortUnreachable:
		return PortUnreachable
	case wire.ICMPv6Prohibited, wire.ICMPv6PolicyFailed, wire.ICMPv6RejectRoute:
		return Prohibited
	}
	return 0
}

func expiry(code uint8) NoticeKind {
	switch code {
	case wire.ICMPHopLimit:
		return TimeExceeded
	case wire.ICMPReassembly:
		return ReassemblyFailed
	}
	return 0
}

// tooBig takes the MTU out of a message that says that a packet of this length was
// too big for it.
func (c *Notice) tooBig(is6 bool, m *wire.ICMP, length int) Reason {
	if is6 {
		// RFC 8201 §4: a message that reports less than 1280 must be discarded.
		if m.Rest < minMTU6 || m.Rest > maxMTU {
			return BadICMP
		}
		c.MTU = int(m.Rest)
	} else if c.MTU = m.MTU4(); c.MTU == 0 {
		c.MTU = plateau(length) // RFC 1191 §5: an old router
	}
	if c.MTU < minMTU || c.MTU >= length {
		return BadICMP // the packet went through, or should have
	}
	return NotDropped
}

// plateaus are the MTUs of the links there are (RFC 1191 §7.1).
var plateaus = [...]int{32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68}

func plateau(length int) int {
	for _, p := range plateaus {
		if p < length {
			return p
		}
	}
	return minMTU
}

// quoted reads the packet that an error is about and returns the length that it
// says of itself. Errors about errors, about fragments that are not the first, and
// those that do not quote enough are about nobody.
func (c *Notice) quoted(is6 bool, m *wire.ICMP) (length int, why Reason) {
	var q wire.Quote
	parse, echo := wire.ParseQuote4, byte(wire.ICMPv4Echo)
	if is6 {
		parse, echo = wire.ParseQuote6, wire.ICMPv6Echo
	}
	switch parse(m, &q) {
	case wire.OK:
	case wire.BadType:
		return 0, NotAboutUs
	default:
		return 0, BadICMP
	}
	c.Src, c.Dst, c.Proto = q.IP.Src, q.IP.Dst, q.IP.Proto
	switch c.Proto {
	case wire.ProtoTCP, wire.ProtoUDP:
		c.SrcPort, c.DstPort = q.SrcPort, q.DstPort
		c.Seq, c.HasSeq = q.Seq, c.Proto == wire.ProtoTCP
	case wire.ProtoICMPv4, wire.ProtoICMPv6:
		quoted := q.ICMP()
		if is6 != (c.Proto == wire.ProtoICMPv6) || quoted.Type != echo {
			return 0, NotAboutUs
		}
		c.Seq, c.HasSeq = wire.Seq(quoted.Rest), true
	}
	return q.IP.Len, NotDropped
}
