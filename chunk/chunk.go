// Package chunk holds payload octets that several queues share without copying.
//
// The rules of ownership, in five lines:
//
//  1. A chunk only grows at its end; octets once written never change.
//  2. A View is some octets of a chunk and one reference to it.
//  3. Whoever keeps a View in a queue owns its reference; handing a View on hands the reference on.
//  4. Share makes a second View with a reference of its own; Release gives one back and empties the View.
//  5. A forgotten Release costs a later allocation, nothing else: the collector frees the chunk.
//
// A View without a chunk ("borrowed") is valid only during the call that passed
// it; who wants to keep it calls Own.
package chunk

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Chunks come in sizes of powers of two between these, in octets.
const (
	MinSize = 512
	MaxSize = 64 << 10
)

const classes = 8 // 512 … 65,536

// Pools hold plain memory only, so they may be shared by every stack of the process.
var pools [classes]sync.Pool

// A Chunk is a counted piece of memory that is filled from the front.
type Chunk struct {
	refs  atomic.Int32
	class int8
	n     int32  // octets written; only the maker looks at it
	mem   []byte // all of it: never changes, so everybody may look at it
}

// New returns an empty chunk with room for at least min(n, MaxSize) octets and
// one reference, which the caller owns.
func New(n int) *Chunk {
	k := classFor(n)
	c, _ := pools[k].Get().(*Chunk)
	if c == nil {
		c = &Chunk{class: int8(k), mem: make([]byte, MinSize<<k)}
	}
	c.refs.Store(1)
	return c
}

func classFor(n int) int {
	if n <= MinSize {
		return 0
	}
	return min(bits.Len(uint(n-1))-bits.Len(uint(MinSize-1)), classes-1)
}

// Len returns how many octets are written.
func (c *Chunk) Len() int { return int(c.n) }

// Size returns how many octets the chunk can hold: the memory it costs.
func (c *Chunk) Size() int { return len(c.mem) }

// Room returns how many octets can still be appended.
func (c *Chunk) Room() int { return len(c.mem) - int(c.n) }

// Append copies as much of p as there is room for and returns how much that was.
// Only the one who made the chunk may append.
func (c *Chunk) Append(p []byte) int {
	n := copy(c.mem[c.n:], p)
	c.n += int32(n)
	return n
}

// Grow extends the written part by min(n, Room) octets and returns them for the
// maker of the chunk to fill before anybody else sees them.
func (c *Chunk) Grow(n int) []byte {
	n = min(n, c.Room())
	at := int(c.n)
	c.n += int32(n)
	return c.mem[at : at+n : at+n]
}

// View returns octets i to j with a reference of their own.
func (c *Chunk) View(i, j int) View {
	c.refs.Add(1)
	return View{B: c.mem[i:j:j], c: c}
}

// Release gives back the caller's reference. The chunk must not be used afterwards.
func (c *Chunk) Release() {
	if c.refs.Add(-1) == 0 {
		c.n = 0
		pools[c.class].Put(c)
	}
}

// A View is a run of octets, with a reference to the chunk that holds them or,
// when borrowed, with none. The zero View is empty.
type View struct {
	B []byte
	c *Chunk
}

// Borrow returns a View of memory that the caller lends for the length of a call.
func Borrow(b []byte) View { return View{B: b} }

// Len returns the number of octets.
func (v View) Len() int { return len(v.B) }

// Owned reports whether the View holds a reference (or is empty), so that it may be kept.
func (v View) Owned() bool { return v.c != nil || len(v.B) == 0 }

// Cost returns the size of the memory that the View keeps alive, in octets.
func (v View) Cost() int {
	if v.c == nil {
		return len(v.B)
	}
	return v.c.Size()
}

// Share returns a second View of the same octets. Of a borrowed View it is another borrowed one.
func (v View) Share() View {
	if v.c != nil {
		v.c.refs.Add(1)
	}
	return v
}

// Own returns a View that may be kept: a share of v, or a copy where v is borrowed.
func (v View) Own() View {
	if v.Owned() {
		return v.Share()
	}
	return Copy(v.B)
}

// Copy returns a View of a copy of b, at most MaxSize octets of it.
func Copy(b []byte) View {
	c := New(len(b))
	c.Append(b)
	return View{B: c.mem[:c.n:c.n], c: c} // takes over the maker's reference
}

// Trim narrows the View to octets i to j of itself; its reference stays.
func (v *View) Trim(i, j int) { v.B = v.B[i:j:j] }

// Join extends v by w where w holds the octets right after v in the same chunk,
// takes over its reference and empties it. Otherwise it returns false.
func (v *View) Join(w *View) bool {
	c := v.c
	if c == nil || c != w.c || len(v.B) == 0 || len(w.B) == 0 {
		return false
	}
	i := c.offset(v.B)
	j := i + len(v.B)
	if c.offset(w.B) != j {
		return false
	}
	j += len(w.B)
	v.B = c.mem[i:j:j]
	w.Release()
	return true
}

// offset returns where in the chunk b begins, which lies in it and is not empty.
func (c *Chunk) offset(b []byte) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(c.mem))))
}

// Release gives the reference back and empties the View. A second call does nothing.
func (v *View) Release() {
	c := v.c
	*v = View{}
	if c != nil {
		c.Release()
	}
}
