// Package netif reads network interfaces, the machine's and those of a stack of
// ours, and writes them as ifconfig does on BSD and macOS, or with the keys of
// iproute2's JSON. It also holds what each bit of their flags and options is called
// and means.
package netif

import (
	"net"
	"net/netip"

	"github.com/octet-net/octet"
)

// An Interface is what is known of one network interface.
type Interface struct {
	Index     int
	Name      string
	MTU       int // octets of the largest IP packet
	Flags     Word
	Options   *Word    // what the hardware or driver does for the stack; nil if nobody says
	Features  []string // the driver's features that are on, by the kernel's names (ethtool)
	MAC       net.HardwareAddr
	BroadMAC  net.HardwareAddr
	Link      string // the kind of link, as iproute2 names it: ether, loopback, none
	Addrs     []Addr
	OperState string // RFC 2863: UP, DOWN, UNKNOWN, …; empty if nobody says
	QueueLen  int    // packets that may wait to be sent; zero if nobody says
}

// An Addr is one address of an interface.
type Addr struct {
	Prefix    netip.Prefix // the address with the length of its network's prefix
	Broadcast netip.Addr   // zero if there is none
	Peer      netip.Addr   // the other end of a point-to-point link; zero if there is none
	Scope     string       // global, link, host
	Label     string       // the name that Linux gives an IPv4 address; may be empty
	Valid     uint32       // seconds that it stays valid, Forever for no end
	Preferred uint32       // seconds that it stays preferred
}

// Forever is an address lifetime without end.
const Forever = 1<<32 - 1

// Up reports whether the interface is switched on.
func (i *Interface) Up() bool { return i.Flags.Has("UP") }

// Of returns the interfaces of a network: the machine's in full, those of a stack
// of ours as far as the stack shows them.
func Of(n octet.Network) ([]Interface, error) {
	if n == octet.System() {
		return Kernel()
	}
	return shown(n)
}

// shown returns the interfaces as the network itself lists them.
func shown(n octet.Network) ([]Interface, error) {
	list, err := n.Interfaces()
	if err != nil {
		return nil, err
	}
	all := make([]Interface, len(list))
	for k, in := range list {
		all[k] = Interface{
			Index: in.Index, Name: in.Name, MTU: in.MTU, MAC: in.MAC,
			Flags: Word{Table: BSDFlags, Value: bsdFlags(in.Flags)},
			Link:  linkKind(in.Flags, in.MAC),
		}
		for _, p := range in.Addrs {
			all[k].Addrs = append(all[k].Addrs, plainAddr(p, in.Flags))
		}
	}
	return all, nil
}

func linkKind(f net.Flags, mac net.HardwareAddr) string {
	switch {
	case f&net.FlagLoopback != 0:
		return "loopback"
	case len(mac) > 0:
		return "ether"
	}
	return "none"
}

// plainAddr fills in what follows from an address and the kind of its interface.
func plainAddr(p netip.Prefix, f net.Flags) Addr {
	a := Addr{Prefix: p, Scope: "global", Valid: Forever, Preferred: Forever}
	switch ip := p.Addr(); {
	case ip.IsLoopback():
		a.Scope = "host"
	case ip.IsLinkLocalUnicast():
		a.Scope = "link"
	}
	if p.Addr().Is4() && f&net.FlagBroadcast != 0 && p.Bits() < 31 {
		a.Broadcast = Last(p)
	}
	return a
}

// Last returns the last address of a network, which is its broadcast address in IPv4.
func Last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		keep := min(max(p.Bits()-8*i, 0), 8)
		b[i] |= byte(0xff >> keep)
	}
	ip, _ := netip.AddrFromSlice(b)
	return ip
}

// bsdFlags returns the number that BSD systems give to what package net shows.
func bsdFlags(f net.Flags) uint32 {
	var v uint32
	for _, b := range []struct {
		net net.Flags
		bsd uint32
	}{
		{net.FlagUp, 0x1}, {net.FlagBroadcast, 0x2}, {net.FlagLoopback, 0x8}, {net.FlagPointToPoint, 0x10},
		{net.FlagRunning, 0x40}, {net.FlagMulticast, 0x8000},
	} {
		if f&b.net != 0 {
			v |= b.bsd
		}
	}
	return v
}
