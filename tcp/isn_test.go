package tcp

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

func sipKey() (k [16]byte) {
	for i := range k {
		k[i] = byte(i)
	}
	return k
}

// The input and output of appendix A of the SipHash paper.
func TestSipHash(t *testing.T) {
	var in [15]byte
	for i := range in {
		in[i] = byte(i)
	}
	if got := siphash(sipKey(), in[:]); got != 0xa129ca6149be45e5 {
		t.Errorf("SipHash-2-4 is %x", got)
	}
}

// MUST-8: "A TCP implementation MUST use the above type of clock for
// clock-driven selection of initial sequence numbers": one tick in four
// microseconds.
func TestRFC9293_MUST8_ISNFollowsClock(t *testing.T) {
	tuple := []byte("10.0.0.1:1 10.0.0.2:2")
	a := ISN(sipKey(), 0, tuple)
	b := ISN(sipKey(), mono.Time(time.Second), tuple)
	if d := b.Sub(a); d != 250_000 {
		t.Errorf("the number moves %d in a second, want 250000", d)
	}
}

// MUST-9: "it MUST NOT be computable from the outside": neighbouring tuples and
// other keys give unrelated numbers.
func TestRFC9293_MUST9_ISNIsKeyed(t *testing.T) {
	seen := make(map[uint32]bool)
	var ones [32]int
	const n = 1 << 14
	for i := range uint32(n) {
		var tuple [12]byte
		binary.BigEndian.PutUint32(tuple[8:], i)
		x := uint32(ISN(sipKey(), 0, tuple[:]))
		seen[x] = true
		for bit := range ones {
			ones[bit] += int(x >> bit & 1)
		}
	}
	// 2¹⁴ random numbers of 32 bits collide about 2²⁸/2³³ times: hardly ever.
	if len(seen) < n-4 {
		t.Errorf("%d of %d numbers are the same as others", n-len(seen), n)
	}
	for bit, k := range ones {
		if k < n/2-512 || k > n/2+512 { // eight standard deviations
			t.Errorf("bit %d is set in %d of %d numbers", bit, k, n)
		}
	}
	other := sipKey()
	other[0]++
	if ISN(sipKey(), 0, nil) == ISN(other, 0, nil) {
		t.Error("two keys give one number")
	}
}
