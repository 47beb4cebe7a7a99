package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/wholefile"
)

// usage makes an error of wrong usage from one that says what to do itself.
func usage(err error) error {
	return &outcome.Error{Code: outcome.Usage, What: err.Error(), Err: err}
}

// readable returns an error that says which file cannot be read and why.
func readable(name string, err error) error {
	return &outcome.Error{Code: outcome.Of(err), What: "cannot read " + name + ": " + outcome.Cause(err), Do: "check its name and permissions", Err: err}
}

// saver opens the file that a flag names, or none. Its done is called with how the
// verb ended and puts the file in place or takes it away.
func saver(name, flag string) (w io.Writer, done func(error) error, err error) {
	if name == "" {
		return nil, func(err error) error { return err }, nil
	}
	f, err := wholefile.Create(name)
	if err != nil {
		return nil, nil, &outcome.Error{Code: outcome.Of(err), What: "cannot write " + name + ": " + outcome.Cause(err), Do: "choose another place with " + flag, Err: err}
	}
	return f, func(err error) error {
		if err != nil {
			return cmp.Or(err, f.Discard())
		}
		return f.Commit()
	}, nil
}

// An input is what a client sends.
type input struct {
	io.Reader
	what   string
	size   int64 // octets, zero if unknown
	stream bool  // to be sent as it comes
	close  func() error
}

// input opens what send sends: a text, a file, or standard input.
func (a *app) input(r *report.Reporter, args []string, file string) (input, error) {
	nothing := func() error { return nil }
	switch {
	case file != "" && len(args) > 1:
		return input{}, outcome.Failf(outcome.Usage, "leave one out", "both a text and --file say what to send")
	case file != "":
		return openInput(file)
	case len(args) > 1 && args[1] != "-":
		return input{Reader: strings.NewReader(args[1]), what: "the text", size: int64(len(args[1])), close: nothing}, nil
	}
	if report.Terminal(a.in) {
		r.Notef("sending what you type, up to its end (Ctrl-D)")
	}
	return input{Reader: a.in, what: "standard input", close: nothing}, nil
}

func openInput(name string) (input, error) {
	f, err := os.Open(name)
	if err != nil {
		return input{}, readable(name, err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = errors.New("is a directory")
	}
	if err != nil {
		return input{}, cmp.Or(readable(name, err), f.Close())
	}
	return input{Reader: f, what: "the file", size: st.Size(), close: f.Close}, nil
}

// An interruptible is a reader whose Read ends with the context. A read that is
// given up goes on waiting until the process ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read reads into memory of its own, since it may be given up.
func (i interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	b, done := make([]byte, len(p)), make(chan result, 1)
	go func() {
		n, err := i.r.Read(b)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, b[:r.n]), r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
