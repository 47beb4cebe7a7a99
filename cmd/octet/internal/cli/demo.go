package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/demo"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

func (a *app) demo() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: "learn",
		Short:   "Show a client and a server talk, with every packet as layers",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, _ []string) (any, error) {
		return demo.UDP(ctx, r, a.on == "kernel")
	})
	addOn(cmd, "stack")
	return cmd
}
