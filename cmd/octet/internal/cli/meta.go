package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// versionBody says what was built from what.
type versionBody struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// buildVersion returns what the Go toolchain wrote into the binary.
func buildVersion() versionBody {
	v := versionBody{Version: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: "meta",
		Short:   "Print the version and what it was built with",
		Args:    cobra.NoArgs,
		RunE: a.verb(func(_ context.Context, r *report.Reporter, _ []string) (any, error) {
			v := buildVersion()
			r.Event("version", v)
			r.Printf("octet %s, %s, %s/%s\n", v.Version, v.Go, v.OS, v.Arch)
			return nil, nil
		}),
	}
}

func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:     "man [VERB]",
		GroupID: "meta",
		Short:   "Print the manual page of the command or a verb",
		Example: "  octet man | man -l -",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			page, err := verbNamed(cmd.Root(), args)
			if err != nil {
				return failed{cmd.CommandPath(), err}
			}
			page.DisableAutoGenTag = true
			return doc.GenMan(page, &doc.GenManHeader{Title: "OCTET", Section: "1", Source: "octet", Manual: "Octet manual"}, a.out)
		},
	}
}

// verbNamed returns the verb that args name, or the whole command.
func verbNamed(root *cobra.Command, args []string) (*cobra.Command, error) {
	if len(args) == 0 {
		return root, nil
	}
	for _, c := range root.Commands() {
		if c.Name() == args[0] {
			return c, nil
		}
	}
	return nil, outcome.Failf(outcome.Usage, "see octet --help for the verbs", "there is no verb %q", args[0])
}
