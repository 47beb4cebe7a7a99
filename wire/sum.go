package wire

import (
	"encoding/binary"
	"math/bits"
)

// A Sum is an Internet checksum in the making (RFC 1071): the one's complement
// sum of the 16-bit words so far, and whether an odd octet is still open. The
// zero Sum is that of no octets. Sums of pieces are combined with Join, whatever
// their lengths.
type Sum uint32

// oddSum says that an odd number of octets has been added.
const oddSum Sum = 1 << 31

func fold16(v uint64) uint16 {
	v = v>>32 + v&0xffffffff
	v = v>>32 + v&0xffffffff
	v = v>>16 + v&0xffff
	v = v>>16 + v&0xffff
	return uint16(v)
}

// add adds a folded sum of words in network order that starts at an even octet.
func (s Sum) add(v uint16) Sum {
	t := uint32(s&0xffff) + uint32(v)
	return s&oddSum | Sum(t>>16+t&0xffff)
}

// Add returns the sum with the octets of b after those added before.
func (s Sum) Add(b []byte) Sum {
	v := sumWords(b)
	// The words were read in little-endian order: after an odd octet that is
	// already the order they have in the sum (RFC 1071 §2(B)).
	if s&oddSum == 0 {
		v = bits.ReverseBytes16(v)
	}
	return s.add(v) ^ Sum(len(b)&1)<<31
}

// Copy copies src to dst and adds what it copies: min(len(dst), len(src)) octets.
// It reads src from memory once.
func (s Sum) Copy(dst, src []byte) Sum {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	for len(src) > copyBlock {
		copy(dst, src[:copyBlock])
		s = s.Add(src[:copyBlock])
		dst, src = dst[copyBlock:], src[copyBlock:]
	}
	copy(dst, src)
	return s.Add(src)
}

// copyBlock is what surely stays in the first-level cache between copying and adding.
const copyBlock = 4 << 10

// AddUint16 adds a number of 16 bits, which stands in network order.
func (s Sum) AddUint16(v uint16) Sum {
	if s&oddSum != 0 {
		v = bits.ReverseBytes16(v)
	}
	return s.add(v)
}

// AddUint32 adds a number of 32 bits, which stands in network order.
func (s Sum) AddUint32(v uint32) Sum { return s.AddUint16(uint16(v >> 16)).AddUint16(uint16(v)) }

// Join returns the sum of the octets of s followed by those of t.
func (s Sum) Join(t Sum) Sum {
	v := uint16(t)
	if s&oddSum != 0 {
		v = bits.ReverseBytes16(v)
	}
	return s.add(v) ^ t&oddSum
}

// Checksum returns the finished checksum: what goes into a checksum field that
// counted as zero, or zero when the octets hold a checksum that is right.
func (s Sum) Checksum() uint16 { return ^uint16(s) }

// UpdateChecksum returns the checksum of a packet in which a word old became new
// (RFC 1624 §3, equation 3).
func UpdateChecksum(check, old, new uint16) uint16 {
	return ^uint16(Sum(^check).add(^old).add(new))
}

// sumWords returns the folded sum of the little-endian 16-bit words of b; a last
// odd octet counts as the low half of a word.
func sumWords(b []byte) uint16 {
	// Eight words of 64 bits are one chain of carries; the carry out of it is
	// counted aside, so that the next chain need not wait for it.
	var s, c, carries uint64
	for len(b) >= 64 {
		w := b[:64:64]
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[0:]), 0)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[8:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[16:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[24:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[32:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[40:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[48:]), c)
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(w[56:]), c)
		carries += c
		b = b[64:]
	}
	for len(b) >= 8 {
		s, c = bits.Add64(s, binary.LittleEndian.Uint64(b), 0)
		carries += c
		b = b[8:]
	}
	s, c = bits.Add64(s, lastOctets(b), 0)
	s, c = bits.Add64(s, carries, c)
	return fold16(s>>32 + s&0xffffffff + c)
}

// lastOctets reads up to 7 octets as a little-endian number.
func lastOctets(b []byte) (v uint64) {
	shift := 0
	if len(b) >= 4 {
		v = uint64(binary.LittleEndian.Uint32(b))
		b, shift = b[4:], 32
	}
	if len(b) >= 2 {
		v |= uint64(binary.LittleEndian.Uint16(b)) << shift
		b, shift = b[2:], shift+16
	}
	if len(b) > 0 {
		v |= uint64(b[0]) << shift
	}
	return v
}
