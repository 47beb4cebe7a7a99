package wire

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestICMPLines prints a message of every type and of the first codes of each, and
// compares with testdata/icmp.txt; OCTET_UPDATE=1 writes it.
func TestICMPLines(t *testing.T) {
	var all strings.Builder
	seen := map[string]bool{}
	line := func(p Proto, m ICMP, h IP, packet []byte) {
		b := icmpOf(h, m, packet)
		checkPrinting(t, Plain(b), Long)
		checkExplanation(t, b, 0)
		l := Line(Plain(b), Long)
		l = l[strings.Index(l, "octets, ")+8:]
		if !seen[l] {
			fmt.Fprintf(&all, "%v %d/%d: %s\n", p, m.Type, m.Code, l)
		}
		seen[l] = true
	}
	for _, kind := range []uint8{0, 3, 4, 5, 8, 11, 12, 13, 14, 250} {
		for code := range uint8(16) {
			line(ProtoICMPv4, ICMP{Type: kind, Code: code, Rest: 0x140005dc}, header4(ProtoICMPv4), corpus()["syn4"])
		}
	}
	for _, kind := range []uint8{1, 2, 3, 4, 100, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143, 250} {
		for code := range uint8(8) {
			line(ProtoICMPv6, ICMP{Type: kind, Code: code, Rest: 1280}, header6(ProtoICMPv6), corpus()["data6"])
		}
	}
	line(ProtoICMPv6, ICMP{Type: ICMPv6Unreachable}, header6(ProtoICMPv6), corpus()["echo6"])
	const path = "testdata/icmp.txt"
	if os.Getenv("OCTET_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", all.String(), want)
	}
}
