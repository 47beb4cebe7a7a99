package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/octet-net/octet/cmd/octet/internal/demo"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// tcpOnly are the flags of demo that say something about a transfer over TCP, and
// onStackOnly those that say something about a wire of ours.
var (
	tcpOnly     = []string{"size", "loss", "dup", "reorder", "corrupt", "delay", "rate", "seed", "pcap"}
	onStackOnly = []string{"loss", "dup", "reorder", "corrupt", "delay", "rate", "pcap"}
)

func (a *app) demo() *cobra.Command {
	var o demo.TCPOptions
	var tcp bool
	var pcap string
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: "learn",
		Short:   "Show a client and a server talk, with every packet as layers",
		Long: `Demo runs the first conversation of any book on sockets on a host of ours and shows
each packet with its layers and their octets. With --tcp the client sends a file of
made-up data from one host of ours to another, over a wire that loses, doubles, holds
back and damages packets as the flags say, and what arrives is compared. It ends with
0 only if the client got the answer and, with --tcp, nothing differs.`,
		Example: `  octet demo
  octet demo --tcp --size 1MB --loss 3% --dup 1% --reorder 5% --seed 7 --pcap bad.pcapng
  octet demo --on kernel`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, _ []string) (any, error) {
		if err := checkDemo(cmd.Flags(), a.on, tcp); err != nil {
			return nil, err
		}
		o.Kernel = a.on == "kernel"
		if !tcp {
			return demo.UDP(ctx, r, o.Kernel)
		}
		return runTCPDemo(ctx, r, o, pcap)
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&tcp, "tcp", false, "send a file over TCP")
	flags.Var(sizeFlag(&o.Size, "1MB"), "size", "how large the file is")
	shareFlag(flags, &o.Faults.Loss, "loss", "share of packets that the wire loses")
	shareFlag(flags, &o.Faults.Duplicate, "dup", "share of packets that arrive twice")
	shareFlag(flags, &o.Faults.Reorder, "reorder", "share of packets that later ones overtake")
	shareFlag(flags, &o.Faults.Corrupt, "corrupt", "share of packets of which one bit is turned over")
	flags.Var(durationFlag(&o.Faults.Delay, "0s"), "delay", "how long packets travel, each way")
	flags.Var(newValue(&o.Faults.Rate, "", "RATE", quantity.Rate), "rate", "bits that the wire carries a second, each way (default no limit)")
	flags.Uint64Var(&o.Seed, "seed", 1, "what the data, the hosts and the faults are drawn from")
	flags.StringVar(&pcap, "pcap", "", "write the packets that the hosts send to this pcapng file")
	addOnFlag(cmd, "stack", "network: stack (a fresh one of our own) or kernel (the operating system's)", "stack", "kernel")
	return cmd
}

func shareFlag(flags *pflag.FlagSet, to *float64, name, usage string) {
	flags.Var(newValue(to, "0%", "SHARE", quantity.Share), name, usage)
}

// checkDemo refuses flags that would do nothing.
func checkDemo(flags *pflag.FlagSet, on string, tcp bool) error {
	if on != "kernel" && on != "stack" {
		return outcome.Failf(outcome.Usage, "use --on kernel or --on stack", "--on %s: no network for a demonstration", on)
	}
	for _, name := range tcpOnly {
		if !tcp && flags.Changed(name) {
			return outcome.Failf(outcome.Usage, "add --tcp", "--%s says how a file is sent", name)
		}
	}
	for _, name := range onStackOnly {
		if on == "kernel" && flags.Changed(name) {
			return outcome.Failf(outcome.Usage, "use --on stack", "--%s needs a wire of ours, and the kernel's loopback is none", name)
		}
	}
	return nil
}

func runTCPDemo(ctx context.Context, r *report.Reporter, o demo.TCPOptions, pcap string) (any, error) {
	var capture io.Writer
	capture, done, err := saver(pcap, "--pcap")
	if err != nil {
		return nil, err
	}
	o.Capture = capture
	sum, err := demo.TCP(ctx, r, o)
	return sum, done(err)
}
