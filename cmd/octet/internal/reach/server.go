package reach

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// A request is the first frame of a stream.
type request struct {
	Do      string     `json:"do"`
	Network string     `json:"network,omitempty"`
	Address string     `json:"address,omitempty"`
	Ping    sight.Ping `json:"ping,omitzero"`
}

// ends is the reply that a socket was made.
type ends struct {
	Local  string `json:"local"`
	Remote string `json:"remote,omitempty"`
	ID     string `json:"id,omitempty"` // of a listener
}

// A server lets other processes use a network.
type server struct {
	Network
	mu        sync.Mutex
	next      int
	listeners map[string]net.Listener
}

// Serve lets whoever reaches the listener use the network, until the context ends.
// It closes the listener.
func Serve(ctx context.Context, l net.Listener, n Network) {
	s := &server{Network: n, listeners: map[string]net.Listener{}}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		all.Go(func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			p := newPipe(c)
			if err := s.answer(ctx, p); err != nil && ctx.Err() == nil {
				_ = p.fail(err) // who asked may have gone
			}
		})
	}
}

// answer does what one stream asks for.
func (s *server) answer(ctx context.Context, p *pipe) error {
	var q request
	if err := p.readJSON(&q); err != nil {
		return err
	}
	switch q.Do {
	case "dial":
		return s.dial(ctx, p, &q)
	case "listen":
		return s.listen(ctx, p, &q)
	case "accept":
		return s.accept(p, &q)
	case "packets":
		return s.packets(p, &q)
	case "ping":
		return s.ping(ctx, p, &q)
	case "capture":
		return s.capture(ctx, p, &q)
	}
	v, err := s.see(ctx, &q)
	if err != nil {
		return err
	}
	return p.writeJSON(v)
}

// see returns what a question asks for.
func (s *server) see(ctx context.Context, q *request) (any, error) {
	switch q.Do {
	case "interfaces":
		return s.Interfaces()
	case "routes":
		return s.Routes()
	case "neighbours":
		return s.Neighbours()
	case "conns":
		return s.Conns()
	case "counters":
		return s.Counters()
	case "servers":
		return s.NameServers()
	case "lookup":
		return s.LookupHost(ctx, q.Address)
	}
	return nil, errFrame
}

// hangup returns a context that ends when the other side goes, for a stream on which
// it says nothing more.
func hangup(ctx context.Context, p *pipe) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		p.whole() // whatever comes, it is the end
	}()
	return ctx, cancel
}

func (s *server) ping(ctx context.Context, p *pipe, q *request) error {
	dst, err := netip.ParseAddr(q.Address)
	if err != nil {
		return err
	}
	ctx, cancel := hangup(ctx, p)
	defer cancel()
	e, err := s.Ping(ctx, dst, q.Ping)
	if err != nil {
		return err
	}
	return p.writeJSON(e)
}

func (s *server) capture(ctx context.Context, p *pipe, q *request) error {
	ctx, cancel := hangup(ctx, p)
	defer cancel()
	return s.Capture(ctx, q.Address, streamWriter{p})
}

type streamWriter struct{ *pipe }

func (w streamWriter) Write(b []byte) (int, error) { return w.writeStream(b) }

// dial connects, unless the other side goes before.
func (s *server) dial(ctx context.Context, p *pipe, q *request) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if _, _, err := p.next(); err != nil {
			cancel()
		}
	}()
	c, err := s.DialContext(ctx, q.Network, q.Address)
	p.conn.SetReadDeadline(time.Unix(1, 0)) // ends the watch; an error shows when the stream is used
	<-watched
	p.conn.SetReadDeadline(time.Time{})
	if err != nil {
		return err
	}
	return carry(p, c)
}

// listen holds a listener until the other side goes.
func (s *server) listen(ctx context.Context, p *pipe, q *request) error {
	l, err := s.Listen(q.Network, q.Address)
	if err != nil {
		return err
	}
	defer l.Close()
	s.mu.Lock()
	s.next++
	id := strconv.Itoa(s.next)
	s.listeners[id] = l
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, id)
	}()
	if err := p.writeJSON(ends{Local: l.Addr().String(), ID: id}); err != nil {
		return err
	}
	ctx, cancel := hangup(ctx, p)
	defer cancel()
	<-ctx.Done()
	return nil
}

// accept waits for the next connection of a listener.
func (s *server) accept(p *pipe, q *request) error {
	s.mu.Lock()
	l := s.listeners[q.Address]
	s.mu.Unlock()
	if l == nil {
		return net.ErrClosed
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	return carry(p, c)
}

// carry tells that there is a connection and joins the stream with it until both
// directions have ended. Datagrams stay what they are: a frame each.
func carry(p *pipe, c net.Conn) error {
	defer c.Close()
	if err := p.writeJSON(ends{Local: c.LocalAddr().String(), Remote: c.RemoteAddr().String()}); err != nil {
		return err
	}
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { inward(p, c) })
	b := make([]byte, streamChunk)
	for {
		n, err := c.Read(b)
		var lost error // the other process has gone
		if n > 0 || err == nil {
			lost = p.write(frameData, b[:n])
		}
		if lost == nil && errors.Is(err, io.EOF) {
			return p.write(frameEnd)
		}
		if errors.Is(err, net.ErrClosed) { // by inward or with the stack
			return nil
		}
		if lost == nil && err != nil {
			lost = p.fail(err)
		}
		if lost != nil || err != nil && !passes(c, err) {
			if lost != nil {
				c.Close() // which ends inward
			}
			return lost
		}
	}
}

// passes reports whether a socket goes on after an error: one for datagrams, which
// was told that nobody listens.
func passes(c net.Conn, err error) bool {
	_, packets := c.(net.PacketConn)
	return packets && !errors.Is(err, net.ErrClosed)
}

// inward writes what the other process sends to the connection, until it has gone.
func inward(p *pipe, c net.Conn) {
	defer c.Close()
	for {
		b, err := p.content(frameData)
		if errors.Is(err, io.EOF) {
			half, ok := c.(interface{ CloseWrite() error })
			if !ok || half.CloseWrite() != nil {
				return
			}
			continue // it still reads; when it goes, that is no end of the stream
		}
		if err != nil {
			return
		}
		if _, err := c.Write(b); err != nil && !passes(c, err) {
			p.whole() // Read tells why, and then the other process goes
			return
		}
	}
}

// packets holds a socket for datagrams: each frame has the length of an address, the
// address, and the octets.
func (s *server) packets(p *pipe, q *request) error {
	c, err := s.ListenPacket(q.Network, q.Address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := p.writeJSON(ends{Local: c.LocalAddr().String()}); err != nil {
		return err
	}
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { packetsInward(p, c) })
	b := make([]byte, streamChunk)
	for {
		n, from, err := c.ReadFrom(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil // the other process has gone
		case err != nil:
			err = p.fail(err)
		default:
			a := from.String()
			err = p.write(frameData, []byte{byte(len(a))}, []byte(a), b[:n])
		}
		if err != nil {
			c.Close()
			return err
		}
	}
}

// packetsInward sends what the other process wants sent, until it has gone.
func packetsInward(p *pipe, c net.PacketConn) {
	defer c.Close()
	for {
		b, err := p.content(frameData)
		if err != nil {
			return
		}
		to, b, err := addressed(b)
		if err == nil {
			_, err = c.WriteTo(b, net.UDPAddrFromAddrPort(to))
		}
		if err != nil && p.fail(err) != nil {
			return
		}
	}
}

// addressed takes the address off a datagram.
func addressed(b []byte) (netip.AddrPort, []byte, error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return netip.AddrPort{}, nil, errFrame
	}
	n := 1 + int(b[0])
	a, err := netip.ParseAddrPort(string(b[1:n]))
	return a, b[n:], err
}
