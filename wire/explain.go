package wire

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// A Field is one thing that a packet says, for people.
type Field struct {
	Layer   string // of which header it is: IP, TCP, …
	At, Len int    // the octets that hold it, perhaps together with the fields around it
	Name    string
	Value   string
	Note    string // what the value means; may be empty
}

// Explain returns what the packet that o holds says, field by field in the order of
// its octets. Any octets are explained; where they end too early or contradict
// themselves, a field says so.
func Explain(o Octets, f Form) []Field {
	x := explainer{b: o.AppendTo(nil), whole: true}
	x.end = len(x.b)
	if f&Framed != 0 {
		x.ethernet()
	} else {
		x.packet()
	}
	x.rest("data")
	x.end = len(x.b)
	x.cut = false
	x.layer = "link"
	x.rest("padding")
	return x.out
}

// ExplainText returns the fields of Explain as lines: where each begins, its
// octets in hexadecimal, its name, its value and what that means.
func ExplainText(o Octets, f Form) string {
	var t strings.Builder
	b := o.AppendTo(nil)
	layer, last := "", -1
	for _, d := range Explain(o, f) {
		if d.Layer != layer || d.Name == "version" { // a packet inside a packet of the same sort
			layer = d.Layer
			t.WriteString(layer + "\n")
		}
		place := strings.Repeat(" ", 26)
		if d.At != last && d.Len > 0 {
			place = padTo(leftPad(strconv.Itoa(d.At), 6)+"  "+shortHex(b[d.At:d.At+d.Len]), 26)
		}
		last = d.At
		line := place + "  " + padTo(d.Name, 20) + "  " + d.Value
		if d.Note != "" {
			line += "  (" + d.Note + ")"
		}
		t.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return t.String()
}

// shortHex shows up to 8 octets.
func shortHex(b []byte) string {
	if len(b) > 8 {
		return hex.EncodeToString(b[:7]) + "…"
	}
	return hex.EncodeToString(b)
}

func padTo(s string, n int) string { return s + strings.Repeat(" ", max(0, n-len([]rune(s)))) }

func leftPad(s string, n int) string { return strings.Repeat(" ", max(0, n-len(s))) + s }

// An explainer reads a packet from front to back. Once it wanted more octets than
// there are, it says so and reads nothing more.
type explainer struct {
	b     []byte
	at    int // the next octet
	end   int // of what the present layer may read
	cut   bool
	whole bool // the present packet is all there, so that its checksum can be verified
	layer string
	depth int // packets inside packets
	out   []Field
}

// take returns the next n octets as a field, or nil where there are not as many.
func (x *explainer) take(n int, name string) []byte {
	if x.cut {
		return nil
	}
	if n > x.end-x.at {
		x.cut = true
		x.out = append(x.out, Field{x.layer, x.at, x.end - x.at, name, "cut off",
			strconv.Itoa(n) + " octets wanted, " + strconv.Itoa(x.end-x.at) + " left"})
		x.at = x.end
		return nil
	}
	x.out = append(x.out, Field{Layer: x.layer, At: x.at, Len: n, Name: name})
	x.at += n
	return x.b[x.at-n : x.at]
}

// left returns how many octets the present layer may still read.
func (x *explainer) left() int { return x.end - x.at }

// set gives the last field its value and its meaning.
func (x *explainer) set(value, note string) {
	if !x.cut {
		f := &x.out[len(x.out)-1]
		f.Value, f.Note = value, note
	}
}

// also adds another field that the octets of the last one hold.
func (x *explainer) also(name, value, note string) {
	if !x.cut {
		f := x.out[len(x.out)-1]
		f.Name, f.Value, f.Note = name, value, note
		x.out = append(x.out, f)
	}
}

// number reads a number of n octets, at most 8.
func (x *explainer) number(n int, name string) (v uint64) {
	for _, c := range x.take(n, name) {
		v = v<<8 | uint64(c)
	}
	x.set(strconv.FormatUint(v, 10), "")
	return v
}

// word reads n octets and shows them in hexadecimal.
func (x *explainer) word(n int, name string) (v uint64) {
	v = x.number(n, name)
	x.set("0x"+leftZero(strconv.FormatUint(v, 16), 2*n), "")
	return v
}

func leftZero(s string, n int) string { return strings.Repeat("0", max(0, n-len(s))) + s }

// note says what the last field means.
func (x *explainer) note(s string) {
	if !x.cut {
		x.out[len(x.out)-1].Note = s
	}
}

// addr reads an address of 4 or 16 octets.
func (x *explainer) addr(n int, name string) netip.Addr {
	a, _ := netip.AddrFromSlice(x.take(n, name))
	x.set(a.String(), addrNote(a))
	return a
}

func addrNote(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return ""
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "broadcast"
	case a.IsUnspecified():
		return "unspecified"
	case a.IsLoopback():
		return "loopback: this host"
	case a.IsMulticast():
		return "multicast"
	case a.IsLinkLocalUnicast():
		return "link-local"
	case a.IsPrivate():
		return "private"
	}
	return ""
}

// mac reads an Ethernet address.
func (x *explainer) mac(name string) {
	b := x.take(6, name)
	if b == nil {
		return
	}
	m := MAC(b)
	switch {
	case m == BroadcastMAC():
		x.set(m.String(), "broadcast")
	case m.IsMulticast():
		x.set(m.String(), "multicast")
	default:
		x.set(m.String(), "")
	}
}

// rest reads what is left of the present layer.
func (x *explainer) rest(name string) {
	if n := x.left(); n > 0 && !x.cut {
		b := x.take(n, name)
		x.set(plural(n, "octet"), printable(b))
	}
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

// printable shows the begin of b if it is plain text.
func printable(b []byte) string {
	const most = 40
	for _, c := range b[:min(len(b), most)] {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return ""
		}
	}
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + " …"
	}
	return strconv.Quote(string(b))
}

func (x *explainer) ethernet() {
	x.layer = "Ethernet"
	x.mac("destination")
	x.mac("source")
	kind := x.word(2, "type")
	x.note(etherName(kind))
	if kind == uint64(EtherVLAN) {
		tag := x.word(2, "tag")
		x.also("VLAN", strconv.FormatUint(tag&0xfff, 10), "")
		x.also("priority", strconv.FormatUint(tag>>13, 10), "")
		kind = x.word(2, "type")
		x.note(etherName(kind))
	}
	switch EtherType(kind) {
	case EtherARP:
		x.arp()
	case EtherIPv4, EtherIPv6:
		x.packet()
	}
}

func etherName(kind uint64) string {
	switch {
	case kind < leastEtherType:
		return "a length: not an Ethernet II frame"
	case kind == uint64(EtherIPv4):
		return "IPv4"
	case kind == uint64(EtherARP):
		return "ARP"
	case kind == uint64(EtherVLAN):
		return "802.1Q tag"
	case kind == uint64(EtherIPv6):
		return "IPv6"
	}
	return "unknown"
}

func (x *explainer) arp() {
	x.layer = "ARP"
	hardware, protocol := x.number(2, "hardware"), x.word(2, "protocol")
	sizes := x.take(2, "address lengths")
	if sizes == nil {
		return
	}
	x.set(strconv.Itoa(int(sizes[0]))+", "+strconv.Itoa(int(sizes[1])), "octets")
	op := x.number(2, "operation")
	switch ARPOp(op) {
	case ARPRequest:
		x.note("request: who has the target address?")
	case ARPReply:
		x.note("reply: the sender has the address")
	}
	if hardware != 1 || protocol != uint64(EtherIPv4) || binary.BigEndian.Uint16(sizes) != 0x0604 {
		return
	}
	x.mac("sender hardware")
	x.addr(4, "sender")
	x.mac("target hardware")
	x.addr(4, "target")
	x.end = x.at
}
