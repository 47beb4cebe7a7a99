package link

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/timeline"
)

// Names of the kernel's utun driver (net/if_utun.h, sys/sys_domain.h).
const (
	utunControl   = "com.apple.net.utun_control"
	sysControl    = 2 // SYSPROTO_CONTROL
	utunOptIfname = 2 // UTUN_OPT_IFNAME
)

// OpenTUN opens a new utun device, which Close removes. It needs root. The name is
// utun and a number, or empty; there is no TAP, no second queue and no offload.
func OpenTUN(line *timeline.Timeline, o TUNOptions) (*PortDevice, error) {
	d, err := openTUN(line, o)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("link: open a utun device: %w (it needs root)", err)
	case err != nil:
		return nil, fmt.Errorf("link: open a utun device: %w", err)
	}
	return d, nil
}

func openTUN(line *timeline.Timeline, o TUNOptions) (*PortDevice, error) {
	if o.TAP || o.Queues > 1 {
		return nil, fmt.Errorf("TAP devices and several queues: %w", errors.ErrUnsupported)
	}
	unit := 0 // the kernel chooses
	if o.Name != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(o.Name, "utun"), 10, 16)
		if err != nil || !strings.HasPrefix(o.Name, "utun") {
			return nil, fmt.Errorf("name %q is not utun and a number", o.Name)
		}
		unit = int(n) + 1
	}
	fd, name, err := openUtun(uint32(unit))
	if err != nil {
		return nil, err
	}
	p, err := newFilePort(fd, name, false, utunPrefix, utunFraming{unix.AF_INET, unix.AF_INET6})
	if err != nil {
		return nil, err
	}
	d, err := utunDevice(line, p, name, o)
	if err != nil {
		p.Close()
	}
	return d, err
}

func utunDevice(line *timeline.Timeline, p *filePort, name string, o TUNOptions) (*PortDevice, error) {
	if o.MTU != 0 {
		r := unix.IfreqMTU{MTU: int32(o.MTU)}
		copy(r.Name[:], name)
		if err := unix.IoctlSetIfreqMTU(p.control, &r); err != nil {
			return nil, fmt.Errorf("MTU of %d: %w", o.MTU, os.NewSyscallError("SIOCSIFMTU", err))
		}
	}
	mtu, err := p.MTU() // a utun device is up from the beginning
	if err != nil {
		return nil, err
	}
	return NewPortDevice(line, PortOptions{Info: Info{Name: name, MTU: mtu}, Changed: o.Changed}, p)
}

func openUtun(unit uint32) (fd int, name string, err error) {
	syscall.ForkLock.RLock()
	fd, err = unix.Socket(unix.AF_SYSTEM, unix.SOCK_DGRAM, sysControl)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, "", os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	var info unix.CtlInfo
	copy(info.Name[:], utunControl)
	if err := unix.IoctlCtlInfo(fd, &info); err != nil {
		return -1, "", os.NewSyscallError("CTLIOCGINFO", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrCtl{ID: info.Id, Unit: unit}); err != nil {
		return -1, "", os.NewSyscallError("connect", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return -1, "", os.NewSyscallError("fcntl", err)
	}
	name, err = unix.GetsockoptString(fd, sysControl, utunOptIfname)
	return fd, name, os.NewSyscallError("UTUN_OPT_IFNAME", err)
}

// interfaceMTU asks for the MTU of the interface with a name.
func interfaceMTU(control int, name string) (int, error) {
	r, err := unix.IoctlGetIfreqMTU(control, name)
	if err != nil {
		return 0, os.NewSyscallError("SIOCGIFMTU", err)
	}
	return int(r.MTU), nil
}
