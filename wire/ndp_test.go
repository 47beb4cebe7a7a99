package wire

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
)

var (
	linkLocal = netip.MustParseAddr("fe80::1")
	group6    = netip.MustParseAddr("ff02::1")
)

func someRouterAdvert() RouterAdvert {
	return RouterAdvert{
		HopLimit: 64, Managed: true, Preference: LowPreference,
		Lifetime: 30 * time.Minute, Reachable: 1500 * time.Millisecond, Retransmit: time.Second,
		Options: NDOptions(nil).AppendSourceMAC(MAC{2, 0, 0, 0, 0, 1}).AppendMTU(1400).
			AppendPrefix(PrefixInfo{Prefix: netip.MustParsePrefix("2001:db8::/64"), OnLink: true, Autonomous: true, Valid: 24 * time.Hour, Preferred: time.Hour}).
			AppendRDNSS(time.Minute, a6, b6).AppendDNSSL(Infinite, "example.com", "lan"),
	}
}

// neighborMessages returns one message of each type.
func neighborMessages() [][]byte {
	ns := NeighborSolicit{Target: b6, Options: NDOptions(nil).AppendSourceMAC(MAC{2, 0, 0, 0, 0, 1})}
	na := NeighborAdvert{Target: b6, Solicited: true, Override: true, Options: NDOptions(nil).AppendTargetMAC(MAC{2, 0, 0, 0, 0, 2})}
	rs := RouterSolicit{Options: NDOptions(nil).AppendSourceMAC(MAC{2, 0, 0, 0, 0, 1})}
	ra := someRouterAdvert()
	rd := Redirect{Target: linkLocal, Destination: b6, Options: NDOptions(nil).AppendTargetMAC(MAC{2}).AppendRedirected(corpus()["udp6"])}
	all := [][]byte{make([]byte, ns.Size()), make([]byte, na.Size()), make([]byte, rs.Size()), make([]byte, ra.Size()), make([]byte, rd.Size())}
	PutNeighborSolicit(all[0], &ns)
	PutNeighborAdvert(all[1], &na)
	PutRouterSolicit(all[2], &rs)
	PutRouterAdvert(all[3], &ra)
	PutRedirect(all[4], &rd)
	return all
}

func TestNeighborMessages(t *testing.T) {
	for _, c := range []struct{ octets, line string }{
		{"87 00 0000 00000000 20010db8000100000000000000000007 0101 020000000001", "neighbor solicitation 2001:db8:1::7"},
		{"88 00 0000 60000000 20010db8000100000000000000000007 0201 020000000002", "neighbor advertisement 2001:db8:1::7"},
		{"85 00 0000 00000000 0101 020000000001", "router solicitation"},
		{"86 00 0000 40 98 0708 000005dc 000003e8 0101 020000000001 0501 0000 00000578" +
			"0304 40 c0 00015180 00000e10 00000000 20010db8000000000000000000000000" +
			"1905 0000 0000003c 20010db8000000000000000000000001 20010db8000100000000000000000007" +
			"1f04 0000 ffffffff 076578616d706c6503636f6d00 036c616e00 000000000000", "router advertisement"},
		{"89 00 0000 00000000 fe800000000000000000000000000001 20010db8000100000000000000000007 0201 020000000000" +
			"0407 000000000000 6000 0000 000d 11 40 20010db8000000000000000000000001 20010db8000100000000000000000007 c243 1a85 000d 83be", "redirect"},
	} {
		kind := unhex(c.octets)[0]
		for _, b := range neighborMessages() {
			if b[0] == kind && !bytes.Equal(b, unhex(c.octets)) {
				t.Errorf("%s: wrote\n% x, want\n% x", c.line, b, unhex(c.octets))
			}
		}
		if got := icmpName6(kind, 0); len(c.line) < len(got) || c.line[:len(got)] != got {
			t.Errorf("type %d is called %q, want %q", kind, got, c.line)
		}
	}
}

func TestParseRouterAdvert(t *testing.T) {
	m, _ := parseICMP(neighborMessages()[3])
	var r RouterAdvert
	if f := ParseRouterAdvert(&m, &r); f != OK {
		t.Fatal(f)
	}
	if want := someRouterAdvert(); !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
}

func TestRouterAdvertFlags(t *testing.T) {
	for _, want := range []RouterAdvert{{}, {Managed: true}, {Other: true}, {Managed: true, Other: true}} {
		b := make([]byte, want.Size())
		PutRouterAdvert(b, &want)
		m, _ := parseICMP(b)
		var r RouterAdvert
		if f := ParseRouterAdvert(&m, &r); f != OK || r.Managed != want.Managed || r.Other != want.Other {
			t.Errorf("%v: wrote %+v, read %+v", f, want, r)
		}
	}
}

func TestNeighborAdvertFlags(t *testing.T) {
	for i := range 8 {
		want := NeighborAdvert{Target: b6, Router: i&1 != 0, Solicited: i&2 != 0, Override: i&4 != 0}
		b := make([]byte, want.Size())
		PutNeighborAdvert(b, &want)
		if got := b[4] >> 5; got != byte(i&1<<2|i&2|i>>2) {
			t.Errorf("%+v is written as %03b", want, got)
		}
		m, _ := parseICMP(b)
		var n NeighborAdvert
		if f := ParseNeighborAdvert(&m, &n); f != OK || n.Router != want.Router || n.Solicited != want.Solicited || n.Override != want.Override {
			t.Errorf("%v: wrote %+v, read %+v", f, want, n)
		}
	}
}

func TestPreferences(t *testing.T) {
	for bits, want := range map[uint32]Preference{0: MediumPreference, 1: HighPreference, 3: LowPreference, 2: MediumPreference} {
		m := ICMP{Type: ICMPv6RouterAdvert, Rest: bits << 19, Body: chunk.Borrow(make([]byte, 8))}
		var r RouterAdvert
		if f := ParseRouterAdvert(&m, &r); f != OK || r.Preference != want {
			t.Errorf("bits %d: %v, preference %d, want %d (RFC 4191 §2.2)", bits, f, r.Preference, want)
		}
		if bits != 2 && uint32(r.Preference.bits())>>3 != bits {
			t.Errorf("preference %d is written as %d", r.Preference, r.Preference.bits())
		}
	}
}

func TestPutRouterAdvertClampsTimes(t *testing.T) {
	r := RouterAdvert{Lifetime: 24 * time.Hour, Reachable: 1 << 62, Retransmit: -time.Second}
	b := make([]byte, r.Size())
	PutRouterAdvert(b, &r)
	if !bytes.Equal(b[4:], unhex("00 00 ffff ffffffff 00000000")) {
		t.Errorf("wrote % x", b)
	}
}

func TestNeighborMessageFaults(t *testing.T) {
	target := b6.As16()
	toGroup := group6.As16()
	parse := func(m ICMP) Fault {
		switch m.Type {
		case ICMPv6NeighborSolicit:
			return ParseNeighborSolicit(&m, new(NeighborSolicit))
		case ICMPv6NeighborAdvert:
			return ParseNeighborAdvert(&m, new(NeighborAdvert))
		case ICMPv6RouterAdvert:
			return ParseRouterAdvert(&m, new(RouterAdvert))
		case ICMPv6RouterSolicit:
			return ParseRouterSolicit(&m, new(RouterSolicit))
		}
		return ParseRedirect(&m, new(Redirect))
	}
	for _, kind := range []uint8{ICMPv6NeighborSolicit, ICMPv6NeighborAdvert} {
		for _, c := range []struct {
			name string
			code uint8
			body []byte
			want Fault
		}{
			{"as it should be", 0, target[:], OK},
			{"code 1", 1, target[:], BadType},
			{"15 octets of target", 0, target[:15], Truncated},
			{"multicast target", 0, toGroup[:], BadAddress},
			{"option of length 0", 0, append(target[:], 1, 0, 0, 0, 0, 0, 0, 0), BadOption},
			{"option past the end", 0, append(target[:], 1, 2, 0, 0, 0, 0, 0, 0), Truncated},
			{"one octet of an option", 0, append(target[:], 1), Truncated},
		} {
			if f := parse(ICMP{Type: kind, Code: c.code, Body: chunk.Borrow(c.body)}); f != c.want {
				t.Errorf("type %d, %s: %v, want %v", kind, c.name, f, c.want)
			}
		}
	}
	for _, c := range []struct {
		name                string
		target, destination netip.Addr
		want                Fault
	}{
		{"to a router", linkLocal, b6, OK}, {"on-link", b6, b6, OK},
		{"target that is no router", a6, b6, BadAddress}, {"group", linkLocal, group6, BadAddress},
	} {
		body := append(c.target.AsSlice(), c.destination.AsSlice()...)
		if f := parse(ICMP{Type: ICMPv6Redirect, Body: chunk.Borrow(body)}); f != c.want {
			t.Errorf("redirect %s: %v, want %v (RFC 4861 §8.1)", c.name, f, c.want)
		}
	}
	for kind, n := range map[uint8]int{ICMPv6RouterAdvert: 7, ICMPv6Redirect: 31} {
		if f := parse(ICMP{Type: kind, Body: chunk.Borrow(make([]byte, n))}); f != Truncated {
			t.Errorf("type %d with %d octets: %v", kind, n, f)
		}
	}
	wrong := ICMP{Type: ICMPv6Echo, Body: chunk.Borrow(make([]byte, 64))}
	for _, f := range []Fault{
		ParseNeighborSolicit(&wrong, new(NeighborSolicit)), ParseNeighborAdvert(&wrong, new(NeighborAdvert)),
		ParseRouterSolicit(&wrong, new(RouterSolicit)), ParseRouterAdvert(&wrong, new(RouterAdvert)), ParseRedirect(&wrong, new(Redirect)),
	} {
		if f != BadType {
			t.Errorf("an echo is read as neighbour discovery: %v", f)
		}
	}
}

// checkNeighborRoundTrip reads and writes m as what its type says, twice: the value
// must stay the same.
func checkNeighborRoundTrip(t *testing.T, m *ICMP) {
	t.Helper()
	switch m.Type {
	case ICMPv6NeighborSolicit:
		checkTwice(t, m, ParseNeighborSolicit, PutNeighborSolicit, (*NeighborSolicit).Size)
	case ICMPv6NeighborAdvert:
		checkTwice(t, m, ParseNeighborAdvert, PutNeighborAdvert, (*NeighborAdvert).Size)
	case ICMPv6RouterSolicit:
		checkTwice(t, m, ParseRouterSolicit, PutRouterSolicit, (*RouterSolicit).Size)
	case ICMPv6RouterAdvert:
		checkTwice(t, m, ParseRouterAdvert, PutRouterAdvert, (*RouterAdvert).Size)
	case ICMPv6Redirect:
		checkTwice(t, m, ParseRedirect, PutRedirect, (*Redirect).Size)
	}
}

func checkTwice[V any](t *testing.T, m *ICMP, parse func(*ICMP, *V) Fault, put func([]byte, *V), size func(*V) int) {
	t.Helper()
	var v, again V
	if parse(m, &v) != OK {
		return
	}
	b := make([]byte, size(&v))
	put(b, &v)
	n, f := parseICMP(b)
	if f == OK {
		f = parse(&n, &again)
	}
	if f != OK || !reflect.DeepEqual(v, again) {
		t.Fatalf("%v\nread  %+v\nagain %+v", f, v, again)
	}
	useNDOptions(reflect.ValueOf(v).FieldByName("Options").Interface().(NDOptions))
}
