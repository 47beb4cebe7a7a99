package tcp

import (
	"slices"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// next returns the octets to send again next, at most limit of them and the first
// of a run of lost records: repetitions that were lost first, as they lie before
// the others.
func (s *scoreboard) next(limit int) (wire.Range, bool) {
	if limit <= 0 {
		return wire.Range{}, false
	}
	for e := s.redo.first(s.una); e != nil; e = s.redo.pop(s.una) {
		for n := s.find(e.Start); n != s.last && s.start(n).Less(e.End); n = s.unsacked(n + 1) {
			if e.Start = s.start(n); s.waits(n) {
				return s.run(n, limit), true
			}
		}
	}
	for s.rexmit = s.unsacked(s.rexmit); s.rexmit < s.fresh; s.rexmit = s.unsacked(s.rexmit + 1) {
		if s.waits(s.rexmit) {
			return s.run(s.rexmit, limit), true
		}
	}
	return wire.Range{}, false
}

// waits reports whether record n is lost and waits to be sent again.
func (s *scoreboard) waits(n uint64) bool {
	return marks(s.at(n).bits)&(markLost|markAgain|markSacked) == markLost
}

// run returns the range of the lost records from n on that fit into limit
// octets, or the first limit octets of n.
func (s *scoreboard) run(n uint64, limit int) wire.Range {
	w := s.span(n)
	if w.Len() > limit {
		w.End = w.Start.Add(limit)
		return w
	}
	for n++; n != s.last && s.waits(n) && s.at(n).end.Sub(w.Start) <= limit; n++ {
		w.End = s.at(n).end
	}
	return w
}

// repeat records w, which is outstanding, as sent again. It returns how many
// octets were; what the peer holds is not.
func (s *scoreboard) repeat(now mono.Time, w wire.Range, p stamp) (octets int) {
	s.sends++
	p.order = s.sends
	n := s.find(w.Start)
	if s.start(n) != w.Start {
		s.split(n, w.Start)
		n++
	}
	for ; n != s.last && s.start(n).Less(w.End); n++ {
		if w.End.Less(s.at(n).end) {
			s.split(n, w.End)
		}
		r, k := s.at(n), s.len(n)
		if r.has(markSacked) {
			continue
		}
		if !r.has(markAgain) {
			s.repeats += k
		}
		r.set(markAgain | markRepeated)
		*s.trip(n) = trip{now, p}
		octets += k
	}
	s.again.push(rerun{w, now, p.order})
	return octets
}

// split cuts record n in two at seq. That costs time in proportion to the records
// behind it, so only what the peer cannot ask for at will leads here: a
// segment size that shrank, or a window smaller than a segment.
func (s *scoreboard) split(n uint64, seq wire.Seq) {
	s.add(record{}, trip{})
	for m := s.last - 1; m != n; m-- {
		*s.at(m), *s.trip(m) = *s.at(m - 1), *s.trip(m - 1)
	}
	r := s.at(n)
	r.end = seq
	if r.has(markSacked) {
		r.setSkip(1)
		s.sackedRecords++
	}
	if s.fresh > n {
		s.fresh++
	}
	if s.rexmit > n {
		s.rexmit++
	}
}

// resize cuts records larger than mss, so that each can be sent again alone, and
// marks the pieces as lost unless the peer holds them: the path does not carry
// what they were sent in. It returns the octets that are now lost and were not before.
func (s *scoreboard) resize(mss int) (lost int) {
	pieces := 0
	for n := s.first; n != s.last; n++ {
		pieces += (s.len(n) + mss - 1) / mss
	}
	if pieces == s.count() {
		return 0
	}
	old := *s
	s.ring, s.trips = make([]record, len(old.ring)), make([]trip, len(old.ring)) // the old ones may be the least
	s.first, s.last, s.sackedRecords = 0, 0, 0
	for n := old.first; ; n++ {
		if n == old.fresh {
			s.fresh = s.last
		}
		if n == old.rexmit {
			s.rexmit = s.last
		}
		if n == old.last {
			return lost
		}
		lost += s.pieces(old.start(n), *old.at(n), *old.trip(n), mss)
	}
}

// pieces appends r, which begins at start, cut into records of at most mss octets,
// and returns the octets that are now lost.
func (s *scoreboard) pieces(start wire.Seq, r record, t trip, mss int) (lost int) {
	r.setSkip(1)
	large := r.end.Sub(start) > mss
	for end := r.end; start != end; start = r.end {
		r.end = start.Add(min(end.Sub(start), mss))
		if r.has(markSacked) {
			s.sackedRecords++
		}
		s.add(r, t)
		if n := s.last - 1; large && !r.has(markSacked) && !s.waits(n) {
			lost += s.loseOne(n)
			s.redo.push(rerun{Range: s.span(n)})
		}
	}
	return lost
}

// timeout prepares for recovery from a retransmission timeout. It marks the first
// record as lost, and others sent not later than cut (RFC 8985 §6.3). It returns
// the octets that are now lost and were not before.
//
// It forgets what the peer holds, and takes all of it for lost, only if the first
// record is among it: the peer would have acknowledged that one, so it has
// discarded what it held. RFC 2018 §8 would forget always, as a timeout may be a
// sign of that; RFC 6675 §5.1 leaves it to who cannot tell. Who forgets sends again
// all that had arrived above a hole whose repetition was lost.
func (s *scoreboard) timeout(cut mono.Time) (lost int) {
	reneged := s.reneged()
	s.redo.clear()
	s.fresh, s.rexmit = s.last, s.first
	for n := s.first; n != s.last; n++ {
		if reneged && s.at(n).has(markSacked) {
			s.unmark(s.at(n), s.len(n))
		}
		switch {
		case s.at(n).has(markSacked), s.waits(n):
		case n == s.first, s.trip(n).sent <= cut, reneged:
			lost += s.loseOne(n)
		case !s.at(n).has(markRepeated):
			s.fresh = min(s.fresh, n)
		}
		if s.waits(n) && n > s.fresh {
			s.redo.push(rerun{Range: s.span(n)})
		}
	}
	return lost
}

// forgive takes back that what waits to be sent again is lost: it arrives after all.
func (s *scoreboard) forgive() {
	from, repeats := s.fresh, s.repeats
	for _, e := range s.redo.list[s.redo.head:] {
		if s.una.Less(e.End) {
			n := s.find(wire.MaxSeq(e.Start, s.una))
			for ; n != s.last && s.start(n).Less(e.End); n = s.unsacked(n + 1) {
				from = s.pardon(n, from)
			}
		}
	}
	s.redo.clear()
	for n := s.unsacked(s.rexmit); n < s.fresh; n = s.unsacked(n + 1) {
		from = s.pardon(n, from)
	}
	s.fresh = from
	if s.repeats > repeats {
		slices.SortFunc(s.again.list[s.again.head:], rerun.compare)
	}
}

// pardon clears that record n is lost if it waits. A repetition of it is in flight
// again. It returns the first of n and from that may now be found lost again.
func (s *scoreboard) pardon(n, from uint64) uint64 {
	if !s.waits(n) {
		return from
	}
	r, octets := s.at(n), s.len(n)
	s.lost -= octets
	r.clear(markLost)
	if !r.has(markRepeated) {
		return min(from, n)
	}
	s.repeats += octets
	r.set(markAgain)
	s.again.push(rerun{s.span(n), s.trip(n).sent, s.trip(n).stamp.order})
	return from
}

// A rerun is a run of octets sent again in one transmission.
type rerun struct {
	wire.Range
	sent  mono.Time
	order uint32 // as in stamp
}

// compare orders reruns as their octets were sent.
func (v rerun) compare(w rerun) int {
	if v.order != w.order {
		return int(int32(v.order - w.order))
	}
	return v.Start.Sub(w.Start)
}

// reruns is a queue of reruns. It reuses its memory.
type reruns struct {
	list []rerun
	head int
}

func (q *reruns) empty() bool { return q.head == len(q.list) }

// push appends v, or lengthens the last rerun if v continues it.
func (q *reruns) push(v rerun) {
	if !q.empty() {
		if l := &q.list[len(q.list)-1]; l.End == v.Start && l.order == v.order {
			l.End = v.End
			return
		}
	}
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	q.list = append(q.list, v)
}

func (q *reruns) clear() { q.list, q.head = q.list[:0], 0 }

// first returns the oldest rerun of octets that are not before una, nil if there
// is none. It forgets what is.
func (q *reruns) first(una wire.Seq) *rerun {
	for ; !q.empty(); q.head++ {
		if e := &q.list[q.head]; una.Less(e.End) {
			e.Start = wire.MaxSeq(e.Start, una)
			return e
		}
	}
	q.clear()
	return nil
}

// pop forgets the oldest and returns the next.
func (q *reruns) pop(una wire.Seq) *rerun {
	q.head++
	return q.first(una)
}
