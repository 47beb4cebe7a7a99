package packetdrill

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/tcp"
)

// file is what a script calls a file descriptor.
type file struct {
	sock     *octet.Socket
	nonblock bool
	keepOn   bool
	keep     tcp.KeepAlive
}

// outcome is what a call returned.
type outcome struct {
	value  int64
	err    error
	text   []byte // octets that were read
	values []Expr // getsockopt's answer and the like
}

// blocked is a call that has not returned yet: it is tried again after everything
// that happens, which is what a goroutine that sleeps in it would see.
type blocked struct {
	event *Event
	call  *Call
	until time.Duration
	do    func() outcome
	err   error
}

// call makes a call and compares what it returns. A blocking one may return later.
func (r *run) call(e *Event, c *Call, until time.Duration) error {
	if err := r.settle(); err != nil {
		return err
	}
	if r.blocked != nil && r.blocked.until < r.elapsed() {
		return r.mismatch(r.blocked.event, nil, "the call has not returned")
	}
	make := makerOf(c.Name)
	if make == nil {
		return &Error{r.script.Name, e.Line, "the call " + c.Name + " is not supported"}
	}
	do, err := make(r, c)
	if err != nil {
		return &Error{r.script.Name, e.Line, c.Name + ": " + err.Error()}
	}
	out := do()
	if !r.waits(c, out) {
		return r.compare(e, c, out)
	}
	if !e.When.Ends {
		return r.mismatch(e, nil, "the call would block")
	}
	if r.blocked != nil {
		return &Error{r.script.Name, e.Line, "a second call blocks: only one may"}
	}
	r.blocked = &blocked{event: e, call: c, until: until, do: do}
	return nil
}

// waits reports whether a call on a blocking socket goes to sleep.
func (r *run) waits(c *Call, out outcome) bool {
	f := r.files[fdOf(c)]
	if f == nil || f.nonblock {
		return false
	}
	return errors.Is(out.err, syscall.EAGAIN) || errors.Is(out.err, syscall.EINPROGRESS) || errors.Is(out.err, syscall.EALREADY)
}

// fdOf returns the first argument of a call as a descriptor, -1 if it is none.
func fdOf(c *Call) int64 {
	if len(c.Args) > 0 {
		if n, ok := c.Args[0].(Int); ok {
			return n.V
		}
	}
	return -1
}

// retry looks whether the call that blocks can return now.
func (r *run) retry() {
	b := r.blocked
	if b == nil || b.err != nil {
		return
	}
	out := b.do()
	if b.call.Name == "connect" && errors.Is(out.err, syscall.EISCONN) {
		out.err, out.value = nil, 0
	}
	if r.waits(b.call, out) {
		return
	}
	r.blocked = nil
	err := r.compare(b.event, b.call, out)
	if at := r.elapsed(); err == nil && (at < b.until-r.slack || at > b.until+r.slack) {
		err = r.mismatch(b.event, nil, fmt.Sprintf("the call returned at %s, not at %s", secs(at), secs(b.until)))
	}
	if err != nil {
		r.blocked = &blocked{err: err}
	}
}

// settle returns the error of a blocked call that has returned meanwhile.
func (r *run) settle() error {
	if r.blocked == nil || r.blocked.err == nil {
		return nil
	}
	return r.blocked.err
}

// compare holds what a call returned against the script.
func (r *run) compare(e *Event, c *Call, out outcome) error {
	name := errnoName(out.err)
	if name != "" {
		out.value = -1
	}
	var why []string
	if want, ok := c.Result.(Int); ok && want.V != out.value {
		why = append(why, fmt.Sprintf("result: want %d, seen %d", want.V, out.value))
	}
	if c.Errno != name && (c.Result != nil || c.Errno != "") {
		why = append(why, fmt.Sprintf("error: want %s, seen %s", orNone(c.Errno), orNone(name)))
	}
	why = append(why, differentArgs(c, out)...)
	if len(why) == 0 {
		return nil
	}
	m := &Mismatch{File: r.script.Name, Line: e.Line, Want: e.Source, Why: why}
	m.Seen = strings.TrimSpace(fmt.Sprintf("%s %s(…) = %d %s", secs(r.elapsed()), c.Name, out.value, name))
	return m
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// differentArgs compares the arguments that a call fills in.
func differentArgs(c *Call, out outcome) (why []string) {
	for i, want := range c.Args {
		switch want := want.(type) {
		case Str:
			if out.text != nil && i == 1 && !strings.HasPrefix(string(out.text), want.S) {
				why = append(why, fmt.Sprintf("octets: want %q, seen %q", want.S, out.text))
			}
		case List, Struct:
			if i < len(out.values) && out.values[i] != nil && !sameExpr(want, out.values[i]) {
				why = append(why, fmt.Sprintf("argument %d: want %v, seen %v", i+1, want, out.values[i]))
			}
		}
	}
	return why
}

// sameExpr compares a wanted argument with the one that a call filled in: names
// stand for their numbers and ... for anything.
func sameExpr(want, got Expr) bool {
	if _, any := want.(Ellipsis); any {
		return true
	}
	switch w := want.(type) {
	case List:
		g, ok := got.(List)
		return ok && sameList(w, g)
	case Struct:
		g, ok := got.(Struct)
		return ok && sameStruct(w, g)
	}
	a, okA := number64(want)
	b, okB := number64(got)
	if okA && okB {
		return a == b
	}
	return fmt.Sprint(want) == fmt.Sprint(got)
}

func sameList(w, g List) bool {
	if len(w) != len(g) {
		return false
	}
	for i := range w {
		if !sameExpr(w[i], g[i]) {
			return false
		}
	}
	return true
}

// sameStruct compares the fields that the script names.
func sameStruct(w, g Struct) bool {
	for _, f := range w {
		found := false
		for _, x := range g {
			found = found || x.Name == f.Name && sameExpr(f.Value, x.Value)
		}
		if !found {
			return false
		}
	}
	return true
}
