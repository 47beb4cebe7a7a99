package link

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// sumIsRight reports whether a packet has the transport checksum it should have.
func sumIsRight(t *testing.T, p *Packet, ethernet bool) bool {
	t.Helper()
	flat := p.AppendTo(nil)
	if ethernet {
		flat = flat[etherHeader:]
	}
	o := wire.Plain(flat)
	var h wire.IP
	if f := wire.ParseIP(&o, &h); f != wire.OK {
		t.Fatalf("not an IP packet: %v", f)
	}
	o.Pull(int(h.HeaderLen))
	return h.Verify(&o) == wire.OK
}

// segment returns a TCP segment of n octets of payload with a wrong checksum, all
// of it flat.
func segment(ipv6 bool, n int) []byte {
	s := wire.Segment{SrcPort: 1234, DstPort: 80, Seq: 1, Flags: wire.ACK, Window: 500}
	h := wire.IP{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), Proto: wire.ProtoTCP, TTL: 64}
	if ipv6 {
		h.Src, h.Dst = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	}
	h.Len = h.Size() + s.HeaderLen() + n
	b := make([]byte, h.Len)
	wire.PutIP(b, &h)
	wire.PutTCP(b[h.Size():], &s)
	for i := range b[h.Size()+s.HeaderLen():] {
		b[h.Size()+s.HeaderLen()+i] = byte(i * 7)
	}
	b[h.Size()+16] = 0xde
	return b
}

func TestSealWhereverTheHeadersLie(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		for _, ethernet := range []bool{false, true} {
			for _, pad := range []int{0, 5} {
				b := segment(ipv6, 101)
				if ethernet {
					e := wire.Ethernet{Type: wire.EtherIPv4}
					if ipv6 {
						e.Type = wire.EtherIPv6
					}
					f := make([]byte, etherHeader, len(b)+etherHeader+pad)
					wire.PutEthernet(f, &e)
					b = append(f, b...)
				}
				headers := len(b) - 101
				b = append(b, make([]byte, pad)...)
				for _, head := range []int{0, 14, headers - 20, headers - 3, headers} {
					checkSeal(t, b, head, ethernet)
				}
			}
		}
	}
}

func checkSeal(t *testing.T, b []byte, head int, ethernet bool) {
	t.Helper()
	if head > 0 && head < 40 && !ethernet { // wire reads headers that lie together
		return
	}
	shared := bytes.Clone(b)
	p := Packet{NoSum: true, Data: chunk.Borrow(b[head:])}
	copy(p.SetHead(head), b)
	seal(&p, ethernet)
	if p.NoSum || !sumIsRight(t, &p, ethernet) {
		t.Errorf("head of %d octets: checksum is wrong after seal", head)
	}
	if !bytes.Equal(b, shared) {
		t.Errorf("head of %d octets: seal wrote to shared data", head)
	}
}

func TestSealLeavesAloneWhatItCannotRead(t *testing.T) {
	for _, b := range [][]byte{nil, {0x45}, bytes.Repeat([]byte{0xff}, 100), segment(false, 0)[:30]} {
		p := Packet{NoSum: true, Data: chunk.Copy(b)}
		seal(&p, false)
		if !bytes.Equal(p.Data.B, b) || p.NoSum {
			t.Errorf("%x became %x", b, p.Data.B)
		}
	}
}
