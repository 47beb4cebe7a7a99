package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Named returns the works that are named, with commas between; all for "".
func Named(names string) ([]Work, error) {
	all := Works()
	if names == "" {
		return all, nil
	}
	var list []Work
	for _, name := range strings.Split(names, ",") {
		i := slices.IndexFunc(all, func(w Work) bool { return w.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no work %q", name)
		}
		list = append(list, all[i])
	}
	return list, nil
}

// The lines of a page between which WritePage writes.
const (
	pageBegin = "<!-- measured: written by the command above -->\n"
	pageEnd   = "<!-- end of what was measured -->\n"
)

// WritePage puts the table, with when and on what it was measured, into a page
// between the two lines that mark its place, and the plot into a file beside it
// that ends in .svg.
func (t *Table) WritePage(path string, p *Plan) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(page, []byte(pageBegin))
	_, after, closed := bytes.Cut(rest, []byte(pageEnd))
	if !found || !closed {
		return fmt.Errorf("%s has no lines %q and %q", path, strings.TrimSpace(pageBegin), strings.TrimSpace(pageEnd))
	}
	plot := strings.TrimSuffix(path, filepath.Ext(path)) + ".svg"
	text := fmt.Sprintf("%s, %s.\n\n%s\n![How many times as good octet is](%s)\n", time.Now().UTC().Format("2006-01-02"), machine(p), t.Markdown(), filepath.Base(plot))
	out := slices.Concat(before, []byte(pageBegin), []byte(text), []byte(pageEnd), after)
	if err := os.WriteFile(path, out, 0o666); err != nil {
		return err
	}
	return os.WriteFile(plot, []byte(t.Plot()), 0o666)
}

// machine says what the figures were measured on.
func machine(p *Plan) string {
	return fmt.Sprintf("%d processors (%s), %s, %s/%s; median (least–most) of %d interleaved rounds of %v",
		runtime.NumCPU(), processor(), runtime.Version(), runtime.GOOS, runtime.GOARCH, p.Rounds, p.Span)
}

// processor returns the name of the processor, where the system tells it.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
