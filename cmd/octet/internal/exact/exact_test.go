package exact

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tree returns the Go tree of this test and its version.
func tree(t *testing.T) (goroot, version string) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	lines := strings.Fields(string(out))
	return lines[0], lines[1]
}

// overlay writes the overlay where the command does, so that what is built with it
// stays in the cache.
func overlay(t *testing.T, net bool) string {
	t.Helper()
	goroot, version := tree(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path, err := Write(filepath.Join(cache, "octet", "exact"), goroot, version, net)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The overlay replaces what it says by files that are there, and the same again
// is the same folder.
func TestWrite(t *testing.T) {
	goroot, version := tree(t)
	cache := t.TempDir()
	path, err := Write(cache, goroot, version, true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for old, changed := range list.Replace {
		if info, err := os.Stat(changed); err != nil || info.Size() == 0 {
			t.Errorf("%s is replaced by %s: %v", old, changed, err)
		}
	}
	if len(list.Replace) < 10 {
		t.Errorf("only %d files are replaced", len(list.Replace))
	}
	again, err := Write(cache, goroot, version, true)
	if err != nil || again != path {
		t.Errorf("again: %s, %v, want %s", again, err, path)
	}
	plain, err := Write(cache, goroot, version, false)
	if err != nil || plain == path {
		t.Errorf("without net: %s, %v, want another folder", plain, err)
	}
	left, err := filepath.Glob(filepath.Join(cache, ".new-*"))
	if err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A release that nobody tried, and a tree that is not what its version says, get an
// error with what to do instead of a guess.
func TestUnknownGo(t *testing.T) {
	goroot, version := tree(t)
	for _, strange := range []string{"go1.25.4", "go1.27.0", "devel go1.27-abcdef", "go1.260.1"} {
		var unknown *UnknownGoError
		if _, err := Write(t.TempDir(), goroot, strange, false); !errors.As(err, &unknown) {
			t.Errorf("%s: %v, want an UnknownGoError", strange, err)
		} else if !strings.Contains(err.Error(), "GOTOOLCHAIN") {
			t.Errorf("%s: the error does not say what to do: %v", strange, err)
		}
	}

	patched := t.TempDir()
	for i := range runtimeEdits {
		text, err := os.ReadFile(filepath.Join(goroot, "src", runtimeEdits[i].file))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(patched, "src", runtimeEdits[i].file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), "cheaprandn(uint32(norder + 1))", "cheaprandn(uint32(1 + norder))", 1))
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cache := t.TempDir()
	_, err := Write(cache, patched, version, false)
	if err == nil || !strings.Contains(err.Error(), "src/runtime/select.go") {
		t.Errorf("a patched tree: %v, want an error that names the file", err)
	}
	if left, _ := os.ReadDir(cache); len(left) != 0 {
		t.Errorf("something was written: %v", left)
	}
}

// trace runs the module's test in a new process and returns its trace.
func trace(t *testing.T, binary, seed string) string {
	t.Helper()
	run := exec.Command(binary, "-test.run", "^TestRace$")
	run.Env = append(os.Environ(), "SEED="+seed, "GOGC=off")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if hash, ok := strings.CutPrefix(line, "trace "); ok {
			return strings.TrimSpace(hash)
		}
	}
	t.Fatalf("no trace in %s", out)
	return ""
}

// build compiles the module's tests with the overlay.
func build(t *testing.T, net bool, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "exact.test")
	args := []string{"test", "-c", "-o", binary, "-overlay", overlay(t, net), "-tags", strings.Join(Tags(net), ",")}
	compile := exec.Command("go", append(args, flags...)...)
	compile.Dir = filepath.Join("testdata", "module")
	compile.Env = append(os.Environ(), "GOEXPERIMENT="+Experiment, "GOWORK=off", "GOFLAGS=")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// Eight processes run one race in one order, and another seed in another.
func TestRaceRepeats(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library")
	}
	binary := build(t, false)
	first := trace(t, binary, "1")
	for i := range 7 {
		if again := trace(t, binary, "1"); again != first {
			t.Fatalf("process %d: trace %s, the first had %s", i+2, again, first)
		}
	}
	if other := trace(t, binary, "2"); other == first {
		t.Errorf("seeds 1 and 2 both gave trace %s", first)
	}
}

// The calls of package net lead to the router on a host's goroutines alone.
func TestRoute(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library")
	}
	run := exec.Command(build(t, true), "-test.run", "^(TestRoute|TestHost)$", "-test.v")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"TestRoute", "TestHost"} {
		if !strings.Contains(string(out), "--- PASS: "+name) {
			t.Errorf("%s did not run:\n%s", name, out)
		}
	}
}
