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
