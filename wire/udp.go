package wire

import (
	"encoding/binary"

	"github.com/octet-net/octet/chunk"
)

// UDPLen is the length of a UDP header, in octets.
const UDPLen = 8

// A UDP is a datagram as a value (RFC 768).
type UDP struct {
	SrcPort, DstPort uint16
	Payload          chunk.View
}

// ParseUDP reads the datagram that o holds into u, which takes over the payload. It
// does not check the checksum: see IP.Verify.
func ParseUDP(o *Octets, u *UDP) Fault {
	*u = UDP{}
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
	u.SrcPort, u.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	o.Cut(n)
	u.Payload = o.take(UDPLen)
	return OK
}

// PutUDP writes the header of u to the first 8 octets of b, with a checksum of
// zero: IP.Seal puts in the right one.
func PutUDP(b []byte, u *UDP) {
	b = b[:UDPLen]
	binary.BigEndian.PutUint16(b, u.SrcPort)
	binary.BigEndian.PutUint16(b[2:], u.DstPort)
	binary.BigEndian.PutUint16(b[4:], uint16(UDPLen+u.Payload.Len()))
	b[6], b[7] = 0, 0
}
