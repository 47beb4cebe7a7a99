package wire

import (
	"encoding/binary"

	"github.com/octet-net/octet/chunk"
)

// A Quote is what an ICMP error says of the packet that caused it: its header and
// the begin of its transport packet.
type Quote struct {
	// IP is the header as it was quoted. Len is what the packet had, not what is
	// quoted; a checksum in it is not verified, since routers change it on the way,
	// and options are not looked at.
	IP IP
	// Transport holds at least the first 8 octets behind the headers: for TCP the
	// ports and the sequence number, for UDP the whole header.
	Transport []byte

	SrcPort, DstPort uint16 // of TCP and UDP
	Seq              Seq    // of TCP
}

// quotedOctets is the least that an error quotes of a transport packet (RFC 792).
const quotedOctets = 8

// HasQuote4 reports whether an ICMPv4 message of this type quotes a packet.
func HasQuote4(kind uint8) bool {
	switch kind {
	case ICMPv4Unreachable, ICMPv4SourceQuench, ICMPv4Redirect, ICMPv4TimeExceeded, ICMPv4ParamProblem:
		return true
	}
	return false
}

// HasQuote6 reports whether an ICMPv6 message of this type quotes a packet in the
// place where errors do (RFC 4443 §2.1: every error does, of unknown type too).
func HasQuote6(kind uint8) bool { return kind < 128 }

// ParseQuote4 reads what the ICMPv4 error m quotes into q. A quote of another ICMP
// error or of a later fragment, which nobody may answer with an error, is of BadType.
func ParseQuote4(m *ICMP, q *Quote) Fault {
	*q = Quote{}
	if !HasQuote4(m.Type) {
		return BadType
	}
	b := m.Body.B
	switch m.Type {
	case ICMPv4Unreachable, ICMPv4TimeExceeded, ICMPv4ParamProblem:
		b = withoutExtension(b, int(m.Rest>>16&0xff)*4)
	}
	if f := q.IP.readQuoted4(b); f != OK {
		return f
	}
	return q.readTransport(b)
}

// ParseQuote6 reads what the ICMPv6 error m quotes into q as ParseQuote4 does.
func ParseQuote6(m *ICMP, q *Quote) Fault {
	*q = Quote{}
	if !HasQuote6(m.Type) {
		return BadType
	}
	b := m.Body.B
	switch m.Type {
	case ICMPv6Unreachable, ICMPv6TimeExceeded:
		b = withoutExtension(b, int(m.Rest>>24)*8)
	}
	if f := q.IP.readQuoted6(b); f != OK {
		return f
	}
	return q.readTransport(b)
}

// withoutExtension returns the part of an ICMP body that is quoted: n octets where
// the message says so (RFC 4884 §4), otherwise all.
func withoutExtension(b []byte, n int) []byte {
	if n > 0 && n < len(b) {
		return b[:n]
	}
	return b
}

// readQuoted4 reads an IPv4 header whose packet may be cut off after it.
func (h *IP) readQuoted4(b []byte) Fault {
	if len(b) < IPv4Len {
		return Truncated
	}
	if b[0]>>4 != 4 {
		return BadVersion
	}
	n := int(b[0]&15) * 4
	if n < IPv4Len || n > len(b) {
		return BadHeaderLength
	}
	h.readFixed4(b)
	h.readFlags4(binary.BigEndian.Uint16(b[6:]))
	h.Extra = b[IPv4Len:n:n]
	return OK
}

// readQuoted6 reads an IPv6 header whose packet may be cut off after its headers.
// The extension headers are walked, not judged.
func (h *IP) readQuoted6(b []byte) Fault {
	if len(b) < IPv6Len {
		return Truncated
	}
	if b[0]>>4 != 6 {
		return BadVersion
	}
	h.readFixed6(b)
	for count := 0; isExtension(h.Proto) && h.Offset == 0; count++ {
		if count == maxExtensions {
			return TooManyHeaders
		}
		at := int(h.HeaderLen)
		n := extensionLen(h.Proto, b[at:])
		if n == 0 {
			return Truncated
		}
		if h.Proto == ProtoFragment {
			h.readFragmentFields(b[at:])
		}
		h.Proto, h.At = Proto(b[at]), uint16(at)
		h.HeaderLen, h.Extra = uint16(at+n), b[IPv6Len:at+n:at+n]
	}
	return OK
}

// extensionLen returns the length of the extension header p at the front of b, 0
// if it is not all there.
func extensionLen(p Proto, b []byte) int {
	if len(b) < FragmentLen {
		return 0
	}
	n := FragmentLen
	if p != ProtoFragment {
		n += 8 * int(b[1])
	}
	if n > len(b) {
		return 0
	}
	return n
}

// readTransport reads what is quoted behind the headers.
func (q *Quote) readTransport(b []byte) Fault {
	if q.IP.Offset != 0 {
		return BadType
	}
	b = b[q.IP.HeaderLen:]
	if len(b) < quotedOctets {
		return Truncated
	}
	q.Transport = b[:len(b):len(b)]
	switch q.IP.Proto {
	case ProtoTCP:
		q.Seq = Seq(binary.BigEndian.Uint32(b[4:]))
		fallthrough
	case ProtoUDP:
		q.SrcPort, q.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case ProtoICMPv4:
		if IsError4(b[0]) {
			return BadType
		}
	case ProtoICMPv6:
		if IsError6(b[0]) {
			return BadType
		}
	}
	return OK
}

// ICMP returns the header of the ICMP message that is quoted, where IP.Proto says
// that it is one.
func (q *Quote) ICMP() (m ICMP) {
	o := Octets{Data: chunk.Borrow(q.Transport)}
	ParseICMP(&o, &m)
	return m
}
