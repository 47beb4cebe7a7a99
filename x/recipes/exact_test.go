//go:build octet_exact

package recipes

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"
)

// child is set for the processes that elsewhere starts.
const child = "OCTET_RECIPES_CHILD"

var traces = regexp.MustCompile(`trace [0-9a-f]{16}`)

// elsewhere runs the test in two processes of its own and compares their packets,
// unless this is such a process, which is to run the test itself. The two runs within
// one process may differ: programs have pools and counters that outlive a bubble.
func elsewhere(t *testing.T) bool {
	t.Helper()
	if os.Getenv(child) != "" {
		return false
	}
	var both [2][]string
	for i := range both {
		args := append(slices.Clone(os.Args[1:]), "-test.run=^"+t.Name()+"$", "-test.v", "-test.testlogfile=")
		run := exec.Command(os.Args[0], args...)
		run.Env = append(os.Environ(), child+"=1")
		out, err := run.CombinedOutput()
		t.Logf("process %d:\n%s", i+1, out)
		if err != nil {
			t.Fatal(err)
		}
		both[i] = traces.FindAllString(string(out), -1)
	}
	if len(both[0]) != 2 || !slices.Equal(both[0], both[1]) {
		t.Errorf("two processes differ: %v and %v", both[0], both[1])
	}
	return true
}
