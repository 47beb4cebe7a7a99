package sim

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-net/octet/vnet"
)

// recentLines is how many packets a report shows.
const recentLines = 30

// explain tells all that is known of a failed run, runs it again and compares.
func (r *run) explain(t *testing.T) {
	t.Helper()
	n := r.net
	if n == nil || *flagChild {
		return
	}
	first := n.Trace()
	if n.finished {
		first = n.trace
	}
	t.Logf("sim: seed %#x, trace %016x, shape %016x, %d packets in %v of virtual time", r.seed, first.Hash, first.Shape, first.Packets, lastStep(first))
	t.Logf("sim: the last packets (↑ from the host, ↓ to it):\n%s", strings.Join(n.Recent(recentLines), "\n"))
	if n.netstat != "" {
		t.Logf("sim: sockets at the end:\n%s", n.netstat)
	}
	base := filepath.Join("testdata", "sim", strings.ReplaceAll(r.name, "/", "_"))
	if err := os.MkdirAll(filepath.Dir(base), 0o777); err != nil {
		t.Logf("sim: no files were written: %v", err)
		return
	}
	if sum, err := writeCapture(base+".pcapng", n.Net); err != nil {
		t.Logf("sim: %v", err)
	} else {
		t.Logf("sim: packets in %s, sha256 %x", base+".pcapng", sum)
	}
	schedule := n.Schedule()
	if err := writeSchedule(base+".faults", schedule, r); err != nil {
		t.Logf("sim: %v", err)
	} else {
		t.Logf("sim: %s in %s; edit it and run with -sim.schedule=%s", faults(schedule.Len()), base+".faults", base+".faults")
	}
	t.Logf("sim: replay: %s -run '^%s$' -sim.seed=%#x", command(), strings.Split(r.name, "/")[0], r.seed)
	r.again(t, &first)
	if *flagShrink {
		shrink(t, r, schedule, base+".min.faults")
	}
}

// command is what runs a test again as it ran now.
func command() string {
	if exactly {
		return "octet test"
	}
	return "go test"
}

// advice says why two runs with one seed can differ.
func advice() string {
	if exactly {
		return ": something outside the bubble has a part in it"
	}
	return ": goroutines of a host race (octet test decides that by the seed too)"
}

func lastStep(t vnet.Trace) string {
	if len(t.Steps) == 0 {
		return "0s"
	}
	return t.Steps[len(t.Steps)-1].At.String()
}

func writeCapture(name string, n *vnet.Net) (sum []byte, err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := n.Capture(f); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := sha256.Sum256(b)
	return s[:], nil
}

func writeSchedule(name string, s *vnet.Schedule, r *run) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, "# %s with -sim.seed=%#x\n", r.name, r.seed); err != nil {
		f.Close()
		return err
	}
	if _, err := s.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// again runs the test once more and says whether it was the same.
func (r *run) again(t *testing.T, first *vnet.Trace) {
	t.Helper()
	second := *r
	second.net = nil
	passed := t.Run("again", second.once)
	if second.net == nil {
		return
	}
	trace := second.net.trace
	i, differs := first.Diverge(&trace)
	outcome := "failed too"
	if passed {
		outcome = "passed"
	}
	if !differs {
		t.Logf("sim: it ran a second time and %s; the runs are the same packet by packet (trace %016x)", outcome, trace.Hash)
		return
	}
	t.Logf("sim: it ran a second time and %s; the runs differ from packet %d on (of %d and %d), so the seed does not decide everything here%s\n  first:  %s\n  second: %s",
		outcome, i, first.Packets, trace.Packets, advice(), r.net.Line(i), second.net.Line(i))
	if first.Shape == trace.Shape {
		t.Logf("sim: times, places and lengths of all packets are the same (shape %016x); only contents differ", trace.Shape)
	}
}
