package ip

import "github.com/octet-net/octet/mono"

// A timer is what a value needs to have a deadline in a heap.
type timer[T any] struct {
	at    mono.Time
	place int // in the heap, from 1; 0 if it is not in it
	of    *T
}

// A heap holds timers, the earliest on top. Setting one costs O(log n).
type heap[T any] []*timer[T]

// set moves the deadline of k; Never takes it out.
func (h *heap[T]) set(k *timer[T], at mono.Time) {
	k.at = at
	switch {
	case at == mono.Never && k.place == 0:
	case at == mono.Never:
		h.remove(k)
	case k.place == 0:
		*h = append(*h, k)
		k.place = len(*h)
		h.up(k.place)
	default:
		h.up(k.place)
		h.down(k.place)
	}
}

// deadline returns the earliest deadline.
func (h heap[T]) deadline() mono.Time {
	if len(h) == 0 {
		return mono.Never
	}
	return h[0].at
}

// due returns a value whose deadline has come, and takes it out; or nil.
func (h *heap[T]) due(now mono.Time) *T {
	if !h.deadline().Due(now) || len(*h) == 0 {
		return nil
	}
	k := (*h)[0]
	h.remove(k)
	return k.of
}

func (h *heap[T]) remove(k *timer[T]) {
	place, last := k.place, len(*h)
	h.swap(place, last)
	(*h)[last-1] = nil
	*h = (*h)[:last-1]
	k.place = 0
	if place < last {
		h.up(place)
		h.down(place)
	}
}

// The places of a heap count from 1: those below i are 2i and 2i+1.

func (h heap[T]) less(i, j int) bool { return h[i-1].at < h[j-1].at }

func (h heap[T]) swap(i, j int) {
	h[i-1], h[j-1] = h[j-1], h[i-1]
	h[i-1].place, h[j-1].place = i, j
}

func (h heap[T]) up(i int) {
	for i > 1 && h.less(i, i/2) {
		h.swap(i, i/2)
		i /= 2
	}
}

func (h heap[T]) down(i int) {
	for {
		least := i
		for _, j := range [...]int{2 * i, 2*i + 1} {
			if j <= len(h) && h.less(j, least) {
				least = j
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
