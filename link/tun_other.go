//go:build !linux && !darwin

package link

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/octet-net/octet/timeline"
)

// OpenTUN is not to be had on this system: it returns errors.ErrUnsupported.
func OpenTUN(*timeline.Timeline, TUNOptions) (*PortDevice, error) {
	return nil, fmt.Errorf("link: TUN devices on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
