package tcp

import (
	"sort"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// A sendQueue holds the octets from SND.UNA to the end of what the user sent:
//
//	  chunk 0          chunk 1      chunk 2 (being filled)
//	├──────────────┼──────────────┼────────┄┄┄┄┄┄┤
//	      ↑ una          ↑ nxt             ↑ end
//
// Octets are copied in once; segments share the chunks. Invariant: the chunks
// join without gaps, and all of them but the first hold only octets from una on.
type sendQueue struct {
	chunks ring[sendChunk]
	una    wire.Seq
	end    wire.Seq
	mem    int32 // octets of the chunks
}

// A sendChunk is a chunk and the sequence number of its first octet.
type sendChunk struct {
	c    *chunk.Chunk
	at   wire.Seq
	room int32 // octets that may be appended still
}

func (q *sendQueue) len() int { return q.end.Sub(q.una) }

// write copies as much of p as fits into limit octets and returns how much that was.
// Chunks are filled with whole multiples of unit where that wastes little, so
// that few segments span two of them.
func (q *sendQueue) write(p []byte, limit, unit int) int {
	p = p[:min(len(p), max(0, limit-q.len()))]
	done := 0
	for done < len(p) {
		if q.chunks.len() == 0 || q.chunks.last().room == 0 {
			q.extend(len(p)-done, unit)
		}
		last := q.chunks.last()
		k := last.c.Append(p[done:min(len(p), done+int(last.room))])
		last.room -= int32(k)
		done += k
		q.end = q.end.Add(k)
	}
	return done
}

// extend adds a chunk for n octets, and for more to come if much is queued already.
func (q *sendQueue) extend(n, unit int) {
	c := chunk.New(max(n, q.len()))
	room := c.Size()
	if unit > 0 && room >= 2*unit {
		room -= room % unit
	}
	q.mem += int32(c.Size())
	q.chunks.push(sendChunk{c: c, at: q.end, room: int32(room)})
}

// acked forgets the octets before una.
func (q *sendQueue) acked(una wire.Seq) {
	q.una = una
	for q.chunks.len() > 0 {
		first := q.chunks.at(0)
		if una.Less(first.at.Add(first.c.Len())) {
			return
		}
		q.mem -= int32(first.c.Size())
		first.c.Release()
		q.chunks.pop()
	}
}

// view returns n octets from seq on, which must be queued, as a View with its
// own reference: a share of a chunk, or a copy where they lie in two.
func (q *sendQueue) view(seq wire.Seq, n int) chunk.View {
	i := q.find(seq)
	s := q.chunks.at(i)
	from := seq.Sub(s.at)
	if from+n <= s.c.Len() {
		return s.c.View(from, from+n)
	}
	return q.gather(i, from, n)
}

// contiguous returns how many octets from seq on, up to n, lie in one chunk.
func (q *sendQueue) contiguous(seq wire.Seq, n int) int {
	s := q.chunks.at(q.find(seq))
	return min(n, s.at.Add(s.c.Len()).Sub(seq))
}

func (q *sendQueue) find(seq wire.Seq) int {
	return sort.Search(q.chunks.len(), func(i int) bool { return seq.Less(q.chunks.at(i).at) }) - 1
}

func (q *sendQueue) gather(i, from, n int) chunk.View {
	c := chunk.New(n)
	b := c.Grow(n)
	for len(b) > 0 {
		s := q.chunks.at(i)
		v := s.c.View(from, min(s.c.Len(), from+len(b)))
		b = b[copy(b, v.B):]
		v.Release()
		i, from = i+1, 0
	}
	v := c.View(0, n)
	c.Release()
	return v
}

// drop forgets everything.
func (q *sendQueue) drop() { q.acked(q.end) }
