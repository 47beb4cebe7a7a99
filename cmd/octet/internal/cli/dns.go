package cli

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/dns"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

func (a *app) dns() *cobra.Command {
	l := &dns.Lookup{}
	var servers []string
	cmd := &cobra.Command{
		Use:     "dns NAME|ADDRESS",
		GroupID: "see",
		Short:   "Ask name servers, and show their answers",
		Long: `Dns asks the name servers of the network (of the kernel those of /etc/resolv.conf, of a
stack those of octet up --dns or that routers announce), or those that --server names,
for the addresses of a name, for the name of an address, or for the records that --type
names: ` + strings.Join(dns.Types, ", ") + `. An answer that is too long for a datagram is
asked for again over TCP. It ends with 7 if there is no such name, and with 1 if it has
no such record. -v says which server answered, and how fast.`,
		Example: `  octet dns example.com
  octet dns example.com --type MX,TXT --server 192.0.2.53
  octet dns 192.0.2.1 --on tun:octet0 -v`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		l.Report, l.Name = r, args[0]
		var err error
		if l.Servers, err = each(servers, "--server", "192.0.2.53", parseServer); err != nil {
			return nil, err
		}
		for i, t := range l.Types {
			if l.Types[i] = strings.ToUpper(t); !slices.Contains(dns.Types, l.Types[i]) {
				return nil, outcome.Failf(outcome.Usage, "use one of "+strings.Join(dns.Types, ", "), "--type %s: no such type", t)
			}
		}
		if l.Wait < time.Millisecond {
			return nil, outcome.Failf(outcome.Usage, "use a time such as 3s", "--wait %v leaves no time", l.Wait)
		}
		n, err := reach.Open(ctx, a.on)
		if err != nil {
			return nil, err
		}
		l.Net = n
		if l.Servers, err = orOwn(l.Servers, n); err == nil {
			err = l.Run(ctx)
		}
		return l.Summary(), errors.Join(err, n.Close())
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&l.Types, "type", nil, "types of records (default A and AAAA; PTR of an address)")
	flags.StringSliceVar(&servers, "server", nil, "servers to ask: addresses, with a port if it is not 53")
	flags.BoolVar(&l.TCP, "tcp", false, "ask over TCP")
	flags.VarP(durationFlag(&l.Wait, "3s"), "wait", "W", "how long to wait for each answer")
	addOn(cmd, "kernel")
	complete := cobra.FixedCompletions(dns.Types, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("type", complete); err != nil {
		panic("bug: " + err.Error())
	}
	return cmd
}

// orOwn returns the servers that were named, or else those of the network.
func orOwn(named []netip.AddrPort, n reach.Network) ([]netip.AddrPort, error) {
	if len(named) > 0 {
		return named, nil
	}
	list, err := n.NameServers()
	if err == nil && len(list) == 0 {
		err = outcome.Failf(outcome.Usage, "name one with --server", "this network knows no name server")
	}
	return list, err
}
