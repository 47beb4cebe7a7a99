package tcp

import "testing"

// A ring keeps its order while it grows, wraps and shrinks.
func TestRing(t *testing.T) {
	var r ring[int]
	in, out := 0, 0
	for round := range 1000 {
		for range round % 7 {
			r.push(in)
			in++
		}
		if r.len() > 0 && *r.last() != in-1 {
			t.Fatalf("the newest is %d, want %d", *r.last(), in-1)
		}
		for range min(r.len(), round%5) {
			if *r.at(0) != out {
				t.Fatalf("the oldest is %d, want %d", *r.at(0), out)
			}
			r.pop()
			out++
		}
	}
	for r.len() > 0 {
		r.pop()
	}
	if len(r.a) > smallRing {
		t.Errorf("an empty ring keeps room for %d", len(r.a))
	}
}
