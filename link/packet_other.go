//go:build !linux

package link

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/octet-net/octet/timeline"
)

// OpenPacket is not to be had on this system: it returns errors.ErrUnsupported.
func OpenPacket(*timeline.Timeline, PacketOptions) (*PortDevice, error) {
	return nil, fmt.Errorf("link: Ethernet interfaces on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
