package wire

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
)

func BenchmarkSum(b *testing.B) {
	for _, n := range []int{20, 64, 1460, 65536} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := make([]byte, n)
			b.SetBytes(int64(n))
			var s Sum
			for b.Loop() {
				s = s.Add(p)
			}
			_ = s
		})
	}
}

func BenchmarkSumCopy(b *testing.B) {
	for _, n := range []int{1460, 65536} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p, q := make([]byte, n), make([]byte, n)
			b.SetBytes(int64(n))
			var s Sum
			for b.Loop() {
				s = s.Copy(q, p)
			}
			_ = s
		})
	}
}

// packetForBench returns a segment of 1448 octets as two hosts exchange them, in pieces.
func packetForBench(addr string) (head []byte, data chunk.View) {
	src := netip.MustParseAddr(addr)
	h := IP{Src: src, Dst: src.Next(), Proto: ProtoTCP, TTL: 64}
	s := Segment{SrcPort: 49731, DstPort: 6789, Seq: 1, Ack: 2, Flags: ACK, Window: 501,
		Options: Options{Has: HasTimestamp, TSVal: 1, TSEcr: 2}}
	data = chunk.Borrow(make([]byte, 1448))
	head = make([]byte, h.Size()+s.HeaderLen())
	h.Len = len(head) + data.Len()
	PutIP(head, &h)
	PutTCP(head[h.Size():], &s)
	h.Seal(head[h.Size():], data.B)
	return head, data
}

func BenchmarkParse(b *testing.B) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		head, data := packetForBench(a)
		b.Run(a, func(b *testing.B) {
			b.ReportAllocs()
			var h IP
			var s Segment
			for b.Loop() {
				o := Octets{Head: head, Data: data}
				if f := ParseIP(&o, &h); f != OK {
					b.Fatal(f)
				}
				o.Pull(int(h.HeaderLen))
				if f := ParseTCP(&o, &s); f != OK {
					b.Fatal(f)
				}
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		head, data := packetForBench(a)
		b.Run(a, func(b *testing.B) {
			b.ReportAllocs()
			var h IP
			var s Segment
			o := Octets{Head: head, Data: data}
			ParseIP(&o, &h)
			o.Pull(int(h.HeaderLen))
			ParseTCP(&o, &s)
			buf := make([]byte, len(head))
			for b.Loop() {
				t := buf[h.Size():]
				PutTCP(t[:s.HeaderLen()], &s)
				PutIP(buf, &h)
			}
		})
	}
}

// The hot paths allocate nothing, whatever the packet.
func TestHotPathsDoNotAllocate(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		head, data := packetForBench(a)
		buf := make([]byte, len(head))
		var h IP
		var s Segment
		if n := testing.AllocsPerRun(100, func() {
			o := Octets{Head: head, Data: data}
			f := ParseIP(&o, &h)
			o.Pull(int(h.HeaderLen))
			f = max(f, h.Verify(&o), ParseTCP(&o, &s))
			if f != OK {
				t.Fatal(f)
			}
			b := buf[h.Size():]
			PutTCP(b, &s)
			PutIP(buf, &h)
			h.Seal(b, s.Payload.B)
		}); n != 0 {
			t.Errorf("%s: %v allocations a segment", a, n)
		}
	}
	for name, b := range corpus() {
		if n := testing.AllocsPerRun(10, func() { parseEverything(b) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	line := make([]byte, 0, 256)
	packet := corpus()["syn4"]
	if n := testing.AllocsPerRun(10, func() { line = AppendLine(line[:0], Plain(packet), 0) }); n > 8 {
		t.Errorf("%v allocations a line", n)
	}
}

func parseEverything(b []byte) {
	var h IP
	o := Plain(b)
	ParseIP(&o, &h)
	o.Pull(int(h.HeaderLen))
	h.Verify(&o)
	t := o
	var s Segment
	ParseTCP(&t, &s)
	t = o
	var u UDP
	ParseUDP(&t, &u)
	t = o
	var m ICMP
	ParseICMP(&t, &m)
	var q Quote
	ParseQuote4(&m, &q)
	ParseQuote6(&m, &q)
	var n NeighborSolicit
	ParseNeighborSolicit(&m, &n)
	n.Options.SourceMAC()
}

func BenchmarkVerify(b *testing.B) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		head, data := packetForBench(a)
		b.Run(a, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(head) + data.Len()))
			var h IP
			o := Octets{Head: head, Data: data}
			ParseIP(&o, &h)
			o.Pull(int(h.HeaderLen))
			for b.Loop() {
				if f := h.Verify(&o); f != OK {
					b.Fatal(f)
				}
			}
		})
	}
}

func BenchmarkLine(b *testing.B) {
	for _, name := range []string{"udp4", "syn4", "error4"} {
		o := Plain(corpus()[name])
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var line []byte
			for b.Loop() {
				line = AppendLine(line[:0], o, Long)
			}
		})
	}
}
