package main

import (
	"testing"
	"time"

	"github.com/octet-net/octet/internal/bench"
)

// gVisor does every work, so that no row of the table is empty by mistake.
func TestGvisorDoesEveryWork(t *testing.T) {
	p := bench.Plan{Works: bench.Works(), Stacks: []bench.Stack{gvisor()}, Rounds: 1, Span: 10 * time.Millisecond}
	if testing.Short() {
		p.Works = p.Works[:7] // idle connections take longest
	}
	table, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Works {
		f := table.Figure(w.Name, "gVisor")
		if f == nil || bench.Median(f.All) <= 0 {
			t.Errorf("%s: %v", w.Name, f)
		}
	}
}
