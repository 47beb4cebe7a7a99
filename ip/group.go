package ip

import (
	"net/netip"
	"slices"

	"github.com/octet-net/octet/mono"
)

// A joining is a group that was joined on an interface.
type joining struct {
	iface ID
	group netip.Addr
}

// Join makes the interface a member of a multicast group, Leave ends that. Each
// Join needs its Leave. Groups that every host belongs to need neither: all hosts,
// all nodes, all routers where we forward, and those of neighbour discovery.
func (n *Node) Join(now mono.Time, id ID, group netip.Addr) error {
	group = group.Unmap().WithZone("")
	if n.tables.iface(id) == nil {
		return ErrNoInterface
	}
	if !group.IsMulticast() {
		return ErrInvalid
	}
	k := joining{id, group}
	if n.joined[k]++; n.joined[k] > 1 {
		return nil
	}
	t := n.tables.next()
	i := &t.ifaces[id]
	at, _ := slices.BinarySearchFunc(i.joins, group, netip.Addr.Compare)
	i.joins = slices.Insert(slices.Clone(i.joins), at, group)
	n.publish(now, t)
	return nil
}

// Leave ends one Join.
func (n *Node) Leave(now mono.Time, id ID, group netip.Addr) error {
	group = group.Unmap().WithZone("")
	k := joining{id, group}
	if n.joined[k] == 0 {
		return ErrNotFound
	}
	if n.joined[k]--; n.joined[k] > 0 {
		return nil
	}
	delete(n.joined, k)
	t := n.tables.next()
	i := &t.ifaces[id]
	i.joins = slices.DeleteFunc(slices.Clone(i.joins), func(g netip.Addr) bool { return g == group })
	n.publish(now, t)
	return nil
}

// memberships returns the groups that an interface is in: those that were joined
// and those that it must be in (RFC 1112 §7.2, RFC 4291 §2.8).
func (i *iface) memberships() []netip.Addr {
	groups := append(slices.Clone(i.joins), allHosts4, allNodes6)
	if i.Flags.Has(Forwarding) {
		groups = append(groups, allRouters4, allRouters6)
	}
	for _, a := range i.addrs {
		if a.Addr().Is6() {
			groups = append(groups, solicitedNode(a.Addr()))
		}
	}
	slices.SortFunc(groups, netip.Addr.Compare)
	return slices.Compact(groups)
}

// solicitedNode returns the group in which neighbours look for an address (RFC 4291 §2.7.1).
func solicitedNode(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, b[13], b[14], b[15]})
}

func isSolicitedNode(g netip.Addr) bool {
	b := g.As16()
	return [13]byte(b[:]) == [13]byte{0xff, 2, 11: 1, 12: 0xff}
}
