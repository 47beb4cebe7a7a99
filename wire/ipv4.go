package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// IPv4Len is the length of an IPv4 header without options, in octets.
const IPv4Len = 20

// The IPv4 options that octet tells apart (IANA's registry, RFC 7126).
const (
	ipv4EndOfOptions = 0
	ipv4NoOperation  = 1
	ipv4RecordRoute  = 7
	ipv4Timestamp    = 68
	ipv4LooseRoute   = 131
	ipv4RouterAlert  = 148
	ipv4StrictRoute  = 137
)

// The bits of the third word of an IPv4 header.
const (
	ipv4DF         = 0x4000
	ipv4MF         = 0x2000
	ipv4OffsetMask = 0x1fff
)

// ParseIPv4 reads an IPv4 header as ParseIP does (RFC 791 §3.1).
func ParseIPv4(o *Octets, h *IP) Fault {
	*h = IP{}
	b := o.Front()
	if len(b) < IPv4Len {
		return Truncated
	}
	if b[0]>>4 != 4 {
		return BadVersion
	}
	n, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if n < IPv4Len || n > len(b) {
		return BadHeaderLength
	}
	// RFC 1122 §3.2.1.2: verify the checksum, silently discard what fails.
	if sumHeader(b[:n]) != 0xffff {
		return BadChecksum
	}
	h.readFixed4(b)
	if total < n {
		return BadLength
	}
	if total > o.Len() {
		return Truncated
	}
	o.Cut(total)
	if v := binary.BigEndian.Uint16(b[6:]); v != 0 {
		h.readFlags4(v)
		if f := h.checkFragment(total-n, IPv4Len); f != OK {
			return f
		}
	}
	if n > IPv4Len {
		h.Extra = b[IPv4Len:n:n]
		return h.readOptions4()
	}
	return OK
}

// readFixed4 takes the fields from the first 20 octets, but for the flags.
func (h *IP) readFixed4(b []byte) {
	_ = b[IPv4Len-1]
	h.Src = netip.AddrFrom4([4]byte(b[12:16]))
	h.Dst = netip.AddrFrom4([4]byte(b[16:20]))
	h.Proto, h.Next, h.At = Proto(b[9]), Proto(b[9]), 9
	h.TTL, h.TOS = b[8], b[1]
	h.ID = uint32(binary.BigEndian.Uint16(b[4:]))
	h.HeaderLen, h.Len = uint16(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
}

// sumHeader returns the folded sum of an IPv4 header of 20 to 60 octets.
func sumHeader(b []byte) uint16 {
	v := uint64(binary.LittleEndian.Uint32(b[16:20]))
	s, c := bits.Add64(binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), 0)
	s, c = bits.Add64(s, v, c)
	for b = b[20:]; len(b) >= 4; b = b[4:] {
		s, c = bits.Add64(s, uint64(binary.LittleEndian.Uint32(b)), c)
	}
	s, c = bits.Add64(s, 0, c)
	return fold16(s + c)
}

// readFlags4 takes the flags and the fragment offset from v.
func (h *IP) readFlags4(v uint16) {
	if v&ipv4DF != 0 {
		h.Flags |= DontFragment
	}
	if v&ipv4MF != 0 {
		h.Flags |= MoreFragments
	}
	h.Offset = v & ipv4OffsetMask * 8
}

// checkFragment checks the payload of n octets of what may be a fragment; the
// packet made of it has extra octets of headers that its length field counts.
func (h *IP) checkFragment(n, extra int) Fault {
	if h.Flags&MoreFragments != 0 && n%8 != 0 {
		return FragmentLength
	}
	if h.Offset != 0 && int(h.Offset)+n+extra > 0xffff {
		return FragmentRange
	}
	return OK
}

// readOptions4 checks the shape of the options and notes those that matter. What
// they ask for is not done: a host needs not (RFC 7126), and none is ever echoed.
// What is not understood is skipped (MUST-50).
func (h *IP) readOptions4() Fault {
	b := h.Extra
	for len(b) > 0 {
		switch b[0] {
		case ipv4EndOfOptions:
			return OK
		case ipv4NoOperation:
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			h.At = uint16(IPv4Len + len(h.Extra) - len(b))
			return BadOption
		}
		switch b[0] {
		case ipv4LooseRoute, ipv4StrictRoute:
			h.Flags |= SourceRoute
		case ipv4RouterAlert:
			h.Flags |= RouterAlert
		}
		b = b[b[1]:]
	}
	return OK
}

func putIPv4(b []byte, h *IP) {
	n := h.Size()
	b = b[:n:n]
	b[0], b[1] = 0x40|byte(n/4), h.TOS
	binary.BigEndian.PutUint16(b[2:], uint16(h.Len))
	binary.BigEndian.PutUint16(b[4:], uint16(h.ID))
	v := h.Offset / 8
	if h.Flags&DontFragment != 0 {
		v |= ipv4DF
	}
	if h.Flags&MoreFragments != 0 {
		v |= ipv4MF
	}
	binary.BigEndian.PutUint16(b[6:], v)
	b[8], b[9], b[10], b[11] = h.TTL, byte(h.Proto), 0, 0
	*(*[4]byte)(b[12:]) = h.Src.As4()
	*(*[4]byte)(b[16:]) = h.Dst.As4()
	if n > IPv4Len {
		clear(b[IPv4Len+copy(b[IPv4Len:], h.Extra):])
	}
	binary.LittleEndian.PutUint16(b[10:], ^sumHeader(b))
}
