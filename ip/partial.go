package ip

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Fragments begin at multiples of a unit of eight octets (RFC 791 §3.1).
const (
	unit      = 8
	pageSize  = 2048
	pageUnits = pageSize / unit
	pages     = 1 << 16 / pageSize
)

// A partial is a packet of which fragments have arrived. Their octets lie where
// they belong, in pages, so that a fragment costs as much as its octets and no
// more, however many have come before it.
type partial struct {
	key      fragmentKey
	in       ID // where the first of them arrived
	source   *fragmentSource
	byAge    link[partial]
	bySource link[partial]
	deadline mono.Time

	cost   int    // octets of memory
	header []byte // IP headers of the fragment with offset zero, nil until it comes
	pages  [pages]*page
	got    int // octets of payload present
	end    int // of the payload that has been seen so far
	size   int // of the whole payload, -1 until the last fragment comes
	ecn    uint8
	noSum  bool
	spoilt bool
}

// A page is a part of a partial's payload.
type page struct {
	have   units // present
	starts units // a fragment began here
	octets [pageSize]byte
	next   *page // in the list of free ones
}

// units has a bit for each unit of a page.
type units [pageUnits / 64]uint64

func (u *units) has(i int) bool { return u[i/64]>>(i%64)&1 != 0 }
func (u *units) set(i int)      { u[i/64] |= 1 << (i % 64) }

// span returns the bits of word w of the units i to j of a page.
func span(w, i, j int) uint64 {
	i, j = max(i-64*w, 0), min(j-64*w, 64)
	if i >= j {
		return 0
	}
	return ^uint64(0) >> (64 - (j - i)) << i
}

// count returns how many of the units i to j are set.
func (u *units) count(i, j int) (n int) {
	for w := i / 64; w < len(u) && w*64 < j; w++ {
		n += bits.OnesCount64(u[w] & span(w, i, j))
	}
	return n
}

func (u *units) fill(i, j int) {
	for w := i / 64; w < len(u) && w*64 < j; w++ {
		u[w] |= span(w, i, j)
	}
}

// unitsOf returns how many units hold n octets.
func unitsOf(n int) int { return (n + unit - 1) / unit }

// check says whether a fragment fits to those that are there: NotDropped if all
// of it is new, FragmentCopy if it is there already, or what is wrong with it.
func (q *partial) check(o *wire.Octets, h *wire.IP) Reason {
	start, n := int(h.Offset), o.Len()
	last := h.Flags&wire.MoreFragments == 0
	switch {
	case n == 0:
		return FragmentBad
	case start+n > 1<<16-1:
		return FragmentTooLong
	case q.size >= 0 && (start+n > q.size || last && start+n != q.size), last && start+n < q.end:
		return FragmentBad // two different ends
	}
	present := q.present(start/unit, unitsOf(start+n))
	if present == 0 {
		return NotDropped
	}
	if q.isCopy(start, n, present, o) {
		return FragmentCopy
	}
	return FragmentOverlap
}

// present counts the units i to j of the payload that are there.
func (q *partial) present(i, j int) (n int) {
	for i < j {
		stop := min(j, (i/pageUnits+1)*pageUnits)
		if g := q.pages[i/pageUnits]; g != nil {
			base := i / pageUnits * pageUnits
			n += g.have.count(i-base, stop-base)
		}
		i = stop
	}
	return n
}

// isCopy reports whether a fragment repeats one that is there: the same octets at
// the same place, with the same ends.
func (q *partial) isCopy(start, n, present int, o *wire.Octets) bool {
	i, j := start/unit, unitsOf(start+n)
	if present != j-i || !q.startsAt(i) || start+n < q.end && !q.startsAt(j) && q.present(j, j+1) != 0 {
		return false
	}
	for k := i + 1; k < j; k++ {
		if q.startsAt(k) {
			return false
		}
	}
	return q.equal(start, o.Head) && q.equal(start+len(o.Head), o.Data.B)
}

func (q *partial) startsAt(i int) bool {
	g := q.pages[i/pageUnits%pages]
	return g != nil && g.starts.has(i%pageUnits)
}

// equal reports whether the payload has the octets b at this place.
func (q *partial) equal(at int, b []byte) bool {
	for len(b) > 0 {
		g := q.pages[at/pageSize]
		n := min(len(b), pageSize-at%pageSize)
		if g == nil || !bytes.Equal(g.octets[at%pageSize:at%pageSize+n], b[:n]) {
			return false
		}
		at, b = at+n, b[n:]
	}
	return true
}

// put takes over the octets of a fragment that check found to be new.
func (q *partial) put(r *reassembly, o *wire.Octets, h *wire.IP) {
	start, n := int(h.Offset), o.Len()
	for i, j := start/unit, unitsOf(start+n); i < j; {
		g := q.pages[i/pageUnits]
		if g == nil {
			g = r.page()
			q.pages[i/pageUnits] = g
			r.charge(q, pageCost)
		}
		base, stop := i/pageUnits*pageUnits, min(j, (i/pageUnits+1)*pageUnits)
		if i == start/unit {
			g.starts.set(i - base)
		}
		g.have.fill(i-base, stop-base)
		i = stop
	}
	q.write(start, o.Head)
	q.write(start+len(o.Head), o.Data.B)
	q.got += n
	q.end = max(q.end, start+n)
	if h.Flags&wire.MoreFragments == 0 {
		q.size = start + n
	}
}

// write copies octets to their place in the pages, which are there.
func (q *partial) write(at int, b []byte) {
	for len(b) > 0 {
		n := copy(q.pages[at/pageSize].octets[at%pageSize:], b)
		at, b = at+n, b[n:]
	}
}

// run returns how many octets of the payload are there from its start without a gap.
func (q *partial) run() int {
	n := 0
	for n < q.end && q.present(n/unit, n/unit+1) != 0 {
		n += unit
	}
	return min(n, q.end)
}

// payload copies the first octets of the payload to b.
func (q *partial) payload(b []byte) {
	for at := 0; at < len(b); at += pageSize {
		copy(b[at:], q.pages[at/pageSize].octets[:])
	}
}

// whole puts the packet together: the headers of its first fragment without what
// said that it is one, and the payload.
func (q *partial) whole() (chunk.View, Reason) {
	ecn, ok := q.congestion()
	if !ok {
		return chunk.View{}, FragmentBad
	}
	is6 := q.key.src.Is6()
	n := len(q.header)
	if is6 {
		n -= wire.FragmentLen
	}
	if n+q.size > maxPayload(is6) {
		return chunk.View{}, FragmentTooLong
	}
	v, b := newView(n + q.size)
	q.payload(b[n:])
	copy(b[:n], q.header)
	if is6 {
		unfragment6(b[:n], q.key.proto, q.size, ecn)
	} else {
		unfragment4(b[:n], q.size, ecn)
	}
	return v, NotDropped
}

// newView returns a View of n octets to be filled. Packets larger than a chunk,
// which only IPv6 has, get memory of their own: who keeps their payload copies it.
func newView(n int) (chunk.View, []byte) {
	if n > chunk.MaxSize {
		b := make([]byte, n)
		return chunk.Borrow(b), b
	}
	c := chunk.New(n)
	b := c.Grow(n)
	v := c.View(0, n)
	c.Release()
	return v, b
}

// maxPayload returns the length of the largest packet.
func maxPayload(is6 bool) int {
	if is6 {
		return wire.IPv6Len + 65535
	}
	return 65535
}

// congestion returns the ECN field of the whole packet (RFC 3168 §5.3): congestion
// experienced by one fragment counts for all, unless another says that its
// transport does not know ECN, which is somebody's mistake.
func (q *partial) congestion() (ecn uint8, ok bool) {
	const notECT, ce = 0, 3
	switch {
	case q.ecn&(1<<ce) != 0 && q.ecn&(1<<notECT) != 0:
		return 0, false
	case q.ecn&(1<<ce) != 0:
		return ce, true
	case q.ecn&(1<<notECT) != 0:
		return notECT, true
	}
	return uint8(bits.TrailingZeros8(q.ecn)), true
}

// unfragment4 makes an IPv4 header that of a whole packet.
func unfragment4(b []byte, size int, ecn uint8) {
	b[1] = b[1]&^3 | ecn
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+size))
	b[6], b[7] = 0, 0
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], wire.Sum(0).Add(b).Checksum())
}

// unfragment6 does the same for IPv6 headers, whose last named the fragment header.
func unfragment6(b []byte, next wire.Proto, size int, ecn uint8) {
	b[1] = b[1]&^0x30 | ecn<<4
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-wire.IPv6Len+size))
	at := 6
	for end := wire.IPv6Len; end < len(b); {
		at, end = end, end+8+8*int(b[end+1])
	}
	b[at] = byte(next)
}
