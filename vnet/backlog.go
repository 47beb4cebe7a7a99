package vnet

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/octet-net/octet/link"
)

// backlog is a list of packets, first in first out. The zero value is empty.
type backlog struct {
	ring        []*link.Queued
	head, count int
	octets      int
}

func (b *backlog) push(q *link.Queued) {
	if b.count == len(b.ring) {
		bigger := make([]*link.Queued, max(16, 2*b.count))
		for i := range b.count {
			bigger[i] = b.ring[(b.head+i)%b.count]
		}
		b.ring, b.head = bigger, 0
	}
	b.ring[(b.head+b.count)%len(b.ring)] = q
	b.count++
	b.octets += q.Size
}

// first returns the packet that waits longest, nil if none does.
func (b *backlog) first() *link.Queued {
	if b.count == 0 {
		return nil
	}
	return b.ring[b.head]
}

func (b *backlog) pop() *link.Queued {
	q := b.first()
	if q == nil {
		return nil
	}
	b.ring[b.head] = nil
	b.head = (b.head + 1) % len(b.ring)
	b.count--
	b.octets -= q.Size
	return q
}

// limited returns a limit in octets, or that of link.DropTail.
func limited(octets int) int { return cmp.Or(octets, link.DefaultQueue) }

// checkQueue says whether a limit and the times of a queue are usable.
func checkQueue(what string, octets int, times ...time.Duration) error {
	if octets < 0 {
		return fmt.Errorf("%s queue of %d octets", what, octets)
	}
	for _, d := range times {
		if d < 0 || d > time.Hour {
			return fmt.Errorf("%s queue with a time of %v, not between 0 and an hour", what, d)
		}
	}
	return nil
}

// chance turns the numbers of a packet into one between 0 and 1 for a purpose: the
// packet decides, so two runs agree.
func chance(seed uint64, q *link.Queued, purpose uint64) float64 {
	return float64(mix(seed^mix(q.Flow^mix(q.Index^purpose<<56)))>>11) / (1 << 53)
}

// isqrt returns 1/sqrt(n), each step of it rounded exactly on every machine.
func isqrt(n int) float64 { return 1 / math.Sqrt(float64(n)) }
