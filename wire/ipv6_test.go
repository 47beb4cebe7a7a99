package wire

import "testing"

func TestParseIPv6(t *testing.T) {
	h := header6(ProtoUDP)
	h.TOS, h.Label, h.TTL = 0xb9, 0xabcde, 3
	g, o := transport(t, append(packetOf(h, []byte("payload")), 0, 0))
	if g.Src != a6 || g.Dst != b6 || g.Proto != ProtoUDP || g.TTL != 3 || g.TOS != 0xb9 || g.ECN() != 1 || g.Label != 0xabcde {
		t.Errorf("%+v", g)
	}
	if g.HeaderLen != 40 || g.Len != 47 || !g.Is6() || g.At != 6 || string(o.Data.B) != "payload" {
		t.Errorf("%+v, transport %q", g, o.Data.B)
	}
}

func TestParseIPv6Truncated(t *testing.T) {
	b := corpus()["udp6"]
	for _, n := range []int{0, 1, 39, 40, len(b) - 1} {
		o := Plain(b[:n])
		var h IP
		if f := ParseIPv6(&o, &h); f != Truncated {
			t.Errorf("%d octets of %d: %v", n, len(b), f)
		}
		if got := h.Src == a6; got != (n >= 40) {
			t.Errorf("%d octets: source %v", n, h.Src)
		}
	}
}

func FuzzParseIPv6(f *testing.F) {
	for _, b := range corpus() {
		f.Add(b)
	}
	f.Add(fragment6(ProtoTCP, 0, true, 1, make([]byte, 24)))
	f.Add(fragment6(ProtoUDP, 0, false, 1, make([]byte, 8)))
	f.Add(chain6(ProtoHopByHop, extension(ProtoRouting, 5, 2, 0, 0), extension(ProtoDestOptions, 0, 0, 0, 0), extension(ProtoNone)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 0 {
			b[0] = b[0]&15 | 0x60
		}
		h, fault := checkIPRoundTrip(t, b, ParseIPv6)
		checkAgainstSlow6(t, b, &h, fault)
		checkPrinting(t, Plain(b), 0)
	})
}
