package packetdrill

import (
	"fmt"
	"strings"
)

// Error is a fault in a script, with its place.
type Error struct {
	File string
	Line int
	Msg  string
}

// Error returns file:line: message.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// kind is the kind of a token.
type kind uint8

const (
	end      kind = iota
	number        // 12, 0x1f, 0.25
	word          // S, SOCK_STREAM, icmp
	str           // "…"
	command       // `…`
	code          // %{ … }%
	option        // --name=value
	ellipsis      // ...
	symbol        // one of the others
)

// token is a piece of a script. space tells whether white space precedes it.
type token struct {
	kind  kind
	text  string
	line  int
	space bool
	at    int // offset in the source
}

// scanner cuts a script into tokens, one ahead.
type scanner struct {
	file string
	src  string
	pos  int
	line int
	tok  token
	last int // offset where the token before tok ended
}

// fault is how the parser gives up; Parse recovers it.
func (s *scanner) fault(format string, args ...any) {
	panic(&Error{s.file, s.tok.line, fmt.Sprintf(format, args...)})
}

// next moves to the next token and returns the one it leaves.
func (s *scanner) next() token {
	was := s.tok
	s.last = s.pos
	space := s.skip()
	s.tok = token{line: s.line, space: space, at: s.pos}
	s.scan()
	return was
}

// skip passes white space and comments.
func (s *scanner) skip() (any bool) {
	for s.pos < len(s.src) {
		rest := s.src[s.pos:]
		n := 0
		switch {
		case strings.HasPrefix(rest, "//"):
			n = lineLen(rest)
		case strings.HasPrefix(rest, "/*"):
			i := strings.Index(rest[2:], "*/")
			if i < 0 {
				s.tok.line = s.line
				s.fault("comment without an end: close it with */")
			}
			n = i + 4
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			n = 1
		default:
			return any
		}
		s.line += strings.Count(rest[:n], "\n")
		s.pos += n
		any = true
	}
	return any
}

func lineLen(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// scan fills in the token at pos.
func (s *scanner) scan() {
	rest := s.src[s.pos:]
	switch {
	case rest == "":
		return
	case strings.HasPrefix(rest, "..."):
		s.take(ellipsis, 3)
	case strings.HasPrefix(rest, "--") && len(rest) > 2 && isLetter(rest[2]):
		s.take(option, optionLen(rest))
	case rest[0] == '"':
		s.quoted(str, `"`)
	case rest[0] == '`':
		s.quoted(command, "`")
	case strings.HasPrefix(rest, "%{"):
		s.quoted(code, "}%")
	case isDigit(rest[0]), rest[0] == '.' && len(rest) > 1 && isDigit(rest[1]):
		s.take(number, numberLen(rest))
	case isLetter(rest[0]):
		s.take(word, span(rest, isWord))
	default:
		s.take(symbol, 1)
	}
}

func (s *scanner) take(k kind, n int) {
	s.tok.kind, s.tok.text = k, s.src[s.pos:s.pos+n]
	s.pos += n
}

// quoted scans up to the closing mark; a backslash in a string protects the next octet.
func (s *scanner) quoted(k kind, closing string) {
	open := 1
	if k == code {
		open = 2
	}
	for i := s.pos + open; i < len(s.src); i++ {
		switch {
		case k == str && s.src[i] == '\\':
			i++
		case strings.HasPrefix(s.src[i:], closing):
			s.tok.kind, s.tok.text = k, s.src[s.pos+open:i]
			s.line += strings.Count(s.tok.text, "\n")
			s.pos = i + len(closing)
			return
		}
	}
	s.fault("no closing %s", closing)
}

// raw returns the text up to the next ')' on the line and passes it: a note such
// as (Operation now in progress). The current token is the '('.
func (s *scanner) raw() string {
	start := s.tok.at + 1
	n := strings.IndexAny(s.src[start:], ")\n")
	if n < 0 || s.src[start+n] == '\n' {
		s.fault("no closing ) on the line")
	}
	s.pos, s.line = start+n+1, s.tok.line
	s.next()
	return s.src[start : start+n]
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func optionLen(s string) int {
	return span(s, func(c byte) bool { return c > ' ' })
}

// numberLen spans 12, 0x1f, 0.25 and .25, but leaves the dots of 0.1...0.2 and the
// letters of 5h alone.
func numberLen(s string) int {
	if strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") {
		return 2 + span(s[2:], func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' })
	}
	n := span(s, isDigit)
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		n += 1 + span(s[n+1:], isDigit)
	}
	return n
}
