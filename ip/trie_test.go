package ip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// naive is the twin of a trie: a list that is searched from end to end.
type naive []Route

func (n naive) longest(a netip.Addr) *Route {
	var best *Route
	for i := range n {
		if n[i].Prefix.Contains(a) && (best == nil || n[i].Prefix.Bits() > best.Prefix.Bits()) {
			best = &n[i]
		}
	}
	return best
}

func (n naive) without(p netip.Prefix) (m naive) {
	for _, r := range n {
		if r.Prefix != p {
			m = append(m, r)
		}
	}
	return m
}

var anyRoute = usable{t: &Tables{ifaces: []iface{{}, {Interface: Interface{ID: 1, Flags: Up}}}}}

// FuzzTrie puts and removes prefixes as the input says and compares every look-up
// with that of the naive twin. Earlier tries must stay as they were.
func FuzzTrie(f *testing.F) {
	f.Add([]byte{4, 10, 0, 0, 0, 8, 4, 10, 1, 0, 0, 16, 4, 10, 1, 2, 0, 24, 0, 10, 1, 0, 0, 16})
	f.Add([]byte{4, 0, 0, 0, 0, 0, 4, 255, 255, 255, 255, 32, 6, 32, 1, 13, 184, 128, 6, 1, 2, 3, 4, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		var v4, v6, old *trie
		var twin4, twin6, oldTwin naive
		for step := 0; len(in) >= 6; step, in = step+1, in[6:] {
			a, bits := netip.AddrFrom4([4]byte(in[1:5])), int(in[5])
			root, twin := &v4, &twin4
			if in[0]&2 != 0 {
				var b [16]byte
				copy(b[:], in[1:5])
				copy(b[11:], in[1:6])
				a, root, twin = netip.AddrFrom16(b), &v6, &twin6
			}
			p := netip.PrefixFrom(a, bits%(a.BitLen()+1)).Masked()
			*twin = twin.without(p)
			if in[0]&4 != 0 {
				*root = (*root).put(p, []Route{{Prefix: p, Interface: 1}})
				*twin = append(*twin, Route{Prefix: p, Interface: 1})
			} else {
				*root = (*root).put(p, nil)
			}
			if step == 3 {
				old, oldTwin = v4, append(naive(nil), twin4...)
			}
			for _, probe := range []netip.Addr{a, p.Addr(), a.Next()} {
				if !probe.IsValid() {
					continue
				}
				r := v4
				w := twin4
				if probe.Is6() {
					r, w = v6, twin6
				}
				compareLongest(t, r, w, probe)
				if probe.Is4() && step > 3 {
					compareLongest(t, old, oldTwin, probe)
				}
			}
		}
		if n := len(v4.all(nil)); n != len(twin4) {
			t.Errorf("%d routes, want %d", n, len(twin4))
		}
	})
}

func compareLongest(t *testing.T, r *trie, twin naive, a netip.Addr) {
	t.Helper()
	k := keyOf(a)
	got, want := r.longest(&k, anyRoute), twin.longest(a)
	if (got == nil) != (want == nil) || got != nil && got.Prefix != want.Prefix {
		t.Fatalf("%v: found %v, the twin %v", a, got, want)
	}
}

func TestTrieIsEmptyAgainWhenAllIsRemoved(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var r *trie
	ps := randomPrefixes(rnd, 1000)
	for _, p := range ps {
		r = r.put(p, []Route{{Prefix: p, Interface: 1}})
	}
	for _, p := range ps {
		r = r.put(p, nil)
	}
	if r != nil {
		t.Errorf("a trie without routes has nodes left: %+v", r)
	}
}

func randomPrefixes(rnd *rand.Rand, n int) []netip.Prefix {
	seen := map[netip.Prefix]bool{}
	ps := make([]netip.Prefix, 0, n)
	for len(ps) < n {
		v := rnd.Uint32()
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), 16+rnd.IntN(13)).Masked()
		if !seen[p] {
			seen[p] = true
			ps = append(ps, p)
		}
	}
	return ps
}

// BenchmarkRoute looks up sixty-four destinations in tables of growing size: the
// cost must not grow with the table.
func BenchmarkRoute(b *testing.B) {
	for _, size := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(3, 4))
			var r *trie
			ps := randomPrefixes(rnd, size)
			for _, p := range ps {
				r = r.put(p, []Route{{Prefix: p, Interface: 1}})
			}
			var keys [64]key
			for i := range keys {
				keys[i] = keyOf(ps[rnd.IntN(size)].Addr())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if r.longest(&keys[i&63], anyRoute) == nil {
					b.Fatal("no route")
				}
			}
		})
	}
}

// BenchmarkAddRoute adds routes to tables of growing size.
func BenchmarkAddRoute(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(3, 4))
			var r *trie
			for _, p := range randomPrefixes(rnd, size) {
				r = r.put(p, []Route{{Prefix: p, Interface: 1}})
			}
			more := randomPrefixes(rnd, 1000)
			for i := 0; b.Loop(); i++ {
				p := more[i%1000]
				r.put(p, []Route{{Prefix: p, Interface: 1}})
			}
		})
	}
}
