package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestParseUDP(t *testing.T) {
	b := corpus()["udp4"][20:]
	o := Plain(append(bytes.Clone(b), "excess"...))
	var u UDP
	if f := ParseUDP(&o, &u); f != OK {
		t.Fatal(f)
	}
	if u.SrcPort != 49731 || u.DstPort != 6789 || string(u.Payload.B) != "hello" {
		t.Errorf("%d → %d %q", u.SrcPort, u.DstPort, u.Payload.B)
	}
}

func TestParseUDPLengths(t *testing.T) {
	for _, c := range []struct {
		length uint16
		want   Fault
	}{{0, BadLength}, {7, BadLength}, {8, OK}, {12, OK}, {13, OK}, {14, Truncated}, {65535, Truncated}} {
		b := bytes.Clone(corpus()["udp4"][20:])
		binary.BigEndian.PutUint16(b[4:], c.length)
		o := Plain(b)
		var u UDP
		if f := ParseUDP(&o, &u); f != c.want || f == OK && u.Payload.Len() != int(c.length)-8 {
			t.Errorf("length %d of 13: %v with %d octets, want %v", c.length, f, u.Payload.Len(), c.want)
		}
	}
}

func FuzzParseUDP(f *testing.F) {
	f.Add(corpus()["udp4"][20:])
	f.Add(unhex("0001 0002 0008 0000"))
	f.Add(unhex("0001 0002 0007 0000 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := Plain(b)
		var u UDP
		fault := ParseUDP(&o, &u)
		n := 0
		if len(b) >= 8 {
			n = int(b[4])<<8 | int(b[5])
		}
		if ok := len(b) >= 8 && n >= 8 && n <= len(b); ok != (fault == OK) {
			t.Fatalf("%v for length %d of %d", fault, n, len(b))
		}
		if fault != OK {
			return
		}
		out := make([]byte, UDPLen)
		PutUDP(out, &u)
		copy(out[6:], b[6:8])
		if out = append(out, u.Payload.B...); !bytes.Equal(out, b[:n]) {
			t.Fatalf("read % x, wrote % x", b[:n], out)
		}
	})
}
