package dns

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// record appends a record whose name is that of the question.
func record(b []byte, kind uint16, data string) []byte {
	b = append(b, 0xc0, headerLen)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, classIN)
	b = binary.BigEndian.AppendUint32(b, 300)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// answer makes the reply to a question of one record for each of the data.
func answer(q []byte, flags uint16, kind uint16, data ...string) []byte {
	b := bytes.Clone(q[:len(q)-11])
	binary.BigEndian.PutUint16(b[2:], flagResponse|flags)
	binary.BigEndian.PutUint16(b[6:], uint16(len(data)))
	binary.BigEndian.PutUint16(b[10:], 0)
	for _, d := range data {
		b = record(b, kind, d)
	}
	return b
}

func TestRecords(t *testing.T) {
	for _, c := range []struct{ kind, data, want string }{
		{"A", "\xc0\x00\x02\x01", "192.0.2.1"},
		{"AAAA", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "2001:db8::1"},
		{"CNAME", "\x03www\xc0\x0c", "www.example.com."},
		{"NS", "\x00", "."},
		{"PTR", "\x06a.b c\"\x00", `a\.b\032c\".`},
		{"MX", "\x00\x0a\x04mail\xc0\x0c", "10 mail.example.com."},
		{"SRV", "\x00\x01\x00\x02\x01\xbb\xc0\x0c", "1 2 443 example.com."},
		{"TXT", "\x05a \"b\\\x00\x01\xff", `"a \"b\\" "" "\255"`},
		{"SOA", "\xc0\x0c\x01h\xc0\x0c" + strings.Repeat("\x00\x00\x00\x07", 5), "example.com. h.example.com. 7 7 7 7 7"},
		{"CAA", "\x80\x05issueca.example", `128 "issue" "ca.example"`},
	} {
		q, err := query(7, "example.com.", types[c.kind])
		if err != nil {
			t.Fatal(err)
		}
		b := answer(q, 0, types[c.kind], c.data)
		r, err := parse(b, len(q)-11-headerLen)
		if !isReply(b, q) || err != nil || len(r.records) != 1 {
			t.Errorf("%s: %v", c.kind, err)
			continue
		}
		if got := r.records[0]; got.Data != c.want || got.Text() != "example.com.\t300\tIN\t"+c.kind+"\t"+c.want {
			t.Errorf("%s: %q, want %q", c.kind, got.Data, c.want)
		}
		for n := range len(b) { // no part of it is taken for the whole, or read beyond
			if r, err := parse(b[:max(n, headerLen)], len(q)-11-headerLen); err == nil && len(r.records) > 0 {
				t.Errorf("%s: %d octets of %d are read as %v", c.kind, n, len(b), r.records)
			}
		}
	}
	if q, _ := query(7, "x", 65280); true {
		r, err := parse(answer(q, 0, 65280, "\x01\x02"), len(q)-11-headerLen)
		if err != nil || r.records[0].Type != "TYPE65280" || r.records[0].Data != `\# 2 0102` {
			t.Errorf("an unknown type: %+v, %v", r, err)
		}
	}
}

func TestNamesRefused(t *testing.T) {
	for name, why := range map[string]string{
		"a..b":                     "a label of 0 octets",
		strings.Repeat("a", 64):    "a label of 64 octets",
		strings.Repeat("abc.", 64): "longer than the 255 octets",
		"bücher.example":           "not ASCII",
		"a b.example":              "not ASCII",
	} {
		if _, err := query(1, name, 1); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", name, err, why)
		}
	}
	// Pointers to themselves, forwards, past the end, and in circles (T-14).
	for _, s := range []string{"c000", "c002", "c0ff", "0161c000", "01", "4161", "0161c0"} {
		b, _ := hex.DecodeString(s)
		if name, _, err := parseName(b, 0); err == nil {
			t.Errorf("%s is read as %q", s, name)
		}
	}
	if got := reverseName(netip.MustParseAddr("192.0.2.1")); got != "1.2.0.192.in-addr.arpa." {
		t.Error(got)
	}
	if got := reverseName(netip.MustParseAddr("2001:db8::1")); got != "1."+strings.Repeat("0.", 23)+"8.b.d.0.1.0.0.2.ip6.arpa." {
		t.Error(got)
	}
}

// serveNames starts a name server on a host of ours, which answers over UDP as udp says
// and over TCP with one address, and returns the host and the server's address.
func serveNames(t *testing.T, udp func(q []byte) [][]byte) (*octet.Host, netip.AddrPort) {
	t.Helper()
	h := octet.NewHost()
	t.Cleanup(func() { h.Close() })
	pc, err := h.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.Listen("tcp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			for _, r := range udp(b[:n]) {
				pc.WriteTo(r, from)
			}
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if q, err := receiveStream(c); err == nil {
				r := answer(q, flagAuthority, 1, "\xc0\x00\x02\x09")
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r))), r...))
			}
			c.Close()
		}
	}()
	return h, netip.MustParseAddrPort("127.0.0.1:53")
}

func lookUp(t *testing.T, h *octet.Host, l Lookup) (string, error) {
	t.Helper()
	var said bytes.Buffer
	l.Net, l.Report = h, report.New(&said, &said, report.Options{Verbose: 1})
	if l.Name == "" {
		l.Name = "example.com"
	}
	if l.Wait == 0 {
		l.Wait = 20 * time.Second
	}
	err := l.Run(context.Background())
	return said.String(), err
}

// What is not the answer to our question is not taken for it.
func TestThreat_T14_ForgedAnswers(t *testing.T) {
	h, server := serveNames(t, func(q []byte) [][]byte {
		other := bytes.Clone(q)
		other[0]++
		name := bytes.Clone(q)
		name[headerLen+1] ^= 1
		return [][]byte{{}, q, answer(other, 0, 1, "\xc0\x00\x02\x42"), answer(name, 0, 1, "\xc0\x00\x02\x42"), answer(q, 0, 1, "\xc0\x00\x02\x01")}
	})
	said, err := lookUp(t, h, Lookup{Types: []string{"A"}, Servers: []netip.AddrPort{server}})
	if err != nil || !strings.HasSuffix(said, "example.com.\t300\tIN\tA\t192.0.2.1\n") || strings.Count(said, "IN\t") != 1 {
		t.Errorf("said %q, %v", said, err)
	}
}

// A long answer comes over TCP, and so does every one that is asked for so.
func TestOverTCP(t *testing.T) {
	h, server := serveNames(t, func(q []byte) [][]byte { return [][]byte{answer(q, flagTruncated, 1)} })
	for _, tcp := range []bool{false, true} {
		said, err := lookUp(t, h, Lookup{Types: []string{"A"}, Servers: []netip.AddrPort{server}, TCP: tcp})
		if err != nil || !strings.Contains(said, "over tcp says NOERROR") || !strings.HasSuffix(said, "\tA\t192.0.2.9\n") {
			t.Errorf("said %q, %v", said, err)
		}
	}
}

func TestFailures(t *testing.T) {
	var code atomic.Uint32
	h, server := serveNames(t, func(q []byte) [][]byte {
		if code.Load() == 99 {
			return [][]byte{answer(q, 0, 1, "short")}
		}
		return [][]byte{answer(q, uint16(code.Load()), 1)}
	})
	for _, c := range []struct {
		server netip.AddrPort
		code   uint16
		want   outcome.Code
		says   string
	}{
		{server, 0, outcome.No, "example.com has no record of type A or AAAA; ask for another"},
		{server, 3, outcome.NoName, "says that there is no name example.com.; check the name"},
		{server, 2, outcome.No, "cannot answer: SERVFAIL"},
		{server, 5, outcome.Refused, "refuses to answer; ask another"},
		{server, 99, outcome.No, "answers with a message that breaks the rules of DNS"},
		{netip.MustParseAddrPort("127.0.0.1:54"), 0, outcome.Refused, "127.0.0.1:54 does not answer: connection refused"},
	} {
		code.Store(uint32(c.code))
		if _, err := lookUp(t, h, Lookup{Servers: []netip.AddrPort{c.server}}); outcome.Of(err) != c.want || !strings.Contains(err.Error(), c.says) {
			t.Errorf("code %d: %v, want %v, %q", c.code, err, c.want, c.says)
		}
	}
	silent, err := h.ListenPacket("udp", "127.0.0.1:55")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dead := netip.MustParseAddrPort("127.0.0.1:55")
	if _, err := lookUp(t, h, Lookup{Servers: []netip.AddrPort{dead}, Wait: time.Millisecond}); outcome.Of(err) != outcome.Timeout {
		t.Errorf("a server that says nothing: %v", err)
	}
	if _, err := lookUp(t, h, Lookup{Name: "a..b", Servers: []netip.AddrPort{dead}}); outcome.Of(err) != outcome.Usage {
		t.Errorf("a name that is none: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	q, err := query(7, "example.com", types["SOA"])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer(q, 0, types["SOA"], "\xc0\x0c\x01h\xc0\x0c"+strings.Repeat("\x00", 20)))
	f.Add(answer(q, flagTruncated, types["TXT"], "\x05abcd"))
	f.Add(answer(q, 0, types["CAA"], "\x00\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isReply(b, q) {
			return
		}
		r, err := parse(b, len(q)-11-headerLen)
		if err != nil && !errors.Is(err, errMessage) {
			t.Error(err)
		}
		if err == nil && len(r.records)*11 > len(b) {
			t.Errorf("%d records in %d octets", len(r.records), len(b))
		}
	})
}
