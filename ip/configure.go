package ip

import (
	"net/netip"
	"slices"

	"github.com/octet-net/octet/mono"
)

// Bounds of the MTU of an interface: what every link must carry (RFC 791 §3.2)
// and the largest packet there is.
const (
	minMTU = 68
	maxMTU = 65535
)

// AddInterface adds an interface and returns its ID; that of i is ignored. A
// Loopback one gets 127.0.0.1/8 and ::1/128, which it keeps.
func (n *Node) AddInterface(now mono.Time, i Interface) (ID, error) {
	if i.MTU < minMTU || i.MTU > maxMTU {
		return 0, ErrInvalid
	}
	t := n.tables.next()
	i.ID = ID(len(t.ifaces))
	t.ifaces = append(t.ifaces, iface{Interface: i})
	n.publish(now, t)
	if i.Flags.Has(Loopback) {
		for _, p := range [...]string{"127.0.0.1/8", "::1/128"} {
			if err := n.AddAddress(now, i.ID, Address{Prefix: netip.MustParsePrefix(p)}); err != nil {
				return 0, err
			}
		}
	}
	return i.ID, nil
}

// publish makes the tables current.
func (n *Node) publish(now mono.Time, t *Tables) {
	t.index()
	n.tables = t
	n.ageAt = t.addressDeadline()
	n.reportGroups(now)
}

// SetInterface changes the MTU, flags and MAC of the interface i.ID.
func (n *Node) SetInterface(now mono.Time, i Interface) error {
	was := n.tables.iface(i.ID)
	if was == nil {
		return ErrNoInterface
	}
	if i.MTU < minMTU || i.MTU > maxMTU {
		return ErrInvalid
	}
	t := n.tables.next()
	i.Name = was.Name
	wasUp := was.Flags.Has(Up)
	t.ifaces[i.ID].Interface = i
	n.publish(now, t)
	if isUp := i.Flags.Has(Up); isUp != wasUp {
		n.turned(now, i.ID, isUp)
	}
	return nil
}

// turned is told that an interface went up or down. Neighbours that were known
// before may be gone, and routers others (RFC 4861 §7.3.3, §6.3.7).
func (n *Node) turned(now mono.Time, id ID, up bool) {
	n.flushNeighbours(id)
	l := n.link(id)
	if !up || l.auto == nil {
		return
	}
	for _, r := range slices.Clone(l.auto.routers) {
		n.dismiss(now, id, r.addr)
	}
	if n.tables.owns(id, l.auto.linkLocal) {
		n.setAddressState(now, id, l.auto.linkLocal, Tentative)
		n.testAddress(now, id, l.auto.linkLocal)
	}
}

// RemoveInterface removes an interface with its addresses and routes. Its ID is not used again.
func (n *Node) RemoveInterface(now mono.Time, id ID) error {
	if n.tables.iface(id) == nil {
		return ErrNoInterface
	}
	t := n.tables.next()
	for _, r := range t.Routes() {
		if r.Interface == id {
			t.removeRoute(r)
		}
	}
	t.ifaces[id] = iface{}
	n.publish(now, t)
	n.flushNeighbours(id)
	if int(id) < len(n.links) {
		n.links[id] = nil
	}
	return nil
}

// AddAddress gives an address, and the route to its prefix, to an interface, or
// changes the state and lifetimes of one that is there.
//
// One whose State is Tentative is used only when nobody else on the link turns out
// to have it (RFC 4862 §5.4, RFC 5227), which takes a second or two for IPv6 and up
// to seven for IPv4. AddressReady or AddressTaken tells. Any other is used at once,
// and announced.
func (n *Node) AddAddress(now mono.Time, id ID, a Address) error {
	i := n.tables.iface(id)
	if i == nil {
		return ErrNoInterface
	}
	if !assignable(a.Prefix, i.Flags) {
		return ErrInvalid
	}
	a.PreferredUntil, a.ValidUntil = lasting(a.PreferredUntil), lasting(a.ValidUntil)
	t := n.tables.next()
	u := &t.ifaces[id]
	u.addrs = slices.Clone(u.addrs)
	known := false
	if was := u.address(a.Addr()); was != nil {
		known = was.usable()
		t.removeOnLink(id, was.Prefix, a.Addr())
		*was = a
	} else {
		u.addrs = append(u.addrs, a)
	}
	if !a.OffLink {
		t.addRoute(Route{Prefix: a.Prefix.Masked(), Interface: id, Until: mono.Never})
	}
	n.publish(now, t)
	switch {
	case a.State == Tentative:
		n.testAddress(now, id, a.Addr())
	case a.Addr().Is4() && a.usable() && !known:
		n.announce(now, id, a.Addr())
	}
	return nil
}

// assignable reports whether a host can have the address on such an interface:
// no group, nothing of 0/8 or 240/4, and nothing of the loopback elsewhere.
func assignable(p netip.Prefix, f Flags) bool {
	a := p.Addr()
	if !p.IsValid() || a.Is4In6() || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
		return false
	}
	if a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240) {
		return false
	}
	if b, ok := broadcastOf(p); ok && !f.Has(Loopback) && (a == b || a == p.Masked().Addr()) {
		return false
	}
	return !a.IsLoopback() || f.Has(Loopback)
}

// removeOnLink removes the route to the prefix of an address that goes away,
// unless another address of the interface needs it.
func (t *Tables) removeOnLink(id ID, p netip.Prefix, gone netip.Addr) {
	for _, a := range t.ifaces[id].addrs {
		if a.Addr() != gone && !a.OffLink && a.Prefix.Masked() == p.Masked() {
			return
		}
	}
	t.removeRoute(Route{Prefix: p.Masked(), Interface: id})
}

// RemoveAddress takes an address away, with the route to its prefix if no other
// address needs it and the routes that name it as their source.
func (n *Node) RemoveAddress(now mono.Time, id ID, a netip.Addr) error {
	i := n.tables.iface(id)
	if i == nil {
		return ErrNoInterface
	}
	was := i.address(a)
	if was == nil {
		return ErrNotFound
	}
	t := n.tables.next()
	t.removeOnLink(id, was.Prefix, a)
	u := &t.ifaces[id]
	u.addrs = slices.DeleteFunc(slices.Clone(u.addrs), func(b Address) bool { return b.Addr() == a })
	for _, r := range t.Routes() {
		if r.Source == a {
			t.removeRoute(r)
		}
	}
	n.publish(now, t)
	l := n.link(id)
	l.tests = l.withoutTest(a)
	delete(l.defended, a)
	return nil
}

// removeAddress takes away an address that may be gone already.
func (n *Node) removeAddress(now mono.Time, id ID, a netip.Addr) { _ = n.RemoveAddress(now, id, a) }

// AddRoute adds a route, or replaces that of the same prefix, interface and next router.
func (n *Node) AddRoute(now mono.Time, r Route) error {
	if n.tables.iface(r.Interface) == nil {
		return ErrNoInterface
	}
	if !r.sound() {
		return ErrInvalid
	}
	if r.Source.IsValid() {
		if _, ok := n.tables.Local(r.Source); !ok {
			return ErrNotOurs
		}
	}
	r.Prefix, r.Until = r.Prefix.Masked(), lasting(r.Until)
	t := n.tables.next()
	if t.addRoute(r) {
		t.generation = n.tables.generation // paths stay what they are
	}
	n.tables = t
	n.endRoute(r)
	return nil
}

// sound reports whether the parts of a route belong to one family and make sense.
func (r *Route) sound() bool {
	a := r.Prefix.Addr()
	if !r.Prefix.IsValid() || a.Is4In6() || r.MTU < 0 || r.MTU != 0 && r.MTU < minMTU {
		return false
	}
	for _, b := range [...]netip.Addr{r.Via, r.Source} {
		if b.IsValid() && (b.Is4() != a.Is4() || b.Zone() != "" || b.IsMulticast() || b.IsUnspecified() || b.Is4In6()) {
			return false
		}
	}
	return true
}

// RemoveRoute removes the route of the same prefix, interface and next router.
func (n *Node) RemoveRoute(r Route) error {
	r.Prefix = r.Prefix.Masked()
	if !r.Prefix.IsValid() {
		return ErrInvalid
	}
	t := n.tables.next()
	if !t.removeRoute(r) {
		return ErrNotFound
	}
	n.tables = t
	r.Until = mono.Never
	n.endRoute(r)
	return nil
}
