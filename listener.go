package octet

import (
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

// A listener is the part of a listening socket that packets meet: connections in
// SYN-RECEIVED, and those that wait to be accepted, no more than the backlog.
type listener struct {
	host *Host
	sock *Socket

	mu      sync.Mutex
	backlog int
	half    []*Socket // in SYN-RECEIVED; each knows its place
	ready   []*Socket // queue of those that wait for Accept
	first   int       // place in ready of the next
	accepts side
	closed  bool
	notify  func(Ready)
	press   press
	fast    fastQueue
}

func (l *listener) waitingForAccept() int { return len(l.ready) - l.first }

// push enters a connection whose handshake is done into the accept queue.
func (l *listener) push(e *event, s *Socket) {
	l.dropHalf(s)
	l.ready = append(l.ready, s)
	l.measure()
	l.accepts.wake()
	e.tell(l.notify, CanRead)
}

// pop takes the next connection out of the accept queue.
func (l *listener) pop() *Socket {
	if l.first == len(l.ready) {
		return nil
	}
	s := l.ready[l.first]
	l.ready[l.first] = nil
	l.first++
	l.measure()
	switch {
	case l.first == len(l.ready):
		l.ready, l.first = l.ready[:0], 0
	case l.first > len(l.ready)/2 && l.first >= 32: // keep the queue from creeping through memory
		n := copy(l.ready, l.ready[l.first:])
		clear(l.ready[n:])
		l.ready, l.first = l.ready[:n], 0
	}
	return s
}

func (l *listener) addHalf(s *Socket) {
	s.place = int32(len(l.half))
	l.half = append(l.half, s)
	l.measure()
	l.host.halfOpen.Add(1)
}

// dropHalf takes a connection out of those in SYN-RECEIVED.
func (l *listener) dropHalf(s *Socket) {
	last := len(l.half) - 1
	moved := l.half[last]
	l.half[s.place], moved.place = moved, s.place
	l.half[last] = nil
	l.half = l.half[:last]
	l.measure()
	s.parent.Store(nil)
	l.host.halfOpen.Add(-1)
}

// arrive takes a segment to the listener that belongs to no connection (RFC 9293
// §3.10.7.2). The event holds no lock; iss is what a new connection begins with, and
// reopens says that it follows one in TIME-WAIT.
func (l *listener) arrive(e *event, k *tuple, iss wire.Seq, reopens bool) {
	seg := &e.in
	switch {
	case seg.Flags&wire.RST != 0: // first, ignore a reset
		return
	case seg.Flags&wire.ACK != 0: // second, an ACK is answered by a reset, unless a cookie is behind it
		if !l.takeCookie(e, k) {
			e.refuse()
		}
		return
	case seg.Flags&wire.SYN == 0: // the rest is dropped
		return
	case !reopens && l.flooded(): // a cookie cannot choose its number
		l.giveCookie(e, k)
		return
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		e.refuse()
		return
	}
	s := l.open(e, k, iss)
	if s == nil {
		l.mu.Unlock()
		return
	}
	s.mu.Lock()
	e.ln, e.sock = l, s
	e.follow()
}

// open makes a connection from a SYN, if there is room for one: a full accept
// queue or too many half-open connections let the SYN go unanswered, so that the
// peer tries again (T-50, T-69).
func (l *listener) open(e *event, k *tuple, iss wire.Seq) *Socket {
	h := l.host
	if l.waitingForAccept() >= l.backlog {
		h.count(DropBacklog)
		return nil
	}
	if l.tooManyHalf() || h.halfOpen.Load() >= int64(h.profile.HalfOpen) {
		h.count(DropHalfOpen)
		return nil
	}
	s := l.enter(e, k)
	if s == nil {
		return nil
	}
	o := s.opening(iss)
	l.acceptFast(e, s, &o)
	s.tcb = tcp.Accept(e.now, s.config, o, &e.in)
	l.addHalf(s)
	return s
}

// enter makes the socket of a connection and enters it in the table.
func (l *listener) enter(e *event, k *tuple) *Socket {
	h := l.host
	if b := &h.budget; b.on() && b.room(0) < connectionCost {
		h.count(DropMemory)
		return nil
	}
	s := h.newSocket(l.sock.network)
	l.sock.mu.Lock()
	s.inherit(l.sock)
	l.sock.mu.Unlock()
	s.local, s.remote, s.tuple = e.dstPort(), e.srcPort(), *k
	if err := s.findPath(e, ip.ID(k.zone)); err != nil {
		h.count(DropNoRoute)
		return nil
	}
	s.parent.Store(l) // before anybody can find it
	if !h.conns.add(k, s) {
		return nil // another packet of the same SYN was faster
	}
	s.entered = true
	return s
}

// tooManyHalf reports whether the listener keeps no more connections in SYN-RECEIVED.
func (l *listener) tooManyHalf() bool { return len(l.half) >= max(l.backlog, minHalfOpen) }

// minHalfOpen lets a listener with a short backlog still answer several at once.
const minHalfOpen = 16

// full reports whether a segment would end a handshake for which the accept queue
// has no room. It is dropped then; the peer or our SYN-ACK comes again.
func (l *listener) full(seg *wire.Segment) bool {
	return l.waitingForAccept() >= l.backlog &&
		seg.Flags&(wire.ACK|wire.RST|wire.SYN) == wire.ACK
}

// close resets all connections that nobody has accepted.
func (l *listener) close(e *event) {
	l.mu.Lock()
	l.closed = true
	l.accepts.stop()
	list := append(append([]*Socket(nil), l.half...), l.ready[l.first:]...)
	l.ready, l.first = nil, 0
	l.mu.Unlock()
	for _, s := range list {
		e.enter(s)
		s.closed = true
		s.abort(e)
		e.leave()
	}
}

// accept returns the next connection, waiting for it unless it must not.
func (l *listener) accept(block bool) (*Socket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if err := l.stopped(block); err != nil {
			return nil, err
		}
		if s := l.pop(); s != nil {
			return s, nil
		}
		if !block {
			return nil, syscall.EAGAIN
		}
		l.accepts.wait(l.host.line)
	}
}

// stopped says why Accept must not go on.
func (l *listener) stopped(block bool) error {
	switch {
	case l.closed:
		return net.ErrClosed
	case block && l.accepts.expired(l.host.line):
		return os.ErrDeadlineExceeded
	}
	return nil
}
