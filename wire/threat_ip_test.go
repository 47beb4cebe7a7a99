package wire

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/octet-net/octet/chunk"
)

func TestThreat_T01_LengthsThatLie(t *testing.T) {
	// Total length against the octets that there are, for a whole packet and a fragment.
	for _, name := range []string{"udp4", "fragment4", "tunnel"} {
		valid := corpus()[name]
		n := len(valid)
		for total := range 2 * n {
			b := append(bytes.Clone(valid), "padding of the link"...)
			binary.BigEndian.PutUint16(b[2:], uint16(total))
			var h IP
			o := Plain(fix4(b))
			f := ParseIP(&o, &h)
			switch {
			case total < 20 && f != BadLength, total > len(b) && f != Truncated:
				t.Errorf("%s: length %d of %d: %v", name, total, len(b), f)
			case f == OK && (o.Len() != total || h.Len != total):
				t.Errorf("%s: length %d: %d octets are left", name, total, o.Len())
			case f == FragmentLength && (total-20)%8 == 0:
				t.Errorf("%s: length %d: %v", name, total, f)
			}
			readAll(b)
		}
	}
	// A packet in a fragment is not looked at: its length is that of the whole.
	h := header4(ProtoIPv4)
	h.Flags = MoreFragments
	if f := readAll(packetOf(h, corpus()["udp4"][:24])); f != OK {
		t.Errorf("fragment of a tunnel: %v", f)
	}
	// The payload length of IPv6 likewise.
	for length := range 100 {
		b := append(corpus()["udp6"], 1, 2, 3)
		binary.BigEndian.PutUint16(b[4:], uint16(length))
		var h IP
		o := Plain(b)
		if f := ParseIP(&o, &h); (f == OK) != (40+length <= len(b)) || f == OK && o.Len() != 40+length {
			t.Errorf("payload length %d of %d: %v, %d octets are left", length, len(b)-40, f, o.Len())
		}
	}
}

// hostileOptions4 returns packets with IPv4 options that were made to hurt.
func hostileOptions4() (all [][]byte) {
	for _, kind := range []byte{ipv4RecordRoute, ipv4Timestamp, ipv4LooseRoute, ipv4StrictRoute, ipv4RouterAlert, 0xff} {
		for _, body := range [][]byte{{}, {0}, {1}, {2}, {3}, {3, 0}, {7, 4, 1, 2, 3, 4}, {7, 255, 1, 2, 3, 4}, {11, 8, 1, 2, 3, 4, 5, 6, 7, 8}, {40}, {255}} {
			h := header4(ProtoUDP)
			h.Extra = append([]byte{kind}, body...)
			all = append(all, packetOf(h, corpus()["udp4"][20:]))
		}
		h := header4(ProtoUDP)
		h.Extra = append(bytes.Repeat([]byte{ipv4NoOperation}, 39), kind) // nothing but a kind in the last octet
		all = append(all, packetOf(h, corpus()["udp4"][20:]))
		h.Extra = append([]byte{kind, 40, 4}, make([]byte, 37)...)
		all = append(all, packetOf(h, corpus()["udp4"][20:]))
	}
	return all
}

func TestThreat_T02_IPv4Options(t *testing.T) {
	for _, b := range hostileOptions4() {
		var h IP
		o := Plain(b)
		f := ParseIP(&o, &h)
		if f != OK && f != BadOption {
			t.Errorf("% x: %v", b[20:], f)
		}
		if f == BadOption && (h.At < 20 || int(h.At) >= int(h.HeaderLen)) {
			t.Errorf("% x: the fault is at %d", b[20:h.HeaderLen], h.At)
		}
		kind := b[20]
		source := kind == ipv4LooseRoute || kind == ipv4StrictRoute
		if f == OK && source && h.Flags&SourceRoute == 0 {
			t.Errorf("% x: a source route is not seen", b[20:h.HeaderLen])
		}
		readAll(b)
	}
	// Neither is one behind others.
	h := header4(ProtoUDP)
	h.Extra = []byte{ipv4NoOperation, ipv4RecordRoute, 3, 4, ipv4LooseRoute, 7, 4, 192, 0, 2, 9}
	g, _ := transport(t, packetOf(h, nil))
	if g.Flags != SourceRoute {
		t.Errorf("flags %b", g.Flags)
	}
}

func TestThreat_T03_RoutingHeader0(t *testing.T) {
	address := make([]byte, 20) // reserved, and an address
	for _, left := range []byte{0, 1, 255} {
		h, f := parse6(chain6(ProtoRouting, extension(ProtoUDP, append([]byte{0, left}, address...)...)))
		if left == 0 && (f != OK || h.Proto != ProtoUDP) {
			t.Errorf("no segments left: %v %v", f, h.Proto)
		}
		if left != 0 && (f != UnknownRouting || h.At != 42) {
			t.Errorf("%d segments left: %v at %d, want a pointer to the type (RFC 5095)", left, f, h.At)
		}
	}
	thirty := make([][]byte, 30)
	for i := range thirty {
		thirty[i] = extension(ProtoRouting, append([]byte{0, 0}, address...)...)
	}
	if _, f := parse6(chain6(ProtoRouting, thirty...)); f != TooManyHeaders {
		t.Errorf("thirty headers: %v", f)
	}
}

func TestThreat_T11_IPv6Options(t *testing.T) {
	for _, p := range []Proto{ProtoHopByHop, ProtoDestOptions} {
		for kind := range 256 {
			for length := range 256 {
				b := chain6(p, []byte{byte(ProtoUDP), 1, byte(kind), byte(length), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
				h, f := parse6(b)
				if f == OK && (h.HeaderLen != 56 || h.Proto != ProtoUDP) {
					t.Errorf("option %d of %d octets: %v at %d", kind, length, h.Proto, h.HeaderLen)
				}
				if fits := kind == optionPad1 || 2+length <= 14; !fits && f != BadOption && f != UnknownOption && f != UnwantedOption {
					t.Errorf("option %d of %d octets in 14: %v", kind, length, f)
				}
			}
		}
	}
	hundred := make([][]byte, 100)
	for i := range hundred {
		hundred[i] = extension(ProtoDestOptions)
	}
	if _, f := parse6(chain6(ProtoDestOptions, hundred...)); f != TooManyHeaders {
		t.Errorf("a hundred headers: %v", f)
	}
	flood := append([]byte{byte(ProtoUDP), 255}, make([]byte, 2046)...) // Pad1 only
	if _, f := parse6(chain6(ProtoDestOptions, flood)); f != TooManyHeaders {
		t.Errorf("a flood of padding: %v", f)
	}
	readAll(chain6(ProtoDestOptions, flood))
}

func TestThreat_T11_NeighborOptions(t *testing.T) {
	body := func(options string) *ICMP {
		return &ICMP{Type: ICMPv6RouterAdvert, Body: chunk.Borrow(append(make([]byte, 8), unhex(options)...))}
	}
	var r RouterAdvert
	const mtu = "0501 0000 000005dc"
	for _, zero := range []string{"0300 000000000000", "0000 000000000000", "1900 000000000000"} {
		// RFC 4861 §6.1.2: the whole message goes, the good option with it.
		if f := ParseRouterAdvert(body(mtu+zero), &r); f != BadOption || r.Options != nil {
			t.Errorf("option of length 0: %v", f)
		}
	}
	for length := 1; length < 256; length++ {
		// CVE-2020-16898: an RDNSS option of even length, its last address half there.
		o := make([]byte, 8*length)
		o[0], o[1] = ndRDNSS, byte(length)
		m := ICMP{Type: ICMPv6RouterAdvert, Body: chunk.Borrow(append(make([]byte, 8), o...))}
		if f := ParseRouterAdvert(&m, &r); f != OK {
			t.Errorf("RDNSS of length %d: %v", length, f)
		}
		n, want := 0, 0
		for range r.Options.RDNSS() {
			n++
		}
		if length >= 3 && length%2 == 1 {
			want = (length - 1) / 2
		}
		if n != want {
			t.Errorf("RDNSS of length %d has %d servers, want %d", length, n, want)
		}
	}
}

func TestThreat_T12_FragmentsInFragments(t *testing.T) {
	inner := append([]byte{byte(ProtoUDP), 0, 0, 1, 0, 0, 0, 9}, make([]byte, 24)...)
	for name, b := range map[string][]byte{
		"in a first fragment":                fragment6(ProtoFragment, 0, true, 1, inner),
		"in an atomic fragment":              fragment6(ProtoFragment, 0, false, 1, inner),
		"behind options in a fragment":       fragment6(ProtoDestOptions, 0, true, 1, append(extension(ProtoFragment), inner...)),
		"behind options in an atomic packet": fragment6(ProtoDestOptions, 0, false, 1, append(extension(ProtoFragment), inner...)),
	} {
		if _, f := parse6(b); f != HeaderOrder {
			t.Errorf("a fragment %s: %v", name, f)
		}
	}
	// A later fragment holds octets, whatever they look like; what is put together
	// is parsed again, and then refused.
	if h, f := parse6(fragment6(ProtoFragment, 8, false, 1, inner)); f != OK || h.Proto != ProtoFragment || h.HeaderLen != 48 {
		t.Errorf("later fragment: %v %v at %d", f, h.Proto, h.HeaderLen)
	}
}

func TestThreat_T12_JumboPayload(t *testing.T) {
	// RFC 2675 is not spoken: a payload length of zero has no room for any header.
	b := chain6(ProtoHopByHop, extension(ProtoUDP, option6(0xc2, 0, 1, 0, 0)...))
	binary.BigEndian.PutUint16(b[4:], 0)
	if _, f := parse6(b); f != Truncated {
		t.Errorf("%v", f)
	}
	if _, f := parse6(packetOf(header6(ProtoUDP), nil)); f != OK {
		t.Errorf("a packet of nothing but its header: %v", f)
	}
}

func TestThreat_T16_NothingFromBehindThePacket(t *testing.T) {
	const poison = "POISONPOISONPOISONPOISON"
	for name, valid := range corpus() {
		b := append(bytes.Clone(valid), poison...)
		for total := range len(b) + 10 {
			if b[0]>>4 == 6 {
				binary.BigEndian.PutUint16(b[4:], uint16(max(total-40, 0)))
			} else {
				binary.BigEndian.PutUint16(b[2:], uint16(total))
				fix4(b)
			}
			for _, v := range everything(b) {
				if bytes.Contains(v, []byte("POISON")) && total <= len(valid) {
					t.Fatalf("%s, length %d: % x", name, total, v)
				}
				if cap(v) != len(v) {
					t.Fatalf("%s, length %d: %d octets can grow to %d", name, total, len(v), cap(v))
				}
			}
		}
	}
	// The length of UDP is a second one that may lie.
	for n := range 60 {
		b := append(corpus()["udp4"][20:], poison...)
		binary.BigEndian.PutUint16(b[4:], uint16(n))
		o := Plain(b)
		var u UDP
		if f := ParseUDP(&o, &u); f == OK && !bytes.Equal(u.Payload.B, b[8:n]) {
			t.Errorf("length %d: %q", n, u.Payload.B)
		}
	}
}

// everything returns all slices that reading b hands out.
func everything(b []byte) (all [][]byte) {
	var h IP
	o := Plain(b)
	if ParseIP(&o, &h) != OK {
		return nil
	}
	all = append(all, h.Extra)
	o.Pull(int(h.HeaderLen))
	if h.Offset != 0 {
		return append(all, o.Data.B)
	}
	var s Segment
	var u UDP
	var m ICMP
	switch {
	case h.Proto == ProtoTCP && ParseTCP(&o, &s) == OK:
		all = append(all, s.Payload.B)
	case h.Proto == ProtoUDP && ParseUDP(&o, &u) == OK:
		all = append(all, u.Payload.B)
	case (h.Proto == ProtoICMPv4 || h.Proto == ProtoICMPv6) && ParseICMP(&o, &m) == OK:
		all = append(all, m.Body.B)
		var q Quote
		if h.Proto == ProtoICMPv4 && ParseQuote4(&m, &q) == OK || h.Proto == ProtoICMPv6 && ParseQuote6(&m, &q) == OK {
			all = append(all, q.Transport, q.IP.Extra)
		}
		var n NeighborSolicit
		if ParseNeighborSolicit(&m, &n) == OK {
			all = append(all, n.Options, n.Options.Nonce())
		}
	}
	return all
}
