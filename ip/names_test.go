package ip

import (
	"errors"
	"testing"
)

// Whatever can be printed has a name, and no two have the same.
func TestNames(t *testing.T) {
	unique := func(what string, all []string) {
		t.Helper()
		seen := map[string]bool{}
		for k, s := range all {
			if s == "" || seen[s] {
				t.Errorf("%s %d is called %q", what, k, s)
			}
			seen[s] = true
		}
	}
	var reasons, kinds, states, neighbours, events, errs []string
	for r := range numReasons {
		reasons = append(reasons, r.String())
	}
	for k := Drop; k <= Forward; k++ {
		kinds = append(kinds, k.String())
	}
	for s := Preferred; s <= Duplicate; s++ {
		states = append(states, s.String())
	}
	for s := range numNeighbourStates {
		neighbours = append(neighbours, s.String())
	}
	for k := AddressReady; k <= NameServers; k++ {
		events = append(events, k.String())
	}
	for e := ErrNoRoute; e <= ErrNotFound; e++ {
		errs = append(errs, e.Error())
	}
	unique("reason", reasons)
	unique("verdict", kinds)
	unique("address state", states)
	unique("neighbour state", neighbours)
	unique("event", events)
	unique("error", errs)
	for _, s := range []string{Reason(200).String(), Kind(200).String(), AddressState(200).String(), NeighbourState(200).String(), EventKind(200).String(), Error(200).Error()} {
		_ = s // none panics
	}
	if !errors.Is(error(ErrNoRoute), ErrNoRoute) {
		t.Error("an error is not itself")
	}
}

// Events that nobody asks for are bounded: the oldest go.
func TestEventsAreBounded(t *testing.T) {
	n := New(Config{})
	for k := range 3 * maxEvents {
		n.tell(AddressConflict, ID(k), addr("192.0.2.1"), macOf(1))
	}
	e, ok := n.Event()
	if !ok || e.Interface != 2*maxEvents || len(n.events) != maxEvents-1 {
		t.Errorf("the first is %+v, %d wait", e, len(n.events))
	}
}
