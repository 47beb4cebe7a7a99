package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/netif"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

func (a *app) interfaces() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "if [NAME]",
		GroupID: "see",
		Short:   "Show the network interfaces, as ifconfig does",
		Long: `If shows the network interfaces that are switched on, or all of them, or the named one,
in the form that ifconfig has on BSD and macOS: flags, options, netmask and scope are
hexadecimal. On Linux, which has no number for options, those that the drivers report
(ethtool) are written with the numbers of macOS; -v lists them by Linux's own names.
The objects of --json have the keys of ip -j address.`,
		Example: `  octet if -a > netconfig.txt
  octet if lo --json`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		list, err := a.listInterfaces(ctx)
		if err != nil {
			return nil, err
		}
		if list, err = chosen(list, all, args); err != nil {
			return nil, err
		}
		return interfaceSummary{len(list)}, showInterfaces(r, list)
	})
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also those that are switched off")
	addOn(cmd, "kernel")
	return cmd
}

// listInterfaces returns the interfaces of the network.
func (a *app) listInterfaces(ctx context.Context) ([]netif.Interface, error) {
	if a.on == "kernel" {
		return netif.Kernel()
	}
	n, err := reach.Open(ctx, a.on)
	if err != nil {
		return nil, err
	}
	list, err := netif.Of(n)
	return list, errors.Join(err, n.Close())
}

type interfaceSummary struct {
	Interfaces int `json:"interfaces"`
}

// chosen returns the interface of the given name, or those that are up, or all.
func chosen(list []netif.Interface, all bool, args []string) ([]netif.Interface, error) {
	if len(args) > 0 {
		k := slices.IndexFunc(list, func(in netif.Interface) bool { return in.Name == args[0] })
		if k < 0 {
			return nil, outcome.Failf(outcome.NoName, "octet if -a lists them", "there is no interface %q", args[0])
		}
		return list[k : k+1], nil
	}
	if all {
		return list, nil
	}
	return slices.DeleteFunc(list, func(in netif.Interface) bool { return !in.Up() }), nil
}

func showInterfaces(r *report.Reporter, list []netif.Interface) error {
	for k := range list {
		r.Printf("%s", list[k].Text())
		r.Event("interface", list[k].Body())
		if len(list[k].Features) > 0 {
			r.Detailf("%s: features %s", list[k].Name, strings.Join(list[k].Features, " "))
		}
	}
	return r.Err()
}
