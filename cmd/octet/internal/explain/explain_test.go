package explain

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func rendered(text string) string {
	var b strings.Builder
	for l := range Text(text) {
		b.WriteString(l.Render())
	}
	return b.String()
}

// Each text in testdata is explained as its golden file says.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no texts: ", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(name, ".txt") + ".golden"
		got := rendered(string(text))
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is explained differently from %s (-update rewrites it):\n%s", name, golden, got)
		}
	}
}

// The three lines that the first chapter shows are explained to the last bit.
func TestTheDocumentsLines(t *testing.T) {
	text, err := os.ReadFile("testdata/document.txt")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for l := range Text(string(text)) {
		for _, n := range l.Notes {
			if !n.Known {
				t.Errorf("%s is not known", n.Word)
			}
			words = append(words, n.Word)
		}
	}
	want := []string{
		"lo0", "flags=8049", "UP", "LOOPBACK", "RUNNING", "MULTICAST", "mtu 16384",
		"options=1203", "RXCSUM", "TXCSUM", "TXSTATUS", "SW_TIMESTAMP",
		"inet 127.0.0.1", "netmask 0xff000000", "127.0.0.0/8",
	}
	if !slices.Equal(words, want) {
		t.Errorf("explained %q, want %q", words, want)
	}
}

// A system's names decide what its number means.
func TestNamesDecideTheReading(t *testing.T) {
	for text, want := range map[string]string{
		"flags=8049<UP,LOOPBACK,RUNNING,MULTICAST>":                       "bits as on BSD and macOS",
		"flags=4163<UP,BROADCAST,RUNNING,MULTICAST>":                      "is 0x1043",
		"flags=1043<UP,BROADCAST,RUNNING,MULTICAST>":                      "bits as on Linux",
		"flags=73<UP,LOOPBACK,RUNNING>":                                   "is 0x49",
		"flags=49<UP,LOOPBACK,RUNNING>":                                   "0x49 in hexadecimal",
		"options=3<RXCSUM,TXCSUM>":                                        "bits as on macOS",
		"options=680003<RXCSUM,TXCSUM,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6>": "bits as on FreeBSD",
	} {
		for l := range Text(text) {
			if got := l.Notes[0].Meaning; !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %q", text, got, want)
			}
		}
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		"10.255.255.255": "RFC 1918", "172.31.0.1": "RFC 1918", "172.32.0.1": "public", "192.168.0.1": "RFC 1918",
		"169.254.1.1": "RFC 3927", "127.9.9.9": "loopback", "100.64.0.1": "RFC 6598", "224.0.0.251": "multicast",
		"8.8.8.8": "public", "0.0.0.0": "no address yet", "fe80::1": "link-local", "fd12::1": "RFC 4193",
		"2606:4700::1": "public", "::1": "loopback", "ff02::1": "multicast", "::ffff:1.2.3.4": "IPv4 address in the form", "4000::1": "reserved",
	} {
		for l := range Text(text) {
			if got := l.Notes[0].Meaning; !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %q", text, got, want)
			}
		}
	}
}

// Whatever the text is, every line gets notes, and no word of nonsense is explained.
func FuzzText(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for l := range Text(s) {
			if len(l.Notes) == 0 {
				t.Errorf("%q has no notes", l.Text)
			}
			for _, n := range l.Notes {
				if n.Word == "" || n.Meaning == "" || n.Depth > 2 {
					t.Errorf("%q: note %+v", l.Text, n)
				}
			}
			l.Render()
		}
	})
}
