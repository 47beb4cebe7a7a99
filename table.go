package octet

import (
	"cmp"
	"slices"
	"sync"
)

const (
	shardBits = 6
	shards    = 1 << shardBits
)

// A table finds the socket of a packet by both its ends. The cost is flat: a map
// in each of a fixed number of shards, so that two connections seldom meet at a lock.
type table[S comparable] struct {
	shard [shards]struct {
		mu    sync.Mutex
		socks map[tuple]S
		_     [48]byte // shards do not share a cache line
	}
}

// get returns the socket of a tuple, or the zero value.
func (t *table[S]) get(k *tuple) S {
	s := &t.shard[k.shard()]
	s.mu.Lock()
	c := s.socks[*k]
	s.mu.Unlock()
	return c
}

// add enters a socket, unless there is one of the same tuple.
func (t *table[S]) add(k *tuple, c S) bool {
	s := &t.shard[k.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.socks[*k]; taken {
		return false
	}
	if s.socks == nil {
		s.socks = make(map[tuple]S)
	}
	s.socks[*k] = c
	return true
}

// remove takes a socket out, if it is the one entered.
func (t *table[S]) remove(k *tuple, c S) {
	s := &t.shard[k.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks[*k] == c {
		delete(s.socks, *k)
	}
}

func (t *table[S]) len() int {
	n := 0
	for i := range t.shard {
		s := &t.shard[i]
		s.mu.Lock()
		n += len(s.socks)
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
		for _, c := range s.socks {
			list = append(list, c)
		}
		s.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b S) int { return cmp.Compare(key(a), key(b)) })
	return list
}
