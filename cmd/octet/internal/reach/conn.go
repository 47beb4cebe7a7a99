package reach

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A conn is what the sockets of another process have in common.
type conn struct {
	*pipe
	network string
	ends    ends
}

func (c *conn) LocalAddr() net.Addr                { return parseAddr(c.network, c.ends.Local) }
func (c *conn) RemoteAddr() net.Addr               { return parseAddr(c.network, c.ends.Remote) }
func (c *conn) SetDeadline(t time.Time) error      { return c.conn.SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.conn.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }
func (c *conn) Close() error                       { return c.conn.Close() }

// failure makes errors of the Unix stream those of the connection.
func (c *conn) failure(op string, err error) error {
	var own *net.OpError
	if !errors.As(err, &own) || own.Net != "unix" {
		return err
	}
	return &net.OpError{Op: op, Net: c.network, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: own.Err}
}

// parseAddr reads the address of a socket; nil if there is none.
func parseAddr(network, s string) net.Addr {
	a, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		return nil
	case strings.HasPrefix(network, "udp"):
		return net.UDPAddrFromAddrPort(a)
	}
	return net.TCPAddrFromAddrPort(a)
}

// connOf returns a connection, of a stream or of datagrams.
func connOf(p *pipe, network string, e ends) net.Conn {
	c := conn{p, network, e}
	if strings.HasPrefix(network, "udp") {
		return &datagramConn{c}
	}
	return &streamConn{c}
}

// A streamConn is a TCP connection.
type streamConn struct{ conn }

func (c *streamConn) Read(b []byte) (int, error) {
	n, err := c.read(b)
	return n, c.failure("read", err)
}

func (c *streamConn) Write(b []byte) (int, error) {
	n, err := c.writeStream(b)
	return n, c.failure("write", err)
}

// CloseWrite ends our half.
func (c *streamConn) CloseWrite() error { return c.failure("close", c.write(frameEnd)) }

// A datagramConn is a connected UDP socket.
type datagramConn struct{ conn }

func (c *datagramConn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	p, err := c.content(frameData)
	if err == io.EOF {
		err = net.ErrClosed
	}
	return copy(b, p), c.failure("read", err)
}

func (c *datagramConn) Write(b []byte) (int, error) {
	if err := c.write(frameData, b); err != nil {
		return 0, c.failure("write", err)
	}
	return len(b), nil
}

// A packetConn is a UDP socket that is not connected.
type packetConn struct{ conn }

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	p, err := c.content(frameData)
	if err == io.EOF {
		err = net.ErrClosed
	}
	if err != nil {
		return 0, nil, c.failure("read", err)
	}
	from, p, err := addressed(p)
	if err != nil {
		return 0, nil, err
	}
	return copy(b, p), net.UDPAddrFromAddrPort(from), nil
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	a := to.String()
	if err := c.write(frameData, []byte{byte(len(a))}, []byte(a), b); err != nil {
		return 0, c.failure("write", err)
	}
	return len(b), nil
}
