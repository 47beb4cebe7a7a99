package ip

import (
	"cmp"
	"net/netip"
	"slices"
)

// selectSource selects the source address for packets to dst that leave through
// the interface (RFC 6724 §5). The candidates are the addresses of the interface
// (§4); one that has none borrows from the others.
func (t *Tables) selectSource(id ID, dst, nextHop netip.Addr) netip.Addr {
	want := wanted{dst, nextHop, t.policy}
	if best := want.bestOf(t.ifaces[id].addrs, nil); best != nil {
		return best.Addr()
	}
	var best *Address
	for k := range t.ifaces {
		if k != int(id) {
			best = want.bestOf(t.ifaces[k].addrs, best)
		}
	}
	if best == nil || scopeOf(best.Addr()) < global {
		return netip.Addr{} // an address of another link means nothing on this one
	}
	return best.Addr()
}

// wanted is what a source address is selected for.
type wanted struct {
	dst, nextHop netip.Addr
	policy       []Policy
}

// bestOf returns the best of the addresses and best, which may be nil. An earlier
// one stays if no rule prefers another.
func (w wanted) bestOf(addrs []Address, best *Address) *Address {
	for k := range addrs {
		a := &addrs[k]
		if !a.usable() || a.Addr().Is4() != w.dst.Is4() {
			continue
		}
		if best == nil || w.compare(a, best) > 0 {
			best = a
		}
	}
	return best
}

// compare returns a positive number if a is a better source than b, a negative one if b is, and zero if no rule decides (RFC 6724 §5).
//
// Rule 4 is about home addresses of Mobile IPv6, which we have none of; rule 5 is
// settled by the choice of candidates.
func (w wanted) compare(a, b *Address) int {
	sa, sb, dst := a.Addr(), b.Addr(), w.dst
	// Rule 1: prefer the same address.
	if sa == dst || sb == dst {
		return truth(sa == dst) - truth(sb == dst)
	}
	// Rule 2: prefer appropriate scope.
	if x, y, d := scopeOf(sa), scopeOf(sb), scopeOf(dst); x != y {
		if x < y {
			return sign(x >= d)
		}
		return sign(y < d)
	}
	// Rule 3: avoid deprecated addresses.
	if c := int(b.State) - int(a.State); c != 0 {
		return c
	}
	// Rule 5.5: prefer addresses in a prefix advertised by the next hop.
	if c := truth(a.Router == w.nextHop) - truth(b.Router == w.nextHop); c != 0 {
		return c
	}
	// Rule 6: prefer the label of the destination.
	label := policyOf(w.policy, dst).Label
	if c := truth(policyOf(w.policy, sa).Label == label) - truth(policyOf(w.policy, sb).Label == label); c != 0 {
		return c
	}
	// Rule 7: prefer temporary addresses.
	if c := truth(a.Temporary) - truth(b.Temporary); c != 0 {
		return c
	}
	// Rule 8: use the longest matching prefix.
	return commonPrefix(a.Prefix, dst) - commonPrefix(b.Prefix, dst)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func sign(b bool) int { return 2*truth(b) - 1 }

// A target is a destination with what the rules of RFC 6724 §6 ask about it.
type target struct {
	dst    netip.Addr
	src    netip.Addr // zero: cannot be reached
	common int
	old    bool // the source is deprecated
	policy Policy
	label  uint8 // of the source
}

// Order sorts destinations, best first (RFC 6724 §6). IPv4 and IPv6 may be mixed.
func (t *Tables) Order(dst []netip.Addr) {
	targets := make([]target, len(dst))
	for i, d := range dst {
		targets[i] = t.target(d)
	}
	slices.SortStableFunc(targets, compareTargets)
	for i := range targets {
		dst[i] = targets[i].dst
	}
}

func (t *Tables) target(dst netip.Addr) target {
	g := target{dst: dst, policy: policyOf(t.policy, dst.Unmap())}
	p, err := t.Route(dst, netip.Addr{}, 0)
	if err != nil {
		return g
	}
	g.src = p.Source
	g.label = policyOf(t.policy, g.src).Label
	prefix := netip.PrefixFrom(g.src, g.src.BitLen())
	for _, o := range t.owners[g.src] {
		if a := t.ifaces[o.id].address(g.src); a != nil {
			prefix, g.old = a.Prefix, a.State == Deprecated
		}
	}
	g.common = commonPrefix(prefix, dst.Unmap())
	return g
}

// compareTargets follows the rules of RFC 6724 §6; rule 4 (home addresses) and
// rule 7 (native transport: no interface of ours says that it encapsulates) never decide.
func compareTargets(a, b target) int {
	sa, sb := scopeOf(a.dst.Unmap()), scopeOf(b.dst.Unmap())
	return cmp.Or(
		// Rule 1: avoid unusable destinations.
		truth(b.src.IsValid())-truth(a.src.IsValid()),
		// Rule 2: prefer matching scope.
		truth(b.src.IsValid() && sb == scopeOf(b.src))-truth(a.src.IsValid() && sa == scopeOf(a.src)),
		// Rule 3: avoid deprecated addresses.
		truth(a.old)-truth(b.old),
		// Rule 5: prefer matching label.
		truth(b.src.IsValid() && b.label == b.policy.Label)-truth(a.src.IsValid() && a.label == a.policy.Label),
		// Rule 6: prefer higher precedence.
		int(b.policy.Precedence)-int(a.policy.Precedence),
		// Rule 8: prefer smaller scope.
		int(sa)-int(sb),
		// Rule 9: use the longest matching prefix, within one family.
		longer(a, b),
		// Rule 10: otherwise, leave the order unchanged.
	)
}

func longer(a, b target) int {
	if a.dst.Unmap().Is4() != b.dst.Unmap().Is4() {
		return 0
	}
	return b.common - a.common
}
