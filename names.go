package octet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// names is what a host knows of names: a table of its own, then whom WithLookup
// names, then servers. It does not change after NewHost.
type names struct {
	table   map[string][]netip.Addr
	lookup  func(name string) ([]netip.Addr, error) // may be nil
	servers []netip.AddrPort
	next    atomic.Uint32 // which server the next question goes to
}

func (n *names) init(h *Host, o *options) {
	n.servers, n.lookup = o.servers, o.lookup
	n.table = map[string][]netip.Addr{
		"localhost": {loopback4, netip.IPv6Loopback()},
		h.name:      {loopback4, netip.IPv6Loopback()},
	}
	seen := map[string]bool{}
	for _, e := range o.hosts {
		name := canonical(e.name)
		if !seen[name] { // the caller's word replaces ours
			seen[name], n.table[name] = true, nil
		}
		n.table[name] = append(n.table[name], e.addrs...)
	}
}

// canonical returns a name in lower case without the dot at its end.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// LookupHost returns the addresses of a name: those of the host's own table in
// their order there, else what the name servers say, best first (RFC 6724
// §6): those of NameServers. An address stands for itself. The error for an unknown name is a
// *net.DNSError with IsNotFound.
func (h *Host) LookupHost(ctx context.Context, name string) ([]string, error) {
	list, err := h.lookup(ctx, "ip", name)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out, nil
}

// lookup returns the addresses of a name that fit a network, at least one.
func (h *Host) lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	if name == "" {
		return nil, notFound(name)
	}
	all, err := h.lookupAll(ctx, network, name)
	if err != nil {
		return nil, err
	}
	if network != "ip" && len(all) == 1 && all[0] == netip.IPv6Unspecified() {
		all = append(all, netip.IPv4Unspecified()) // as package net does: go.dev/issue/18806
	}
	list := slices.DeleteFunc(all, func(a netip.Addr) bool { return !fits(network, a) })
	if len(list) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: name}
	}
	return list, nil
}

func (h *Host) lookupAll(ctx context.Context, network, name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	if list := h.names.table[canonical(name)]; len(list) > 0 {
		return slices.Clone(list), nil
	}
	if strings.HasSuffix(canonical(name), ".localhost") { // RFC 6761 §6.3
		return slices.Clone(h.names.table["localhost"]), nil
	}
	if h.names.lookup != nil {
		if list, err := h.names.lookup(canonical(name)); err != nil || len(list) > 0 {
			return slices.Clone(list), err
		}
	}
	list, err := h.search(ctx, name)
	if err != nil {
		return nil, err
	}
	h.ip.tables.Load().Order(list)
	return list, nil
}

// search asks for a name, and in the domains that routers announce: first there if
// the name is a single label, last otherwise (RFC 1535 §6).
func (h *Host) search(ctx context.Context, name string) (list []netip.Addr, err error) {
	_, domains := h.NameServers()
	names := []string{name}
	for _, d := range domains {
		if !strings.HasSuffix(name, ".") {
			names = append(names, name+"."+d)
		}
	}
	if !strings.Contains(name, ".") {
		names = append(names[1:], name)
	}
	for _, full := range names {
		if list, err = h.lookupDNS(ctx, full); err == nil || !isFinal(err) {
			return list, err
		}
	}
	return nil, notFound(name)
}

func notFound(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// Resolver returns a resolver that asks the servers of NameServers over this host,
// for records of other kinds than addresses. It does not know the host's own
// table; LookupHost and Dial do.
//
// Beware that net.Resolver also reads the hosts file of the operating system, and
// that in a testing/synctest bubble it works in the first one of a process only.
func (h *Host) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: h.dialServer}
}

var errNoServers = errors.New("the host has no DNS servers: see octet.WithDNS")

// dialServer connects to one of our servers, in turn, whatever server the
// operating system's configuration has made package net ask for.
func (h *Host) dialServer(ctx context.Context, network, _ string) (net.Conn, error) {
	servers, _ := h.NameServers()
	if len(servers) == 0 {
		return nil, errNoServers
	}
	i := int(h.names.next.Add(1)-1) % len(servers)
	return h.DialContext(ctx, network, servers[i].String())
}
