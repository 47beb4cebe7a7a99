package tcp

import (
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
		for n := s.find(e.start); n != s.last && s.at(n).start.Less(e.end); n = s.unsacked(n + 1) {
			if e.start = s.at(n).start; s.waits(n) {
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
	return s.at(n).marks&(markLost|markAgain|markSacked) == markLost
}

// run returns the range of the lost records from n on that fit into limit
// octets, or the first limit octets of n.
func (s *scoreboard) run(n uint64, limit int) wire.Range {
	w := wire.Range{Start: s.at(n).start, End: s.at(n).end}
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
	n := s.find(w.Start)
	if s.at(n).start != w.Start {
		s.split(n, w.Start)
		n++
	}
	for ; n != s.last && s.at(n).start.Less(w.End); n++ {
		r := s.at(n)
		if w.End.Less(r.end) {
			s.split(n, w.End)
			r = s.at(n)
		}
		if r.has(markSacked) {
			continue
		}
		if !r.has(markAgain) {
			s.repeats += r.len()
		}
		r.marks |= markAgain | markRepeated
		r.sent, r.stamp = now, p
		octets += r.len()
	}
	s.again.push(rerun{start: w.Start, end: w.End, sent: now})
	return octets
}

// split cuts record n in two at seq. That costs time in proportion to the records
// behind it, so only what the peer cannot ask for at will leads here: a
// segment size that shrank, or a window smaller than a segment.
func (s *scoreboard) split(n uint64, seq wire.Seq) {
	s.grow()
	for m := s.last; m != n; m-- {
		*s.at(m) = *s.at(m - 1)
	}
	s.last++
	left, right := s.at(n), s.at(n+1)
	left.end, right.start = seq, seq
	if left.has(markSacked) {
		left.skip = 1
		s.sackedRecords++
	}
	if s.fresh > n {
		s.fresh++
	}
	if s.rexmit > n {
		s.rexmit++
	}
}

// resize cuts records larger than mss, so that each can be sent again alone.
func (s *scoreboard) resize(mss int) {
	pieces := 0
	for n := s.first; n != s.last; n++ {
		pieces += (s.at(n).len() + mss - 1) / mss
	}
	if pieces == s.count() {
		return
	}
	old := *s
	s.ring, s.first, s.last, s.sackedRecords = nil, 0, 0, 0
	for n := old.first; n != old.last; n++ {
		if n == old.fresh {
			s.fresh = s.last
		}
		if n == old.rexmit {
			s.rexmit = s.last
		}
		s.pieces(*old.at(n), mss)
	}
	if old.fresh == old.last {
		s.fresh = s.last
	}
	if old.rexmit == old.last {
		s.rexmit = s.last
	}
}

// pieces appends r cut into records of at most mss octets.
func (s *scoreboard) pieces(r record, mss int) {
	for end := r.end; r.start != end; r.start = r.end {
		r.end = r.start.Add(min(end.Sub(r.start), mss))
		r.skip = 1
		if r.has(markSacked) {
			s.sackedRecords++
		}
		s.grow()
		*s.at(s.last) = r
		s.last++
	}
}

// timeout prepares for recovery from a retransmission timeout. It forgets what
// the peer holds: the timeout may be a sign that it discarded it (RFC 2018 §8:
// "the data sender SHOULD turn off all of the SACKed bits"). It marks the first
// record as lost, and others sent not later than cut (RFC 8985 §6.3); all of them
// if the peer must have discarded what it held, as the first record is among
// it. It returns the octets that are now lost and were not before.
func (s *scoreboard) timeout(cut mono.Time) (lost int) {
	if s.first == s.last {
		return 0
	}
	reneged := s.reneged()
	s.redo.clear()
	s.fresh, s.rexmit = s.last, s.first
	for n := s.first; n != s.last; n++ {
		r := s.at(n)
		if r.has(markSacked) {
			s.unmark(r, r.len())
		}
		waits := r.has(markLost) && !r.has(markAgain)
		switch {
		case waits:
		case n == s.first, r.sent <= cut, reneged:
			lost += s.loseOne(r)
			waits = true
		case !r.has(markRepeated):
			s.fresh = min(s.fresh, n)
		}
		if waits && n > s.fresh {
			s.redo.push(rerun{start: r.start, end: r.end})
		}
	}
	return lost
}

// forgive takes back that records sent once were lost: their originals arrive after all.
func (s *scoreboard) forgive() {
	from := s.fresh
	for _, e := range s.redo.list[s.redo.head:] {
		if s.una.Less(e.end) {
			n := s.find(wire.MaxSeq(e.start, s.una))
			for ; n != s.last && s.at(n).start.Less(e.end); n = s.unsacked(n + 1) {
				from = s.pardon(n, from)
			}
		}
	}
	for n := s.unsacked(s.rexmit); n < s.fresh; n = s.unsacked(n + 1) {
		if from = s.pardon(n, from); s.waits(n) {
			s.redo.push(rerun{start: s.at(n).start, end: s.at(n).end}) // fresh goes back, perhaps below it
		}
	}
	s.fresh = from
}

// pardon clears that record n is lost if it waits and was sent once. It returns
// the first of n and from that may now be found lost again.
func (s *scoreboard) pardon(n, from uint64) uint64 {
	r := s.at(n)
	if !s.waits(n) || r.has(markRepeated) {
		return from
	}
	s.lost -= r.len()
	r.marks &^= markLost
	return min(from, n)
}

// A rerun is a run of octets sent again at one time.
type rerun struct {
	start, end wire.Seq
	sent       mono.Time
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
		if l := &q.list[len(q.list)-1]; l.end == v.start && l.sent == v.sent {
			l.end = v.end
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
		if e := &q.list[q.head]; una.Less(e.end) {
			e.start = wire.MaxSeq(e.start, una)
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
