package octet

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// A secret is what makes a host unpredictable from outside: one key for each purpose.
type secret struct {
	ip   [16]byte // ip.Config.Key
	isn  [16]byte // initial sequence numbers (RFC 6528 §3)
	ts   [16]byte // offsets of timestamps (RFC 7323 §7.1)
	port [16]byte // ephemeral ports (RFC 6056)
	misc [16]byte // order of events of one moment
}

// newSecret draws the keys from crypto/rand, or derives them from a seed and the
// name of the host so that a run can be repeated.
func newSecret(name string, seed *uint64) secret {
	var root [32]byte
	if seed == nil {
		rand.Read(root[:]) // never fails
	} else {
		root = sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, *seed), name...))
	}
	key := func(purpose string) (k [16]byte) {
		sum := sha256.Sum256(append(root[:], purpose...))
		copy(k[:], sum[:])
		return k
	}
	return secret{key("ip"), key("isn"), key("timestamp"), key("port"), key("order")}
}

// sipHash is SipHash-2-4 (Aumasson and Bernstein, 2012) of msg under a key. Not
// to be guessed without the key, which is all that is asked of it here.
func sipHash(key *[16]byte, msg []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	s := sipState{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	last := uint64(len(msg)) << 56
	for ; len(msg) >= 8; msg = msg[8:] {
		s.block(binary.LittleEndian.Uint64(msg))
	}
	for i, b := range msg {
		last |= uint64(b) << (8 * i)
	}
	s.block(last)
	s.v2 ^= 0xff
	s.round()
	s.round()
	s.round()
	s.round()
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

type sipState struct{ v0, v1, v2, v3 uint64 }

func (s *sipState) block(m uint64) {
	s.v3 ^= m
	s.round()
	s.round()
	s.v0 ^= m
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
