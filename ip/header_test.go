package ip

import (
	"bytes"
	"testing"

	"github.com/octet-net/octet/wire"
)

// What a Header writes is what wire.PutIP writes.
func TestHeaderIsThatOfWire(t *testing.T) {
	for _, c := range []struct{ src, dst string }{{"192.0.2.5", "198.51.100.7"}, {"2001:db8::5", "2001:db8::7"}} {
		for ecn := range uint8(4) {
			for _, n := range []int{0, 1, 20, 1460, 65000} {
				full := wire.IP{
					Src: addr(c.src), Dst: addr(c.dst), Proto: wire.ProtoTCP, Next: wire.ProtoTCP, TTL: 61, TOS: 0xb8 | ecn,
					Label: 0xabcde, Flags: wire.DontFragment,
				}
				full.Len = full.Size() + n
				want := make([]byte, full.Size())
				wire.PutIP(want, &full)
				h := NewHeader(full.Src, full.Dst, full.Proto, 61, 0xb8|ecn^3, 0xabcde)
				got := make([]byte, h.Size())
				h.Put(got, n, ecn)
				if !bytes.Equal(got, want) {
					t.Errorf("%s, %d octets, ECN %d:\n got %x\nwant %x", c.src, n, ecn, got, want)
				}
				if got, want := h.Pseudo(n), full.Pseudo(n); got.Checksum() != want.Checksum() {
					t.Errorf("%s, %d octets: pseudo-header %x, want %x", c.src, n, got, want)
				}
			}
		}
	}
}

func BenchmarkHeaderPut(b *testing.B) {
	h := NewHeader(addr("192.0.2.5"), addr("198.51.100.7"), wire.ProtoTCP, 64, 0, 0)
	p := make([]byte, 20)
	for b.Loop() {
		h.Put(p, 1460, 2)
	}
}
