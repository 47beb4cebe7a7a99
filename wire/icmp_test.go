package wire

import (
	"bytes"
	"testing"
)

func parseICMP(b []byte) (m ICMP, f Fault) {
	o := Plain(b)
	f = ParseICMP(&o, &m)
	return m, f
}

func TestParseICMP(t *testing.T) {
	m, f := parseICMP(unhex("08 00 f7fa 1234 0007 70696e67"))
	if f != OK || m.Type != ICMPv4Echo || m.Code != 0 || m.EchoID() != 0x1234 || m.EchoSeq() != 7 || string(m.Body.B) != "ping" {
		t.Errorf("%v %+v", f, m)
	}
	if m.Rest != EchoRest(0x1234, 7) {
		t.Errorf("rest %#x", m.Rest)
	}
	if m, _ := parseICMP(unhex("03 04 0000 0000 05dc")); m.MTU4() != 1500 {
		t.Errorf("MTU %d", m.MTU4())
	}
	if m, _ := parseICMP(unhex("0c 00 0000 14 000000")); m.Pointer4() != 20 {
		t.Errorf("pointer %d", m.Pointer4())
	}
	for n := range 8 {
		if _, f := parseICMP(make([]byte, n)); f != Truncated {
			t.Errorf("%d octets: %v", n, f)
		}
	}
}

func TestICMPErrors(t *testing.T) {
	// RFC 1122 §3.2.2 lists the errors of ICMPv4; what is not known is taken for one.
	for kind := range 256 {
		query := false
		switch kind {
		case 0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43:
			query = true
		}
		if IsError4(uint8(kind)) == query {
			t.Errorf("ICMPv4 type %d", kind)
		}
		if IsError6(uint8(kind)) != (kind < 128 || kind == 137) {
			t.Errorf("ICMPv6 type %d", kind)
		}
	}
}

// fuzzICMP checks what holds for messages of both versions.
func fuzzICMP(t *testing.T, h IP, b []byte) (m ICMP, ok bool) {
	m, f := parseICMP(bytes.Clone(b))
	if f != OK {
		return m, false
	}
	out := make([]byte, ICMPLen)
	PutICMP(out, &m)
	copy(out[2:4], b[2:4])
	if out = append(out, m.Body.B...); !bytes.Equal(out, b) {
		t.Fatalf("read % x, wrote % x", b, out)
	}
	packet := packetOf(h, b[:min(len(b), 65000)])
	checkPrinting(t, Plain(packet), Long)
	checkExplanation(t, packet, 0)
	return m, true
}

func FuzzParseICMPv4(f *testing.F) {
	for _, name := range []string{"echo4", "error4"} {
		f.Add(corpus()[name][20:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := fuzzICMP(t, header4(ProtoICMPv4), b)
		if !ok {
			return
		}
		var q Quote
		if ParseQuote4(&m, &q) == OK {
			checkQuote(t, &m, &q)
		}
	})
}

func FuzzParseICMPv6(f *testing.F) {
	for _, name := range []string{"echo6", "error6", "solicit", "report"} {
		f.Add(corpus()[name][40:])
	}
	for _, b := range neighborMessages() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := fuzzICMP(t, header6(ProtoICMPv6), b)
		if !ok {
			return
		}
		var q Quote
		if ParseQuote6(&m, &q) == OK {
			checkQuote(t, &m, &q)
		}
		checkNeighborRoundTrip(t, &m)
		checkGroupRoundTrip6(t, &m)
	})
}

// The numbers are IANA's: each constant is compared with the name of what it stands for.
func TestICMPNumbers(t *testing.T) {
	for _, c := range []struct {
		p          Proto
		kind, code uint8
		want       string
	}{
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4NetUnreachable, "net unreachable"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4HostUnreachable, "host unreachable"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4ProtocolUnreachable, "protocol unreachable"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4PortUnreachable, "port unreachable"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4FragmentationNeeded, "fragmentation needed"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4SourceRouteFailed, "source route failed"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4NetProhibited, "net prohibited"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4HostProhibited, "host prohibited"},
		{ProtoICMPv4, ICMPv4Unreachable, ICMPv4Prohibited, "administratively prohibited"},
		{ProtoICMPv4, ICMPv4TimeExceeded, ICMPHopLimit, "time to live exceeded"},
		{ProtoICMPv6, ICMPv6TimeExceeded, ICMPReassembly, "reassembly time exceeded"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6NoRoute, "no route"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6Prohibited, "administratively prohibited"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6BeyondScope, "beyond scope"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6AddressUnreachable, "address unreachable"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6PortUnreachable, "port unreachable"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6PolicyFailed, "source address policy"},
		{ProtoICMPv6, ICMPv6Unreachable, ICMPv6RejectRoute, "route rejected"},
		{ProtoICMPv6, ICMPv6ParamProblem, ICMPv6BadField, "bad header field"},
		{ProtoICMPv6, ICMPv6ParamProblem, ICMPv6UnknownHeader, "unknown next header"},
		{ProtoICMPv6, ICMPv6ParamProblem, ICMPv6UnknownOption, "unknown option"},
		{ProtoICMPv6, ICMPv6ParamProblem, ICMPv6HeaderChain, "incomplete header chain"},
	} {
		if got := icmpName(c.p, c.kind, c.code); got != c.want {
			t.Errorf("%v %d/%d is called %q, want %q", c.p, c.kind, c.code, got, c.want)
		}
	}
}
