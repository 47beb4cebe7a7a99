package octet

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
)

func TestNamesOfTheHostItself(t *testing.T) {
	h := newHost(t, WithName("alice"), WithHosts("bob", addr("192.0.2.2"), addr("2001:db8::2")), WithHosts("BOB.", addr("192.0.2.3")), WithHosts("localhost", addr("127.0.0.5")))
	for name, want := range map[string][]string{
		"alice":          {"127.0.0.1", "::1"},
		"ALICE.":         {"127.0.0.1", "::1"},
		"bob":            {"192.0.2.2", "2001:db8::2", "192.0.2.3"},
		"localhost":      {"127.0.0.5"},
		"foo.localhost":  {"127.0.0.5"},
		"192.0.2.9":      {"192.0.2.9"},
		"::ffff:1.2.3.4": {"1.2.3.4"},
		"fe80::1%eth0":   {"fe80::1%eth0"},
	} {
		list, err := h.LookupHost(t.Context(), name)
		if err != nil || !slices.Equal(list, want) {
			t.Errorf("%s: %v, %v; want %v", name, list, err, want)
		}
	}
	for _, name := range []string{"", "nobody", "alice.example"} {
		if list, err := h.LookupHost(t.Context(), name); err == nil {
			t.Errorf("%q: %v, want an error", name, list)
		}
	}
}

// WithLookup is asked after the host's own table, in canonical form.
func TestNamesOfTheNetwork(t *testing.T) {
	broken := errors.New("broken")
	h := newHost(t, WithHosts("own", addr("192.0.2.2")), WithLookup(func(name string) ([]netip.Addr, error) {
		switch name {
		case "bob", "own":
			return []netip.Addr{addr("192.0.2.9")}, nil
		case "bad":
			return nil, broken
		}
		return nil, nil
	}))
	for name, want := range map[string]string{"BOB.": "192.0.2.9", "own": "192.0.2.2"} {
		if list, err := h.LookupHost(t.Context(), name); err != nil || !slices.Equal(list, []string{want}) {
			t.Errorf("%s: %v, %v; want %s", name, list, err, want)
		}
	}
	if _, err := h.LookupHost(t.Context(), "bad"); !errors.Is(err, broken) {
		t.Errorf("bad: %v", err)
	}
	if list, err := h.LookupHost(t.Context(), "nobody"); err == nil {
		t.Errorf("nobody: %v, want an error", list)
	}
}
