// Bench is octet bench with gVisor's netstack beside our stack, the kernel and
// net.Pipe. It is a module of its own, so that our stack stays free of what it is
// compared with.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/octet-net/octet/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	rounds := flags.Int("rounds", 5, "how often everything is measured")
	span := flags.Duration("time", 200*time.Millisecond, "how long one measurement lasts")
	only := flags.String("work", "", "works to do, with commas between; all if empty")
	page := flags.String("page", "", "put the table and the machine into this page, and the plot beside it")
	cpu := flags.String("cpuprofile", "", "folder for a CPU profile of each work on each stack")
	if err := flags.Parse(args); err != nil {
		return err
	}
	works, err := bench.Named(*only)
	if err != nil {
		return err
	}
	p := bench.Plan{
		Works: works, Stacks: []bench.Stack{bench.Octet(), bench.Kernel(), gvisor(), bench.Pipe()},
		Rounds: *rounds, Span: *span, CPUProfile: *cpu,
	}
	if i, err := os.Stderr.Stat(); err == nil && i.Mode()&os.ModeCharDevice != 0 { // somebody may look
		p.Progress = func(what string, done, total int) {
			fmt.Fprintf(os.Stderr, "\r\x1b[K%d of %d: %s", done+1, total, what)
		}
		defer fmt.Fprintln(os.Stderr)
	}
	table, err := p.Run(ctx)
	if err != nil {
		return err
	}
	fmt.Print(table.Text())
	if *page != "" {
		return table.WritePage(*page, &p)
	}
	return nil
}
