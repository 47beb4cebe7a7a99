package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/explain"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// captureSummary says how much passed.
type captureSummary struct {
	Packets int   `json:"packets" jsonschema:"that were shown"`
	Octets  int64 `json:"octets" jsonschema:"of pcapng that were written"`
}

func (a *app) capture() *cobra.Command {
	var file string
	var count int
	cmd := &cobra.Command{
		Use:     "capture [INTERFACE]",
		GroupID: "see",
		Short:   "Show the packets that pass, or write them for Wireshark",
		Long: `Capture shows each packet that passes an interface in one line, with -v field by field,
until it is interrupted or as many as --count says have passed; or writes them in pcapng
to a file or, for Wireshark to read along, to standard output. Of the kernel it shows the
interface of the default route if none is named, which takes the capability CAP_NET_RAW;
of a stack on a device, what passes the device, as the stack built it.`,
		Example: `  octet capture lo
  octet capture --on tun:octet0 -v --count 10
  octet capture eth0 --write - | wireshark -k -i -`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		name := strings.Join(args, "")
		switch {
		case count < 0:
			return nil, outcome.Failf(outcome.Usage, "use 0 to go on without end", "--count %d is negative", count)
		case file != "" && count > 0:
			return nil, outcome.Failf(outcome.Usage, "leave one of them out", "--count counts what is shown, and --write shows nothing")
		}
		n, err := reach.Open(ctx, a.on)
		if err != nil {
			return nil, err
		}
		var sum captureSummary
		if file == "" {
			sum.Packets, err = showCapture(ctx, r, n, name, count)
		} else {
			sum.Octets, err = a.writeCapture(ctx, r, n, name, file)
		}
		return sum, errors.Join(err, n.Close())
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&file, "write", "w", "", "write pcapng to this file, - for standard output, instead of showing the packets")
	flags.IntVarP(&count, "count", "c", 0, "end after so many packets (0: never)")
	addOn(cmd, "kernel")
	return cmd
}

// begun tells once that a capture has begun, when its first octets come.
type begun struct {
	io.Writer
	tell   func()
	octets int64
}

func (b *begun) Write(p []byte) (int, error) {
	n, err := b.Writer.Write(p)
	if b.octets == 0 && n > 0 {
		b.tell()
	}
	b.octets += int64(n)
	return n, err
}

var errEnough = errors.New("as many packets as were asked for")

// showCapture shows packets as explain does.
func showCapture(ctx context.Context, r *report.Reporter, n reach.Network, name string, count int) (shown int, err error) {
	run, end := context.WithCancelCause(ctx)
	defer end(nil)
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := n.Capture(run, name, &begun{Writer: in, tell: func() { r.Notef("watching; Ctrl-C ends it") }})
		in.CloseWithError(cmp.Or(err, io.EOF))
		ended <- err
	}()
	err = explain.Capture(out, r.Verbose > 0, func(p *explain.Packet) error {
		shown++
		showPacket(r, p)
		if count > 0 && shown >= count {
			return errEnough
		}
		return r.Err()
	})
	end(err)
	out.CloseWithError(io.ErrClosedPipe) // what it has still to write is nobody's
	failure := <-ended
	switch {
	case errors.Is(err, errEnough):
		return shown, nil
	case ctx.Err() != nil:
		return shown, ctx.Err()
	}
	return shown, captureEnd(cmp.Or(failure, err))
}

// captureEnd says why a capture ended that nobody ended.
func captureEnd(err error) error {
	var own *outcome.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	return outcome.Failf(outcome.Of(err), "", "the capture has ended: %s", outcome.Cause(err))
}

// writeCapture writes packets to a file or standard output.
func (a *app) writeCapture(ctx context.Context, r *report.Reporter, n reach.Network, name, file string) (int64, error) {
	w, done := a.out, func(err error) error { return err }
	switch {
	case file == "-" && a.options.JSON:
		return 0, outcome.Failf(outcome.Usage, "write the capture to a file", "--json and --write - both want standard output")
	case file == "-" && report.Terminal(a.out):
		return 0, outcome.Failf(outcome.Usage, "add | wireshark -k -i -", "a capture is nothing to read on a terminal")
	case file == "-":
		var stop func()
		ctx, stop = endWithReader(ctx)
		defer stop()
	default:
		f, err := os.Create(file)
		if err != nil {
			return 0, &outcome.Error{Code: outcome.Of(err), What: "cannot write " + file + ": " + outcome.Cause(err), Do: "choose another place with --write", Err: err}
		}
		w, done = f, func(err error) error { return errors.Join(err, f.Close()) }
	}
	b := &begun{Writer: w, tell: func() { r.Notef("watching; Ctrl-C ends it") }}
	err := done(n.Capture(ctx, name, b))
	switch {
	case errors.Is(context.Cause(ctx), errReaderGone):
		return b.octets, nil
	case ctx.Err() != nil:
		return b.octets, ctx.Err()
	}
	return b.octets, captureEnd(err)
}
