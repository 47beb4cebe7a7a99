package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// The objects of the verbs that list what is there.
type (
	listSummary struct {
		Count int `json:"count" jsonschema:"how many objects there were"`
	}
	// A table is what a verb lists.
	table[T any] struct {
		event string
		list  func(reach.Network) ([]T, error)
		text  func(*T) string
		head  string // a line above all others
	}
)

// listing makes a verb of a table. The verb keeps those that pass keep, if it is not nil.
func listing[T any](a *app, cmd *cobra.Command, t table[T], keep func(r *report.Reporter, x *T) bool) *cobra.Command {
	cmd.GroupID = "see"
	cmd.Args = cobra.NoArgs
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, _ []string) (any, error) {
		n, err := reach.Open(ctx, a.on)
		if err != nil {
			return nil, err
		}
		list, err := t.list(n)
		if err = errors.Join(err, n.Close()); err != nil {
			return nil, err
		}
		if t.head != "" {
			r.Printf("%s\n", t.head)
		}
		var sum listSummary
		for i := range list {
			if keep != nil && !keep(r, &list[i]) {
				continue
			}
			sum.Count++
			r.Printf("%s\n", t.text(&list[i]))
			r.Event(t.event, list[i])
		}
		return sum, nil
	})
	addOn(cmd, "kernel")
	return cmd
}

func (a *app) route() *cobra.Command {
	return listing(a, &cobra.Command{
		Use:   "route",
		Short: "Show the routes, as ip route does",
		Long: `Route shows where packets go: for each prefix the router or the link, IPv4 first, of the
kernel those of its main table.`,
		Example: "  octet route\n  octet route --on tun:octet0 --json",
	}, table[sight.Route]{event: "route", list: reach.Network.Routes, text: (*sight.Route).Text}, nil)
}

func (a *app) neigh() *cobra.Command {
	return listing(a, &cobra.Command{
		Use:     "neigh",
		Aliases: []string{"arp"},
		Short:   "Show the neighbours on the links, as ip neighbour does",
		Long: `Neigh shows the hosts that are known on Ethernet links, with their hardware addresses and
what is known of each: REACHABLE, STALE and so on (RFC 4861; the same for ARP).`,
		Example: "  octet neigh\n  octet neigh --on tap:octet0",
	}, table[sight.Neighbour]{event: "neighbour", list: reach.Network.Neighbours, text: (*sight.Neighbour).Text}, nil)
}

func (a *app) conns() *cobra.Command {
	var listening bool
	cmd := listing(a, &cobra.Command{
		Use:   "conns",
		Short: "Show the sockets and connections, as ss does",
		Long: `Conns shows the sockets of TCP and UDP with their state, by RFC 9293's names, and what
waits in their queues; with -v also what each connection knows of its path.`,
		Example: "  octet conns\n  octet conns --on tun:octet0 -v",
	}, table[sight.Conn]{
		event: "conn", list: reach.Network.Conns, head: sight.ConnHeader,
		text: func(c *sight.Conn) string {
			if a.options.Verbose > 0 && c.TCP != nil {
				return c.Text() + "\n      " + c.TCP.Text()
			}
			return c.Text()
		},
	}, func(_ *report.Reporter, c *sight.Conn) bool {
		return !listening || c.State == "LISTEN" || c.State == "UNCONN"
	})
	cmd.Flags().BoolVarP(&listening, "listening", "l", false, "only sockets that wait for others")
	return cmd
}

func (a *app) stats() *cobra.Command {
	var all bool
	cmd := listing(a, &cobra.Command{
		Use:   "stats",
		Short: "Show what is counted: packets, and drops by their reasons",
		Long: `Stats shows the counters of a network that are not zero, by protocol and interface. Those
of our stack say for each packet that was dropped why.`,
		Example: "  octet stats\n  octet stats --on tun:octet0 --all",
	}, table[sight.Counter]{event: "counter", list: reach.Network.Counters, text: (*sight.Counter).Text},
		func(_ *report.Reporter, c *sight.Counter) bool { return all || c.Value != 0 })
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also those that are zero")
	return cmd
}
