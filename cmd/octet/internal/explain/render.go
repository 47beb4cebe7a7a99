package explain

import (
	"strings"
	"unicode/utf8"
)

// widest is how many columns the words of notes may take before their meaning
// stands on a line of its own.
const widest = 30

// Render writes a line and under it, indented, what its words mean.
func (l *Line) Render() string {
	var b strings.Builder
	b.WriteString(l.Text)
	b.WriteByte('\n')
	column := 0
	for _, n := range l.Notes {
		if w := n.width(); w <= widest {
			column = max(column, w)
		}
	}
	for _, n := range l.Notes {
		b.WriteString(strings.Repeat(" ", 4+2*n.Depth))
		b.WriteString(n.Word)
		gap := column - n.width()
		if gap < 0 {
			b.WriteByte('\n')
			gap = 4 + column
		}
		b.WriteString(strings.Repeat(" ", gap+2))
		if !n.Known {
			b.WriteString("? ")
		}
		b.WriteString(n.Meaning)
		b.WriteByte('\n')
	}
	return b.String()
}

// width returns the columns up to the end of the word, without the first indent.
func (n *Note) width() int { return 2*n.Depth + utf8.RuneCountInString(n.Word) }
