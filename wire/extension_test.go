package wire

import (
	"bytes"
	"net/netip"
	"testing"
)

// chain6 returns an IPv6 packet with these extension headers, the first of which is first.
// What follows them is 24 octets.
func chain6(first Proto, headers ...[]byte) []byte {
	h := header6(first)
	return packetOf(h, append(bytes.Join(headers, nil), make([]byte, 24)...))
}

func option6(kind byte, content ...byte) []byte {
	return append([]byte{kind, byte(len(content))}, content...)
}

func parse6(b []byte) (h IP, f Fault) {
	o := Plain(b)
	f = ParseIPv6(&o, &h)
	return h, f
}

func TestExtensionsInTheirOrder(t *testing.T) {
	b := chain6(ProtoHopByHop,
		extension(ProtoDestOptions, option6(optionRouterAlert, 0, 0)...),
		extension(ProtoRouting),
		extension(ProtoFragment, 0, 0), // routing: type 0, no segments left
		[]byte{byte(ProtoDestOptions), 0, 0, 0, 0, 0, 0, 9},
		extension(ProtoUDP))
	h, f := parse6(b)
	if f != OK {
		t.Fatalf("%v at %d", f, h.At)
	}
	if h.Proto != ProtoUDP || h.HeaderLen != 80 || len(h.Extra) != 40 || h.Next != ProtoHopByHop || h.At != 72 {
		t.Errorf("%+v", h)
	}
	if h.Flags != Fragmented|RouterAlert || h.ID != 9 || h.IsFragment() {
		t.Errorf("flags %b, id %d: an atomic fragment is a whole packet (RFC 6946)", h.Flags, h.ID)
	}
}

func TestExtensionFaults(t *testing.T) {
	d := extension(ProtoDestOptions)
	nine := make([][]byte, 0, 9)
	for range 8 {
		nine = append(nine, d)
	}
	padding := func(n int) []byte { return append([]byte{optionPadN, byte(n - 2)}, make([]byte, n-2)...) }
	many := []byte{}
	for range 9 {
		many = append(many, 0x1e, 0)
	}
	frag := []byte{byte(ProtoFragment), 0, 0, 0, 0, 0, 0, 1}
	for _, c := range []struct {
		name string
		b    []byte
		want Fault
		at   uint16 // where that matters
	}{
		{"eight headers", chain6(ProtoDestOptions, append(nine[:7:7], extension(ProtoUDP))...), OK, 40 + 56},
		{"nine headers", chain6(ProtoDestOptions, append(nine[:8:8], extension(ProtoUDP))...), TooManyHeaders, 0},
		{"hop-by-hop second", chain6(ProtoDestOptions, extension(ProtoHopByHop), extension(ProtoUDP)), HeaderOrder, 40},
		{"hop-by-hop in a fragment", fragment6(ProtoHopByHop, 0, true, 1, append(extension(ProtoUDP), make([]byte, 8)...)), HeaderOrder, 40},
		{"fragment in an atomic fragment", chain6(ProtoFragment, frag, frag), HeaderOrder, 0},
		{"fragment in a first fragment", fragment6(ProtoFragment, 0, true, 1, make([]byte, 24)), HeaderOrder, 0},
		{"routing type 0, one segment left", chain6(ProtoRouting, extension(ProtoUDP, 0, 1)), UnknownRouting, 42},
		{"routing type 9, one segment left", chain6(ProtoRouting, extension(ProtoUDP, 9, 1)), UnknownRouting, 42},
		{"routing type 9, no segment left", chain6(ProtoRouting, extension(ProtoUDP, 9, 0)), OK, 40},
		{"option to skip", chain6(ProtoDestOptions, extension(ProtoUDP, option6(0x1e, 1)...)), OK, 40},
		{"option to discard", chain6(ProtoDestOptions, extension(ProtoUDP, option6(0x5e, 1)...)), UnwantedOption, 42},
		{"option to refuse", chain6(ProtoDestOptions, extension(ProtoUDP, option6(0x9e, 1)...)), UnknownOption, 42},
		{"option to refuse unless to a group", chain6(ProtoDestOptions, extension(ProtoUDP, option6(0xde, 1)...)), UnknownOption, 42},
		{"jumbo payload", chain6(ProtoHopByHop, extension(ProtoUDP, option6(0xc2, 0, 1, 0, 0)...)), UnknownOption, 42},
		{"option past its header", chain6(ProtoDestOptions, extension(ProtoUDP, 0x1e, 5, 0, 0, 0, 0)), BadOption, 42},
		{"option without a length", chain6(ProtoDestOptions, extension(ProtoUDP, optionPadN, 3, 0, 0, 0, 0x1e)), BadOption, 47},
		{"seven octets of padding", chain6(ProtoDestOptions, extension(ProtoUDP, append(padding(7), option6(0x1e, 1, 2, 3, 4, 5)...)...)), OK, 40},
		{"eight octets of padding", chain6(ProtoDestOptions, extension(ProtoUDP, append(padding(8), option6(0x1e, 1, 2, 3, 4)...)...)), TooManyHeaders, 0},
		{"eight Pad1", chain6(ProtoDestOptions, extension(ProtoUDP, 0, 0, 0, 0, 0, 0, 0, 0, 0x1e, 4, 0, 0, 0, 0)), TooManyHeaders, 0},
		{"nine options", chain6(ProtoDestOptions, extension(ProtoUDP, many...)), TooManyHeaders, 0},
		{"header past the packet", chain6(ProtoDestOptions, []byte{byte(ProtoUDP), 3}), Truncated, 0},
		{"header of which there is nothing", packetOf(header6(ProtoDestOptions), nil), Truncated, 0},
		{"first fragment without transport", fragment6(ProtoTCP, 0, true, 1, make([]byte, 16)), HeaderChain, 0},
		{"first fragment with transport", fragment6(ProtoTCP, 0, true, 1, make([]byte, 24)), OK, 40},
		{"first fragment cut in its options", fragment6(ProtoDestOptions, 0, true, 1, extension(ProtoUDP)), HeaderChain, 0},
		{"first fragment cut in an option header", fragment6(ProtoDestOptions, 0, true, 1, []byte{17, 1, 1, 4, 0, 0, 0, 0}), HeaderChain, 0},
		{"first fragment with no next header", fragment6(ProtoNone, 0, true, 1, nil), OK, 40},
		{"later fragment without transport", fragment6(ProtoTCP, 8, true, 1, make([]byte, 8)), OK, 40},
		{"fragment of 9 octets, more follow", fragment6(ProtoUDP, 8, true, 1, make([]byte, 9)), FragmentLength, 4},
		{"fragment that ends at 65535", fragment6(ProtoUDP, 65528, false, 1, make([]byte, 7)), OK, 40},
		{"fragment that ends at 65536", fragment6(ProtoUDP, 65528, false, 1, make([]byte, 8)), FragmentRange, 42},
	} {
		h, f := parse6(c.b)
		if f != c.want || c.at != 0 && h.At != c.at {
			t.Errorf("%s: %v at %d, want %v at %d", c.name, f, h.At, c.want, c.at)
		}
		if c.want == HeaderChain && h.At != 0 {
			t.Errorf("%s: pointer %d, want 0 (RFC 8200 §4.5)", c.name, h.At)
		}
		if h.Src != a6 {
			t.Errorf("%s: nobody to answer", c.name)
		}
	}
}

func TestHeadersOfAFirstFragmentCountTogether(t *testing.T) {
	// Three headers, the fragment header and n more behind it.
	for n, want := range map[int]Fault{4: OK, 5: TooManyHeaders} {
		d := extension(ProtoDestOptions)
		fragment := make([]byte, FragmentLen)
		PutFragment(fragment, ProtoDestOptions, 0, true, 1)
		headers := [][]byte{d, d, extension(ProtoFragment), fragment}
		for range n - 1 {
			headers = append(headers, d)
		}
		if _, f := parse6(chain6(ProtoDestOptions, append(headers, extension(ProtoUDP))...)); f != want {
			t.Errorf("%d headers: %v, want %v", 4+n, f, want)
		}
	}
}

func TestOptionToAGroupIsNotRefused(t *testing.T) {
	for _, c := range []struct {
		kind byte
		want Fault
	}{{0x9e, UnknownOption}, {0xde, UnwantedOption}} {
		h := header6(ProtoDestOptions)
		h.Dst = netip.MustParseAddr("ff02::1")
		if _, f := parse6(packetOf(h, extension(ProtoUDP, option6(c.kind, 1)...))); f != c.want {
			t.Errorf("option %#x to a group: %v, want %v", c.kind, f, c.want)
		}
	}
}

func TestPutFragment(t *testing.T) {
	b := make([]byte, FragmentLen)
	PutFragment(b, ProtoUDP, 1480, true, 0xdeadbeef)
	if !bytes.Equal(b, unhex("11 00 05c9 deadbeef")) {
		t.Errorf("wrote % x", b)
	}
	h, f := parse6(fragment6(ProtoUDP, 1480, true, 0xdeadbeef, make([]byte, 16)))
	if f != OK || h.Offset != 1480 || h.ID != 0xdeadbeef || !h.IsFragment() || h.Proto != ProtoUDP || h.HeaderLen != 48 {
		t.Errorf("%v %+v", f, h)
	}
}

// slow6 walks the headers of an IPv6 packet one by one with nothing but RFC 8200
// §4 in mind: the twin of the walk in ParseIPv6 as far as lengths go. It returns
// what is named last and where that begins, and false where a header does not fit.
func slow6(b []byte, p Proto, at int) (Proto, int, bool) {
	switch p {
	case ProtoFragment:
		if at+8 > len(b) {
			return p, at, false
		}
		if b[at+2] != 0 || b[at+3]&^6 != 0 {
			return Proto(b[at]), at + 8, true
		}
		return slow6(b, Proto(b[at]), at+8)
	case ProtoHopByHop, ProtoDestOptions, ProtoRouting:
		if at+8 > len(b) || at+8+8*int(b[at+1]) > len(b) {
			return p, at, false
		}
		return slow6(b, Proto(b[at]), at+8+8*int(b[at+1]))
	}
	return p, at, true
}

func checkAgainstSlow6(t *testing.T, b []byte, h *IP, f Fault) {
	if f != OK {
		return
	}
	p, at, ok := slow6(b[:h.Len], Proto(b[6]), IPv6Len)
	if !ok || p != h.Proto || at != int(h.HeaderLen) {
		t.Fatalf("read %v at %d, the twin %v at %d (%v)", h.Proto, h.HeaderLen, p, at, ok)
	}
}
