package octet

import (
	"context"
	"net"
	"net/netip"
)

// System returns the network of the operating system.
func System() Network { return system{} }

// system is the network of the operating system, by way of package net.
type system struct{}

func (system) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (system) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

func (system) ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}

func (system) LookupHost(ctx context.Context, name string) ([]string, error) {
	return net.DefaultResolver.LookupHost(ctx, name)
}

func (system) Resolver() *net.Resolver { return net.DefaultResolver }

func (system) Interfaces() ([]Interface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	all := make([]Interface, 0, len(list))
	for i := range list {
		one, err := systemInterface(&list[i])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func systemInterface(in *net.Interface) (Interface, error) {
	out := Interface{Index: in.Index, Name: in.Name, MTU: in.MTU, Flags: in.Flags, MAC: in.HardwareAddr}
	addrs, err := in.Addrs()
	if err != nil {
		return out, err
	}
	for _, a := range addrs {
		if p, ok := prefixOf(a); ok {
			out.Addrs = append(out.Addrs, p)
		}
	}
	return out, nil
}

func prefixOf(a net.Addr) (netip.Prefix, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	ones, bits := n.Mask.Size()
	if ip = ip.Unmap(); bits == 128 && ip.Is4() {
		ones -= 96
	}
	return netip.PrefixFrom(ip, ones), true
}
