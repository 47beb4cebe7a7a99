package ip

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// How long fragments wait for each other. RFC 1122 §3.3.2 wants 60 to 120 s for
// IPv4, which at the speeds of today only lengthens the time for which an id is
// taken; Linux waits 30 s, and so do we. RFC 8200 §4.5 says 60 s for IPv6.
const (
	reassemblyTime4 = 30 * time.Second
	reassemblyTime6 = 60 * time.Second
)

// What a partial datagram and a page cost, in octets of memory, with what the
// allocator and the maps add.
const (
	partialCost = 768
	pageCost    = 2304
)

// A reassembly keeps fragments until they are whole packets (RFC 791 §3.2,
// RFC 8200 §4.5).
//
// What it keeps is bounded by total and perSource, in octets of memory. Where a
// bound is passed the oldest goes, of that source or of all. Fragments that
// overlap spoil their packet (RFC 5722; we do the same for IPv4): the entry stays
// without its octets, so that what comes later is dropped too, until its time is over.
type reassembly struct {
	total, perSource int

	cost    int
	byKey   map[fragmentKey]*partial
	sources map[netip.Addr]*fragmentSource
	age     [2]list[partial] // of IPv4 and IPv6, the oldest first: each list has one time limit
	free    *page            // pages for reuse, linked by next
	spare   int              // how many
}

// maxSparePages bounds the pages that are kept for reuse.
const maxSparePages = 64

// A fragmentKey says which fragments belong together. RFC 8200 §4.5 lets the
// protocols of IPv6 fragments differ; no sender does that, and so it is part of the
// key as in IPv4. Link-local sources are told apart by their interface.
type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	proto    wire.Proto
	through  ID
}

func fragmentKeyOf(in ID, h *wire.IP) fragmentKey {
	k := fragmentKey{src: h.Src, dst: h.Dst, id: h.ID, proto: h.Proto}
	if h.Src.IsLinkLocalUnicast() {
		k.through = in
	}
	return k
}

// A fragmentSource is who sent fragments that are kept.
type fragmentSource struct {
	cost int
	age  list[partial] // its partials, the oldest first
}

func newReassembly(total, perSource int) reassembly {
	return reassembly{
		total: total, perSource: min(perSource, total),
		byKey:   map[fragmentKey]*partial{},
		sources: map[netip.Addr]*fragmentSource{},
	}
}

// add takes the fragment that o holds and h describes. It returns the whole packet
// if nothing is missing any more; otherwise a View that is empty and why, which is
// NotDropped if the fragment is kept. noSum says that the fragment comes without
// the checksum of its transport, and then whether the whole packet does.
func (r *reassembly) add(now mono.Time, in ID, o *wire.Octets, h *wire.IP, noSum *bool) (chunk.View, Reason) {
	q := r.find(now, in, h)
	if q.spoilt {
		return chunk.View{}, FragmentOverlap
	}
	payload := *o
	payload.Pull(int(h.HeaderLen))
	switch reason := q.check(&payload, h); {
	case reason == FragmentCopy:
		return chunk.View{}, reason
	case reason != NotDropped:
		r.spoil(q)
		return chunk.View{}, reason
	}
	if h.Offset == 0 {
		q.header = bytes.Clone(o.Front()[:h.HeaderLen])
		r.charge(q, len(q.header))
	}
	q.put(r, &payload, h)
	q.ecn |= 1 << h.ECN()
	q.noSum = q.noSum && *noSum
	if r.bound(q) {
		return chunk.View{}, FragmentLimit
	}
	if q.header == nil || q.got != q.size {
		return chunk.View{}, NotDropped
	}
	*noSum = q.noSum
	whole, reason := q.whole()
	r.remove(q)
	return whole, reason
}

// find returns the entry that the fragment belongs to, a new one if need be.
func (r *reassembly) find(now mono.Time, in ID, h *wire.IP) *partial {
	k := fragmentKeyOf(in, h)
	if q := r.byKey[k]; q != nil {
		return q
	}
	q := &partial{key: k, in: in, size: -1, noSum: true, deadline: now.Add(reassemblyTime4)}
	if h.Is6() {
		q.deadline = now.Add(reassemblyTime6)
	}
	q.byAge.of, q.bySource.of = q, q
	s := r.sources[k.src]
	if s == nil {
		s = &fragmentSource{}
		r.sources[k.src] = s
	}
	q.source = s
	r.byKey[k] = q
	r.age[truth(h.Is6())].push(&q.byAge)
	s.age.push(&q.bySource)
	r.charge(q, partialCost)
	return q
}

func (r *reassembly) charge(q *partial, octets int) {
	q.cost += octets
	q.source.cost += octets
	r.cost += octets
}

// bound drops the oldest entries until the bounds hold again. It reports whether q was among them.
func (r *reassembly) bound(q *partial) (gone bool) {
	for q.source.cost > r.perSource {
		old := q.source.age.first.of
		r.remove(old)
		gone = gone || old == q
	}
	for r.cost > r.total {
		old := r.oldest()
		r.remove(old)
		gone = gone || old == q
	}
	return gone
}

// oldest returns the entry whose time is over first. There must be one.
func (r *reassembly) oldest() *partial {
	a, b := r.age[0].first, r.age[1].first
	if a == nil || b != nil && b.of.deadline < a.of.deadline {
		return b.of
	}
	return a.of
}

// remove forgets an entry.
func (r *reassembly) remove(q *partial) {
	r.release(q)
	r.charge(q, -q.cost)
	delete(r.byKey, q.key)
	r.age[truth(q.key.src.Is6())].remove(&q.byAge)
	q.source.age.remove(&q.bySource)
	if q.source.age.first == nil {
		delete(r.sources, q.key.src)
	}
}

// release gives the pages of an entry back.
func (r *reassembly) release(q *partial) {
	for i, g := range q.pages {
		if g == nil {
			continue
		}
		q.pages[i] = nil
		if r.spare < maxSparePages {
			g.next, r.free = r.free, g
			r.spare++
		}
	}
}

// page returns an empty page.
func (r *reassembly) page() *page {
	g := r.free
	if g == nil {
		return new(page)
	}
	r.free = g.next
	r.spare--
	g.next, g.have, g.starts = nil, units{}, units{}
	return g
}

// spoil empties an entry of which nothing can become.
func (r *reassembly) spoil(q *partial) {
	r.release(q)
	r.charge(q, partialCost-q.cost)
	q.header, q.spoilt = nil, true
}

// spoilKey does so for the packet of a fragment that cannot be right.
func (r *reassembly) spoilKey(in ID, h *wire.IP) {
	if q := r.byKey[fragmentKeyOf(in, h)]; q != nil && !q.spoilt {
		r.spoil(q)
	}
}

// deadline returns when the first entry's time is over.
func (r *reassembly) deadline() mono.Time {
	if r.age[0].first == nil && r.age[1].first == nil {
		return mono.Never
	}
	return r.oldest().deadline
}

// expireFragments gives up what was not completed in time. Who sent the first
// fragment is told, if that one came (RFC 792, RFC 8200 §4.5).
func (n *Node) expireFragments(now mono.Time) {
	r := &n.frags
	for r.deadline().Due(now) {
		q := r.oldest()
		n.drop(FragmentTimeout)
		if q.header != nil {
			n.tellTimeout(now, q)
		}
		r.remove(q)
	}
}

// tellTimeout sends the ICMP message that a packet was not reassembled.
func (n *Node) tellTimeout(now mono.Time, q *partial) {
	i := n.tables.up(q.in)
	if i == nil {
		return
	}
	first := make([]byte, min(q.run(), maxError6))
	q.payload(first)
	h := wire.IP{Src: q.key.src, Dst: q.key.dst, Proto: q.key.proto}
	o := offence{ip: &h, header: q.header, rest: wire.Plain(first), in: q.in, cast: i.castOf(h.Dst)}
	n.complain(now, o, &wire.ICMP{Type: timeExceeded(&h), Code: wire.ICMPReassembly})
}
