package octet

import (
	"sync"
	"sync/atomic"
)

// A budget is the memory that a host may spend on connections, datagrams that wait to
// be read, and records of TIME-WAIT (Profile.Memory, T-69, T-70).
//
// Until three quarters are spent everybody takes what he likes. From there on a
// connection that holds more than its share, the budget divided by the connections,
// gets nothing more: its program waits with Write, its window stays as it was offered
// and opens no further, and what arrives beyond is dropped like a lost segment. So the
// last quarter is for those below their share. When all is spent nobody gets
// anything, and no connection is opened, until something is given back.
type budget struct {
	limit int64 // octets; 0 if there is none
	used  atomic.Int64
	conns atomic.Int64 // among which the budget is divided

	hungry  atomic.Int32 // len(queue)
	mu      sync.Mutex
	queue   []*Socket        // whose programs wait for memory, the first who asked first
	waiting map[*Socket]bool // the same
}

// What a connection and a record of TIME-WAIT hold without any octets, their place in
// the tables included.
const (
	connectionCost = 1536
	timeWaitCost   = 160
)

func (b *budget) on() bool { return b.limit > 0 }

// pressed reports whether connections are held to their shares.
func (b *budget) pressed() bool { return b.on() && b.used.Load() > b.limit/4*3 }

// share returns what one connection may hold while the budget is pressed.
func (b *budget) share() int64 { return b.limit / max(1, b.conns.Load()) }

// room returns how many octets more somebody may hold who holds some already.
func (b *budget) room(held int64) int64 {
	left := b.limit - b.used.Load()
	if b.pressed() {
		left = min(left, b.share()-held)
	}
	return max(left, 0)
}

// take spends n octets if there are so many, for what has no share.
func (b *budget) take(n int) bool {
	if b.on() && b.room(0) < int64(n) {
		return false
	}
	b.used.Add(int64(n))
	return true
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

// enqueue notes that the program of a socket waits for memory.
func (b *budget) enqueue(s *Socket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[s] {
		return
	}
	if b.waiting == nil {
		b.waiting = make(map[*Socket]bool)
	}
	b.waiting[s] = true
	b.queue = append(b.queue, s)
	b.hungry.Store(int32(len(b.queue)))
}

// feed returns one of those who wait, if there is something for him.
func (b *budget) feed() *Socket {
	if b.hungry.Load() == 0 || b.room(0) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return nil
	}
	s := b.queue[0]
	b.queue[0] = nil
	b.queue = b.queue[1:]
	delete(b.waiting, s)
	b.hungry.Store(int32(len(b.queue)))
	return s
}

// afford returns how many of n octets the socket may take into its send buffer. They
// come to lie in chunks that may be twice as large. If there are none the program
// is told when to ask again.
func (s *Socket) afford(n int) int {
	b := &s.host.budget
	if !b.on() {
		return n
	}
	if k := s.affordable(n); k > 0 {
		return k
	}
	b.enqueue(s)
	return s.affordable(n) // somebody may have given back before we stood in the queue
}

func (s *Socket) affordable(n int) int {
	room := s.host.budget.room(int64(s.held))
	if n == 0 || int64(n)*2 <= room {
		return n
	}
	return int(min(int64(n), room/2))
}

// admits reports whether a segment's octets may be kept. One that may not counts as
// lost; the acknowledgement in it counts.
func (s *Socket) admits(octets int) bool {
	b := &s.host.budget
	return octets == 0 || !b.on() || int64(octets) <= b.room(int64(s.held))
}

// account tells the budget what the connection holds now, and keeps its window within
// its share. The event feeds those who wait when something was given back.
func (s *Socket) account(e *event) {
	b := &s.host.budget
	if !b.on() {
		return
	}
	held := int64(0)
	switch {
	case s.entered:
		held = connectionCost + int64(s.tcb.Memory())
	case !s.closed: // what has arrived can still be read
		held = int64(s.tcb.Memory())
	}
	was := int64(s.held)
	s.held = int32(min(held, 1<<31-1))
	b.used.Add(int64(s.held) - was)
	switch {
	case was == 0 && held > 0:
		b.conns.Add(1)
	case was > 0 && held == 0:
		b.conns.Add(-1)
	}
	if held < was {
		e.relief = true
	}
	if s.entered && b.pressed() {
		s.tcb.Squeeze(int(b.share() - connectionCost))
	}
}

// feed lets those ask again who wait for memory, as long as there is some.
func (e *event) feed() {
	if !e.relief {
		return
	}
	e.relief = false
	for range feedAtOnce {
		s := e.host.budget.feed()
		if s == nil {
			return
		}
		s.mu.Lock()
		s.writes.wakeAll()
		e.tell(s.notify, s.readiness())
		s.mu.Unlock()
	}
}

// feedAtOnce bounds how many are woken when something was given back: each of them
// that takes some and gives it back wakes others.
const feedAtOnce = 4
