package tcp

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestStatesAreDrawn holds docs/tcp-states.md to the table of transitions, which
// every story of this package is checked against.
func TestStatesAreDrawn(t *testing.T) {
	var b strings.Builder
	b.WriteString("# States of a connection\n\nDrawn from the table `transitions` in [tcp/state.go](../tcp/state.go) by `go test ./tcp -run StatesAreDrawn -update`; RFC 9293 §3.3.2, Figure 5.\n")
	b.WriteString("LISTEN is not a state of a connection: a listener is a row in a table. From every state a reset, an abort or a timeout leads to CLOSED.\n\n```mermaid\nstateDiagram-v2\n")
	for from, next := range transitions {
		for to := range State(states) {
			if next.has(to) {
				fmt.Fprintf(&b, "    %s --> %s\n", node(State(from)), node(to))
			}
		}
	}
	b.WriteString("```\n")
	const path = "../docs/tcp-states.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what the table says (%v): -update rewrites it", path, err)
	}
}

// node is a state's name as mermaid takes it.
func node(s State) string { return strings.NewReplacer("-", "_").Replace(s.String()) }
