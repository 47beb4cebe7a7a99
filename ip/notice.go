package ip

import (
	"encoding/binary"
	"net/netip"

	"github.com/octet-net/octet/wire"
)

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
func (c *Notice) quoted(is6 bool, b []byte) (length int, why Reason) {
	if is6 {
		b, length = c.quoted6(b)
	} else {
		b, length = c.quoted4(b)
	}
	if len(b) < 8 {
		return 0, BadICMP
	}
	switch c.Proto {
	case wire.ProtoTCP, wire.ProtoUDP:
		c.SrcPort, c.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		if c.Proto == wire.ProtoTCP {
			c.Seq, c.HasSeq = wire.Seq(binary.BigEndian.Uint32(b[4:])), true
		}
	case wire.ProtoICMPv4, wire.ProtoICMPv6:
		if is6 != (c.Proto == wire.ProtoICMPv6) || b[0] != wire.ICMPv4Echo && b[0] != wire.ICMPv6Echo {
			return 0, NotAboutUs
		}
		c.Seq, c.HasSeq = wire.Seq(binary.BigEndian.Uint32(b[4:])), true
	}
	return length, NotDropped
}

// quoted4 reads a quoted IPv4 header and returns what follows it, nil if there is
// none. The checksum is not checked: routers change headers before they quote them.
func (c *Notice) quoted4(b []byte) ([]byte, int) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil, 0
	}
	n := int(b[0]&15) * 4
	if n < 20 || n > len(b) || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		return nil, 0
	}
	c.Src, c.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	c.Proto = wire.Proto(b[9])
	return b[n:], int(binary.BigEndian.Uint16(b[2:]))
}

// maxQuotedHeaders bounds how many extension headers of a quoted packet are read.
const maxQuotedHeaders = 8

// quoted6 does the same for IPv6 and its extension headers.
func (c *Notice) quoted6(b []byte) ([]byte, int) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return nil, 0
	}
	c.Src, c.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	c.Proto = wire.Proto(b[6])
	length := 40 + int(binary.BigEndian.Uint16(b[4:]))
	b = b[40:]
	for range maxQuotedHeaders {
		n := 8
		switch c.Proto {
		case wire.ProtoHopByHop, wire.ProtoDestOptions, wire.ProtoRouting:
			if len(b) >= 2 {
				n += 8 * int(b[1])
			}
		case wire.ProtoFragment:
			if len(b) >= 4 && binary.BigEndian.Uint16(b[2:])&^7 != 0 {
				return nil, 0
			}
		default:
			return b, length
		}
		if n > len(b) {
			return nil, 0
		}
		c.Proto, b = wire.Proto(b[0]), b[n:]
	}
	return nil, 0
}
