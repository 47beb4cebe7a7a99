package tcp

import (
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// RFC 9293 §3.10.7.1, CLOSED: "An incoming segment containing a RST is discarded.
// An incoming segment not containing a RST causes a RST to be sent in response."
func TestResetAnswersSegmentsWithoutConnection(t *testing.T) {
	text := chunk.Copy(make([]byte, 10))
	for _, c := range []struct {
		name string
		in   wire.Segment
		want wire.Segment
		ok   bool
	}{
		{"a reset", wire.Segment{Flags: wire.RST}, wire.Segment{}, false},
		{"a reset with ACK", wire.Segment{Flags: wire.RST | wire.ACK, Ack: 7}, wire.Segment{}, false},
		{"a SYN", wire.Segment{SrcPort: 1, DstPort: 2, Flags: wire.SYN, Seq: 100},
			wire.Segment{SrcPort: 2, DstPort: 1, Flags: wire.RST | wire.ACK, Ack: 101}, true},
		{"a SYN and FIN with text", wire.Segment{Flags: wire.SYN | wire.FIN, Seq: 0xffffffff, Payload: text},
			wire.Segment{Flags: wire.RST | wire.ACK, Ack: 11}, true},
		{"an ACK", wire.Segment{SrcPort: 1, DstPort: 2, Flags: wire.ACK, Seq: 100, Ack: 500},
			wire.Segment{SrcPort: 2, DstPort: 1, Flags: wire.RST, Seq: 500}, true},
		{"nothing at all", wire.Segment{Seq: 9}, wire.Segment{Flags: wire.RST | wire.ACK, Ack: 9}, true},
	} {
		var out wire.Segment
		ok := Reset(&c.in, &out)
		if ok != c.ok || out.Seq != c.want.Seq || out.Ack != c.want.Ack || out.Flags != c.want.Flags ||
			out.SrcPort != c.want.SrcPort || out.DstPort != c.want.DstPort {
			t.Errorf("%s: got %v %+v, want %v %+v", c.name, ok, out, c.ok, c.want)
		}
	}
}
