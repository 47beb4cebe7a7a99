package exact

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestTakeTags(t *testing.T) {
	for _, c := range []struct {
		args, goflags, tags, rest string
	}{
		{"-run X ./...", "", "", "-run X ./..."},
		{"-tags a,b ./...", "", "a,b", "./..."},
		{"--tags=a -v -tags b", "-mod=mod -tags=c", "c,a,b", "-v"},
		{"./x -args -tags a", "", "", "./x -args -tags a"},
		{"-tags", "", "", "-tags"}, // go test says what is wrong with it
	} {
		tags, rest := takeTags(strings.Fields(c.args), c.goflags)
		if strings.Join(tags, ",") != c.tags || strings.Join(rest, " ") != c.rest {
			t.Errorf("takeTags(%q, %q) = %v, %v, want %q, %q", c.args, c.goflags, tags, rest, c.tags, c.rest)
		}
	}
}

func TestCommand(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("GOEXPERIMENT", "")
	cmd, err := (&GoTest{Args: []string{"-tags", "mine", "./x", "-sim.seed=7"}, Net: true, Shrink: true, JSON: true}).Command(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Join(cmd.Args, " ")
	if !strings.Contains(line, " -tags mine,octet_exact,octet_net -json ./x -sim.seed=7 -sim.shrink") {
		t.Errorf("the command is %s", line)
	}
	if !slices.Contains(cmd.Env, "GOEXPERIMENT="+Experiment) {
		t.Error("the heap begins anywhere")
	}
	if _, err := (&GoTest{Args: []string{"-overlay=x.json"}}).Command(context.Background()); err == nil || !strings.Contains(err.Error(), "leave the other one out") {
		t.Errorf("a second overlay: %v", err)
	}
}
