package link

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/timeline"
)

// OpenTUN opens a TUN or TAP device, which is made if there is none of its name,
// and removed by Close if it was. It needs CAP_NET_ADMIN, unless the device exists
// already and belongs to the user.
func OpenTUN(line *timeline.Timeline, o TUNOptions) (*PortDevice, error) {
	d, err := openTUN(line, o)
	if err != nil {
		return nil, privileged("open "+cmp.Or(o.Name, "a new device"), "CAP_NET_ADMIN", err)
	}
	return d, nil
}

// privileged names the capability that is missing where the system refuses something.
func privileged(what, capability string, err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("link: %s: %w (it needs %s)", what, err, capability)
	}
	return fmt.Errorf("link: %s: %w", what, err)
}

func openTUN(line *timeline.Timeline, o TUNOptions) (_ *PortDevice, err error) {
	queues := max(o.Queues, 1)
	flags := uint16(unix.IFF_TUN)
	if o.TAP {
		flags = unix.IFF_TAP
	}
	flags |= unix.IFF_NO_PI
	if !o.NoOffload {
		flags |= unix.IFF_VNET_HDR
	}
	if queues > 1 {
		flags |= unix.IFF_MULTI_QUEUE
	}
	var ports []Port
	defer func() {
		for _, p := range ports {
			if err != nil {
				p.Close()
			}
		}
	}()
	name := o.Name
	for range queues {
		var p *filePort
		if p, name, err = openQueue(name, flags); err != nil {
			return nil, err
		}
		ports = append(ports, p)
	}
	p := ports[0].(*filePort)
	info := Info{Name: name, Ethernet: o.TAP, MAC: o.MAC}
	if info.MTU, err = configure(p, name, o); err != nil {
		return nil, err
	}
	if !o.NoOffload {
		info.NoSum, info.Segments = true, segmentsMax
	}
	if o.TAP && info.MAC == [6]byte{} {
		info.MAC = randomMAC()
	}
	return NewPortDevice(line, PortOptions{Info: info, Changed: o.Changed}, ports...)
}

// openQueue opens a queue of the device with the name, or of a new device if it is
// empty, and returns the name.
func openQueue(name string, flags uint16) (*filePort, string, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	r, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return nil, "", fmt.Errorf("name of an interface %q: %w", name, err)
	}
	r.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		unix.Close(fd)
		return nil, "", os.NewSyscallError("TUNSETIFF", err)
	}
	if flags&unix.IFF_VNET_HDR != 0 {
		if err := offload(fd); err != nil {
			unix.Close(fd)
			return nil, "", err
		}
	}
	p, err := linuxPort(fd, r.Name(), flags&unix.IFF_TAP != 0, flags&unix.IFF_VNET_HDR != 0)
	return p, r.Name(), err
}

// linuxPort takes over a descriptor with virtio headers or without.
func linuxPort(fd int, name string, ethernet, virtio bool) (*filePort, error) {
	if virtio {
		return newFilePort(fd, name, ethernet, virtioLen, virtioFraming{ethernet})
	}
	return newFilePort(fd, name, ethernet, 0, plainFraming{ethernet})
}

// offload tells the kernel what it may leave to us. Kernels before 6.2 know no
// segmentation of UDP.
func offload(fd int) error {
	if err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, virtioLen); err != nil {
		return os.NewSyscallError("TUNSETVNETHDRSZ", err)
	}
	const tcp = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6 | unix.TUN_F_TSO_ECN
	err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, tcp|unix.TUN_F_USO4|unix.TUN_F_USO6)
	if err == unix.EINVAL {
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, tcp)
	}
	return os.NewSyscallError("TUNSETOFFLOAD", err)
}

// configure sets what the options ask for and returns the MTU.
func configure(p *filePort, name string, o TUNOptions) (int, error) {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if o.MTU != 0 {
		r.SetUint32(uint32(o.MTU))
		if err := unix.IoctlIfreq(p.control, unix.SIOCSIFMTU, r); err != nil {
			return 0, fmt.Errorf("MTU of %d: %w", o.MTU, os.NewSyscallError("SIOCSIFMTU", err))
		}
	}
	if o.Up {
		if err := unix.IoctlIfreq(p.control, unix.SIOCGIFFLAGS, r); err != nil {
			return 0, os.NewSyscallError("SIOCGIFFLAGS", err)
		}
		r.SetUint16(r.Uint16() | unix.IFF_UP)
		if err := unix.IoctlIfreq(p.control, unix.SIOCSIFFLAGS, r); err != nil {
			return 0, os.NewSyscallError("SIOCSIFFLAGS", err)
		}
	}
	return p.MTU()
}

// interfaceMTU asks for the MTU of the interface with a name.
func interfaceMTU(control int, name string) (int, error) {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("interface %q: %w", name, err)
	}
	if err := unix.IoctlIfreq(control, unix.SIOCGIFMTU, r); err != nil {
		return 0, os.NewSyscallError("SIOCGIFMTU", err)
	}
	return int(r.Uint32()), nil
}
