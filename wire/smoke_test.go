package wire

import (
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
)

func TestTCPOverBothVersions(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		src := netip.MustParseAddr(a)
		h := IP{Src: src, Dst: src.Next(), Proto: ProtoTCP, TTL: 64, TOS: 2}
		s := Segment{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: ACK | AE, Window: 5,
			Options: Options{Has: HasTimestamp | HasSACK, TSVal: 7, NSACK: 1, SACK: [4]Range{{1, 2}}}}
		data := []byte("hello")
		n := s.HeaderLen()
		h.Len = h.Size() + n + len(data)
		b := make([]byte, h.Len+6) // padded by the link
		PutIP(b, &h)
		tcp := b[h.Size():][:n]
		PutTCP(tcp, &s)
		h.Seal(tcp, data)
		copy(b[h.Size()+n:], data)

		o := Plain(b)
		var g IP
		if f := ParseIP(&o, &g); f != OK {
			t.Fatalf("%s: %v", a, f)
		}
		o.Pull(int(g.HeaderLen))
		if f := g.Verify(&o); f != OK {
			t.Fatalf("%s: %v", a, f)
		}
		var r Segment
		if f := ParseTCP(&o, &r); f != OK {
			t.Fatalf("%s: %v", a, f)
		}
		if string(r.Payload.B) != "hello" || g.Src != h.Src || g.Dst != h.Dst || g.Len != h.Len {
			t.Errorf("%s: read %+v, %q", a, g, r.Payload.B)
		}
		r.Payload = chunk.View{}
		if r.Options != s.Options || r.Flags != s.Flags || r.Seq != s.Seq {
			t.Errorf("%s: read %+v, wrote %+v", a, r, s)
		}
	}
}
