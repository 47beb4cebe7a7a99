package wire

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/octet-net/octet/chunk"
)

func TestVerifyAndSeal(t *testing.T) {
	for name, b := range corpus() {
		h, o := transport(t, b)
		if h.IsFragment() || checksumAt(h.Proto) < 0 {
			continue
		}
		if f := h.Verify(&o); f != OK {
			t.Errorf("%s: %v", name, f)
		}
		for at := int(h.HeaderLen); at < len(b); at++ {
			c := bytes.Clone(b)
			c[at] ^= 0x10
			if h.Proto == ProtoUDP && at < int(h.HeaderLen)+6 && at > int(h.HeaderLen)+3 {
				continue // the length, which is a fault of its own
			}
			g, o := transport(t, c)
			if f := g.Verify(&o); f != BadChecksum {
				t.Errorf("%s with octet %d changed: %v", name, at, f)
			}
		}
	}
}

func TestVerifyInPieces(t *testing.T) {
	b := corpus()["data6"]
	h, _ := transport(t, b)
	for _, o := range pieces(b[40:]) {
		if f := h.Verify(&o); f != OK {
			t.Errorf("head of %d octets: %v", len(o.Head), f)
		}
	}
}

func TestVerifyUDP(t *testing.T) {
	none := func(b []byte, h IP) []byte { binary.BigEndian.PutUint16(b[h.Size()+6:], 0); return b }
	length := func(n uint16) []byte {
		b := corpus()["udp4"]
		binary.BigEndian.PutUint16(b[24:], n)
		return b
	}
	h4, h6 := header4(ProtoUDP), header6(ProtoUDP)
	for _, c := range []struct {
		name   string
		packet []byte
		want   Fault
	}{
		{"IPv4 without checksum (RFC 768)", none(udpOf(h4, "x"), h4), OK},
		{"IPv6 without checksum (RFC 8200 §8.1)", none(udpOf(h6, "x"), h6), BadChecksum},
		{"length 7", length(7), BadLength},
		{"length 0", length(0), BadLength},
		{"length past the packet", length(14), Truncated},
		{"no room for the header", packetOf(h4, make([]byte, 7)), Truncated},
	} {
		h, o := transport(t, c.packet)
		if f := h.Verify(&o); f != c.want {
			t.Errorf("%s: %v, want %v", c.name, f, c.want)
		}
	}
}

func TestVerifyUDPIgnoresExcess(t *testing.T) {
	b := corpus()["udp4"]
	h, o := transport(t, packetOf(header4(ProtoUDP), append(bytes.Clone(b[20:]), "excess"...)))
	if f := h.Verify(&o); f != OK {
		t.Fatalf("%v: the checksum is over the length of UDP, not of IP", f)
	}
	var u UDP
	if f := ParseUDP(&o, &u); f != OK || string(u.Payload.B) != "hello" {
		t.Errorf("%v, payload %q", f, u.Payload.B)
	}
}

// RFC 768: a checksum that comes out as zero is sent as all ones.
func TestSealNeverSendsZeroUDPChecksum(t *testing.T) {
	for _, h := range []IP{header4(ProtoUDP), header6(ProtoUDP)} {
		var zero bool
		for i := range 1 << 16 {
			data := binary.BigEndian.AppendUint16(nil, uint16(i))
			u := UDP{SrcPort: 1, DstPort: 2, Payload: chunk.Borrow(data)}
			b := make([]byte, UDPLen)
			PutUDP(b, &u)
			want := h.Pseudo(UDPLen + 2).Join(Sum(0).Add(b).Add(data)).Checksum()
			h.Seal(b, data)
			got := binary.BigEndian.Uint16(b[6:])
			if want == 0 {
				zero, want = true, 0xffff
			}
			if got != want {
				t.Fatalf("checksum %#04x, want %#04x", got, want)
			}
		}
		if !zero {
			t.Error("no datagram had a checksum of zero")
		}
	}
}

func TestSealLeavesUnknownProtocolsAlone(t *testing.T) {
	h := header4(99)
	b := []byte("something else")
	h.Seal(b, nil)
	o := Plain(b)
	if string(b) != "something else" || h.Verify(&o) != OK {
		t.Errorf("%q", b)
	}
}

func TestParseIPTellsVersions(t *testing.T) {
	for _, c := range []struct {
		first byte
		want  Fault
	}{{0x45, Truncated}, {0x60, Truncated}, {0x00, BadVersion}, {0x55, BadVersion}, {0xf0, BadVersion}} {
		b := make([]byte, 20)
		b[0] = c.first
		var h IP
		o := Plain(b)
		if f := ParseIP(&o, &h); c.want == BadVersion && f != BadVersion || c.want != BadVersion && f == BadVersion {
			t.Errorf("first octet %#02x: %v", c.first, f)
		}
	}
	for _, c := range []struct {
		parse  func(*Octets, *IP) Fault
		packet string
	}{{ParseIPv4, "udp6"}, {ParseIPv6, "udp4"}} {
		b := append(corpus()[c.packet], make([]byte, 40)...)
		o := Plain(b)
		if f := c.parse(&o, new(IP)); f != BadVersion {
			t.Errorf("%s: %v", c.packet, f)
		}
	}
}

// sameIP compares what packets say; Extra may lie in different memory.
func sameIP(a, b IP) bool {
	if !bytes.Equal(a.Extra, b.Extra) {
		return false
	}
	a.Extra, b.Extra = nil, nil
	return a.Src == b.Src && a.Dst == b.Dst && a.Proto == b.Proto && a.TTL == b.TTL && a.TOS == b.TOS &&
		a.Flags == b.Flags && a.ID == b.ID && a.Label == b.Label && a.Offset == b.Offset &&
		a.HeaderLen == b.HeaderLen && a.At == b.At && a.Next == b.Next && a.Len == b.Len
}

// checkIPRoundTrip parses b; what it says must come out of Put and Parse again.
func checkIPRoundTrip(t *testing.T, b []byte, parse func(*Octets, *IP) Fault) (h IP, f Fault) {
	t.Helper()
	o := Plain(b)
	if f = parse(&o, &h); f != OK {
		return h, f
	}
	if o.Len() != h.Len || int(h.HeaderLen) > h.Len || h.Len > len(b) {
		t.Fatalf("header %d, packet %d, octets %d of %d", h.HeaderLen, h.Len, o.Len(), len(b))
	}
	again := make([]byte, h.Len)
	PutIP(again, &h)
	copy(again[h.Size():], b[h.Size():h.Len])
	o = Plain(again)
	var g IP
	if f := parse(&o, &g); f != OK || !sameIP(g, h) {
		t.Fatalf("%v\nread  %+v\nagain %+v", f, h, g)
	}
	return h, OK
}

func TestProtoNames(t *testing.T) {
	want := map[Proto]string{0: "HopByHop", 1: "ICMP", 2: "IGMP", 4: "IP", 6: "TCP", 17: "UDP", 41: "IPv6", 43: "Routing",
		44: "Fragment", 50: "ESP", 51: "AH", 58: "ICMPv6", 59: "none", 60: "DestOptions", 200: "protocol 200"}
	for p, name := range want {
		if p.String() != name {
			t.Errorf("protocol %d is called %q, want %q", int(p), p, name)
		}
	}
}
