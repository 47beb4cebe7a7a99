package packetdrill

import (
	"math"
	"strconv"
	"strings"
)

// maxDepth bounds how deep expressions nest.
const maxDepth = 32

// call parses name(arguments) = result ERRNO (note).
func (p *parser) call() *Call {
	c := &Call{Name: p.next().text}
	p.expect("(", "call of "+c.Name)
	c.Args = p.list(")", 0)
	p.expect("=", "call of "+c.Name+": result")
	if p.tok.kind == ellipsis {
		p.next()
	} else {
		c.Result = p.expr(0)
	}
	if p.tok.kind == word && !p.atEvent() {
		c.Errno = p.next().text
	}
	if p.is("(") && !p.atEvent() {
		c.Note = p.raw()
	}
	return c
}

// list parses expressions up to the closing symbol.
func (p *parser) list(closing string, depth int) (all []Expr) {
	for !p.accept(closing) {
		all = append(all, p.expr(depth))
		if !p.accept(",") && !p.is(closing) {
			p.fault("want , or %s, found %s", closing, p.found())
		}
	}
	return all
}

func (p *parser) expr(depth int) Expr {
	if depth > maxDepth {
		p.fault("expressions nest deeper than %d", maxDepth)
	}
	e := p.term(depth + 1)
	if !p.is("|") {
		return e
	}
	or := Or{e}
	for p.accept("|") {
		or = append(or, p.term(depth+1))
	}
	return or
}

func (p *parser) term(depth int) Expr {
	switch {
	case p.tok.kind == ellipsis:
		p.next()
		return Ellipsis{}
	case p.tok.kind == number || p.is("-"):
		isHex := strings.HasPrefix(strings.ToLower(p.tok.text), "0x")
		return Int{p.integer("argument", math.MinInt64, math.MaxInt64), isHex}
	case p.tok.kind == str:
		return p.str()
	case p.accept("["):
		return List(p.list("]", depth))
	case p.accept("{"):
		return p.structure(depth)
	case p.tok.kind == word:
		return p.name(depth)
	}
	p.fault("want an argument, found %s", p.found())
	return nil
}

func (p *parser) str() Expr {
	text, err := strconv.Unquote(`"` + p.tok.text + `"`)
	if err != nil {
		p.fault("%q is not a valid string", p.tok.text)
	}
	p.next()
	more := p.tok.kind == ellipsis
	if more {
		p.next()
	}
	return Str{text, more}
}

// name parses SOCK_STREAM or htons(80).
func (p *parser) name(depth int) Expr {
	w := p.next().text
	if p.is("(") && !p.tok.space {
		p.next()
		return Apply{w, p.list(")", depth)}
	}
	return Word(w)
}

// structure parses {onoff=1, linger=0} or {fd(1)=…} or {1, 2} up to the brace.
func (p *parser) structure(depth int) Expr {
	s := Struct{}
	for !p.accept("}") {
		s = append(s, p.field(depth))
		if !p.accept(",") && !p.is("}") {
			p.fault("want , or }, found %s", p.found())
		}
	}
	return s
}

func (p *parser) field(depth int) Field {
	e := p.expr(depth)
	if !p.accept("=") {
		return Field{Value: e}
	}
	switch n := e.(type) {
	case Word:
		return Field{Name: string(n), Value: p.expr(depth)}
	case Apply:
		if len(n.Args) == 1 {
			return Field{Name: n.Name, Count: n.Args[0], Value: p.expr(depth)}
		}
	}
	p.fault("want a name before =")
	return Field{}
}
