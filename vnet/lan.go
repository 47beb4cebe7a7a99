package vnet

import (
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// A lan is what a switch, or several that are joined, or a cable is to IP: one
// network with its prefixes.
type lan struct {
	net   *Net
	name  string // of the first switch or cable
	pre4  netip.Prefix
	pre6  netip.Prefix // not valid: no IPv6
	used  int          // numbers given to hosts so far
	macs  map[netip.Addr]wire.MAC
	nodes []*node // that are attached
}

// newLAN makes the lan of a switch or cable. Without a prefix the i-th has 10.i.0.0/16.
func (n *Net) newLAN(what, name string, prefixes []netip.Prefix) (*lan, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &lan{net: n, name: name, macs: map[netip.Addr]wire.MAC{}}
	for _, p := range prefixes {
		if p.Addr().Is4() {
			l.pre4 = p.Masked()
		} else {
			l.pre6 = p.Masked()
		}
	}
	if !l.pre4.IsValid() && !l.pre6.IsValid() {
		i := len(n.lans) + 1
		if i > 255 {
			return nil, errorf("%s %q: the 256th network needs a Prefix of its own", what, name)
		}
		l.pre4 = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i)}), 16)
	}
	for _, o := range n.lans {
		if l.pre4.IsValid() && o.pre4.IsValid() && l.pre4.Overlaps(o.pre4) || l.pre6.IsValid() && o.pre6.IsValid() && l.pre6.Overlaps(o.pre6) {
			return nil, errorf("%s %q: its prefix %v overlaps %v of %s", what, name, l.prefixes(), o.prefixes(), o.name)
		}
	}
	n.lans = append(n.lans, l)
	return l, nil
}

func (l *lan) prefixes() (list []netip.Prefix) {
	for _, p := range []netip.Prefix{l.pre4, l.pre6} {
		if p.IsValid() {
			list = append(list, p)
		}
	}
	return list
}

// assign finds the addresses of a node that is about to be attached: those it asks
// for, and one of each prefix for which it does not. n.mu is held.
func (l *lan) assign(what, name string, wanted []netip.Addr) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, p := range l.prefixes() {
		found := false
		for _, a := range wanted {
			if p.Contains(a) {
				if o := l.net.byAddr[a]; o != nil {
					return nil, errorf("%s %q: the address %v is that of %s, made at %s", what, name, a, o.name, o.made)
				}
				list, found = append(list, netip.PrefixFrom(a, p.Bits())), true
			}
		}
		if found {
			continue
		}
		a, ok := l.free(p)
		if !ok {
			return nil, errorf("%s %q: no address of %v is left", what, name, p)
		}
		list = append(list, netip.PrefixFrom(a, p.Bits()))
	}
	return list, nil
}

// free returns the lowest address of a prefix that nobody was given yet, but not
// the first, nor the last of an IPv4 prefix (RFC 1122 §3.2.1.3).
func (l *lan) free(p netip.Prefix) (netip.Addr, bool) {
	a := p.Addr()
	for range l.used {
		a = a.Next()
	}
	for {
		a = a.Next()
		if !p.Contains(a) || p.Addr().Is4() && p.Bits() < 31 && !p.Contains(a.Next()) {
			return a, false
		}
		if l.net.byAddr[a] == nil {
			return a, true
		}
	}
}
