package wire

import (
	"bytes"
	"testing"
)

func TestARP(t *testing.T) {
	b := unhex("0001 0800 06 04 0001 020000000001 c0000201 000000000000 c6336407")
	o := Plain(append(bytes.Clone(b), make([]byte, 18)...)) // padded to a frame of 60 octets
	var a ARP
	if f := ParseARP(&o, &a); f != OK || a != someARP() {
		t.Errorf("%v %+v", f, a)
	}
	if got := arpOf(a); !bytes.Equal(got, b) {
		t.Errorf("wrote % x", got)
	}
}

func TestARPOfOtherKinds(t *testing.T) {
	for _, c := range []struct {
		at   int
		v    byte
		want Fault
	}{{1, 6, BadType}, {2, 0x86, BadType}, {4, 8, BadType}, {5, 16, BadType}, {5, 0, BadType}, {7, 4, OK}} {
		b := arpOf(someARP())
		b[c.at] = c.v
		o := Plain(b)
		if f := ParseARP(&o, new(ARP)); f != c.want {
			t.Errorf("octet %d is %d: %v, want %v", c.at, c.v, f, c.want)
		}
	}
}

func FuzzParseARP(f *testing.F) {
	f.Add(arpOf(someARP()))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := Plain(b)
		var a ARP
		if ParseARP(&o, &a) != OK {
			return
		}
		if out := arpOf(a); !bytes.HasPrefix(b, out) {
			t.Fatalf("read % x, wrote % x", b, out)
		}
	})
}
