package ip

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/octet-net/octet/mono"
)

// Tables are the interfaces, addresses and routes of a Node at one moment. They
// never change: any goroutine may read them.
type Tables struct {
	generation uint64
	weak       bool     // addresses count on every interface (RFC 1122 §3.3.4.2)
	policy     []Policy // RFC 6724 §2.1
	ifaces     []iface  // by ID; a gap has the ID 0
	loopback   ID       // the interface that carries what we send to ourselves
	owners     map[netip.Addr][]owner
	v4, v6     *trie
}

// An iface is an interface with what hangs on it.
type iface struct {
	Interface
	addrs      []Address
	broadcasts []netip.Addr // of its IPv4 prefixes
	joins      []netip.Addr // asked for by Join, sorted
	groups     []netip.Addr // all that it is in, sorted
	mtu6       int          // as a router says, 0 if none does
	hopLimit   uint8        // likewise
}

// An owner is an interface that has an address.
type owner struct {
	id    ID
	state AddressState
}

var (
	limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	allHosts4        = netip.AddrFrom4([4]byte{224, 0, 0, 1})
	allRouters4      = netip.AddrFrom4([4]byte{224, 0, 0, 2})
	allNodes6        = netip.IPv6LinkLocalAllNodes()
	allRouters6      = netip.IPv6LinkLocalAllRouters()
	loopback4        = netip.AddrFrom4([4]byte{127, 0, 0, 1})
)

// Generation counts the changes of the tables.
func (t *Tables) Generation() uint64 { return t.generation }

// Interfaces returns the interfaces in the order of their IDs.
func (t *Tables) Interfaces() []Interface {
	var all []Interface
	for i := range t.ifaces {
		if t.ifaces[i].ID != 0 {
			all = append(all, t.ifaces[i].Interface)
		}
	}
	return all
}

// Interface returns one of them.
func (t *Tables) Interface(id ID) (Interface, bool) {
	if i := t.iface(id); i != nil {
		return i.Interface, true
	}
	return Interface{}, false
}

// InterfaceByName returns the interface of the name, or of the ID that the name spells.
func (t *Tables) InterfaceByName(name string) (Interface, bool) {
	for i := range t.ifaces {
		if t.ifaces[i].ID != 0 && t.ifaces[i].Name == name {
			return t.ifaces[i].Interface, true
		}
	}
	n, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		return Interface{}, false
	}
	return t.Interface(ID(n))
}

// iface returns the interface or nil.
func (t *Tables) iface(id ID) *iface {
	if id == 0 || int64(id) >= int64(len(t.ifaces)) || t.ifaces[id].ID == 0 {
		return nil
	}
	return &t.ifaces[id]
}

// up returns the interface if it carries packets, or nil.
func (t *Tables) up(id ID) *iface {
	if i := t.iface(id); i != nil && i.Flags.Has(Up) {
		return i
	}
	return nil
}

// Addresses returns the addresses of an interface. The caller must not change them.
func (t *Tables) Addresses(id ID) []Address {
	if i := t.iface(id); i != nil {
		return i.addrs
	}
	return nil
}

// Groups returns the multicast groups that an interface is in, sorted. The caller must not change them.
func (t *Tables) Groups(id ID) []netip.Addr {
	if i := t.iface(id); i != nil {
		return i.groups
	}
	return nil
}

// Local returns the interface that has the address, if it may be used. All of 127.0.0.0/8 is local.
func (t *Tables) Local(a netip.Addr) (ID, bool) {
	if a.Is4() && a.IsLoopback() {
		return t.loopback, t.loopback != 0
	}
	for _, o := range t.owners[a] {
		if o.state <= Deprecated {
			return o.id, true
		}
	}
	return 0, false
}

// owns reports whether the interface has the address, in a usable state.
func (t *Tables) owns(id ID, a netip.Addr) bool {
	return slices.ContainsFunc(t.owners[a], func(o owner) bool { return o.id == id && o.state <= Deprecated })
}

// address returns the address of the interface, or nil.
func (i *iface) address(a netip.Addr) *Address {
	for k := range i.addrs {
		if i.addrs[k].Addr() == a {
			return &i.addrs[k]
		}
	}
	return nil
}

func (i *iface) joined(group netip.Addr) bool {
	_, ok := slices.BinarySearchFunc(i.groups, group, netip.Addr.Compare)
	return ok
}

// next returns a copy with the next generation, whose interfaces may be changed.
func (t *Tables) next() *Tables {
	u := *t
	u.generation++
	u.ifaces = slices.Clone(t.ifaces)
	return &u
}

// index works out again what follows from the addresses of the interfaces.
func (t *Tables) index() {
	t.loopback = 0
	t.owners = map[netip.Addr][]owner{}
	for k := range t.ifaces {
		i := &t.ifaces[k]
		if i.ID == 0 {
			continue
		}
		if t.loopback == 0 && i.Flags.Has(Loopback|Up) {
			t.loopback = i.ID
		}
		i.broadcasts, i.groups = nil, i.memberships()
		for _, a := range i.addrs {
			t.owners[a.Addr()] = append(t.owners[a.Addr()], owner{i.ID, a.State})
			if b, ok := broadcastOf(a.Prefix); ok && !slices.Contains(i.broadcasts, b) && !i.Flags.Has(Loopback) {
				i.broadcasts = append(i.broadcasts, b)
			}
		}
	}
}

// broadcastOf returns the address of all hosts of an IPv4 prefix. Prefixes of 31
// bits have none (RFC 3021).
func broadcastOf(p netip.Prefix) (netip.Addr, bool) {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}, false
	}
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b), true
}

// trieOf returns the routes of the family of the address.
func (t *Tables) trieOf(a netip.Addr) **trie {
	if a.Is4() {
		return &t.v4
	}
	return &t.v6
}

// addRoute adds a route or replaces that of the same prefix, interface and next
// router. The routes of a prefix are kept by their metric, older ones first. It
// reports whether the route was there and only ends at another time now.
func (t *Tables) addRoute(r Route) (prolonged bool) {
	root := t.trieOf(r.Prefix.Addr())
	routes := slices.Clone((*root).get(r.Prefix))
	if k := slices.IndexFunc(routes, r.same); k >= 0 {
		was := routes[k]
		was.Until = r.Until
		if prolonged = was == r; prolonged {
			routes[k] = r
			*root = (*root).put(r.Prefix, routes)
			return true
		}
		routes = slices.Delete(routes, k, k+1)
	}
	at := 0
	for at < len(routes) && routes[at].Metric <= r.Metric {
		at++
	}
	*root = (*root).put(r.Prefix, slices.Insert(routes, at, r))
	return false
}

// removeRoute removes the route of the same prefix, interface and next router.
func (t *Tables) removeRoute(r Route) bool {
	root := t.trieOf(r.Prefix.Addr())
	was := (*root).get(r.Prefix)
	routes := slices.DeleteFunc(slices.Clone(was), r.same)
	if len(routes) == len(was) {
		return false
	}
	*root = (*root).put(r.Prefix, routes)
	return true
}

func (r Route) same(s Route) bool {
	return r.Prefix == s.Prefix && r.Interface == s.Interface && r.Via == s.Via
}

// Routes returns all routes, in the order of their prefixes.
func (t *Tables) Routes() []Route {
	all := t.v6.all(t.v4.all(nil))
	slices.SortStableFunc(all, func(a, b Route) int {
		if c := a.Prefix.Addr().Compare(b.Prefix.Addr()); c != 0 {
			return c
		}
		return a.Prefix.Bits() - b.Prefix.Bits()
	})
	return all
}

// lasting returns the moment that a configured lifetime means: zero is Never.
func lasting(t mono.Time) mono.Time {
	if t == 0 {
		return mono.Never
	}
	return t
}
