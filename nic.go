package octet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A nic joins a device to a host: one interface.
type nic struct {
	host *Host
	id   ip.ID
	name string
	dev  link.Device
	info link.Info // as it was when the device was attached
}

// Attach gives the host a device with its addresses and returns the index of the
// new interface. A prefix such as 192.0.2.5/24 also makes the route to its
// network. The host closes the device when it is closed itself, and also when an
// address is refused.
func (h *Host) Attach(d link.Device, addrs ...netip.Prefix) (int, error) {
	if h.closed.Load() {
		return 0, net.ErrClosed
	}
	if h.observer != nil {
		d = link.NewTap(d, h.line, "", h.observer)
	}
	n := &nic{host: h, dev: d, info: d.Info()}
	n.name = n.info.Name
	err := h.ip.change(func(now mono.Time, node *ip.Node) error { return h.ip.enter(now, node, n) })
	if err != nil {
		return 0, fmt.Errorf("attach %s: %w", n.name, err)
	}
	n.follow()
	d.Attach(n)
	for _, p := range addrs {
		if err := h.AddAddress(int(n.id), p); err != nil {
			err = fmt.Errorf("attach %s: address %v: %w", n.name, p, err)
			return 0, errors.Join(err, h.Detach(int(n.id)))
		}
	}
	return int(n.id), nil
}

// enter adds the interface to the node and to the list by number.
func (l *ipLayer) enter(now mono.Time, node *ip.Node, n *nic) error {
	flags := interfaceFlags(n.info)
	if l.forwarding && !n.info.Loopback {
		flags |= ip.Forwarding
	}
	id, err := node.AddInterface(now, ip.Interface{Name: n.name, MTU: n.info.MTU, MAC: n.info.MAC, Flags: flags})
	if err != nil {
		return err
	}
	n.id = id
	old := *l.nics.Load()
	list := make([]*nic, max(len(old), int(id)+1))
	copy(list, old)
	list[id] = n
	l.nics.Store(&list)
	return nil
}

func interfaceFlags(i link.Info) ip.Flags {
	f := ip.Up
	switch {
	case i.Loopback:
		f |= ip.Loopback | ip.Multicast
	case i.Ethernet:
		f |= ip.Ethernet | ip.Multicast
	default:
		f |= ip.PointToPoint | ip.Multicast
	}
	return f
}

// mtu returns the MTU of the interface as it is now.
func (n *nic) mtu() int {
	i, _ := n.host.ip.tables.Load().Interface(n.id)
	return i.MTU
}

// AddRoute sends packets for a prefix to the router via, which must be on the
// link of an interface. The default route has the prefix 0.0.0.0/0 or ::/0.
func (h *Host) AddRoute(p netip.Prefix, via netip.Addr) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		path, err := node.Route(now, via, netip.Addr{}, 0)
		if err != nil {
			return err
		}
		return node.AddRoute(now, ip.Route{Prefix: p.Masked(), Interface: path.Interface, Via: via})
	})
}

// AddRouteThrough sends packets for a prefix through an interface whose link
// reaches all of it, such as one end of a pipe.
func (h *Host) AddRouteThrough(p netip.Prefix, index int) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		return node.AddRoute(now, ip.Route{Prefix: p.Masked(), Interface: ip.ID(index)})
	})
}

// RemoveRoute takes away the routes for a prefix by the router via, or without a
// router if via is zero.
func (h *Host) RemoveRoute(p netip.Prefix, via netip.Addr) error {
	return h.ip.change(func(_ mono.Time, node *ip.Node) error {
		err := error(ip.ErrNotFound)
		for _, r := range node.Tables().Routes() {
			if r.Prefix == p.Masked() && r.Via == via {
				err = node.RemoveRoute(r)
			}
		}
		return err
	})
}

// SetForwarding says whether the host forwards packets for others between its
// interfaces: whether it is a router (RFC 1812). At first it is not.
func (h *Host) SetForwarding(on bool) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		h.ip.forwarding = on
		for _, i := range node.Tables().Interfaces() {
			if i.Flags &^= ip.Forwarding; on && !i.Flags.Has(ip.Loopback) {
				i.Flags |= ip.Forwarding
			}
			if err := node.SetInterface(now, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// Routes returns the routes of the host in the order of their prefixes.
func (h *Host) Routes() []ip.Route { return slices.Clone(h.ip.tables.Load().Routes()) }

// Interfaces lists the interfaces in the order of their indices.
func (h *Host) Interfaces() ([]Interface, error) {
	if h.closed.Load() {
		return nil, net.ErrClosed
	}
	t := h.ip.tables.Load()
	var all []Interface
	for _, i := range t.Interfaces() {
		one := Interface{Index: int(i.ID), Name: i.Name, MTU: i.MTU, Flags: netFlags(i.Flags)}
		if i.Flags.Has(ip.Ethernet) {
			one.MAC = net.HardwareAddr(i.MAC[:])
		}
		for _, a := range t.Addresses(i.ID) {
			one.Addrs = append(one.Addrs, a.Prefix)
		}
		all = append(all, one)
	}
	return all, nil
}

func netFlags(f ip.Flags) (out net.Flags) {
	for _, x := range []struct {
		ours ip.Flags
		net  net.Flags
	}{
		{ip.Up, net.FlagUp | net.FlagRunning},
		{ip.Loopback, net.FlagLoopback},
		{ip.PointToPoint, net.FlagPointToPoint},
		{ip.Multicast, net.FlagMulticast},
		{ip.Ethernet, net.FlagBroadcast},
	} {
		if f.Has(x.ours) {
			out |= x.net
		}
	}
	return out
}

// frame puts an Ethernet header before a packet.
func (n *nic) frame(p *link.Packet, to [6]byte, kind wire.EtherType) {
	f := wire.Ethernet{Dst: to, Src: n.info.MAC, Type: kind}
	wire.PutEthernet(p.Push(f.Size()), &f)
}

func etherType(a netip.Addr) wire.EtherType {
	if a.Is4() {
		return wire.EtherIPv4
	}
	return wire.EtherIPv6
}
