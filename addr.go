package octet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/wire"
)

// kindOf returns the kind of sockets of a network: "tcp" or "udp".
func kindOf(network string) (string, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return "tcp", nil
	case "udp", "udp4", "udp6":
		return "udp", nil
	}
	return "", net.UnknownNetworkError(network)
}

// fits reports whether a network takes an address: "tcp4" only those of IPv4.
func fits(network string, a netip.Addr) bool {
	switch network[len(network)-1] {
	case '4':
		return a.Is4()
	case '6':
		return a.Is6()
	}
	return true
}

// localAddr returns the address that "host:port" means for a socket of our own,
// of the kind "tcp" or "udp". An empty host is the unspecified address, of IPv6
// and IPv4 both where the network leaves that open. Errors are complete.
func (h *Host) localAddr(network, address, kind string) (netip.AddrPort, error) {
	have, err := kindOf(network)
	var a netip.AddrPort
	if err == nil {
		a, err = h.resolveLocal(network, address)
	}
	if err != nil {
		return a, opErr("listen", network, nil, nil, err)
	}
	if have != kind {
		err := &net.AddrError{Err: "unexpected address type", Addr: address}
		return a, opErr("listen", network, nil, bareAddr(network, a), err)
	}
	return a, nil
}

// bareAddr is dialAddr that prints the unspecified address as nothing, the way
// package net prints an address that nobody gave.
func bareAddr(network string, a netip.AddrPort) net.Addr {
	switch {
	case !a.Addr().IsUnspecified():
		return dialAddr(network, a)
	case network[:3] == "udp":
		return &net.UDPAddr{Port: int(a.Port())}
	}
	return &net.TCPAddr{Port: int(a.Port())}
}

func (h *Host) resolveLocal(network, address string) (netip.AddrPort, error) {
	if address == "" {
		return netip.AddrPortFrom(unspecified(network), 0), nil
	}
	host, port, err := h.splitHostPort(network, address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "" {
		return netip.AddrPortFrom(unspecified(network), port), nil
	}
	list, err := h.lookup(context.Background(), network, host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	a := list[0]
	for _, b := range list { // like package net, prefer IPv4
		if b.Is4() {
			a = b
			break
		}
	}
	if a.IsUnspecified() { // 0.0.0.0 and :: mean the same to "tcp", as in package net
		a = unspecified(network)
	}
	return netip.AddrPortFrom(a, port), nil
}

// remoteAddrs returns the addresses that "host:port" means for a peer, best first.
func (h *Host) remoteAddrs(ctx context.Context, network, address string) ([]netip.AddrPort, error) {
	host, port, err := h.splitHostPort(network, address)
	if err != nil {
		return nil, err
	}
	if host == "" { // package net takes it for this host
		if network[len(network)-1] == '6' {
			return []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Loopback(), port)}, nil
		}
		return []netip.AddrPort{netip.AddrPortFrom(loopback4, port)}, nil
	}
	list, err := h.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	all := make([]netip.AddrPort, len(list))
	for i, a := range list {
		all[i] = netip.AddrPortFrom(a, port)
	}
	return all, nil
}

// loopbackLike returns the loopback address of the same IP version.
func loopbackLike(a netip.Addr) netip.Addr {
	if a.Is4() {
		return loopback4
	}
	return netip.IPv6Loopback()
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func unspecified(network string) netip.Addr {
	if network[len(network)-1] == '4' {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// splitHostPort splits an address; the port may be the name of a service.
func (h *Host) splitHostPort(network, address string) (host string, port uint16, err error) {
	if address == "" {
		return "", 0, &net.AddrError{Err: "missing address", Addr: address}
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err == nil {
		return host, uint16(n), nil
	}
	r := net.Resolver{PreferGo: true} // never asks the C library
	p, err := r.LookupPort(context.Background(), network, service)
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		unknown.Name = network + "/" + service // as the resolver of package net says that is used elsewhere
	}
	return host, uint16(p), err
}

// newBinding checks the local address of a socket and makes its binding. The
// unspecified address of IPv6 on a network without a number takes IPv4 too.
func (h *Host) newBinding(proto wire.Proto, local netip.AddrPort, network string) (*binding, error) {
	a, on, err := h.splitZone(local.Addr().Unmap())
	if err != nil {
		return nil, err
	}
	switch {
	case !a.IsValid():
		a = unspecified(network)
	case !fits(network, a):
		return nil, syscall.EAFNOSUPPORT
	}
	b := &binding{proto: proto, local: netip.AddrPortFrom(a, local.Port()), on: uint32(on)}
	t := h.ip.tables.Load()
	id, ours := t.Local(a)
	switch {
	case a.IsUnspecified():
		b.dual = a.Is6() && network[len(network)-1] != '6'
	case a.IsMulticast() && proto == wire.ProtoUDP: // receives what is sent to the group
	case !ours:
		return nil, syscall.EADDRNOTAVAIL
	case a.IsLinkLocalUnicast() && a.Is6() && on == 0:
		b.on = uint32(id)
	}
	return b, nil
}

// splitZone takes the zone off an address and returns the interface that it names.
func (h *Host) splitZone(a netip.Addr) (netip.Addr, ip.ID, error) {
	zone := a.Zone()
	if zone == "" {
		return a, 0, nil
	}
	a = a.WithZone("")
	for _, i := range h.ip.tables.Load().Interfaces() {
		if i.Name == zone {
			return a, i.ID, nil
		}
	}
	n, err := strconv.ParseUint(zone, 10, 32)
	if err != nil || h.ip.nic(ip.ID(n)) == nil {
		return a, 0, syscall.ENODEV
	}
	return a, ip.ID(n), nil
}

// withZone gives a link-local address of IPv6 the name of its interface.
func withZone(a netip.AddrPort, n *nic) netip.AddrPort {
	if n != nil && a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() {
		return netip.AddrPortFrom(a.Addr().WithZone(n.name), a.Port())
	}
	return a
}

// tcpAddr returns an address as programs expect it; nil where there is none.
func tcpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.TCPAddrFromAddrPort(a)
}

// udpAddr is tcpAddr for datagrams.
func udpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(a)
}
