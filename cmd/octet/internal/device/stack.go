package device

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/kernel"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// Options say what a stack on a device has.
type Options struct {
	Device    Spec
	Addresses []netip.Prefix                         // none: chosen ones, on a device that is made here
	Gateways  []netip.Addr                           // default routers; none: the kernel, on a device that is made here
	Servers   []netip.AddrPort                       // of names
	Auto      bool                                   // addresses, routers and servers that routers announce, too
	MTU       int                                    // 0: as the device has it
	Observer  func(*timeline.Timeline) link.Observer // is shown every packet of the device; may be nil
	Watch     func(octet.Change)                     // told what happens to the stack; may be nil
	Wait      func()                                 // called before it is waited for the word of others on the link; may be nil
}

// A Stack is a host of ours on a device.
type Stack struct {
	Host     *octet.Host
	Device   Spec
	Info     link.Info // as the device was when it was opened
	Index    int       // of the interface of the host
	Made     bool      // the device was made here, and goes with the stack
	Ours     []netip.Prefix
	Kernels  []netip.Prefix // what the kernel's side was given
	Gateways []netip.Addr
	Left     []error // what could not be had, and was left out

	dev  *link.PortDevice
	gate *gate
	line *timeline.Timeline
}

// Raise opens a device and puts a stack on it. Close ends both. It takes some
// seconds where others on the link could have the addresses already.
func Raise(ctx context.Context, o Options) (*Stack, error) {
	for _, p := range o.Addresses {
		if err := CheckAddress(p); err != nil {
			return nil, &outcome.Error{Code: outcome.Usage, What: "--address " + err.Error()}
		}
	}
	line := timeline.New()
	dev, err := o.Device.open(line, o.MTU)
	if err != nil {
		line.Close()
		return nil, err
	}
	s := &Stack{
		Host: octet.NewHost(o.host(line, dev.made)...), Device: o.Device, Info: dev.Info(), Made: dev.made,
		Gateways: o.Gateways, dev: dev.PortDevice, gate: newGate(dev.PortDevice, line), line: line,
	}
	if o.Watch != nil {
		s.Host.Watch(o.Watch)
	}
	if o.Observer != nil {
		s.gate.watch(o.Observer(line))
	}
	if s.Index, err = s.Host.Attach(s.gate); err != nil {
		err = errors.Join(err, dev.Close())
	} else if err = s.configure(ctx, &o); err == nil {
		err = s.route()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// host returns the options of the host. On a device that was made here there is
// nobody but the kernel, whose addresses are known.
func (o *Options) host(line *timeline.Timeline, made bool) []octet.Option {
	return []octet.Option{
		octet.WithName(o.Device.Name), octet.WithTimeline(line), octet.WithDNS(o.Servers...), octet.WithAddressTests(!made),
	}
}

// configure gives the stack its addresses, and waits until they can be used.
func (s *Stack) configure(ctx context.Context, o *Options) error {
	if len(o.Addresses) > 0 || !o.Auto {
		if err := s.address(o.Addresses); err != nil {
			return err
		}
	}
	if o.Auto {
		if err := s.Host.Autoconfigure(s.Index, ip.Autoconf{}); err != nil {
			return outcome.Failf(outcome.Usage, "use an Ethernet device with an MTU of 1280 or more", "%s cannot configure itself: %w", s.Device, err)
		}
	}
	if o.Wait != nil && s.unsettled() {
		o.Wait()
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if o.Auto && len(s.Ours) == 0 {
		return s.awaitRouter(ctx)
	}
	return nil
}

// Done is closed when the device has ended by itself; Err says why.
func (s *Stack) Done() <-chan struct{} { return s.dev.Done() }

// Err returns why the device has ended by itself, or nil.
func (s *Stack) Err() error { return s.dev.Err() }

// Stats returns what passed the device.
func (s *Stack) Stats() link.Stats { return s.dev.Stats() }

// Timeline returns the clock of the stack.
func (s *Stack) Timeline() *timeline.Timeline { return s.line }

// Close ends the stack and its device. Nothing of them remains.
func (s *Stack) Close() error {
	err := s.Host.Close()
	s.line.Close()
	return err
}

// unsettled reports whether it is not known yet that nobody else has our addresses.
func (s *Stack) unsettled() bool {
	return slices.ContainsFunc(s.Host.Addresses(s.Index), func(a ip.Address) bool { return a.State == ip.Tentative })
}

// settle waits until it is known which addresses others have. At least one of those
// that were asked for must be ours.
func (s *Stack) settle(ctx context.Context) error {
	err := s.Host.AwaitAddresses(ctx)
	var others *octet.AddressError
	if !errors.As(err, &others) {
		return err
	}
	s.Ours = slices.DeleteFunc(s.Ours, func(p netip.Prefix) bool { return slices.Contains(others.Taken, p.Addr()) })
	taken := outcome.Failf(outcome.Usage, "choose another with --address", "%w", others)
	if len(s.Ours) == 0 {
		return taken
	}
	s.Left = append(s.Left, taken)
	return nil
}

// routerWait is how long a stack without an address of its own waits for a router
// that gives it one: the requests go out after one, five and thirteen seconds at most
// (RFC 4861 §6.3.7, RFC 7559), and the address is tested for another.
const routerWait = 10 * time.Second

// awaitRouter waits for an address that is good beyond the link. Without a router
// there is none, and the stack is for its neighbours alone.
func (s *Stack) awaitRouter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, routerWait)
	defer cancel()
	changed := make(chan struct{}, 1)
	defer s.Host.Watch(func(octet.Change) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for {
		var local []netip.Prefix
		s.Ours = nil
		for _, a := range s.Host.Addresses(s.Index) {
			switch {
			case a.State > ip.Deprecated:
			case a.Addr().IsLinkLocalUnicast():
				local = append(local, a.Prefix)
			default:
				s.Ours = append(s.Ours, a.Prefix)
			}
		}
		if len(s.Ours) > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if s.Ours = local; len(local) == 0 || context.Cause(ctx) != context.DeadlineExceeded {
				return ctx.Err()
			}
			s.Left = append(s.Left, outcome.Failf(outcome.Timeout, "give the stack an address with --address, or wait", "no router has answered in %v", routerWait))
			return nil
		}
	}
}

// address gives both sides their addresses.
func (s *Stack) address(wanted []netip.Prefix) error {
	byChoice := len(wanted) == 0
	if byChoice {
		if !s.Made {
			return outcome.Failf(outcome.Usage, "give the stack one with --address", "%s was there before, and what addresses are free on it nobody says", s.Device)
		}
		var err error
		if wanted, err = chosen(octet.System()); err != nil {
			return err
		}
	}
	for _, p := range wanted {
		err := s.give(p)
		if err != nil && byChoice && !p.Addr().Is4() { // a kernel without IPv6 is no reason to do without IPv4
			s.Left = append(s.Left, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// give gives the stack one address, and the kernel's side its own of the same network.
func (s *Stack) give(p netip.Prefix) error {
	if s.Made {
		k, ok := other(p)
		if !ok {
			return outcome.Failf(outcome.Usage, "write a longer network, such as /24", "--address %v leaves none for the kernel's side", p)
		}
		if err := s.giveKernel(k); err != nil {
			return err
		}
		s.Kernels = append(s.Kernels, k)
	}
	if err := s.Host.AddAddress(s.Index, p); err != nil {
		return outcome.Failf(outcome.Usage, "", "cannot give the stack %v: %w", p, err)
	}
	s.Ours = append(s.Ours, p)
	return nil
}

func (s *Stack) giveKernel(p netip.Prefix) error {
	in, err := net.InterfaceByName(s.Info.Name)
	if err == nil {
		err = kernel.AddAddress(in.Index, p)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errors.ErrUnsupported):
		s.Left = append(s.Left, outcome.Failf(outcome.Usage, "do it yourself with ifconfig", "cannot give the kernel's side %v here", p))
		return nil
	case errors.Is(err, syscall.EACCES) && !p.Addr().Is4():
		return outcome.Failf(outcome.Usage, "switch it on with sysctl net.ipv6.conf.all.disable_ipv6=0", "the kernel has IPv6 switched off on %s", s.Device)
	}
	return outcome.Failf(outcome.Of(err), "", "cannot give the kernel's side its address: %w", err)
}

// route makes the default routes: through the other end of a TUN device, to the
// kernel as the router of one that was made here, or to the given routers.
func (s *Stack) route() error {
	if s.Device.Kind == TUN {
		for _, p := range everything(s.Ours) {
			if err := s.Host.AddRouteThrough(p, s.Index); err != nil {
				return outcome.Failf(outcome.Usage, "", "cannot add the route to %v: %w", p, err)
			}
		}
		return nil
	}
	if len(s.Gateways) == 0 {
		for _, k := range s.Kernels {
			s.Gateways = append(s.Gateways, k.Addr())
		}
	}
	for _, g := range s.Gateways {
		p := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if !g.Is4() {
			p = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		if err := s.Host.AddRoute(p, g); err != nil {
			return outcome.Failf(outcome.Usage, "name a router in the network of an --address", "cannot route by --gateway %v: %w", g, err)
		}
	}
	return nil
}

// everything returns the prefixes of all addresses of the families that are in use.
func everything(list []netip.Prefix) (all []netip.Prefix) {
	for _, p := range list {
		z := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if !p.Addr().Is4() {
			z = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		if !slices.Contains(all, z) {
			all = append(all, z)
		}
	}
	return all
}
