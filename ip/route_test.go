package ip

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/octet-net/octet/wire"
)

func addr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// bench is a Node under test that fails the test where a call must not fail.
type bench struct {
	*Node
	t testing.TB
}

func newBench(t testing.TB, cfg Config) *bench { return &bench{New(cfg), t} }

func (b *bench) iface(name string, mtu int, f Flags, addrs ...string) ID {
	b.t.Helper()
	id, err := b.AddInterface(0, Interface{Name: name, MTU: mtu, Flags: f | Up, MAC: wire.MAC{2, 0, 0, 0, 0, 1}})
	b.ok(err)
	for _, a := range addrs {
		b.ok(b.AddAddress(0, id, Address{Prefix: prefix(a)}))
	}
	b.settle()
	return id
}

// settle sends, and forgets, what is announced about new interfaces and groups.
func (b *bench) settle() {
	for d := b.Deadline(); d <= 10*second; d = b.Deadline() {
		b.Expire(d)
	}
	var p Packet
	for b.Output(0, &p) {
		p.Data.Release()
	}
}

func (b *bench) route(to string, id ID, via string) {
	b.t.Helper()
	b.ok(b.AddRoute(0, Route{Prefix: prefix(to), Interface: id, Via: addr(via)}))
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// twoHomed is a host with a loopback, two Ethernet-like links and a default route through the first.
func twoHomed(t testing.TB) (b *bench, lo, eth0, eth1 ID) {
	b = newBench(t, Config{})
	lo = b.iface("lo", 65535, Loopback)
	eth0 = b.iface("eth0", 1500, Multicast, "192.0.2.5/24", "2001:db8:1::5/64", "fe80::5/64")
	eth1 = b.iface("eth1", 1400, Multicast, "198.51.100.7/25", "2001:db8:2::7/64", "fe80::7/64")
	b.route("0.0.0.0/0", eth0, "192.0.2.1")
	b.route("::/0", eth0, "fe80::1")
	return b, lo, eth0, eth1
}

func TestRouteFindsThePath(t *testing.T) {
	b, lo, eth0, eth1 := twoHomed(t)
	b.route("203.0.113.0/24", eth1, "198.51.100.1")
	b.ok(b.AddRoute(0, Route{Prefix: prefix("203.0.113.128/25"), Interface: eth1, Via: addr("198.51.100.2"), MTU: 1000}))
	for _, c := range []struct {
		name, dst, src string
		through        ID
		want           Path
	}{
		{"loopback", "127.0.0.1", "", 0, Path{Interface: lo, Source: addr("127.0.0.1"), NextHop: addr("127.0.0.1"), MTU: 65535}},
		{"all of 127/8", "127.8.9.10", "", 0, Path{Interface: lo, Source: addr("127.0.0.1"), NextHop: addr("127.8.9.10"), MTU: 65535}},
		{"loopback of IPv6", "::1", "", 0, Path{Interface: lo, Source: addr("::1"), NextHop: addr("::1"), MTU: 65535}},
		{"our own address", "192.0.2.5", "", 0, Path{Interface: lo, Source: addr("192.0.2.5"), NextHop: addr("192.0.2.5"), MTU: 65535}},
		{"our other address", "198.51.100.7", "192.0.2.5", 0, Path{Interface: lo, Source: addr("192.0.2.5"), NextHop: addr("198.51.100.7"), MTU: 65535}},
		{"neighbour", "192.0.2.9", "", 0, Path{Interface: eth0, Source: addr("192.0.2.5"), NextHop: addr("192.0.2.9"), MTU: 1500}},
		{"half a prefix", "198.51.100.9", "", 0, Path{Interface: eth1, Source: addr("198.51.100.7"), NextHop: addr("198.51.100.9"), MTU: 1400}},
		{"other half", "198.51.100.200", "", 0, Path{Interface: eth0, Source: addr("192.0.2.5"), NextHop: addr("192.0.2.1"), MTU: 1500}},
		{"default", "8.8.8.8", "", 0, Path{Interface: eth0, Source: addr("192.0.2.5"), NextHop: addr("192.0.2.1"), MTU: 1500}},
		{"mapped", "::ffff:8.8.8.8", "", 0, Path{Interface: eth0, Source: addr("192.0.2.5"), NextHop: addr("192.0.2.1"), MTU: 1500}},
		{"longer prefix", "203.0.113.5", "", 0, Path{Interface: eth1, Source: addr("198.51.100.7"), NextHop: addr("198.51.100.1"), MTU: 1400}},
		{"longest prefix, its MTU", "203.0.113.130", "", 0, Path{Interface: eth1, Source: addr("198.51.100.7"), NextHop: addr("198.51.100.2"), MTU: 1000}},
		{"source ties the interface", "203.0.113.5", "192.0.2.5", 0, Path{Interface: eth0, Source: addr("192.0.2.5"), NextHop: addr("192.0.2.1"), MTU: 1500}},
		{"limited broadcast", "255.255.255.255", "", eth1, Path{Interface: eth1, Cast: Broadcast, Source: addr("198.51.100.7"), NextHop: addr("255.255.255.255"), MTU: 1400}},
		{"broadcast of a prefix", "198.51.100.127", "", 0, Path{Interface: eth1, Cast: Broadcast, Source: addr("198.51.100.7"), NextHop: addr("198.51.100.127"), MTU: 1400}},
		{"group", "224.1.2.3", "", 0, Path{Interface: eth0, Cast: Multicasting, Source: addr("192.0.2.5"), NextHop: addr("224.1.2.3"), MTU: 1500}},
		{"group through", "ff02::2", "", eth1, Path{Interface: eth1, Cast: Multicasting, Source: addr("fe80::7"), NextHop: addr("ff02::2"), MTU: 1400}},
		{"link-local by zone", "fe80::9%eth1", "", 0, Path{Interface: eth1, Source: addr("fe80::7"), NextHop: addr("fe80::9"), MTU: 1400}},
		{"link-local by number", "fe80::9%2", "", 0, Path{Interface: eth0, Source: addr("fe80::5"), NextHop: addr("fe80::9"), MTU: 1500}},
		{"global of IPv6", "2001:db8:9::1", "", 0, Path{Interface: eth0, Source: addr("2001:db8:1::5"), NextHop: addr("fe80::1"), MTU: 1500}},
	} {
		got, err := b.Route(0, addr(c.dst), addr(c.src), c.through)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		c.want.Flags, c.want.Generation = b.Tables().ifaces[c.want.Interface].Flags, b.Tables().Generation()
		if got != c.want {
			t.Errorf("%s: to %s\n got %+v\nwant %+v", c.name, c.dst, got, c.want)
		}
	}
}

func TestRouteRefuses(t *testing.T) {
	b, _, eth0, eth1 := twoHomed(t)
	for _, c := range []struct {
		name, dst, src string
		through        ID
		want           error
	}{
		{"nowhere", "", "", 0, ErrInvalid},
		{"unspecified", "0.0.0.0", "", 0, ErrInvalid},
		{"families mixed", "192.0.2.9", "2001:db8:1::5", 0, ErrInvalid},
		{"not ours", "192.0.2.9", "192.0.2.77", 0, ErrNotOurs},
		{"ours, but elsewhere", "192.0.2.9", "192.0.2.5", eth1, ErrNotOurs},
		{"no way from there", "8.8.8.8", "198.51.100.7", 0, ErrNoRoute},
		{"unknown zone", "fe80::9%eth7", "", 0, ErrNoInterface},
		{"contradicting zone", "fe80::9%eth1", "", eth0, ErrNoInterface},
		{"ambiguous zone", "fe80::9", "", 0, ErrNoInterface},
	} {
		if p, err := b.Route(0, addr(c.dst), addr(c.src), c.through); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v; want %v", c.name, p, err, c.want)
		}
	}
}

func TestRouteFollowsTheInterfaces(t *testing.T) {
	b, _, eth0, eth1 := twoHomed(t)
	b.ok(b.AddRoute(0, Route{Prefix: prefix("0.0.0.0/0"), Interface: eth1, Via: addr("198.51.100.1"), Metric: 10}))
	old := b.Tables()
	check := func(when string, tables *Tables, want ID) {
		t.Helper()
		p, err := tables.Route(addr("8.8.8.8"), netip.Addr{}, 0)
		if want == 0 {
			if err == nil {
				t.Errorf("%s: found %+v", when, p)
			}
			return
		}
		if err != nil || p.Interface != want {
			t.Errorf("%s: through %d, %v; want %d", when, p.Interface, err, want)
		}
	}
	check("two default routes", b.Tables(), eth0)
	i, _ := b.Tables().Interface(eth0)
	i.Flags &^= Up
	b.ok(b.SetInterface(0, i))
	check("the better one is down", b.Tables(), eth1)
	b.ok(b.RemoveInterface(0, eth1))
	check("the other is gone", b.Tables(), 0)
	i.Flags |= Up
	b.ok(b.SetInterface(0, i))
	check("up again", b.Tables(), eth0)
	check("tables from before", old, eth0)
	if b.Tables().Generation() <= old.Generation() {
		t.Error("changes leave the generation as it was")
	}
	b.ok(b.RemoveRoute(Route{Prefix: prefix("0.0.0.0/0"), Interface: eth0, Via: addr("192.0.2.1")}))
	check("route removed", b.Tables(), 0)
	if err := b.RemoveRoute(Route{Prefix: prefix("0.0.0.0/0"), Interface: eth0, Via: addr("192.0.2.1")}); err != ErrNotFound {
		t.Errorf("removed twice: %v", err)
	}
}

func TestAddressesComeAndGoWithTheirRoutes(t *testing.T) {
	b := newBench(t, Config{})
	id := b.iface("eth0", 1500, 0, "192.0.2.5/24", "192.0.2.6/24")
	reach := func() bool {
		_, err := b.Route(0, addr("192.0.2.9"), netip.Addr{}, 0)
		return err == nil
	}
	b.ok(b.RemoveAddress(0, id, addr("192.0.2.5")))
	if !reach() {
		t.Error("the prefix of the second address went with the first")
	}
	b.ok(b.RemoveAddress(0, id, addr("192.0.2.6")))
	if reach() || len(b.Tables().Routes()) != 0 {
		t.Errorf("routes left: %v", b.Tables().Routes())
	}
	if err := b.RemoveAddress(0, id, addr("192.0.2.6")); err != ErrNotFound {
		t.Errorf("removed twice: %v", err)
	}
}

func TestAddAddressRefuses(t *testing.T) {
	b := newBench(t, Config{})
	id := b.iface("eth0", 1500, 0)
	for _, p := range []string{
		"127.0.0.1/8", "::1/128", "0.0.0.0/8", "0.1.2.3/8", "240.0.0.1/24", "255.255.255.255/32",
		"224.0.0.1/24", "ff02::1/64", "::/64", "::ffff:192.0.2.1/120", "192.0.2.255/24", "192.0.2.0/24",
	} {
		if err := b.AddAddress(0, id, Address{Prefix: prefix(p)}); err != ErrInvalid {
			t.Errorf("%s: %v, want %v", p, err, ErrInvalid)
		}
	}
	for _, p := range []string{"192.0.2.0/31", "192.0.2.1/31", "203.0.113.255/32"} {
		b.ok(b.AddAddress(0, id, Address{Prefix: prefix(p)}))
	}
}

// RFC 8200 §5: every link that carries IPv6 has an MTU of 1280 octets or greater.
func TestRFC8200_5_NarrowLinksCarryNoIPv6(t *testing.T) {
	b := newBench(t, Config{})
	b.iface("slip", 576, 0, "192.0.2.5/24", "2001:db8::5/64")
	if _, err := b.Route(0, addr("2001:db8::9"), netip.Addr{}, 0); err != ErrNoRoute {
		t.Errorf("IPv6 over 576 octets: %v", err)
	}
	if _, err := b.Route(0, addr("192.0.2.9"), netip.Addr{}, 0); err != nil {
		t.Errorf("IPv4 over 576 octets: %v", err)
	}
}

func TestRouteDoesNotAllocate(t *testing.T) {
	b, _, _, _ := twoHomed(t)
	tables := b.Tables()
	for _, dst := range []netip.Addr{addr("8.8.8.8"), addr("2001:db8:9::1"), addr("127.0.0.1"), addr("192.0.2.9")} {
		if n := testing.AllocsPerRun(100, func() { _, _ = tables.Route(dst, netip.Addr{}, 0) }); n != 0 {
			t.Errorf("%v allocations to find the way to %v", n, dst)
		}
	}
}
