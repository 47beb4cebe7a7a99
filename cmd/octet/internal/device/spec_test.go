package device

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"tun:octet0": {TUN, "octet0"}, "tap:lab-0_a": {TAP, "lab-0_a"}, "eth:enp3s0.7": {Eth, "enp3s0.7"},
	} {
		got, err := Parse(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("Parse(%q) = %v, %v", text, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"kernel":               "write tun:NAME, tap:NAME or eth:NAME",
		"moon:x":               "is no device",
		"tun:":                 "write it as tun:octet0",
		"tun:0123456789abcdef": "a name of 16 characters; the most is 15",
		"tun:..":               "no interface name may hold",
		"tun:../x":             "no interface name may hold",
		"tun:a b":              "no interface name may hold",
		"tun:octet%d":          "no interface name may hold",
		"tap:ö":                "no interface name may hold",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Parse(%q): %v, want %q", text, err, why)
		}
	}
}
