package packetdrill

import (
	"encoding/hex"
	"math"
	"strings"

	"github.com/octet-net/octet/wire"
)

// packet parses what follows the time: < or >, fields of IP, and the rest.
func (p *parser) packet() *Packet {
	k := &Packet{Out: p.next().text == ">", IP: IPFields{-1, -1, -1}}
	for p.is("(") || p.is("[") {
		p.ipField(&k.IP)
	}
	switch {
	case p.isWord("icmp"):
		p.next()
		k.ICMP = p.icmp()
	case p.isWord("udp"):
		p.next()
		p.expect("(", "length of a datagram")
		k.UDP = &UDP{int(p.integer("length of a datagram", 0, 65507))}
		p.expect(")", "length of a datagram")
	default:
		k.TCP = p.tcp()
	}
	return k
}

var ecnNames = map[string]int{"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3, "ect01": 2}

// ipField parses (tos 0x28), (ttl 4), (hlim 4) or [ect0].
func (p *parser) ipField(f *IPFields) {
	closing := map[string]string{"(": ")", "[": "]"}[p.next().text]
	name := p.next().text
	switch strings.ToLower(name) {
	case "tos", "tclass":
		f.TOS = int(p.integer(name, 0, 255))
	case "ttl", "hlim", "hoplimit":
		f.TTL = int(p.integer(name, 0, 255))
	default:
		ecn, ok := ecnNames[strings.ToLower(name)]
		if !ok {
			p.fault("field of IP: want tos, ttl, hlim, ect0, ect1, ce or noecn, found %q", name)
		}
		f.ECN = ecn
	}
	p.accept(",")
	p.expect(closing, "field of IP")
}

// flagBits are the letters of the control bits; '.' is ACK and '-' none.
var flagBits = map[byte]wire.Flags{
	'F': wire.FIN, 'S': wire.SYN, 'R': wire.RST, 'P': wire.PSH,
	'.': wire.ACK, 'U': wire.URG, 'E': wire.ECE, 'W': wire.CWR, 'A': wire.AE, '-': 0,
}

// flags parses S, S., F., SEW, ., -, .5, P5. and their like. Letters come as a word,
// dots as symbols or, before a digit, with that as a number.
func (p *parser) flags() wire.Flags {
	var f wire.Flags
	first := true
	for first || !p.tok.space {
		numeral := p.tok.kind == number && (!first || p.tok.text[0] == '.')
		if p.tok.kind != word && !numeral && !p.is(".") && !p.is("-") {
			break
		}
		for _, c := range []byte(p.tok.text) {
			bit, ok := flagBits[c]
			if '0' <= c && c <= '7' {
				bit, ok = aceFlags(c-'0'), true
			}
			if !ok {
				p.fault("flags of a segment: %q is not one of FSRP.UEWA-01234567", string(c))
			}
			f |= bit
		}
		first = false
		p.next()
	}
	if first {
		p.fault("want the flags of a segment (such as S. or .), icmp or udp, found %s", p.found())
	}
	return f
}

func (p *parser) tcp() *TCP {
	t := &TCP{Flags: p.flags(), Window: -1, Urgent: -1}
	t.Start, t.Len = p.sequence("sequence range")
	t.Absolute = p.accept("!")
	for p.tok.kind == word {
		switch p.tok.text {
		case "ack":
			p.next()
			t.Ack = p.integer("ack", 0, math.MaxUint32)
		case "win":
			p.next()
			t.Window = int(p.integer("win", 0, math.MaxUint16))
		case "urg":
			p.next()
			t.Urgent = int(p.integer("urg", 0, math.MaxUint16))
		default:
			p.fault("segment: want ack, win, urg or <options>, found %s", p.found())
		}
	}
	if p.is("<") && !p.atEvent() {
		p.next()
		p.options(t)
	}
	return t
}

// atEvent reports whether the current token begins a line: what belongs to a call or
// a segment stands on its own line.
func (p *parser) atEvent() bool {
	return strings.Contains(p.src[p.last:p.tok.at], "\n")
}

// sequence parses start:end(length) and checks that the three agree.
func (p *parser) sequence(what string) (start uint32, length int) {
	a := p.integer(what, 0, math.MaxUint32)
	p.expect(":", what)
	b := p.integer(what, 0, math.MaxUint32)
	p.expect("(", what)
	n := p.integer(what, 0, math.MaxUint16)
	p.expect(")", what)
	if uint32(a)+uint32(n) != uint32(b) {
		p.fault("%s: %d:%d(%d) does not add up", what, a, b, n)
	}
	return uint32(a), int(n)
}

func (p *parser) options(t *TCP) {
	for !p.accept(">") {
		if p.tok.kind == ellipsis {
			p.next()
			t.AnyOption = true
		} else {
			t.Options = append(t.Options, p.tcpOption())
		}
		if !p.accept(",") && !p.is(">") {
			p.fault("options: want , or > after an option, found %s", p.found())
		}
	}
}

func (p *parser) tcpOption() TCPOption {
	name := p.next().text
	switch name {
	case "eol":
		return TCPOption{Kind: OptEOL}
	case "nop":
		return TCPOption{Kind: OptNOP}
	case "mss":
		return TCPOption{Kind: OptMSS, Value: uint32(p.integer("mss", 0, math.MaxUint16))}
	case "ws", "wscale":
		return TCPOption{Kind: OptScale, Value: uint32(p.integer("wscale", 0, math.MaxUint8))}
	case "sackOK":
		return TCPOption{Kind: OptSACKPermitted}
	case "sack":
		return p.sack()
	case "TS":
		return p.timestamp()
	case "ECN":
		return p.counters()
	case "FO", "FOEXP":
		return p.cookie()
	default:
		return p.unknown(name)
	}
}

func (p *parser) sack() TCPOption {
	o := TCPOption{Kind: OptSACK}
	for p.tok.kind == number {
		a := p.integer("sack", 0, math.MaxUint32)
		p.expect(":", "sack")
		b := p.integer("sack", 0, math.MaxUint32)
		o.Blocks = append(o.Blocks, [2]uint32{uint32(a), uint32(b)})
	}
	if n := len(o.Blocks); n < 1 || n > 4 {
		p.fault("sack: want 1 to 4 blocks such as 2:4, found %d", n)
	}
	return o
}

func (p *parser) timestamp() TCPOption {
	o := TCPOption{Kind: OptTimestamp}
	if !p.isWord("val") {
		p.fault("TS: want val, found %s", p.found())
	}
	p.next()
	o.Value = uint32(p.integer("TS val", 0, math.MaxUint32))
	o.Ignore = p.accept("!")
	if !p.isWord("ecr") {
		p.fault("TS: want ecr, found %s", p.found())
	}
	p.next()
	o.Echo = uint32(p.integer("TS ecr", 0, math.MaxUint32))
	o.Absolute = p.accept("!")
	return o
}

// hex parses an optional run of hexadecimal digits, which may look like a number, a word or both.
func (p *parser) hex() []byte {
	var text string
	for p.tok.kind == word || p.tok.kind == number {
		text += p.next().text
	}
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		p.fault("%q is not an even number of hexadecimal digits", text)
	}
	if len(b) > 38 {
		p.fault("an option has room for 38 octets, found %d", len(b))
	}
	return b
}

// cookie parses FO, which asks for a cookie, FO 01020304, and FO TFO_COOKIE: the one
// that the host gave last.
func (p *parser) cookie() TCPOption {
	if p.tok.text == "TFO_COOKIE" {
		p.next()
		return TCPOption{Kind: OptFastOpen, Ignore: true}
	}
	return TCPOption{Kind: OptFastOpen, Data: p.hex()}
}

// unknown parses gen 253 0x1234: an option by its number.
func (p *parser) unknown(name string) TCPOption {
	if name != "gen" {
		p.fault("option: want mss, wscale, sackOK, sack, TS, nop, eol, FO, ECN or gen, found %q", name)
	}
	code := p.integer("gen", 0, math.MaxUint8)
	return TCPOption{Kind: OptUnknown, Code: uint8(code), Data: p.hex()}
}

// icmp parses: unreachable port_unreachable mtu 1400 [1:1(0)].
func (p *parser) icmp() *ICMP {
	m := &ICMP{MTU: -1}
	if p.tok.kind != word {
		p.fault("icmp: want a type such as unreachable, found %s", p.found())
	}
	m.Type = p.next().text
	if p.tok.kind == word && p.tok.text != "mtu" {
		m.Code = p.next().text
	}
	if p.isWord("mtu") {
		p.next()
		m.MTU = int(p.integer("mtu", 0, math.MaxUint32))
	}
	if p.accept("[") {
		m.Quoted = p.quote()
		p.expect("]", "quoted packet")
	}
	return m
}

func (p *parser) quote() *Quote {
	if p.isWord("udp") {
		p.next()
		p.expect("(", "quoted datagram")
		n := p.integer("quoted datagram", 0, math.MaxUint16)
		p.expect(")", "quoted datagram")
		return &Quote{Len: int(n), UDP: true}
	}
	start, n := p.sequence("quoted segment")
	return &Quote{Start: start, Len: n}
}
