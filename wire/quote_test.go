package wire

import (
	"bytes"
	"testing"

	"github.com/octet-net/octet/chunk"
)

// quoteOf returns what an error of this type quotes.
func quoteOf(m ICMP, packet []byte) (q Quote, f Fault) {
	m.Body = chunk.Borrow(packet)
	if len(packet) > 0 && packet[0]>>4 == 6 {
		f = ParseQuote6(&m, &q)
	} else {
		f = ParseQuote4(&m, &q)
	}
	return q, f
}

var (
	unreachable4Port = ICMP{Type: ICMPv4Unreachable, Code: ICMPv4PortUnreachable}
	unreachable6Port = ICMP{Type: ICMPv6Unreachable, Code: ICMPv6PortUnreachable}
)

func TestQuoteTellsWhoseItIs(t *testing.T) {
	c := corpus()
	for _, x := range []struct {
		packet string
		n      int // octets of it that are quoted
		m      ICMP
	}{{"udp4", 28, unreachable4Port}, {"udp6", 48, unreachable6Port}, {"options4", 40, unreachable4Port}, {"extended6", 64, unreachable6Port}} {
		q, f := quoteOf(x.m, c[x.packet][:x.n])
		if f != OK || q.SrcPort != 49731 || q.DstPort != 6789 || q.IP.Proto != ProtoUDP || len(q.Transport) != 8 {
			t.Errorf("%s: %v %+v", x.packet, f, q)
		}
		h, _ := transport(t, c[x.packet])
		if h.Flags &^= RouterAlert; !sameIP(h, q.IP) { // options are not looked at
			t.Errorf("%s: quoted %+v, sent %+v", x.packet, q.IP, h)
		}
		if q.IP.Len != len(c[x.packet]) {
			t.Errorf("%s: length %d, the packet had %d", x.packet, q.IP.Len, len(c[x.packet]))
		}
	}
	q, f := quoteOf(unreachable4Port, c["syn4"][:28])
	if f != OK || q.SrcPort != 1 || q.DstPort != 2 || q.Seq != 100 || q.IP.Src != a4 || q.IP.Dst != b4 {
		t.Errorf("%v %+v", f, q)
	}
	q, f = quoteOf(unreachable4Port, c["echo4"])
	if m := q.ICMP(); f != OK || m.Type != ICMPv4Echo || m.EchoID() != 7 {
		t.Errorf("%v %+v", f, m)
	}
}

// Routers change the time to live and not always the checksum (RFC 1812 §5.3.1
// wants both); a quote is used all the same.
func TestQuoteWithWrongHeaderChecksum(t *testing.T) {
	b := bytes.Clone(corpus()["udp4"][:28])
	b[8] = 1
	if q, f := quoteOf(unreachable4Port, b); f != OK || q.IP.TTL != 1 {
		t.Errorf("%v %+v", f, q)
	}
}

func TestQuoteFirstFragment(t *testing.T) {
	h := header4(ProtoUDP)
	h.Flags, h.ID = MoreFragments, 7
	if q, f := quoteOf(unreachable4Port, packetOf(h, corpus()["udp4"][20:28])); f != OK || q.DstPort != 6789 || !q.IP.IsFragment() {
		t.Errorf("IPv4: %v %+v", f, q)
	}
	if q, f := quoteOf(unreachable6Port, fragment6(ProtoUDP, 0, true, 7, corpus()["udp6"][40:48])); f != OK || q.DstPort != 6789 || q.IP.ID != 7 {
		t.Errorf("IPv6: %v %+v", f, q)
	}
}

// RFC 4884 §4: a length in the message tells the quote from an extension.
func TestQuoteWithExtension(t *testing.T) {
	b := append(bytes.Clone(corpus()["udp4"]), make([]byte, 95)...)[:128]
	m := unreachable4Port
	m.Rest = 32 << 16 // words of 4 octets
	q, f := quoteOf(m, append(b, "extension"...))
	if f != OK || len(q.Transport) != 108 {
		t.Errorf("%v, %d octets of transport", f, len(q.Transport))
	}
	b = append(bytes.Clone(corpus()["udp6"]), make([]byte, 95)...)[:128]
	m = unreachable6Port
	m.Rest = 16 << 24 // words of 8 octets
	if q, f = quoteOf(m, append(b, "extension"...)); f != OK || len(q.Transport) != 88 {
		t.Errorf("%v, %d octets of transport", f, len(q.Transport))
	}
	m.Rest = 255 << 24 // more than there is: RFC 4884 §5.5, from those who used the field otherwise
	if q, f = quoteOf(m, b); f != OK || len(q.Transport) != 88 {
		t.Errorf("%v, %d octets of transport", f, len(q.Transport))
	}
}

func TestQuoteOnlyInErrors(t *testing.T) {
	udp4, udp6 := corpus()["udp4"], corpus()["udp6"]
	for kind := range 256 {
		_, f := quoteOf(ICMP{Type: uint8(kind)}, udp4)
		want := kind == 3 || kind == 4 || kind == 5 || kind == 11 || kind == 12
		if (f == OK) != want {
			t.Errorf("ICMPv4 type %d: %v", kind, f)
		}
		if _, f = quoteOf(ICMP{Type: uint8(kind)}, udp6); (f == OK) != (kind < 128) {
			t.Errorf("ICMPv6 type %d: %v", kind, f)
		}
	}
}

func TestQuoteOfTooManyHeaders(t *testing.T) {
	headers := make([][]byte, 9)
	for i := range headers {
		headers[i] = extension(ProtoDestOptions)
	}
	if _, f := quoteOf(unreachable6Port, chain6(ProtoDestOptions, headers...)); f != TooManyHeaders {
		t.Errorf("%v", f)
	}
	headers[7] = extension(ProtoUDP)
	if q, f := quoteOf(unreachable6Port, chain6(ProtoDestOptions, headers[:8]...)); f != OK || q.IP.HeaderLen != 104 {
		t.Errorf("%v %+v", f, q.IP)
	}
}

func checkQuote(t *testing.T, m *ICMP, q *Quote) {
	t.Helper()
	at := int(q.IP.HeaderLen)
	if len(q.Transport) < 8 || at+len(q.Transport) > m.Body.Len() || !bytes.HasPrefix(m.Body.B[at:], q.Transport) {
		t.Fatalf("header %d, %d octets of transport in %d", at, len(q.Transport), m.Body.Len())
	}
	if !q.IP.Src.IsValid() || q.IP.Offset != 0 {
		t.Fatalf("%+v", q.IP)
	}
	q.ICMP()
}
