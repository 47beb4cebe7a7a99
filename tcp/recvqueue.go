package tcp

import "github.com/octet-net/octet/chunk"

// A recvQueue holds octets that arrived in order until the user takes them.
//
// It keeps the views that arrive, so that nothing is copied before the user's
// own copy, but for two kinds: what is lent, and little octets that keep a large
// chunk alive. The latter wait at the end of the queue, since what follows may
// join them, and are copied when something else comes after them. So the memory
// is never more than wasteful times the octets, plus one chunk.
type recvQueue struct {
	views ring[chunk.View]
	n     int          // octets
	fill  *chunk.Chunk // what is copied goes here; nil if there is none
	mem   int32        // octets of memory that the views keep alive, at most
	kept  bool         // the last view arrived as it is, it is not a copy in fill
}

// wasteful is how many times its octets a view may keep alive.
const wasteful = 4

// push appends the octets of v and takes over its reference.
func (q *recvQueue) push(v *chunk.View) {
	if v.Len() == 0 {
		v.Release()
		return
	}
	q.n += v.Len()
	if q.views.len() > 0 {
		if q.views.last().Join(v) {
			return
		}
		q.thrift()
	}
	if !v.Owned() {
		q.copy(v.B)
		*v = chunk.View{}
		return
	}
	q.mem += int32(v.Cost())
	q.views.push(*v)
	q.kept = true
	*v = chunk.View{}
}

// thrift copies the last view if it keeps too much memory alive.
func (q *recvQueue) thrift() {
	last := q.views.last()
	if !q.kept || last.Len()*wasteful >= last.Cost() {
		return
	}
	v := *last
	*last = chunk.View{}
	q.views.unpush()
	q.mem -= int32(v.Cost())
	q.copy(v.B)
	v.Release()
}

// copy appends b, into the room of the chunk that is being filled if it has any.
func (q *recvQueue) copy(b []byte) {
	q.kept = false
	for len(b) > 0 {
		if q.fill == nil || q.fill.Room() == 0 {
			q.refill(len(b))
		}
		at := q.fill.Len()
		k := q.fill.Append(b)
		b = b[k:]
		v := q.fill.View(at, at+k)
		if q.views.len() == 0 || !q.views.last().Join(&v) {
			q.mem += int32(v.Cost())
			q.views.push(v)
		}
	}
}

func (q *recvQueue) refill(n int) {
	if q.fill != nil {
		q.fill.Release()
	}
	q.fill = chunk.New(max(n, min(q.n, fillSize)))
}

// read moves octets to p and returns how many.
func (q *recvQueue) read(p []byte) int {
	done := 0
	for done < len(p) && q.n > 0 {
		v := q.views.at(0)
		k := copy(p[done:], v.B)
		done += k
		q.skip(v, k)
	}
	return done
}

// skip drops the first k octets of v, the oldest view.
func (q *recvQueue) skip(v *chunk.View, k int) {
	q.n -= k
	if k < v.Len() {
		v.Trim(k, v.Len())
		return
	}
	q.mem -= int32(v.Cost())
	v.Release()
	q.views.pop()
	if q.n == 0 {
		q.unfill()
	}
}

// peek copies octets from off on to p, leaves them, and returns how many.
func (q *recvQueue) peek(p []byte, off int) int {
	done := 0
	for i := 0; i < q.views.len() && done < len(p); i++ {
		b := q.views.at(i).B
		if off >= len(b) {
			off -= len(b)
			continue
		}
		done += copy(p[done:], b[off:])
		off = 0
	}
	return done
}

// drop throws everything away.
func (q *recvQueue) drop() {
	for q.n > 0 {
		v := q.views.at(0)
		q.skip(v, v.Len())
	}
}

func (q *recvQueue) unfill() {
	if q.fill != nil {
		q.fill.Release()
		q.fill = nil
	}
}
