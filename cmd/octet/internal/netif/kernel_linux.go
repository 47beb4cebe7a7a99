package netif

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Kernel returns the machine's interfaces, by the routing socket (rtnetlink) and,
// for what the drivers do, ethtool. It needs no privilege.
func Kernel() ([]Interface, error) {
	links, err := dump(unix.RTM_GETLINK)
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	addrs, err := dump(unix.RTM_GETADDR)
	if err != nil {
		return nil, fmt.Errorf("cannot list the addresses: %w", err)
	}
	var all []Interface
	for _, m := range links {
		if in, ok := parseLink(&m); ok {
			all = append(all, in)
		}
	}
	for _, m := range addrs {
		if index, a, ok := parseAddr(&m); ok {
			if k := slices.IndexFunc(all, func(in Interface) bool { return in.Index == index }); k >= 0 {
				all[k].Addrs = append(all[k].Addrs, a)
			}
		}
	}
	slices.SortFunc(all, func(a, b Interface) int { return a.Index - b.Index })
	askDrivers(all)
	return all, nil
}

func dump(kind int) ([]syscall.NetlinkMessage, error) {
	b, err := syscall.NetlinkRIB(kind, unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	return syscall.ParseNetlinkMessage(b)
}

// operStates are the words for IFLA_OPERSTATE, in its order (RFC 2863 §3.1.14).
var operStates = []string{"UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"}

// parseLink reads an RTM_NEWLINK message: struct ifinfomsg and attributes.
func parseLink(m *syscall.NetlinkMessage) (Interface, bool) {
	if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
		return Interface{}, false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return Interface{}, false
	}
	in := Interface{
		Index: int(binary.NativeEndian.Uint32(m.Data[4:])),
		Flags: Word{Table: LinuxFlags, Value: binary.NativeEndian.Uint32(m.Data[8:])},
		Link:  linkType(binary.NativeEndian.Uint16(m.Data[2:])),
	}
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFLA_IFNAME:
			in.Name = cString(a.Value)
		case unix.IFLA_MTU:
			in.MTU = int(number(a.Value))
		case unix.IFLA_TXQLEN:
			in.QueueLen = int(number(a.Value))
		case unix.IFLA_ADDRESS:
			in.MAC = slices.Clone(a.Value)
		case unix.IFLA_BROADCAST:
			in.BroadMAC = slices.Clone(a.Value)
		case unix.IFLA_OPERSTATE:
			if len(a.Value) > 0 && int(a.Value[0]) < len(operStates) {
				in.OperState = operStates[a.Value[0]]
			}
		}
	}
	return in, in.Name != ""
}

func linkType(t uint16) string {
	switch t {
	case unix.ARPHRD_ETHER:
		return "ether"
	case unix.ARPHRD_LOOPBACK:
		return "loopback"
	case unix.ARPHRD_NONE:
		return "none"
	case unix.ARPHRD_PPP:
		return "ppp"
	}
	return fmt.Sprintf("[%d]", t)
}

// parseAddr reads an RTM_NEWADDR message: struct ifaddrmsg and attributes.
func parseAddr(m *syscall.NetlinkMessage) (index int, a Addr, ok bool) {
	if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
		return 0, a, false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return 0, a, false
	}
	a = Addr{Scope: scopeName(m.Data[3]), Valid: Forever, Preferred: Forever}
	var local, address netip.Addr
	for _, t := range attrs {
		switch t.Attr.Type {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(t.Value)
		case unix.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(t.Value)
		case unix.IFA_BROADCAST:
			a.Broadcast, _ = netip.AddrFromSlice(t.Value)
		case unix.IFA_LABEL:
			a.Label = cString(t.Value)
		case unix.IFA_CACHEINFO:
			if len(t.Value) >= 8 {
				a.Preferred, a.Valid = number(t.Value), number(t.Value[4:])
			}
		}
	}
	if !local.IsValid() { // IPv6 says it in IFA_ADDRESS alone
		local = address
	} else if local != address {
		a.Peer = address
	}
	a.Prefix = netip.PrefixFrom(local, int(m.Data[1]))
	return int(binary.NativeEndian.Uint32(m.Data[4:])), a, a.Prefix.IsValid()
}

func scopeName(s byte) string {
	switch s {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	}
	return fmt.Sprint(s)
}

func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
