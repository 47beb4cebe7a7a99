package wire

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"
)

// appendOption appends an option of n octets of content, filled up with zeros, and
// returns the place of the content.
func (o NDOptions) appendOption(kind uint8, n int) (NDOptions, []byte) {
	size := (n + 2 + 7) &^ 7
	at := len(o)
	o = append(o, make([]byte, size)...)
	o[at], o[at+1] = kind, uint8(size/8)
	return o, o[at+2 : at+size]
}

// AppendSourceMAC appends the link-layer address of the sender.
func (o NDOptions) AppendSourceMAC(m MAC) NDOptions {
	o, b := o.appendOption(ndSourceMAC, 6)
	copy(b, m[:])
	return o
}

// AppendTargetMAC appends the link-layer address of the target.
func (o NDOptions) AppendTargetMAC(m MAC) NDOptions {
	o, b := o.appendOption(ndTargetMAC, 6)
	copy(b, m[:])
	return o
}

// AppendMTU appends the MTU of the link.
func (o NDOptions) AppendMTU(n uint32) NDOptions {
	o, b := o.appendOption(ndMTU, 6)
	binary.BigEndian.PutUint32(b[2:], n)
	return o
}

// AppendNonce appends a nonce, of which 6 octets are usual (RFC 7527 §4.1).
func (o NDOptions) AppendNonce(nonce []byte) NDOptions {
	o, b := o.appendOption(ndNonce, len(nonce))
	copy(b, nonce)
	return o
}

// AppendRedirected appends as much of the packet that caused a redirect as fits
// into a message of the least IPv6 MTU (RFC 4861 §4.6.3).
func (o NDOptions) AppendRedirected(packet []byte) NDOptions {
	const room = 1280 - IPv6Len - ICMPLen - 32 - 8
	packet = packet[:max(0, min(len(packet), room-len(o)))&^7]
	o, b := o.appendOption(ndRedirected, 6+len(packet))
	copy(b[6:], packet)
	return o
}

// AppendPrefix appends a prefix.
func (o NDOptions) AppendPrefix(p PrefixInfo) NDOptions {
	o, b := o.appendOption(ndPrefix, 30)
	b[0] = uint8(p.Prefix.Bits())
	b[1] = uint8(flagIf(p.OnLink, 0x80) | flagIf(p.Autonomous, 0x40))
	binary.BigEndian.PutUint32(b[2:], seconds(p.Valid, 0xffffffff))
	binary.BigEndian.PutUint32(b[6:], seconds(p.Preferred, 0xffffffff))
	putAddr6(b[14:], p.Prefix.Addr())
	return o
}

// maxServers is how many addresses an RDNSS option can hold.
const maxServers = 127

// AppendRDNSS appends name servers, at most 127 of them.
func (o NDOptions) AppendRDNSS(life time.Duration, servers ...netip.Addr) NDOptions {
	servers = servers[:min(len(servers), maxServers)]
	o, b := o.appendOption(ndRDNSS, 6+16*len(servers))
	binary.BigEndian.PutUint32(b[2:], seconds(life, 0xffffffff))
	b = b[6:]
	for _, a := range servers {
		b = putAddr6(b, a)
	}
	return o
}

// AppendDNSSL appends search domains. A name that is none, and what does not fit
// into one option, is left out.
func (o NDOptions) AppendDNSSL(life time.Duration, names ...string) NDOptions {
	const room = 255*8 - 8
	var labels []byte
	for _, name := range names {
		if n := appendName(labels, name); len(n) <= room {
			labels = n
		}
	}
	o, b := o.appendOption(ndDNSSL, 6+len(labels))
	binary.BigEndian.PutUint32(b[2:], seconds(life, 0xffffffff))
	copy(b[6:], labels)
	return o
}

// appendName appends a domain name as labels, or nothing if it is none.
func appendName(b []byte, name string) []byte {
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 {
		return b
	}
	at := len(b)
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return b[:at]
		}
		b = append(append(b, uint8(len(label))), label...)
	}
	return append(b, 0)
}
