package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
)

// Proto is the protocol of what follows an IP header, from IANA's registry.
type Proto uint8

// The protocols that octet knows.
const (
	ProtoHopByHop    Proto = 0
	ProtoICMPv4      Proto = 1
	ProtoIGMP        Proto = 2
	ProtoIPv4        Proto = 4
	ProtoTCP         Proto = 6
	ProtoUDP         Proto = 17
	ProtoIPv6        Proto = 41
	ProtoRouting     Proto = 43
	ProtoFragment    Proto = 44
	ProtoESP         Proto = 50
	ProtoAH          Proto = 51
	ProtoICMPv6      Proto = 58
	ProtoNone        Proto = 59
	ProtoDestOptions Proto = 60
)

// String returns the protocol's name, or its number where it is not known.
func (p Proto) String() string {
	switch p {
	case ProtoHopByHop:
		return "HopByHop"
	case ProtoICMPv4:
		return "ICMP"
	case ProtoIGMP:
		return "IGMP"
	case ProtoIPv4:
		return "IP"
	case ProtoTCP:
		return "TCP"
	case ProtoUDP:
		return "UDP"
	case ProtoIPv6:
		return "IPv6"
	case ProtoRouting:
		return "Routing"
	case ProtoFragment:
		return "Fragment"
	case ProtoESP:
		return "ESP"
	case ProtoAH:
		return "AH"
	case ProtoICMPv6:
		return "ICMPv6"
	case ProtoNone:
		return "none"
	case ProtoDestOptions:
		return "DestOptions"
	}
	return "protocol " + strconv.Itoa(int(p))
}

// IPFlags say what else an IP header holds.
type IPFlags uint8

// The flags of an IP value. Put obeys the first two for IPv4 only; everything of
// IPv6, and the options of IPv4, is in Extra.
const (
	DontFragment  IPFlags = 1 << iota // IPv4 DF
	MoreFragments                     // this is a fragment and not the last
	Fragmented                        // there is an IPv6 fragment header, if only of an atomic fragment (RFC 6946)
	SourceRoute                       // IPv4 LSRR or SSRR: to be dropped (RFC 7126 §4.3)
	RouterAlert                       // RFC 2113, RFC 2711
)

// An IP is the header of an IP packet of either version as a value, IPv6
// extension headers included. The version is that of Src, which Dst must share.
type IP struct {
	Src, Dst netip.Addr
	Proto    Proto // of what begins at HeaderLen
	TTL      uint8 // hop limit
	TOS      uint8 // traffic class: DSCP above the two bits of ECN
	Flags    IPFlags
	ID       uint32 // of the fragments of one packet: 16 bits for IPv4
	Label    uint32 // IPv6 flow label, 20 bits
	Offset   uint16 // of this fragment, in octets
	// HeaderLen says where what Proto names begins, in octets. In a fragment that
	// is the fragment's payload, in any other packet the transport's header.
	HeaderLen uint16
	// At is the octet that a Parameter Problem points to: after OK the one that
	// names Proto (for RFC 4443 §3.4 code 1), after a fault the one at fault.
	At    uint16
	Next  Proto  // IPv6: what the fixed header names; equal to Proto where Extra is empty
	Len   int    // of the whole packet, in octets, without padding of the link
	Extra []byte // IPv4 options (at most 40 octets), or the IPv6 extension headers up to HeaderLen; lies in the packet
}

// Is6 reports whether the packet is one of IPv6.
func (h *IP) Is6() bool { return !h.Src.Is4() }

// ECN returns the ECN field (RFC 3168 §5).
func (h *IP) ECN() uint8 { return h.TOS & 3 }

// IsFragment reports whether the packet is a part of another.
func (h *IP) IsFragment() bool { return h.Offset != 0 || h.Flags&MoreFragments != 0 }

// Size returns how many octets PutIP writes.
func (h *IP) Size() int {
	if h.Is6() {
		return IPv6Len + len(h.Extra)
	}
	return IPv4Len + (len(h.Extra)+3)&^3
}

// ParseIP reads the headers of the IP packet that o holds into h, and cuts off what
// the link padded. They stay in o: Pull(h.HeaderLen) leaves what h.Proto names.
// With a fault h still holds what had been read, enough for an ICMP error where
// the fault asks for one: Src and Dst are valid, or the zero Addr where the fixed
// header could not be read.
func ParseIP(o *Octets, h *IP) Fault {
	if b := o.Front(); len(b) > 0 && b[0]>>4 == 6 {
		return ParseIPv6(o, h)
	}
	return ParseIPv4(o, h)
}

// PutIP writes h, followed by h.Extra, to the first h.Size() octets of b, which
// must have room for them. The length field is h.Len.
func PutIP(b []byte, h *IP) {
	if h.Is6() {
		putIPv6(b, h)
	} else {
		putIPv4(b, h)
	}
}

// Pseudo returns the sum of the pseudo-header for n octets of h.Proto
// (RFC 9293 §3.1, RFC 8200 §8.1).
func (h *IP) Pseudo(n int) Sum { return PseudoSum(h.Src, h.Dst, h.Proto, n) }

// PseudoSum returns the sum of the pseudo-header of a transport packet of n octets.
func PseudoSum(src, dst netip.Addr, p Proto, n int) Sum {
	v := uint64(bits.ReverseBytes32(uint32(n))) + uint64(p)<<8
	if src.Is4() {
		s, d := src.As4(), dst.As4()
		v += uint64(binary.LittleEndian.Uint32(s[:])) + uint64(binary.LittleEndian.Uint32(d[:]))
	} else {
		s, d := src.As16(), dst.As16()
		w, c := bits.Add64(binary.LittleEndian.Uint64(s[:]), binary.LittleEndian.Uint64(s[8:]), 0)
		w, c = bits.Add64(w, binary.LittleEndian.Uint64(d[:]), c)
		w, c = bits.Add64(w, binary.LittleEndian.Uint64(d[8:]), c)
		w, c = bits.Add64(w, v, c)
		v, c = bits.Add64(w, 0, c)
		v += c
	}
	return Sum(bits.ReverseBytes16(fold16(v)))
}

// Verify checks the checksum of the transport packet that o holds, which has just
// been Pulled from behind h. A protocol that octet does not know is not checked.
// A segment that fails is dropped without a word (MUST-3).
func (h *IP) Verify(o *Octets) Fault {
	sum := Sum(0)
	switch h.Proto {
	case ProtoTCP, ProtoICMPv6:
		sum = h.Pseudo(o.Len()).Join(o.Sum())
	case ProtoICMPv4, ProtoIGMP:
		sum = o.Sum()
	case ProtoUDP:
		return h.verifyUDP(o)
	default:
		return OK
	}
	if sum.Checksum() != 0 {
		return BadChecksum
	}
	return OK
}

func (h *IP) verifyUDP(o *Octets) Fault {
	b := o.Front()
	if len(b) < UDPLen {
		return Truncated
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < UDPLen {
		return BadLength
	}
	if n > o.Len() {
		return Truncated
	}
	if b[6] == 0 && b[7] == 0 {
		if h.Is6() { // RFC 8200 §8.1: discard; RFC 768 lets IPv4 do without
			return BadChecksum
		}
		return OK
	}
	u := *o
	u.Cut(n)
	if h.Pseudo(n).Join(u.Sum()).Checksum() != 0 {
		return BadChecksum
	}
	return OK
}

// Seal writes the checksum of a transport packet of h.Proto, whose header is t and
// whose payload is data, to its place in t.
// Every TCP segment gets one, over IPv4 and IPv6 (MUST-2).
func (h *IP) Seal(t, data []byte) {
	at := checksumAt(h.Proto)
	if at < 0 {
		return
	}
	t[at], t[at+1] = 0, 0
	sum := Sum(0)
	if h.Proto != ProtoICMPv4 && h.Proto != ProtoIGMP {
		sum = h.Pseudo(len(t) + len(data))
	}
	c := sum.Join(Sum(0).Add(t).Add(data)).Checksum()
	if c == 0 && h.Proto == ProtoUDP {
		c = 0xffff // zero would say that there is none (RFC 768)
	}
	binary.BigEndian.PutUint16(t[at:], c)
}

// checksumAt returns where the checksum stands in a transport header, -1 if there is none.
func checksumAt(p Proto) int {
	switch p {
	case ProtoTCP:
		return 16
	case ProtoUDP:
		return 6
	case ProtoICMPv4, ProtoICMPv6, ProtoIGMP:
		return 2
	}
	return -1
}
