package octet

import "iter"

// A named is something that an index finds by its tuple, which does not change
// while it is in there.
type named interface {
	comparable
	name() *tuple
}

// An index finds things by their tuples, in 16 octets for each and some room. It is
// a hash table with linear probing: between the slot that a hash asks for and the
// one that holds its thing, no slot is free. Whoever owns it guards it, and hashes.
type index[S named] struct {
	slots []slot[S] // a power of two, at most three quarters of them used
	used  int
}

type slot[S named] struct {
	is   S // the zero value if the slot is free
	hash uint32
}

// leastSlots is the smallest index that is not empty.
const leastSlots = 8

// get returns what has the tuple, or the zero value.
func (x *index[S]) get(k *tuple, hash uint32) (c S) {
	if i, ok := x.place(k, hash); ok {
		c = x.slots[i].is
	}
	return c
}

// add enters c, unless something has the same tuple.
func (x *index[S]) add(c S, hash uint32) bool {
	if _, taken := x.place(c.name(), hash); taken {
		return false
	}
	if (x.used+1)*4 > len(x.slots)*3 {
		x.resize(max(leastSlots, 2*len(x.slots)))
	}
	x.put(c, hash)
	return true
}

// remove takes out what has the tuple, if anything has.
func (x *index[S]) remove(k *tuple, hash uint32) {
	i, ok := x.place(k, hash)
	if !ok {
		return
	}
	x.free(i)
	if len(x.slots) > leastSlots && x.used*8 < len(x.slots) {
		x.resize(len(x.slots) / 2)
	}
}

// all yields everything, in no order.
func (x *index[S]) all() iter.Seq[S] {
	var none S
	return func(yield func(S) bool) {
		for _, s := range x.slots {
			if s.is != none && !yield(s.is) {
				return
			}
		}
	}
}

// place returns the slot that holds what has the tuple; false if nothing has.
func (x *index[S]) place(k *tuple, hash uint32) (int, bool) {
	var none S
	if x.used == 0 {
		return 0, false
	}
	mask := len(x.slots) - 1
	for i := int(hash) & mask; x.slots[i].is != none; i = (i + 1) & mask {
		if s := &x.slots[i]; s.hash == hash && *s.is.name() == *k {
			return i, true
		}
	}
	return 0, false
}

// put enters what is not there, for which there is room.
func (x *index[S]) put(c S, hash uint32) {
	var none S
	mask := len(x.slots) - 1
	i := int(hash) & mask
	for x.slots[i].is != none {
		i = (i + 1) & mask
	}
	x.slots[i] = slot[S]{c, hash}
	x.used++
}

// free empties a slot. What stands behind it moves up where its search would
// otherwise end there.
func (x *index[S]) free(i int) {
	var none S
	mask := len(x.slots) - 1
	for j := (i + 1) & mask; x.slots[j].is != none; j = (j + 1) & mask {
		if home := int(x.slots[j].hash) & mask; (j-home)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = slot[S]{}
	x.used--
}

func (x *index[S]) resize(n int) {
	var none S
	old := x.slots
	x.slots, x.used = make([]slot[S], n), 0
	for _, o := range old {
		if o.is != none {
			x.put(o.is, o.hash)
		}
	}
}
