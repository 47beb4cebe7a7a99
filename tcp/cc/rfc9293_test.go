package cc

import "testing"

// MAY-18: "An endpoint MAY implement such alternative algorithms".
func TestRFC9293_MAY18_Alternatives(t *testing.T) {
	for _, name := range []string{"newreno", "cubic", "bbr", "prague"} {
		c, err := New(name, Params{MSS: 1000})
		if err != nil || c.Name() != name || c.Window() < 2000 {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}
