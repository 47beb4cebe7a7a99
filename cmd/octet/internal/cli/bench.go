package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/internal/bench"
)

// rivals are the stacks that --vs names.
var rivals = map[string]func() bench.Stack{"kernel": bench.Kernel, "pipe": bench.Pipe}

// benchFlags are those of octet bench.
type benchFlags struct {
	vs, works  []string
	rounds     int
	span       time.Duration
	cpu, alloc string
	against    string
	store      string
}

func (a *app) bench() *cobra.Command {
	f := benchFlags{span: 200 * time.Millisecond}
	cmd := &cobra.Command{
		Use:     "bench [--vs kernel,pipe] [--work NAME,…]",
		GroupID: "prove",
		Short:   "Measure our stack beside others, in one run",
		Long: `Bench does the same work over our stack and over others in turns, in one process, and
prints the median of the rounds with the least and the most, and how many times as good
our stack is as each of the others. Only these ratios count: what else the machine does
hits all of them. kernel is the loopback of the operating system; pipe is net.Pipe of the
Go library, which has no protocol at all.

Every work counts what arrives and compares contents; a stack that loses, repeats or
changes octets fails. The works are ` + workNames() + `.`,
		Example: `  octet bench
  octet bench --vs pipe --work ping-pong --rounds 9 --cpuprofile profiles`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, _ []string) (any, error) {
		return f.run(ctx, r)
	})
	flags := cmd.Flags()
	flags.StringSliceVar(&f.vs, "vs", []string{"kernel", "pipe"}, "what to compare with: kernel, pipe")
	flags.StringSliceVar(&f.works, "work", nil, "works to do; all if none is named")
	flags.IntVar(&f.rounds, "rounds", 5, "how often everything is measured")
	flags.Var(durationFlag(&f.span, "200ms"), "time", "how long one measurement lasts")
	flags.StringVar(&f.against, "against", "", "fail if a ratio is more than a third below the one in this file, also when measured again")
	flags.StringVar(&f.store, "store", "", "write the ratios to this file")
	flags.StringVar(&f.cpu, "cpuprofile", "", "write a CPU profile of each work on each stack to this folder")
	flags.StringVar(&f.alloc, "memprofile", "", "write a profile of what each allocates to this folder")
	return cmd
}

func workNames() string {
	var names []string
	for _, w := range bench.Works() {
		names = append(names, w.Name)
	}
	return strings.Join(names, ", ")
}

// figureRecord is what one work gave on one stack.
type figureRecord struct {
	Work   string    `json:"work"`
	Stack  string    `json:"stack"`
	Unit   string    `json:"unit"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Rounds []float64 `json:"rounds"`
}

// ratioRecord says how many times as good our stack is.
type ratioRecord struct {
	Work  string  `json:"work"`
	To    string  `json:"to"`
	Ratio float64 `json:"ratio" jsonschema:"how many times as good as the other: the median of the rounds"`
}

// benchSummary says how much was measured.
type benchSummary struct {
	Rounds  int `json:"rounds"`
	Figures int `json:"figures"`
}

func (f *benchFlags) run(ctx context.Context, r *report.Reporter) (any, error) {
	plan, err := f.plan()
	if err != nil {
		return nil, err
	}
	status := r.Status()
	plan.Progress = func(what string, done, total int) {
		status.Set(fmt.Sprintf("%d of %d: %s", done+1, total, what))
	}
	table, err := plan.Run(ctx)
	status.Done()
	sum := benchSummary{Rounds: f.rounds}
	if err != nil {
		return sum, err
	}
	r.Printf("%s", table.Text())
	for i := range table.Works {
		sum.Figures += record(r, table, &table.Works[i])
	}
	if f.store != "" {
		if err := table.Ratios().Write(f.store); err != nil {
			return sum, err
		}
	}
	return sum, f.compare(ctx, r, plan, table)
}

// again is how often what has fallen is measured again before it is believed.
const again = 3

// compare holds the ratios to those of the file. What is below them is measured again,
// with more rounds each time: a machine that had other things to do is no reason to fail.
func (f *benchFlags) compare(ctx context.Context, r *report.Reporter, plan *bench.Plan, table *bench.Table) error {
	if f.against == "" {
		return nil
	}
	stored, err := bench.ReadRatios(f.against)
	if err != nil {
		return err
	}
	fallen := stored.Fallen(table)
	for try := 1; len(fallen) > 0 && try <= again; try++ {
		plan.Works = nil
		for _, l := range fallen {
			r.Notef("%s; measured again", l)
			if !slices.ContainsFunc(plan.Works, func(w bench.Work) bool { return w.Name == l.Work.Name }) {
				plan.Works = append(plan.Works, l.Work)
			}
		}
		plan.Rounds = f.rounds * (1 + try)
		if table, err = plan.Run(ctx); err != nil {
			return err
		}
		fallen = stored.Fallen(table)
	}
	if len(fallen) > 0 {
		return outcome.Failf(outcome.No, "look at it with --work "+fallen[0].Work.Name+" --cpuprofile DIR", "%s", fallen[0])
	}
	return nil
}

// record writes the figures and ratios of a work as objects and returns how many figures.
func record(r *report.Reporter, t *bench.Table, w *bench.Work) (figures int) {
	for _, s := range t.Stacks {
		if f := t.Figure(w.Name, s); f != nil {
			lo, hi := f.Range()
			r.Event("figure", figureRecord{w.Name, s, w.Unit, bench.Median(f.All), lo, hi, f.All})
			figures++
		}
	}
	for _, s := range t.Stacks[1:] {
		if q, ok := t.Ratio(w, s); ok {
			r.Event("ratio", ratioRecord{w.Name, s, q})
		}
	}
	return figures
}

// plan reads the flags.
func (f *benchFlags) plan() (*bench.Plan, error) {
	p := &bench.Plan{
		Works: bench.Works(), Stacks: []bench.Stack{bench.Octet()},
		Rounds: f.rounds, Span: f.span, CPUProfile: f.cpu, MemProfile: f.alloc,
	}
	if f.rounds < 1 || f.span <= 0 {
		return nil, outcome.Failf(outcome.Usage, "use at least --rounds 1 and --time 1ms", "nothing to measure")
	}
	for _, name := range f.vs {
		rival := rivals[name]
		if rival == nil {
			return nil, outcome.Failf(outcome.Usage, "use kernel or pipe", "--vs %s: no such stack", name)
		}
		p.Stacks = append(p.Stacks, rival())
	}
	if len(f.works) == 0 {
		return p, nil
	}
	works, err := bench.Named(strings.Join(f.works, ","))
	if err != nil {
		return nil, outcome.Failf(outcome.Usage, "use some of "+workNames(), "--work: %w", err)
	}
	p.Works = works
	return p, nil
}
