package link

import (
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// gateFunc is a Gate that is a function.
type gateFunc func(e *Entering) Passage

func (f gateFunc) Pass(e *Entering) Passage { return f(e) }

// arrivals is a Receiver that notes when packets came and what they were.
type arrivals struct {
	at   []mono.Time
	what []byte
}

func (a *arrivals) Receive(now mono.Time, batch []Packet) {
	for i := range batch {
		a.at = append(a.at, now)
		a.what = append(a.what, batch[i].Data.B[0])
	}
}

func gated(t *testing.T, o WireOptions) (*timeline.Timeline, *Wire, *arrivals) {
	t.Helper()
	line := timeline.NewManual()
	w, err := NewWire(line, o)
	if err != nil {
		t.Fatal(err)
	}
	a := new(arrivals)
	w.End(1).Attach(a)
	for c := range byte(4) {
		w.End(0).Send(&Packet{Data: chunk.Copy([]byte{c, 1, 2, 3})})
	}
	line.Advance(mono.Time(time.Second))
	return line, w, a
}

// A Gate stops, doubles and delays packets, and what it lets pass goes on.
func TestGate(t *testing.T) {
	_, w, a := gated(t, WireOptions{
		Paths: [2]Path{{Delay: time.Millisecond}},
		Gate: gateFunc(func(e *Entering) Passage {
			if e.Index == 0 && !e.Forth {
				t.Error("the direction is wrong")
			}
			return []Passage{{Stop: true}, {Delay: 10 * time.Millisecond}, {Twice: true}, {}}[e.Index]
		}),
	})
	if string(a.what) != "\x02\x02\x03\x01" {
		t.Errorf("packets %v arrived, want 2 2 3 1", a.what)
	}
	if n := len(a.at); n != 4 || a.at[0] != mono.Time(time.Millisecond) || a.at[3] != mono.Time(11*time.Millisecond) {
		t.Errorf("they arrived at %v", a.at)
	}
	s := w.Stats(0)
	if s.Stopped != 1 || s.Duplicated != 1 || s.Sent+s.Duplicated != s.Delivered+s.Stopped {
		t.Errorf("%+v", s)
	}
}

// judgeFunc is a Judge that is a function.
type judgeFunc func(fate Fate, index uint64, drawn bool) bool

func (f judgeFunc) Decide(_ bool, fate Fate, _, index uint64, drawn bool) bool {
	return f(fate, index, drawn)
}

// A Judge overrules chance in both senses.
func TestJudge(t *testing.T) {
	asked := map[Fate]int{}
	_, w, a := gated(t, WireOptions{
		Paths: [2]Path{{Loss: List{0, 1}}},
		Judge: judgeFunc(func(fate Fate, index uint64, drawn bool) bool {
			asked[fate]++
			if fate == Lost && drawn != (index < 2) {
				t.Errorf("packet %d: drawn %v", index, drawn)
			}
			return fate == Lost && index == 3
		}),
	})
	if string(a.what) != "\x00\x01\x02" || w.Stats(0).Lost != 1 {
		t.Errorf("packets %v arrived, want 0 1 2; %+v", a.what, w.Stats(0))
	}
	for _, f := range []Fate{Lost, Duplicated, Corrupted, HeldBack} {
		if asked[f] < 3 {
			t.Errorf("asked %d times about %q", asked[f], f)
		}
	}
}
