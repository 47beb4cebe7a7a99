package wire

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// slowSum is the checksum as RFC 1071 §1 describes it: the twin of Sum.
func slowSum(b []byte) uint16 {
	var s uint32
	for i, x := range b {
		if i%2 == 0 {
			s += uint32(x) << 8
		} else {
			s += uint32(x)
		}
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// same reports whether two sums are equal in one's complement, where 0 and 0xffff are one number.
func same(a, b uint16) bool { return a%0xffff == b%0xffff }

func octetsForSum(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestSumOfEveryLength(t *testing.T) {
	all := octetsForSum(600)
	for off := range 9 {
		for n := 0; n+off <= len(all); n++ {
			b := all[off : off+n]
			if got, want := uint16(Sum(0).Add(b)), slowSum(b); got != want {
				t.Fatalf("%d octets at %d: sum %#04x, want %#04x", n, off, got, want)
			}
		}
	}
}

func TestSumOfOnesAndZeros(t *testing.T) {
	// All carries, and the only sums in which 0 and 0xffff matter: RFC 1071
	// gives zero only to octets that are all zero.
	for n := range 300 {
		if got := Sum(0).Add(bytes.Repeat([]byte{0xff}, 2*n)); n > 0 && uint16(got) != 0xffff {
			t.Fatalf("%d octets of ones: %#04x", 2*n, uint16(got))
		}
		if got := Sum(0).Add(make([]byte, n)); uint16(got) != 0 {
			t.Fatalf("%d octets of zeros: %#04x", n, uint16(got))
		}
	}
}

func TestSumRFC1071Example(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7} // RFC 1071 §3
	if got := Sum(0).Add(b); uint16(got) != 0xddf2 || got.Checksum() != 0x220d {
		t.Errorf("sum %#04x, checksum %#04x", uint16(got), got.Checksum())
	}
}

func TestUpdateChecksumRFC1624Example(t *testing.T) {
	// RFC 1624 §4: a checksum of 0xdd2f, a word that goes from 0x5555 to 0x3285.
	if got := UpdateChecksum(0xdd2f, 0x5555, 0x3285); got != 0x0000 {
		t.Errorf("got %#04x", got)
	}
}

func TestSumCopyCopies(t *testing.T) {
	for _, n := range []int{0, 1, 7, 64, 1460, copyBlock - 1, copyBlock, copyBlock + 1, 3*copyBlock + 5} {
		src := octetsForSum(n)
		dst := make([]byte, n+3)
		got := Sum(0).AddUint16(7).Copy(dst, src)
		if want := Sum(0).AddUint16(7).Add(src); got != want {
			t.Errorf("%d octets: sum %#x, want %#x", n, got, want)
		}
		if !bytes.Equal(dst[:n], src) || !bytes.Equal(dst[n:], make([]byte, 3)) {
			t.Errorf("%d octets: copied something else", n)
		}
		short := make([]byte, n/2)
		if got, want := Sum(0).Copy(short, src), Sum(0).Add(src[:n/2]); got != want || !bytes.Equal(short, src[:n/2]) {
			t.Errorf("%d octets into %d: sum %#x, want %#x", n, n/2, got, want)
		}
	}
}

func TestPseudoSum(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "255.255.255.255", "0.0.0.0", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"} {
		src := netip.MustParseAddr(a)
		dst := src
		if src.Is4() {
			dst = netip.MustParseAddr("198.51.100.255")
		}
		for _, n := range []int{0, 1, 8, 0xffff, 0x1_0000, 0x12_3456} {
			var b []byte
			b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
			b = binary.BigEndian.AppendUint32(b, uint32(n))
			b = append(b, 0, 0, 0, byte(ProtoTCP))
			if got, want := uint16(PseudoSum(src, dst, ProtoTCP, n)), slowSum(b); got != want {
				t.Errorf("%v, %d octets: %#04x, want %#04x", src, n, got, want)
			}
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("the quick brown fox"), 3, 7, uint16(0x1234))
	f.Add(bytes.Repeat([]byte{0xff}, 200), 1, 100, uint16(0xffff))
	f.Add([]byte{}, 0, 0, uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, i, j int, word uint16) {
		want := slowSum(b)
		if got := uint16(Sum(0).Add(b)); got != want {
			t.Fatalf("sum %#04x, want %#04x", got, want)
		}
		// Cut into three anywhere: added in a row, or summed alone and joined.
		i, j = cutAt(i, len(b)), cutAt(j, len(b))
		i, j = min(i, j), max(i, j)
		if got := Sum(0).Add(b[:i]).Add(b[i:j]).Add(b[j:]); uint16(got) != want || got&oddSum != Sum(len(b)&1)<<31 {
			t.Fatalf("cut at %d and %d: sum %#x, want %#x", i, j, got, want)
		}
		joined := Sum(0).Add(b[:i]).Join(Sum(0).Add(b[i:j])).Join(Sum(0).Add(b[j:]))
		if uint16(joined) != want {
			t.Fatalf("joined at %d and %d: sum %#x, want %#x", i, j, joined, want)
		}
		checkWords(t, b, word)
		checkUpdate(t, b, i&^1, word)
	})
}

func cutAt(i, n int) int { return int(uint(i) % uint(n+1)) }

func checkWords(t *testing.T, b []byte, word uint16) {
	more := binary.BigEndian.AppendUint16(bytes.Clone(b), word)
	if got, want := uint16(Sum(0).Add(b).AddUint16(word)), slowSum(more); got != want {
		t.Fatalf("after %d octets and a word: %#x, want %#x", len(b), got, want)
	}
	more = binary.BigEndian.AppendUint32(more, uint32(word)<<16|1)
	if got, want := uint16(Sum(0).Add(b).AddUint16(word).AddUint32(uint32(word)<<16|1)), slowSum(more); got != want {
		t.Fatalf("after %d octets and words: %#x, want %#x", len(b), got, want)
	}
}

// checkUpdate changes a word at an even place and compares the updated checksum with a new one.
func checkUpdate(t *testing.T, b []byte, at int, word uint16) {
	if at+2 > len(b) {
		return
	}
	old := binary.BigEndian.Uint16(b[at:])
	before := Sum(0).Add(b).Checksum()
	c := bytes.Clone(b)
	binary.BigEndian.PutUint16(c[at:], word)
	if got, want := UpdateChecksum(before, old, word), Sum(0).Add(c).Checksum(); !same(got, want) {
		t.Fatalf("%#04x became %#04x: checksum %#04x, want %#04x", old, word, got, want)
	}
}
