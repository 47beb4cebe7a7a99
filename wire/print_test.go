package wire

import (
	"strconv"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	c := corpus()
	for _, l := range []struct {
		packet string
		form   Form
		want   string
	}{
		{"udp4", 0, "192.0.2.1:49731 → 198.51.100.7:6789 [IP 20 [UDP 8 [data 5]]] = 33 octets"},
		{"udp6", 0, "[2001:db8::1]:49731 → [2001:db8:1::7]:6789 [IPv6 40 [UDP 8 [data 5]]] = 53 octets"},
		{"syn4", 0, "192.0.2.1:1 → 198.51.100.7:2 [IP 20 [TCP 40]] = 60 octets, SYN"},
		{"syn4", Long, "192.0.2.1:1 → 198.51.100.7:2 [IP 20 [TCP 40]] = 60 octets, SYN seq 100 win 65535 <mss 1460, sackOK, ts 7 0, scale 7>"},
		{"data6", Long, "[2001:db8::1]:1 → [2001:db8:1::7]:2 [IPv6 40 [TCP 32 [data 5]]] = 77 octets, PSH ACK seq 100:105 ack 7 win 0 <ts 0 0>"},
		{"echo4", 0, "192.0.2.1 → 198.51.100.7 [IP 20 [ICMP 8 [data 4]]] = 32 octets, echo request id 7 seq 1"},
		{"echo6", 0, "2001:db8::1 → 2001:db8:1::7 [IPv6 40 [ICMPv6 8 [data 4]]] = 52 octets, echo request id 7 seq 1"},
		{"error4", 0, "198.51.100.7 → 192.0.2.1 [IP 20 [ICMP 8 [IP 20 [UDP 8]]]] = 56 octets, port unreachable about UDP 192.0.2.1:49731 → 198.51.100.7:6789"},
		{"error6", 0, "2001:db8:1::7 → 2001:db8::1 [IPv6 40 [ICMPv6 8 [IPv6 40 [UDP 8 [data 5]]]]] = 101 octets, port unreachable about UDP [2001:db8::1]:49731 → [2001:db8:1::7]:6789"},
		{"fragment4", 0, "192.0.2.1 → 198.51.100.7 [IP 20 [fragment 64]] = 84 octets, fragment of UDP id 7 at 1480 more follow"},
		{"fragment6", 0, "2001:db8::1 → 2001:db8:1::7 [IPv6 40 [Fragment 8 [fragment 64]]] = 112 octets, fragment of UDP id 7 at 1480 more follow"},
		{"options4", 0, "192.0.2.1:49731 → 198.51.100.7:6789 [IP 32 [UDP 8 [data 5]]] = 45 octets"},
		{"extended6", 0, "[2001:db8::1]:49731 → [2001:db8:1::7]:6789 [IPv6 40 [HopByHop 8 [DestOptions 8 [UDP 8 [data 5]]]]] = 69 octets"},
		{"solicit", 0, "2001:db8::1 → 2001:db8:1::7 [IPv6 40 [ICMPv6 8 [data 32]]] = 80 octets, neighbor solicitation 2001:db8:1::7"},
		{"report", 0, "2001:db8::1 → 2001:db8:1::7 [IPv6 40 [ICMPv6 8 [data 20]]] = 68 octets, multicast listener report"},
		{"tunnel", 0, "192.0.2.1 → 198.51.100.7 [IP 20 [IP 20 [UDP 8 [data 5]]]] = 53 octets"},
	} {
		if got := Line(Plain(c[l.packet]), l.form); got != l.want {
			t.Errorf("%s\n got %s\nwant %s", l.packet, got, l.want)
		}
	}
}

func TestLineOfHeadAndData(t *testing.T) {
	b := corpus()["data6"]
	split := Plain(b[72:])
	split.Head = b[:72]
	if got, want := Line(split, Long), Line(Plain(b), Long); got != want {
		t.Errorf("in two pieces %s\nin one        %s", got, want)
	}
}

func TestLineOfFrames(t *testing.T) {
	c := corpus()
	reply := someARP()
	reply.Op = ARPReply
	announcement := someARP()
	announcement.Target = announcement.Sender
	for _, l := range []struct {
		frame []byte
		want  string
	}{
		{framed(EtherIPv4, append(c["udp4"], make([]byte, 13)...)), "192.0.2.1:49731 → 198.51.100.7:6789 [Ethernet 14 [IP 20 [UDP 8 [data 5]]] [padding 13]] = 60 octets"},
		{framed(EtherIPv6, c["udp6"]), "[2001:db8::1]:49731 → [2001:db8:1::7]:6789 [Ethernet 14 [IPv6 40 [UDP 8 [data 5]]]] = 67 octets"},
		{framed(EtherARP, append(arpOf(someARP()), 0)), "02:00:00:00:00:01 → 02:00:00:00:00:02 [Ethernet 14 [ARP 28] [padding 1]] = 43 octets, who has 198.51.100.7 tell 192.0.2.1"},
		{framed(EtherARP, arpOf(reply)), "02:00:00:00:00:01 → 02:00:00:00:00:02 [Ethernet 14 [ARP 28]] = 42 octets, 192.0.2.1 is at 02:00:00:00:00:01"},
		{framed(EtherARP, arpOf(announcement)), "02:00:00:00:00:01 → 02:00:00:00:00:02 [Ethernet 14 [ARP 28]] = 42 octets, announces 192.0.2.1"},
		{framed(0x88cc, []byte("lldp")), "02:00:00:00:00:01 → 02:00:00:00:00:02 [Ethernet 14 [data 4]] = 18 octets, type 0x88cc"},
		{framed(5, []byte("llc")), "[Ethernet 17 (unknown type)] = 17 octets"},
	} {
		if got := Line(Plain(l.frame), Framed); got != l.want {
			t.Errorf(" got %s\nwant %s", got, l.want)
		}
	}
}

func TestLineOfBrokenPackets(t *testing.T) {
	c := corpus()
	short := packetOf(header4(ProtoTCP), make([]byte, 12))
	excess := append(c["udp4"][20:], 1, 2, 3)
	for _, l := range []struct {
		packet []byte
		want   string
	}{
		{nil, "[IP 0 (truncated)] = 0 octets"},
		{[]byte{0x45}, "[IP 1 (truncated)] = 1 octet"},
		{[]byte{0x60}, "[IPv6 1 (truncated)] = 1 octet"},
		{c["udp4"][:30], "192.0.2.1 → 198.51.100.7 [IP 30 (truncated)] = 30 octets"},
		{short, "192.0.2.1 → 198.51.100.7 [IP 20 [TCP 12 (truncated)]] = 32 octets"},
		{packetOf(header4(ProtoUDP), excess), "192.0.2.1:49731 → 198.51.100.7:6789 [IP 20 [UDP 8 [data 5] [excess 3]]] = 36 octets"},
		{packetOf(header4(99), []byte("abc")), "192.0.2.1 → 198.51.100.7 [IP 20 [data 3]] = 23 octets, protocol 99"},
	} {
		if got := Line(Plain(l.packet), 0); got != l.want {
			t.Errorf(" got %s\nwant %s", got, l.want)
		}
	}
}

func TestLinePacketsInPackets(t *testing.T) {
	b := corpus()["udp4"]
	for range 30 {
		b = packetOf(header4(ProtoIPv4), b)
	}
	want := "192.0.2.1 → 198.51.100.7 [IP 20 [IP 20 [IP 20 [IP 20 [IP 20 [data 533]]]]]] = 633 octets"
	if got := Line(Plain(b), 0); got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
}

// checkPrinting checks what holds of every line: brackets match and the sizes of
// the layers add up to the packet.
func checkPrinting(t *testing.T, o Octets, f Form) {
	t.Helper()
	layers := Layers(o, f)
	if strings.Count(layers, "[") != strings.Count(layers, "]") {
		t.Fatalf("brackets do not match: %s", layers)
	}
	sum, words := 0, strings.FieldsFunc(layers, func(r rune) bool { return strings.ContainsRune("[]", r) })
	for _, w := range words {
		if i := strings.Index(w, " ("); i >= 0 {
			w = w[:i]
		}
		w = strings.TrimSpace(w)
		if w == "" {
			continue
		}
		n, err := strconv.Atoi(w[strings.LastIndexByte(w, ' ')+1:])
		if err != nil {
			t.Fatalf("a layer without a size, %q: %s", w, layers)
		}
		sum += n
	}
	if sum != o.Len() {
		t.Fatalf("layers add up to %d of %d octets: %s", sum, o.Len(), layers)
	}
	if line := Line(o, f|Long); !strings.Contains(line, layers+" = "+strconv.Itoa(o.Len())) {
		t.Fatalf("%q does not hold %q", line, layers)
	}
}

func TestLayersAddUp(t *testing.T) {
	for name, b := range corpus() {
		for n := range len(b) + 1 {
			t.Run(name+"/"+strconv.Itoa(n), func(t *testing.T) { checkPrinting(t, Plain(b[:n]), 0) })
		}
	}
}

func TestLayersOfPartialTransports(t *testing.T) {
	c := corpus()
	for _, x := range []struct {
		packet string
		n      int
		want   string
	}{
		{"syn4", 28, "[TCP 8]"}, {"syn4", 32, "[TCP 12]"}, {"syn4", 33, "[TCP 13]"}, {"syn4", 45, "[TCP 25]"}, {"syn4", 60, "[TCP 40]"},
		{"udp4", 28, "[UDP 8]"}, {"udp4", 30, "[UDP 8 [data 2]]"},
		{"echo4", 28, "[ICMP 8]"}, {"echo4", 32, "[ICMP 8 [data 4]]"},
	} {
		want := "[IP 20 [ICMP 8 [IP 20 " + x.want + "]]]"
		b := icmpOf(header4(ProtoICMPv4), unreachable4Port, c[x.packet][:x.n])
		if got := Layers(Plain(b), 0); got != want {
			t.Errorf("%s, %d octets quoted: %s, want %s", x.packet, x.n, got, want)
		}
	}
	h := header4(200)
	h.Flags = MoreFragments
	if got := Layers(Plain(packetOf(h, make([]byte, 8))), 0); got != "[IP 20 [data 8]]" {
		t.Errorf("first fragment of who knows what: %s", got)
	}
	h.Proto, h.Next = ProtoICMPv4, ProtoICMPv4
	if got := Layers(Plain(packetOf(h, make([]byte, 16))), 0); got != "[IP 20 [ICMP 8 [data 8]]]" {
		t.Errorf("first fragment of ICMP: %s", got)
	}
}

func FuzzLine(f *testing.F) {
	for _, b := range corpus() {
		f.Add(b, uint8(0), 0)
		f.Add(framed(EtherIPv4, b), uint8(Framed), 34)
	}
	f.Add(framed(EtherARP, arpOf(someARP())), uint8(Framed|Long), 0)
	f.Fuzz(func(t *testing.T, b []byte, form uint8, cut int) {
		cut = cutAt(cut, len(b))
		o := Plain(b[cut:])
		o.Head = b[:cut]
		checkPrinting(t, o, Form(form)&(Framed|Long))
		checkExplanation(t, b, Form(form)&Framed)
	})
}
