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
func (s *Socket) readiness() (r Ready) {
	if s.tcb == nil {
		return 0
	}
	t := s.tcb.Ready()
	for _, x := range [...]struct {
		tcp  tcp.Ready
		ours Ready
	}{
		{tcp.Readable, CanRead}, {tcp.Writable, CanWrite}, {tcp.ReadClosed, ReadEnd},
		{tcp.WriteClosed, WriteEnd}, {tcp.HasUrgent, Urgent}, {tcp.Doubtful, Doubtful},
	} {
		if t&x.tcp != 0 {
			r |= x.ours
		}
	}
	if t&tcp.Connected == 0 {
		r &^= CanWrite // octets can be queued before, but a program waits for the handshake
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
	s.notify = f
	l := s.listen
	s.mu.Unlock()
	if l != nil {
		l.mu.Lock()
		l.notify = f
		l.mu.Unlock()
	}
}
