package octet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
)

// AddAddress gives an interface one more address, and the host the route to its network.
//
// On an Ethernet link to the outside (link.Info.Outside) the address is Tentative
// at first: nothing is sent from it, and dials that need it fail, until nobody else
// on the link turns out to have it (RFC 5227, RFC 4862 §5.4), which takes one or two
// seconds for IPv6 and four to seven for IPv4. AwaitAddresses waits for that, and
// Watch tells it. WithAddressTests decides otherwise.
func (h *Host) AddAddress(index int, p netip.Prefix) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		a := ip.Address{Prefix: p}
		if n := h.ip.nic(ip.ID(index)); n != nil && h.tests(n) {
			a.State = ip.Tentative
		}
		return node.AddAddress(now, ip.ID(index), a)
	})
}

// tests reports whether addresses are tested on an interface before they are used.
func (h *Host) tests(n *nic) bool {
	if h.addressTests != nil {
		return *h.addressTests
	}
	return n.info.Outside
}

// RemoveAddress takes an address away from an interface. Connections from it fail in time.
func (h *Host) RemoveAddress(index int, a netip.Addr) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		return node.RemoveAddress(now, ip.ID(index), a)
	})
}

// Addresses returns the addresses of an interface with their states and lifetimes.
func (h *Host) Addresses(index int) []ip.Address {
	return slices.Clone(h.ip.tables.Load().Addresses(ip.ID(index)))
}

// Autoconfigure lets an interface configure itself for IPv6: a link-local address,
// then routers, addresses (SLAAC), MTU and name servers as routers announce them.
// Watch tells what came of it. An interface of a router does not do so.
func (h *Host) Autoconfigure(index int, a ip.Autoconf) error {
	return h.ip.change(func(now mono.Time, node *ip.Node) error {
		return node.Autoconfigure(now, ip.ID(index), a)
	})
}

// AwaitAddresses waits until no address of the host is Tentative any more. The
// error is an *AddressError if others turned out to have some of them.
func (h *Host) AwaitAddresses(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	defer h.Watch(func(Change) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for {
		if h.closed.Load() {
			return net.ErrClosed
		}
		tentative, taken := h.unsettled()
		switch {
		case tentative:
		case len(taken) > 0:
			return &AddressError{Taken: taken}
		default:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return contextError(ctx.Err())
		}
	}
}

// unsettled reports whether an address is Tentative, and which ones others have.
func (h *Host) unsettled() (tentative bool, taken []netip.Addr) {
	t := h.ip.tables.Load()
	for _, i := range t.Interfaces() {
		for _, a := range t.Addresses(i.ID) {
			tentative = tentative || a.State == ip.Tentative
			if a.State == ip.Duplicate {
				taken = append(taken, a.Addr())
			}
		}
	}
	return tentative, taken
}

// An AddressError says which addresses of a host belong to others on the link.
type AddressError struct {
	Taken []netip.Addr
}

// Error names the addresses.
func (e *AddressError) Error() string {
	var list []string
	for _, a := range e.Taken {
		list = append(list, a.String())
	}
	return fmt.Sprintf("somebody else on the link has %s", strings.Join(list, ", "))
}

// NameServers returns the servers that the host asks for names: those of WithDNS,
// or else those that routers announce (RFC 8106), with the domains in which they
// say to search.
func (h *Host) NameServers() (servers []netip.AddrPort, search []string) {
	servers = slices.Clone(h.names.servers)
	announced := len(servers) == 0
	h.ip.mu.Lock()
	defer h.ip.mu.Unlock()
	for _, i := range h.ip.node.Tables().Interfaces() {
		list, domains := h.ip.node.Resolvers(i.ID)
		search = append(search, domains...)
		for _, a := range list {
			if announced {
				servers = append(servers, netip.AddrPortFrom(a, dnsPort))
			}
		}
	}
	return servers, search
}
