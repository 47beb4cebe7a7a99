package up

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// dialTime is how long a forwarded connection waits for where it leads.
const dialTime = 30 * time.Second

// forward leads connections to a port of the stack on to a host that the kernel
// reaches. Each end's end of the stream is passed on, and so is a reset.
func (u *Run) forward(run context.Context, f quantity.Forward) (func(), error) {
	return u.streams(run, f.Port, func(c net.Conn) {
		u.traffic.connections.Add(1)
		p := passedBody{Peer: c.RemoteAddr().String()}
		err := u.lead(run, c, f, &p)
		u.traffic.inOctets.Add(p.In)
		u.traffic.outOctets.Add(p.Out)
		if err != nil && run.Err() == nil {
			u.traffic.failed.Add(1)
			p.Error = outcome.Cause(err)
			u.Report.Notef("%s → %s: %s", p.Peer, f.Address(), p.Error)
		}
		u.Report.Detailf("%s → %s ended after %s octets in, %s out", p.Peer, f.Address(), quantity.Group(p.In), quantity.Group(p.Out))
		u.Report.Event("closed", forwardBody{f.Port, f.Address()}, p)
	})
}

// lead calls the host and carries both directions to their ends.
func (u *Run) lead(run context.Context, c net.Conn, f quantity.Forward, p *passedBody) error {
	ctx, cancel := context.WithTimeout(run, dialTime)
	far, err := octet.System().DialContext(ctx, "tcp", f.Address())
	cancel()
	if err != nil {
		reset(c) // what the peer would have got from there
		return err
	}
	defer far.Close()
	defer context.AfterFunc(run, func() { far.Close() })()
	var both sync.WaitGroup
	var out error
	both.Go(func() { p.Out, out = carry(c, far) })
	p.In, err = carry(far, c)
	both.Wait()
	return errors.Join(err, out)
}

// carry copies one direction, then passes on how it ended.
func carry(to, from net.Conn) (int64, error) {
	n, err := io.Copy(to, from)
	if err == nil {
		err = to.(interface{ CloseWrite() error }).CloseWrite()
		if errors.Is(err, net.ErrClosed) || outcome.Of(err) == outcome.Refused {
			err = nil // it has ended before: nobody there wants the end of the stream any more
		}
	}
	if err != nil {
		reset(to)
		reset(from)
	}
	return n, err
}

// reset breaks a connection off, so that nobody takes what came for the whole.
func reset(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0) // a connection that is gone already cannot and need not be reset
	}
	c.Close()
}
