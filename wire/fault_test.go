package wire

import "testing"

func TestFaultNames(t *testing.T) {
	seen := map[string]Fault{}
	for f := range NumFaults {
		name := f.String()
		if other, twice := seen[name]; name == "" || twice {
			t.Errorf("fault %d is called %q, as is %d", f, name, other)
		}
		seen[name] = f
	}
	for _, f := range []Fault{NumFaults, 255} {
		if f.String() != "unknown fault" {
			t.Errorf("a fault that there is not is called %q", f)
		}
	}
}
