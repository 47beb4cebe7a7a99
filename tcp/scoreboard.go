package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

const (
	leastRecords  = 16       // smallest ring
	maxRecords    = 1 << 17  // beyond it, segments share records
	weighRecords  = 64       // from here on records must weigh less than what they describe
	recordSize    = 64       // octets of memory
	mostPerRecord = 64 << 10 // octets described by one record
)

// marks are what is known of the octets of a record.
type marks uint8

const (
	markSacked   marks = 1 << iota // the peer holds them (RFC 2018), though it may still discard them
	markLost                       // Segment.lost of RFC 8985: thought to have left the network undelivered
	markAgain                      // a repetition of them is thought to be in flight
	markRepeated                   // Segment.retransmitted: they were sent more than once
	markCounted                    // counted as delivered once, before the peer was taken to have discarded them
)

// A record is a run of octets sent together, at most a segment's worth, with one fate.
type record struct {
	start, end wire.Seq
	sent       mono.Time // Segment.xmit_ts: the last time they were sent
	stamp      stamp     // of that time
	skip       uint32    // if sacked: all of the next skip records are too, this one included
	marks      marks
}

func (r *record) len() int         { return int(r.end - r.start) }
func (r *record) has(m marks) bool { return r.marks&m != 0 }

// A scoreboard is the records of [una, nxt), without gaps, in sequence order:
//
//	  una                rexmit          fresh                  nxt
//	   |  sacked, sent    |  lost, or     |  never sent again,   |
//	   |  again, …        |  sacked, …    |  not lost            |
//	---+------------------+---------------+----------------------+--->
//
// Records lie in a ring and are numbered from the first that ever was. Every
// record before fresh is sacked, lost or was repeated; those never repeated were
// sent in the order of their numbers, so the first record from fresh on that is
// not sacked is the oldest of them. Repetitions in flight are listed in the order
// they were sent. So whoever looks for the oldest transmission in flight looks at
// two places, and never at a record twice. A SACK marks only records that it
// covers whole: no peer can make records by splitting them.
type scoreboard struct {
	ring          []record // length a power of two, or nil
	first, last   uint64   // numbers of the records: [first, last)
	fresh, rexmit uint64
	again         reruns // repetitions in flight, oldest first
	redo          reruns // repetitions found lost
	una, nxt      wire.Seq

	sacked, lost, repeats int // octets in records marked so: markSacked, markLost, markAgain
	sackedRecords         int
	gone                  record // the newest of those marked lost last: its time and stamp
}

func (s *scoreboard) at(n uint64) *record { return &s.ring[n&uint64(len(s.ring)-1)] }
func (s *scoreboard) count() int          { return int(s.last - s.first) }
func (s *scoreboard) outstanding() int    { return s.nxt.Sub(s.una) }

// pipe is the octets thought to be in the network (RFC 6675 §4, SetPipe): what
// was sent and is neither sacked nor lost, and what was sent again.
func (s *scoreboard) pipe() int { return s.outstanding() - s.sacked - s.lost + s.repeats }

// push records [nxt, end) as sent, cut into records of at most mss octets.
func (s *scoreboard) push(now mono.Time, end wire.Seq, mss int, p stamp) {
	for s.nxt.Less(end) {
		n := min(end.Sub(s.nxt), mss)
		if r := s.join(n, mss); r != nil {
			r.end, r.sent, r.stamp = r.end.Add(n), now, p
		} else {
			s.grow()
			*s.at(s.last) = record{start: s.nxt, end: s.nxt.Add(n), sent: now, stamp: p}
			s.last++
		}
		s.nxt = s.nxt.Add(n)
	}
}

// join returns the last record if n more octets shall share it, nil otherwise.
// Records are joined only to bound memory: one that describes several segments
// is delivered, or lost, as a whole. While segments are of usual size that never happens.
func (s *scoreboard) join(n, mss int) *record {
	full := s.count() >= maxRecords
	if !full && (s.count() < weighRecords || s.count()*recordSize <= s.outstanding()) {
		return nil
	}
	r := s.at(s.last - 1)
	most := mss
	if full {
		most = max(mss, mostPerRecord)
	}
	if r.marks != 0 || r.len()+n > most {
		return nil
	}
	return r
}

// grow makes room for one more record.
func (s *scoreboard) grow() {
	if s.count() < len(s.ring) {
		return
	}
	bigger := make([]record, max(leastRecords, 2*len(s.ring)))
	for n := s.first; n != s.last; n++ {
		bigger[n&uint64(len(bigger)-1)] = *s.at(n)
	}
	s.ring = bigger
}

// trim gives memory back; nothing may be outstanding.
func (s *scoreboard) trim() { s.ring, s.again, s.redo = nil, reruns{}, reruns{} }

// holds reports whether there is memory that trim would give back.
func (s *scoreboard) holds() bool { return s.ring != nil || s.again.list != nil || s.redo.list != nil }

// find returns the number of the record that holds seq, una ≤ seq < nxt. Records
// are mostly of one size, so it looks where seq would lie if all were, and
// gallops from there: where sizes differ the cost is still logarithmic.
func (s *scoreboard) find(seq wire.Seq) uint64 {
	n := s.first + uint64(seq-s.una)*(s.last-s.first)/uint64(s.nxt-s.una)
	lo, hi := n, n+1 // the record is in [lo, hi)
	for step := uint64(1); seq.Less(s.at(lo).start); step *= 2 {
		hi = lo
		lo -= min(step, lo-s.first)
	}
	for step := uint64(1); hi != s.last && s.at(hi).start.LessEq(seq); step *= 2 {
		lo = hi
		hi += min(step, s.last-hi)
	}
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if s.at(mid).start.LessEq(seq) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// unsacked returns the first record from n on that is not sacked, or last. Runs
// of sacked records are skipped by paths that are halved as they are walked
// (Tarjan's disjoint sets): no pattern of blocks makes that long.
func (s *scoreboard) unsacked(n uint64) uint64 {
	for n != s.last {
		r := s.at(n)
		if !r.has(markSacked) {
			break
		}
		next := n + uint64(r.skip)
		if next != s.last && s.at(next).has(markSacked) {
			r.skip += s.at(next).skip
		}
		n = next
	}
	return n
}

// ack takes everything before seq, una ≤ seq ≤ nxt, off the scoreboard and
// reports what that delivered to h.
func (s *scoreboard) ack(seq wire.Seq, h *harvest) {
	for s.first != s.last {
		r := s.at(s.first)
		if !r.end.LessEq(seq) {
			s.behead(r, seq, h)
			break
		}
		h.deliver(r, r.len())
		s.unmark(r, r.len())
		s.first++
	}
	s.una = seq
	s.fresh, s.rexmit = max(s.fresh, s.first), max(s.rexmit, s.first)
	s.again.first(seq)
	s.redo.first(seq)
}

// behead takes the octets before seq off the first record, r.
func (s *scoreboard) behead(r *record, seq wire.Seq, h *harvest) {
	if n := seq.Sub(r.start); n > 0 {
		h.deliver(r, n)
		m := r.marks
		s.unmark(r, n)
		r.marks, r.start = m, seq
		if m&markSacked != 0 {
			s.sackedRecords++
		}
	}
}

// unmark takes n octets of r off the counts and clears its marks of state.
func (s *scoreboard) unmark(r *record, n int) {
	if r.has(markSacked) {
		s.sacked -= n
		s.sackedRecords--
	}
	if r.has(markLost) {
		s.lost -= n
	}
	if r.has(markAgain) {
		s.repeats -= n
	}
	r.marks &^= markSacked | markLost | markAgain
}

// sack marks the records that lie whole in b, una ≤ b.Start < b.End ≤ nxt, as
// held by the peer and reports what that delivered to h.
func (s *scoreboard) sack(b wire.Range, h *harvest) {
	n := s.find(b.Start)
	if s.at(n).start != b.Start {
		n++
	}
	for n = s.unsacked(n); n != s.last && s.at(n).end.LessEq(b.End); n = s.unsacked(n + 1) {
		r := s.at(n)
		h.deliver(r, r.len())
		s.unmark(r, r.len())
		r.marks |= markSacked | markCounted
		r.skip = 1
		s.sacked += r.len()
		s.sackedRecords++
	}
}

// loseOne marks a record as lost, and a repetition of it as no longer in flight.
// It returns its octets.
func (s *scoreboard) loseOne(r *record) int {
	if r.has(markAgain) {
		s.repeats -= r.len()
	}
	if !r.has(markLost) {
		s.lost += r.len()
	}
	r.marks = r.marks&^markAgain | markLost
	s.gone = *r
	return r.len()
}

// A moment is a transmission: when, and the end of what was sent then. RFC 8985
// §6.2 orders those of one time by sequence.
type moment struct {
	at  mono.Time
	end wire.Seq
}

// before is RACK_sent_after with its arguments exchanged.
func (m moment) before(o moment) bool {
	return m.at < o.at || m.at == o.at && m.end.Less(o.end)
}

// lose marks what was sent before bound, and not later than cut, as lost. It
// returns how many octets that were, and when the oldest transmission before
// bound that is still given time was sent, Never if there is none.
func (s *scoreboard) lose(bound moment, cut mono.Time) (lost int, wait mono.Time) {
	lost, wait = s.loseFresh(bound, cut)
	n, w := s.loseAgain(bound, cut)
	return lost + n, min(wait, w)
}

// loseFresh does so with what was sent once.
func (s *scoreboard) loseFresh(bound moment, cut mono.Time) (lost int, wait mono.Time) {
	for s.fresh = s.unsacked(s.fresh); s.fresh != s.last; s.fresh = s.unsacked(s.fresh + 1) {
		r := s.at(s.fresh)
		if r.has(markLost | markRepeated) {
			continue
		}
		if !(moment{r.sent, r.end}).before(bound) {
			break
		}
		if r.sent > cut {
			return lost, r.sent
		}
		lost += s.loseOne(r)
	}
	return lost, mono.Never
}

// loseAgain does so with repetitions.
func (s *scoreboard) loseAgain(bound moment, cut mono.Time) (lost int, wait mono.Time) {
	for e := s.again.first(s.una); e != nil; e = s.again.pop(s.una) {
		for n := s.find(e.start); n != s.last; n = s.unsacked(n + 1) {
			r := s.at(n)
			if !r.start.Less(e.end) {
				break
			}
			e.start = r.start
			if !r.has(markAgain) || r.sent != e.sent {
				continue
			}
			if !(moment{r.sent, r.end}).before(bound) {
				return lost, mono.Never
			}
			if r.sent > cut {
				return lost, r.sent
			}
			lost += s.loseOne(r)
			s.redo.push(rerun{start: r.start, end: r.end})
		}
	}
	return lost, mono.Never
}

// reneged reports whether the first record is sacked: an honest peer would have
// acknowledged it, so it may have discarded what it held (RFC 2018 §8).
func (s *scoreboard) reneged() bool { return s.first != s.last && s.at(s.first).has(markSacked) }

// loseHead marks the first record as lost, whatever its age. It returns its octets,
// 0 if it was lost already.
func (s *scoreboard) loseHead() int {
	if s.first == s.last {
		return 0
	}
	r := s.at(s.first)
	s.rexmit = s.first
	s.fresh = max(s.fresh, s.first+1)
	if r.has(markSacked) || r.has(markLost) && !r.has(markAgain) {
		return 0
	}
	return s.loseOne(r)
}
