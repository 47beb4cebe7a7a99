package vnet

import (
	"net/netip"
)

// reroute gives a node that was just made its routes, and if it is a router all
// others theirs: to every network the way through the fewest routers, of equal
// ones by the router that was made first. Nobody is told of the inside of a NAT.
func (n *Net) reroute(x *node) error {
	n.mu.Lock()
	nodes := []*node{x}
	if x.routes {
		nodes = append([]*node(nil), n.nodes...)
	}
	n.mu.Unlock()
	for _, y := range nodes {
		if err := n.routesOf(y); err != nil {
			return err
		}
	}
	return nil
}

// A hop is how a network is reached: by which router on which of the node's own.
type hop struct {
	lan *lan
	via *node
	on  *lan
}

func (n *Net) routesOf(x *node) error {
	n.mu.Lock()
	hops := n.hops(x)
	n.mu.Unlock()
	for _, h := range hops {
		for _, p := range h.lan.prefixes() {
			via, ok := n.addrOn(h.via, h.on, p.Addr().Is4())
			if !ok {
				continue
			}
			for _, r := range x.stack.Routes() {
				if r.Prefix == p && r.Via.IsValid() {
					if err := x.stack.RemoveRoute(p, r.Via); err != nil {
						return err
					}
				}
			}
			if err := x.stack.AddRoute(p, via); err != nil {
				return errorf("%s %q: route to %v by %s: %w", x.what, x.name, p, h.via.name, err)
			}
		}
	}
	return nil
}

// hops finds the way to each network that the node is not on, nearest first.
func (n *Net) hops(x *node) (list []hop) {
	seen := map[*lan]bool{}
	var front []hop
	for _, k := range x.nics {
		seen[k.lan] = true
		front = append(front, hop{lan: k.lan, on: k.lan})
	}
	for len(front) > 0 {
		h := front[0]
		front = front[1:]
		if h.via != nil {
			list = append(list, h)
		}
		for _, r := range h.lan.nodes {
			if r == x || !r.routes {
				continue
			}
			for _, k := range r.nics {
				if seen[k.lan] || r.hidden == k.lan {
					continue
				}
				seen[k.lan] = true
				next := hop{lan: k.lan, via: h.via, on: h.on}
				if next.via == nil {
					next.via = r
				}
				front = append(front, next)
			}
		}
	}
	return list
}

// addrOn returns the address that a node has on a network.
func (n *Net) addrOn(x *node, l *lan, v4 bool) (netip.Addr, bool) {
	for _, a := range x.addrs {
		for _, p := range l.prefixes() {
			if a.Is4() == v4 && p.Contains(a) {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}
