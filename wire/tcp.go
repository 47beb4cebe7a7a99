package wire

import "encoding/binary"

// TCPLen is the length of a TCP header without options, in octets.
const TCPLen = 20

// MaxTCPOptions is the longest option block of a TCP header, in octets.
const MaxTCPOptions = 40

// flagBits are those of bits 12 to 15 of a TCP header that are flags.
const flagBits = uint16(FIN | SYN | RST | PSH | ACK | URG | ECE | CWR | AE)

// ParseTCP reads the segment that o holds into s, which takes over the payload
// (RFC 9293 §3.1). Whatever s held is forgotten; its ECN field is for the caller to
// fill from the IP header, Piece from whoever received the packet. It does not check the checksum: see IP.Verify.
//
// Options that are not what they should be never fail a segment (MUST-7).
func ParseTCP(o *Octets, s *Segment) Fault {
	*s = Segment{}
	b := o.Front()
	if len(b) < TCPLen {
		return Truncated
	}
	n := int(b[12]>>4) * 4
	if n < TCPLen || n > len(b) {
		return BadHeaderLength
	}
	s.SrcPort, s.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	s.Seq, s.Ack = Seq(binary.BigEndian.Uint32(b[4:])), Seq(binary.BigEndian.Uint32(b[8:]))
	s.Flags = Flags(binary.BigEndian.Uint16(b[12:]) & flagBits)
	s.Window, s.Urgent = binary.BigEndian.Uint16(b[14:]), binary.BigEndian.Uint16(b[18:])
	if n > TCPLen {
		s.Options.parse(b[TCPLen:n])
	}
	s.Payload = o.take(n)
	return OK
}

// HeaderLen returns how many octets PutTCP writes: 20 to 60.
func (s *Segment) HeaderLen() int { return TCPLen + s.Options.Size() }

// PutTCP writes the header of s to the first s.HeaderLen() octets of b, with a
// checksum of zero: IP.Seal puts in the right one.
func PutTCP(b []byte, s *Segment) {
	n := s.HeaderLen()
	b = b[:n:n]
	binary.BigEndian.PutUint16(b, s.SrcPort)
	binary.BigEndian.PutUint16(b[2:], s.DstPort)
	binary.BigEndian.PutUint32(b[4:], uint32(s.Seq))
	binary.BigEndian.PutUint32(b[8:], uint32(s.Ack))
	binary.BigEndian.PutUint16(b[12:], uint16(n/4)<<12|uint16(s.Flags)&flagBits)
	binary.BigEndian.PutUint16(b[14:], s.Window)
	binary.BigEndian.PutUint16(b[16:], 0)
	binary.BigEndian.PutUint16(b[18:], s.Urgent)
	if n > TCPLen {
		s.Options.put(b[TCPLen:])
	}
}
