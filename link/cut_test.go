package link

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// large returns a TCP packet with n octets of payload and the flags given, its
// first head octets in the head.
func large(ipv6, ethernet bool, n, head int, flags wire.Flags) *Packet {
	b := segment(ipv6, n)
	at := 20
	if ipv6 {
		at = 40
	}
	b[at+12], b[at+13] = b[at+12]|byte(flags>>8), byte(flags)
	if ethernet {
		e := wire.Ethernet{Type: wire.EtherIPv4}
		if ipv6 {
			e.Type = wire.EtherIPv6
		}
		f := make([]byte, etherHeader)
		wire.PutEthernet(f, &e)
		b = append(f, b...)
		at += etherHeader
	}
	if head < 0 {
		head = at + wire.TCPLen
	}
	p := &Packet{SegmentSize: 1000, NoSum: true, Data: chunk.Copy(b[head:])}
	copy(p.SetHead(head), b)
	return p
}

func TestCutTCP(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		for _, ethernet := range []bool{false, true} {
			for _, head := range []int{-1, 0} {
				p := large(ipv6, ethernet, 2500, head, wire.ACK|wire.PSH|wire.FIN|wire.CWR)
				want := bytes.Clone(p.AppendTo(nil))
				var pieces []*Packet
				if !cut(p, ethernet, func(q *Packet) { c := *q; pieces = append(pieces, &c) }) {
					t.Fatalf("IPv6 %v, Ethernet %v, head %d: not cut", ipv6, ethernet, head)
				}
				checkPieces(t, pieces, ethernet, want[len(want)-2500:])
			}
		}
	}
}

// RFC 9768 §3.3.4: where AE is set, CWR is part of a counter that all pieces tell.
func TestCutKeepsCounters(t *testing.T) {
	for _, c := range []struct{ flags, want wire.Flags }{
		{wire.ACK | wire.AE | wire.CWR, wire.AE | wire.CWR},
		{wire.ACK | wire.AE | wire.CWR | wire.ECE, wire.AE | wire.CWR | wire.ECE},
		{wire.ACK | wire.CWR | wire.ECE, wire.ECE},
	} {
		n := 0
		cut(large(false, false, 2500, -1, c.flags), false, func(q *Packet) {
			t12, t13 := q.Head()[32], q.Head()[33]
			if got := wire.Flags(t12&1)<<8 | wire.Flags(t13); n > 0 && got&^wire.ACK != c.want {
				t.Errorf("%v: piece %d has %v, want %v", c.flags, n, got, c.want)
			}
			n++
			q.Data.Release()
		})
		if n != 3 {
			t.Errorf("%d pieces, want 3", n)
		}
	}
}

func checkPieces(t *testing.T, pieces []*Packet, ethernet bool, want []byte) {
	t.Helper()
	var payload []byte
	flags := []wire.Flags{wire.ACK | wire.CWR, wire.ACK, wire.ACK | wire.PSH | wire.FIN}
	if len(pieces) != len(flags) {
		t.Fatalf("%d pieces, want %d", len(pieces), len(flags))
	}
	for i, p := range pieces {
		seal(p, ethernet)
		if p.SegmentSize != 0 || !sumIsRight(t, p, ethernet) {
			t.Errorf("piece %d: segment size %d or a wrong checksum", i, p.SegmentSize)
		}
		b := p.AppendTo(nil)
		if ethernet {
			b = b[etherHeader:]
		}
		o := wire.Plain(b)
		var h wire.IP
		var s wire.Segment
		if f := wire.ParseIP(&o, &h); f != wire.OK || h.Len != len(b) {
			t.Fatalf("piece %d: %v, %d octets of %d", i, f, h.Len, len(b))
		}
		o.Pull(int(h.HeaderLen))
		if f := wire.ParseTCP(&o, &s); f != wire.OK {
			t.Fatalf("piece %d: %v", i, f)
		}
		if s.Flags != flags[i] || s.Seq != wire.Seq(1+1000*i) || !h.Is6() && h.ID != uint32(i) {
			t.Errorf("piece %d: flags %v, sequence number %d, ID %d", i, s.Flags, s.Seq, h.ID)
		}
		payload = append(payload, s.Payload.B...)
	}
	if !bytes.Equal(payload, want) {
		t.Error("the payload is not that of the whole")
	}
}

func TestCutUDP(t *testing.T) {
	h := wire.IP{Src: netip.MustParseAddr("::1"), Dst: netip.MustParseAddr("::2"), Proto: wire.ProtoUDP, TTL: 1, Len: 48 + 250}
	b := make([]byte, h.Len)
	wire.PutIP(b, &h)
	wire.PutUDP(b[40:], &wire.UDP{SrcPort: 1, DstPort: 2, Payload: chunk.Borrow(b[48:])})
	p := &Packet{SegmentSize: 100, Data: chunk.Copy(b)}
	var sizes []int
	ok := cut(p, false, func(q *Packet) {
		seal(q, false)
		if !sumIsRight(t, q, false) {
			t.Error("wrong checksum")
		}
		sizes = append(sizes, q.Len())
	})
	if !ok || len(sizes) != 3 || sizes[0] != 148 || sizes[2] != 98 {
		t.Errorf("cut into %v (%v)", sizes, ok)
	}
}

func TestCutRefusesWhatIsNoSegment(t *testing.T) {
	short := segment(false, 100)
	short[32] = 0x40 // a TCP header of 16 octets
	long := segment(false, 10)
	long[32] = 0xf0 // of 60, more than there are
	for name, p := range map[string]*Packet{
		"empty":        {SegmentSize: 10},
		"no size":      {Data: chunk.Copy(segment(false, 100))},
		"no IP":        {SegmentSize: 10, Data: chunk.Copy(make([]byte, 100))},
		"no payload":   {SegmentSize: 10, Data: chunk.Copy(segment(false, 0))},
		"short header": {SegmentSize: 10, Data: chunk.Copy(short)},
		"long header":  {SegmentSize: 10, Data: chunk.Copy(long)},
		"echo":         {SegmentSize: 10, Data: chunk.Copy(echo(1))},
	} {
		if cut(p, false, func(*Packet) { t.Errorf("%s: a piece came out", name) }) {
			t.Errorf("%s: was cut", name)
		}
	}
}

// Links that cannot carry the payload of several segments cut it, with the
// checksums they need.
func TestLinksCutWhatTheyCannotCarry(t *testing.T) {
	line := timeline.NewManual()
	a, b := NewPipe(line, PipeOptions{})
	w, err := NewWire(line, WireOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, ends := range map[string][2]Device{"pipe": {a, b}, "wire": {w.End(0), w.End(1)}} {
		var got []*Packet
		ends[1].Attach(receiverFunc(func(_ mono.Time, p *Packet) {
			c := *p
			p.Data = chunk.View{}
			got = append(got, &c)
			if c.NoSum || !sumIsRight(t, &c, false) {
				t.Errorf("%s: a piece without its checksum", name)
			}
		}))
		p := large(false, false, 2500, -1, wire.ACK|wire.PSH|wire.FIN|wire.CWR)
		want := bytes.Clone(p.Data.B)
		ends[0].Send(p)
		ends[0].Flush()
		line.Advance(line.Now().Add(time.Second))
		checkPieces(t, got, false, want)
	}
}

func FuzzCut(f *testing.F) {
	f.Add(large(false, false, 100, 0, wire.ACK).Data.B, uint16(30), false, uint8(0))
	f.Add(large(true, true, 100, 0, wire.ACK).Data.B, uint16(30), true, uint8(74))
	f.Fuzz(func(t *testing.T, b []byte, size uint16, ethernet bool, head uint8) {
		n := min(int(head), len(b), HeadRoom)
		p := Packet{SegmentSize: size, Data: chunk.Copy(b[n:])}
		copy(p.SetHead(n), b)
		all := 0
		cut(&p, ethernet, func(q *Packet) {
			all += q.Data.Len()
			if q.Data.Len() > int(size) || q.Data.Len() == 0 {
				t.Fatalf("a piece of %d octets", q.Data.Len())
			}
			seal(q, ethernet)
		})
		if all > len(b) {
			t.Fatalf("%d octets of payload came out of %d", all, len(b))
		}
	})
}
