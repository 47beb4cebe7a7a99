//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package netif

import (
	"fmt"
	"syscall"

	"github.com/octet-net/octet"
)

// Kernel returns the machine's interfaces. Package net leaves some flags out; the
// full number comes with the list of the routing socket.
func Kernel() ([]Interface, error) {
	all, err := shown(octet.System())
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	//lint:ignore SA1019 x/net/route, which replaces it, is no library of this module
	b, err := syscall.RouteRIB(syscall.NET_RT_IFLIST, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	//lint:ignore SA1019 as above
	messages, err := syscall.ParseRoutingMessage(b)
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	for _, m := range messages {
		//lint:ignore SA1019 as above
		im, ok := m.(*syscall.InterfaceMessage)
		if !ok {
			continue
		}
		for k := range all {
			if all[k].Index == int(im.Header.Index) {
				all[k].Flags.Value = uint32(im.Header.Flags)
			}
		}
	}
	return all, nil
}
