//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package netif

import (
	"fmt"

	"github.com/octet-net/octet"
)

// Kernel returns the machine's interfaces as package net shows them, with the
// numbers that BSD gives to their flags.
func Kernel() ([]Interface, error) {
	all, err := shown(octet.System())
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	return all, nil
}
