package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/exact"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

func (a *app) test() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "test [-net] [-shrink] [GO TEST ARGUMENTS…]",
		GroupID: "prove",
		Short:   "Run go test so that tests of virtual networks repeat exactly",
		Long: `Test runs go test with an overlay made from your own Go tree: in a synctest bubble a wait
for a mutex lets virtual time go on, and every choice that the runtime makes by chance or
by the wall clock (select, map order, timers of one instant, time slices) comes from the
seed of the test. The same test with the same seed then sends the same packets, also in
another process. All arguments but these are those of go test:

  -net     lead net.Dial, net.Listen and name lookups of unmodified programs to the
           virtual host that their goroutine runs on
  -shrink  reduce the schedule of faults of a failing test to one that is needed
  --json   write go test's objects among ours

The first run compiles the standard library anew, which takes a while; then it is cached.
A Go release that the overlay was not made for is refused. With -race the order of maps
that have pointers for keys may still differ.`,
		Example: `  octet test ./...
  octet test -run '^TestThreeHosts$' -sim.seed=0x5eed1a .`,
		DisableFlagParsing: true,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		g := exact.GoTest{}
		for _, arg := range args {
			switch arg {
			case "-h", "-help", "--help":
				return cmd.Help()
			case "-net", "--net":
				g.Net = true
			case "-shrink", "--shrink":
				g.Shrink = true
			case "-json", "--json":
				g.JSON = true
			default:
				g.Args = append(g.Args, arg)
			}
		}
		a.options.JSON = g.JSON
		return a.verb(func(ctx context.Context, r *report.Reporter, _ []string) (any, error) {
			return nil, a.goTest(ctx, r, &g)
		})(cmd, args)
	}
	return cmd
}

// goTest runs go test, whose output is ours.
func (a *app) goTest(ctx context.Context, r *report.Reporter, g *exact.GoTest) error {
	cmd, err := g.Command(ctx)
	if err != nil {
		return outcome.Failf(outcome.Usage, "", "%w", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.diag
	if !g.JSON {
		return testOutcome(ctx, cmd.Run())
	}
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	told := tellTests(r, out)
	if err := testOutcome(ctx, cmd.Wait()); err != nil {
		return err
	}
	return told
}

// testOutcome says what the exit of go test means: 1 is a test that failed, or one
// that does not compile, and it has been said why.
func testOutcome(ctx context.Context, err error) error {
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &exit):
		return err
	case exit.ExitCode() == 1:
		return outcome.Failf(outcome.No, "", "tests failed")
	}
	return outcome.Failf(outcome.Usage, "see what go test says", "go test could not run (%v)", exit)
}

// testRecord is an object of go test -json (go doc test2json).
type testRecord struct {
	Time    *time.Time `json:"time,omitempty"`
	Action  string     `json:"action"`
	Package string     `json:"package,omitempty"`
	Import  string     `json:"import_path,omitempty"`
	Test    string     `json:"test,omitempty"`
	Elapsed float64    `json:"elapsed_s,omitempty"`
	Output  string     `json:"output,omitempty"`
}

// tellTests writes what go test -json says as events.
func tellTests(r *report.Reporter, out io.Reader) error {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.Event("test", readTest(line))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading from go test: %w", err)
		}
	}
}

// readTest reads one line; one that is no object is output.
func readTest(line []byte) testRecord {
	var t struct {
		Time                              *time.Time
		Action, Package, ImportPath, Test string
		Elapsed                           float64
		Output                            string
	}
	if err := json.Unmarshal(line, &t); err != nil {
		return testRecord{Action: "output", Output: string(line)}
	}
	return testRecord{t.Time, t.Action, t.Package, t.ImportPath, t.Test, t.Elapsed, t.Output}
}
