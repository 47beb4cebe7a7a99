package wire

import (
	"bytes"
	"testing"

	"github.com/octet-net/octet/chunk"
)

func parseTCP(b []byte) (s Segment, f Fault) {
	o := Plain(b)
	f = ParseTCP(&o, &s)
	return s, f
}

func TestParseTCP(t *testing.T) {
	b := unhex("1a85 c243 fffffffe 80000000 61 d8 ffff 1234 8001 0101 0000") // header length 24
	s, f := parseTCP(append(b, "hello"...))
	if f != OK {
		t.Fatal(f)
	}
	if s.SrcPort != 6789 || s.DstPort != 49731 || s.Seq != 0xfffffffe || s.Ack != 0x80000000 {
		t.Errorf("%+v", s)
	}
	// AE is the last bit of the octet before the others; reserved bits are ignored.
	if s.Flags != AE|CWR|ECE|ACK|PSH || s.Window != 0xffff || s.Urgent != 0x8001 {
		t.Errorf("flags %v, window %d, urgent %d", s.Flags, s.Window, s.Urgent)
	}
	if string(s.Payload.B) != "hello" || s.Options.Has != 0 || s.ECN != 0 {
		t.Errorf("payload %q, options %v", s.Payload.B, s.Options)
	}
}

func TestParseTCPForgetsWhatWas(t *testing.T) {
	b := corpus()["data6"][40:]
	want, _ := parseTCP(b)
	old := Segment{ECN: 3, Options: Options{Has: 0xff, NSACK: 4, SACK: [4]Range{{1, 2}, {3, 4}}}}
	o := Plain(b)
	if f := ParseTCP(&o, &old); f != OK || !sameSegment(old, want) {
		t.Errorf("%v\n got %+v\nwant %+v", f, old, want)
	}
}

func TestParseTCPIgnoresReservedBits(t *testing.T) {
	b := corpus()["data6"][40:]
	want, _ := parseTCP(bytes.Clone(b))
	b[12] |= 0x0e // RFC 9293 §3.1: receivers ignore them
	if s, f := parseTCP(b); f != OK || !sameSegment(s, want) {
		t.Errorf("%v %+v", f, s)
	}
	out := make([]byte, want.HeaderLen())
	want.Flags = 0xffff
	PutTCP(out, &want)
	if out[12]&0x0e != 0 {
		t.Errorf("reserved bits are sent: %#x", out[12])
	}
}

func TestParseTCPFaults(t *testing.T) {
	b := corpus()["syn4"][20:]
	for _, c := range []struct {
		name string
		n    int
		off  byte // the data offset in words
		want Fault
	}{
		{"nothing", 0, 0, Truncated},
		{"19 octets", 19, 5, Truncated},
		{"data offset 4", 40, 4, BadHeaderLength},
		{"data offset 0", 40, 0, BadHeaderLength},
		{"data offset past the segment", 40, 11, BadHeaderLength},
		{"data offset at the end", 40, 10, OK},
	} {
		b := bytes.Clone(b[:c.n])
		if c.n > 12 {
			b[12] = c.off << 4
		}
		if _, f := parseTCP(b); f != c.want {
			t.Errorf("%s: %v, want %v", c.name, f, c.want)
		}
	}
}

func TestPutTCPWritesOnlyItsHeader(t *testing.T) {
	s := Segment{Flags: SYN, Options: synOptions}
	b := bytes.Repeat([]byte{0xaa}, 60)
	PutTCP(b, &s)
	if b[16] != 0 || b[17] != 0 {
		t.Errorf("checksum % x, want none yet", b[16:18])
	}
	if s.HeaderLen() != 40 || b[12] != 0xa0 || !bytes.Equal(b[40:], bytes.Repeat([]byte{0xaa}, 20)) {
		t.Errorf("wrote % x", b)
	}
}

func sameSegment(a, b Segment) bool {
	return bytes.Equal(a.Payload.B, b.Payload.B) && a.Options == b.Options &&
		a.SrcPort == b.SrcPort && a.DstPort == b.DstPort && a.Seq == b.Seq && a.Ack == b.Ack &&
		a.Flags == b.Flags && a.Window == b.Window && a.Urgent == b.Urgent && a.ECN == b.ECN
}

func FuzzParseTCP(f *testing.F) {
	for name, b := range corpus() {
		if name == "syn4" || name == "data6" {
			h, _ := transport(f, b)
			f.Add(b[h.HeaderLen:], 0)
		}
	}
	for _, b := range hostileOptions() {
		f.Add(segmentWith(b), 20)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = cutAt(cut, len(b))
		s, fault := parseTCP(bytes.Clone(b))
		if fault != OK {
			if len(b) >= TCPLen && int(b[12]>>4) >= 5 && int(b[12]>>4)*4 <= len(b) {
				t.Fatalf("%v", fault)
			}
			return
		}
		// The same in two pieces, if the header lies in the first.
		if cut >= int(b[12]>>4)*4 {
			o := Octets{Head: b[:cut], Data: chunk.Borrow(b[cut:])}
			var p Segment
			if f := ParseTCP(&o, &p); f != OK || !sameSegment(p, s) {
				t.Fatalf("%v\nin two pieces %+v\nin one        %+v", f, p, s)
			}
		}
		out := make([]byte, s.HeaderLen())
		PutTCP(out, &s)
		if again, f := parseTCP(append(out, s.Payload.B...)); f != OK || !sameSegment(again, s) {
			t.Fatalf("%v\nread  %+v\nagain %+v", f, s, again)
		}
		if s.String() == "" || s.Len() < s.Payload.Len() {
			t.Fatalf("%q, %d octets", s.String(), s.Len())
		}
	})
}
