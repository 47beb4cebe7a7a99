package tcp

import (
	"math/bits"
	"slices"

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
	leaves []*leaf    // none is empty
	spare  *leaf      // an empty leaf for the next to use, or nil
	n      int
}

const leafSize = 64

// A leaf is some spans in a row.
type leaf struct {
	n  int
	at [leafSize]span
}

func (l *leaf) insert(i int, x span) {
	copy(l.at[i+1:l.n+1], l.at[i:l.n])
	l.at[i] = x
	l.n++
}

func (l *leaf) remove(i int) {
	copy(l.at[i:], l.at[i+1:l.n])
	l.n--
}

// A place names a span: its leaf and its index there.
type place struct{ leaf, i int }

func (s *spans) at(p place) *span { return &s.leaves[p.leaf].at[p.i] }

func (s *spans) valid(p place) bool { return p.leaf < len(s.leaves) }

func (s *spans) next(p place) place {
	if p.i+1 < s.leaves[p.leaf].n {
		return place{p.leaf, p.i + 1}
	}
	return place{p.leaf + 1, 0}
}

// touching returns the place of the first span that ends at seq or later. It is
// not valid if there is none.
func (s *spans) touching(seq wire.Seq) place {
	l := s.begun(seq)
	if l == 0 {
		return place{}
	}
	leaf := s.leaves[l-1]
	i := leaf.before(seq)
	if i == leaf.n {
		return place{l, 0}
	}
	return place{l - 1, i}
}

// begun returns how many leaves begin at seq or before. Like before it is a binary
// search without a branch on what is found, for a peer can make that impossible to
// foresee.
func (s *spans) begun(seq wire.Seq) (n int) {
	for left := len(s.first); left > 0; left /= 2 {
		half := (left + 1) / 2
		n += half & below(s.first[n+half-1].Sub(seq)-1)
	}
	return n
}

// before returns how many spans end before seq.
func (l *leaf) before(seq wire.Seq) (n int) {
	for left := l.n; left > 0; left /= 2 {
		half := (left + 1) / 2
		n += half & below(l.at[n+half-1].End.Sub(seq))
	}
	return n
}

// below returns -1, which is all ones, if n is negative, else 0.
func below(n int) int { return n >> (bits.UintSize - 1) }

// insert puts x before p, which touching has found for it, and returns its place.
func (s *spans) insert(p place, x span) place {
	s.n++
	if len(s.leaves) == 0 {
		return s.begin(0, x)
	}
	if p.i == 0 && p.leaf > 0 { // the end of the leaf before is as good, and needs no move
		p = place{p.leaf - 1, s.leaves[p.leaf-1].n}
	}
	if s.leaves[p.leaf].n == leafSize {
		// What comes in order, or in order from behind, fills its leaves.
		switch p.i {
		case 0:
			return s.begin(p.leaf, x)
		case leafSize:
			return s.begin(p.leaf+1, x)
		}
		p = s.split(p)
	}
	s.leaves[p.leaf].insert(p.i, x)
	s.started(p)
	return p
}

// begin makes leaf i, with x alone in it.
func (s *spans) begin(i int, x span) place {
	l := s.spare
	if s.spare = nil; l == nil {
		l = new(leaf)
	}
	l.insert(0, x)
	s.leaves = slices.Insert(s.leaves, i, l)
	s.first = slices.Insert(s.first, i, x.Start)
	return place{i, 0}
}

// split makes room in a full leaf and returns where p is now.
func (s *spans) split(p place) place {
	const cut = leafSize / 2
	old := s.leaves[p.leaf]
	tail := &leaf{n: leafSize - cut}
	copy(tail.at[:], old.at[cut:])
	old.n = cut
	s.leaves = slices.Insert(s.leaves, p.leaf+1, tail)
	s.first = slices.Insert(s.first, p.leaf+1, tail.at[0].Start)
	if p.i > cut {
		return place{p.leaf + 1, p.i - cut}
	}
	return p
}

// remove takes the span at p out; the next one is then at the place it returns.
func (s *spans) remove(p place) place {
	s.n--
	leaf := s.leaves[p.leaf]
	leaf.remove(p.i)
	if leaf.n == 0 {
		s.leaves = slices.Delete(s.leaves, p.leaf, p.leaf+1)
		s.first = slices.Delete(s.first, p.leaf, p.leaf+1)
		s.spare = leaf
		return place{p.leaf, 0}
	}
	s.started(p)
	if p.i == leaf.n {
		return place{p.leaf + 1, 0}
	}
	return p
}

// started tells that the span at p begins elsewhere now, its order unchanged.
func (s *spans) started(p place) { s.first[p.leaf] = s.leaves[p.leaf].at[0].Start }

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
	return last.at[last.n-1].End
}
