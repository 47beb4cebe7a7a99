package sim

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/vnet"
)

// A trial has this much real time.
const trialTime = time.Minute

// shrink looks for a part of the faults with which the test still fails in the
// same line, such that it does not without any one of them (delta debugging,
// Zeller and Hildebrandt, IEEE Transactions on Software Engineering 28(2), 2002).
// Each trial is a process of its own: one that hangs or panics harms nobody.
func shrink(t *testing.T, r *run, s *vnet.Schedule, name string) {
	t.Helper()
	x := &shrinker{t: t, r: r, dir: t.TempDir()}
	var failed bool
	if x.want, failed = x.try(s); !failed {
		t.Logf("sim: shrink: with its %s from the file the test passes, so they are not what it depends on", faults(s.Len()))
		return
	}
	if line, failed := x.try(&vnet.Schedule{}); failed && line == x.want {
		t.Logf("sim: shrink: the test fails in %s without any fault", x.want)
		return
	}
	s = x.minimize(s)
	if err := writeSchedule(name, s, r); err != nil {
		t.Logf("sim: shrink: %v", err)
		return
	}
	var b strings.Builder
	if _, err := s.WriteTo(&b); err != nil {
		t.Logf("sim: shrink: %v", err)
	}
	t.Logf("sim: shrink: %d trials: the test still fails in %s with %s, and no longer when one is left out:\n%ssim: shrink: in %s; run with -sim.seed=%#x -sim.schedule=%s",
		x.trials, x.want, faults(s.Len()), b.String(), name, r.seed, name)
}

// faults says how many faults there are.
func faults(n int) string {
	if n == 1 {
		return "1 fault"
	}
	return fmt.Sprintf("%d faults", n)
}

type shrinker struct {
	t      *testing.T
	r      *run
	dir    string
	want   string // line of the failure
	trials int
}

// minimize leaves out ever smaller parts while the failure stays.
func (x *shrinker) minimize(s *vnet.Schedule) *vnet.Schedule {
	for size := (s.Len() + 1) / 2; size > 0 && s.Len() > 0; {
		changed := false
		for at := 0; at < s.Len(); {
			less := s.Without(at, min(at+size, s.Len()))
			if line, failed := x.try(less); failed && line == x.want {
				s, changed = less, true
			} else {
				at += size
			}
		}
		if size == 1 && !changed {
			break
		}
		size = max(1, min(size/2, s.Len()))
	}
	return s
}

// failureLine is how package testing prints where a test failed.
var failureLine = regexp.MustCompile(`(?m)^\s+(\w+\.go:\d+): `)

// try runs the test with a schedule and returns the line in which it fails.
func (x *shrinker) try(s *vnet.Schedule) (line string, failed bool) {
	x.trials++
	name := filepath.Join(x.dir, "trial.faults")
	if err := writeSchedule(name, s, x.r); err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), trialTime)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		x.t.Fatal(err)
	}
	parts := strings.Split(x.r.name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	c := exec.CommandContext(ctx, self, "-test.run="+strings.Join(parts, "/"), "-sim.child", fmt.Sprintf("-sim.seed=%d", x.r.seed), "-sim.schedule="+name)
	out, err := c.CombinedOutput()
	if err == nil {
		return "", false
	}
	if m := failureLine.FindStringSubmatch(string(out)); m != nil {
		return m[1], true
	}
	return "no line: " + c.ProcessState.String(), true
}
