package kernel

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// extendedError is a struct sock_extended_err (ip(7)): what the error queue of a
// socket tells.
type extendedError struct {
	errno              syscall.Errno
	origin, kind, code byte
	info               uint32 // the MTU, with EMSGSIZE
}

const extendedErrorSize = 16

// tell says what it means.
func (x *extendedError) tell(e *sight.Echo) {
	expired := x.origin == unix.SO_EE_ORIGIN_ICMP && x.kind == 11 || x.origin == unix.SO_EE_ORIGIN_ICMP6 && x.kind == 3
	switch {
	case x.errno == unix.EMSGSIZE:
		e.Kind, e.Notice, e.MTU = sight.TooBig, "packet too big", int(x.info)
	case expired:
		e.Kind, e.Notice = sight.Expired, "time to live exceeded"
	default:
		e.Kind, e.Notice = sight.Unreachable, x.errno.Error()
	}
}

// noPort reports whether a host says that nobody listens at a port.
func (x *extendedError) noPort() bool {
	return x.origin == unix.SO_EE_ORIGIN_ICMP && x.kind == 3 && x.code == 3 || x.origin == unix.SO_EE_ORIGIN_ICMP6 && x.kind == 1 && x.code == 4
}

// offender reads the address of who sent an ICMP error (struct sockaddr).
func offender(b []byte) netip.Addr {
	if len(b) < 2 {
		return netip.Addr{}
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET && len(b) >= unix.SizeofSockaddrInet4:
		return netip.AddrFrom4([4]byte(b[4:]))
	case family == unix.AF_INET6 && len(b) >= unix.SizeofSockaddrInet6:
		return netip.AddrFrom16([16]byte(b[8:]))
	}
	return netip.Addr{}
}

func addrOf(s unix.Sockaddr) netip.Addr {
	switch s := s.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(s.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(s.Addr)
	}
	return netip.Addr{}
}

// zoneOf returns the number of the interface that a link-local address names.
func zoneOf(a netip.Addr) (uint32, error) {
	if a.Zone() == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(a.Zone(), 10, 32); err == nil {
		return uint32(n), nil
	}
	i, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return 0, err
	}
	return uint32(i.Index), nil
}
