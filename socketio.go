package octet

import (
	"io"
	"net"
	"syscall"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
)

// Send puts octets into the send buffer and returns how many, or syscall.EAGAIN
// if it has no room, syscall.EPIPE after Shutdown, and why the connection failed.
func (s *Socket) Send(p []byte) (int, error) { return s.put(p, (*tcp.TCB).Send) }

// SendUrgent is Send for octets that the peer shall know to be urgent (RFC 6093).
func (s *Socket) SendUrgent(p []byte) (int, error) { return s.put(p, (*tcp.TCB).SendUrgent) }

func (s *Socket) put(p []byte, send func(*tcp.TCB, mono.Time, []byte) int) (int, error) {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	if err := s.maySend(); err != nil {
		return 0, err
	}
	n := send(s.tcb, e.now, p[:s.afford(len(p))])
	if n == 0 && len(p) > 0 {
		return 0, syscall.EAGAIN
	}
	return n, nil
}

// maySend says why nothing can be sent, now or ever.
func (s *Socket) maySend() error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.pending:
		return s.takePending()
	case s.tcb == nil:
		return syscall.ENOTCONN
	}
	t := s.tcb.Ready()
	switch {
	case s.writeShut || t&(tcp.WriteClosed|tcp.Dead) != 0:
		return syscall.EPIPE
	case t&tcp.Connected == 0:
		return syscall.EAGAIN
	}
	return nil
}

// Recv takes octets that have arrived and returns how many; io.EOF after the
// peer's FIN, syscall.EAGAIN if there are none yet, and why the connection failed.
func (s *Socket) Recv(p []byte) (int, error) {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	if err := s.mayReceive(); err != nil {
		return 0, err
	}
	return s.received(s.tcb.Receive(e.now, p), len(p))
}

// Peek copies octets like Recv, from off octets after the next, and leaves them there.
func (s *Socket) Peek(p []byte, off int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayReceive(); err != nil {
		return 0, err
	}
	return s.received(s.tcb.Peek(p, off), len(p))
}

func (s *Socket) mayReceive() error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.tcb == nil:
		return syscall.ENOTCONN
	case s.readShut && s.tcb.Ready()&tcp.Readable == 0:
		return io.EOF
	}
	return nil
}

// received says what it means that n octets were there where up to most were wanted.
func (s *Socket) received(n, most int) (int, error) {
	t := s.tcb.Ready()
	switch {
	case n > 0 || most == 0:
		return n, nil
	case s.sawFIN:
		return 0, io.EOF
	case s.pending:
		return 0, s.takePending()
	case t&(tcp.ReadClosed|tcp.Dead) != 0:
		return 0, io.EOF
	}
	return 0, syscall.EAGAIN
}

// Error returns why the connection has failed, once: a syscall.Errno, or nil
// (SO_ERROR). What a Send or Recv has returned is not returned again.
func (s *Socket) Error() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pending {
		return nil
	}
	return s.takePending()
}

func (s *Socket) takePending() error {
	err := syscall.Errno(s.end)
	s.pending = false
	return err
}

// A Direction is one that Shutdown ends.
type Direction uint8

// The directions of Shutdown.
const (
	ShutRead  Direction = 1 << iota // what still arrives is thrown away
	ShutWrite                       // a FIN follows what was sent
)

// Shutdown ends one direction of a connection, or with ShutRead|ShutWrite both.
func (s *Socket) Shutdown(d Direction) error {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	return s.shutdown(e, d)
}

func (s *Socket) shutdown(e *event, d Direction) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.tcb == nil || !s.entered: // never connected, or over
		return syscall.ENOTCONN
	}
	if d&ShutRead != 0 {
		s.readShut = true
		s.tcb.CloseRead(e.now)
		s.reads.wakeAll()
	}
	if d&ShutWrite != 0 {
		s.writeShut = true
		s.tcb.Shutdown(e.now)
		s.writes.wakeAll()
	}
	return nil
}
