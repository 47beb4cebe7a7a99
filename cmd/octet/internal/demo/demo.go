// Package demo runs the first conversation of any book on sockets, and its TCP twin
// over a wire that loses, doubles, reorders and damages packets, and shows what
// happens as it happens. Nothing it prints is made up: the packets are those that
// the stack sends.
package demo

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// The conversation.
const (
	greeting = "Hello"
	reply    = "Are you talking to me?"
	maxSize  = 4096
)

// both runs a server and, once it listens, a client. The first failure of one
// ends the other.
func both(ctx context.Context, server func(ctx context.Context, ready func()) error, client func(ctx context.Context) error) error {
	run, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	listening := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := server(run, sync.OnceFunc(func() { close(listening) })); err != nil {
			fail(err)
		}
	})
	all.Go(func() {
		select {
		case <-listening:
			if err := client(run); err != nil {
				fail(err)
			}
		case <-run.Done():
		}
	})
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(run)
}

// heard checks the answer.
func heard(answer []byte) error {
	if string(answer) != reply {
		return outcome.Failf(outcome.No, "", "the client got %s instead of the answer", report.PyBytes(answer))
	}
	return nil
}

// closing closes a host that an early end may have closed.
func closing(h *octet.Host, err *error) {
	if cerr := h.Close(); *err == nil && cerr != nil && !errors.Is(cerr, net.ErrClosed) {
		*err = cerr
	}
}
