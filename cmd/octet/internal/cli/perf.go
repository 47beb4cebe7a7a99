package cli

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/perf"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

type perfFlags struct {
	family
	server       bool
	work         string
	port         uint16
	length, rate int64
	client       perf.Client
}

func (a *app) perf() *cobra.Command {
	f := &perfFlags{}
	cmd := &cobra.Command{
		Use:     "perf [--server | HOST]",
		GroupID: "talk",
		Short:   "Measure throughput, requests, latency and connections to another octet",
		Long: `Perf measures what the network carries to a server, which is octet perf --server or
octet up --serve in another place, and shows a line a second and the figures at the end,
as iperf3 does (but does not speak with it). The works are: stream, octets one way as
fast as they go, or with --udp as --rate says, where losses and jitter are counted;
requests, a message there and back again and again, with the latency; connects,
connections with an octet each way.

The figures of the receiver count: what a sender has handed over need not have arrived.`,
		Example: `  octet perf --server
  octet perf localhost
  octet perf 198.18.0.2 --parallel 4 --reverse --time 5s
  octet perf 198.18.0.2 --work requests
  octet perf 198.18.0.1 --on tun:octet0 --udp --rate 100Mbit`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		f.client.Report = r
		if f.server {
			return nil, a.servePerf(ctx, r, f, args)
		}
		return a.callPerf(ctx, f, args, cmd.Flags().Changed)
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&f.server, "server", "s", false, "be the server, until it is interrupted")
	f.port = perf.Port
	flags.Var(newValue(&f.port, strconv.Itoa(perf.Port), "PORT", quantity.Port), "port", "port of the server")
	flags.StringVarP(&f.work, "work", "w", "stream", "what is measured: stream, requests or connects")
	flags.VarP(durationFlag(&f.client.Time, "10s"), "time", "t", "how long")
	flags.VarP(sizeFlag(&f.client.Size, ""), "size", "n", "how many octets, instead of how long (stream)")
	flags.VarP(durationFlag(&f.client.Interval, "1s"), "interval", "i", "time between two lines")
	flags.IntVarP(&f.client.Streams, "parallel", "P", 1, "how many connections at a time")
	flags.BoolVarP(&f.client.Reverse, "reverse", "R", false, "the server sends (stream)")
	flags.BoolVarP(&f.client.UDP, "udp", "u", false, "use datagrams instead of TCP (stream, requests)")
	flags.VarP(newValue(&f.rate, "", "RATE", quantity.Rate), "rate", "b", "bits a second of all connections together (default no limit; 1Mbit with --udp)")
	flags.VarP(sizeFlag(&f.length, ""), "length", "l", "octets of a write, message or datagram (default 128KiB, with --udp 1200; of requests 64)")
	f.family.add(cmd)
	addOn(cmd, "kernel")
	complete := cobra.FixedCompletions([]string{"stream", "requests", "connects"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("work", complete); err != nil {
		panic("bug: " + err.Error())
	}
	return cmd
}

func (a *app) servePerf(ctx context.Context, r *report.Reporter, f *perfFlags, args []string) error {
	if len(args) > 0 {
		return outcome.Failf(outcome.Usage, "leave one of them out", "--server listens and %s would be called", args[0])
	}
	n, err := reach.Open(ctx, a.on)
	if err != nil {
		return err
	}
	l, err := n.Listen("tcp", net.JoinHostPort("", strconv.Itoa(int(f.port))))
	if err != nil {
		return errors.Join(outcome.Failf(outcome.Of(err), "choose another with --port", "cannot listen at port %d: %s", f.port, outcome.Cause(err)), n.Close())
	}
	r.Tellf("listening at tcp://%v", l.Addr())
	s := perf.Server{Net: n, Report: r}
	return errors.Join(s.Serve(ctx, l), n.Close())
}

func (a *app) callPerf(ctx context.Context, f *perfFlags, args []string, given func(string) bool) (any, error) {
	if len(args) == 0 {
		return nil, outcome.Failf(outcome.Usage, "name one, or be one with --server", "perf needs a server to measure with")
	}
	c := &f.client
	if err := f.plan(given); err != nil {
		return nil, err
	}
	err := a.toHost(ctx, &f.family, args[0], func(n reach.Network, to netip.Addr) error {
		c.Net, c.Address = n, net.JoinHostPort(to.String(), strconv.Itoa(int(f.port)))
		return c.Run(ctx)
	})
	return c.Summary(), err
}

// plan fills in what the flags say and leave open, and refuses what makes no sense.
func (f *perfFlags) plan(given func(string) bool) error {
	c := &f.client
	c.Work = perf.Work(f.work)
	least, most := int64(1), int64(perf.MaxLength)
	length := int64(128 << 10)
	if c.UDP {
		least, most, length = perf.MinDatagram, perf.MaxDatagram, 1200
	}
	if c.Work == perf.Requests {
		length = 64
	}
	if given("length") {
		length = f.length
	}
	if c.Rate = f.rate; c.UDP && c.Work == perf.Stream && !given("rate") {
		c.Rate = 1e6
	}
	if given("size") && !given("time") {
		c.Time = perf.MaxTime
	}
	c.Length = int(length)
	switch {
	case c.Work != perf.Stream && c.Work != perf.Requests && c.Work != perf.Connects:
		return outcome.Failf(outcome.Usage, "use stream, requests or connects", "--work %s: no such work", f.work)
	case c.Work == perf.Connects && c.UDP:
		return outcome.Failf(outcome.Usage, "leave --udp out", "datagrams have no connections")
	case c.Work != perf.Stream && c.Reverse:
		return outcome.Failf(outcome.Usage, "leave --reverse out", "%s go both ways", f.work)
	case c.Work != perf.Stream && given("size"):
		return outcome.Failf(outcome.Usage, "use --time", "--size says how long a stream is")
	case given("size") && c.Size < 1:
		return outcome.Failf(outcome.Usage, "use one octet or more", "--size %d leaves nothing to send", c.Size)
	case length < least || length > most:
		return outcome.Failf(outcome.Usage, "use "+quantity.Group(least)+" to "+quantity.Group(most)+" octets", "--length %s is out of range", quantity.Group(length))
	case c.Streams < 1 || c.Streams > perf.MaxStreams:
		return outcome.Failf(outcome.Usage, "use 1 to "+strconv.Itoa(perf.MaxStreams), "--parallel %d is out of range", c.Streams)
	case c.Time <= 0 || c.Time > perf.MaxTime:
		return outcome.Failf(outcome.Usage, "use a time such as 10s, 24h at most", "--time %v is out of range", c.Time)
	case c.Interval < 10*time.Millisecond:
		return outcome.Failf(outcome.Usage, "use 10ms or more", "--interval %v is too short", c.Interval)
	}
	return nil
}
