package vnet

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/octet-net/octet/link"
)

// A fault is one thing that chance did to one packet.
type fault struct {
	link        string
	forth       bool
	fate        link.Fate
	flow, index uint64
}

// A Schedule is a list of faults: what chance did to the packets of a run. A Net
// that is given it (Options.Replay) makes these faults and no others. It is written
// as text, one fault on a line, that can be edited.
type Schedule struct {
	faults []fault
	notes  map[fault]string // what packets they met
}

// Len returns how many faults there are.
func (s *Schedule) Len() int { return len(s.faults) }

// Without returns the schedule without faults from to to-1.
func (s *Schedule) Without(from, to int) *Schedule {
	return &Schedule{slices.Concat(s.faults[:from], s.faults[to:]), s.notes}
}

// The words of a schedule.
var faultWords = map[string]link.Fate{
	"lose": link.Lost, "double": link.Duplicated, "corrupt": link.Corrupted, "hold": link.HeldBack,
}

func faultWord(f link.Fate) string {
	for w, x := range faultWords {
		if x == f {
			return w
		}
	}
	return "lose"
}

// String returns the line of a fault: what is done, on which link and in which
// direction, to which packet of which flow.
func (f fault) String() string {
	d := Down
	if f.forth {
		d = Up
	}
	return fmt.Sprintf("%s %s %s flow %016x packet %d", faultWord(f.fate), f.link, d, f.flow, f.index)
}

// WriteTo writes the schedule as text.
func (s *Schedule) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	b.WriteString("# faults of a virtual network: one on a line; delete lines to have fewer\n")
	for _, f := range s.faults {
		b.WriteString(f.String())
		if note := s.notes[f]; note != "" {
			b.WriteString(" # " + note)
		}
		b.WriteString("\n")
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// ReadSchedule reads what WriteTo wrote. What follows # is a comment.
func ReadSchedule(r io.Reader) (*Schedule, error) {
	s := new(Schedule)
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		text, _, _ := strings.Cut(in.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		f, err := parseFault(strings.Fields(text))
		if err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", n, text, err)
		}
		s.faults = append(s.faults, f)
	}
	return s, in.Err()
}

func parseFault(w []string) (f fault, err error) {
	if len(w) != 7 || w[3] != "flow" || w[5] != "packet" {
		return f, fmt.Errorf("want: lose LINK up flow NUMBER packet NUMBER")
	}
	var known bool
	if f.fate, known = faultWords[w[0]]; !known {
		return f, fmt.Errorf("%q is none of lose, double, corrupt and hold", w[0])
	}
	if w[2] != "up" && w[2] != "down" {
		return f, fmt.Errorf("direction %q is neither up nor down", w[2])
	}
	f.link, f.forth = w[1], w[2] == "up"
	if f.flow, err = strconv.ParseUint(w[4], 16, 64); err != nil {
		return f, err
	}
	f.index, err = strconv.ParseUint(w[6], 10, 64)
	return f, err
}

// faultsMax is how many faults of a run are remembered.
const faultsMax = 1 << 18

// judge records the faults of a run, or makes those of a schedule.
type judge struct {
	mu     sync.Mutex
	replay map[fault]bool // nil: chance decides
	done   []fault
	notes  map[fault]string
	last   map[noteKey][]fault // decided, and not seen yet
}

// noteKey is what a sighting says of the fault that it shows.
type noteKey struct {
	link  string
	forth bool
	fate  link.Fate
}

func (j *judge) init(s *Schedule) {
	j.notes, j.last = map[fault]string{}, map[noteKey][]fault{}
	if s == nil {
		return
	}
	j.replay = make(map[fault]bool, len(s.faults))
	for _, f := range s.faults {
		j.replay[f] = true
	}
}

func (j *judge) decide(f fault, drawn bool) bool {
	if j.replay == nil && !drawn {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.replay != nil {
		drawn = j.replay[f]
	}
	if drawn && len(j.done) < faultsMax {
		j.done = append(j.done, f)
		k := noteKey{f.link, f.forth, f.fate}
		j.last[k] = append(j.last[k], f)
	}
	return drawn
}

// note describes the packet that the first fault of its kind met that is not
// described yet: a link shows its faults in the order in which it decides them.
func (j *judge) note(name string, s *link.Sighting, describe func() string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := noteKey{name, s.Outgoing, s.Fate}
	if waiting := j.last[k]; len(waiting) > 0 {
		j.notes[waiting[0]] = describe()
		j.last[k] = waiting[1:]
	}
}

// Schedule returns what chance has done to packets so far.
func (n *Net) Schedule() *Schedule {
	n.judge.mu.Lock()
	defer n.judge.mu.Unlock()
	return &Schedule{slices.Clone(n.judge.done), maps.Clone(n.judge.notes)}
}
