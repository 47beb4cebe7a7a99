//go:build !linux

package kernel

// On this system nothing is shown beyond what package net shows.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"

	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// AddAddress is not to be had on this system: it returns errors.ErrUnsupported.
func AddAddress(int, netip.Prefix) error { return unsupported("addresses of interfaces") }

// Routes is not to be had on this system.
func Routes() ([]sight.Route, error) { return nil, unsupported("routes of the kernel") }

// Neighbours is not to be had on this system.
func Neighbours() ([]sight.Neighbour, error) { return nil, unsupported("neighbours of the kernel") }

// Conns is not to be had on this system.
func Conns() ([]sight.Conn, error) { return nil, unsupported("sockets of the kernel") }

// Counters is not to be had on this system.
func Counters() ([]sight.Counter, error) { return nil, unsupported("counters of the kernel") }

// Ping is not to be had on this system.
func Ping(context.Context, netip.Addr, sight.Ping) (sight.Echo, error) {
	return sight.Echo{}, unsupported("pings of the kernel")
}

// Capture is not to be had on this system.
func Capture(context.Context, string, io.Writer) error {
	return unsupported("captures of the kernel's packets")
}

func unsupported(what string) error {
	return fmt.Errorf("%s on %s: %w", what, runtime.GOOS, errors.ErrUnsupported)
}
