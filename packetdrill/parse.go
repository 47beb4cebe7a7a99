package packetdrill

import (
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxScript bounds what is read as a script, in octets.
const maxScript = 4 << 20

// Load reads and parses a script file.
func Load(path string) (*Script, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxScript {
		return nil, &Error{path, 1, "larger than 4 MiB: this is no packet script"}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, string(text))
}

// Parse parses a script; name is for messages. The error is an *Error.
func Parse(name, text string) (script *Script, err error) {
	p := &parser{scanner{file: name, src: text, line: 1}}
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(*Error)
			if !ours {
				panic(r)
			}
			script, err = nil, e
		}
	}()
	p.next()
	script = &Script{Name: name}
	for p.tok.kind == option {
		script.Options = append(script.Options, p.option())
	}
	for p.tok.kind != end {
		script.Events = append(script.Events, p.event())
	}
	return script, nil
}

// parser turns tokens into a Script, by recursive descent.
type parser struct{ scanner }

func (p *parser) is(text string) bool { return p.tok.kind == symbol && p.tok.text == text }

func (p *parser) isWord(text string) bool { return p.tok.kind == word && p.tok.text == text }

// accept passes the token if it is that symbol.
func (p *parser) accept(text string) bool {
	ok := p.is(text)
	if ok {
		p.next()
	}
	return ok
}

func (p *parser) expect(text, where string) {
	if !p.accept(text) {
		p.fault("%s: want %q, found %s", where, text, p.found())
	}
}

// found says what the current token is, for messages.
func (p *parser) found() string {
	if p.tok.kind == end {
		return "the end of the script"
	}
	return strconv.Quote(p.tok.text)
}

func (p *parser) option() Option {
	t := p.next()
	name, value, ok := strings.Cut(strings.TrimPrefix(t.text, "--"), "=")
	if !ok && p.accept("=") {
		value = p.next().text
	}
	return Option{t.line, name, value}
}

func (p *parser) event() *Event {
	e := &Event{Line: p.tok.line}
	start := p.tok.at
	e.When = p.when()
	switch {
	case p.is("<") || p.is(">"):
		e.Action = p.packet()
	case p.tok.kind == command:
		e.Action = &Command{p.next().text}
	case p.tok.kind == code:
		e.Action = &Code{strings.TrimSpace(p.next().text)}
	case p.tok.kind == word:
		e.Action = p.call()
	default:
		p.fault("after the time: want < or > and a packet, a call, or `a command`, found %s", p.found())
	}
	e.Source = strings.TrimSpace(p.src[start:p.last])
	return e
}

// when parses the time of an event.
func (p *parser) when() When {
	if p.accept("*") {
		return When{Kind: AnyTime}
	}
	w := When{Kind: Absolute}
	if p.accept("+") {
		w.Kind = Relative
	}
	w.From = p.seconds()
	switch {
	case p.accept("~"):
		w.Kind += AbsoluteRange - Absolute
		p.accept("+")
		w.To = p.seconds()
	case p.tok.kind == ellipsis:
		p.next()
		p.accept("+")
		w.Ends, w.To = true, p.seconds()
	}
	if w.To != 0 && w.To < w.From {
		p.fault("the time ends before it begins")
	}
	return w
}

func (p *parser) seconds() time.Duration {
	if p.tok.kind != number {
		p.fault("want a time in seconds such as 0.25, found %s", p.found())
	}
	v, err := strconv.ParseFloat(p.tok.text, 64)
	if err != nil || v > 1e9 {
		p.fault("%q is no time in seconds", p.tok.text)
	}
	p.next()
	return time.Duration(math.Round(v*1e6)) * time.Microsecond
}

// integer parses a number between the bounds; what names it in messages.
func (p *parser) integer(what string, low, high int64) int64 {
	minus := p.accept("-")
	if p.tok.kind != number {
		p.fault("%s: want a number, found %s", what, p.found())
	}
	v, err := strconv.ParseInt(p.tok.text, 0, 64)
	if minus {
		v = -v
	}
	if err != nil || v < low || v > high {
		p.fault("%s: %s is not between %d and %d", what, p.tok.text, low, high)
	}
	p.next()
	return v
}
