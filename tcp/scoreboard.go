package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

const (
	leastRecords  = 2        // smallest ring
	maxRecords    = 1 << 17  // beyond it, segments share records
	weighRecords  = 64       // from here on records must weigh less than what they describe
	recordSize    = 56       // octets of memory, its trip included
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

// A record is a run of octets sent together, at most a segment's worth, with one
// fate. It begins where the one before it ends.
type record struct {
	end  wire.Seq
	bits uint32 // marks, and above them skip
}

// mostSkip is the largest skip that fits above the marks.
const mostSkip = 1<<24 - 1

func (r *record) has(m marks) bool { return marks(r.bits)&m != 0 }
func (r *record) set(m marks)      { r.bits |= uint32(m) }
func (r *record) clear(m marks)    { r.bits &^= uint32(m) }

// skip is, for a sacked record, how many records from it on are known to be sacked.
func (r *record) skip() uint32     { return r.bits >> 8 }
func (r *record) setSkip(n uint32) { r.bits = min(n, mostSkip)<<8 | r.bits&0xff }

// A trip is what is remembered of the last time a record was sent. It lies apart
// from the record, as a search needs records only, and many of them.
type trip struct {
	sent  mono.Time // Segment.xmit_ts
	stamp stamp
}

// moment is that of the transmission, of octets up to end.
func (t *trip) moment(end wire.Seq) moment { return moment{t.sent, t.stamp.order, end} }

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
	trips         []trip   // as long; of the records at the same places
	first, last   uint64   // numbers of the records: [first, last)
	fresh, rexmit uint64
	again         reruns // repetitions in flight, oldest first
	redo          reruns // repetitions found lost
	una, nxt      wire.Seq

	sacked, lost, repeats int // octets in records marked so: markSacked, markLost, markAgain
	sackedRecords         int
	gone                  stamp  // of the octets marked lost last
	sends                 uint32 // transmissions so far, modulo 2³²

	least struct { // the smallest ring: most flights need no more
		ring  [leastRecords]record
		trips [leastRecords]trip
	}
}

func (s *scoreboard) at(n uint64) *record { return &s.ring[n&uint64(len(s.ring)-1)] }
func (s *scoreboard) trip(n uint64) *trip { return &s.trips[n&uint64(len(s.trips)-1)] }

// start returns where record n begins; n may be last.
func (s *scoreboard) start(n uint64) wire.Seq {
	if n == s.first {
		return s.una
	}
	return s.at(n - 1).end
}

func (s *scoreboard) len(n uint64) int { return s.at(n).end.Sub(s.start(n)) }

func (s *scoreboard) span(n uint64) wire.Range {
	return wire.Range{Start: s.start(n), End: s.at(n).end}
}

func (s *scoreboard) count() int       { return int(s.last - s.first) }
func (s *scoreboard) outstanding() int { return s.nxt.Sub(s.una) }

// pipe is the octets thought to be in the network (RFC 6675 §4, SetPipe): what
// was sent and is neither sacked nor lost, and what was sent again.
func (s *scoreboard) pipe() int { return s.outstanding() - s.sacked - s.lost + s.repeats }

// push records [nxt, end) as sent, cut into records of at most mss octets.
func (s *scoreboard) push(now mono.Time, end wire.Seq, mss int, p stamp) {
	s.sends++
	p.order = s.sends
	for s.nxt.Less(end) {
		s.nxt = s.nxt.Add(min(end.Sub(s.nxt), mss))
		if s.joins(mss) {
			s.at(s.last - 1).end = s.nxt
			*s.trip(s.last - 1) = trip{now, p}
		} else {
			s.add(record{end: s.nxt}, trip{now, p})
		}
	}
}

// joins reports whether the octets up to nxt shall share the last record. Records
// are joined only to bound memory: one that describes several segments is
// delivered, or lost, as a whole. While segments are of usual size that never happens.
func (s *scoreboard) joins(mss int) bool {
	full := s.count() >= maxRecords
	if !full && (s.count() < weighRecords || s.count()*recordSize <= s.outstanding()) {
		return false
	}
	most := mss
	if full {
		most = max(mss, mostPerRecord)
	}
	return marks(s.at(s.last-1).bits) == 0 && s.nxt.Sub(s.start(s.last-1)) <= most
}

// add appends a record.
func (s *scoreboard) add(r record, t trip) {
	if s.count() == len(s.ring) {
		s.grow()
	}
	*s.at(s.last), *s.trip(s.last) = r, t
	s.last++
}

// grow doubles the ring.
func (s *scoreboard) grow() {
	if s.ring == nil {
		s.ring, s.trips = s.least.ring[:], s.least.trips[:]
		return
	}
	size := uint64(2 * len(s.ring))
	ring, trips := make([]record, size), make([]trip, size)
	for n := s.first; n != s.last; n++ {
		ring[n&(size-1)], trips[n&(size-1)] = *s.at(n), *s.trip(n)
	}
	s.ring, s.trips = ring, trips
}

// trim gives memory back; nothing may be outstanding.
func (s *scoreboard) trim() {
	s.ring, s.trips, s.again, s.redo = nil, nil, reruns{}, reruns{}
}

// find returns the number of the record that holds seq, una ≤ seq < nxt. Records
// are mostly of one size, so it looks where seq would lie if all were, and
// gallops from there: where sizes differ the cost is still logarithmic.
func (s *scoreboard) find(seq wire.Seq) uint64 {
	n := s.first + uint64(seq-s.una)*(s.last-s.first)/uint64(s.nxt-s.una)
	lo, hi := n, n // the record is the first from lo to hi that ends after seq
	for step := uint64(1); lo != s.first && seq.Less(s.at(lo-1).end); step *= 2 {
		hi = lo - 1
		lo -= min(step, lo-s.first)
	}
	for step := uint64(1); s.at(hi).end.LessEq(seq); step *= 2 {
		lo = hi + 1
		hi += min(step, s.last-1-hi)
	}
	for lo != hi {
		if mid := lo + (hi-lo)/2; s.at(mid).end.LessEq(seq) {
			lo = mid + 1
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
		next := n + uint64(r.skip())
		if next != s.last && s.at(next).has(markSacked) {
			r.setSkip(r.skip() + s.at(next).skip())
		}
		n = next
	}
	return n
}

// ack takes everything before seq, una ≤ seq ≤ nxt, off the scoreboard and
// reports what that delivered to h.
func (s *scoreboard) ack(seq wire.Seq, h *harvest) {
	for s.first != s.last && s.at(s.first).end.LessEq(seq) {
		n := s.len(s.first)
		h.deliver(s.at(s.first), s.trip(s.first), n)
		s.unmark(s.at(s.first), n)
		s.una = s.at(s.first).end
		s.first++
	}
	if n := seq.Sub(s.una); n > 0 {
		s.behead(s.at(s.first), n, h)
		s.una = seq
	}
	s.fresh, s.rexmit = max(s.fresh, s.first), max(s.rexmit, s.first)
	s.again.first(seq)
	s.redo.first(seq)
}

// behead takes n octets off the first record, r.
func (s *scoreboard) behead(r *record, n int, h *harvest) {
	h.deliver(r, s.trip(s.first), n)
	was := *r
	s.unmark(r, n)
	if *r = was; r.has(markSacked) {
		s.sackedRecords++
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
	r.clear(markSacked | markLost | markAgain)
}

// sack marks the records that lie whole in b, una ≤ b.Start < b.End ≤ nxt, as
// held by the peer and reports what that delivered to h.
func (s *scoreboard) sack(b wire.Range, h *harvest) {
	n := s.find(b.Start)
	if s.start(n) != b.Start {
		n++
	}
	for n = s.unsacked(n); n != s.last && s.at(n).end.LessEq(b.End); n = s.unsacked(n + 1) {
		r, octets := s.at(n), s.len(n)
		h.deliver(r, s.trip(n), octets)
		s.unmark(r, octets)
		r.set(markSacked | markCounted)
		r.setSkip(1)
		s.sacked += octets
		s.sackedRecords++
	}
}

// loseOne marks record n as lost, and a repetition of it as no longer in flight.
// It returns its octets.
func (s *scoreboard) loseOne(n uint64) int {
	r, octets := s.at(n), s.len(n)
	if r.has(markAgain) {
		s.repeats -= octets
	}
	if !r.has(markLost) {
		s.lost += octets
	}
	r.clear(markAgain)
	r.set(markLost)
	s.gone = s.trip(n).stamp
	return octets
}

// A moment is a transmission: when it was, which one it was, and the end of what
// was sent then.
type moment struct {
	at    mono.Time
	order uint32
	end   wire.Seq
}

// before is RACK_sent_after with its arguments exchanged. RFC 8985 §6.2 orders what
// was sent at one time by sequence; we do so only with the pieces of one
// transmission. Many acknowledgements are taken in at one time, and what they let
// out is new octets and repetitions, which lie below: taken for older, they would
// be lost as soon as the new ones arrive.
func (m moment) before(o moment) bool {
	switch {
	case m.at != o.at:
		return m.at < o.at
	case m.order != o.order:
		return int32(m.order-o.order) < 0
	}
	return m.end.Less(o.end)
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
		t := s.trip(s.fresh)
		if !t.moment(r.end).before(bound) {
			break
		}
		if t.sent > cut {
			return lost, t.sent
		}
		lost += s.loseOne(s.fresh)
	}
	return lost, mono.Never
}

// loseAgain does so with repetitions.
func (s *scoreboard) loseAgain(bound moment, cut mono.Time) (lost int, wait mono.Time) {
	for e := s.again.first(s.una); e != nil; e = s.again.pop(s.una) {
		for n := s.find(e.Start); n != s.last && s.start(n).Less(e.End); n = s.unsacked(n + 1) {
			e.Start = s.start(n)
			if !s.at(n).has(markAgain) || s.trip(n).stamp.order != e.order {
				continue // delivered, or sent yet again
			}
			if !s.trip(n).moment(s.at(n).end).before(bound) {
				return lost, mono.Never
			}
			if e.sent > cut {
				return lost, e.sent
			}
			lost += s.loseOne(n)
			s.redo.push(rerun{Range: s.span(n)})
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
	if s.first == s.last || s.reneged() {
		return 0
	}
	s.rexmit = s.first
	s.fresh = max(s.fresh, s.first+1)
	if s.waits(s.first) {
		return 0
	}
	return s.loseOne(s.first)
}
