// Package explain says what the words of a network configuration mean: lines of
// ifconfig (BSD, macOS, Linux's net-tools, our own), of ip addr, and single flag
// words, masks and addresses. What it does not know it calls unknown.
package explain

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// A Note says what one word of a line means. Notes of a greater depth belong to the
// one before them.
type Note struct {
	Depth   int    `json:"depth"`
	Word    string `json:"word"`
	Kind    string `json:"kind"` // interface, flags, flag, options, option, address, mask, network, number, word, unknown, …
	Known   bool   `json:"known"`
	Meaning string `json:"meaning"`
}

// A Line is a line of the text with what its words mean.
type Line struct {
	Number int    `json:"line"` // in the text, from 1
	Text   string `json:"text"`
	Notes  []Note `json:"notes"`
}

// Known returns how many notes of depth zero explain something, and how many do not.
func (l *Line) Known() (known, unknown int) {
	for _, n := range l.Notes {
		switch {
		case n.Depth > 0:
		case n.Known:
			known++
		default:
			unknown++
		}
	}
	return known, unknown
}

// Text explains each line of a text but the empty ones, one after another.
func Text(s string) iter.Seq[*Line] {
	return func(yield func(*Line) bool) {
		r := new(reader)
		number := 0
		for text := range strings.SplitSeq(s, "\n") {
			number++
			text = strings.TrimRight(text, " \t\r")
			if strings.TrimSpace(text) == "" {
				continue
			}
			if !yield(&Line{number, text, r.line(text)}) {
				return
			}
		}
	}
}

// words divides a line at blanks; what stands in parentheses stays together, if it
// is short.
func words(s string) []string {
	const most = 4 // words in parentheses
	fields := strings.Fields(s)
	var all []string
	for i := 0; i < len(fields); i++ {
		n := 1
		if strings.HasPrefix(fields[i], "(") {
			k := slices.IndexFunc(fields[i:min(i+most, len(fields))], func(w string) bool { return strings.HasSuffix(w, ")") })
			n = max(k+1, 1)
		}
		all = append(all, strings.Join(fields[i:i+n], " "))
		i += n - 1
	}
	return all
}

// A reader goes through the words of a text, line by line.
type reader struct {
	iface string // the interface that the lines are about

	words []string // of the line
	at    int      // the next word
	notes []Note   // of the line
	depth int
	addr  netip.Addr   // the address of the line that a mask belongs to
	net   netip.Prefix // the network of the line that a broadcast address belongs to
}

// peek returns the next word, empty at the end.
func (r *reader) peek() string {
	if r.at >= len(r.words) {
		return ""
	}
	return r.words[r.at]
}

// next takes the next word, empty at the end.
func (r *reader) next() string {
	w := r.peek()
	if w != "" {
		r.at++
	}
	return w
}

// rest takes all words that are left.
func (r *reader) rest() string {
	left := r.words[r.at:]
	r.at = len(r.words)
	return strings.Join(left, " ")
}

// note explains a word.
func (r *reader) note(kind, word, format string, args ...any) {
	r.notes = append(r.notes, Note{r.depth, word, kind, true, fmt.Sprintf(format, args...)})
}

// unknown says that a word cannot be explained, and what is known of it nevertheless.
func (r *reader) unknown(word, format string, args ...any) {
	r.notes = append(r.notes, Note{r.depth, word, "unknown", false, fmt.Sprintf(format, args...)})
}

// under runs f for notes that belong to the last one.
func (r *reader) under(f func()) {
	r.depth++
	f()
	r.depth--
}

// line explains a whole line: a heading first, then word after word.
func (r *reader) line(text string) []Note {
	*r = reader{iface: r.iface, words: words(text)}
	if text[0] != ' ' && text[0] != '\t' {
		r.heading()
	}
	for r.at < len(r.words) {
		r.word(r.next())
	}
	return r.notes
}

// word explains one word, with the words after it that belong to it.
func (r *reader) word(w string) {
	w = r.divide(w)
	if f, ok := keywords[w]; ok {
		f(r, w)
		return
	}
	if m, ok := plain[w]; ok {
		r.note("word", w, "%s", m)
		return
	}
	if w == r.iface {
		r.note("word", w, "the name of this address on its interface")
		return
	}
	if r.equation(w) || r.bareFlag(w) || r.value(w) {
		return
	}
	r.unknown(w, "a word that octet does not know here")
}

// divide takes apart what older versions of net-tools write in one, such as
// MTU:65536 and addr:127.0.0.1, and returns the first part.
func (r *reader) divide(w string) string {
	key, value, found := strings.Cut(w, ":")
	name, old := oldKeys[key]
	if !found || !old {
		return w
	}
	if value != "" { // it takes the place of the word it was in
		r.at--
		r.words[r.at] = value
	}
	if name == "" { // the key says nothing itself
		return r.next()
	}
	return name
}

// oldKeys are the words before a colon in what net-tools 1 writes, and what they
// are called elsewhere.
var oldKeys = map[string]string{
	"addr": "", "Bcast": "broadcast", "Mask": "netmask", "P-t-P": "destination", "MTU": "mtu", "Metric": "metric",
	"encap": "encap", "Scope": "scope", "txqueuelen": "txqueuelen", "collisions": "collisions", "packets": "packets",
	"errors": "errors", "dropped": "dropped", "overruns": "overruns", "frame": "frame", "carrier": "carrier", "bytes": "bytes",
	"HWaddr": "ether",
}
