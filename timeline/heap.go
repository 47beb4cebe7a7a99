package timeline

import "github.com/octet-net/octet/mono"

// heap is a binary heap of events by time, then key. Every event knows its place,
// so that moving and removing one costs O(log n) and no allocation.
type heap []*Event

func (h heap) first() mono.Time {
	if len(h) == 0 {
		return mono.Never
	}
	return h[0].at
}

func (h heap) less(i, j int) bool {
	a, b := h[i], h[j]
	return a.at < b.at || a.at == b.at && a.key < b.key
}

func (h heap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

// set puts e at its new time, whether it was in the heap or not.
func (h *heap) set(e *Event, at mono.Time) {
	e.at = at
	if e.index == 0 {
		*h = append(*h, e)
		e.index = len(*h)
	}
	if i := e.index - 1; !h.down(i) {
		h.up(i)
	}
}

func (h *heap) pop() *Event {
	e := (*h)[0]
	h.remove(e)
	return e
}

func (h *heap) remove(e *Event) {
	if e.index == 0 {
		return
	}
	i, last := e.index-1, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = 0
	if i < last && !h.down(i) {
		h.up(i)
	}
}

func (h heap) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !h.less(i, p) {
			return
		}
		h.swap(i, p)
		i = p
	}
}

// down reports whether the event moved.
func (h heap) down(i int) bool {
	start := i
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			break
		}
		h.swap(i, c)
		i = c
	}
	return i > start
}
