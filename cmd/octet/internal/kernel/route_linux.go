package kernel

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// Routes returns the routes of the main table, IPv4 first.
func Routes() ([]sight.Route, error) {
	names := interfaceNames()
	var all []sight.Route
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		err := ask(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, []byte{family, unix.SizeofRtMsg - 1: 0}, func(m *syscall.NetlinkMessage) {
			if r, ok := parseRoute(m, names); ok {
				all = append(all, r)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("cannot list the routes: %w", err)
		}
	}
	return all, nil
}

// interfaceNames returns a function that names an interface by its number.
func interfaceNames() func(uint32) string {
	names := map[uint32]string{}
	if list, err := net.Interfaces(); err == nil { // else they stay numbers
		for _, i := range list {
			names[uint32(i.Index)] = i.Name
		}
	}
	return func(index uint32) string {
		if name, ok := names[index]; ok {
			return name
		}
		return strconv.Itoa(int(index))
	}
}

// The words of iproute2 for the types and the makers of routes (rtnetlink(7)).
var (
	routeTypes = map[byte]string{
		unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_ANYCAST: "anycast", unix.RTN_MULTICAST: "multicast",
		unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw", unix.RTN_NAT: "nat",
	}
	routeProtocols = map[byte]string{
		unix.RTPROT_REDIRECT: "redirect", unix.RTPROT_KERNEL: "kernel", unix.RTPROT_STATIC: "static", unix.RTPROT_RA: "ra", unix.RTPROT_DHCP: "dhcp",
	}
)

// parseRoute reads an RTM_NEWROUTE message: struct rtmsg and attributes. Entries of
// the cache and of other tables are left out.
func parseRoute(m *syscall.NetlinkMessage, names func(uint32) string) (sight.Route, bool) {
	if m.Header.Type != unix.RTM_NEWROUTE || len(m.Data) < unix.SizeofRtMsg {
		return sight.Route{}, false
	}
	family, bits, protocol, kind := m.Data[0], int(m.Data[1]), m.Data[5], m.Data[7]
	table := uint32(m.Data[4])
	r := sight.Route{Type: routeTypes[kind], Protocol: routeProtocols[protocol], Flags: []string{}}
	dst := netip.IPv4Unspecified()
	if family == unix.AF_INET6 {
		dst = netip.IPv6Unspecified()
	}
	attrs(m.Data[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.RTA_TABLE:
			table = u32(value)
		case unix.RTA_DST:
			dst, _ = netip.AddrFromSlice(value)
		case unix.RTA_GATEWAY:
			r.Gateway = addrText(value)
		case unix.RTA_OIF:
			r.Dev = names(u32(value))
		case unix.RTA_PREFSRC:
			r.Source = addrText(value)
		case unix.RTA_PRIORITY:
			r.Metric = int(u32(value))
		case unix.RTA_METRICS:
			attrs(value, func(kind uint16, value []byte) {
				if kind == unix.RTAX_MTU {
					r.MTU = int(u32(value))
				}
			})
		}
	})
	flags := u32(m.Data[8:])
	for _, f := range [...]struct {
		bit  uint32
		word string
	}{{unix.RTNH_F_DEAD, "dead"}, {unix.RTNH_F_ONLINK, "onlink"}, {unix.RTNH_F_LINKDOWN, "linkdown"}} {
		if flags&f.bit != 0 {
			r.Flags = append(r.Flags, f.word)
		}
	}
	r.Dst = sight.PrefixText(netip.PrefixFrom(dst, bits))
	return r, table == unix.RT_TABLE_MAIN && flags&unix.RTM_F_CLONED == 0 && dst.IsValid()
}

func addrText(b []byte) string {
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}

// Neighbours returns the hosts that the kernel knows on its links, those without
// an address of the link left out.
func Neighbours() ([]sight.Neighbour, error) {
	names := interfaceNames()
	var all []sight.Neighbour
	err := ask(unix.NETLINK_ROUTE, unix.RTM_GETNEIGH, make([]byte, unix.SizeofNdMsg), func(m *syscall.NetlinkMessage) {
		if n, ok := parseNeighbour(m, names); ok {
			all = append(all, n)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the neighbours: %w", err)
	}
	return all, nil
}

// neighbourStates are the words of ip-neighbour(8) for the states that it shows.
var neighbourStates = []struct {
	bit  uint16
	word string
}{
	{unix.NUD_INCOMPLETE, "INCOMPLETE"}, {unix.NUD_REACHABLE, "REACHABLE"}, {unix.NUD_STALE, "STALE"}, {unix.NUD_DELAY, "DELAY"},
	{unix.NUD_PROBE, "PROBE"}, {unix.NUD_FAILED, "FAILED"}, {unix.NUD_PERMANENT, "PERMANENT"},
}

// parseNeighbour reads an RTM_NEWNEIGH message: struct ndmsg and attributes.
func parseNeighbour(m *syscall.NetlinkMessage, names func(uint32) string) (sight.Neighbour, bool) {
	if m.Header.Type != unix.RTM_NEWNEIGH || len(m.Data) < unix.SizeofNdMsg {
		return sight.Neighbour{}, false
	}
	family, flags := m.Data[0], m.Data[10]
	state := binary.NativeEndian.Uint16(m.Data[8:])
	if family != unix.AF_INET && family != unix.AF_INET6 {
		return sight.Neighbour{}, false
	}
	n := sight.Neighbour{Dev: names(u32(m.Data[4:])), Router: flags&unix.NTF_ROUTER != 0}
	attrs(m.Data[unix.SizeofNdMsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.NDA_DST:
			n.Dst = addrText(value)
		case unix.NDA_LLADDR:
			n.MAC = net.HardwareAddr(value).String()
		}
	})
	for _, s := range neighbourStates {
		if state&s.bit != 0 {
			n.State = append(n.State, s.word)
		}
	}
	return n, len(n.State) > 0 && n.Dst != ""
}
