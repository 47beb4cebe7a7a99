package wire

import (
	"encoding/binary"

	"github.com/octet-net/octet/chunk"
)

// ICMPLen is the length of what all ICMP messages begin with.
const ICMPLen = 8

// The types of ICMPv4 (RFC 792, IANA's registry).
const (
	ICMPv4EchoReply      = 0
	ICMPv4Unreachable    = 3
	ICMPv4SourceQuench   = 4 // deprecated by RFC 6633
	ICMPv4Redirect       = 5
	ICMPv4Echo           = 8
	ICMPv4TimeExceeded   = 11
	ICMPv4ParamProblem   = 12
	ICMPv4Timestamp      = 13
	ICMPv4TimestampReply = 14
)

// The codes of an ICMPv4 Unreachable that matter to a host (RFC 792, RFC 1122 §3.2.2.1).
const (
	ICMPv4NetUnreachable      = 0
	ICMPv4HostUnreachable     = 1
	ICMPv4ProtocolUnreachable = 2
	ICMPv4PortUnreachable     = 3
	ICMPv4FragmentationNeeded = 4
	ICMPv4SourceRouteFailed   = 5
	ICMPv4NetProhibited       = 9
	ICMPv4HostProhibited      = 10
	ICMPv4Prohibited          = 13
)

// The types of ICMPv6 (RFC 4443, 4861, 2710, 3810).
const (
	ICMPv6Unreachable     = 1
	ICMPv6PacketTooBig    = 2
	ICMPv6TimeExceeded    = 3
	ICMPv6ParamProblem    = 4
	ICMPv6Echo            = 128
	ICMPv6EchoReply       = 129
	ICMPv6MLDQuery        = 130
	ICMPv6MLDv1Report     = 131
	ICMPv6MLDv1Done       = 132
	ICMPv6RouterSolicit   = 133
	ICMPv6RouterAdvert    = 134
	ICMPv6NeighborSolicit = 135
	ICMPv6NeighborAdvert  = 136
	ICMPv6Redirect        = 137
	ICMPv6MLDv2Report     = 143
)

// The codes of an ICMPv6 Unreachable (RFC 4443 §3.1).
const (
	ICMPv6NoRoute            = 0
	ICMPv6Prohibited         = 1
	ICMPv6BeyondScope        = 2
	ICMPv6AddressUnreachable = 3
	ICMPv6PortUnreachable    = 4
	ICMPv6PolicyFailed       = 5
	ICMPv6RejectRoute        = 6
)

// The codes of a Time Exceeded message of either version.
const (
	ICMPHopLimit   = 0
	ICMPReassembly = 1
)

// The codes of an ICMPv6 Parameter Problem (RFC 4443 §3.4, RFC 7112 §5).
const (
	ICMPv6BadField      = 0
	ICMPv6UnknownHeader = 1
	ICMPv6UnknownOption = 2
	ICMPv6HeaderChain   = 3
)

// An ICMP is a message of ICMPv4 or ICMPv6 as a value: the two share their form.
type ICMP struct {
	Type, Code uint8
	Rest       uint32 // octets 4 to 7, which mean what the type says
	Body       chunk.View
}

// EchoID returns the identifier of an echo.
func (m *ICMP) EchoID() uint16 { return uint16(m.Rest >> 16) }

// EchoSeq returns the sequence number of an echo.
func (m *ICMP) EchoSeq() uint16 { return uint16(m.Rest) }

// EchoRest returns what stands in Rest of an echo.
func EchoRest(id, seq uint16) uint32 { return uint32(id)<<16 | uint32(seq) }

// MTU4 returns the next-hop MTU of an ICMPv4 Fragmentation Needed (RFC 1191 §4), 0
// from an old router. That of a Packet Too Big of ICMPv6 is Rest.
func (m *ICMP) MTU4() int { return int(m.Rest & 0xffff) }

// Pointer4 returns the pointer of an ICMPv4 Parameter Problem. That of ICMPv6 is Rest.
func (m *ICMP) Pointer4() int { return int(m.Rest >> 24) }

// IsError4 reports whether an ICMPv4 message of this type is an error, which must
// never be answered with another (RFC 1122 §3.2.2). Types that are not known count as errors.
func IsError4(kind uint8) bool {
	switch kind {
	case ICMPv4EchoReply, ICMPv4Echo, 9, 10, ICMPv4Timestamp, ICMPv4TimestampReply, 15, 16, 17, 18, 42, 43:
		return false
	}
	return true
}

// IsError6 reports whether an ICMPv6 message of this type is an error (RFC 4443
// §2.1), or a redirect, which must not be answered with one either (§2.4 (e)).
func IsError6(kind uint8) bool { return kind < 128 || kind == ICMPv6Redirect }

// ParseICMP reads the message that o holds into m, which takes over its body. It
// does not check the checksum: see IP.Verify.
func ParseICMP(o *Octets, m *ICMP) Fault {
	*m = ICMP{}
	b := o.Front()
	if len(b) < ICMPLen {
		return Truncated
	}
	m.Type, m.Code, m.Rest = b[0], b[1], binary.BigEndian.Uint32(b[4:])
	m.Body = o.take(ICMPLen)
	return OK
}

// PutICMP writes the header of m to the first 8 octets of b, with a checksum of
// zero: IP.Seal puts in the right one.
func PutICMP(b []byte, m *ICMP) {
	b = b[:ICMPLen]
	b[0], b[1], b[2], b[3] = m.Type, m.Code, 0, 0
	binary.BigEndian.PutUint32(b[4:], m.Rest)
}
