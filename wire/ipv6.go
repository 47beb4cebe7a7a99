package wire

import (
	"encoding/binary"
	"net/netip"
)

// IPv6Len is the length of the fixed header of IPv6, in octets.
const IPv6Len = 40

// ParseIPv6 reads an IPv6 header and its extension headers as ParseIP does
// (RFC 8200 §3, §4).
func ParseIPv6(o *Octets, h *IP) Fault {
	*h = IP{}
	b := o.Front()
	if len(b) < IPv6Len {
		return Truncated
	}
	if b[0]>>4 != 6 {
		return BadVersion
	}
	h.readFixed6(b)
	if h.Len > o.Len() {
		return Truncated
	}
	o.Cut(h.Len)
	if isExtension(h.Next) {
		return h.readExtensions(b[:min(len(b), h.Len)], 0)
	}
	return OK
}

// readFixed6 takes the fields from the fixed header.
func (h *IP) readFixed6(b []byte) {
	v := binary.BigEndian.Uint32(b)
	h.Src = netip.AddrFrom16([16]byte(b[8:24]))
	h.Dst = netip.AddrFrom16([16]byte(b[24:40]))
	h.Proto, h.Next, h.At = Proto(b[6]), Proto(b[6]), 6
	h.TTL, h.TOS, h.Label = b[7], uint8(v>>20), v&0xfffff
	h.HeaderLen, h.Len = IPv6Len, IPv6Len+int(binary.BigEndian.Uint16(b[4:]))
}

func putIPv6(b []byte, h *IP) {
	b = b[:h.Size()]
	binary.BigEndian.PutUint32(b, 6<<28|uint32(h.TOS)<<20|h.Label&0xfffff)
	binary.BigEndian.PutUint16(b[4:], uint16(h.Len-IPv6Len))
	b[6], b[7] = byte(h.Proto), h.TTL
	*(*[16]byte)(b[8:]) = h.Src.As16()
	*(*[16]byte)(b[24:]) = h.Dst.As16()
	if len(h.Extra) > 0 {
		b[6] = byte(h.Next)
		copy(b[IPv6Len:], h.Extra)
	}
}
