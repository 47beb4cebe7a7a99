package cli

import (
	"context"
	"errors"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/device"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/up"
	"github.com/octet-net/octet/link"
)

// upFlags are what up is told besides its device.
type upFlags struct {
	addresses, gateways, servers, forwards []string
	mtu                                    int
	serve, auto                            bool
	capture                                string
}

func (a *app) up() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:     "up",
		GroupID: "run",
		Short:   "Put a stack of ours on a network device",
		Long: `Up puts a stack of ours on a device and keeps it there until it is interrupted:
tun:NAME and tap:NAME face the kernel, with IP packets or Ethernet frames; eth:NAME stands
beside the kernel on an Ethernet interface, with a MAC address of its own. It says what
the stack is and how to reach it.

A tun or tap interface that does not exist is made, gets addresses on the kernel's side
too, and goes when the command ends; without --address both sides get addresses of a
network that nobody else has. With --auto, and on eth without --address, the stack takes
IPv6 addresses, routers and name servers as routers announce them. A device that was there before keeps what the kernel has
on it. To open a device takes the capability CAP_NET_ADMIN (eth: CAP_NET_RAW), unless
it was made for this user (ip tuntap add mode tun name octet0 user NAME).`,
		Example: `  octet up --serve
  octet up --on tap:octet1 --address 10.9.0.2/24 --forward 8080=localhost:80
  octet up --on eth:eth0 --address 192.0.2.9/24 --gateway 192.0.2.1 --serve
  octet up --capture - | wireshark -k -i -`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, _ []string) (any, error) {
		return a.runUp(ctx, r, f)
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.String("on", "tun:octet0", "device: tun:NAME, tap:NAME or eth:NAME")
	flags.StringSliceVar(&f.addresses, "address", nil, "address of the stack with the length of its network's prefix, such as 10.9.0.2/24 (may be repeated)")
	flags.BoolVar(&f.auto, "auto", false, "have the stack configure itself for IPv6 as routers announce (tap, eth; default for eth without --address)")
	flags.StringSliceVar(&f.gateways, "gateway", nil, "router for everything else (tap, eth; default the kernel, where it made the device)")
	flags.StringSliceVar(&f.servers, "dns", nil, "server that the stack asks for names: an address, with a port if it is not 53")
	flags.IntVar(&f.mtu, "mtu", 0, "longest IP packet, in octets, to set on the device (tun, tap; 0: leave it)")
	flags.BoolVar(&f.serve, "serve", false, "serve a page about the stack (http, port 80) and echo (tcp and udp, port 7) on it")
	flags.StringArrayVar(&f.forwards, "forward", nil, "PORT=HOST:PORT: lead connections to this port of the stack to a host that the kernel reaches (may be repeated)")
	flags.StringVar(&f.capture, "capture", "", "write every packet to this pcapng file, - for standard output")
	complete := cobra.FixedCompletions([]string{"tun:", "tap:", "eth:"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
	if err := cmd.RegisterFlagCompletionFunc("on", complete); err != nil {
		panic("bug: " + err.Error())
	}
	return cmd
}

func (a *app) runUp(ctx context.Context, r *report.Reporter, f upFlags) (any, error) {
	u, err := newUp(a.on, f)
	if err != nil {
		return nil, err
	}
	u.Report = r
	ctx, done, err := a.captureUp(ctx, u, f.capture)
	if err != nil {
		return nil, err
	}
	err = done(u.Run(ctx))
	if errors.Is(err, errReaderGone) {
		err = outcome.Failf(outcome.Interrupted, "", "the reader of the capture has ended")
	}
	return u.Summary(), err
}

// captureUp opens what the packets are written to. Standard output then belongs to
// them, and what is said goes to standard error.
func (a *app) captureUp(ctx context.Context, u *up.Run, name string) (context.Context, func(error) error, error) {
	same := func(err error) error { return err }
	switch {
	case name == "":
		return ctx, same, nil
	case name == "-" && a.options.JSON:
		return ctx, nil, outcome.Failf(outcome.Usage, "write the capture to a file", "--json and --capture - both want standard output")
	case name == "-" && report.Terminal(a.out):
		return ctx, nil, outcome.Failf(outcome.Usage, "add | wireshark -k -i -", "a capture is nothing to read on a terminal")
	case name == "-":
		u.Report = report.New(a.diag, a.diag, a.options)
		u.Capture, u.Live = a.out, true
		ctx, stop := endWithReader(ctx)
		return ctx, func(err error) error { stop(); return err }, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return ctx, nil, &outcome.Error{Code: outcome.Of(err), What: "cannot write " + name + ": " + outcome.Cause(err), Do: "choose another place with --capture", Err: err}
	}
	st, err := file.Stat()
	u.Capture, u.Live = file, err == nil && !st.Mode().IsRegular() // a pipe has somebody at its other end
	return ctx, func(err error) error { return errors.Join(err, file.Close()) }, nil
}

// newUp checks what the flags say.
func newUp(on string, f upFlags) (*up.Run, error) {
	u := &up.Run{Serve: f.serve}
	var err error
	if u.Device, err = device.Parse(on); err != nil {
		return nil, err
	}
	if u.Addresses, err = each(f.addresses, "--address", "10.9.0.2/24", netip.ParsePrefix); err != nil {
		return nil, err
	}
	if u.Gateways, err = each(f.gateways, "--gateway", "10.9.0.1", netip.ParseAddr); err != nil {
		return nil, err
	}
	if u.Servers, err = each(f.servers, "--dns", "10.9.0.1", parseServer); err != nil {
		return nil, err
	}
	for _, s := range f.forwards {
		forward, err := quantity.ParseForward(s)
		if err != nil {
			return nil, usage(err)
		}
		u.Forwards = append(u.Forwards, forward)
	}
	if u.MTU = f.mtu; u.MTU != 0 && (u.MTU < 68 || u.MTU > link.MTUMax) {
		return nil, outcome.Failf(outcome.Usage, "use one from 68 to 65535", "--mtu %d is out of range", u.MTU)
	}
	if u.MTU != 0 && u.Device.Kind == device.Eth {
		return nil, outcome.Failf(outcome.Usage, "the interface keeps its own", "--mtu is for tun and tap devices")
	}
	if u.Auto = f.auto || u.Device.Kind == device.Eth && len(u.Addresses) == 0; u.Auto && !u.Device.Ethernet() {
		return nil, outcome.Failf(outcome.Usage, "use tap or eth", "there are no routers to announce anything on a tun device")
	}
	if len(u.Gateways) > 0 && !u.Device.Ethernet() {
		return nil, outcome.Failf(outcome.Usage, "leave it out", "a tun device has one other end, which is the gateway")
	}
	return u, nil
}

// each reads every value of a flag.
func each[T any](list []string, flag, example string, parse func(string) (T, error)) (all []T, err error) {
	for _, s := range list {
		x, err := parse(s)
		if err != nil {
			return nil, outcome.Failf(outcome.Usage, "write it as "+example, "%s %q cannot be read", flag, s)
		}
		all = append(all, x)
	}
	return all, nil
}

// parseServer reads an address with a port, or one without for port 53.
func parseServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	return netip.ParseAddrPort(s)
}
