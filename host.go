package octet

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// A Host is one host of ours: interfaces, addresses, routes, and the sockets on
// them. It satisfies Network. All methods may be called by many goroutines.
type Host struct {
	name     string
	line     *timeline.Timeline
	ownsLine bool
	profile  Profile
	observer Observer
	closed   atomic.Bool
}

// NewHost returns a host with a loopback interface, lo, that has 127.0.0.1/8 and
// ::1/128, and the name localhost. Attach gives it others. Close ends it.
func NewHost(list ...Option) *Host {
	o := options{profile: Linux()}
	for _, set := range list {
		set(&o)
	}
	h := &Host{
		name:     cmp.Or(o.name, "localhost"),
		line:     o.line,
		profile:  o.profile,
		observer: o.observer,
	}
	if h.line == nil {
		h.line, h.ownsLine = timeline.New(), true
	}
	return h
}

// Name returns the name that WithName gave the host, or localhost.
func (h *Host) Name() string { return h.name }

// Timeline returns the clock of the host.
func (h *Host) Timeline() *timeline.Timeline { return h.line }

// Close ends the host: its connections are reset, and every Read, Write, Accept
// and Dial returns net.ErrClosed. Its devices are closed. No goroutine, timer or
// packet of the host remains. A second Close returns net.ErrClosed.
func (h *Host) Close() error {
	if h.closed.Swap(true) {
		return net.ErrClosed
	}
	if h.ownsLine {
		h.line.Close()
	}
	return nil
}

// Attach gives the host a device with its addresses, which it will close when it
// is closed itself, and returns the index of the new interface. A prefix such as
// 192.0.2.5/24 also makes the route to its network.
func (h *Host) Attach(d link.Device, addrs ...netip.Prefix) (int, error) { return 0, net.ErrClosed }

// AddRoute sends packets for a prefix to the router via, which must be on the
// link of an interface. The default route has the prefix 0.0.0.0/0 or ::/0.
func (h *Host) AddRoute(p netip.Prefix, via netip.Addr) error { return net.ErrClosed }

// Routes returns the routes of the host in the order of their prefixes.
func (h *Host) Routes() []ip.Route { return nil }

// Interfaces lists the interfaces in the order of their indices.
func (h *Host) Interfaces() ([]Interface, error) { return nil, net.ErrClosed }

// Dial is DialContext without a context.
func (h *Host) Dial(network, address string) (net.Conn, error) {
	return h.DialContext(context.Background(), network, address)
}

// DialContext connects to an address, like net.Dialer.DialContext. The
// connection is a *TCPConn or a *UDPConn.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, net.ErrClosed
}

// Listen accepts TCP connections at an address, like net.Listen. The listener is a *TCPListener.
func (h *Host) Listen(network, address string) (net.Listener, error) { return nil, net.ErrClosed }

// ListenPacket receives UDP datagrams at an address, like net.ListenPacket. What
// it returns is a *UDPConn.
func (h *Host) ListenPacket(network, address string) (net.PacketConn, error) {
	return nil, net.ErrClosed
}

// LookupHost returns the addresses of a name: those of the host's own table,
// else what the servers of WithDNS say. An address stands for itself.
func (h *Host) LookupHost(ctx context.Context, name string) ([]string, error) {
	return nil, net.ErrClosed
}

// Resolver returns a resolver that asks the servers of WithDNS over this host.
func (h *Host) Resolver() *net.Resolver { return &net.Resolver{PreferGo: true} }
