package link

import (
	"encoding/binary"
	"math"
	"testing"
)

// The vector is that of appendix A of the SipHash paper, the others are from the
// table that its authors publish with their code: message 00 01 02 …, key 00 … 0f.
func TestSipHashVectors(t *testing.T) {
	key := sipKey{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	var msg [32]byte
	for i := range msg {
		msg[i] = byte(i)
	}
	for n, want := range map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462,
		15: 0xa129ca6149be45e5,
	} {
		if got := key.sum(msg[:n]); got != want {
			t.Errorf("SipHash of %d octets is %#x, want %#x", n, got, want)
		}
	}
	a, b, c := binary.LittleEndian.Uint64(msg[:]), binary.LittleEndian.Uint64(msg[8:]), binary.LittleEndian.Uint64(msg[16:])
	if key.words(a, b, c) != key.sum(msg[:24]) {
		t.Error("the hash of three words is not that of their octets")
	}
}

func TestLog2(t *testing.T) {
	for _, x := range []uint64{1, 2, 3, 10, 1 << 20, 1<<63 + 12345, math.MaxUint64} {
		got, want := float64(log2(x))/(1<<32), math.Log2(float64(x))
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("log2(%d) = %v, want %v", x, got, want)
		}
	}
}
