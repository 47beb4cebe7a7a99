package quantity

import (
	"strings"
	"testing"
)

func TestParseForward(t *testing.T) {
	for _, s := range []string{"8080=localhost:80", "1=[::1]:65535", "22=192.0.2.1:22"} {
		f, err := ParseForward(s)
		if err != nil || f.String() != s {
			t.Errorf("ParseForward(%q) = %v, %v", s, f, err)
		}
	}
	f, err := ParseForward("8080=[::1]:80")
	if err != nil || f != (Forward{8080, "::1", 80}) || f.Address() != "[::1]:80" {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestParseForwardRefuses(t *testing.T) {
	for s, why := range map[string]string{
		"8080":           "does not say where to",
		"x=localhost:80": `port "x" is not a number`,
		"80=localhost":   "has no port",
		"80=:80":         "names no host",
		"0=localhost:80": "port 0",
		"80=localhost:0": "port 0",
		"80=::1:80":      "without brackets",
		"80=a b:1":       "in its host name",
	} {
		if _, err := ParseForward(s); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("ParseForward(%q): %v, want %q", s, err, why)
		}
	}
}
