package wire

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkExplanation checks that the fields go through the packet without a gap.
func checkExplanation(t *testing.T, b []byte, f Form) {
	t.Helper()
	at, last := 0, 0
	for _, d := range Explain(Plain(b), f) {
		if d.Name == "" || d.Layer == "" {
			t.Fatalf("a field without a name: %+v", d)
		}
		if d.At == last && d.At+d.Len == at {
			continue // shares its octets with the field before it
		}
		if d.At != at {
			t.Fatalf("%s %s lies at %d, the field before it ends at %d", d.Layer, d.Name, d.At, at)
		}
		last, at = at, at+d.Len
	}
	if at != len(b) {
		t.Fatalf("fields explain %d of %d octets", at, len(b))
	}
	if text := ExplainText(Plain(b), f); len(b) > 0 && !strings.HasSuffix(text, "\n") {
		t.Fatalf("text without an end: %q", text)
	}
}

func TestExplainCoversEveryOctet(t *testing.T) {
	for _, b := range corpus() {
		for n := range len(b) + 1 {
			checkExplanation(t, b[:n], 0)
			checkExplanation(t, framed(EtherIPv4, b[:n]), Framed)
		}
	}
	checkExplanation(t, framed(EtherARP, append(arpOf(someARP()), 0, 0)), Framed)
}

// TestExplainText compares what people see with files; OCTET_UPDATE=1 writes them.
func TestExplainText(t *testing.T) {
	c := corpus()
	c["arp"] = framed(EtherARP, append(arpOf(someARP()), make([]byte, 18)...))
	wrong := append([]byte{}, c["udp4"]...)
	wrong[len(wrong)-1] ^= 1
	c["corrupt4"] = wrong
	c["advert"] = sealed(header6(ProtoICMPv6), neighborMessages()[3], nil)
	c["redirect"] = sealed(header6(ProtoICMPv6), neighborMessages()[4], nil)
	c["reset"] = tcpOf(header4(ProtoTCP), Segment{Flags: RST | ACK, Options: optionsOf(t, unhex("0101 2206 01020304 fe04 0000 0203 05"))}, "")
	c["hostile"] = packetOf(header4(ProtoTCP), segmentWith(unhex("fe04 0000 0203 05 0303 ff 08")))
	c["toobig"] = icmpOf(header4(ProtoICMPv4), ICMP{Type: ICMPv4Unreachable, Code: ICMPv4FragmentationNeeded, Rest: 1400}, c["syn4"][:28])
	c["redirect4"] = icmpOf(header4(ProtoICMPv4), ICMP{Type: ICMPv4Redirect, Code: 1, Rest: 0xc0000209}, c["syn4"][:28])
	c["problem4"] = icmpOf(header4(ProtoICMPv4), ICMP{Type: ICMPv4ParamProblem, Rest: 20 << 24}, c["syn4"][:28])
	c["neighbor"] = sealed(header6(ProtoICMPv6), neighborMessages()[1], nil)
	marked := header6(ProtoUDP)
	marked.TOS, marked.Label = 0xb9, 0xabcde
	marked.Next = ProtoRouting
	marked.Extra = append(extension(ProtoDestOptions, 2, 0, 1, 2, 3, 4), extension(ProtoUDP, 0, 0, 0, 0x1e, 1, 7)...)
	c["routed6"] = udpOf(marked, "x")
	zero := NDOptions(nil).AppendMTU(1500)
	zero[1] = 0
	c["optionzero"] = icmpOf(header6(ProtoICMPv6), ICMP{Type: ICMPv6RouterSolicit}, zero)
	c["tagged"] = append([]byte{1, 0, 0x5e, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x60, 5}, framed(EtherIPv6, c["udp6"])[12:]...)
	c["llc"] = framed(5, []byte("llc"))
	c["lldp"] = framed(0x88cc, []byte("lldp"))
	c["capped"] = packetOf(header4(ProtoUDP), udpOf(header4(ProtoUDP), "x")[20:])
	binary.BigEndian.PutUint16(c["capped"][26:], uint16(header4Pseudo(9)))
	for _, name := range []string{"tagged", "llc", "lldp", "capped", "redirect4", "problem4", "neighbor", "routed6", "optionzero", "advert", "redirect", "reset", "hostile", "toobig", "udp4", "syn4", "options4", "extended6", "solicit", "error4", "corrupt4", "fragment6", "arp"} {
		form := Form(0)
		if b := c[name]; bytes.HasPrefix(b[6:], []byte{2, 0, 0, 0, 0, 1}) { // a frame
			form = Framed
		}
		got := ExplainText(Plain(c[name]), form)
		path := filepath.Join("testdata", "explain", name+".txt")
		if os.Getenv("OCTET_UPDATE") != "" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func header4Pseudo(n int) Sum {
	h := header4(ProtoUDP)
	return h.Pseudo(n)
}
