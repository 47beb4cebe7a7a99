package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/packetdrill"
)

// The policies that --profile names.
var profiles = map[string]func() octet.Profile{"linux": octet.Linux, "freebsd": octet.FreeBSD}

func (a *app) drill() *cobra.Command {
	profile := "linux"
	cmd := &cobra.Command{
		Use:     "drill [--profile linux|freebsd] PATH…",
		GroupID: "prove",
		Short:   "Run packet scripts against the stack",
		Long: `Drill runs packetdrill scripts (*.pkt, also in folders) against a fresh host each, in
virtual time: no privilege, no device, milliseconds a script. It prints a line for each
script that fails, with -v the expected and the seen packet too, and the two counts.
--profile chooses whose policies the host has where scripts of either family rely on them.`,
		Example: `  octet drill packetdrill/testdata
  octet drill --profile freebsd -v connect.pkt`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		policies := profiles[profile]
		if policies == nil {
			return nil, outcome.Failf(outcome.Usage, "use linux or freebsd", "--profile %s: no such profile", profile)
		}
		files, err := packetdrill.Find(args...)
		if err != nil {
			return nil, outcome.Failf(outcome.Usage, "name packet scripts or folders with some", "%w", err)
		}
		return drillAll(ctx, r, files, policies())
	})
	cmd.Flags().StringVar(&profile, "profile", profile, "policies of the host: linux or freebsd")
	complete := cobra.FixedCompletions([]string{"linux", "freebsd"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("profile", complete); err != nil {
		panic("bug: " + err.Error())
	}
	return cmd
}

// drillSummary counts scripts.
type drillSummary struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Packets int `json:"packets"`
}

// drillRecord is what became of one script.
type drillRecord struct {
	File     string   `json:"file"`
	Passed   bool     `json:"passed"`
	Line     int      `json:"line,omitempty"`
	Why      []string `json:"why,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Seen     string   `json:"seen,omitempty"`
	Packets  int      `json:"packets"`
	Virtual  int64    `json:"virtual_us"`
}

func drillAll(ctx context.Context, r *report.Reporter, files []string, p octet.Profile) (any, error) {
	var sum drillSummary
	err := packetdrill.RunFiles(ctx, files, p, func(file string, res packetdrill.Result) {
		sum.Packets += res.Packets
		if res.Err == nil {
			sum.Passed++
		} else {
			sum.Failed++
			r.Printf("%s\n", drillLine(res.Err, r.Verbose > 0))
		}
		r.Event("script", recordOf(file, res))
	})
	r.Printf("%d passed, %d failed\n", sum.Passed, sum.Failed)
	if err == nil && sum.Failed > 0 {
		err = outcome.Failf(outcome.No, "-v shows the packets", "%d of %d scripts failed", sum.Failed, len(files))
	}
	return sum, err
}

// drillLine is a failure as text: one line, or all of it.
func drillLine(err error, whole bool) string {
	var m *packetdrill.Mismatch
	if whole || !errors.As(err, &m) {
		return err.Error()
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, strings.Join(m.Why, "; "))
}

func recordOf(file string, res packetdrill.Result) drillRecord {
	d := drillRecord{File: file, Passed: res.Err == nil, Packets: res.Packets, Virtual: res.Took.Microseconds()}
	var m *packetdrill.Mismatch
	var e *packetdrill.Error
	switch {
	case res.Err == nil:
	case errors.As(res.Err, &m):
		d.Line, d.Why, d.Expected, d.Seen = m.Line, m.Why, m.Want, m.Seen
	case errors.As(res.Err, &e):
		d.Line, d.Why = e.Line, []string{e.Msg}
	default:
		d.Why = []string{res.Err.Error()}
	}
	return d
}
