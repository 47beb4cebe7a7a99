package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// fix4 puts a right checksum into the header of an IPv4 packet.
func fix4(b []byte) []byte {
	n := int(b[0]&15) * 4
	if n >= IPv4Len && n <= len(b) {
		b[10], b[11] = 0, 0
		binary.BigEndian.PutUint16(b[10:], Sum(0).Add(b[:n]).Checksum())
	}
	return b
}

// with4 returns a UDP packet over IPv4 with an octet changed and the checksum right.
func with4(at int, v byte) []byte {
	b := corpus()["udp4"]
	b[at] = v
	return fix4(b)
}

func TestParseIPv4(t *testing.T) {
	// The header of a DNS query, as a capture has it, padded on its link.
	b := append(unhex("45 b8 00 1d 1c46 4000 40 11 0000 ac100a63 ac100a0c 0035 0035 0009 0000 41"), 0, 0, 0)
	h, o := transport(t, fix4(b))
	if h.Src.String() != "172.16.10.99" || h.Dst.String() != "172.16.10.12" || h.Proto != ProtoUDP || h.TTL != 64 {
		t.Errorf("%+v", h)
	}
	if h.TOS != 0xb8 || h.ECN() != 0 || h.ID != 0x1c46 || h.Flags != DontFragment || h.Offset != 0 || h.IsFragment() || h.Is6() {
		t.Errorf("%+v", h)
	}
	if h.HeaderLen != 20 || h.Len != 29 || o.Len() != 9 {
		t.Errorf("header %d, packet %d, transport %d", h.HeaderLen, h.Len, o.Len())
	}
}

func TestParseIPv4Faults(t *testing.T) {
	udp := corpus()["udp4"]
	corrupt := bytes.Clone(udp)
	corrupt[8]--
	for _, c := range []struct {
		name string
		b    []byte
		want Fault
	}{
		{"nothing", nil, Truncated},
		{"19 octets", udp[:19], Truncated},
		{"header length 16", with4(0, 0x44), BadHeaderLength},
		{"header length 60 of 33", with4(0, 0x4f), BadHeaderLength},
		{"changed on the way", corrupt, BadChecksum},
		{"total length below the header", with4(3, 19), BadLength},
		{"total length zero", with4(3, 0), BadLength},
		{"total length past the octets", with4(3, 34), Truncated},
		{"more fragments, 13 octets", with4(6, 0x20), FragmentLength},
		{"offset 65528", func() []byte { b := with4(6, 0x1f); b[7] = 0xff; return fix4(b) }(), FragmentRange},
	} {
		var h IP
		o := Plain(c.b)
		if f := ParseIPv4(&o, &h); f != c.want {
			t.Errorf("%s: %v, want %v", c.name, f, c.want)
		}
	}
}

func TestParseIPv4LongestFragment(t *testing.T) {
	// A fragment may end where the longest packet does, not one octet later.
	for _, c := range []struct {
		n    int
		want Fault
	}{{65535 - 20 - 65504, OK}, {65535 - 20 - 65504 + 1, FragmentRange}} {
		h := header4(ProtoUDP)
		h.Offset = 65504
		o := Plain(packetOf(h, make([]byte, c.n)))
		if f := ParseIPv4(&o, new(IP)); f != c.want {
			t.Errorf("%d octets at 65504: %v, want %v", c.n, f, c.want)
		}
	}
}

func TestPutIPv4Options(t *testing.T) {
	// Options that do not fill words are padded with zeros: RFC 791 §3.1.
	h := header4(ProtoUDP)
	h.Extra = []byte{ipv4RouterAlert, 4, 0, 0, 1}
	b := bytes.Repeat([]byte{0xaa}, 40)
	h.Len = h.Size()
	PutIP(b, &h)
	if h.Size() != 28 || !bytes.Equal(b[20:28], []byte{ipv4RouterAlert, 4, 0, 0, 1, 0, 0, 0}) || b[28] != 0xaa {
		t.Errorf("wrote % x", b)
	}
	var g IP
	o := Plain(b[:28])
	if f := ParseIPv4(&o, &g); f != OK || g.Flags != RouterAlert || g.HeaderLen != 28 {
		t.Errorf("%v %+v", f, g)
	}
}

func TestIPv4OptionOfNothing(t *testing.T) {
	h := header4(ProtoUDP)
	h.Extra = []byte{0x52, 2, ipv4RouterAlert, 4, 0, 0, 0, 0} // an option of two octets is the shortest
	if g, _ := transport(t, packetOf(h, nil)); g.Flags != RouterAlert {
		t.Errorf("flags %b", g.Flags)
	}
}

// slowIPv4 reads a header as RFC 791 §3.1 draws it, bit by bit: the twin of ParseIPv4.
func slowIPv4(b []byte) (h IP, ok bool) {
	bit := 0
	field := func(n int) (v uint32) {
		for range n {
			v = v<<1 | uint32(b[bit/8]>>(7-bit%8)&1)
			bit++
		}
		return v
	}
	if len(b) < 20 {
		return h, false
	}
	version, size := field(4), int(field(4))*4
	h.TOS = uint8(field(8))
	h.Len = int(field(16))
	h.ID = field(16)
	field(1)
	if field(1) == 1 {
		h.Flags |= DontFragment
	}
	if field(1) == 1 {
		h.Flags |= MoreFragments
	}
	h.Offset = uint16(field(13) * 8)
	h.TTL = uint8(field(8))
	h.Proto = Proto(field(8))
	if version != 4 || size < 20 || size > len(b) || h.Len < size || h.Len > len(b) || slowSum(b[:size]) != 0xffff {
		return h, false
	}
	h.HeaderLen = uint16(size)
	return h, true
}

func FuzzParseIPv4(f *testing.F) {
	for _, b := range corpus() {
		f.Add(b)
	}
	for _, b := range hostileOptions4() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 0 {
			b[0] = b[0]&15 | 0x40
		}
		if len(b) >= IPv4Len {
			fix4(b) // let the checksum not hide the rest
		}
		h, fault := checkIPRoundTrip(t, b, ParseIPv4)
		slow, ok := slowIPv4(b)
		switch fault {
		case OK:
			if !ok || slow.TOS != h.TOS || slow.Len != h.Len || slow.ID != h.ID || slow.TTL != h.TTL || slow.Proto != h.Proto ||
				slow.Offset != h.Offset || slow.HeaderLen != h.HeaderLen || slow.Flags != h.Flags&(DontFragment|MoreFragments) {
				t.Fatalf("read %+v, the twin %+v", h, slow)
			}
		case BadOption, FragmentLength, FragmentRange:
		default:
			if ok {
				t.Fatalf("%v, but the twin read %+v", fault, slow)
			}
		}
		checkPrinting(t, Plain(b), 0)
	})
}
