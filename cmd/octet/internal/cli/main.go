// Package cli is the command line of octet: verbs, flags and what they call. Each
// verb is a few lines here; what it does lies in a package of its own.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// An app is one run of the command.
type app struct {
	in        io.Reader
	out, diag io.Writer
	options   report.Options
	on        string       // --on of the verb; empty if it has no network
	code      outcome.Code // what the verb ended with
}

// Main runs the command on the process's own streams and returns its exit code. The
// first interrupt ends the verb, which still writes its summary; the second kills.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

// Run runs the command on the given streams and returns its exit code.
func Run(ctx context.Context, args []string, in io.Reader, out, diag io.Writer) int {
	a := &app{in: in, out: out, diag: diag}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(diag)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return int(a.code)
	}
	var done failed
	if !errors.As(err, &done) { // the line could not be understood: no verb began
		done = failed{name: cmd.CommandPath(), err: a.misuse(root, cmd, args, err)}
	}
	fmt.Fprintf(diag, "%s: %v\n", done.name, done.err)
	return int(outcome.Of(done.err))
}

// failed is the error of a verb that has written its end.
type failed struct {
	name string
	err  error
}

func (f failed) Error() string { return f.err.Error() }

// misuse makes one line of what cobra found wrong, and a stream of objects with
// nothing but that if objects were asked for.
func (a *app) misuse(root, cmd *cobra.Command, args []string, err error) error {
	what, _, _ := strings.Cut(err.Error(), "\n")
	do := "see " + cmd.CommandPath() + " --help"
	if near := suggestion(root, cmd, args); near != "" {
		do = "did you mean " + near + "?"
	}
	err = &outcome.Error{Code: outcome.Usage, What: what, Do: do, Err: err}
	if slices.Contains(args, "--json") {
		r := report.New(a.out, a.diag, report.Options{JSON: true})
		r.Start(cmd.Name(), "")
		r.End(err, nil)
	}
	return err
}

// suggestion returns the verb that an unknown one resembles.
func suggestion(root, cmd *cobra.Command, args []string) string {
	if cmd != root {
		return ""
	}
	for _, s := range args {
		if strings.HasPrefix(s, "-") {
			continue
		}
		if near := root.SuggestionsFor(s); len(near) > 0 {
			return root.Name() + " " + near[0]
		}
		return ""
	}
	return ""
}

// The groups of verbs, as the help lists them.
var groups = []*cobra.Group{
	{ID: "learn", Title: "Learn:"},
	{ID: "talk", Title: "Talk:"},
	{ID: "see", Title: "See:"},
	{ID: "prove", Title: "Prove:"},
	{ID: "run", Title: "Run:"},
	{ID: "meta", Title: "About the command:"},
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "octet",
		Short: "TCP/IP to look into",
		Long: `Octet is TCP/IP to look into: it shows, sends, serves and explains, on the network
of the operating system or on a stack of its own.

Results go to standard output, progress and diagnostics to standard error.
Exit codes: 0 yes; 1 the answer is no; 2 usage or local failure; 3 not permitted;
4 timeout; 5 refused or reset; 6 unreachable; 7 no such name; 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.options.JSON, "json", false, "write newline-delimited JSON objects from start to end")
	flags.BoolVarP(&a.options.Quiet, "quiet", "q", false, "write results and errors only")
	flags.CountVarP(&a.options.Verbose, "verbose", "v", "say more on standard error; twice says everything")
	flags.SortFlags = false
	root.AddGroup(groups...)
	root.SetHelpCommandGroupID("meta")
	root.SetCompletionCommandGroupID("meta")
	root.AddCommand(
		a.demo(), a.explain(),
		a.serve(), a.send(), a.connect(), a.perf(),
		a.interfaces(), a.route(), a.neigh(), a.conns(), a.stats(), a.ping(), a.path(), a.dns(), a.capture(),
		a.bench(), a.drill(), a.test(),
		a.up(),
		a.version(), a.man(), a.schema(),
	)
	return root
}

// verb makes what cobra runs of what a verb does: it opens and closes the output
// and keeps the code. The summary of an interrupted verb goes to standard error too.
func (a *app) verb(body func(ctx context.Context, r *report.Reporter, args []string) (summary any, err error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.options.Color = report.ColorWanted(a.out)
		r := report.New(a.out, a.diag, a.options)
		if on := cmd.Flags().Lookup("on"); on != nil {
			a.on = on.Value.String()
		}
		r.Start(cmd.Name(), a.on)
		summary, err := body(cmd.Context(), r, args)
		a.code = r.End(err, summary)
		if s, ok := summary.(fmt.Stringer); ok && (a.code == outcome.Interrupted || r.Verbose > 0) {
			r.Notef("%s", s)
		}
		if a.code == outcome.Yes {
			return nil
		}
		if err == nil {
			err = r.Err()
		}
		if a.code == outcome.Interrupted {
			err = outcome.Failf(outcome.Interrupted, "", "interrupted")
		}
		return failed{cmd.CommandPath(), err}
	}
}
