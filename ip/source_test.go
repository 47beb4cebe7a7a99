package ip

import (
	"net/netip"
	"slices"
	"testing"
)

// RFC 6724 §10.1: default source address selection, with the addresses of the RFC
// in the notation of today (2001:db8::/32, fd00::/8 for site-local ones).
func TestRFC6724_SourceSelection(t *testing.T) {
	for _, c := range []struct {
		name, dst string
		sources   []Address
		want      string
	}{
		{"rule 1: same address", "2001:db8:1::2", []Address{{Prefix: prefix("2001:db8:1::3/64")}, {Prefix: prefix("2001:db8:1::2/64")}}, "2001:db8:1::2"},
		{"rule 2: appropriate scope", "2001:db8:1::1", []Address{{Prefix: prefix("fe80::1/64")}, {Prefix: prefix("2001:db8:3::1/64")}}, "2001:db8:3::1"},
		{"rule 2: the smallest that reaches", "ff02::1", []Address{{Prefix: prefix("2001:db8:3::2/64")}, {Prefix: prefix("fe80::2/64")}}, "fe80::2"},
		{"rule 2: scope of the destination", "ff05::1", []Address{{Prefix: prefix("fe80::2/64")}, {Prefix: prefix("2001:db8:3::2/64")}}, "2001:db8:3::2"},
		{"rule 2 for IPv4", "169.254.9.9", []Address{{Prefix: prefix("192.0.2.5/24")}, {Prefix: prefix("169.254.3.4/16")}}, "169.254.3.4"},
		{"rule 3: deprecated", "2001:db8:1::1", []Address{{Prefix: prefix("2001:db8:1::2/64"), State: Deprecated}, {Prefix: prefix("2001:db8:3::2/64")}}, "2001:db8:3::2"},
		{"rule 3 does not beat scope", "fe80::9", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("fe80::2/64"), State: Deprecated}}, "fe80::2"},
		{"tentative is no candidate", "2001:db8:1::1", []Address{{Prefix: prefix("2001:db8:1::2/64"), State: Tentative}, {Prefix: prefix("2001:db8:3::2/64")}}, "2001:db8:3::2"},
		{"rule 5.5: prefix of the next hop", "2001:db8:9::1", []Address{{Prefix: prefix("2001:db8:1::2/64"), Router: addr("fe80::99")}, {Prefix: prefix("2001:db8:3::2/64"), Router: addr("fe80::1")}}, "2001:db8:3::2"},
		{"rule 6: label of 6to4", "2002:c633:6401::d5e3:7953:13eb:22e8", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("2002:c633:6401::2/64")}}, "2002:c633:6401::2"},
		{"rule 6: label of unique local", "fd00:1::1", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("fd00:2::2/64")}}, "fd00:2::2"},
		{"rule 7: temporary", "2001:db8:1::d5e3:0:0:1", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("2001:db8:1::d5e3:7953:13eb:22e8/64"), Temporary: true}}, "2001:db8:1::d5e3:7953:13eb:22e8"},
		{"rule 8: longest match", "2001:db8:1::1", []Address{{Prefix: prefix("2001:db8:3::2/64")}, {Prefix: prefix("2001:db8:1::2/64")}}, "2001:db8:1::2"},
		{"rule 8 ends with the prefix", "2001:db8:1::1", []Address{{Prefix: prefix("2001:db8:1::8000/64")}, {Prefix: prefix("2001:db8:1::2/64")}}, "2001:db8:1::8000"},
	} {
		b := newBench(t, Config{})
		b.iface("lo", 65535, Loopback)
		id := b.iface("eth0", 1500, Multicast|Ethernet)
		for _, a := range c.sources {
			b.ok(b.AddAddress(0, id, a))
		}
		b.route("::/0", id, "fe80::1")
		b.route("0.0.0.0/0", id, "192.0.2.1")
		p, err := b.Route(0, addr(c.dst), netip.Addr{}, 0)
		if err != nil || p.Source != addr(c.want) {
			t.Errorf("%s: to %s from %v, %v; want %s", c.name, c.dst, p.Source, err, c.want)
		}
	}
}

// RFC 6724 §4: the candidates are the addresses of the interface that sends.
func TestSourceIsOfTheInterface(t *testing.T) {
	b := newBench(t, Config{})
	eth0 := b.iface("eth0", 1500, 0, "192.0.2.5/24")
	tun0 := b.iface("tun0", 1400, PointToPoint)
	b.route("203.0.113.0/24", tun0, "")
	if p, err := b.Route(0, addr("203.0.113.1"), netip.Addr{}, 0); err != nil || p.Source != addr("192.0.2.5") {
		t.Errorf("an interface without addresses borrows one: %v, %v", p.Source, err)
	}
	b.ok(b.AddAddress(0, tun0, Address{Prefix: prefix("198.51.100.1/32")}))
	if p, err := b.Route(0, addr("203.0.113.1"), netip.Addr{}, 0); err != nil || p.Source != addr("198.51.100.1") {
		t.Errorf("an interface with an address uses it: %v, %v", p.Source, err)
	}
	b.ok(b.AddRoute(0, Route{Prefix: prefix("203.0.113.0/24"), Interface: tun0, Source: addr("192.0.2.5")}))
	if p, err := b.Route(0, addr("203.0.113.1"), netip.Addr{}, 0); err != nil || p.Source != addr("192.0.2.5") {
		t.Errorf("a route that names its source: %v, %v", p.Source, err)
	}
	b.ok(b.RemoveAddress(0, tun0, addr("198.51.100.1")))
	b.ok(b.RemoveAddress(0, eth0, addr("192.0.2.5")))
	if p, err := b.Route(0, addr("203.0.113.1"), netip.Addr{}, 0); err == nil {
		t.Errorf("without any address: %+v", p)
	}
}

// RFC 6724 §10.2: default destination address selection.
func TestRFC6724_DestinationOrder(t *testing.T) {
	for _, c := range []struct {
		name      string
		sources   []Address
		dst, want []string
	}{
		{"rule 1: unusable last", []Address{{Prefix: prefix("192.0.2.5/24")}},
			[]string{"2001:db8:1::1", "198.51.100.121"}, []string{"198.51.100.121", "2001:db8:1::1"}},
		{"rule 2: matching scope", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("fe80::1/64")}, {Prefix: prefix("169.254.13.78/16")}},
			[]string{"198.51.100.121", "2001:db8:1::1"}, []string{"2001:db8:1::1", "198.51.100.121"}},
		{"rule 2: global of IPv4 before link-local source", []Address{{Prefix: prefix("fe80::1/64")}, {Prefix: prefix("198.51.100.117/24")}},
			[]string{"2001:db8:1::1", "198.51.100.121"}, []string{"198.51.100.121", "2001:db8:1::1"}},
		{"rule 3: deprecated source", []Address{{Prefix: prefix("2001:db8:1::2/64"), State: Deprecated}, {Prefix: prefix("198.51.100.5/24")}},
			[]string{"2001:db8:1::1", "198.51.100.121"}, []string{"198.51.100.121", "2001:db8:1::1"}},
		{"rule 5: matching label", []Address{{Prefix: prefix("2002:c633:6401::2/64")}, {Prefix: prefix("fe80::2/64")}},
			[]string{"2001:db8:1::1", "2002:c633:6401::1"}, []string{"2002:c633:6401::1", "2001:db8:1::1"}},
		{"rule 6: higher precedence", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("fe80::1/64")}, {Prefix: prefix("10.1.2.4/24")}},
			[]string{"10.1.2.3", "2001:db8:1::1"}, []string{"2001:db8:1::1", "10.1.2.3"}},
		{"rule 8: smaller scope", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("fe80::2/64")}},
			[]string{"2001:db8:1::1", "fe80::1"}, []string{"fe80::1", "2001:db8:1::1"}},
		{"rule 9: longest match", []Address{{Prefix: prefix("2001:db8:1::2/64")}, {Prefix: prefix("2001:db8:3f44::2/64")}, {Prefix: prefix("fe80::2/64")}},
			[]string{"2001:db8:3ffe::1", "2001:db8:1::1"}, []string{"2001:db8:1::1", "2001:db8:3ffe::1"}},
		{"rule 10: as they came", []Address{{Prefix: prefix("2001:db8:1::2/64")}},
			[]string{"2001:db8:9::3", "2001:db8:9::1", "2001:db8:9::2"}, []string{"2001:db8:9::3", "2001:db8:9::1", "2001:db8:9::2"}},
	} {
		b := newBench(t, Config{})
		id := b.iface("eth0", 1500, Multicast|Ethernet)
		for _, a := range c.sources {
			b.ok(b.AddAddress(0, id, a))
			to, via := "::/0", "fe80::99"
			if a.Addr().Is4() {
				to, via = "0.0.0.0/0", "198.51.100.1"
			}
			b.route(to, id, via)
		}
		var dst []netip.Addr
		for _, d := range c.dst {
			dst = append(dst, addr(d))
		}
		b.Tables().Order(dst)
		var got []string
		for _, d := range dst {
			got = append(got, d.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPolicyOf(t *testing.T) {
	for a, want := range map[string]Policy{
		"::1": {Precedence: 50, Label: 0}, "192.0.2.1": {Precedence: 35, Label: 4}, "2002::1": {Precedence: 30, Label: 2},
		"2001::1": {Precedence: 5, Label: 5}, "2001:db8::1": {Precedence: 40, Label: 1}, "fd00::1": {Precedence: 3, Label: 13},
		"::192.0.2.1": {Precedence: 1, Label: 3}, "fec0::1": {Precedence: 1, Label: 11}, "3ffe::1": {Precedence: 1, Label: 12},
	} {
		if got := policyOf(DefaultPolicy(), addr(a)); got.Precedence != want.Precedence || got.Label != want.Label {
			t.Errorf("%s: precedence %d label %d, want %d, %d", a, got.Precedence, got.Label, want.Precedence, want.Label)
		}
	}
}
