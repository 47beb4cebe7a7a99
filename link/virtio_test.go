package link

import (
	"bytes"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// partial returns a TCP segment with the sum of the pseudo-header where the
// checksum belongs, as a kernel leaves it.
func partial(ipv6 bool, n int) []byte {
	p := Packet{NoSum: true, Data: chunk.Copy(segment(ipv6, n))}
	if _, ok := describe(&p, false); !ok {
		panic("bug: describe refuses a plain segment")
	}
	return p.AppendTo(nil)
}

// T-73: nothing in a virtio header is believed that the packet does not bear out.
func TestT73_VirtioHeaderIsCheckedAgainstThePacket(t *testing.T) {
	tcp4, tcp6 := partial(false, 5000), partial(true, 5000)
	for _, c := range []struct {
		name    string
		header  virtio
		packet  []byte
		passes  bool
		noSum   bool
		segment uint16
	}{
		{"nothing to do", virtio{}, segment(false, 10), true, false, 0},
		{"sum is good", virtio{flags: virtioSumIsGood}, segment(false, 10), true, true, 0},
		{"sum to do", virtio{flags: virtioNeedsSum, sumFrom: 20, sumField: 16}, tcp4, true, true, 0},
		{"segments", virtio{virtioNeedsSum, virtioTCPv4, 0, 1000, 20, 16}, tcp4, true, true, 1000},
		{"segments of IPv6", virtio{virtioNeedsSum, virtioTCPv6, 0, 1000, 40, 16}, tcp6, true, true, 1000},
		{"segments, with CWR", virtio{virtioNeedsSum, virtioTCPv4 | virtioECN, 0, 1000, 20, 16}, tcp4, true, true, 1000},
		{"one segment", virtio{virtioNeedsSum, virtioTCPv4, 0, 5000, 20, 16}, tcp4, true, true, 0},
		{"a wrong hint of the headers", virtio{virtioNeedsSum, virtioTCPv4, 65535, 1000, 20, 16}, tcp4, true, true, 1000},

		{"sum past the end", virtio{flags: virtioNeedsSum, sumFrom: 5030, sumField: 16}, tcp4, false, false, 0},
		{"sum far past the end", virtio{flags: virtioNeedsSum, sumFrom: 65535, sumField: 65535}, tcp4, false, false, 0},
		{"segments without a sum", virtio{0, virtioTCPv4, 0, 1000, 0, 0}, tcp4, false, false, 0},
		{"segments with the sum elsewhere", virtio{virtioNeedsSum, virtioTCPv4, 0, 1000, 24, 16}, tcp4, false, false, 0},
		{"segments of nothing", virtio{virtioNeedsSum, virtioTCPv4, 0, 0, 20, 16}, tcp4, false, false, 0},
		{"segments of one octet", virtio{virtioNeedsSum, virtioTCPv4, 0, 1, 20, 16}, tcp4, false, false, 0},
		{"segments of the other version", virtio{virtioNeedsSum, virtioTCPv6, 0, 1000, 20, 16}, tcp4, false, false, 0},
		{"segments of another protocol", virtio{virtioNeedsSum, virtioUDP, 0, 1000, 20, 16}, tcp4, false, false, 0},
		{"fragments of UDP", virtio{virtioNeedsSum, 3, 0, 1000, 20, 16}, tcp4, false, false, 0},
		{"unknown kind", virtio{virtioNeedsSum, 77, 0, 1000, 20, 16}, tcp4, false, false, 0},
		{"segments of no packet", virtio{virtioNeedsSum, virtioTCPv4, 0, 1000, 20, 16}, make([]byte, 3000), false, false, 0},
	} {
		p := Packet{Data: chunk.Copy(c.packet)}
		passes := c.header.accept(&p, false)
		if passes != c.passes || passes && (p.NoSum != c.noSum || p.SegmentSize != c.segment) {
			t.Errorf("%s: passes is %v, NoSum %v, segment size %d", c.name, passes, p.NoSum, p.SegmentSize)
		}
	}
}

// A checksum that is not that of a packet we know, such as one in a tunnel, is
// computed at once: nobody further up could.
func TestVirtioCompletesForeignChecksums(t *testing.T) {
	b := make([]byte, 60)
	b[0] = 0x45 // protocol 0: nothing we know
	for i := 30; i < 60; i++ {
		b[i] = byte(i)
	}
	v := virtio{flags: virtioNeedsSum, sumFrom: 30, sumField: 4}
	p := Packet{Data: chunk.Copy(b)}
	if !v.accept(&p, false) || p.NoSum {
		t.Fatal("dropped, or passed without checksum")
	}
	b[34], b[35] = 0, 0
	seed := wire.Sum(0).AddUint16(uint16(34)<<8 | 35) // what stood in the field counts: the pseudo-header's sum
	want := seed.Join(wire.Sum(0).Add(b[30:])).Checksum()
	if got := uint16(p.Data.B[34])<<8 | uint16(p.Data.B[35]); got != want {
		t.Errorf("checksum %#x, want %#x", got, want)
	}
}

func TestDescribeWhatLeaves(t *testing.T) {
	for _, ethernet := range []bool{false, true} {
		for _, head := range []int{-1, 0} {
			p := large(false, ethernet, 2500, head, wire.ACK)
			shared := p.Data.Share()
			before := bytes.Clone(shared.B)
			v, ok := describe(p, ethernet)
			at := 20
			if ethernet {
				at += etherHeader
			}
			want := virtio{virtioNeedsSum, virtioTCPv4, uint16(at + 20), 1000, uint16(at), 16}
			if !ok || v != want {
				t.Errorf("Ethernet %v, head %d: described as %+v (%v), want %+v", ethernet, head, v, ok, want)
			}
			if !bytes.Equal(shared.B, before) {
				t.Errorf("Ethernet %v, head %d: shared data was written to", ethernet, head)
			}
			var header [virtioLen]byte
			v.put(&header)
			back := parseVirtio(&header)
			q := Packet{Data: chunk.Copy(p.AppendTo(nil))}
			if back != v || !back.accept(&q, ethernet) || q.SegmentSize != 1000 {
				t.Errorf("Ethernet %v, head %d: does not come back: %+v", ethernet, head, back)
			}
			back.complete(q.Data.B)
			if !sumIsRight(t, &q, ethernet) {
				t.Errorf("Ethernet %v, head %d: the checksum that the kernel would compute is wrong", ethernet, head)
			}
		}
	}
}

func TestDescribeWithoutOffload(t *testing.T) {
	whole := &Packet{Data: chunk.Copy(segment(false, 10))}
	if v, ok := describe(whole, false); !ok || v != (virtio{}) {
		t.Errorf("a packet that is complete is described as %+v (%v)", v, ok)
	}
	small := &Packet{SegmentSize: 1000, NoSum: true, Data: chunk.Copy(segment(true, 10))}
	if v, ok := describe(small, false); !ok || v.kind != virtioNone || v.flags != virtioNeedsSum {
		t.Errorf("a packet of one segment is described as %+v (%v)", v, ok)
	}
	if v, ok := describe(&Packet{SegmentSize: 1, Data: chunk.Copy(make([]byte, 100))}, false); ok {
		t.Errorf("segments of no packet are described as %+v", v)
	}
}

func TestUtunFraming(t *testing.T) {
	f := utunFraming{2, 30}
	for _, c := range []struct {
		packet []byte
		want   byte
	}{{segment(false, 10), 2}, {segment(true, 10), 30}} {
		p := &Packet{NoSum: true, Data: chunk.Copy(c.packet)}
		prefix := make([]byte, utunPrefix)
		if !f.describe(prefix, p) || !bytes.Equal(prefix, []byte{0, 0, 0, c.want}) || !sumIsRight(t, p, false) {
			t.Errorf("prefix %x, want family %d and a checksum", prefix, c.want)
		}
		if f.accept(prefix, p) != passIt {
			t.Error("a packet was not passed")
		}
	}
	if f.describe(make([]byte, utunPrefix), &Packet{SegmentSize: 5, Data: chunk.Copy(segment(false, 10))}) {
		t.Error("a packet of several segments was passed")
	}
}

func FuzzVirtio(f *testing.F) {
	f.Add([]byte{1, 1, 40, 0, 232, 3, 20, 0, 16, 0}, partial(false, 3000), false)
	f.Add([]byte{1, 4, 40, 0, 232, 3, 40, 0, 16, 0}, partial(true, 3000), false)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 30, 0, 4, 0}, make([]byte, 60), true)
	f.Fuzz(func(t *testing.T, header, b []byte, ethernet bool) {
		if len(header) < virtioLen || len(b) > 65535 {
			return
		}
		p := Packet{Data: chunk.Copy(b)}
		switch (virtioFraming{ethernet}).accept(header[:virtioLen], &p) {
		case dropIt:
			return
		case cutIt:
			cut(&p, ethernet, func(q *Packet) { seal(q, ethernet) })
			return
		}
		if p.SegmentSize != 0 && (!p.NoSum || p.Len() <= int(p.SegmentSize)) {
			t.Fatalf("segments of %d octets in a packet of %d, NoSum %v", p.SegmentSize, p.Len(), p.NoSum)
		}
		again := p
		again.Data = p.Data.Share()
		if !(virtioFraming{ethernet}).describe(make([]byte, virtioLen), &again) {
			t.Fatal("what came cannot leave")
		}
		if p.SegmentSize != 0 && !cut(&p, ethernet, func(q *Packet) { seal(q, ethernet) }) {
			t.Fatal("what came as segments cannot be cut")
		}
	})
}
