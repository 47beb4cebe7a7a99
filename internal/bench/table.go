package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns the table for a terminal: for each work the median of each stack
// with the least and the most, then how many times as good the first stack is as
// each other.
func (t *Table) Text() string {
	rows := t.rows()
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		line := ""
		for i, c := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i == 0 {
				line += c + pad
			} else {
				line += "  " + pad + c
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// Markdown returns the table for a page.
func (t *Table) Markdown() string {
	var b strings.Builder
	for i, r := range t.rows() {
		b.WriteString("| " + strings.Join(r, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("--:|", len(r)-1) + "\n")
		}
	}
	return b.String()
}

func (t *Table) rows() [][]string {
	head := []string{"work"}
	head = append(head, t.Stacks...)
	for _, rival := range t.Stacks[1:] {
		head = append(head, "to "+rival)
	}
	rows := [][]string{head}
	for i := range t.Works {
		w := &t.Works[i]
		r := []string{w.Title + ", " + w.Unit}
		if w.Unit == "/s" {
			r[0] = w.Title + ", a second"
		}
		for _, s := range t.Stacks {
			r = append(r, cell(t.Figure(w.Name, s)))
		}
		for _, rival := range t.Stacks[1:] {
			c := "–"
			if q, ok := t.Ratio(w, rival); ok {
				c = Number(q) + " ×"
			}
			r = append(r, c)
		}
		rows = append(rows, r)
	}
	return rows
}

func cell(f *Figure) string {
	if f == nil {
		return "–"
	}
	lo, hi := f.Range()
	return fmt.Sprintf("%s (%s–%s)", Number(Median(f.All)), Number(lo), Number(hi))
}

// Range returns the least and the most of the rounds.
func (f *Figure) Range() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range f.All {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// Number writes a figure with three digits that count, and commas between thousands.
func Number(v float64) string {
	switch {
	case v >= 1e4:
		unit := math.Pow(10, math.Floor(math.Log10(v))-2)
		return group(int64(math.Round(v/unit) * unit))
	case v >= 100:
		return group(int64(math.Round(v)))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
