package tcp

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// ISN returns an initial sequence number (RFC 6528 §3, MUST-8, MUST-9): a clock
// that ticks every four microseconds plus a keyed hash of what identifies the
// connection, its addresses and ports. Without the key, which is 128 random bits
// of the host, the numbers of one connection tell nothing of another's; with it,
// those of one pair of addresses and ports go up with time.
// This is SHLD-1.
func ISN(key [16]byte, now mono.Time, tuple []byte) wire.Seq {
	clock := uint32(int64(now) / int64(4*time.Microsecond))
	return wire.Seq(clock + uint32(siphash(key, tuple)))
}

// TimestampOffset returns what to add to the timestamp clock of a connection, so
// that it tells neither how long the host runs nor which connections are of one
// host (RFC 7323 §7.1). The key should be another one than that of ISN.
func TimestampOffset(key [16]byte, tuple []byte) uint32 {
	return uint32(siphash(key, tuple) >> 32)
}

// siphash is SipHash-2-4 of J.-P. Aumasson and D. J. Bernstein: a hash of short
// inputs that cannot be computed, nor its key found, from other hashes.
func siphash(key [16]byte, b []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	v := sipState{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		v.word(binary.LittleEndian.Uint64(b))
	}
	for i, x := range b {
		last |= uint64(x) << (8 * i)
	}
	v.word(last)
	v[2] ^= 0xff
	for range 4 {
		v.round()
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3]
}

type sipState [4]uint64

func (v *sipState) word(m uint64) {
	v[3] ^= m
	v.round()
	v.round()
	v[0] ^= m
}

func (v *sipState) round() {
	v[0] += v[1]
	v[2] += v[3]
	v[1] = bits.RotateLeft64(v[1], 13) ^ v[0]
	v[3] = bits.RotateLeft64(v[3], 16) ^ v[2]
	v[0] = bits.RotateLeft64(v[0], 32)
	v[2] += v[1]
	v[0] += v[3]
	v[1] = bits.RotateLeft64(v[1], 17) ^ v[2]
	v[3] = bits.RotateLeft64(v[3], 21) ^ v[0]
	v[2] = bits.RotateLeft64(v[2], 32)
}
