package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/octet-net/octet/cmd/octet/internal/exact"
)

// simBinary builds the tests of package sim as octet test does.
func simBinary(t *testing.T, net bool) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the standard library")
	}
	binary := filepath.Join(t.TempDir(), "sim.test")
	build, err := (&exact.GoTest{Args: []string{"-c", "-o", binary, "."}, Net: net}).Command(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	build.Dir = filepath.Join("..", "..", "sim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

var traceLine = regexp.MustCompile(`trace [0-9a-f]{16}`)

// Twenty processes send the same packets: of three hosts over HTTP, whose fifty runs
// in one process are compared there, and of goroutines of one host that race; and
// goroutines that yield take the same turns.
func TestProcessesAgree(t *testing.T) {
	binary := simBinary(t, false)
	for _, name := range []string{"TestThreeHosts", "TestExactRace", "TestExactYield"} {
		seen := map[string]int{}
		for range 20 {
			run := exec.Command(binary, "-test.run", "^"+name+"$", "-test.v")
			run.Dir = filepath.Join("..", "..", "sim")
			out, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
			for _, line := range traceLine.FindAllString(string(out), -1) {
				seen[line]++
			}
		}
		if len(seen) != 1 {
			t.Errorf("%s: 20 processes had %d traces: %v", name, len(seen), seen)
		}
	}
}

// With -net programs that know nothing of virtual hosts run on two of them.
func TestRoutedPrograms(t *testing.T) {
	run := exec.Command(simBinary(t, true), "-test.run", "^TestUnmodifiedPrograms$", "-test.v")
	run.Dir = filepath.Join("..", "..", "sim")
	out, err := run.CombinedOutput()
	if err != nil || !regexp.MustCompile(`--- PASS: TestUnmodifiedPrograms `).Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
}
