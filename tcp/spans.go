package tcp

import (
	"slices"
	"sort"

	"github.com/octet-net/octet/wire"
)

// A span is a run of octets that arrived out of order, without a gap, and the
// fragments that hold them, as the ends of a list in a reassembly.
type span struct {
	wire.Range
	head, tail int32
}

// spans is a sorted set of spans that neither overlap nor touch.
//
// It is cut into leaves, so that an insertion moves at most one leaf's octets and
// a search reads a short array of first numbers before one leaf: the cost hardly
// grows with the number of spans, whatever order a peer invents.
type spans struct {
	first  []wire.Seq // start of each leaf's first span
	leaves [][]span   // none is empty
	n      int
}

const leafSize = 64

// A place names a span: its leaf and its index there.
type place struct{ leaf, i int }

func (s *spans) at(p place) *span { return &s.leaves[p.leaf][p.i] }

func (s *spans) valid(p place) bool { return p.leaf < len(s.leaves) }

func (s *spans) next(p place) place {
	if p.i+1 < len(s.leaves[p.leaf]) {
		return place{p.leaf, p.i + 1}
	}
	return place{p.leaf + 1, 0}
}

// touching returns the place of the first span that ends at seq or later. It is
// not valid if there is none.
func (s *spans) touching(seq wire.Seq) place {
	l := sort.Search(len(s.first), func(i int) bool { return seq.Less(s.first[i]) })
	if l == 0 {
		return place{}
	}
	leaf := s.leaves[l-1]
	i := sort.Search(len(leaf), func(i int) bool { return seq.LessEq(leaf[i].End) })
	if i == len(leaf) {
		return place{l, 0}
	}
	return place{l - 1, i}
}

// insert puts x before p, which touching has found for it, and returns its place.
func (s *spans) insert(p place, x span) place {
	s.n++
	if len(s.leaves) == 0 {
		s.first = append(s.first, x.Start)
		s.leaves = append(s.leaves, []span{x})
		return p
	}
	if p.i == 0 && p.leaf > 0 { // the end of the leaf before is as good, and needs no move
		p = place{p.leaf - 1, len(s.leaves[p.leaf-1])}
	}
	if len(s.leaves[p.leaf]) == leafSize {
		p = s.split(p)
	}
	s.leaves[p.leaf] = slices.Insert(s.leaves[p.leaf], p.i, x)
	s.first[p.leaf] = s.leaves[p.leaf][0].Start
	return p
}

// split makes room in a full leaf and returns where p is now. What comes in
// order fills its leaves: an insertion at the end begins a new one.
func (s *spans) split(p place) place {
	cut := leafSize / 2
	if p.i == leafSize {
		cut = leafSize - 1
	}
	old := s.leaves[p.leaf]
	tail := append(make([]span, 0, leafSize), old[cut:]...)
	s.leaves[p.leaf] = old[:cut]
	s.leaves = slices.Insert(s.leaves, p.leaf+1, tail)
	s.first = slices.Insert(s.first, p.leaf+1, tail[0].Start)
	if p.i > cut {
		return place{p.leaf + 1, p.i - cut}
	}
	return p
}

// remove takes the span at p out; the next one is then at the place it returns.
func (s *spans) remove(p place) place {
	s.n--
	leaf := slices.Delete(s.leaves[p.leaf], p.i, p.i+1)
	if len(leaf) == 0 {
		s.leaves = slices.Delete(s.leaves, p.leaf, p.leaf+1)
		s.first = slices.Delete(s.first, p.leaf, p.leaf+1)
		return place{p.leaf, 0}
	}
	s.leaves[p.leaf] = leaf
	s.first[p.leaf] = leaf[0].Start
	if p.i == len(leaf) {
		return place{p.leaf + 1, 0}
	}
	return p
}

// started tells that the span at p begins elsewhere now, its order unchanged.
func (s *spans) started(p place) { s.first[p.leaf] = s.leaves[p.leaf][0].Start }

// around returns the span that holds seq.
func (s *spans) around(seq wire.Seq) (wire.Range, bool) {
	p := s.touching(seq.Add(1))
	if !s.valid(p) || seq.Less(s.at(p).Start) {
		return wire.Range{}, false
	}
	return s.at(p).Range, true
}

// end returns the number after the last span. There must be one.
func (s *spans) end() wire.Seq {
	last := s.leaves[len(s.leaves)-1]
	return last[len(last)-1].End
}
