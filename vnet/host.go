package vnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
)

// A Node is a Host, Router, NAT or Firewall.
type Node interface {
	// Name returns its name.
	Name() string
	inner() *node
}

// A node is what is behind the name of a host or router.
type node struct {
	net    *Net
	what   string
	name   string
	made   string
	stack  *octet.Host
	routes bool // it forwards between its networks
	hidden *lan // the inside of a NAT
	nics   []*nic
	addrs  []netip.Addr

	down   atomic.Bool
	ctx    context.Context // of its programs; guarded by net.mu
	cancel context.CancelFunc
}

// A Host is a machine on the network: an octet.Host, with the power switch of a
// machine. Its name is resolved by all hosts of the network.
type Host struct {
	*octet.Host
	node *node
}

// Host makes a host at the places among its options, at least one.
func (n *Net) Host(name string, list ...HostOption) (*Host, error) {
	x, err := n.newNode("host", name, list, false)
	if err != nil {
		return nil, err
	}
	return &Host{x.stack, x}, nil
}

// newNode makes a host or router and attaches it.
func (n *Net) newNode(what, name string, list []HostOption, routes bool) (*node, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	c := hostConfig{profile: octet.Linux()}
	if n.options.Profile != nil {
		c.profile = *n.options.Profile
	}
	for _, o := range list {
		o.applyHost(&c)
	}
	switch {
	case c.bad != nil:
		return nil, errorf("%s %q: %w", what, name, c.bad)
	case len(c.ports) == 0:
		return nil, errorf("%s %q: attach it to a Switch or a Cable", what, name)
	}
	if err := n.claim(what, name); err != nil {
		return nil, err
	}
	x := &node{net: n, what: what, name: name, made: where(), routes: routes}
	if c.hides {
		x.hidden = c.ports[0].place.network()
	}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	plan, err := n.addresses(x, &c)
	if err != nil {
		return nil, err
	}
	x.stack = octet.NewHost(octet.WithName(name), octet.WithTimeline(n.line), octet.WithSeed(n.options.Seed),
		octet.WithProfile(c.profile), octet.WithHosts(name, x.addrs...), octet.WithLookup(n.lookup))
	for i, p := range c.ports {
		if err := x.attach(p, plan[i]); err != nil {
			return nil, err
		}
	}
	if routes {
		if err := x.stack.SetForwarding(true); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	n.nodes = append(n.nodes, x)
	n.byName[canonical(name)] = x
	n.mu.Unlock()
	return x, n.reroute(x)
}

// addresses chooses the addresses of a node at each of its ports.
func (n *Net) addresses(x *node, c *hostConfig) ([][]netip.Prefix, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var plan [][]netip.Prefix
	seen := map[*lan]bool{}
	used := map[netip.Addr]bool{}
	for _, p := range c.ports {
		l := p.place.network()
		if l.net != n {
			return nil, errorf("%s %q: %s belongs to another network, made at %s", x.what, x.name, l.name, l.net.made)
		}
		if seen[l] {
			return nil, errorf("%s %q: it is attached to the network of %s twice", x.what, x.name, l.name)
		}
		seen[l] = true
		list, err := l.assign(x.what, x.name, c.wanted)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			used[a.Addr()] = true
			x.addrs = append(x.addrs, a.Addr())
		}
		plan = append(plan, list)
	}
	for _, a := range c.wanted {
		if !used[a] {
			return nil, errorf("%s %q: the address %v is in none of its networks, which are %v", x.what, x.name, a, c.networks())
		}
	}
	for _, a := range x.addrs {
		n.byAddr[a] = x
	}
	return plan, nil
}

func (c *hostConfig) networks() (list []netip.Prefix) {
	for _, p := range c.ports {
		list = append(list, p.place.network().prefixes()...)
	}
	return list
}

// attach gives a node its device at one port.
func (x *node) attach(p Port, addrs []netip.Prefix) error {
	var own *Asymmetric
	if p.own {
		own = &p.link
	}
	k, err := p.place.plug(x, own)
	if err != nil {
		return err
	}
	x.nics = append(x.nics, k)
	x.net.mu.Lock()
	for _, a := range addrs {
		k.lan.macs[a.Addr()] = k.mac
	}
	others := slices.Clone(k.lan.nodes)
	k.lan.nodes = append(k.lan.nodes, x)
	x.net.mu.Unlock()
	index, err := x.stack.Attach(k, addrs...)
	if err != nil {
		return errorf("%s %q: %w", x.what, x.name, err)
	}
	if k.index = index; x.net.options.WireARP || len(others) > acquainted {
		return nil
	}
	for _, o := range others {
		if err := k.meet(o); err != nil {
			return errorf("%s %q: %w", x.what, x.name, err)
		}
	}
	return nil
}

func (h *Host) inner() *node { return h.node }

// Addr returns the first address of the host.
func (h *Host) Addr() netip.Addr { return h.node.addrs[0] }

// Addrs returns the addresses of the host, those of its first place first.
func (h *Host) Addrs() []netip.Addr { return append([]netip.Addr(nil), h.node.addrs...) }

// AddrPort returns the first address with a port.
func (h *Host) AddrPort(port uint16) netip.AddrPort { return netip.AddrPortFrom(h.Addr(), port) }

// Link returns the link by which the host is attached to its i-th place.
func (h *Host) Link(i int) *Link { return h.node.nics[i].link }

// Net returns the network.
func (h *Host) Net() *Net { return h.node.net }

// usable says whether programs of the host may call it: it is up, and the caller
// belongs to the network's bubble.
func (h *Host) usable(op, network string) error {
	if err := h.node.net.check(); err != nil {
		return &net.OpError{Op: op, Net: network, Err: fmt.Errorf("host %s: %w", h.node.name, err)}
	}
	if h.node.down.Load() {
		return &net.OpError{Op: op, Net: network, Err: net.ErrClosed}
	}
	return nil
}

// Dial is DialContext without a context.
func (h *Host) Dial(network, address string) (net.Conn, error) {
	return h.DialContext(context.Background(), network, address)
}

// DialContext is octet.Host.DialContext. While the host is down it returns net.ErrClosed.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := h.usable("dial", network); err != nil {
		return nil, err
	}
	return h.Host.DialContext(ctx, network, address)
}

// Listen is octet.Host.Listen. While the host is down it returns net.ErrClosed.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	if err := h.usable("listen", network); err != nil {
		return nil, err
	}
	return h.Host.Listen(network, address)
}

// ListenPacket is octet.Host.ListenPacket. While the host is down it returns net.ErrClosed.
func (h *Host) ListenPacket(network, address string) (net.PacketConn, error) {
	if err := h.usable("listen", network); err != nil {
		return nil, err
	}
	return h.Host.ListenPacket(network, address)
}

// Context ends when the host is killed or loses its power. After Restart there is another.
func (h *Host) Context() context.Context {
	h.node.net.mu.Lock()
	defer h.node.net.mu.Unlock()
	return h.node.ctx
}

// Kill ends all programs of the host at once, as signal 9 would: its connections are
// reset, its ports answer with resets, and its own calls return net.ErrClosed
// until Restart. What goroutines do that use no network, nobody can stop.
func (h *Host) Kill() { h.node.stop(on) }

// PowerLoss ends all programs of the host too, and nobody is told: not one packet
// leaves or arrives until Restart.
func (h *Host) PowerLoss() { h.node.stop(off) }

func (x *node) stop(p power) {
	x.net.mu.Lock()
	cancel := x.cancel
	x.net.mu.Unlock()
	x.down.Store(true)
	for _, k := range x.nics {
		k.switchTo(p)
	}
	cancel()
	x.stack.Abort()
}

// Restart lets the host work again, with no sockets, after Kill or PowerLoss.
func (h *Host) Restart() {
	x := h.node
	if !x.down.Load() {
		return
	}
	x.net.mu.Lock()
	x.ctx, x.cancel = context.WithCancel(context.Background())
	x.net.mu.Unlock()
	for _, k := range x.nics {
		k.switchTo(on)
	}
	x.down.Store(false)
}

// Pause holds back what the host sends and what arrives for it, as if it had been
// stopped, until Resume. Its programs and the timers of its stack go on: no network
// can stop them.
func (h *Host) Pause() { h.node.power(paused) }

// Resume ends a Pause.
func (h *Host) Resume() { h.node.power(on) }

func (x *node) power(p power) {
	if x.down.Load() {
		return
	}
	for _, k := range x.nics {
		k.switchTo(p)
	}
}

// Tap shows every packet that the hosts send to an observer, such as a
// *link.Capture. It comes in the order in which packets start.
func (n *Net) Tap(o link.Observer) (stop func()) { return add(&n.mu, &n.taps, o) }
