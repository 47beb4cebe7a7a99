package octet

import (
	"context"
	"net"
	"net/netip"
)

// A Network is what a program needs of a network to talk over it. A Host of
// ours satisfies it, and so does the operating system (System).
//
// The network and address arguments are those of package net: "tcp", "tcp4",
// "tcp6", "udp", "udp4", "udp6", and "host:port".
type Network interface {
	// DialContext connects to an address (net.Dialer.DialContext).
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	// Listen accepts connections at an address (net.Listen).
	Listen(network, address string) (net.Listener, error)
	// ListenPacket receives datagrams at an address (net.ListenPacket).
	ListenPacket(network, address string) (net.PacketConn, error)
	// LookupHost returns the addresses of a name (net.Resolver.LookupHost).
	LookupHost(ctx context.Context, name string) ([]string, error)
	// Resolver returns a resolver that asks over this network.
	Resolver() *net.Resolver
	// Interfaces lists the interfaces in the order of their indices.
	Interfaces() ([]Interface, error)
}

// An Interface is what can be seen of one network interface.
type Interface struct {
	Index int              // 1, 2, …; lo is the first of a Host
	Name  string           // lo, eth0, tun0
	MTU   int              // octets of the largest IP packet
	Flags net.Flags        // up, loopback, multicast, …
	MAC   net.HardwareAddr // nil if there is none
	Addrs []netip.Prefix   // each address with the length of its network's prefix
}
