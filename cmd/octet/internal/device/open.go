package device

import (
	"errors"
	"io/fs"
	"net"
	"runtime"
	"syscall"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// opened is a device that was opened.
type opened struct {
	*link.PortDevice
	made bool // there was none of its name before, and there will be none after Close
}

// open opens the device.
func (s Spec) open(line *timeline.Timeline, mtu int) (opened, error) {
	_, missing := net.InterfaceByName(s.Name)
	var o opened
	var err error
	if s.Kind == Eth {
		o.PortDevice, err = link.OpenPacket(line, link.PacketOptions{Interface: s.Name})
	} else {
		o.made = missing != nil
		o.PortDevice, err = link.OpenTUN(line, link.TUNOptions{
			Name: s.Name, TAP: s.Kind == TAP, MTU: mtu, Up: o.made,
		})
	}
	if err != nil {
		return o, s.failure(err, missing != nil)
	}
	return o, nil
}

// capability is what opening a device of the kind needs.
func (s Spec) capability() string {
	if s.Kind == Eth {
		return "CAP_NET_RAW"
	}
	return "CAP_NET_ADMIN"
}

// failure says what to do about a device that cannot be opened.
func (s Spec) failure(err error, missing bool) error {
	cause := outcome.Cause(err)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return outcome.Failf(outcome.Usage, "Linux has them", "there are no %s devices on %s", s.Kind, runtime.GOOS)
	case errors.Is(err, fs.ErrPermission):
		do := "it needs the capability " + s.capability() + ": run it as root, or sudo setcap " + s.setcap() + "+ep $(command -v octet)"
		return outcome.Failf(outcome.NotPermitted, do, "cannot open %s: %s", s, cause)
	case errors.Is(err, syscall.EBUSY):
		return outcome.Failf(outcome.Usage, "end the program that holds it, or choose another name", "cannot open %s: another program has it open", s)
	case errors.Is(err, fs.ErrNotExist) && s.Kind != Eth:
		return outcome.Failf(outcome.Usage, "load the driver: modprobe tun", "cannot open %s: %w", s, err)
	case s.Kind == Eth && missing:
		return outcome.Failf(outcome.NoName, "octet if -a lists the interfaces", "cannot open %s: there is no interface %q", s, s.Name)
	case errors.Is(err, syscall.EINVAL) && !missing:
		return outcome.Failf(outcome.Usage, "choose another name", "cannot open %s: %s is there already and of another kind", s, s.Name)
	}
	return outcome.Failf(outcome.Of(err), "", "cannot open %s: %w", s, err)
}

func (s Spec) setcap() string {
	if s.Kind == Eth {
		return "cap_net_raw"
	}
	return "cap_net_admin"
}
