package timeline

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/mono"
)

func TestManualRunsInOrderOfTimeThenKey(t *testing.T) {
	line := NewManual()
	type ran struct {
		at  mono.Time
		key uint64
	}
	var got []ran
	events := make([]Event, 200)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range events {
		k := uint64(i)
		events[i].Init(line, k, func(now mono.Time) { got = append(got, ran{now, k}) })
		events[i].SetExact(mono.Time(r.IntN(50)))
	}
	for i := range events { // move half of them, drop some
		switch i % 4 {
		case 0:
			events[i].SetExact(mono.Time(r.IntN(50)))
		case 1:
			events[i].Clear()
		}
	}
	line.Advance(25)
	for _, g := range got {
		if g.at > 25 {
			t.Fatalf("event of %d ran in Advance(25)", g.at)
		}
	}
	line.Advance(100)
	if len(got) != 150 || line.Len() != 0 {
		t.Fatalf("%d events ran and %d wait, want 150 and none", len(got), line.Len())
	}
	if !slices.IsSortedFunc(got, func(a, b ran) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return int(a.key) - int(b.key)
	}) {
		t.Errorf("events ran out of order: %v", got)
	}
}

func TestEventMaySetItselfAgain(t *testing.T) {
	line := NewManual()
	var e Event
	var times []mono.Time
	e.Init(line, 0, func(now mono.Time) {
		times = append(times, now)
		if len(times) < 3 {
			e.Set(now.Add(time.Millisecond))
		}
	})
	e.Set(1)
	line.Advance(mono.Time(time.Second))
	want := []mono.Time{1000, 1001000, 2001000}
	if !slices.Equal(times, want) {
		t.Errorf("ran at %v, want %v (rounded up to the grid)", times, want)
	}
	if line.Now() != mono.Time(time.Second) {
		t.Errorf("Now = %v after Advance(1s)", line.Now())
	}
}

func TestFollowsTheClockOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := New()
		done := make(chan mono.Time, 2)
		var late, early Event
		late.Init(line, 0, func(now mono.Time) { done <- now })
		early.Init(line, 1, func(now mono.Time) { done <- now })
		late.Set(mono.Time(time.Hour))
		early.Set(mono.Time(time.Minute)) // must move the timer forward
		if a, b := <-done, <-done; a != mono.Time(time.Minute) || b != mono.Time(time.Hour) {
			t.Errorf("ran at %v and %v", a, b)
		}
		if got := line.At(time.Unix(1, 0)); got != 0 {
			t.Errorf("At(1970) = %v, want 0", got)
		}
		if got := line.At(time.Now().Add(time.Second)); got != line.Now().Add(time.Second) {
			t.Errorf("At(in a second) = %v at %v", got, line.Now())
		}
	})
}

func TestCloseForgetsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := New()
		var e Event
		e.Init(line, 0, func(mono.Time) { t.Error("ran after Close") })
		e.Set(10)
		line.Close()
		e.Set(20)
		time.Sleep(time.Second)
		if line.Len() != 0 {
			t.Error("an event waits after Close")
		}
	})
}

func TestSetDoesNotAllocate(t *testing.T) {
	line := NewManual()
	var e Event
	e.Init(line, 0, func(mono.Time) {})
	at := mono.Time(0)
	if n := testing.AllocsPerRun(100, func() { at += 1000; e.Set(at); line.Advance(at) }); n != 0 {
		t.Errorf("%v allocations for setting and running an event", n)
	}
}
