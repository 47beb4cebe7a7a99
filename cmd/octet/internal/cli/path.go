package cli

import (
	"context"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/path"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

func (a *app) path() *cobra.Command {
	p := &path.Run{}
	var f family
	cmd := &cobra.Command{
		Use:     "path HOST",
		GroupID: "see",
		Short:   "Show the routers on the way to a host, and its path MTU",
		Long: `Path follows the way to a host, router by router, by packets that may pass fewer of them
than there are. The packets are as large as the way takes, so that who cannot pass them
on says so: where the way narrows, and where large packets vanish without a word, is
shown too. It ends with 0 if the host is reached. Echo requests are sent or, on the
kernel's network where this user may not, datagrams to ports that nobody listens at.`,
		Example: `  octet path example.com
  octet path 198.18.0.1 --on tun:octet0 --json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		p.Report, p.Name = r, args[0]
		switch {
		case p.Hops < 1 || p.Hops > 255:
			return nil, outcome.Failf(outcome.Usage, "use 1 to 255", "--hops %d is out of range", p.Hops)
		case p.Probes < 1 || p.Probes > 100:
			return nil, outcome.Failf(outcome.Usage, "use 1 to 100", "--probes %d is out of range", p.Probes)
		case p.Wait < time.Millisecond:
			return nil, outcome.Failf(outcome.Usage, "use a time such as 1s", "--wait %v leaves no time", p.Wait)
		}
		err := a.toHost(ctx, &f, args[0], func(n reach.Network, to netip.Addr) error {
			p.Net, p.To = n, to
			return p.Run(ctx)
		})
		return p.Summary(), err
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&p.Hops, "hops", 30, "most routers to ask")
	flags.IntVar(&p.Probes, "probes", 3, "packets to each")
	flags.VarP(durationFlag(&p.Wait, "1s"), "wait", "W", "how long to wait for each answer")
	f.add(cmd)
	addOn(cmd, "kernel")
	return cmd
}
