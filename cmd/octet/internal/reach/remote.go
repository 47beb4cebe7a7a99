package reach

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// remote is a network that another process holds.
type remote struct {
	path string
	on   device.Spec
	met  bool          // it was there once
	turn atomic.Uint32 // which name server is asked
}

// open begins a stream with a request. The context bounds what follows until done
// is called.
func (r *remote) open(ctx context.Context, q request) (p *pipe, done func(), err error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", r.path)
	if err != nil && r.met && ctx.Err() == nil {
		err = errGone
	}
	if err != nil {
		return nil, nil, err
	}
	p = newPipe(c)
	stop := context.AfterFunc(ctx, func() { c.Close() })
	if err := p.writeJSON(q); err != nil {
		stop()
		return nil, nil, errors.Join(err, c.Close())
	}
	return p, func() { stop() }, nil
}

// ask asks a question that has one answer.
func ask[T any](ctx context.Context, r *remote, q request) (answer T, err error) {
	p, done, err := r.open(ctx, q)
	if err != nil {
		return answer, err
	}
	defer p.conn.Close()
	defer done()
	if err = p.readJSON(&answer); ctx.Err() != nil {
		err = ctx.Err()
	}
	return answer, err
}

func (r *remote) Interfaces() ([]octet.Interface, error) {
	return ask[[]octet.Interface](context.Background(), r, request{Do: "interfaces"})
}

func (r *remote) Routes() ([]sight.Route, error) {
	return ask[[]sight.Route](context.Background(), r, request{Do: "routes"})
}

func (r *remote) Neighbours() ([]sight.Neighbour, error) {
	return ask[[]sight.Neighbour](context.Background(), r, request{Do: "neighbours"})
}

func (r *remote) Conns() ([]sight.Conn, error) {
	return ask[[]sight.Conn](context.Background(), r, request{Do: "conns"})
}

func (r *remote) Counters() ([]sight.Counter, error) {
	return ask[[]sight.Counter](context.Background(), r, request{Do: "counters"})
}

func (r *remote) NameServers() ([]netip.AddrPort, error) {
	return ask[[]netip.AddrPort](context.Background(), r, request{Do: "servers"})
}

func (r *remote) LookupHost(ctx context.Context, name string) ([]string, error) {
	return ask[[]string](ctx, r, request{Do: "lookup", Address: name})
}

func (r *remote) Ping(ctx context.Context, dst netip.Addr, p sight.Ping) (sight.Echo, error) {
	return ask[sight.Echo](ctx, r, request{Do: "ping", Address: dst.String(), Ping: p})
}

// Close does nothing: the network is another process's.
func (r *remote) Close() error { return nil }

// Resolver returns a resolver that asks the servers of the network over it.
func (r *remote) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		servers, err := r.NameServers()
		if err != nil {
			return nil, err
		}
		if len(servers) == 0 {
			return nil, errors.New("the stack knows no name server")
		}
		return r.DialContext(ctx, network, servers[int(r.turn.Add(1)-1)%len(servers)].String())
	}}
}

func (r *remote) Capture(ctx context.Context, name string, w io.Writer) error {
	p, done, err := r.open(ctx, request{Do: "capture", Address: name})
	if err != nil {
		return err
	}
	defer p.conn.Close()
	defer done()
	for {
		b, err := p.content(frameData)
		if err == nil {
			_, err = w.Write(b)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return errGone
		case err != nil:
			return err
		}
	}
}

// start opens a stream that becomes a socket.
func (r *remote) start(ctx context.Context, q request) (*pipe, ends, error) {
	var e ends
	p, done, err := r.open(ctx, q)
	if err != nil {
		return nil, e, err
	}
	defer done()
	if err := p.readJSON(&e); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		p.conn.Close()
		return nil, e, err
	}
	return p, e, nil
}

func (r *remote) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	p, e, err := r.start(ctx, request{Do: "dial", Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	return connOf(p, network, e), nil
}

func (r *remote) Listen(network, address string) (net.Listener, error) {
	p, e, err := r.start(context.Background(), request{Do: "listen", Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &listener{remote: r, pipe: p, id: e.ID, network: network, addr: parseAddr(network, e.Local), ctx: ctx, cancel: cancel}, nil
}

func (r *remote) ListenPacket(network, address string) (net.PacketConn, error) {
	p, e, err := r.start(context.Background(), request{Do: "packets", Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	return &packetConn{conn{p, network, e}}, nil
}

// A listener is one of another process.
type listener struct {
	*remote
	pipe    *pipe
	id      string
	network string
	addr    net.Addr
	ctx     context.Context
	cancel  context.CancelFunc
}

func (l *listener) Accept() (net.Conn, error) {
	p, e, err := l.start(l.ctx, request{Do: "accept", Address: l.id})
	switch {
	case l.ctx.Err() != nil:
		if err == nil {
			p.conn.Close()
		}
		return nil, &net.OpError{Op: "accept", Net: l.network, Addr: l.addr, Err: net.ErrClosed}
	case err != nil:
		return nil, err
	}
	return connOf(p, l.network, e), nil
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Close() error {
	l.cancel()
	return l.pipe.conn.Close()
}
