package ip

import (
	"net/netip"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Routes and addresses may have an end. That of a route lies in a heap, as there
// may be many; addresses are few, and the earliest is looked up when they change.

// A routeName is what tells routes apart.
type routeName struct {
	prefix netip.Prefix
	iface  ID
	via    netip.Addr
}

// An ending is a route that will go away.
type ending struct {
	route Route
	timer timer[ending]
}

// endRoute notes when a route goes away; Never if it stays.
func (n *Node) endRoute(r Route) {
	name := routeName{r.Prefix, r.Interface, r.Via}
	e := n.endings[name]
	switch {
	case e == nil && r.Until == mono.Never:
		return
	case e == nil:
		e = &ending{}
		e.timer.of = e
		n.endings[name] = e
	}
	e.route = r
	n.routeTimers.set(&e.timer, r.Until)
	if r.Until == mono.Never {
		delete(n.endings, name)
	}
}

// expireRoutes removes the routes whose time is over.
func (n *Node) expireRoutes(now mono.Time) {
	for e := n.routeTimers.due(now); e != nil; e = n.routeTimers.due(now) {
		_ = n.RemoveRoute(e.route) // it may have gone with its interface or address
		delete(n.endings, routeName{e.route.Prefix, e.route.Interface, e.route.Via})
	}
}

// ageOf returns when the state of an address changes because of its lifetimes.
func (a *Address) ageOf() mono.Time {
	if a.State == Preferred {
		return min(a.PreferredUntil, a.ValidUntil)
	}
	return a.ValidUntil
}

// addressDeadline returns when the first address changes.
func (t *Tables) addressDeadline() mono.Time {
	at := mono.Never
	for k := range t.ifaces {
		for j := range t.ifaces[k].addrs {
			at = min(at, t.ifaces[k].addrs[j].ageOf())
		}
	}
	return at
}

// expireAddresses deprecates and removes addresses whose time is over (RFC 4862 §5.5.4).
func (n *Node) expireAddresses(now mono.Time) {
	for n.ageAt.Due(now) {
		id, a := n.tables.oldest(now)
		if a == nil {
			return
		}
		if a.ValidUntil.Due(now) {
			n.removeAddress(now, id, a.Addr())
			n.tell(AddressGone, id, a.Addr(), wire.MAC{})
		} else {
			n.setAddressState(now, id, a.Addr(), Deprecated)
			n.tell(AddressDeprecated, id, a.Addr(), wire.MAC{})
		}
	}
}

// oldest returns an address whose time is over, or nil.
func (t *Tables) oldest(now mono.Time) (ID, *Address) {
	for k := range t.ifaces {
		for j := range t.ifaces[k].addrs {
			if a := &t.ifaces[k].addrs[j]; a.ageOf().Due(now) {
				return ID(k), a
			}
		}
	}
	return 0, nil
}
