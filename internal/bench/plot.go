package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The sizes of a plot, in pixels.
const (
	plotLabel = 250 // width of the names of works
	plotWidth = 400 // of the bars
	plotRow   = 16  // height of one bar
	plotGap   = 12  // between works
)

// plotColors are of the rivals, in their order: told apart also without colours by
// their lightness.
var plotColors = []string{"#1b4965", "#62a8ac", "#c8d5b9"}

// Plot returns the table as a picture (SVG): for each work a bar for each rival that
// says how many times as good the first stack is, on a logarithmic scale whose
// middle line is "as good as".
func (t *Table) Plot() string {
	most := 1.0
	for i := range t.Works {
		for _, rival := range t.Stacks[1:] {
			if q, ok := t.Ratio(&t.Works[i], rival); ok && q > 0 {
				most = max(most, math.Abs(math.Log2(q)))
			}
		}
	}
	scale := plotWidth / 2 / math.Ceil(most)
	middle := plotLabel + plotWidth/2
	var b strings.Builder
	y := plotGap + plotRow
	for j, rival := range t.Stacks[1:] {
		x := plotLabel + j*110
		fmt.Fprintf(&b, `<rect x="%d" y="4" width="10" height="10" fill="%s"/><text x="%d" y="13">to %s</text>`+"\n", x, color(j), x+14, html.EscapeString(rival))
	}
	for i := range t.Works {
		w := &t.Works[i]
		first := y
		for j, rival := range t.Stacks[1:] {
			q, ok := t.Ratio(w, rival)
			if !ok || q <= 0 {
				continue
			}
			wide := math.Log2(q) * scale
			x, end, anchor := float64(middle), float64(middle)+wide+4, "start"
			if wide < 0 {
				x, end, anchor = float64(middle)+wide, float64(middle)+wide-4, "end"
			}
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d" text-anchor="%s">%s ×</text>`+"\n",
				x, y, math.Abs(wide), plotRow-3, color(j), end, y+plotRow-5, anchor, Number(q))
			y += plotRow
		}
		y = max(y, first+plotRow)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLabel-8, (first+y)/2+4, html.EscapeString(w.Title))
		y += plotGap
	}
	fmt.Fprintf(&b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#444"/>`+"\n", middle, plotRow+4, middle, y-plotGap)
	width, height := plotLabel+plotWidth+70, y
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+
		"\n"+`<rect width="100%%" height="100%%" fill="white"/>`+"\n%s</svg>\n", width, height, width, height, b.String())
}

func color(i int) string { return plotColors[i%len(plotColors)] }
