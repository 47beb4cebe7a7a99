package octet

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/octet-net/octet/tcp"
)

// What follows are the calls of a Socket that wait. A program waits under the
// lock of its socket, with nothing else in its hands; an event begins only when
// there is something to do.

// read is Recv that waits.
func (s *Socket) read(p []byte) (int, error) {
	s.mu.Lock()
	for {
		if err := s.stopped(s.reads); err != nil || len(p) == 0 {
			s.mu.Unlock()
			return 0, err
		}
		if s.readShut || s.tcb.Ready()&(tcp.Readable|tcp.ReadClosed|tcp.Dead) != 0 {
			break
		}
		s.side(&s.reads).wait(s.host.line)
	}
	n := s.tcb.Receive(s.latest, p)
	if n > 0 && s.undisturbed() {
		s.mu.Unlock()
		return n, nil
	}
	e := s.host.adopt(s)
	defer e.end()
	if n > 0 {
		return n, nil
	}
	return 0, s.readEnd()
}

// undisturbed reports that a Read has no consequence that an event would have to
// draw: the peer need not be told, and nobody else waits for octets or for news.
func (s *Socket) undisturbed() bool {
	return s.tcb.Silent() && s.notify == nil && s.reads.alone() && !s.host.budget.on()
}

// readEnd returns why there is nothing more to read: io.EOF, or once why the
// connection failed. A Write that was told the failure before does not keep it from Read.
func (s *Socket) readEnd() error {
	if s.sawFIN || s.readShut || !s.readErr {
		return io.EOF
	}
	s.readErr, s.writeErr, s.pending = false, false, false
	return syscall.Errno(s.end)
}

// stopped says why a call must not go on: the socket is closed or the deadline is over.
func (s *Socket) stopped(w *side) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case w.expired(s.host.line):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// write is Send that waits until all of p is in the send buffer. The octets of
// one call stay together: calls take turns.
func (s *Socket) write(p []byte) (n int, err error) {
	s.mu.Lock()
	for s.writing && err == nil {
		if err = s.stopped(s.writes); err == nil {
			s.side(&s.writes).wait(s.host.line)
		}
	}
	if err != nil {
		s.mu.Unlock()
		return 0, err
	}
	s.writing = true
	for {
		if err = s.awaitRoom(); err != nil || len(p) == 0 {
			break
		}
		most := s.afford(len(p))
		if most == 0 {
			s.side(&s.writes).wait(s.host.line)
			continue
		}
		e := s.host.adopt(s)
		k := s.tcb.Send(e.now, p[:most])
		n, p = n+k, p[k:]
		if len(p) == 0 {
			s.endTurn()
			e.end()
			return n, nil
		}
		e.end() // delivers, which may make room
		s.mu.Lock()
	}
	s.endTurn()
	s.mu.Unlock()
	return n, err
}

// endTurn lets the next Write begin.
func (s *Socket) endTurn() {
	s.writing = false
	s.writes.wake()
}

// awaitRoom waits until something can be sent.
func (s *Socket) awaitRoom() error {
	for {
		if err := s.stopped(s.writes); err != nil {
			return err
		}
		t := s.tcb.Ready()
		switch {
		case s.writeErr:
			s.writeErr, s.pending = false, false
			return syscall.Errno(s.end)
		case s.writeShut || t&(tcp.WriteClosed|tcp.Dead) != 0:
			return syscall.EPIPE
		case t&tcp.Writable != 0:
			return nil
		}
		s.side(&s.writes).wait(s.host.line)
	}
}

// dial is Connect that waits for the handshake, or until the context ends.
func (s *Socket) dial(ctx context.Context, a netip.AddrPort) error {
	if err := s.Connect(a); err != syscall.EINPROGRESS {
		return sysErr("connect", err)
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.writes.wakeAll()
		})()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return net.ErrClosed
		case s.end != 0:
			s.pending, s.readErr, s.writeErr = false, false, false
			return sysErr("connect", syscall.Errno(s.end))
		case s.tcb.Ready()&tcp.Connected != 0:
			return nil
		case ctx.Err() != nil:
			return contextError(ctx.Err())
		}
		s.side(&s.writes).wait(s.host.line)
	}
}
