package wire

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"
)

func (x *explainer) tcp(src, dst netip.Addr) {
	start := x.at
	x.number(2, "source port")
	x.number(2, "destination port")
	x.number(4, "sequence number")
	x.number(4, "acknowledgement")
	v := uint16(x.number(2, "header length"))
	size := int(v>>12) * 4
	x.set(plural(size, "octet"), sizeNote(size, TCPLen))
	x.also("flags", "0x"+leftZero(strconv.FormatUint(uint64(v&flagBits), 16), 3), Flags(v&flagBits).String())
	x.number(2, "window")
	x.note("before scaling")
	x.word(2, "checksum")
	x.checksum(start, PseudoSum(src, dst, ProtoTCP, x.end-start), 16)
	x.number(2, "urgent pointer")
	x.tcpOptions(start + size)
	x.rest("data")
}

// tcpOptions explains the options up to the octet end.
func (x *explainer) tcpOptions(end int) {
	for left := x.optionsLeft(end); left > 0; left = x.optionsLeft(end) {
		switch kind := x.b[x.at]; kind {
		case kindEnd:
			x.take(left, "option")
			x.set("end", "")
		case kindNoOperation:
			x.take(1, "option")
			x.set("no operation", "")
		default:
			if body := x.option(left, tcpOptionName(kind)); body != nil {
				x.tcpOption(kind, body, x.optionsLeft(end))
			}
		}
	}
}

// tcpOption says what an option means that fits, with left octets behind it.
func (x *explainer) tcpOption(kind uint8, body []byte, left int) {
	var p Options
	if !p.read(kind, body) {
		x.note("its length is wrong")
		if left > 0 {
			x.take(left, "options")
			x.set("ignored", "nothing is read after an illegal length")
		}
		return
	}
	if p.Has != 0 {
		x.set(p.String(), "")
	}
	switch kind {
	case kindScale:
		x.note("the window counts " + strconv.Itoa(1<<p.Scale) + "-fold")
	case kindTimestamp:
		x.note("value, echo")
	}
}

func tcpOptionName(kind uint8) string {
	switch kind {
	case kindMSS:
		return "mss"
	case kindScale:
		return "scale"
	case kindSACKPermitted:
		return "sackOK"
	case kindSACK:
		return "sack"
	case kindTimestamp:
		return "ts"
	case kindFastOpen:
		return "fast open"
	}
	return "kind " + strconv.Itoa(int(kind))
}

func (x *explainer) udp(src, dst netip.Addr) {
	start := x.at
	x.number(2, "source port")
	x.number(2, "destination port")
	n := int(x.number(2, "length"))
	x.note(lengthNote(n, x.end-start))
	sum := x.word(2, "checksum")
	x.within(start, n)
	switch {
	case sum == 0 && src.Is4():
		x.note("none")
	default:
		x.checksum(start, PseudoSum(src, dst, ProtoUDP, n), 6)
	}
	x.rest("data")
}

// icmp explains a message; sum is that of the pseudo-header.
func (x *explainer) icmp(p Proto, sum Sum) {
	start := x.at
	b := x.take(2, "type and code")
	if b == nil {
		return
	}
	kind, code := b[0], b[1]
	x.set(strconv.Itoa(int(kind))+", "+strconv.Itoa(int(code)), icmpName(p, kind, code))
	x.word(2, "checksum")
	x.checksum(start, sum, 2)
	x.icmpRest(p, kind, code)
	switch {
	case p == ProtoICMPv4 && HasQuote4(kind), p == ProtoICMPv6 && HasQuote6(kind):
		x.packet()
	case p == ProtoICMPv6 && kind >= ICMPv6RouterSolicit && kind <= ICMPv6Redirect:
		x.neighbor(kind)
	}
	x.rest("data")
}

func (x *explainer) icmpRest(p Proto, kind, code uint8) {
	switch {
	case isEcho(p, kind):
		x.number(2, "identifier")
		x.number(2, "sequence number")
	case p == ProtoICMPv4 && kind == ICMPv4Unreachable && code == ICMPv4FragmentationNeeded:
		x.take(2, "reserved")
		x.number(2, "next-hop MTU")
	case p == ProtoICMPv4 && kind == ICMPv4Redirect:
		x.addr(4, "gateway")
	case p == ProtoICMPv4 && kind == ICMPv4ParamProblem:
		x.number(1, "pointer")
		x.take(3, "reserved")
	case p == ProtoICMPv6 && kind == ICMPv6PacketTooBig:
		x.number(4, "MTU")
	case p == ProtoICMPv6 && kind == ICMPv6ParamProblem:
		x.number(4, "pointer")
	case p == ProtoICMPv6 && kind == ICMPv6NeighborAdvert:
		v := x.word(4, "flags")
		for _, f := range [...]struct {
			bit  uint64
			name string
		}{{naRouter, "router"}, {naSolicited, "solicited"}, {naOverride, "override"}} {
			x.also(f.name, strconv.FormatBool(v&f.bit != 0), "")
		}
	case p == ProtoICMPv6 && kind == ICMPv6RouterAdvert:
		x.number(1, "hop limit")
		v := x.word(1, "flags")
		x.also("managed", strconv.FormatBool(v&0x80 != 0), "")
		x.also("other", strconv.FormatBool(v&0x40 != 0), "")
		x.also("preference", strconv.Itoa(int(preference(uint8(v)))), "-1 low, 0 medium, 1 high")
		x.number(2, "router lifetime")
		x.note("seconds")
	default:
		x.word(4, "rest of header")
	}
}

// neighbor explains the body of a neighbour discovery message.
func (x *explainer) neighbor(kind uint8) {
	switch kind {
	case ICMPv6RouterAdvert:
		x.number(4, "reachable time")
		x.note("milliseconds")
		x.number(4, "retransmit timer")
		x.note("milliseconds")
	case ICMPv6NeighborSolicit, ICMPv6NeighborAdvert:
		x.addr(16, "target")
	case ICMPv6Redirect:
		x.addr(16, "target")
		x.addr(16, "destination")
	}
	for x.left() >= 2 && !x.cut {
		n := 8 * int(x.b[x.at+1])
		if n == 0 {
			x.take(x.left(), "option")
			x.set("length 0", "the whole message is discarded")
			return
		}
		x.neighborOption(n)
	}
}

func (x *explainer) neighborOption(n int) {
	b := x.take(n, "option")
	if b == nil {
		return
	}
	o := NDOptions(b)
	x.set(ndOptionName(b[0]), shortHex(b[2:]))
	switch b[0] {
	case ndSourceMAC, ndTargetMAC:
		if m, ok := o.mac(b[0]); ok {
			x.note(m.String())
		}
	case ndPrefix:
		for p := range o.Prefixes() {
			x.note(p.Prefix.String())
			x.also("on link", strconv.FormatBool(p.OnLink), "")
			x.also("autonomous", strconv.FormatBool(p.Autonomous), "")
			x.also("valid", lifetime(p.Valid), "")
			x.also("preferred", lifetime(p.Preferred), "")
		}
	case ndMTU:
		if len(b) == 8 {
			x.note(strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[4:])), 10))
		}
	case ndRDNSS:
		for a, life := range o.RDNSS() {
			x.also("name server", a.String(), lifetime(life))
		}
	case ndDNSSL:
		for name, life := range o.DNSSL() {
			x.also("search domain", strconv.Quote(name), lifetime(life))
		}
	}
}

func lifetime(d time.Duration) string {
	if d == Infinite {
		return "infinite"
	}
	return d.String()
}

func ndOptionName(kind uint8) string {
	switch kind {
	case ndSourceMAC:
		return "source link-layer address"
	case ndTargetMAC:
		return "target link-layer address"
	case ndPrefix:
		return "prefix"
	case ndRedirected:
		return "redirected packet"
	case ndMTU:
		return "MTU"
	case ndNonce:
		return "nonce"
	case ndRDNSS:
		return "name servers"
	case ndDNSSL:
		return "search domains"
	}
	return "type " + strconv.Itoa(int(kind))
}
