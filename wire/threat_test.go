package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/octet-net/octet/chunk"
)

// The tests of this file are named after attacks. What they show is that octets
// are read safely; what a stack does about them (drops, answers, connections that
// live on) is shown where that is decided.

// readAll reads b as far as it can be read, and prints it. It returns the first fault.
func readAll(b []byte) Fault {
	Line(Plain(b), Long)
	ExplainText(Plain(b), 0)
	o := Plain(b)
	var h IP
	if f := ParseIP(&o, &h); f != OK {
		return f
	}
	o.Pull(int(h.HeaderLen))
	if h.IsFragment() {
		return OK
	}
	if f := h.Verify(&o); f != OK {
		return f
	}
	return readTransport(&h, &o)
}

func readTransport(h *IP, o *Octets) Fault {
	switch h.Proto {
	case ProtoTCP:
		return ParseTCP(o, new(Segment))
	case ProtoUDP:
		return ParseUDP(o, new(UDP))
	case ProtoICMPv4, ProtoICMPv6:
		var m ICMP
		if f := ParseICMP(o, &m); f != OK {
			return f
		}
		return readMessage(h.Proto, &m)
	case ProtoIPv4:
		return readAll(o.Data.B)
	}
	return OK
}

func readMessage(p Proto, m *ICMP) Fault {
	switch {
	case p == ProtoICMPv4 && HasQuote4(m.Type):
		return ParseQuote4(m, new(Quote))
	case p == ProtoICMPv6 && HasQuote6(m.Type):
		return ParseQuote6(m, new(Quote))
	case p == ProtoICMPv6 && m.Type == ICMPv6NeighborSolicit:
		return ParseNeighborSolicit(m, new(NeighborSolicit))
	case p == ProtoICMPv6 && m.Type == ICMPv6RouterAdvert:
		return ParseRouterAdvert(m, new(RouterAdvert))
	case p == ProtoICMPv6 && m.Type == ICMPv6MLDv2Report:
		return ParseMLDReport(m, new(GroupRecords))
	}
	return OK
}

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

func TestThreat_T04_EveryTruncation(t *testing.T) {
	for name, b := range corpus() {
		if f := readAll(b); f != OK {
			t.Errorf("%s: %v", name, f)
		}
		for n := range len(b) {
			if f := readAll(bytes.Clone(b[:n])); f != Truncated && f != BadHeaderLength {
				t.Errorf("%s, %d octets of %d: %v", name, n, len(b), f)
			}
			readShortened(t, name, bytes.Clone(b[:n]))
		}
	}
	arp := arpOf(someARP())
	frame := framed(EtherARP, nil)
	for n := range len(arp) {
		o := Plain(bytes.Clone(arp[:n]))
		if f := ParseARP(&o, new(ARP)); f != Truncated {
			t.Errorf("%d octets of ARP: %v", n, f)
		}
		Line(Plain(append(bytes.Clone(frame), arp[:n]...)), Framed)
	}
	for n := range len(frame) {
		o := Plain(bytes.Clone(frame[:n]))
		if f := ParseEthernet(&o, new(Ethernet)); f != Truncated {
			t.Errorf("%d octets of Ethernet: %v", n, f)
		}
	}
}

// readShortened makes the IP header agree with what is left, so that the transport
// sees the truncation.
func readShortened(t *testing.T, name string, b []byte) {
	if len(b) < 20 || b[0]>>4 == 6 && len(b) < 40 {
		return
	}
	if b[0]>>4 == 6 {
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
	} else {
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		fix4(b)
	}
	// Its checksum is wrong, which is found first; read on all the same.
	f := readAll(b)
	var h IP
	o := Plain(b)
	if ParseIP(&o, &h) != OK {
		return
	}
	o.Pull(int(h.HeaderLen))
	g := readTransport(&h, &o)
	if f == OK && g == OK && !h.IsFragment() && h.Proto != ProtoNone && len(b) != len(corpus()[name]) {
		t.Errorf("%s, %d octets: nothing is wrong", name, len(b))
	}
}

// hostileOptions returns TCP option blocks that were made to hurt.
func hostileOptions() (all [][]byte) {
	for kind := range 256 {
		for _, length := range []byte{0, 1, 2, 3, 9, 10, 11, 34, 39, 40, 41, 42, 255} {
			b := append([]byte{byte(kind), length}, make([]byte, 38)...)
			all = append(all, b, append(bytes.Repeat([]byte{kindNoOperation}, 38), byte(kind), length))
		}
		all = append(all, append(bytes.Repeat([]byte{kindNoOperation}, 39), byte(kind)))
	}
	return append(all, bytes.Repeat([]byte{kindNoOperation}, 40), bytes.Repeat([]byte{0xff}, 40), bytes.Repeat([]byte{2}, 40))
}

func TestThreat_T05_TCPOptions(t *testing.T) {
	for _, b := range hostileOptions() {
		p := optionsOf(t, b) // never fails the segment: MUST-7
		if p != slowOptions(b) {
			t.Errorf("% x: %v, want %v", b, p, slowOptions(b))
		}
		if p.Has&HasScale != 0 && p.Scale > 14 || p.NSACK > 4 || p.Cookie.Len > 16 || p.AccECN.N > 3 {
			t.Errorf("% x: %+v", b, p)
		}
		checkOptionsRoundTrip(t, p)
		readAll(packetOf(header4(ProtoTCP), segmentWith(b)))
	}
	if p := optionsOf(t, bytes.Repeat([]byte{kindNoOperation}, 40)); p != (Options{}) {
		t.Errorf("forty NOPs: %v", p)
	}
	if p := optionsOf(t, []byte{kindScale, 3, 255}); p.Scale != 14 {
		t.Errorf("scale 255 is read as %d", p.Scale)
	}
}

func TestThreat_T06_DataOffset(t *testing.T) {
	valid := corpus()["syn4"][20:] // 40 octets of header and nothing else
	for words := range 16 {
		b := bytes.Clone(valid)
		b[12] = byte(words) << 4
		s, f := parseTCP(b)
		switch {
		case words < 5 || words > 10:
			if f != BadHeaderLength {
				t.Errorf("offset %d: %v", words, f)
			}
		case f != OK || s.Payload.Len() != 40-4*words:
			t.Errorf("offset %d: %v with %d octets", words, f, s.Payload.Len())
		}
	}
}

func TestThreat_T07_UrgentPointer(t *testing.T) {
	// Any pointer is read as it is; where it points, package tcp clamps. Nothing is
	// ever taken out of the payload (RFC 6093 §3.1).
	for _, flags := range []Flags{URG | ACK, URG | SYN, URG | FIN | ACK, URG | RST, URG} {
		for _, urgent := range []uint16{0, 1, 5, 6, 0x7fff, 0x8000, 0xffff} {
			b := tcpOf(header4(ProtoTCP), Segment{Flags: flags, Urgent: urgent}, "hello")
			if f := readAll(b); f != OK {
				t.Errorf("%v, pointer %d: %v", flags, urgent, f)
			}
			if s, f := parseTCP(b[20:]); f != OK || s.Urgent != urgent || string(s.Payload.B) != "hello" {
				t.Errorf("%v, pointer %d: %v, pointer %d, %q", flags, urgent, f, s.Urgent, s.Payload.B)
			}
		}
	}
}

func TestThreat_T08_MalformedOptionsKeepTheSegment(t *testing.T) {
	// Bad options neither fail a segment nor change what its header says, so that
	// nothing of them can reset a connection.
	want := Segment{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: ACK, Window: 5}
	for _, options := range hostileOptions() {
		b := segmentWith(options)
		PutTCP(b[:TCPLen], &want)
		b[12] = byte(len(b)) / 4 << 4
		s, f := parseTCP(append(b, "data"...))
		s.Options = Options{}
		if f != OK || s.String() != (Segment{Seq: 3, Ack: 4, Flags: ACK, Window: 5, Payload: s.Payload}).String() || string(s.Payload.B) != "data" {
			t.Errorf("% x: %v %v", options, f, s)
		}
	}
}

func TestThreat_T09_GroupReports(t *testing.T) {
	// Counts that go past the message, in each place that has one.
	for _, s := range []string{
		"22 00 0000 0000 0002 04 00 0000 ef010203",
		"22 00 0000 0000 ffff 04 00 0000 ef010203",
		"22 00 0000 0000 0001 04 01 0000 ef010203",
		"22 00 0000 0000 0001 04 ff 0000 ef010203",
		"22 00 0000 0000 0001 04 00 0001 ef010203",
		"22 00 0000 0000 0001 04 00 ffff ef010203 c0000201",
		"22 00 0000 0000 0001 04 00 0000 ef0102",
	} {
		m, _ := parseIGMP(unhex(s))
		var g GroupRecords
		if f := ParseIGMPReport(&m, &g); f != Truncated || g.Len() != 0 {
			t.Errorf("%s: %v, %d records", s, f, g.Len())
		}
	}
	m, _ := parseIGMP(unhex("11 00 0000 00000000 02 7d 0000"))
	var q GroupQuery
	if f := ParseIGMPQuery(&m, &q); f != OK || q.MaxResponse != 0 {
		t.Errorf("no time to respond: %v %v", f, q.MaxResponse)
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

func TestThreat_T13_QuotesThatAreShort(t *testing.T) {
	for name, m := range map[string]ICMP{"udp4": unreachable4Port, "syn4": unreachable4Port, "options4": unreachable4Port,
		"udp6": unreachable6Port, "data6": unreachable6Port, "extended6": unreachable6Port} {
		b := corpus()[name]
		h, _ := transport(t, b)
		for n := range len(b) + 1 {
			q, f := quoteOf(m, bytes.Clone(b[:n]))
			if want := n >= int(h.HeaderLen)+8; (f == OK) != want {
				t.Errorf("%s, %d octets quoted: %v", name, n, f)
			}
			if f == OK && (len(q.Transport) < 8 || q.IP.Src != h.Src) {
				t.Errorf("%s, %d octets quoted: %+v", name, n, q)
			}
		}
	}
}

func TestThreat_T13_QuotesOfErrors(t *testing.T) {
	c := corpus()
	later := header4(ProtoUDP)
	later.Offset = 8
	for _, x := range []struct {
		name   string
		m      ICMP
		packet []byte
		want   Fault
	}{
		{"an error about an error, IPv4", unreachable4Port, c["error4"], BadType},
		{"an error about an error, IPv6", unreachable6Port, c["error6"], BadType},
		{"an error about a redirect, IPv6", unreachable6Port, icmpOf(header6(ProtoICMPv6), ICMP{Type: ICMPv6Redirect}, make([]byte, 32)), BadType},
		{"an error about a time exceeded, IPv4", unreachable4Port, icmpOf(header4(ProtoICMPv4), ICMP{Type: ICMPv4TimeExceeded}, make([]byte, 28)), BadType},
		{"an error about an echo, IPv4", unreachable4Port, c["echo4"], OK},
		{"an error about an echo, IPv6", unreachable6Port, c["echo6"], OK},
		{"an error about a later fragment, IPv4", unreachable4Port, packetOf(later, make([]byte, 64)), BadType},
		{"an error about a later fragment, IPv6", unreachable6Port, c["fragment6"], BadType},
		{"an error about nothing", unreachable4Port, nil, Truncated},
	} {
		if _, f := quoteOf(x.m, x.packet); f != x.want {
			t.Errorf("%s: %v, want %v", x.name, f, x.want)
		}
	}
	for _, x := range []struct {
		m    ICMP
		read func(*ICMP, *Quote) Fault
		b    string
	}{{unreachable4Port, ParseQuote4, "udp6"}, {unreachable6Port, ParseQuote6, "udp4"}} {
		x.m.Body = chunk.Borrow(append(bytes.Clone(c[x.b]), make([]byte, 40)...))
		if f := x.read(&x.m, new(Quote)); f != BadVersion {
			t.Errorf("a quote of the other version: %v", f)
		}
	}
	// An error that quotes itself, and so on to the end: printing ends too.
	b := c["error4"]
	for range 20 {
		b = errorAbout4(b)
		readAll(b)
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

func TestThreat_T17_NumbersAtTheirEnds(t *testing.T) {
	// Sequence numbers, windows and timestamps are carried as they are; TestSeqOrder
	// compares them across the wrap.
	for _, v := range []uint32{0, 1, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1} {
		want := Segment{Seq: Seq(v), Ack: Seq(^v), Flags: ACK, Window: uint16(v), Urgent: uint16(v >> 16),
			Options: Options{Has: HasTimestamp | HasSACK, TSVal: v, TSEcr: ^v, NSACK: 1, SACK: [4]Range{{Seq(v), Seq(v) + 10}}}}
		s, f := parseTCP(tcpOf(header4(ProtoTCP), want, "")[20:])
		if f != OK || !sameSegment(s, want) || s.Options.SACK[0].Len() != 10 {
			t.Errorf("%d: %v %+v", v, f, s)
		}
	}
	// The largest packets and a hop limit of zero.
	for _, h := range []IP{header4(ProtoUDP), header6(ProtoUDP)} {
		h.TTL, h.TOS, h.Label, h.ID = 0, 0xff, 0xfffff, 0xffff
		n := 65535 - 20
		if h.Is6() {
			n, h.ID = 65535, 0
		} else {
			h.Label = 0
		}
		u := UDP{SrcPort: 65535, DstPort: 0, Payload: chunk.Borrow(make([]byte, n-UDPLen))}
		b := make([]byte, UDPLen)
		PutUDP(b, &u)
		packet := sealed(h, b, u.Payload.B)
		if f := readAll(packet); f != OK {
			t.Errorf("%d octets: %v", len(packet), f)
		}
		g, _ := transport(t, packet)
		if g.Len != h.Size()+n || g.TTL != 0 || g.TOS != 0xff || g.Label != h.Label || g.ID != h.ID {
			t.Errorf("%+v", g)
		}
	}
	for n := range 8 {
		b := make([]byte, UDPLen)
		binary.BigEndian.PutUint16(b[4:], uint16(n))
		o := Plain(b)
		if f := ParseUDP(&o, new(UDP)); f != BadLength {
			t.Errorf("UDP length %d: %v", n, f)
		}
	}
	for _, mtu := range []uint32{0, 67, 68, 1279, 1280, 65535, 1<<32 - 1} {
		m := ICMP{Type: ICMPv6PacketTooBig, Rest: mtu}
		b := icmpOf(header6(ProtoICMPv6), m, corpus()["udp6"])
		if got, f := parseICMP(b[40:]); f != OK || got.Rest != mtu {
			t.Errorf("MTU %d is read as %d, %v", mtu, got.Rest, f)
		}
		if want := fmt.Sprintf("packet too big mtu %d about UDP", mtu); !bytes.Contains(AppendLine(nil, Plain(b), 0), []byte(want)) {
			t.Errorf("MTU %d: %s", mtu, Line(Plain(b), 0))
		}
	}
}
