package octet

import "github.com/octet-net/octet/tcp"

// Ready tells which calls of a Socket would not return syscall.EAGAIN.
type Ready uint8

// The bits of Ready.
const (
	CanRead  Ready = 1 << iota // Recv has octets; Accept has a connection
	CanWrite                   // Send takes octets; Connect has succeeded
	ReadEnd                    // the peer has sent its FIN, or reading was shut down: Recv ends with io.EOF
	WriteEnd                   // writing was shut down: Send returns syscall.EPIPE
	Failed                     // the connection has failed: Error says why
	Urgent                     // urgent data is ahead (RFC 9293 §3.8.5)
	Doubtful                   // R1 retransmissions went unanswered: the peer may be gone (RFC 9293 §3.8.3, SHLD-9)
)

// Has reports whether all bits of x are set.
func (r Ready) Has(x Ready) bool { return r&x == x }

// readiness returns what can be done now. The lock is held.
func (s *Socket) readiness() Ready {
	if s.tcb == nil {
		return 0
	}
	return s.readinessOf(s.tcb.Ready())
}

// readinessOf is readiness for who knows what the machine is ready for.
func (s *Socket) readinessOf(t tcp.Ready) (r Ready) {
	if t&tcp.Readable != 0 {
		r |= CanRead
	}
	if t&(tcp.Writable|tcp.Connected) == tcp.Writable|tcp.Connected { // octets can be queued before, but a program waits for the handshake
		r |= CanWrite
	}
	if t&tcp.ReadClosed != 0 {
		r |= ReadEnd
	}
	if t&tcp.WriteClosed != 0 {
		r |= WriteEnd
	}
	if t&tcp.HasUrgent != 0 {
		r |= Urgent
	}
	if t&tcp.Doubtful != 0 {
		r |= Doubtful
	}
	if s.end != 0 {
		r |= Failed
	}
	return r
}

// Ready returns which calls would do something now.
func (s *Socket) Ready() Ready {
	s.mu.Lock()
	l := s.listen
	r := s.readiness()
	s.mu.Unlock()
	if l == nil {
		return r
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waitingForAccept() > 0 {
		r |= CanRead
	}
	return r
}

// Notify has f called whenever Ready has changed, until Close; nil ends that. f
// is called with no lock held by whoever brought the change about: it must not
// wait. It is not called for what is ready already.
func (s *Socket) Notify(f func(Ready)) {
	s.mu.Lock()
	s.notify, s.ready = f, s.readiness() // reads that nobody was told of did not note it
	l := s.listen
	s.mu.Unlock()
	if l != nil {
		l.mu.Lock()
		l.notify = f
		l.mu.Unlock()
	}
}
