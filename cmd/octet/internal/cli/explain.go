package cli

import (
	"bufio"
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

// maxExplained is the most octets of text that explain reads. Captures have no limit.
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
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		in, name, err := a.explained(ctx, args)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		buffered := bufio.NewReader(in)
		if magic, err := buffered.Peek(4); err == nil && explain.IsCapture(magic) {
			return explainCapture(ctx, r, buffered)
		}
		p, err := io.ReadAll(io.LimitReader(buffered, maxExplained+1))
		switch {
		case err != nil:
			return nil, readable(name, err)
		case len(p) > maxExplained:
			return nil, outcome.Failf(outcome.Usage, "give it a part", "%s is longer than %s", name, quantity.Bytes(maxExplained))
		}
		return explainText(ctx, r, string(p))
	})
	return cmd
}

// explained opens what the arguments name: a file, standard input, or, if there is
// no such file, the arguments themselves.
func (a *app) explained(ctx context.Context, args []string) (in io.ReadCloser, name string, err error) {
	text := io.NopCloser(strings.NewReader(strings.Join(args, " ")))
	switch {
	case len(args) > 1:
		return text, "the text", nil
	case args[0] == "-":
		return io.NopCloser(interruptible{ctx, a.in}), "standard input", nil
	}
	f, err := os.Open(args[0])
	switch {
	case errors.Is(err, fs.ErrNotExist) && !looksLikeFile(args[0]):
		return text, "the text", nil
	case err != nil:
		return nil, "", readable(args[0], err)
	}
	return f, args[0], nil
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
	Packets int `json:"packets" jsonschema:"of a capture, or 1 in hexadecimal"`
	Known   int `json:"known" jsonschema:"words that were explained"`
	Unknown int `json:"unknown" jsonschema:"words that were not"`
}

func explainCapture(ctx context.Context, r *report.Reporter, in io.Reader) (any, error) {
	var sum explainSummary
	err := explain.Capture(in, r.Verbose > 0, func(p *explain.Packet) error {
		sum.Packets++
		showPacket(r, p)
		return cmp.Or(ctx.Err(), r.Err())
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

// explainText explains a packet in hexadecimal, or words line by line.
func explainText(ctx context.Context, r *report.Reporter, text string) (any, error) {
	var sum explainSummary
	if b, ok := explain.Hex(text); ok {
		if p, ok := explain.OnePacket(b); ok {
			sum.Packets++
			showPacket(r, p)
			return sum, nil
		}
	}
	for l := range explain.Text(text) {
		known, unknown := l.Known()
		sum.Lines++
		sum.Known += known
		sum.Unknown += unknown
		r.Printf("%s", l.Render())
		r.Event("line", l)
		if err := cmp.Or(ctx.Err(), r.Err()); err != nil {
			return sum, err
		}
	}
	if sum.Known == 0 {
		return sum, outcome.Failf(outcome.No, "give it what ifconfig, octet if or ip addr prints, or a packet", "nothing in it is known")
	}
	return sum, nil
}
