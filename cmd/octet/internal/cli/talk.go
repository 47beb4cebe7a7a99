package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/reach"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/talk"
)

// maxRead is the most octets that --max lets one read take.
const maxRead = 16 << 20

type serveFlags struct {
	reply, file, save string
	echo, once        bool
	count             int
	max               int64
}

func (a *app) serve() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:     "serve URL",
		GroupID: "talk",
		Short:   "Listen, print what clients say, and answer them",
		Long: `Serve listens at a URL such as udp://localhost:6789 or tcp://:6789, prints each
datagram, or each piece of a connection, with the time and the client's address, and
answers if it was told what: every datagram with one; the first octets of a connection
with the answer and the end of the stream. It goes on until it is interrupted, or for
as many clients as --count says.`,
		Example: `  octet serve udp://localhost:6789 --reply 'Are you talking to me?' --max 4096
  octet serve tcp://localhost:6789 --once --save copy.bin`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		return a.runServe(ctx, r, args[0], f, cmd.Flags().Changed("reply"))
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.reply, "reply", "", "answer with this text")
	flags.StringVar(&f.file, "file", "", "answer with the octets of this file")
	flags.BoolVar(&f.echo, "echo", false, "answer with what was said")
	flags.StringVar(&f.save, "save", "", "write what arrives to this file, whole or not at all, instead of printing it (tcp, with --once)")
	flags.Var(sizeFlag(&f.max, "4096"), "max", "most octets to take at once; the rest of a longer datagram is lost")
	flags.BoolVar(&f.once, "once", false, "end after one datagram or connection")
	flags.IntVar(&f.count, "count", 0, "end after so many datagrams or connections (0: never)")
	addOn(cmd, "kernel")
	cmd.MarkFlagsMutuallyExclusive("reply", "file", "echo")
	cmd.MarkFlagsMutuallyExclusive("once", "count")
	return cmd
}

func (a *app) runServe(ctx context.Context, r *report.Reporter, url string, f serveFlags, hasReply bool) (any, error) {
	s, err := newServer(url, f, hasReply)
	if err != nil {
		return nil, err
	}
	n, err := reach.Open(ctx, a.on)
	if err != nil {
		return nil, err
	}
	save, done, err := saver(f.save, "--save")
	if err != nil {
		return nil, cmp.Or(err, n.Close())
	}
	s.Net, s.Report, s.Save = n, r, save
	err = done(s.Run(ctx))
	return s.Summary(), cmp.Or(err, n.Close())
}

// newServer checks what belongs together and returns the server without a network.
func newServer(url string, f serveFlags, hasReply bool) (*talk.Server, error) {
	at, err := quantity.ParseServer(url)
	if err != nil {
		return nil, usage(err)
	}
	most := int64(maxRead)
	if at.Datagrams() {
		most = 65535
	}
	s := &talk.Server{At: at, Answer: hasReply || f.file != "", Reply: []byte(f.reply), Echo: f.echo, Count: f.count}
	if s.Max, err = atMost("max", f.max, most); err != nil {
		return nil, err
	}
	if f.once {
		s.Count = 1
	}
	if f.count < 0 {
		return nil, outcome.Failf(outcome.Usage, "use 0 to serve without end", "--count %d is negative", f.count)
	}
	if f.save != "" && (at.Datagrams() || s.Count != 1) {
		return nil, outcome.Failf(outcome.Usage, "use it with a tcp:// URL and --once", "--save keeps one whole connection")
	}
	if f.file != "" {
		if s.Reply, err = os.ReadFile(f.file); err != nil {
			return nil, readable(f.file, err)
		}
	}
	if at.Datagrams() && len(s.Reply) > talk.MaxDatagram {
		return nil, outcome.Failf(outcome.Usage, "use a tcp:// URL", "the answer is longer than the %s octets that one datagram carries", quantity.Group(talk.MaxDatagram))
	}
	return s, nil
}

type clientFlags struct {
	file, save      string
	wait            time.Duration
	hold, quitOnEOF bool
	max             int64
	waitSet         bool
}

func addClientFlags(cmd *cobra.Command, f *clientFlags) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.save, "save", "", "write the answer to this file, whole or not at all, instead of printing it")
	flags.Var(durationFlag(&f.wait, ""), "wait", "longest silence (0s: no limit; default 10s to connect, 5s for an answer to send over udp, else none)")
	flags.BoolVar(&f.hold, "hold", false, "the end of the input does not end the stream, and one answer not the listening")
	flags.BoolVar(&f.quitOnEOF, "quit-on-eof", false, "end as soon as the input has ended and was sent")
	flags.Var(sizeFlag(&f.max, "65535"), "max", "most octets to take at once; the rest of a longer datagram is lost")
	addOn(cmd, "kernel")
	cmd.MarkFlagsMutuallyExclusive("hold", "quit-on-eof")
}

func (a *app) send() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:     "send URL [TEXT|-]",
		GroupID: "talk",
		Short:   "Send a text, a file or standard input, and print the answer",
		Long: `Send calls the server at a URL such as udp://localhost:6789, sends the text (or the
file, or all of standard input) and prints the answer: over udp one datagram each way;
over tcp the end of what is sent ends our half of the connection, and reading goes on
until the server ends its own.`,
		Example: `  octet send udp://localhost:6789 Hello
  octet send tcp://localhost:6789 --file photo.jpg
  date | octet send tcp://localhost:6789`,
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		f.waitSet = cmd.Flags().Changed("wait")
		in, err := a.input(r, args, f.file)
		if err != nil {
			return nil, err
		}
		defer in.close()
		return a.call(ctx, r, args[0], f, in)
	})
	cmd.Flags().StringVar(&f.file, "file", "", "send the octets of this file")
	addClientFlags(cmd, &f)
	return cmd
}

func (a *app) connect() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:     "connect URL",
		GroupID: "talk",
		Short:   "Connect standard input and output with a server",
		Long: `Connect calls the server at a URL such as tcp://localhost:6789 and sends what it reads
on standard input as it comes (over udp: each line or block as one datagram), while it
prints what the server sends. The end of the input ends our half of the connection,
and reading goes on until the server ends its own.`,
		Example: `  octet connect tcp://localhost:6789
  tar c . | octet connect tcp://backup:7000 --quit-on-eof`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.verb(func(ctx context.Context, r *report.Reporter, args []string) (any, error) {
		f.waitSet = cmd.Flags().Changed("wait")
		return a.call(ctx, r, args[0], f, input{Reader: a.in, stream: true})
	})
	addClientFlags(cmd, &f)
	return cmd
}

// call holds a conversation as a client.
func (a *app) call(ctx context.Context, r *report.Reporter, url string, f clientFlags, in input) (any, error) {
	c, err := newClient(url, f)
	if err != nil {
		return nil, err
	}
	n, err := reach.Open(ctx, a.on)
	if err != nil {
		return nil, err
	}
	save, done, err := saver(f.save, "--save")
	if err != nil {
		return nil, cmp.Or(err, n.Close())
	}
	c.Net, c.Report, c.Save, c.Size = n, r, save, in.size
	err = a.hint(done(converse(ctx, c, in)))
	if report.Terminal(a.out) {
		c.EndLine()
	}
	return c.Summary(), cmp.Or(err, n.Close())
}

// hint says what is behind it when nobody answers on a stack of our own.
func (a *app) hint(err error) error {
	var own *outcome.Error
	if a.on == "stack" && errors.As(err, &own) && own.Code >= outcome.Timeout {
		own.Do = "a fresh stack has nothing on it but this client: did you mean --on kernel?"
	}
	return err
}

func newClient(url string, f clientFlags) (*talk.Client, error) {
	to, err := quantity.ParseClient(url)
	if err != nil {
		return nil, usage(err)
	}
	c := &talk.Client{To: to, Hold: f.hold, QuitOnEOF: f.quitOnEOF, Wait: f.wait, Forever: f.waitSet && f.wait == 0}
	if c.Max, err = atMost("max", f.max, maxRead); err != nil {
		return nil, err
	}
	return c, nil
}

// converse sends the input as it comes, or, over UDP, all of it in one datagram.
func converse(ctx context.Context, c *talk.Client, in input) error {
	if !c.To.Datagrams() || in.stream {
		return c.Converse(ctx, in)
	}
	p, err := io.ReadAll(io.LimitReader(interruptible{ctx, in}, talk.MaxDatagram+1))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return readable(in.what, err)
	case len(p) > talk.MaxDatagram:
		return outcome.Failf(outcome.Usage, "use a tcp:// URL", "%s is longer than the %s octets that one datagram carries", in.what, quantity.Group(talk.MaxDatagram))
	}
	return c.Ask(ctx, p)
}
