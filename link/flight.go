package link

import "github.com/octet-net/octet/mono"

// flight holds packets that travel, in order of arrival. Packets that arrive at
// one moment keep the order in which they were added.
type flight struct {
	heap   []arrival
	order  uint64
	octets int
}

type arrival struct {
	at    mono.Time
	order uint64
	q     *Queued
}

func (a arrival) before(b arrival) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// next returns when the first packet arrives, or Never.
func (f *flight) next() mono.Time {
	if len(f.heap) == 0 {
		return mono.Never
	}
	return f.heap[0].at
}

func (f *flight) add(at mono.Time, q *Queued) {
	f.order++
	f.octets += q.Size
	f.heap = append(f.heap, arrival{at, f.order, q})
	for i := len(f.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !f.heap[i].before(f.heap[up]) {
			break
		}
		f.heap[i], f.heap[up] = f.heap[up], f.heap[i]
		i = up
	}
}

// pop removes the packet that arrives first. There must be one.
func (f *flight) pop() *Queued {
	q, last := f.heap[0].q, len(f.heap)-1
	f.heap[0] = f.heap[last]
	f.heap[last] = arrival{}
	f.heap = f.heap[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && f.heap[c+1].before(f.heap[c]) {
			c++
		}
		if !f.heap[c].before(f.heap[i]) {
			break
		}
		f.heap[i], f.heap[c] = f.heap[c], f.heap[i]
		i = c
	}
	f.octets -= q.Size
	return q
}
