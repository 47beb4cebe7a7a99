//go:build !linux

package kernel

// On this system nothing is shown beyond what package net shows.

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
)

// AddAddress is not to be had on this system: it returns errors.ErrUnsupported.
func AddAddress(int, netip.Prefix) error { return unsupported("addresses of interfaces") }

func unsupported(what string) error {
	return fmt.Errorf("%s on %s: %w", what, runtime.GOOS, errors.ErrUnsupported)
}
