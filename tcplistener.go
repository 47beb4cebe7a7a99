package octet

import (
	"net"
	"time"
)

// A TCPListener accepts TCP connections, like *net.TCPListener. It is made by Host.Listen.
type TCPListener struct{ s *Socket }

// Socket returns the non-blocking socket that the listener is made of.
func (l *TCPListener) Socket() *Socket { return l.s }

// Accept waits for the next connection. It is a *TCPConn.
func (l *TCPListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptTCP is Accept for those who want the concrete type.
func (l *TCPListener) AcceptTCP() (*TCPConn, error) {
	s, err := l.s.listen.accept(true)
	if err != nil {
		return nil, l.opErr("accept", err)
	}
	return &TCPConn{s}, nil
}

// Close stops listening. Connections that nobody has accepted are reset, and
// Accept returns net.ErrClosed.
func (l *TCPListener) Close() error { return l.opErr("close", l.s.Close()) }

// Addr returns a *net.TCPAddr.
func (l *TCPListener) Addr() net.Addr { return tcpAddr(l.s.LocalAddr()) }

// SetDeadline sets the deadline of Accept; the zero time means none.
func (l *TCPListener) SetDeadline(t time.Time) error {
	ln := l.s.listen
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.closed {
		return net.ErrClosed // bare, as package net has it
	}
	ln.accepts.setDeadline(ln.host.line, t)
	return nil
}

func (l *TCPListener) opErr(op string, err error) error {
	return opErr(op, l.s.network.String(), nil, l.Addr(), err)
}
