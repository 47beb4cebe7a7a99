package tcp

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// A reassembly holds octets that arrived out of order (RFC 9293 §3.10.7.4,
// SHLD-31) until the gaps before them are filled, and remembers for SACK which
// they are and which of them came last. The ranges are kept once, for both uses.
//
// Its memory is bounded by what it costs and not by octets of payload: a thousand
// segments of one octet cost much more than a thousand octets (CVE-2018-5390).
type reassembly struct {
	spans  spans
	slab   []*page // every fragment, and those that are free; it grows without being copied
	made   int32   // fragments that there are
	free   int32   // the first free one; 0: none
	used   int     // fragments that are not free
	octets int     // payload held

	kept   int          // memory that views keep alive which arrived as they are
	copied int          // payload that was copied
	filled int          // memory of the chunks that it was copied to
	fill   *chunk.Chunk // the last of them

	recent [maxBlocks]wire.Seq // starts of the spans that changed last, newest first
	known  int                 // how many of them are valid

	few struct { // where the slices begin, so that a loss or two cost one allocation
		page   page
		pages  [1]*page
		leaf   leaf
		leaves [1]*leaf
		first  [1]wire.Seq
	}
}

func newReassembly() *reassembly {
	a := new(reassembly)
	a.few.pages[0] = &a.few.page
	a.slab = a.few.pages[:]
	a.spans = spans{first: a.few.first[:0], leaves: a.few.leaves[:0], spare: &a.few.leaf}
	return a
}

// maxBlocks is the most blocks that a SACK option can carry (RFC 2018 §3).
const maxBlocks = 4

// A page is where fragments lie.
type page [16]fragment

// A fragment is a part of a span. They are numbered from 1.
type fragment struct {
	view chunk.View
	next int32 // the next in the span or in the free list; 0 at the end
	cost int32 // its share of kept; 0 if the view is a copy
}

// What the bookkeeping of one fragment and one span costs, in octets.
const (
	fragmentCost = 48
	spanCost     = 24
)

// fillSize is the size of the chunks that many copies share, in octets.
const fillSize = 8 << 10

// cost returns the memory held, in octets.
func (a *reassembly) cost() int {
	return a.kept + a.filled + a.used*fragmentCost + a.spans.n*spanCost
}

// insert stores those octets of v, which begins at seq, that are not there yet,
// and leaves v itself to the caller. It returns false, and stores nothing, if
// the memory held might be more than limit.
func (a *reassembly) insert(v chunk.View, seq wire.Seq, limit int) bool {
	if v.Len() == 0 {
		return true
	}
	end := seq.Add(v.Len())
	p := a.spans.touching(seq)
	if !a.affordable(v, a.onePiece(p, seq, end), limit) {
		return false
	}
	if !a.spans.valid(p) || end.Less(a.spans.at(p).Start) {
		x := span{Range: wire.Range{Start: seq, End: end}}
		a.attach(&x, v, v.Len())
		a.spans.insert(p, x)
		a.touch(seq, end)
		return true
	}
	a.merge(p, v, seq)
	return true
}

// onePiece reports whether what is new in [seq, end) is surely one run of octets;
// p is the place that touching has found for seq.
func (a *reassembly) onePiece(p place, seq, end wire.Seq) bool {
	if a.spans.valid(p) && a.spans.at(p).Start.LessEq(seq) {
		p = a.spans.next(p)
	}
	return !a.spans.valid(p) || end.LessEq(a.spans.at(p).End)
}

// affordable reports whether v fits into limit, copying what was copied before
// closer together if that helps.
func (a *reassembly) affordable(v chunk.View, one bool, limit int) bool {
	if a.cost()+a.worst(v, one) <= limit {
		return true
	}
	if a.filled < 2*a.copied+4*fillSize {
		return false
	}
	a.compact()
	return a.cost()+a.worst(v, one) <= limit
}

// worst returns the most that v can cost. One piece of it is shared or copied. Of
// several, which fill as many gaps as there are spans at most, one may be shared, as
// no two have half of the chunk each, and the others are copied to one chunk.
func (a *reassembly) worst(v chunk.View, one bool) int {
	n, shared, copied := v.Len(), 0, 0
	if sparing(v) {
		shared = v.Cost()
	}
	if a.fill == nil || a.fill.Room() < n {
		copied = 2 * max(n, min(a.octets+n, fillSize), chunk.MinSize)
	}
	if one {
		return max(shared, copied) + fragmentCost + spanCost
	}
	return shared + copied + (1+min(a.spans.n, n))*fragmentCost + spanCost
}

// sparing reports whether v may be kept as it is: it keeps no more than twice its
// octets alive.
func sparing(v chunk.View) bool { return v.Owned() && 2*v.Len() >= v.Cost() }

// merge extends the span at p, which v touches, by v and by every other span that
// v reaches.
func (a *reassembly) merge(p place, v chunk.View, seq wire.Seq) {
	end := seq.Add(v.Len())
	x := *a.spans.at(p)
	m := span{Range: wire.Range{Start: seq, End: seq}}
	q := a.spans.next(p)
	for {
		m = a.fillGap(m, v, seq, x.Start)
		m = a.concat(m, x)
		if !a.spans.valid(q) || end.Less(a.spans.at(q).Start) {
			break
		}
		x = *a.spans.at(q)
		q = a.spans.remove(q)
	}
	m = a.fillGap(m, v, seq, end)
	*a.spans.at(p) = m
	a.spans.started(p)
	a.touch(m.Start, m.End)
}

// fillGap appends to m the octets of v, which begins at seq, from the end of m up to upto.
func (a *reassembly) fillGap(m span, v chunk.View, seq, upto wire.Seq) span {
	i := m.End.Sub(seq)
	j := min(upto.Sub(seq), v.Len())
	if i < j {
		part := v
		part.Trim(i, j)
		a.attach(&m, part, v.Len())
		m.End = seq.Add(j)
	}
	return m
}

// concat appends the fragments of x to m.
func (a *reassembly) concat(m, x span) span {
	if m.head == 0 {
		return x
	}
	a.frag(m.tail).next = x.head
	m.tail = x.tail
	m.End = wire.MaxSeq(m.End, x.End)
	return m
}

// attach appends a fragment with the octets of v, part of a segment of whole octets,
// to the list of m: a share of v, or a copy where that would waste memory.
func (a *reassembly) attach(m *span, v chunk.View, whole int) {
	a.octets += v.Len()
	cost := 0
	if sparing(v) {
		v = v.Share()
		cost = v.Cost()
	} else {
		v = a.copy(v.B, whole)
	}
	if m.tail != 0 && a.frag(m.tail).view.Join(&v) { // the chunk is counted already
		return
	}
	a.kept += cost
	i := a.alloc(fragment{view: v, cost: int32(cost)})
	if m.tail == 0 {
		m.head = i
	} else {
		a.frag(m.tail).next = i
	}
	m.tail = i
}

// copy returns a View of a copy of b, in chunks that several fragments share. There
// is room for whole octets, of which b is a part.
func (a *reassembly) copy(b []byte, whole int) chunk.View {
	if a.fill == nil || a.fill.Room() < len(b) {
		if a.fill != nil {
			a.fill.Release()
		}
		a.fill = chunk.New(max(whole, min(a.octets, fillSize)))
		a.filled += a.fill.Size()
	}
	a.copied += len(b)
	at := a.fill.Len()
	a.fill.Append(b)
	return a.fill.View(at, at+len(b))
}

// frag returns fragment i.
func (a *reassembly) frag(i int32) *fragment {
	i--
	return &a.slab[i/int32(len(page{}))][i%int32(len(page{}))]
}

// alloc stores f and returns its number.
func (a *reassembly) alloc(f fragment) int32 {
	a.used++
	i := a.free
	if i == 0 {
		if int(a.made) == len(a.slab)*len(page{}) {
			a.slab = append(a.slab, new(page))
		}
		a.made++
		i = a.made
	}
	to := a.frag(i)
	a.free = to.next
	*to = f
	return i
}

// take moves the octets that follow nxt without a gap to q and returns the number after them.
func (a *reassembly) take(nxt wire.Seq, q *recvQueue) wire.Seq {
	for a.spans.n > 0 && a.spans.at(place{}).Start.LessEq(nxt) {
		s := *a.spans.at(place{})
		a.spans.remove(place{})
		a.drain(s, nxt, q)
		nxt = wire.MaxSeq(nxt, s.End)
	}
	return nxt
}

// drain gives the octets of s from nxt on to q and frees its fragments.
func (a *reassembly) drain(s span, nxt wire.Seq, q *recvQueue) {
	at := s.Start
	for i := s.head; i != 0; {
		f := a.frag(i)
		n := f.view.Len()
		a.octets -= n
		a.kept -= int(f.cost)
		if f.cost == 0 {
			a.copied -= n
		}
		if skip := nxt.Sub(at); skip < n {
			f.view.Trim(max(skip, 0), n)
			q.push(&f.view)
		}
		f.view.Release()
		at = at.Add(n)
		next := f.next
		*f = fragment{next: a.free}
		a.free = i
		a.used--
		i = next
	}
}

// compact copies again what was copied, into chunks that hold nothing else.
func (a *reassembly) compact() {
	if a.fill != nil {
		a.fill.Release()
	}
	a.fill, a.filled, a.copied = nil, 0, 0
	for i := range a.made {
		f := a.frag(i + 1)
		if f.cost == 0 && f.view.Len() > 0 {
			v := a.copy(f.view.B, f.view.Len())
			f.view.Release()
			f.view = v
		}
	}
}

// touch remembers that the span [start, end) changed last, in place of those it contains.
func (a *reassembly) touch(start, end wire.Seq) {
	n := 0
	for _, seq := range a.recent[:a.known] {
		if !seq.In(start, end.Sub(start)) {
			a.recent[n] = seq
			n++
		}
	}
	n = min(n, maxBlocks-1)
	copy(a.recent[1:n+1], a.recent[:n])
	a.recent[0] = start
	a.known = n + 1
}

// blocks writes the spans that changed last to dst, the newest first (RFC 2018
// §4), and returns how many.
func (a *reassembly) blocks(dst []wire.Range) int {
	n := 0
	for _, seq := range a.recent[:a.known] {
		if r, ok := a.spans.around(seq); ok && n < len(dst) {
			dst[n] = r
			n++
		}
	}
	return n
}

// drop throws everything away.
func (a *reassembly) drop() {
	for i := range a.made {
		a.frag(i + 1).view.Release()
	}
	if a.fill != nil {
		a.fill.Release()
	}
	*a = reassembly{}
}
