package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/octet-net/octet/chunk"
)

// kernelFrames reads testdata/kernel.hex: the frames that two Linux hosts (6.18)
// exchanged on an Ethernet link when their interfaces came up and Python's sockets
// talked over them, TCP and UDP over both versions, fragments, errors, options.
func kernelFrames(t testing.TB) (all [][]byte) {
	t.Helper()
	text, err := os.ReadFile("testdata/kernel.hex")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// TestKernelFrames reads each frame down to its payload, verifies its checksums and
// writes it again: the octets must be the kernel's.
func TestKernelFrames(t *testing.T) {
	sorts := map[string]int{}
	for _, b := range kernelFrames(t) {
		line := Line(Plain(b), Framed|Long)
		again := rewriteFrame(t, b, line, sorts)
		if !bytes.Equal(b, again) {
			t.Errorf("%s\nread  %x\nwrote %x", line, b, again)
		}
	}
	for _, sort := range []string{"ARP", "TCP", "UDP", "ICMP", "ICMPv6", "IGMP", "fragment", "quote", "records", "solicit", "advert", "router"} {
		if sorts[sort] == 0 {
			t.Errorf("no frame with %s among %v", sort, sorts)
		}
	}
}

func rewriteFrame(t *testing.T, b []byte, line string, sorts map[string]int) []byte {
	var e Ethernet
	o := Plain(b)
	if f := ParseEthernet(&o, &e); f != OK {
		t.Fatalf("%s: %v", line, f)
	}
	o.Pull(e.Size())
	out := make([]byte, e.Size())
	PutEthernet(out, &e)
	if e.Type == EtherARP {
		sorts["ARP"]++
		var a ARP
		if f := ParseARP(&o, &a); f != OK {
			t.Fatalf("%s: %v", line, f)
		}
		return append(out, arpOf(a)...)
	}
	var h IP
	if f := ParseIP(&o, &h); f != OK {
		t.Fatalf("%s: %v at %d", line, f, h.At)
	}
	o.Pull(int(h.HeaderLen))
	ip := make([]byte, h.Size())
	PutIP(ip, &h)
	out = append(out, ip...)
	if h.IsFragment() {
		sorts["fragment"]++
		return o.AppendTo(out)
	}
	if f := h.Verify(&o); f != OK {
		t.Errorf("%s: %v", line, f)
	}
	head, payload := rewriteTransport(t, &h, o, line, sorts)
	h.Seal(head, payload.B)
	return append(append(out, head...), payload.B...)
}

func rewriteTransport(t *testing.T, h *IP, o Octets, line string, sorts map[string]int) (head []byte, payload chunk.View) {
	sorts[h.Proto.String()]++
	f := OK
	switch h.Proto {
	case ProtoTCP:
		var s Segment
		f = ParseTCP(&o, &s)
		head, payload = make([]byte, s.HeaderLen()), s.Payload
		PutTCP(head, &s)
	case ProtoUDP:
		var u UDP
		f = ParseUDP(&o, &u)
		head, payload = make([]byte, UDPLen), u.Payload
		PutUDP(head, &u)
	case ProtoICMPv4, ProtoICMPv6:
		var m ICMP
		f = ParseICMP(&o, &m)
		if f == OK && h.Proto == ProtoICMPv6 {
			if head = rewriteNeighbor(t, &m, sorts); head != nil {
				return head, payload
			}
		}
		countQuote(h.Proto, &m, sorts)
		head, payload = make([]byte, ICMPLen), m.Body
		PutICMP(head, &m)
	case ProtoIGMP:
		var m IGMP
		var g GroupRecords
		f = max(ParseIGMP(&o, &m), ParseIGMPReport(&m, &g))
		sorts["records"] += g.Len()
		head = make([]byte, g.Size())
		PutIGMPReport(head, g)
	default:
		t.Errorf("%s: %v", line, h.Proto)
	}
	if f != OK {
		t.Fatalf("%s: %v", line, f)
	}
	return head, payload
}

func countQuote(p Proto, m *ICMP, sorts map[string]int) {
	var q Quote
	if p == ProtoICMPv4 && ParseQuote4(m, &q) == OK || p == ProtoICMPv6 && ParseQuote6(m, &q) == OK {
		sorts["quote"]++
	}
}

// rewriteNeighbor writes a message of neighbour or listener discovery again, nil if m is none.
func rewriteNeighbor(t *testing.T, m *ICMP, sorts map[string]int) (head []byte) {
	f := OK
	switch m.Type {
	case ICMPv6NeighborSolicit:
		var n NeighborSolicit
		f = ParseNeighborSolicit(m, &n)
		head = make([]byte, n.Size())
		PutNeighborSolicit(head, &n)
		sorts["solicit"]++
	case ICMPv6NeighborAdvert:
		var n NeighborAdvert
		f = ParseNeighborAdvert(m, &n)
		head = make([]byte, n.Size())
		PutNeighborAdvert(head, &n)
		sorts["advert"]++
	case ICMPv6RouterSolicit:
		var r RouterSolicit
		f = ParseRouterSolicit(m, &r)
		head = make([]byte, r.Size())
		PutRouterSolicit(head, &r)
		sorts["router"]++
	case ICMPv6MLDv2Report:
		var g GroupRecords
		f = ParseMLDReport(m, &g)
		head = make([]byte, g.Size())
		PutMLDReport(head, g)
		sorts["records"] += g.Len()
	}
	if f != OK {
		t.Errorf("%v in a message of type %d", f, m.Type)
	}
	return head
}

// TestKernelLines compares the lines about the frames with testdata/kernel.txt;
// OCTET_UPDATE=1 writes it.
func TestKernelLines(t *testing.T) {
	var all strings.Builder
	for _, b := range kernelFrames(t) {
		all.WriteString(Line(Plain(b), Framed|Long) + "\n")
		checkPrinting(t, Plain(b), Framed)
		checkExplanation(t, b, Framed)
		if text := ExplainText(Plain(b), Framed); strings.Contains(text, "wrong") || strings.Contains(text, "cut off") {
			t.Errorf("a good frame is said to be bad:\n%s", text)
		}
	}
	const path = "testdata/kernel.txt"
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
