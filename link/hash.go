package link

import (
	"encoding/binary"
	"math/bits"
)

// sipKey is a key of SipHash-2-4 (Aumasson and Bernstein, 2012), which gives
// every packet its own random numbers without any state that packets share.
type sipKey struct{ k0, k1 uint64 }

type sipState struct{ v0, v1, v2, v3 uint64 }

func (k sipKey) start() sipState {
	return sipState{
		k.k0 ^ 0x736f6d6570736575, k.k1 ^ 0x646f72616e646f6d,
		k.k0 ^ 0x6c7967656e657261, k.k1 ^ 0x7465646279746573,
	}
}

func (s *sipState) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}

func (s *sipState) word(m uint64) {
	s.v3 ^= m
	s.round()
	s.round()
	s.v0 ^= m
}

func (s *sipState) sum() uint64 {
	s.v2 ^= 0xff
	for range 4 {
		s.round()
	}
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

// sum returns the SipHash of b.
func (k sipKey) sum(b []byte) uint64 {
	s := k.start()
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		s.word(binary.LittleEndian.Uint64(b))
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	s.word(last)
	return s.sum()
}

// words returns the SipHash of three numbers, little-endian one after another.
func (k sipKey) words(a, b, c uint64) uint64 {
	s := k.start()
	s.word(a)
	s.word(b)
	s.word(c)
	s.word(24 << 56)
	return s.sum()
}

// mix spreads a number over 64 bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// log2 returns the binary logarithm of x, at least 1, with 32 binary places:
// squaring the fraction once gives one place of its logarithm.
func log2(x uint64) uint64 {
	n := bits.Len64(x) - 1
	f := x << (63 - n) // 1 ≤ f / 2⁶³ < 2
	r := uint64(n)
	for range 32 {
		r <<= 1
		hi, lo := bits.Mul64(f, f)
		if hi>>63 == 1 { // the square is 2 or more
			r |= 1
			f = hi
		} else {
			f = hi<<1 | lo>>63
		}
	}
	return r
}
