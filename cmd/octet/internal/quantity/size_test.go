package quantity

import (
	"strings"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1500": 1500, "33B": 33, "1kB": 1000, "1KB": 1000, "100MB": 100e6, "64KiB": 65536,
		"1.5MB": 1_500_000, "1e6": 1e6, "1E3B": 1000, "2GiB": 2 << 30, "0.5KiB": 512, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := Size(s); err != nil || got != want {
			t.Errorf("Size(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
}

func TestSizeRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":                     "is not a size",
		"big":                  "is not a size",
		"-1":                   "is not a size",
		"1..5MB":               "is not a size",
		".5MB":                 "is not a size",
		"1.":                   "is not a size",
		"64K":                  "write 64KB (thousands) or 64KiB (of 1024)",
		"1m":                   `unknown unit "m"`,
		"10 MB":                `unknown unit " MB"`,
		"1.0001kB":             "not a whole number",
		"0.5":                  "not a whole number",
		"9223372036854775808":  "too large",
		"9223372036854775807k": "two meanings",
		"1e19":                 "is not a size",
		"1e999999999":          "is not a size",
		"1e+6":                 "unknown unit",
	} {
		_, err := Size(s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Size(%q): error %v, want one with %q", s, err, want)
		}
	}
}

func TestShare(t *testing.T) {
	for s, want := range map[string]float64{"0": 0, "0%": 0, "2%": 0.02, "0.02": 0.02, "0.1%": 0.001, "100%": 1, "0.999": 0.999} {
		if got, err := Share(s); err != nil || got != want {
			t.Errorf("Share(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"": "not a percentage", "%": "not a percentage", "-1%": "not a percentage", "NaN": "not a percentage",
		"2": "write 2%", "1": "write 1%", "101%": "more than the whole", "2 %": "not a percentage", "2%%": "not a percentage",
	} {
		if got, err := Share(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Share(%q) = %v, %v, want an error with %q", s, got, err, want)
		}
	}
}

func TestDuration(t *testing.T) {
	if d, err := Duration("1.5s"); err != nil || d != 1500*time.Millisecond {
		t.Errorf("1.5s: %v, %v", d, err)
	}
	for s, want := range map[string]string{"50": "write 50ms or 50s", "-1s": "negative", "soon": "not a duration", "": "not a duration"} {
		if _, err := Duration(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Duration(%q): %v, want %q", s, err, want)
		}
	}
}

func TestRate(t *testing.T) {
	for s, want := range map[string]int64{"64kbit": 64e3, "10Mbit/s": 10e6, "1.5Gbit": 15e8, "9600bit/s": 9600} {
		if got, err := Rate(s); err != nil || got != want {
			t.Errorf("Rate(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "10", "10MB/s", "0Mbit", "-1Mbit", "0.1bit", "fast", "10mbit"} {
		if got, err := Rate(s); err == nil {
			t.Errorf("Rate(%q) = %d, want an error", s, got)
		}
	}
}

func TestWriting(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := Group(n); got != want {
			t.Errorf("Group(%d) = %q, want %q", n, got, want)
		}
	}
	if got := Group(uint64(1<<63 + 1)); got != "9,223,372,036,854,775,809" {
		t.Errorf("Group(2^63+1) = %q", got)
	}
	for n, want := range map[int64]string{5: "5 octets", 1000: "1 kB", 1550: "1.6 kB", 100e6: "100 MB", 2500e6: "2.5 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

// What is accepted lies in its range, and what is written plainly reads back the same.
func FuzzQuantities(f *testing.F) {
	for _, s := range []string{"100MB", "64KiB", "1e6", "2%", "0.02", "50ms", "10Mbit/s", "-1", "1e999999999", "", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := Size(s); err == nil && n < 0 {
			t.Errorf("Size(%q) = %d", s, n)
		}
		if p, err := Share(s); err == nil && !(p >= 0 && p <= 1) {
			t.Errorf("Share(%q) = %v", s, p)
		}
		if d, err := Duration(s); err == nil && d < 0 {
			t.Errorf("Duration(%q) = %v", s, d)
		}
		if r, err := Rate(s); err == nil && r <= 0 {
			t.Errorf("Rate(%q) = %d", s, r)
		}
	})
}
