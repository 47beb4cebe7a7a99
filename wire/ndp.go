package wire

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// NDHopLimit is the hop limit that every neighbour discovery packet must have, so
// that no router has passed it on (RFC 4861 §6.1, §7.1). The caller checks it, and
// the addresses of the IP header.
const NDHopLimit = 255

// A NeighborSolicit asks who has an address (RFC 4861 §4.3).
type NeighborSolicit struct {
	Target  netip.Addr
	Options NDOptions
}

// A NeighborAdvert says who has an address (RFC 4861 §4.4).
type NeighborAdvert struct {
	Target    netip.Addr
	Router    bool
	Solicited bool
	Override  bool
	Options   NDOptions
}

// A RouterSolicit asks for routers (RFC 4861 §4.1).
type RouterSolicit struct {
	Options NDOptions
}

// A Preference is that of a router or a route (RFC 4191 §2.1). The reserved value
// is read as Medium.
type Preference int8

// The preferences.
const (
	LowPreference    Preference = -1
	MediumPreference Preference = 0
	HighPreference   Preference = 1
)

// A RouterAdvert is what a router tells its link (RFC 4861 §4.2). Zero means that
// the router does not say.
type RouterAdvert struct {
	HopLimit   uint8
	Managed    bool // addresses by DHCPv6
	Other      bool // other settings by DHCPv6
	Preference Preference
	Lifetime   time.Duration // as a default router, whole seconds up to 65535; 0: not one
	Reachable  time.Duration // whole milliseconds
	Retransmit time.Duration // whole milliseconds
	Options    NDOptions
}

// A Redirect names a better next hop for a destination (RFC 4861 §4.5).
type Redirect struct {
	Target      netip.Addr
	Destination netip.Addr
	Options     NDOptions
}

// The flags of the messages, in the word after the checksum.
const (
	naRouter    = 1 << 31
	naSolicited = 1 << 30
	naOverride  = 1 << 29
	raManaged   = 1 << 23
	raOther     = 1 << 22
)

// Size returns how many octets PutNeighborSolicit writes.
func (n *NeighborSolicit) Size() int { return ICMPLen + 16 + len(n.Options) }

// Size returns how many octets PutNeighborAdvert writes.
func (n *NeighborAdvert) Size() int { return ICMPLen + 16 + len(n.Options) }

// Size returns how many octets PutRouterSolicit writes.
func (r *RouterSolicit) Size() int { return ICMPLen + len(r.Options) }

// Size returns how many octets PutRouterAdvert writes.
func (r *RouterAdvert) Size() int { return ICMPLen + 8 + len(r.Options) }

// Size returns how many octets PutRedirect writes.
func (r *Redirect) Size() int { return ICMPLen + 32 + len(r.Options) }

// ndBody checks type and code of a neighbour discovery message with n octets
// before its options, and the options.
func ndBody(m *ICMP, kind uint8, n int) ([]byte, NDOptions, Fault) {
	if m.Type != kind || m.Code != 0 {
		return nil, nil, BadType
	}
	b := m.Body.B
	if len(b) < n {
		return nil, nil, Truncated
	}
	options, f := checkNDOptions(b[n:])
	return b, options, f
}

// ParseNeighborSolicit reads m into n, whose options lie in the body of m.
func ParseNeighborSolicit(m *ICMP, n *NeighborSolicit) Fault {
	*n = NeighborSolicit{}
	b, options, f := ndBody(m, ICMPv6NeighborSolicit, 16)
	if f != OK {
		return f
	}
	n.Target, n.Options = netip.AddrFrom16([16]byte(b)), options
	return targetFault(n.Target)
}

// targetFault refuses a multicast target: RFC 4861 §7.1.1, §7.1.2.
func targetFault(a netip.Addr) Fault {
	if a.IsMulticast() {
		return BadAddress
	}
	return OK
}

// PutNeighborSolicit writes n, ICMP header included, to the first n.Size() octets
// of b. IP.Seal puts in the checksum, as with all of these messages.
func PutNeighborSolicit(b []byte, n *NeighborSolicit) {
	PutICMP(b, &ICMP{Type: ICMPv6NeighborSolicit})
	copy(putAddr6(b[ICMPLen:], n.Target), n.Options)
}

// ParseNeighborAdvert reads m into n, whose options lie in the body of m. That a
// solicited one must not go to a group is for the caller to check.
func ParseNeighborAdvert(m *ICMP, n *NeighborAdvert) Fault {
	*n = NeighborAdvert{}
	b, options, f := ndBody(m, ICMPv6NeighborAdvert, 16)
	if f != OK {
		return f
	}
	n.Target, n.Options = netip.AddrFrom16([16]byte(b)), options
	n.Router = m.Rest&naRouter != 0
	n.Solicited = m.Rest&naSolicited != 0
	n.Override = m.Rest&naOverride != 0
	return targetFault(n.Target)
}

// PutNeighborAdvert writes n to the first n.Size() octets of b.
func PutNeighborAdvert(b []byte, n *NeighborAdvert) {
	m := ICMP{Type: ICMPv6NeighborAdvert}
	m.Rest = flagIf(n.Router, naRouter) | flagIf(n.Solicited, naSolicited) | flagIf(n.Override, naOverride)
	PutICMP(b, &m)
	copy(putAddr6(b[ICMPLen:], n.Target), n.Options)
}

// ParseRouterSolicit reads m into r, whose options lie in the body of m.
func ParseRouterSolicit(m *ICMP, r *RouterSolicit) Fault {
	_, options, f := ndBody(m, ICMPv6RouterSolicit, 0)
	*r = RouterSolicit{Options: options}
	return f
}

// PutRouterSolicit writes r to the first r.Size() octets of b.
func PutRouterSolicit(b []byte, r *RouterSolicit) {
	PutICMP(b, &ICMP{Type: ICMPv6RouterSolicit})
	copy(b[ICMPLen:], r.Options)
}

// ParseRouterAdvert reads m into r, whose options lie in the body of m.
func ParseRouterAdvert(m *ICMP, r *RouterAdvert) Fault {
	*r = RouterAdvert{}
	b, options, f := ndBody(m, ICMPv6RouterAdvert, 8)
	if f != OK {
		return f
	}
	r.HopLimit = uint8(m.Rest >> 24)
	r.Managed, r.Other = m.Rest&raManaged != 0, m.Rest&raOther != 0
	r.Preference = preference(uint8(m.Rest >> 16))
	r.Lifetime = time.Duration(m.Rest&0xffff) * time.Second
	r.Reachable = time.Duration(binary.BigEndian.Uint32(b)) * time.Millisecond
	r.Retransmit = time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Millisecond
	r.Options = options
	return OK
}

// PutRouterAdvert writes r to the first r.Size() octets of b.
func PutRouterAdvert(b []byte, r *RouterAdvert) {
	m := ICMP{Type: ICMPv6RouterAdvert, Rest: uint32(r.HopLimit) << 24}
	m.Rest |= flagIf(r.Managed, raManaged) | flagIf(r.Other, raOther)
	m.Rest |= uint32(r.Preference.bits())<<16 | uint32(seconds(r.Lifetime, 0xffff))
	PutICMP(b, &m)
	binary.BigEndian.PutUint32(b[8:], count(r.Reachable, time.Millisecond, 0xffffffff))
	binary.BigEndian.PutUint32(b[12:], count(r.Retransmit, time.Millisecond, 0xffffffff))
	copy(b[16:], r.Options)
}

// ParseRedirect reads m into r, whose options lie in the body of m.
func ParseRedirect(m *ICMP, r *Redirect) Fault {
	*r = Redirect{}
	b, options, f := ndBody(m, ICMPv6Redirect, 32)
	if f != OK {
		return f
	}
	r.Target, r.Destination = netip.AddrFrom16([16]byte(b)), netip.AddrFrom16([16]byte(b[16:]))
	r.Options = options
	// RFC 4861 §8.1: a link-local target or the destination itself; no group.
	if r.Destination.IsMulticast() || r.Target != r.Destination && !r.Target.IsLinkLocalUnicast() {
		return BadAddress
	}
	return OK
}

// PutRedirect writes r to the first r.Size() octets of b.
func PutRedirect(b []byte, r *Redirect) {
	PutICMP(b, &ICMP{Type: ICMPv6Redirect})
	copy(putAddr6(putAddr6(b[ICMPLen:], r.Target), r.Destination), r.Options)
}

// preference reads the two bits of a preference in place (RFC 4191 §2.1).
func preference(b uint8) Preference {
	switch b >> 3 & 3 {
	case 1:
		return HighPreference
	case 3:
		return LowPreference
	}
	return MediumPreference
}

// bits returns the preference as it lies in its octet.
func (p Preference) bits() uint8 {
	switch {
	case p > 0:
		return 1 << 3
	case p < 0:
		return 3 << 3
	}
	return 0
}

func flagIf(set bool, bit uint32) uint32 {
	if set {
		return bit
	}
	return 0
}

// count returns d in units, between 0 and most.
func count(d, unit time.Duration, most uint32) uint32 {
	return uint32(min(max(d/unit, 0), time.Duration(most)))
}

func seconds(d time.Duration, most uint32) uint32 { return count(d, time.Second, most) }

// putAddr6 writes a to the front of b and returns the rest of b.
func putAddr6(b []byte, a netip.Addr) []byte {
	*(*[16]byte)(b) = a.As16()
	return b[16:]
}
