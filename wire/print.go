package wire

import (
	"net/netip"
	"strconv"
)

// Form says how Line prints a packet.
type Form uint8

// The forms, which can be combined; zero is the short form of an IP packet.
const (
	Framed Form = 1 << iota // the octets are an Ethernet frame
	Long                    // with everything that the transport header says
)

// Line returns one line about the packet that o holds: its ends, its layers with
// the octets each takes, and what sort of packet it is. Any octets print something.
//
//	127.0.0.1:49731 → 127.0.0.1:6789 [IP 20 [UDP 8 [data 5]]] = 33 octets
//	10.0.0.1:80 → 10.0.0.2:5000 [IP 20 [TCP 32 [data 10]]] = 62 octets, PSH ACK
func Line(o Octets, f Form) string { return string(AppendLine(nil, o, f)) }

// AppendLine appends what Line returns to b.
func AppendLine(b []byte, o Octets, f Form) []byte {
	p := printer{form: f}
	total := o.Len()
	p.packet(o)
	if len(p.ends) > 0 {
		b = append(append(b, p.ends...), ' ')
	}
	b = append(b, p.layers...)
	b = append(b, " = "...)
	b = strconv.AppendInt(b, int64(total), 10)
	b = append(b, " octets"...)
	if total == 1 {
		b = b[:len(b)-1]
	}
	if len(p.detail) > 0 {
		b = append(append(b, ", "...), p.detail...)
	}
	return b
}

// Layers returns the layers of the packet that o holds, each with the octets it
// takes: [IP 20 [UDP 8 [data 5]]]. The numbers add up to the length of the packet.
func Layers(o Octets, f Form) string {
	p := printer{form: f}
	p.packet(o)
	return string(p.layers)
}

// maxNesting is how many packets inside packets are printed as such.
const maxNesting = 4

// A printer walks a packet from the outside in. Only the outermost IP packet gives
// the ends of the line and the detail behind it.
type printer struct {
	form   Form
	layers []byte
	open   int // brackets of the layers that are to be closed
	ends   []byte
	detail []byte
	depth  int // packets inside packets
}

func (p *printer) packet(o Octets) {
	if p.form&Framed != 0 {
		p.frame(o)
	} else {
		p.ip(o)
	}
	p.close(p.open)
}

// layer opens a layer of n octets.
func (p *printer) layer(name string, n int) {
	if len(p.layers) > 0 {
		p.layers = append(p.layers, ' ')
	}
	p.layers = append(append(p.layers, '['), name...)
	p.layers = append(p.layers, ' ')
	p.layers = strconv.AppendInt(p.layers, int64(n), 10)
	p.open++
}

// close closes n layers.
func (p *printer) close(n int) {
	for range n {
		p.layers = append(p.layers, ']')
	}
	p.open -= n
}

// broken opens a layer that holds all that is left, because of f.
func (p *printer) broken(name string, n int, f Fault) {
	p.layer(name, n)
	p.layers = append(append(append(p.layers, " ("...), f.String()...), ')')
}

// data opens the innermost layer, if it has any octets.
func (p *printer) data(name string, n int) {
	if n > 0 {
		p.layer(name, n)
	}
}

// outermost reports whether ends and detail are still to be told.
func (p *printer) outermost() bool { return p.depth == 0 }

// say appends words to the detail.
func (p *printer) say(words ...string) {
	if !p.outermost() {
		return
	}
	for _, w := range words {
		if len(p.detail) > 0 && w != "" {
			p.detail = append(p.detail, ' ')
		}
		p.detail = append(p.detail, w...)
	}
}

func (p *printer) sayNumber(word string, n int) {
	if p.outermost() {
		p.say(word, strconv.Itoa(n))
	}
}

// between sets the ends of the line.
func (p *printer) between(src, dst netip.Addr) {
	if !p.outermost() || !src.IsValid() {
		return
	}
	p.ends = src.AppendTo(p.ends[:0])
	p.ends = append(p.ends, " → "...)
	p.ends = dst.AppendTo(p.ends)
}

// betweenPorts sets the ends of the line with ports.
func (p *printer) betweenPorts(h *IP, src, dst uint16) {
	if !p.outermost() {
		return
	}
	p.ends = netip.AddrPortFrom(h.Src, src).AppendTo(p.ends[:0])
	p.ends = append(p.ends, " → "...)
	p.ends = netip.AddrPortFrom(h.Dst, dst).AppendTo(p.ends)
}

func (p *printer) frame(o Octets) {
	var e Ethernet
	if f := ParseEthernet(&o, &e); f != OK {
		p.broken("Ethernet", o.Len(), f)
		return
	}
	p.ends = e.Src.AppendTo(p.ends)
	p.ends = append(p.ends, " → "...)
	p.ends = e.Dst.AppendTo(p.ends)
	p.layer("Ethernet", e.Size())
	o.Pull(e.Size())
	switch e.Type {
	case EtherIPv4, EtherIPv6:
		p.ip(o)
	case EtherARP:
		p.arp(o)
	default:
		p.say("type", "0x"+strconv.FormatUint(uint64(e.Type), 16))
		p.data("data", o.Len())
	}
}

func (p *printer) arp(o Octets) {
	var a ARP
	if f := ParseARP(&o, &a); f != OK {
		p.broken("ARP", o.Len(), f)
		return
	}
	p.layer("ARP", ARPLen)
	p.padding(o.Len() - ARPLen)
	switch {
	case a.Op == ARPRequest && a.Sender == a.Target:
		p.say("announces", a.Sender.String())
	case a.Op == ARPRequest:
		p.say("who has", a.Target.String(), "tell", a.Sender.String())
	case a.Op == ARPReply:
		p.say(a.Sender.String(), "is at", a.SenderMAC.String())
	default:
		p.sayNumber("operation", int(a.Op))
	}
}

// padding closes the layer and shows what the link padded behind it.
func (p *printer) padding(n int) {
	if n > 0 {
		p.close(1)
		p.layer("padding", n)
	}
}

// ip prints an IP packet and what the link padded behind it.
func (p *printer) ip(o Octets) {
	total, open := o.Len(), p.open
	var h IP
	f := ParseIP(&o, &h)
	p.between(h.Src, h.Dst)
	if f != OK {
		p.broken(ipName(o.Front()), total, f)
		return
	}
	p.headers(&h)
	if h.IsFragment() && p.outermost() {
		p.fragment(&h)
	}
	o.Pull(int(h.HeaderLen))
	if h.Offset != 0 {
		p.data("fragment", o.Len())
	} else {
		p.transport(&h, o)
	}
	if pad := total - h.Len; pad > 0 {
		p.close(p.open - open)
		p.layer("padding", pad)
	}
}

func ipName(b []byte) string {
	if len(b) > 0 && b[0]>>4 == 6 {
		return "IPv6"
	}
	return "IP"
}

// headers opens the layers of the IP header and its extension headers.
func (p *printer) headers(h *IP) {
	if !h.Is6() {
		p.layer("IP", int(h.HeaderLen))
		return
	}
	p.layer("IPv6", IPv6Len)
	next := h.Next
	for b := h.Extra; len(b) > 0; {
		n := extensionLen(next, b)
		if n == 0 {
			return
		}
		p.layer(next.String(), n)
		next, b = Proto(b[0]), b[n:]
	}
}

func (p *printer) fragment(h *IP) {
	p.say("fragment of", h.Proto.String(), "id", strconv.Itoa(int(h.ID)), "at", strconv.Itoa(int(h.Offset)))
	if h.Flags&MoreFragments != 0 {
		p.say("more follow")
	}
}

// transport prints what an IP header names. Of a first fragment it may be only a part.
func (p *printer) transport(h *IP, o Octets) {
	if h.IsFragment() {
		p.partial(h.Proto, o)
		return
	}
	n := o.Len()
	f := OK
	switch h.Proto {
	case ProtoTCP:
		f = p.tcp(h, o)
	case ProtoUDP:
		f = p.udp(h, o)
	case ProtoICMPv4, ProtoICMPv6:
		f = p.icmp(h.Proto, o)
	case ProtoIGMP:
		f = p.igmp(o)
	case ProtoIPv4, ProtoIPv6:
		p.inner(func() { p.ip(o) }, o)
	default:
		p.say(h.Proto.String())
		p.data("data", n)
	}
	if f != OK {
		p.broken(h.Proto.String(), n, f)
	}
}

// inner prints a packet inside a packet, or only its length where that goes too deep.
func (p *printer) inner(print func(), o Octets) {
	if p.depth == maxNesting {
		p.data("data", o.Len())
		return
	}
	p.depth++
	print()
	p.depth--
}

func (p *printer) tcp(h *IP, o Octets) Fault {
	n := o.Len()
	var s Segment
	if f := ParseTCP(&o, &s); f != OK {
		return f
	}
	p.betweenPorts(h, s.SrcPort, s.DstPort)
	p.layer("TCP", n-s.Payload.Len())
	p.data("data", s.Payload.Len())
	if p.form&Long != 0 && p.outermost() {
		p.say(s.String())
	} else {
		p.say(s.Flags.String())
	}
	return OK
}

func (p *printer) udp(h *IP, o Octets) Fault {
	n := o.Len()
	var u UDP
	if f := ParseUDP(&o, &u); f != OK {
		return f
	}
	p.betweenPorts(h, u.SrcPort, u.DstPort)
	p.layer("UDP", UDPLen)
	p.data("data", u.Payload.Len())
	if excess := n - UDPLen - u.Payload.Len(); excess > 0 { // the IP packet is longer than its datagram
		p.close(min(u.Payload.Len(), 1))
		p.layer("excess", excess)
	}
	return OK
}

func (p *printer) igmp(o Octets) Fault {
	var m IGMP
	if f := ParseIGMP(&o, &m); f != OK {
		return f
	}
	p.layer("IGMP", ICMPLen)
	p.data("data", m.Body.Len())
	p.say(igmpName(m.Type))
	if m.Type != IGMPv3Report {
		p.say(m.Group.String())
	}
	return OK
}

// partial prints the begin of a transport packet whose end is not there.
func (p *printer) partial(proto Proto, o Octets) {
	b := o.Front()
	n := min(leastHeader(proto), len(b))
	if proto == ProtoTCP && len(b) > 12 {
		n = min(max(n, int(b[12]>>4)*4), len(b))
	}
	switch proto {
	case ProtoTCP, ProtoUDP, ProtoICMPv6:
	case ProtoICMPv4:
		n = min(ICMPLen, len(b))
	default:
		n = 0
	}
	p.data(proto.String(), n)
	p.data("data", o.Len()-n)
}
