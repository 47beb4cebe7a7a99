package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// useNDOptions asks for everything that options can hold.
func useNDOptions(o NDOptions) string {
	var s strings.Builder
	if m, ok := o.SourceMAC(); ok {
		fmt.Fprintf(&s, "source %v\n", m)
	}
	if m, ok := o.TargetMAC(); ok {
		fmt.Fprintf(&s, "target %v\n", m)
	}
	if n, ok := o.MTU(); ok {
		fmt.Fprintf(&s, "mtu %d\n", n)
	}
	if b := o.Nonce(); b != nil {
		fmt.Fprintf(&s, "nonce %x\n", b)
	}
	if b := o.Redirected(); b != nil {
		fmt.Fprintf(&s, "redirected %d\n", len(b))
	}
	for p := range o.Prefixes() {
		fmt.Fprintf(&s, "prefix %v %v %v %v %v\n", p.Prefix, p.OnLink, p.Autonomous, p.Valid, p.Preferred)
	}
	for a, life := range o.RDNSS() {
		fmt.Fprintf(&s, "server %v %v\n", a, life)
	}
	for name, life := range o.DNSSL() {
		fmt.Fprintf(&s, "search %q %v\n", name, life)
	}
	return s.String()
}

func TestNDOptions(t *testing.T) {
	o := someRouterAdvert().Options.AppendTargetMAC(MAC{2, 0, 0, 0, 0, 2}).AppendNonce([]byte("nonce!")).AppendRedirected(make([]byte, 40))
	o = o.AppendPrefix(PrefixInfo{Prefix: netip.MustParsePrefix("2001:db8:7::/48"), Valid: Infinite})
	want := `source 02:00:00:00:00:01
target 02:00:00:00:00:02
mtu 1400
nonce 6e6f6e636521
redirected 40
prefix 2001:db8::/64 true true 24h0m0s 1h0m0s
prefix 2001:db8:7::/48 false false 1193046h28m15s 0s
server 2001:db8::1 1m0s
server 2001:db8:1::7 1m0s
search "example.com" 1193046h28m15s
search "lan" 1193046h28m15s
`
	if got := useNDOptions(o); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, f := checkNDOptions(o); f != OK || len(o)%8 != 0 {
		t.Errorf("%v in what Append made", f)
	}
}

func TestNDOptionsAreCut(t *testing.T) {
	// What asks for only the first ends the walk at once.
	o := someRouterAdvert().Options
	for range o.Prefixes() {
		break
	}
	for range o.RDNSS() {
		break
	}
	n := 0
	for range o.DNSSL() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d", n)
	}
}

func TestNDOptionsOfWrongLength(t *testing.T) {
	name := func(labels string) string { return "1f03 0000 00000001 " + labels }
	for _, c := range []struct{ name, octets, want string }{
		{"nothing", "", ""},
		{"unknown", "fe01 000000000000", ""},
		{"source of 16 octets", "0102 0000000000000000000000000000", ""},
		{"MTU of 16 octets", "0502 0000 000005dc 0000000000000000", ""},
		{"prefix of 24 octets", "0303 40c0 00000001 00000001 00000000 20010db800000000", ""},
		{"prefix of 129 bits", "0304 81c0 00000001 00000001 00000000 20010db8000000000000000000000000", ""},
		{"prefix with bits behind", "0304 20c0 00000001 00000001 00000000 20010db8ffffffffffffffffffffffff", "prefix 2001:db8::/32 true true 1s 1s\n"},
		{"servers of even length", "1902 0000 00000001 20010db800000000", ""},
		{"servers of length 4", "1904 0000 00000001 20010db8000000000000000000000001 20010db800000000", ""},
		{"servers of length 1", "1901 0000 00000001", ""},
		{"server", "1903 0000 00000001 20010db8000000000000000000000001", "server 2001:db8::1 1s\n"},
		{"search of length 1", "1f01 0000 00000001", ""},
		{"search without a name", name("00000000000000000000000000000000"), ""},
		{"search", name("036c616e 00 0000000000000000000000"), "search \"lan\" 1s\n"},
		{"search without an end", name("036c616e036c616e036c616e036c616e"), ""},
		{"search with a pointer", name("036c616e c008 00000000000000000000"), ""},
		{"search with a label past the end", name("036c616e 3f 0000000000000000000000"), ""},
		{"search with a dot in a label", name("03612e62 00 0000000000000000000000"), ""},
		{"search with a blank", name("03612062 00 0000000000000000000000"), ""},
		{"search with a label not to be printed", name("03610a62 00 0000000000000000000000"), ""},
		{"search, the second broken", name("036c616e 00 3f 00000000000000000000"), "search \"lan\" 1s\n"},
	} {
		b := unhex(c.octets)
		b = append(b, make([]byte, (8-len(b)%8)%8)...)
		o, f := checkNDOptions(b)
		if f != OK {
			t.Errorf("%s: %v", c.name, f)
		}
		if got := useNDOptions(o); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever is called NDOptions, checked or not, can be asked.
func TestNDOptionsUnchecked(t *testing.T) {
	o := someRouterAdvert().Options
	for n := range len(o) {
		useNDOptions(o[:n])
	}
	useNDOptions(NDOptions{1, 0, 3})
}

func TestAppendNDOptionsBounds(t *testing.T) {
	many := make([]netip.Addr, 200)
	for i := range many {
		many[i] = a6
	}
	o := NDOptions(nil).AppendRDNSS(time.Hour, many...)
	if n := strings.Count(useNDOptions(o), "server"); n != maxServers || len(o) != 8*255 {
		t.Errorf("%d servers in %d octets", n, len(o))
	}
	long := strings.Repeat("a", 63)
	names := []string{"", "a..b", long + "a.b", strings.Repeat(long+".", 4) + "b", "good.example."}
	for range 100 {
		names = append(names, long+".example")
	}
	o = NDOptions(nil).AppendDNSSL(time.Hour, names...)
	got := useNDOptions(o)
	if !strings.HasPrefix(got, "search \"good.example\" 1h0m0s\n") || len(o) > 8*255 {
		t.Errorf("%d octets: %s", len(o), got)
	}
	if o := NDOptions(nil).AppendRedirected(make([]byte, 3000)); len(o)+ICMPLen+32+IPv6Len > 1280 || len(o.Redirected()) == 0 {
		t.Errorf("%d octets of options", len(o))
	}
	if o := NDOptions(bytes.Repeat([]byte{9, 1, 0, 0, 0, 0, 0, 0}, 200)).AppendRedirected(make([]byte, 3000)); len(o) != 1608 {
		t.Errorf("%d octets of options", len(o))
	}
}

func FuzzNDOptions(f *testing.F) {
	f.Add([]byte(someRouterAdvert().Options))
	f.Add(unhex("1f03 0000 00000001 036c616e 3f 0000000000000000000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		useNDOptions(b)
		o, fault := checkNDOptions(b)
		if fault != OK {
			return
		}
		sum := 0
		for _, body := range o.All() {
			sum += 2 + len(body)
		}
		if sum != len(b) {
			t.Fatalf("options of %d octets in %d", sum, len(b))
		}
	})
}
