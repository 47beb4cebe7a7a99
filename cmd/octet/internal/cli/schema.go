package cli

import (
	"context"
	"embed"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/demo"
	"github.com/octet-net/octet/cmd/octet/internal/dns"
	"github.com/octet-net/octet/cmd/octet/internal/explain"
	"github.com/octet-net/octet/cmd/octet/internal/netif"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/path"
	"github.com/octet-net/octet/cmd/octet/internal/perf"
	"github.com/octet-net/octet/cmd/octet/internal/ping"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
	"github.com/octet-net/octet/cmd/octet/internal/talk"
	"github.com/octet-net/octet/cmd/octet/internal/up"
)

// streams are the objects that each verb writes with --json. The schemas are made
// from them.
var streams = map[string]report.Events{
	"bench":   report.Stream(report.Events{"figure": {figureRecord{}}, "ratio": {ratioRecord{}}}, benchSummary{}),
	"conns":   report.Stream(report.Events{"conn": {sight.Conn{}}}, listSummary{}),
	"capture": report.Stream(report.Events{"packet": {explain.Packet{}}}, captureSummary{}),
	"connect": report.Stream(talk.ClientEvents, talk.ClientSummary{}),
	"dns":     report.Stream(dns.Events, dns.Summary{}),
	"demo":    report.Stream(demo.Events, demo.UDPSummary{}, demo.TCPSummary{}),
	"drill":   report.Stream(report.Events{"script": {drillRecord{}}}, drillSummary{}),
	"explain": report.Stream(report.Events{"line": {explain.Line{}}, "packet": {explain.Packet{}}}, explainSummary{}),
	"if":      report.Stream(report.Events{"interface": {netif.Body{}}}, interfaceSummary{}),
	"neigh":   report.Stream(report.Events{"neighbour": {sight.Neighbour{}}}, listSummary{}),
	"path":    report.Stream(path.Events, path.Summary{}),
	"perf":    report.Stream(perf.Events, perf.Summary{}),
	"ping":    report.Stream(ping.Events, ping.Summary{}),
	"route":   report.Stream(report.Events{"route": {sight.Route{}}}, listSummary{}),
	"stats":   report.Stream(report.Events{"counter": {sight.Counter{}}}, listSummary{}),
	"send":    report.Stream(talk.ClientEvents, talk.ClientSummary{}),
	"serve":   report.Stream(talk.ServerEvents, talk.ServerSummary{}),
	"test":    report.Stream(report.Events{"test": {testRecord{}}}),
	"up":      report.Stream(up.Events, up.Summary{}),
	"version": report.Stream(report.Events{"version": {versionBody{}}}),
}

// schemas holds a JSON Schema for the objects of each verb.
//
//go:embed schema/*.json
var schemas embed.FS

func (a *app) schema() *cobra.Command {
	verbs := slices.Sorted(maps.Keys(streams))
	return &cobra.Command{
		Use:       "schema [VERB]",
		GroupID:   "meta",
		Short:     "Print the JSON Schema of what a verb writes with --json",
		Long:      "Schema prints the JSON Schema (draft 2020-12) of each object that a verb writes with\n--json, or, without a verb, the verbs that have one: " + strings.Join(verbs, ", ") + ".",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: verbs,
		RunE: a.verb(func(_ context.Context, r *report.Reporter, args []string) (any, error) {
			if len(args) == 0 {
				r.Raw([]byte(strings.Join(verbs, "\n") + "\n"))
				return nil, nil
			}
			b, err := schemas.ReadFile("schema/" + args[0] + ".json")
			if err != nil {
				return nil, outcome.Failf(outcome.Usage, "octet schema lists those that have one", "there is no schema for %q", args[0])
			}
			r.Raw(b)
			return nil, nil
		}),
	}
}
