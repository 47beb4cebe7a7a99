package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/ping"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// maxPing is the most octets of data in an echo request over IPv4: 65,535 less 20 of
// IP and 8 of ICMP header.
const maxPing = 65507

// minInterval is the shortest time between two packets that ping and path send.
const minInterval = time.Millisecond

// family are the flags that choose a version of IP.
type family struct{ four, six bool }

func (f *family) add(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.four, "ipv4", "4", false, "use IPv4 only")
	cmd.Flags().BoolVarP(&f.six, "ipv6", "6", false, "use IPv6 only")
	cmd.MarkFlagsMutuallyExclusive("ipv4", "ipv6")
}

// resolve returns the address of a host that fits.
func (f *family) resolve(ctx context.Context, n reach.Network, name string) (netip.Addr, error) {
	list := []string{name}
	if _, err := netip.ParseAddr(name); err != nil {
		if list, err = n.LookupHost(ctx, name); err != nil {
			return netip.Addr{}, outcome.Failf(outcome.Of(err), "check the name, or write an address", "%s: %s", name, outcome.Cause(err))
		}
	}
	for _, s := range list {
		a, err := netip.ParseAddr(s)
		if a = a.Unmap(); err == nil && (a.Is4() && !f.six || a.Is6() && !f.four) {
			return a, nil
		}
	}
	return netip.Addr{}, outcome.Failf(outcome.NoName, "leave -4 and -6 out", "%s has no address of that version of IP", name)
}

// toHost does something with the address of a host on the network that --on names.
func (a *app) toHost(ctx context.Context, f *family, name string, do func(n reach.Network, to netip.Addr) error) error {
	n, err := reach.Open(ctx, a.on)
	if err != nil {
		return err
	}
	to, err := f.resolve(ctx, n, name)
	if err == nil {
		err = do(n, to)
	}
	return errors.Join(err, n.Close())
}

func (a *app) ping() *cobra.Command {
	p := &ping.Run{}
	var size int64
	var f family
	cmd := &cobra.Command{
		Use:     "ping HOST",
		GroupID: "see",
		Short:   "Send echo requests and show what comes back",
		Long: `Ping sends an ICMP echo request to a host every second, until it is interrupted or as
often as --count says, and shows each answer with its time, each ICMP error with who says
it, and at the end the counts and times of all. It ends with 1 if nobody answered. On the
kernel's network it takes a group in sysctl net.ipv4.ping_group_range or the capability
CAP_NET_RAW. -q leaves out all but the end.`,
		Example: `  octet ping -c 3 localhost
  octet ping 198.18.0.1 --on tun:octet0 -i 10ms -c 100 -q
  octet ping -s 1472 --whole 192.0.2.1`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		p.Report, p.Name = r, args[0]
		if err := checkPing(p, size); err != nil {
			return nil, err
		}
		err := a.toHost(ctx, &f, args[0], func(n reach.Network, to netip.Addr) error {
			p.Net, p.To = n, to
			return p.Run(ctx)
		})
		return p.Summary(), err
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVarP(&p.Count, "count", "c", 0, "end after so many requests (0: never)")
	flags.VarP(durationFlag(&p.Interval, "1s"), "interval", "i", "time between two requests")
	flags.VarP(durationFlag(&p.Wait, "4s"), "wait", "W", "how long to wait for each answer")
	flags.VarP(sizeFlag(&size, "56"), "size", "s", "octets of data in a request")
	flags.IntVarP(&p.Request.HopLimit, "ttl", "t", 0, "routers that a request may pass (0: as the network has it)")
	flags.BoolVar(&p.Request.Whole, "whole", false, "have no request cut into fragments")
	f.add(cmd)
	addOn(cmd, "kernel")
	return cmd
}

// checkPing refuses numbers that no request can have.
func checkPing(p *ping.Run, size int64) error {
	switch {
	case size < 0 || size > maxPing:
		return outcome.Failf(outcome.Usage, fmt.Sprintf("use a size from 0 to %s octets", quantity.Group(maxPing)), "--size %s is out of range", quantity.Group(size))
	case p.Count < 0:
		return outcome.Failf(outcome.Usage, "use 0 to go on without end", "--count %d is negative", p.Count)
	case p.Interval < minInterval:
		return outcome.Failf(outcome.Usage, "use 1ms or more", "--interval %v is too short", p.Interval)
	case p.Wait <= 0:
		return outcome.Failf(outcome.Usage, "use a time such as 4s", "--wait %v leaves no time", p.Wait)
	case p.Request.HopLimit < 0 || p.Request.HopLimit > 255:
		return outcome.Failf(outcome.Usage, "use 1 to 255", "--ttl %d is out of range", p.Request.HopLimit)
	}
	p.Request.Size = int(size)
	return nil
}
