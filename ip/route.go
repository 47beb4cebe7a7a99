package ip

import "net/netip"

// usable tells which routes a look-up may use.
type usable struct {
	t       *Tables
	through ID // 0: any
}

// first returns the best usable route of one prefix.
func (u usable) first(routes []Route) *Route {
	for i := range routes {
		r := &routes[i]
		if (u.through == 0 || r.Interface == u.through) && u.t.up(r.Interface) != nil {
			return r
		}
	}
	return nil
}

// Route says how packets from src (zero: to be selected) reach dst, through the
// interface (0: any). A zone of dst names the interface, too.
//
// A source that is given ties the packet to the interface that has it (the strong
// end system of RFC 1122 §3.3.4.2), unless that is the loopback or one of a router.
func (t *Tables) Route(dst, src netip.Addr, through ID) (Path, error) {
	dst, through, err := t.destination(dst, through)
	if err != nil {
		return Path{}, err
	}
	if src, err = t.source(dst, src, &through); err != nil {
		return Path{}, err
	}
	if id, ok := t.Local(dst); ok && (through == 0 || through == id || !dst.IsLinkLocalUnicast()) {
		return t.toOurselves(dst, src)
	}
	p, want, err := t.hop(dst, through)
	if err != nil {
		return Path{}, err
	}
	if !src.IsValid() {
		src = want
	}
	if !src.IsValid() {
		src = t.selectSource(p.Interface, dst, p.NextHop)
	}
	if !src.IsValid() && dst == limitedBroadcast && through != 0 {
		src = netip.IPv4Unspecified() // RFC 1122 §3.2.1.3(a): one who asks for an address
	}
	if !src.IsValid() {
		return Path{}, ErrNoSource
	}
	p.Source = src
	return p, nil
}

// destination checks dst and takes its zone off.
func (t *Tables) destination(dst netip.Addr, through ID) (netip.Addr, ID, error) {
	dst = dst.Unmap()
	if !dst.IsValid() || dst.IsUnspecified() {
		return dst, through, ErrInvalid
	}
	if zone := dst.Zone(); zone != "" {
		i, ok := t.InterfaceByName(zone)
		if !ok || through != 0 && through != i.ID {
			return dst, through, ErrNoInterface
		}
		dst, through = dst.WithZone(""), i.ID
	}
	return dst, through, nil
}

// source checks src, which may be none, and ties the packet to its interface.
func (t *Tables) source(dst, src netip.Addr, through *ID) (netip.Addr, error) {
	src = src.Unmap().WithZone("")
	if !src.IsValid() || src.IsUnspecified() {
		return netip.Addr{}, nil
	}
	if src.Is4() != dst.Is4() {
		return src, ErrInvalid
	}
	if *through != 0 && t.owns(*through, src) {
		return src, nil
	}
	id, ok := t.Local(src)
	if !ok {
		return src, ErrNotOurs
	}
	if t.weak || t.ifaces[id].Flags&(Loopback|Forwarding) != 0 {
		return src, nil
	}
	if *through != 0 && *through != id {
		return src, ErrNotOurs
	}
	*through = id
	return src, nil
}

// toOurselves is the path to one of our own addresses: through the loopback.
func (t *Tables) toOurselves(dst, src netip.Addr) (Path, error) {
	lo := t.up(t.loopback)
	if lo == nil {
		return Path{}, ErrNoRoute
	}
	switch {
	case src.IsValid():
	case dst.Is4() && dst.IsLoopback():
		src = loopback4
	default:
		src = dst // RFC 6724 §5 rule 1
	}
	return Path{Interface: lo.ID, Flags: lo.Flags, Source: src, NextHop: dst, MTU: lo.MTU, Generation: t.generation}, nil
}

// hop finds the interface and the next hop, which is the destination itself if it is
// on the link (RFC 1122 §3.3.1.1), and the source that the route asks for.
func (t *Tables) hop(dst netip.Addr, through ID) (Path, netip.Addr, error) {
	p := Path{Cast: Unicast, NextHop: dst, Generation: t.generation}
	if through == 0 && dst.Is6() && dst.IsLinkLocalUnicast() && t.links() > 1 {
		return p, netip.Addr{}, ErrNoInterface // RFC 4007 §6: the zone is ambiguous
	}
	k := keyOf(dst)
	r := (*t.trieOf(dst)).longest(&k, usable{t, through})
	group := dst.IsMulticast() || dst == limitedBroadcast
	var i *iface
	var source netip.Addr
	switch {
	case r != nil:
		i, source = t.up(r.Interface), r.Source
		if r.Via.IsValid() && !group {
			p.NextHop = r.Via
		}
	case group:
		i = t.groupInterface(through, dst)
	}
	if i == nil {
		return p, source, ErrNoRoute
	}
	if dst.Is6() && i.MTU < minMTU6 { // RFC 8200 §5: the link cannot carry IPv6
		return p, source, ErrNoRoute
	}
	p.Interface, p.Flags, p.MTU, p.Cast = i.ID, i.Flags, i.MTU, i.castOf(dst)
	if r != nil && r.MTU != 0 {
		p.MTU = min(p.MTU, r.MTU)
	}
	if dst.Is6() && i.mtu6 != 0 {
		p.MTU = min(p.MTU, i.mtu6)
	}
	if dst.Is6() && p.Cast == Unicast {
		p.HopLimit = i.hopLimit
	}
	return p, source, nil
}

// minMTU6 is the smallest MTU of a link that carries IPv6 (RFC 8200 §5).
const minMTU6 = 1280

// links counts the interfaces that link-local addresses may be reached through.
func (t *Tables) links() (n int) {
	for i := range t.ifaces {
		if f := t.ifaces[i].Flags; f.Has(Up) && !f.Has(Loopback) {
			n++
		}
	}
	return n
}

// groupInterface returns where a packet to many leaves if no route says so: the
// interface asked for, or the first that is not the loopback, or that.
func (t *Tables) groupInterface(through ID, dst netip.Addr) *iface {
	if through != 0 {
		return t.up(through)
	}
	for k := range t.ifaces {
		if i := &t.ifaces[k]; i.Flags.Has(Up) && !i.Flags.Has(Loopback) && i.has(dst.Is4()) {
			return i
		}
	}
	return t.up(t.loopback)
}

// has reports whether the interface has a usable address of the family.
func (i *iface) has(v4 bool) bool {
	for k := range i.addrs {
		if i.addrs[k].usable() && i.addrs[k].Addr().Is4() == v4 {
			return true
		}
	}
	return false
}

// castOf says to how many on the link of the interface a packet to dst goes.
func (i *iface) castOf(dst netip.Addr) Cast {
	if dst.IsMulticast() {
		return Multicasting
	}
	if dst == limitedBroadcast {
		return Broadcast
	}
	if dst.Is4() {
		for _, b := range i.broadcasts {
			if b == dst {
				return Broadcast
			}
		}
	}
	return Unicast
}
