package octet

import (
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
