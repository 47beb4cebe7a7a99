package ip

import (
	"net/netip"
	"slices"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// The metrics of what routers announce: behind what was configured, in the order
// of their preference (RFC 4191), and last those that did not answer.
const (
	onLinkMetric  = 256
	highMetric    = 512
	mediumMetric  = 1024
	lowMetric     = 2048
	lostMetric    = 1 << 16
	redirectedFor = 10 * time.Minute
)

// Bounds of what a router can make us believe (T-63).
const (
	maxReachable  = time.Hour // RFC 4861 §6.2.1
	minRetransmit = 100 * time.Millisecond
	maxRetransmit = 10 * time.Second
	minHopLimit   = 64
)

// A router is one that offers itself as the default.
type router struct {
	addr   netip.Addr
	until  mono.Time
	metric uint32
	lost   bool // it does not answer (RFC 4861 §6.3.6)
}

// Names are name servers or search domains that routers announce, each with when
// it ends.
type names[T comparable] struct {
	list []announced[T]
	most int
}

type announced[T comparable] struct {
	what  T
	until mono.Time
}

// heed takes an announcement, and reports whether the names are others now. A
// lifetime of zero takes a name back (RFC 8106 §5.1).
func (x *names[T]) heed(now mono.Time, what T, d time.Duration) bool {
	k := slices.IndexFunc(x.list, func(a announced[T]) bool { return a.what == what })
	switch {
	case d == 0 && k >= 0:
		x.list = slices.Delete(x.list, k, k+1)
		return true
	case d > 0 && k >= 0:
		x.list[k].until = lifetime(now, d)
	case d > 0 && len(x.list) < x.most:
		x.list = append(x.list, announced[T]{what, lifetime(now, d)})
		return true
	}
	return false
}

// expire forgets what no router has repeated in time, and reports whether there was any.
func (x *names[T]) expire(now mono.Time) bool {
	before := len(x.list)
	x.list = slices.DeleteFunc(x.list, func(a announced[T]) bool { return a.until.Due(now) })
	return len(x.list) != before
}

func (x *names[T]) deadline() mono.Time {
	at := mono.Never
	for _, a := range x.list {
		at = min(at, a.until)
	}
	return at
}

// arriveRouter takes a router advertisement (RFC 4861 §6.1.2, §6.3.4).
func (n *Node) arriveRouter(now mono.Time, i *iface, h *wire.IP, m *wire.ICMP) Reason {
	var ra wire.RouterAdvert
	if !h.Src.IsLinkLocalUnicast() || wire.ParseRouterAdvert(m, &ra) != wire.OK {
		return NeighbourInvalid
	}
	l := n.link(i.ID)
	if l.auto == nil {
		return NotForUs
	}
	n.heedTimes(l, &ra)
	n.heedLink(i, &ra)
	n.heedRouter(now, l, h.Src, &ra)
	if mac, says := ra.Options.SourceMAC(); says && i.Flags.Has(Ethernet) && !mac.IsMulticast() && mac != (wire.MAC{}) {
		n.hear(now, i.ID, h.Src, mac)
	}
	if e := n.neigh.find(i.ID, h.Src); e != nil {
		e.router = true
	}
	for p := range ra.Options.Prefixes() {
		n.heedPrefix(now, l, h.Src, p)
	}
	n.heedNames(now, l, &ra)
	return NotDropped
}

// heedTimes takes the timers of neighbour discovery.
func (n *Node) heedTimes(l *onLink, ra *wire.RouterAdvert) {
	if r := ra.Reachable; r > 0 && r <= maxReachable && r != l.baseReachable {
		n.setReachable(l, r)
	}
	if ra.Retransmit > 0 {
		l.retransmit = min(max(ra.Retransmit, minRetransmit), maxRetransmit)
	}
}

// heedLink takes MTU and hop limit. An MTU that no link of IPv6 has, or that is
// larger than ours, is ignored (RFC 4861 §6.3.4), as is a hop limit so low that
// packets would not get far.
func (n *Node) heedLink(i *iface, ra *wire.RouterAdvert) {
	mtu, hops := i.mtu6, i.hopLimit
	if v, says := ra.Options.MTU(); says && v >= minMTU6 && int64(v) <= int64(i.MTU) {
		mtu = int(v)
	}
	if ra.HopLimit >= minHopLimit {
		hops = ra.HopLimit
	}
	if mtu != i.mtu6 || hops != i.hopLimit {
		t := n.tables.next()
		t.ifaces[i.ID].mtu6, t.ifaces[i.ID].hopLimit = mtu, hops
		n.tables = t
	}
}

// heedRouter takes the offer to be a default router, or its end.
func (n *Node) heedRouter(now mono.Time, l *onLink, a netip.Addr, ra *wire.RouterAdvert) {
	x := l.auto
	if ra.Lifetime == 0 {
		n.dismiss(now, l.id, a)
		return
	}
	x.solicitAt = mono.Never // RFC 7559 §2.1: there is a router
	metric := uint32(mediumMetric)
	switch ra.Preference {
	case wire.HighPreference:
		metric = highMetric
	case wire.LowPreference:
		metric = lowMetric
	}
	k := slices.IndexFunc(x.routers, func(r router) bool { return r.addr == a })
	if k < 0 {
		if len(x.routers) >= maxRouters {
			return
		}
		k = len(x.routers)
		x.routers = append(x.routers, router{addr: a})
		n.tell(RouterFound, l.id, a, wire.MAC{})
	}
	x.routers[k] = router{addr: a, until: now.Add(ra.Lifetime), metric: metric}
	n.routeTo(now, l.id, &x.routers[k])
}

// defaultRoute is the route through a router.
func defaultRoute(id ID, r *router) Route {
	return Route{Prefix: netip.PrefixFrom(netip.IPv6Unspecified(), 0), Interface: id, Via: r.addr, Metric: r.metric, Until: mono.Never}
}

// routeTo adds the default route through a router, or changes its metric.
func (n *Node) routeTo(now mono.Time, id ID, r *router) {
	route := defaultRoute(id, r)
	if r.lost {
		route.Metric += lostMetric
	}
	for _, was := range n.tables.v6.get(route.Prefix) {
		if was.same(route) && was.Metric == route.Metric {
			return
		}
	}
	_ = n.AddRoute(now, route) // the interface is there, and the route sound
}

// dismiss removes a default router, if it is one.
func (n *Node) dismiss(now mono.Time, id ID, a netip.Addr) {
	x := n.link(id).auto
	if x == nil {
		return
	}
	k := slices.IndexFunc(x.routers, func(r router) bool { return r.addr == a })
	if k < 0 {
		return
	}
	_ = n.RemoveRoute(defaultRoute(id, &x.routers[k])) // the owner may have removed it
	x.routers = slices.Delete(x.routers, k, k+1)
	n.tell(RouterGone, id, a, wire.MAC{})
	if len(x.routers) == 0 {
		x.solicitAt, x.solicited = now.Add(n.random(maxSolicitationDelay)), 0
	}
}

// lostRouter puts a router that does not answer behind all others, until it says
// something (RFC 4861 §6.3.6).
func (n *Node) lostRouter(now mono.Time, id ID, a netip.Addr) {
	x := n.link(id).auto
	if x == nil {
		return
	}
	for k := range x.routers {
		if r := &x.routers[k]; r.addr == a {
			r.lost = true
			n.routeTo(now, id, r)
		}
	}
}

// heedNames takes name servers and search domains (RFC 8106 §6).
func (n *Node) heedNames(now mono.Time, l *onLink, ra *wire.RouterAdvert) {
	changed := false
	for a, d := range ra.Options.RDNSS() {
		if !a.IsMulticast() && !a.IsUnspecified() && !a.IsLoopback() && !a.Is4In6() {
			changed = l.auto.servers.heed(now, a, d) || changed
		}
	}
	for name, d := range ra.Options.DNSSL() {
		changed = l.auto.domains.heed(now, name, d) || changed
	}
	if changed {
		n.tell(NameServers, l.id, netip.Addr{}, wire.MAC{})
	}
}

// Resolvers returns the name servers and the search domains that routers announce
// on the link of an interface. Link-local addresses have the zone of the interface.
func (n *Node) Resolvers(id ID) (servers []netip.Addr, search []string) {
	i := n.tables.iface(id)
	if i == nil || n.link(id).auto == nil {
		return nil, nil
	}
	for _, s := range n.link(id).auto.servers.list {
		if s.what.IsLinkLocalUnicast() {
			s.what = s.what.WithZone(i.Name)
		}
		servers = append(servers, s.what)
	}
	for _, d := range n.link(id).auto.domains.list {
		search = append(search, d.what)
	}
	return servers, search
}

// arriveRedirect takes a redirect (RFC 4861 §8.1, §8.3): only from the router that
// packets to the destination go through now, and only where routers are heard at all.
func (n *Node) arriveRedirect(now mono.Time, i *iface, h *wire.IP, m *wire.ICMP) Reason {
	var r wire.Redirect
	if !h.Src.IsLinkLocalUnicast() || wire.ParseRedirect(m, &r) != wire.OK || h.Dst.IsMulticast() {
		return NeighbourInvalid
	}
	l := n.link(i.ID)
	path, _, err := n.tables.hop(r.Destination, i.ID)
	_, ours := n.tables.Local(r.Target)
	if l.auto == nil || err != nil || path.NextHop != h.Src || ours || r.Target == h.Src || r.Destination.IsLinkLocalUnicast() {
		return RedirectIgnored
	}
	n.detour(now, l, &r)
	if mac, says := r.Options.TargetMAC(); says && i.Flags.Has(Ethernet) && !mac.IsMulticast() && mac != (wire.MAC{}) {
		n.hear(now, i.ID, r.Target, mac)
	}
	return NotDropped
}

// detour adds the route that a redirect names, in place of an earlier one.
func (n *Node) detour(now mono.Time, l *onLink, r *wire.Redirect) {
	x := l.auto
	if k := slices.Index(x.detours, r.Destination); k >= 0 {
		x.detours = slices.Delete(x.detours, k, k+1)
		n.endDetour(l.id, r.Destination)
	} else if len(x.detours) >= maxRedirects {
		n.endDetour(l.id, x.detours[0])
		x.detours = slices.Delete(x.detours, 0, 1)
	}
	x.detours = append(x.detours, r.Destination)
	route := Route{Prefix: netip.PrefixFrom(r.Destination, 128), Interface: l.id, Metric: onLinkMetric, Until: now.Add(redirectedFor)}
	if r.Target != r.Destination {
		route.Via = r.Target
	}
	_ = n.AddRoute(now, route) // the interface is there, and package wire made sure that the route is sound
}

// endDetour removes the route of an earlier redirect.
func (n *Node) endDetour(id ID, dst netip.Addr) {
	for _, r := range slices.Clone(n.tables.v6.get(netip.PrefixFrom(dst, 128))) {
		if r.Interface == id && r.Metric == onLinkMetric {
			_ = n.RemoveRoute(r) // it is there
		}
	}
}
