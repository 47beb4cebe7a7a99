package octet

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
)

const (
	shardBits = 6
	shards    = 1 << shardBits
)

func (s *Socket) name() *tuple  { return &s.tuple }
func (c *UDPConn) name() *tuple { return &c.tuple }

// A table finds the socket of a packet by both its ends. The cost is flat: an
// index in each of a fixed number of shards, so that two connections seldom meet at
// a lock. The hash has a key, so that nobody outside can choose who meets whom.
type table[S named] struct {
	seed  maphash.Seed
	shard [shards]struct {
		mu sync.Mutex
		index[S]
		_ [24]byte // shards do not share a cache line
	}
}

func (t *table[S]) init() { t.seed = maphash.MakeSeed() }

// find returns the shard of a hash and what is left of the hash in it.
func (t *table[S]) find(k *tuple) (shard int, hash uint32) {
	h := maphash.Comparable(t.seed, *k)
	return int(h >> (64 - shardBits)), uint32(h)
}

// get returns the socket of a tuple, or the zero value.
func (t *table[S]) get(k *tuple) S {
	i, h := t.find(k)
	s := &t.shard[i]
	s.mu.Lock()
	c := s.get(k, h)
	s.mu.Unlock()
	return c
}

// add enters a socket, whose tuple is k, unless there is one of the same tuple.
func (t *table[S]) add(k *tuple, c S) bool {
	i, h := t.find(k)
	s := &t.shard[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(c, h)
}

// remove takes a socket out, if it is the one entered.
func (t *table[S]) remove(k *tuple, c S) {
	i, h := t.find(k)
	s := &t.shard[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.get(k, h) == c {
		s.remove(k, h)
	}
}

func (t *table[S]) len() int {
	n := 0
	for i := range t.shard {
		s := &t.shard[i]
		s.mu.Lock()
		n += s.used
		s.mu.Unlock()
	}
	return n
}

// all returns the sockets in the order of their keys.
func (t *table[S]) all(key func(S) uint64) []S {
	var list []S
	for i := range t.shard {
		s := &t.shard[i]
		s.mu.Lock()
		list = slices.AppendSeq(list, s.all())
		s.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b S) int { return cmp.Compare(key(a), key(b)) })
	return list
}
