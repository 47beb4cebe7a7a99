package ip

import (
	"math/bits"
	"net/netip"
	"slices"
)

// A trie maps prefixes to routes, for the longest that matches an address. It
// never changes: put returns another that shares all but the path to the change.
//
// Every node stands for four bits of the address. Prefixes that end within them
// are numbered by their length and bits,
//
//	      0             length 0
//	   1     2          1: bits 0, 1
//	 3  4   5  6        2
//	7 8 9 10 …  14      3
//
// and inner has a bit for each that is present; outer has one for each of the
// sixteen children that is. So a look-up costs one step for four bits of the
// longest prefix on its way, however many routes there are.
type trie struct {
	inner, outer uint16
	buckets      [][]Route // of the set bits of inner, in order; none is empty
	kids         []*trie   // of the set bits of outer, in order
}

// A key is the bits of an address, with an octet of zeros behind for the step
// below the last bit.
type key [17]byte

func keyOf(a netip.Addr) (k key) {
	if a.Is4() {
		b := a.As4()
		copy(k[:], b[:])
		return k
	}
	b := a.As16()
	copy(k[:], b[:])
	return k
}

// nibble returns the four bits that the node at the depth stands for.
func (k *key) nibble(depth int) uint { return uint(k[depth/2]>>(4*(^depth&1))) & 15 }

// covering has, for every value of four bits, the numbers of the prefixes that match it.
var covering = func() (m [16]uint16) {
	for n := range m {
		m[n] = 1 | 1<<(1+n>>3) | 1<<(3+n>>2) | 1<<(7+n>>1)
	}
	return m
}()

// rank returns how many of the bits of set lie below bit i.
func rank(set uint16, i uint) int { return bits.OnesCount16(set & (1<<i - 1)) }

// number returns which prefix of its node ends with n of the four bits.
func number(nibble uint, n int) uint { return 1<<n - 1 + nibble>>(4-n) }

// longest returns the best route of the longest prefix that covers the address
// and has one that may be used.
func (t *trie) longest(k *key, u usable) *Route {
	var best *Route
	for depth := 0; t != nil; depth++ {
		n := k.nibble(depth)
		for m := t.inner & covering[n]; m != 0; {
			i := uint(bits.Len16(m) - 1) // the longest first
			if r := u.first(t.buckets[rank(t.inner, i)]); r != nil {
				best = r
				break
			}
			m &^= 1 << i
		}
		if t.outer&(1<<n) == 0 {
			break
		}
		t = t.kids[rank(t.outer, n)]
	}
	return best
}

// get returns the routes of exactly this prefix.
func (t *trie) get(p netip.Prefix) []Route {
	k, left := keyOf(p.Addr()), p.Bits()
	for depth := 0; t != nil; depth++ {
		n := k.nibble(depth)
		if left < 4 {
			if i := number(n, left); t.inner&(1<<i) != 0 {
				return t.buckets[rank(t.inner, i)]
			}
			return nil
		}
		if t.outer&(1<<n) == 0 {
			return nil
		}
		t, left = t.kids[rank(t.outer, n)], left-4
	}
	return nil
}

// put returns a trie in which the prefix, which is masked, has these routes and no others.
func (t *trie) put(p netip.Prefix, routes []Route) *trie {
	k := keyOf(p.Addr())
	return t.set(&k, 0, p.Bits(), routes)
}

func (t *trie) set(k *key, depth, left int, routes []Route) *trie {
	var u trie
	if t != nil {
		u = *t
	}
	n := k.nibble(depth)
	if left < 4 {
		u.inner, u.buckets = replace(u.inner, u.buckets, number(n, left), routes, len(routes) > 0)
	} else {
		var kid *trie
		if u.outer&(1<<n) != 0 {
			kid = u.kids[rank(u.outer, n)]
		}
		kid = kid.set(k, depth+1, left-4, routes)
		u.outer, u.kids = replace(u.outer, u.kids, n, kid, kid != nil)
	}
	if u.inner|u.outer == 0 {
		return nil
	}
	return &u
}

// replace returns a copy of a list, which has an element for every bit of set, in
// which bit i has the element v or, unless present, none.
func replace[T any](set uint16, list []T, i uint, v T, present bool) (uint16, []T) {
	at, was := rank(set, i), int(set>>i&1)
	list = slices.Concat(list[:at], list[at+was:])
	set &^= 1 << i
	if present {
		list = slices.Insert(list, at, v)
		set |= 1 << i
	}
	return set, list
}

// all appends every route, children after what covers them.
func (t *trie) all(to []Route) []Route {
	if t == nil {
		return to
	}
	for _, b := range t.buckets {
		to = append(to, b...)
	}
	for _, k := range t.kids {
		to = k.all(to)
	}
	return to
}
