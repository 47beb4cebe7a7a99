package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/explain"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/link"
)

// maxExplained is the most octets that explain reads.
const maxExplained = 64 << 20

func (a *app) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain FILE|-|TEXT...",
		GroupID: "learn",
		Short:   "Say what a network configuration or a packet means, word by word",
		Long: `Explain reads what ifconfig prints (on BSD, macOS or Linux), what octet if or ip addr
prints, from a file or standard input, or a text such as flags=8049 or 10.1.2.3/20, and
says what each word, flag, option, mask and address means. Words that it does not
know it marks with a question mark. It ends with 1 if it knows none.

It reads packets too: of a capture file (pcapng or pcap) it prints each in one line,
with -v field by field; a packet in hexadecimal, plain or as tcpdump -x, xxd and
hexdump -C print it, field by field.`,
		Example: `  octet if -a > netconfig.txt; octet explain netconfig.txt
  ifconfig | octet explain -
  octet explain 0x8049
  octet explain bad.pcapng`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.RunE = a.verb(func(_ context.Context, r *report.Reporter, args []string) (any, error) {
		text, err := a.explained(args)
		if err != nil {
			return nil, err
		}
		if explain.IsCapture(text) {
			return explainCapture(r, text)
		}
		if b, ok := explain.Hex(string(text)); ok {
			if p, ok := explain.OnePacket(b); ok {
				showPacket(r, p)
				return explainSummary{Packets: 1}, nil
			}
		}
		return explainText(r, text)
	})
	return cmd
}

// explained returns what the arguments name: the content of a file or of standard
// input, or the arguments themselves if there is no such file.
func (a *app) explained(args []string) ([]byte, error) {
	if len(args) > 1 {
		return []byte(strings.Join(args, " ")), nil
	}
	name, in := args[0], a.in
	if name != "-" {
		f, err := os.Open(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !looksLikeFile(name):
			return []byte(name), nil
		case err != nil:
			return nil, readable(name, err)
		}
		defer f.Close()
		in = f
	}
	p, err := io.ReadAll(io.LimitReader(in, maxExplained+1))
	if err != nil {
		return nil, readable(cmp.Or(strings.Trim(name, "-"), "standard input"), err)
	}
	if len(p) > maxExplained {
		return nil, outcome.Failf(outcome.Usage, "give it a part", "%s is longer than %s", name, quantity.Bytes(maxExplained))
	}
	return p, nil
}

// looksLikeFile tells the name of a missing file from a text: it has an extension
// of letters or a path, and is no address, prefix or flag list.
func looksLikeFile(s string) bool {
	if strings.ContainsAny(s, " \t\n<>=:") {
		return false
	}
	if i := strings.LastIndexByte(s, '.'); i >= 0 && strings.Trim(s[i+1:], "0123456789/") != "" {
		return true
	}
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../")
}

type explainSummary struct {
	Lines   int `json:"lines" jsonschema:"of text"`
	Packets int `json:"packets" jsonschema:"of a capture"`
	Known   int `json:"known" jsonschema:"words that were explained"`
	Unknown int `json:"unknown" jsonschema:"words that were not"`
}

func explainCapture(r *report.Reporter, file []byte) (any, error) {
	var sum explainSummary
	err := explain.Capture(bytes.NewReader(file), r.Verbose > 0, func(p *explain.Packet) error {
		sum.Packets++
		showPacket(r, p)
		return r.Err()
	})
	if errors.Is(err, link.ErrFormat) {
		err = outcome.Failf(outcome.Usage, "give it a whole pcapng or pcap file", "%w", err)
	}
	return sum, err
}

func showPacket(r *report.Reporter, p *explain.Packet) {
	from := strings.TrimSpace(p.Interface + " " + p.Direction)
	if from != "" {
		from = fmt.Sprintf("%.6f %s: ", float64(p.At)/1e6, from)
	}
	behind := ""
	if len(p.Comments) > 0 {
		behind = " (" + strings.Join(p.Comments, "; ") + ")"
	}
	r.Printf("#%d %s%s%s\n%s", p.Number, from, p.Line, behind, p.Text())
	r.Event("packet", p)
}

func explainText(r *report.Reporter, text []byte) (any, error) {
	var sum explainSummary
	for l := range explain.Text(string(text)) {
		known, unknown := l.Known()
		sum.Lines++
		sum.Known += known
		sum.Unknown += unknown
		r.Printf("%s", l.Render())
		r.Event("line", l)
	}
	if sum.Known == 0 {
		return sum, outcome.Failf(outcome.No, "give it what ifconfig, octet if or ip addr prints", "nothing in it is known")
	}
	return sum, nil
}
