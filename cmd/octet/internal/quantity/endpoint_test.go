package quantity

import (
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	for s, want := range map[string]Endpoint{
		"udp://localhost:6789":       {"udp", "localhost", 6789},
		"tcp://127.0.0.1:80":         {"tcp", "127.0.0.1", 80},
		"tcp6://[::1]:443":           {"tcp6", "::1", 443},
		"udp://[fe80::1%eth0]:53":    {"udp", "fe80::1%eth0", 53},
		"tcp://my_host.example-1:65": {"tcp", "my_host.example-1", 65},
		"tcp://bücher.example:65535": {"tcp", "bücher.example", 65535},
	} {
		got, err := ParseClient(s)
		if err != nil || got != want {
			t.Errorf("ParseClient(%q) = %+v, %v, want %+v", s, got, err, want)
		}
		if got.String() != s {
			t.Errorf("%q is written as %q", s, got)
		}
	}
	if got, err := ParseServer("udp://:0"); err != nil || got != (Endpoint{"udp", "", 0}) {
		t.Errorf("a server on every address and any port: %+v, %v", got, err)
	}
}

func TestParseEndpointRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":                           "does not say udp:// or tcp://",
		"localhost:6789":             "does not say udp:// or tcp://",
		"http://localhost:80":        "only udp:// and tcp://",
		"UDP://localhost:80":         "only udp:// and tcp://",
		"udp://localhost":            "has no port",
		"udp://[::1]":                "has no port",
		"udp://::1:53":               "without brackets",
		"udp://[127.0.0.1]:53":       "no IPv6 address in its brackets",
		"udp://[::1:53":              "no IPv6 address in its brackets",
		"udp://localhost:":           `port "" is not a number`,
		"udp://localhost:http":       `port "http" is not a number`,
		"udp://localhost:65536":      "from 0 to 65535",
		"udp://localhost:-1":         "from 0 to 65535",
		"udp://localhost:+1":         "from 0 to 65535",
		"udp://localhost:000080":     "from 0 to 65535",
		"udp://localhost:0":          "port 0",
		"udp://:53":                  "names no host",
		"udp://local host:53":        `has ' ' in its host name`,
		"udp://localhost:53/x":       `goes on after the port with "/x"`,
		"udp://me@localhost:53":      "goes on after",
		"udp://127.0.0.256:53":       "malformed IPv4 address",
		"udp://127.1:53":             "malformed IPv4 address",
		"udp4://[::1]:53":            "asks for IPv4",
		"tcp6://127.0.0.1:53":        "asks for IPv6",
		"udp://" + long(300) + ":53": "too long",
	} {
		if got, err := ParseClient(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseClient(%q) = %v, %v, want an error with %q", s, got, err, want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseClient(%q): more than one line: %q", s, err)
		}
	}
}

func long(n int) string { return strings.Repeat("a", n) }

// Whatever is accepted is written so that it reads back as the same.
func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"udp://localhost:6789", "tcp6://[::1]:443", "udp://:0", "x", "udp://[::1%x]:1",
		"\n://", "tcp://\n:::1", "udp4://\n:1", "udp6://\n:1", "udp://\n/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseServer(s)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: more than one line: %q", s, err)
			}
			return
		}
		if again, err := ParseServer(e.String()); err != nil || again != e {
			t.Errorf("%q reads as %+v, is written %q and reads back as %+v, %v", s, e, e, again, err)
		}
	})
}
