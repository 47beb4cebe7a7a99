package octet

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/octet-net/octet/tcp"
)

// A TCPConn is a TCP connection: a net.Conn with what *net.TCPConn has besides,
// and its errors. It is made by Host.Dial or TCPListener.Accept.
//
// Like those of package net, connections send small segments at once
// (SetNoDelay); unlike those, they send no keep-alives unless asked to.
type TCPConn struct{ s *Socket }

// Socket returns the non-blocking socket that the connection is made of. Both
// may be used at once.
func (c *TCPConn) Socket() *Socket { return c.s }

// Read reads what has arrived, at least one octet, waiting for it until the read
// deadline. After the peer's FIN it returns io.EOF.
func (c *TCPConn) Read(p []byte) (int, error) {
	n, err := c.s.read(p)
	if err != nil && err != io.EOF {
		err = c.opErr("read", sysErr("read", err))
	}
	return n, err
}

// Write puts all of p into the send buffer, waiting for room until the write deadline.
func (c *TCPConn) Write(p []byte) (int, error) {
	n, err := c.s.write(p)
	if err != nil {
		err = c.opErr("write", sysErr("write", err))
	}
	return n, err
}

// Close ends the connection in both directions. What was written is still
// delivered in the background, unless data that has arrived was not read, or
// SetLinger says otherwise. Read and Write calls that wait return net.ErrClosed.
func (c *TCPConn) Close() error { return c.opErr("close", c.s.Close()) }

// CloseRead ends the reading side.
func (c *TCPConn) CloseRead() error { return c.shutdown(ShutRead) }

// CloseWrite ends the writing side: the peer reads what was written, then io.EOF.
func (c *TCPConn) CloseWrite() error { return c.shutdown(ShutWrite) }

func (c *TCPConn) shutdown(d Direction) error {
	return c.opErr("close", sysErr("shutdown", c.s.Shutdown(d)))
}

// LocalAddr returns a *net.TCPAddr.
func (c *TCPConn) LocalAddr() net.Addr { return tcpAddr(c.s.LocalAddr()) }

// RemoteAddr returns a *net.TCPAddr.
func (c *TCPConn) RemoteAddr() net.Addr { return tcpAddr(c.s.RemoteAddr()) }

// SetDeadline sets both deadlines; the zero time means none. A deadline in the
// past ends waiting calls at once.
func (c *TCPConn) SetDeadline(t time.Time) error { return c.setDeadline(t, true, true) }

// SetReadDeadline sets the deadline of Read.
func (c *TCPConn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, true, false) }

// SetWriteDeadline sets the deadline of Write.
func (c *TCPConn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, false, true) }

func (c *TCPConn) setDeadline(t time.Time, read, write bool) error {
	err := c.s.set(func(s *Socket) error {
		if read {
			s.side(&s.reads).setDeadline(s.host.line, t)
		}
		if write {
			s.side(&s.writes).setDeadline(s.host.line, t)
		}
		return nil
	})
	return opErr("set", c.s.network.String(), nil, c.LocalAddr(), err)
}

// SetLinger says how long Close may go on delivering in the background, in
// seconds: below zero without a limit (the default), zero to reset the
// connection at once. Close never waits.
func (c *TCPConn) SetLinger(sec int) error {
	d := time.Duration(-1)
	if sec >= 0 {
		d = time.Duration(sec) * time.Second
	}
	return c.option(c.s.SetLinger(d))
}

// SetNoDelay says whether small segments are sent at once (true, the default) or
// wait while data is unacknowledged (RFC 9293 §3.7.4).
func (c *TCPConn) SetNoDelay(on bool) error { return c.option(c.s.SetNoDelay(on)) }

// SetKeepAlive turns keep-alive probes on, with the defaults of package net
// (after 15 s, every 15 s, 9 times), or off.
func (c *TCPConn) SetKeepAlive(on bool) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: on})
}

// SetKeepAlivePeriod sets the time before the first probe and between probes, and turns them on.
func (c *TCPConn) SetKeepAlivePeriod(d time.Duration) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: d, Interval: d})
}

// SetKeepAliveConfig sets everything about keep-alive; zero fields mean the
// defaults of package net.
func (c *TCPConn) SetKeepAliveConfig(k net.KeepAliveConfig) error {
	return c.option(c.s.SetKeepAlive(keepAlive(k)))
}

func keepAlive(k net.KeepAliveConfig) tcp.KeepAlive {
	if !k.Enable {
		return tcp.KeepAlive{}
	}
	out := tcp.KeepAlive{Idle: k.Idle, Interval: k.Interval, Count: k.Count}
	if out.Idle <= 0 {
		out.Idle = 15 * time.Second
	}
	if out.Interval <= 0 {
		out.Interval = 15 * time.Second
	}
	if out.Count <= 0 {
		out.Count = 9
	}
	return out
}

// SetReadBuffer fixes the size of the receive buffer in octets.
func (c *TCPConn) SetReadBuffer(octets int) error { return c.option(c.s.SetReceiveBuffer(octets)) }

// SetWriteBuffer fixes the size of the send buffer in octets.
func (c *TCPConn) SetWriteBuffer(octets int) error { return c.option(c.s.SetSendBuffer(octets)) }

// SetUserTimeout says how long data may stay unacknowledged before the connection
// fails with syscall.ETIMEDOUT; 0 returns to the default (RFC 5482, MUST-21).
func (c *TCPConn) SetUserTimeout(d time.Duration) error { return c.option(c.s.SetUserTimeout(d)) }

// Info returns everything that can be observed in the connection.
func (c *TCPConn) Info() Info { return c.s.Info() }

// copyBuffers holds plain memory for ReadFrom and WriteTo.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadFrom writes all that r yields, and returns how many octets (io.ReaderFrom).
func (c *TCPConn) ReadFrom(r io.Reader) (int64, error) {
	return c.copy(struct{ io.Writer }{c}, r, "readfrom")
}

// WriteTo writes to w all that arrives until the peer's FIN (io.WriterTo).
func (c *TCPConn) WriteTo(w io.Writer) (int64, error) {
	return c.copy(w, struct{ io.Reader }{c}, "writeto")
}

func (c *TCPConn) copy(w io.Writer, r io.Reader, op string) (int64, error) {
	b := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(b)
	n, err := io.CopyBuffer(w, r, b[:])
	if err != nil {
		err = c.opErr(op, err)
	}
	return n, err
}

func (c *TCPConn) option(err error) error { return c.opErr("set", sysErr("setsockopt", err)) }

func (c *TCPConn) opErr(op string, err error) error {
	if err == nil {
		return nil
	}
	return opErr(op, c.s.network.String(), c.LocalAddr(), c.RemoteAddr(), err)
}
