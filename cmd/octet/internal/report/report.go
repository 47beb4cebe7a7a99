// Package report writes what a verb found: results as text on standard output, or
// as one JSON object a line, and notes on standard error. A stream of objects always
// begins with start and closes with end, also after a failure or an interrupt.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
)

// Version is the "v" of every object: it changes when a key changes its meaning.
const Version = 1

// Options say how to write.
type Options struct {
	JSON    bool // objects instead of text
	Quiet   bool // no notes
	Verbose int  // how often -v was given
	Color   bool // escape sequences may be used in text
}

// A Reporter writes the output of one verb. Its methods may be called from several
// goroutines; each line is written whole.
type Reporter struct {
	Options
	*output
	label string // before each line of text
}

// output is what reporters with different labels share.
type output struct {
	begun time.Time

	mu      sync.Mutex
	out     io.Writer
	diag    io.Writer
	ended   bool
	line    bool  // a line of progress stands on diag
	failure error // the first failed write to out
}

// New returns a reporter that writes results to out and notes to diag.
func New(out, diag io.Writer, o Options) *Reporter {
	return &Reporter{Options: o, output: &output{out: out, diag: diag}}
}

// Labelled returns a reporter for the same output whose lines of text say who
// speaks: a column of the given words, then a bar.
func (r *Reporter) Labelled(who string) *Reporter {
	label := fmt.Sprintf("%7s │ ", who)
	if r.Color {
		label = fmt.Sprintf("\x1b[1m%7s\x1b[0m │ ", who)
	}
	return &Reporter{Options: r.Options, output: r.output, label: label}
}

// Terminal reports whether w is a terminal, so that a person looks at it now.
func Terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ColorWanted reports whether w takes colours: a terminal, and nobody set NO_COLOR
// (https://no-color.org) or calls the terminal dumb.
func ColorWanted(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Terminal(w)
}

// Events say which objects a stream has: for each event the structs, one after
// another, that hold its fields besides v and event.
type Events map[string][]any

// Stream returns all objects of a verb's stream: its own events, start and end. The
// summaries are those that end may have.
func Stream(own Events, summaries ...any) Events {
	return Join(own, Events{"start": {startBody{}}, "end": append([]any{endBody{}}, summaries...)})
}

// Join returns the objects of all lists.
func Join(lists ...Events) Events {
	all := Events{}
	for _, l := range lists {
		maps.Copy(all, l)
	}
	return all
}

// startBody is the first object of a stream.
type startBody struct {
	Verb string    `json:"verb"`
	On   string    `json:"on,omitempty" jsonschema:"the network that the verb works on"`
	Time time.Time `json:"time" jsonschema:"when it began, RFC 3339"`
}

// Start begins the output of a verb that works on the named network, or on none.
func (r *Reporter) Start(verb, on string) {
	r.begun = time.Now()
	r.Event("start", startBody{verb, on, r.begun})
}

// endBody is what every last object of a stream has besides the verb's own summary.
type endBody struct {
	Exit    int    `json:"exit" jsonschema:"the exit code"`
	Outcome string `json:"outcome" jsonschema:"the exit code in words"`
	Error   string `json:"error,omitempty" jsonschema:"what was wrong and what to do, in one line"`
	Elapsed int64  `json:"elapsed_us"`
}

// End closes the output with the code that err means and the verb's summary, a
// struct or nil. It returns the code that the command exits with: a result that
// could not be written is a failure too.
func (r *Reporter) End(err error, summary any) outcome.Code {
	r.mu.Lock()
	ended, failure := r.ended, r.failure
	r.ended = true
	r.mu.Unlock()
	if ended {
		return outcome.Of(err)
	}
	if err == nil && failure != nil {
		err = fmt.Errorf("cannot write the result: %w", failure)
	}
	body := endBody{Exit: int(outcome.Of(err)), Outcome: outcome.Of(err).String(), Elapsed: time.Since(r.begun).Microseconds()}
	if err != nil {
		body.Error = err.Error()
	}
	r.Event("end", body, summary)
	return outcome.Of(err)
}

// Event writes one JSON object with the fields of the given structs, one after
// another. Where text was asked for it does nothing.
func (r *Reporter) Event(name string, fields ...any) {
	if !r.JSON {
		return
	}
	line := fmt.Appendf(nil, `{"v":%d,"event":%q`, Version, name)
	for _, f := range fields {
		line = appendFields(line, f)
	}
	r.write(append(line, '}', '\n'))
}

// appendFields appends the members of the object that f is written as.
func appendFields(line []byte, f any) []byte {
	if f == nil {
		return line
	}
	b, err := json.Marshal(f)
	if err != nil || len(b) < 2 || b[0] != '{' {
		panic(fmt.Sprintf("bug: %T is not written as a JSON object: %v", f, err))
	}
	if len(b) == 2 {
		return line
	}
	return append(append(line, ','), b[1:len(b)-1]...)
}

// Printf writes a result as text, whole lines after a label. Where JSON was asked for it does nothing.
func (r *Reporter) Printf(format string, args ...any) {
	if !r.JSON {
		r.write(fmt.Appendf([]byte(r.label), format, args...))
	}
}

// Raw writes octets of a result as they are. Where JSON was asked for it does nothing.
func (r *Reporter) Raw(p []byte) {
	if !r.JSON {
		r.write(p)
	}
}

// Notef writes a line to standard error, unless -q was given.
func (r *Reporter) Notef(format string, args ...any) {
	if !r.Quiet {
		r.Tellf(format, args...)
	}
}

// Detailf writes a line to standard error if -v was given.
func (r *Reporter) Detailf(format string, args ...any) {
	if r.Verbose > 0 {
		r.Tellf(format, args...)
	}
}

// Tellf writes a line to standard error that is needed even with -q.
func (r *Reporter) Tellf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erase()
	fmt.Fprintf(r.diag, format+"\n", args...) // nobody is left to tell if this fails
}

func (o *output) write(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return
	}
	o.erase()
	_, o.failure = o.out.Write(p)
}

// draw replaces the line of progress, with nothing if it is empty.
func (o *output) draw(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.erase()
	if o.line = line != ""; o.line {
		fmt.Fprint(o.diag, line)
	}
}

// erase takes the line of progress away, so that others do not stand behind it.
func (o *output) erase() {
	if o.line {
		fmt.Fprint(o.diag, "\r\x1b[K")
		o.line = false
	}
}

// Err returns the first error of writing results, so that a long run can stop early.
func (r *Reporter) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure
}
