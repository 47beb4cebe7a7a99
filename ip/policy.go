package ip

import (
	"math/bits"
	"net/netip"
)

// A Policy is a row of the policy table of RFC 6724 §2.1: destinations with a
// higher Precedence are preferred, and sources with the Label of the destination.
// IPv4 addresses are looked up as ::ffff:0:0/96.
type Policy struct {
	Prefix            netip.Prefix
	Precedence, Label uint8
}

// DefaultPolicy returns the table of RFC 6724 §2.1.
func DefaultPolicy() []Policy {
	return []Policy{
		{netip.MustParsePrefix("::1/128"), 50, 0},
		{netip.MustParsePrefix("::/0"), 40, 1},
		{netip.MustParsePrefix("::ffff:0:0/96"), 35, 4},
		{netip.MustParsePrefix("2002::/16"), 30, 2},
		{netip.MustParsePrefix("2001::/32"), 5, 5},
		{netip.MustParsePrefix("fc00::/7"), 3, 13},
		{netip.MustParsePrefix("::/96"), 1, 3},
		{netip.MustParsePrefix("fec0::/10"), 1, 11},
		{netip.MustParsePrefix("3ffe::/16"), 1, 12},
	}
}

// policyOf returns the row with the longest prefix that covers the address.
func policyOf(table []Policy, a netip.Addr) Policy {
	best, longest := Policy{Precedence: 40, Label: 1}, -1
	bits := a.As16()
	for _, row := range table {
		p := row.Prefix.Addr().As16()
		if n := row.Prefix.Bits(); n > longest && common(&p, &bits) >= n {
			best, longest = row, n
		}
	}
	return best
}

// A scope is how far an address reaches (RFC 4007 §4, RFC 6724 §3.1).
type scope uint8

const (
	linkLocal scope = 2
	siteLocal scope = 5
	global    scope = 14
)

// scopeOf returns the scope of an address. Loopback addresses and 169.254.0.0/16
// count as link-local, private ones as global (RFC 6724 §3.2).
func scopeOf(a netip.Addr) scope {
	switch {
	case a.IsMulticast() && a.Is6():
		return scope(a.As16()[1] & 15)
	case a.IsLinkLocalUnicast(), a.IsLoopback(), a.IsLinkLocalMulticast():
		return linkLocal
	case a.Is6() && siteLocalPrefix(a):
		return siteLocal
	}
	return global
}

func siteLocalPrefix(a netip.Addr) bool {
	b := a.As16()
	return b[0] == 0xfe && b[1]&0xc0 == 0xc0
}

// common returns how many leading bits two addresses share.
func common(a, b *[16]byte) int {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return 8*i + bits.LeadingZeros8(x)
		}
	}
	return 128
}

// commonPrefix is CommonPrefixLen of RFC 6724 §2.2: the leading bits that a source
// shares with a destination, up to the length of the prefix of the source.
func commonPrefix(src netip.Prefix, dst netip.Addr) int {
	s, d := src.Addr().As16(), dst.As16()
	limit := src.Bits()
	if src.Addr().Is4() {
		limit += 96
	}
	return min(common(&s, &d), limit)
}
