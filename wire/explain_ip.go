package wire

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
)

// packet explains an IP packet of either version and what is in it.
func (x *explainer) packet() {
	if x.depth > maxNesting || x.cut || x.left() == 0 {
		return
	}
	x.depth++
	if x.b[x.at]>>4 == 6 {
		x.ipv6()
	} else {
		x.ipv4()
	}
}

func (x *explainer) ipv4() {
	start := x.at
	x.layer = "IP"
	v := x.number(1, "version")
	x.set(strconv.FormatUint(v>>4, 10), "")
	size := int(v&15) * 4
	x.also("header length", plural(size, "octet"), sizeNote(size, IPv4Len))
	x.trafficClass(uint8(x.word(1, "service")))
	total := int(x.number(2, "total length"))
	x.note(lengthNote(total, x.end-start))
	x.number(2, "identification")
	x.fragmentWord()
	x.number(1, "time to live")
	proto := Proto(x.number(1, "protocol"))
	x.note(proto.String())
	x.word(2, "header checksum")
	if size >= IPv4Len && start+size <= len(x.b) {
		x.note(checksumNote(x.b[start:start+size], 0, 10))
	}
	src, dst := x.addr(4, "source"), x.addr(4, "destination")
	if v>>4 != 4 || size < IPv4Len || x.cut {
		return
	}
	x.ipv4Options(start + size)
	x.within(start, total)
	flags := binary.BigEndian.Uint16(x.b[start+6:])
	x.whole = x.whole && flags&ipv4MF == 0
	x.payload(proto, src, dst, flags&ipv4OffsetMask != 0)
}

// within ends what follows at the length that a header gives.
func (x *explainer) within(start, total int) {
	x.whole = x.whole && start+total <= x.end
	if total >= x.at-start && start+total < x.end {
		x.end = start + total
	}
}

func sizeNote(size, least int) string {
	if size < least {
		return "below the least, " + strconv.Itoa(least)
	}
	return ""
}

// lengthNote compares a length with the octets that are there.
func lengthNote(n, there int) string {
	switch {
	case n > there:
		return "only " + strconv.Itoa(there) + " are there"
	case n < there:
		return "the other " + strconv.Itoa(there-n) + " are padding"
	}
	return ""
}

func (x *explainer) trafficClass(v uint8) {
	names := [4]string{"not ECN-capable", "ECT(1)", "ECT(0)", "CE: congestion experienced"}
	x.also("DSCP", strconv.Itoa(int(v>>2)), "")
	x.also("ECN", strconv.Itoa(int(v&3)), names[v&3])
}

func (x *explainer) fragmentWord() {
	v := x.word(2, "flags")
	switch {
	case v&ipv4DF != 0 && v&ipv4MF != 0:
		x.note("don't fragment, more fragments")
	case v&ipv4DF != 0:
		x.note("don't fragment")
	case v&ipv4MF != 0:
		x.note("more fragments")
	}
	x.also("fragment offset", plural(int(v&ipv4OffsetMask)*8, "octet"), "")
}

// checksum says whether the checksum at start+at is right for the octets from start
// on, if all are there.
func (x *explainer) checksum(start int, sum Sum, at int) {
	if x.whole && !x.cut {
		x.note(checksumNote(x.b[start:x.end], sum, at))
	}
}

// checksumNote says whether the checksum at b[at] is right; sum is what counts besides b.
func checksumNote(b []byte, sum Sum, at int) string {
	if at+2 > len(b) {
		return ""
	}
	all := sum.Join(Sum(0).Add(b))
	if all.Checksum() == 0 {
		return "right"
	}
	is := uint16(b[at])<<8 | uint16(b[at+1])
	if sum != 0 && is == uint16(sum) {
		return "that of the pseudo-header: left to the device"
	}
	want := all.add(^is).Checksum()
	return "wrong: 0x" + leftZero(strconv.FormatUint(uint64(want), 16), 4) + " would be right"
}

// ipv4Options explains the options up to the octet end.
func (x *explainer) ipv4Options(end int) {
	for left := x.optionsLeft(end); left > 0; left = x.optionsLeft(end) {
		switch kind := x.b[x.at]; kind {
		case ipv4EndOfOptions:
			x.take(left, "option")
			x.set("end", "")
		case ipv4NoOperation:
			x.take(1, "option")
			x.set("no operation", "")
		default:
			x.option(left, ipv4OptionName(kind))
		}
	}
}

// optionsLeft returns how many octets of an option block are left that goes up to end.
func (x *explainer) optionsLeft(end int) int {
	if x.cut {
		return 0
	}
	if x.at == x.end && x.at < end {
		x.take(end-x.at, "options")
	}
	return min(end, x.end) - x.at
}

// option takes an option with a length octet that may have n octets.
func (x *explainer) option(n int, name string) []byte {
	if n < 2 || int(x.b[x.at+1]) < 2 || int(x.b[x.at+1]) > n {
		x.take(n, "option")
		x.set(name, "its length is wrong")
		return nil
	}
	b := x.take(int(x.b[x.at+1]), "option")
	x.set(name, hex.EncodeToString(b[2:]))
	return b[2:]
}

func ipv4OptionName(kind uint8) string {
	switch kind {
	case ipv4RecordRoute:
		return "record route"
	case ipv4Timestamp:
		return "timestamp"
	case ipv4LooseRoute:
		return "loose source route"
	case ipv4StrictRoute:
		return "strict source route"
	case ipv4RouterAlert:
		return "router alert"
	}
	return "kind " + strconv.Itoa(int(kind))
}

func (x *explainer) ipv6() {
	start := x.at
	x.layer = "IPv6"
	v := uint32(x.word(4, "version"))
	x.set("6", "")
	x.trafficClass(uint8(v >> 20))
	x.also("flow label", "0x"+leftZero(strconv.FormatUint(uint64(v&0xfffff), 16), 5), "")
	length := int(x.number(2, "payload length"))
	x.note(lengthNote(length, x.end-start-IPv6Len))
	next := Proto(x.number(1, "next header"))
	x.note(next.String())
	x.number(1, "hop limit")
	src, dst := x.addr(16, "source"), x.addr(16, "destination")
	x.within(start, IPv6Len+length)
	offset := 0
	for count := 0; isExtension(next) && offset == 0 && !x.cut && count < maxExtensions; count++ {
		next, offset = x.extension(next)
	}
	x.payload(next, src, dst, offset != 0)
}

// extension explains the header p and returns what comes next, and at what offset.
func (x *explainer) extension(p Proto) (next Proto, offset int) {
	start := x.at
	x.layer = p.String()
	next = Proto(x.number(1, "next header"))
	x.note(next.String())
	if p == ProtoFragment {
		x.take(1, "reserved")
		v := x.word(2, "offset")
		more := "last"
		if v&1 != 0 {
			more, x.whole = "more follow", false
		}
		x.set(plural(int(v&^7), "octet"), more)
		x.number(4, "identification")
		return next, int(v &^ 7)
	}
	n := 8 + 8*int(x.number(1, "length"))
	x.note(plural(n, "octet"))
	if p == ProtoRouting {
		x.number(1, "routing type")
		x.number(1, "segments left")
	}
	if n -= x.at - start; p == ProtoRouting {
		x.take(n, "route")
	} else {
		x.options6(n)
	}
	return next, 0
}

// options6 explains n octets of options.
func (x *explainer) options6(n int) {
	for end := min(x.at+n, x.end); x.at < end && !x.cut; {
		left := end - x.at
		switch kind := x.b[x.at]; {
		case kind == optionPad1:
			x.take(1, "option")
			x.set("padding", "")
		case left < 2 || 2+int(x.b[x.at+1]) > left:
			x.take(left, "option")
			x.set("kind "+strconv.Itoa(int(kind)), "its length is wrong")
		default:
			b := x.take(2+int(x.b[x.at+1]), "option")
			x.set(optionName6(kind), hex.EncodeToString(b[2:]))
		}
	}
}

func optionName6(kind uint8) string {
	switch kind {
	case optionPadN:
		return "padding"
	case optionRouterAlert:
		return "router alert"
	}
	return "kind " + strconv.Itoa(int(kind))
}

// payload explains what an IP header names. What is not the begin of it is data.
func (x *explainer) payload(p Proto, src, dst netip.Addr, later bool) {
	if x.cut || later {
		x.layer = "fragment"
		return
	}
	x.layer = p.String()
	switch p {
	case ProtoTCP:
		x.tcp(src, dst)
	case ProtoUDP:
		x.udp(src, dst)
	case ProtoICMPv4:
		x.icmp(p, 0)
	case ProtoICMPv6:
		x.icmp(p, PseudoSum(src, dst, p, x.left()))
	case ProtoIPv4, ProtoIPv6:
		x.packet()
	}
}
