// Package reach is how a verb reaches the network that --on names: the kernel's, a
// fresh stack of this process, a stack that octet up holds in another process, or
// one that is raised on a device for this verb alone.
package reach

import (
	"context"
	"errors"
	"io"
	"net/netip"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// A Network is one that every verb works on.
type Network interface {
	octet.Network
	sight.Pinger
	Routes() ([]sight.Route, error)
	Neighbours() ([]sight.Neighbour, error)
	Conns() ([]sight.Conn, error)
	Counters() ([]sight.Counter, error)
	// NameServers returns whom the network asks for names.
	NameServers() ([]netip.AddrPort, error)
	// Capture writes what passes an interface to w in pcapng, packet by packet,
	// until the context ends. An empty name is the interface that matters most.
	Capture(ctx context.Context, name string, w io.Writer) error
	// Close gives the network back.
	Close() error
}

// Open returns the network that --on names.
func Open(ctx context.Context, on string) (Network, error) {
	switch {
	case on == "kernel":
		return system{octet.System()}, nil
	case on == "stack":
		return Own(octet.NewHost()), nil
	case !device.Is(on):
		return nil, outcome.Failf(outcome.Usage, "use kernel, stack, tun:NAME, tap:NAME or eth:NAME", "--on %s: no such network", on)
	}
	spec, err := device.Parse(on)
	if err != nil {
		return nil, err
	}
	n, err := Dial(ctx, spec)
	if !errors.Is(err, errNobody) {
		return n, err
	}
	s, err := device.Raise(ctx, device.Options{Device: spec, Auto: spec.Kind == device.Eth})
	if err != nil {
		return nil, err
	}
	return raised{Own(s.Host), s}, nil
}

// raised is a stack on a device of this process.
type raised struct {
	*own
	stack *device.Stack
}

func (r raised) Capture(ctx context.Context, name string, w io.Writer) error {
	if device := r.stack.Info.Name; name != "" && name != device {
		return outcome.Failf(outcome.NoName, "leave it out", "this stack shows what passes %s, and %q is another", device, name)
	}
	return r.stack.Capture(ctx, w)
}

func (r raised) Close() error { return r.stack.Close() }

// OnStack returns the network of a stack on a device, which stays the caller's.
func OnStack(s *device.Stack) Network { return lent{raised{Own(s.Host), s}} }

type lent struct{ raised }

func (lent) Close() error { return nil }
