package explain

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/octet-net/octet/cmd/octet/internal/netif"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// A block is a range of addresses with a purpose of its own.
type block struct {
	prefix netip.Prefix
	what   string
}

// blocks are the special ranges (IANA's registries of RFC 6890), narrow ones before
// the wide ones around them.
var blocks = []block{
	{netip.MustParsePrefix("0.0.0.0/32"), "no address yet, or every address of this machine (RFC 1122 §3.2.1.3)"},
	{netip.MustParsePrefix("0.0.0.0/8"), "this network (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private: used inside one organisation, never routed on the Internet (10.0.0.0/8, RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared between a provider and its customers (100.64.0.0/10, RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.1/32"), "loopback: always this machine itself, by the name localhost (127.0.0.0/8, RFC 1122 §3.2.1.3)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback: always this machine itself (127.0.0.0/8, RFC 1122 §3.2.1.3)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local: chosen by the machine itself, valid on this link only (169.254.0.0/16, RFC 3927)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private: used inside one organisation, never routed on the Internet (172.16.0.0/12, RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols of the IETF (192.0.0.0/24, RFC 6890)"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation and examples (192.0.2.0/24, RFC 5737)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private: used inside one organisation, never routed on the Internet (192.168.0.0/16, RFC 1918)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for measurements of network devices (198.18.0.0/15, RFC 2544)"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation and examples (198.51.100.0/24, RFC 5737)"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation and examples (203.0.113.0/24, RFC 5737)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast: a group of machines (224.0.0.0/4, RFC 1112)"},
	{netip.MustParsePrefix("255.255.255.255/32"), "everybody on this link (limited broadcast, RFC 919)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved (240.0.0.0/4, RFC 1112)"},
	{netip.MustParsePrefix("0.0.0.0/0"), "a public address of the Internet"},
	{netip.MustParsePrefix("::/128"), "no address yet, or every address of this machine (RFC 4291 §2.5.2)"},
	{netip.MustParsePrefix("::1/128"), "loopback: always this machine itself, by the name localhost (RFC 4291 §2.5.3)"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "an IPv4 address in the form of IPv6 (RFC 4291 §2.5.5.2)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "an IPv4 address behind a translator (NAT64, RFC 6052)"},
	{netip.MustParsePrefix("100::/64"), "discarded by routers (RFC 6666)"},
	{netip.MustParsePrefix("2001::/32"), "Teredo: IPv6 through IPv4 NATs (RFC 4380)"},
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation and examples (2001:db8::/32, RFC 3849)"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation and examples (3fff::/20, RFC 9637)"},
	{netip.MustParsePrefix("2002::/16"), "6to4: IPv6 in IPv4 packets (RFC 3056)"},
	{netip.MustParsePrefix("fc00::/7"), "unique local: used inside one organisation, never routed on the Internet (fc00::/7, RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local: made by the machine itself, valid on this link only (fe80::/10, RFC 4291 §2.5.6)"},
	{netip.MustParsePrefix("ff00::/8"), "multicast: a group of machines (ff00::/8, RFC 4291 §2.7)"},
	{netip.MustParsePrefix("2000::/3"), "a public address of the Internet (global unicast, RFC 4291)"},
	{netip.MustParsePrefix("::/0"), "reserved (RFC 4291)"},
}

// classify returns what kind of address a is.
func classify(a netip.Addr) string {
	for _, b := range blocks {
		if b.prefix.Contains(a.WithZone("")) {
			return b.what
		}
	}
	return "of no known kind"
}

func version(a netip.Addr) string {
	if a.Is4() {
		return "IPv4 address"
	}
	return "IPv6 address"
}

// address explains an address, with /24 or %eth0 after it, that follows the given
// words. It reports false if s is none.
func (r *reader) address(before, s string) bool {
	word := strings.TrimSpace(before + " " + s)
	if p, err := parsePrefix(s); err == nil {
		r.addr = p.Addr()
		r.note("address", word, "%s: %s", version(r.addr), classify(r.addr))
		r.under(func() { r.note("mask", fmt.Sprintf("/%d", p.Bits()), "%s", split(p.Bits(), r.addr.BitLen())) })
		r.network(p)
		return true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return false
	}
	r.addr = a
	r.note("address", word, "%s: %s", version(a), classify(a))
	if z := a.Zone(); z != "" {
		r.under(func() {
			r.note("zone", "%"+z, "the interface it is valid on, since the same address may be on several links (RFC 4007)")
		})
	}
	return true
}

// parsePrefix reads ADDRESS/BITS; the address may have a zone.
func parsePrefix(s string) (netip.Prefix, error) {
	addr, length, _ := strings.Cut(s, "/")
	addr, _, _ = strings.Cut(addr, "%")
	return netip.ParsePrefix(addr + "/" + length)
}

// network explains the network of a prefix, under the note of what named it.
func (r *reader) network(p netip.Prefix) {
	r.net = p
	first, last := p.Masked().Addr(), netif.Last(p)
	if first == last {
		return // nothing that the prefix length did not say
	}
	r.under(func() {
		r.note("network", p.Masked().String(), "the network from %s to %s: %s", first, last, population(p))
	})
}

// population says how many addresses and hosts a network has room for.
func population(p netip.Prefix) string {
	if !p.Addr().Is4() {
		switch free := 128 - p.Bits(); {
		case free < 32:
			return quantity.Group(int64(1)<<free) + " addresses"
		default:
			return fmt.Sprintf("2^%d addresses", free)
		}
	}
	n := int64(1) << (32 - p.Bits())
	switch p.Bits() {
	case 31:
		return "2 addresses, both for hosts: a link between two machines (RFC 3021)"
	}
	return fmt.Sprintf("%s addresses, %s of them for hosts (the first names the network, the last is its broadcast address)", quantity.Group(n), quantity.Group(n-2))
}

// mask explains an IPv4 netmask, written 0xff000000 or 255.0.0.0, and with an
// address before it the network.
func (r *reader) mask(before, s string) bool {
	v, ok := parseMask(s)
	if !ok {
		return false
	}
	word := strings.TrimSpace(before + " " + s)
	ones := bits.LeadingZeros32(^v)
	if v != netif.Mask4(ones) {
		r.unknown(word, "%032b: not a run of ones and then zeros, so no netmask (RFC 4632)", v)
		return true
	}
	r.note("mask", word, "0x%08x = %s = prefix length /%d: %s", v, dotted(v), ones, split(ones, 32))
	if r.addr.Is4() {
		r.network(netip.PrefixFrom(r.addr, ones))
	} else if ones < 32 {
		r.under(func() {
			r.note("network", fmt.Sprintf("/%d", ones), "such a network has %s", population(netip.PrefixFrom(netip.IPv4Unspecified(), ones)))
		})
	}
	return true
}

func parseMask(s string) (uint32, bool) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok && len(digits) == 8 {
		v, err := strconv.ParseUint(digits, 16, 32)
		return uint32(v), err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return 0, false
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:]), true
}

func dotted(v uint32) string {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, v))).String()
}

// broadcast explains a broadcast address, and whether it fits the network.
func (r *reader) broadcast(before, s string) bool {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return false
	}
	fits := ""
	if r.net.IsValid() && r.net.Addr().Is4() {
		if last := netif.Last(r.net); a == last {
			fits = fmt.Sprintf("; it is the last one of %s", r.net.Masked())
		} else {
			fits = fmt.Sprintf("; it is not the last one of %s, which is %s", r.net.Masked(), last)
		}
	}
	r.note("address", before+" "+s, "broadcast address (RFC 919): what is sent to it reaches everybody on the network%s", fits)
	return true
}

// mac explains a hardware address.
func (r *reader) mac(before, s string) bool {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) < 6 {
		return false
	}
	var kind string
	switch {
	case isAll(m, 0xff):
		kind = "everybody on the link"
	case isAll(m, 0):
		kind = "all zero: the interface has none"
	case m[0]&1 != 0:
		kind = "a group of machines on the link (bit 0x01 of its first octet)"
	case m[0]&2 != 0:
		kind = "made by software or by hand (bit 0x02 of its first octet: locally administered)"
	default:
		kind = "given by the maker of the hardware, whose number is " + m[:3].String()
	}
	r.note("address", strings.TrimSpace(before+" "+s), "hardware address of the link layer, %d octets (Ethernet: IEEE 802): %s", len(m), kind)
	return true
}

func isAll(m net.HardwareAddr, b byte) bool {
	for _, x := range m {
		if x != b {
			return false
		}
	}
	return true
}

// value explains a mask, an address or a hardware address that no word announces.
func (r *reader) value(w string) bool {
	if v, ok := parseMask(w); ok && (strings.HasPrefix(w, "0x") || looksLikeMask(v)) {
		return r.mask("", w)
	}
	return r.address("", w) || r.mac("", w)
}

// looksLikeMask tells 255.255.255.0 from an address: such addresses are reserved.
func looksLikeMask(v uint32) bool { return v>>28 == 0xf && v == netif.Mask4(bits.LeadingZeros32(^v)) }
