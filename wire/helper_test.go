package wire

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/octet-net/octet/chunk"
)

// The addresses of the tests, of which the first is the source.
var (
	a4, b4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.7")
	a6, b6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:1::7")
)

// unhex reads hexadecimal, in which blanks are for the reader.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// packetOf returns an IP packet with payload as what h.Proto names.
func packetOf(h IP, payload []byte) []byte {
	h.Len = h.Size() + len(payload)
	b := make([]byte, h.Len)
	PutIP(b, &h)
	copy(b[h.Size():], payload)
	return b
}

// sealed returns an IP packet whose transport header is t, with the right checksum.
func sealed(h IP, t, data []byte) []byte {
	h.Seal(t, data)
	return packetOf(h, append(append([]byte{}, t...), data...))
}

func header4(p Proto) IP { return IP{Src: a4, Dst: b4, Proto: p, Next: p, TTL: 64} }
func header6(p Proto) IP { return IP{Src: a6, Dst: b6, Proto: p, Next: p, TTL: 64} }

func udpOf(h IP, data string) []byte {
	t := make([]byte, UDPLen)
	PutUDP(t, &UDP{SrcPort: 49731, DstPort: 6789, Payload: chunk.Borrow([]byte(data))})
	return sealed(h, t, []byte(data))
}

func tcpOf(h IP, s Segment, data string) []byte {
	t := make([]byte, s.HeaderLen())
	PutTCP(t, &s)
	return sealed(h, t, []byte(data))
}

func icmpOf(h IP, m ICMP, body []byte) []byte {
	t := make([]byte, ICMPLen)
	PutICMP(t, &m)
	return sealed(h, t, body)
}

// synOptions are those of a usual SYN.
var synOptions = Options{Has: HasMSS | HasSACKPermitted | HasTimestamp | HasScale, MSS: 1460, TSVal: 7, Scale: 7}

// errorAbout4 and errorAbout6 return port unreachable messages about a packet.
func errorAbout4(packet []byte) []byte {
	h := header4(ProtoICMPv4)
	h.Src, h.Dst = b4, a4
	return icmpOf(h, ICMP{Type: ICMPv4Unreachable, Code: ICMPv4PortUnreachable}, packet[:min(len(packet), 28)])
}

func errorAbout6(packet []byte) []byte {
	h := header6(ProtoICMPv6)
	h.Src, h.Dst = b6, a6
	return icmpOf(h, ICMP{Type: ICMPv6Unreachable, Code: ICMPv6PortUnreachable}, packet)
}

func framed(kind EtherType, packet []byte) []byte {
	e := Ethernet{Dst: MAC{2, 0, 0, 0, 0, 2}, Src: MAC{2, 0, 0, 0, 0, 1}, Type: kind}
	b := make([]byte, e.Size(), e.Size()+len(packet))
	PutEthernet(b, &e)
	return append(b, packet...)
}

func arpOf(a ARP) []byte {
	b := make([]byte, ARPLen)
	PutARP(b, &a)
	return b
}

func someARP() ARP {
	return ARP{Op: ARPRequest, SenderMAC: MAC{2, 0, 0, 0, 0, 1}, Sender: a4, Target: b4}
}

// extension returns an IPv6 extension header with this content, filled up with a PadN option
// where it holds options.
func extension(next Proto, content ...byte) []byte {
	n := 2 + len(content)
	pad := (8 - n%8) % 8
	b := append([]byte{byte(next), 0}, content...)
	if pad == 1 {
		b = append(b, optionPad1)
	} else if pad > 1 {
		b = append(append(b, optionPadN, byte(pad-2)), make([]byte, pad-2)...)
	}
	b[1] = byte(len(b)/8 - 1)
	return b
}

// fragment6 returns an IPv6 fragment that holds payload.
func fragment6(next Proto, offset int, more bool, id uint32, payload []byte) []byte {
	h := header6(next)
	h.Next, h.Extra = ProtoFragment, make([]byte, FragmentLen)
	PutFragment(h.Extra, next, offset, more, id)
	return packetOf(h, payload)
}

// corpus holds a valid packet of each sort, by name.
func corpus() map[string][]byte {
	udp4, udp6 := udpOf(header4(ProtoUDP), "hello"), udpOf(header6(ProtoUDP), "hello")
	fragment4 := header4(ProtoUDP)
	fragment4.Flags, fragment4.ID, fragment4.Offset = MoreFragments, 7, 1480
	options4 := header4(ProtoUDP)
	options4.Extra = []byte{ipv4RouterAlert, 4, 0, 0, ipv4RecordRoute, 7, 4, 0, 0, 0, 0, 0}
	extended := header6(ProtoUDP)
	extended.Next = ProtoHopByHop
	extended.Extra = append(extension(ProtoDestOptions, optionRouterAlert, 2, 0, 0), extension(ProtoUDP)...)
	ns := NeighborSolicit{Target: b6, Options: NDOptions(nil).AppendSourceMAC(MAC{2, 0, 0, 0, 0, 1}).AppendNonce([]byte("nonce!"))}
	t := make([]byte, ns.Size())
	PutNeighborSolicit(t, &ns)
	report := make([]byte, 200)
	g := GroupRecords{}.Append(GroupRecord{Kind: ChangeToExclude, Group: netip.MustParseAddr("ff05::2")})
	PutMLDReport(report, g)
	return map[string][]byte{
		"udp4":      udp4,
		"udp6":      udp6,
		"syn4":      tcpOf(header4(ProtoTCP), Segment{SrcPort: 1, DstPort: 2, Seq: 100, Flags: SYN, Window: 65535, Options: synOptions}, ""),
		"data6":     tcpOf(header6(ProtoTCP), Segment{SrcPort: 1, DstPort: 2, Seq: 100, Ack: 7, Flags: PSH | ACK, Options: Options{Has: HasTimestamp}}, "hello"),
		"echo4":     icmpOf(header4(ProtoICMPv4), ICMP{Type: ICMPv4Echo, Rest: EchoRest(7, 1)}, []byte("ping")),
		"echo6":     icmpOf(header6(ProtoICMPv6), ICMP{Type: ICMPv6Echo, Rest: EchoRest(7, 1)}, []byte("ping")),
		"error4":    errorAbout4(udp4),
		"error6":    errorAbout6(udp6),
		"fragment4": packetOf(fragment4, make([]byte, 64)),
		"fragment6": fragment6(ProtoUDP, 1480, true, 7, make([]byte, 64)),
		"options4":  udpOf(options4, "hello"),
		"extended6": udpOf(extended, "hello"),
		"solicit":   sealed(header6(ProtoICMPv6), t, nil),
		"report":    sealed(header6(ProtoICMPv6), report[:g.Size()], nil),
		"tunnel":    packetOf(header4(ProtoIPv4), udp4),
	}
}

// putters write a value of each format to the front of what they are given.
func putters() map[string]func(b []byte) {
	h4, h6 := header4(ProtoUDP), header6(ProtoUDP)
	h4.Extra = []byte{1}
	s := Segment{Options: Options{Has: HasScale | HasSACKPermitted | HasTimestamp}}
	long := synOptions
	long.Has |= HasAccECN0 | HasFastOpen
	packed := Segment{Options: long}
	a, e, tagged := someARP(), Ethernet{}, Ethernet{Tagged: true}
	ns, na, rs, ra, rd := NeighborSolicit{Target: a6}, NeighborAdvert{Target: a6}, RouterSolicit{}, RouterAdvert{}, Redirect{Target: a6, Destination: b6}
	q4, q6 := GroupQuery{Version: 3, Group: a4}, GroupQuery{Version: 2, Group: a6}
	old4, old6 := GroupQuery{Version: 1, Group: a4}, GroupQuery{Version: 1, Group: a6}
	g4, g6 := GroupRecords{}.Append(GroupRecord{Group: a4}), GroupRecords{}.Append(GroupRecord{Group: a6})
	return map[string]func(b []byte){
		"IPv4": func(b []byte) { PutIP(b, &h4) }, "IPv6": func(b []byte) { PutIP(b, &h6) },
		"fragment": func(b []byte) { PutFragment(b, ProtoUDP, 8, false, 1) },
		"TCP":      func(b []byte) { PutTCP(b, &s) }, "TCP, packed": func(b []byte) { PutTCP(b, &packed) },
		"UDP": func(b []byte) { PutUDP(b, &UDP{}) }, "ICMP": func(b []byte) { PutICMP(b, &ICMP{}) },
		"IGMP": func(b []byte) { PutIGMP(b, &IGMP{Group: a4}) }, "ARP": func(b []byte) { PutARP(b, &a) },
		"Ethernet": func(b []byte) { PutEthernet(b, &e) }, "tagged": func(b []byte) { PutEthernet(b, &tagged) },
		"neighbor solicitation":  func(b []byte) { PutNeighborSolicit(b, &ns) },
		"neighbor advertisement": func(b []byte) { PutNeighborAdvert(b, &na) },
		"router solicitation":    func(b []byte) { PutRouterSolicit(b, &rs) },
		"router advertisement":   func(b []byte) { PutRouterAdvert(b, &ra) },
		"redirect":               func(b []byte) { PutRedirect(b, &rd) },
		"IGMP query":             func(b []byte) { PutIGMPQuery(b, &q4) }, "MLD query": func(b []byte) { PutMLDQuery(b, &q6) },
		"IGMPv1 query": func(b []byte) { PutIGMPQuery(b, &old4) }, "MLDv1 query": func(b []byte) { PutMLDQuery(b, &old6) },
		"IGMP report": func(b []byte) { PutIGMPReport(b, g4) }, "MLD report": func(b []byte) { PutMLDReport(b, g6) },
	}
}

// transport reads the IP headers of b and returns them with what is behind them.
func transport(t testing.TB, b []byte) (h IP, o Octets) {
	t.Helper()
	o = Plain(b)
	if f := ParseIP(&o, &h); f != OK {
		t.Fatalf("ParseIP: %v at %d", f, h.At)
	}
	o.Pull(int(h.HeaderLen))
	return h, o
}
