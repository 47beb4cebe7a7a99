package ip

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

func TestTablesAreAsConfigured(t *testing.T) {
	b, lo, eth0, eth1 := twoHomed(t)
	tables := b.Tables()
	var ids []ID
	for _, i := range tables.Interfaces() {
		ids = append(ids, i.ID)
	}
	if !slices.Equal(ids, []ID{lo, eth0, eth1}) {
		t.Errorf("interfaces %v", ids)
	}
	if i, ok := tables.Interface(eth1); !ok || i.Name != "eth1" || i.MTU != 1400 {
		t.Errorf("%+v, %v", i, ok)
	}
	for _, name := range []string{"eth1", "3"} {
		if i, ok := tables.InterfaceByName(name); !ok || i.ID != eth1 {
			t.Errorf("%s is %+v, %v", name, i, ok)
		}
	}
	for _, name := range []string{"", "eth9", "9", "0", "-1", "99999999999"} {
		if i, ok := tables.InterfaceByName(name); ok {
			t.Errorf("%q is %+v", name, i)
		}
	}
	if a := tables.Addresses(eth0); len(a) != 3 || a[0].Prefix != prefix("192.0.2.5/24") || a[0].ValidUntil != mono.Never {
		t.Errorf("addresses %+v", a)
	}
	if _, ok := tables.Interface(9); ok || tables.Addresses(9) != nil || tables.Groups(9) != nil {
		t.Error("an interface that is not there has something")
	}
	want := []netip.Addr{addr("224.0.0.1"), addr("ff02::1"), addr("ff02::1:ff00:5")}
	if got := tables.Groups(eth0); !slices.Equal(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
	prefixes := []netip.Prefix{prefix("0.0.0.0/0"), prefix("127.0.0.0/8"), prefix("192.0.2.0/24"), prefix("198.51.100.0/25"),
		prefix("::/0"), prefix("::1/128"), prefix("2001:db8:1::/64"), prefix("2001:db8:2::/64"), prefix("fe80::/64"), prefix("fe80::/64")}
	var got []netip.Prefix
	for _, r := range tables.Routes() {
		got = append(got, r.Prefix)
	}
	if !slices.Equal(got, prefixes) {
		t.Errorf("routes %v, want %v", got, prefixes)
	}
}

func TestConfigureRefuses(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	route := func(p, via, src string, mtu int) Route {
		return Route{Prefix: prefix(p), Interface: eth0, Via: addr(via), Source: addr(src), MTU: mtu}
	}
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"route of an interface that is not there":   {b.AddRoute(0, Route{Prefix: prefix("10.0.0.0/8"), Interface: 9}), ErrNoInterface},
		"route without a prefix":                    {b.AddRoute(0, Route{Interface: eth0}), ErrInvalid},
		"route through another family":              {b.AddRoute(0, route("10.0.0.0/8", "fe80::1", "", 0)), ErrInvalid},
		"route through a group":                     {b.AddRoute(0, route("10.0.0.0/8", "224.0.0.1", "", 0)), ErrInvalid},
		"route with a tiny MTU":                     {b.AddRoute(0, route("10.0.0.0/8", "", "", 20)), ErrInvalid},
		"route with somebody's source":              {b.AddRoute(0, route("10.0.0.0/8", "", "10.0.0.1", 0)), ErrNotOurs},
		"removing no prefix":                        {b.RemoveRoute(Route{}), ErrInvalid},
		"address of an interface that is not there": {b.AddAddress(0, 9, Address{Prefix: prefix("10.0.0.1/8")}), ErrNoInterface},
		"removing it":                               {b.RemoveAddress(0, 9, addr("10.0.0.1")), ErrNoInterface},
		"removing nothing":                          {b.RemoveInterface(0, 9), ErrNoInterface},
		"setting nothing":                           {b.SetInterface(0, Interface{ID: 9, MTU: 1500}), ErrNoInterface},
		"tiny MTU":                                  {b.SetInterface(0, Interface{ID: eth0, MTU: 67}), ErrInvalid},
		"huge MTU":                                  {b.SetInterface(0, Interface{ID: eth0, MTU: 65536}), ErrInvalid},
	} {
		if c.err != c.want {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if _, err := b.AddInterface(0, Interface{Name: "x", MTU: 67}); err != ErrInvalid {
		t.Errorf("an interface with a tiny MTU: %v", err)
	}
}

// Lifetimes end addresses and routes. Only what changes the paths changes the generation.
func TestLifetimes(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	const hour = mono.Time(time.Hour)
	b.ok(b.AddAddress(0, eth0, Address{Prefix: prefix("10.1.2.3/24"), PreferredUntil: hour, ValidUntil: 2 * hour}))
	r := Route{Prefix: prefix("10.9.0.0/16"), Interface: eth0, Via: addr("192.0.2.1"), Until: 3 * hour}
	b.ok(b.AddRoute(0, r))
	gen := b.Tables().Generation()
	r.Until = 4 * hour
	b.ok(b.AddRoute(0, r))
	if b.Tables().Generation() != gen {
		t.Error("a route that lasts longer has another generation")
	}
	source := func() string {
		p, err := b.Route(0, addr("10.1.2.9"), netip.Addr{}, 0)
		if err != nil {
			return err.Error()
		}
		return p.Source.String()
	}
	b.Expire(hour)
	if b.event(AddressDeprecated, "10.1.2.3"); source() != "192.0.2.5" {
		t.Errorf("a deprecated address is used: %s", source())
	}
	if _, ok := b.Tables().Local(addr("10.1.2.3")); !ok {
		t.Error("a deprecated address is not ours")
	}
	b.Expire(2 * hour)
	b.event(AddressGone, "10.1.2.3")
	if _, ok := b.Tables().Local(addr("10.1.2.3")); ok {
		t.Error("an address outlives its time")
	}
	if b.Deadline() != 4*hour {
		t.Errorf("deadline %v", b.Deadline())
	}
	b.Expire(4 * hour)
	for _, left := range b.Tables().Routes() {
		if left.Prefix == r.Prefix || left.Prefix == prefix("10.1.2.0/24") {
			t.Errorf("%v is left", left)
		}
	}
	if b.Deadline() != mono.Never || len(b.endings) != 0 {
		t.Errorf("deadline %v, %d endings", b.Deadline(), len(b.endings))
	}
	// A route that is added again for ever, or removed, has no end any more.
	b.ok(b.AddRoute(0, r))
	r.Until = 0
	b.ok(b.AddRoute(0, r))
	if b.Deadline() != mono.Never {
		t.Errorf("deadline %v of a route that stays", b.Deadline())
	}
}

// RFC 1122 §3.2.1.3(a): who has no address yet may ask everybody for one, on the
// interface that needs it.
func TestRFC1122_3_2_1_3_AskingForAnAddress(t *testing.T) {
	b := newBench(t, Config{})
	id := b.iface("eth0", 1500, Multicast|Ethernet)
	p, err := b.Route(0, addr("255.255.255.255"), netip.Addr{}, id)
	if err != nil || p.Source != addr("0.0.0.0") || p.Cast != Broadcast {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err = b.Route(0, addr("255.255.255.255"), netip.Addr{}, 0); err == nil {
		t.Error("a broadcast from nobody through any interface")
	}
	o := &Outgoing{Path: p, Src: p.Source, Dst: addr("255.255.255.255"), Proto: wire.ProtoUDP, Octets: wire.Octets{Head: udp(68, 67, "")}, NoSum: true, NoLoop: true}
	b.ok(b.Send(0, o))
	if s := b.one(0); s.MAC != wire.BroadcastMAC() || !s.ip.Src.IsUnspecified() {
		t.Errorf("sends %+v to %v", s.ip, s.MAC)
	}
}

// A frame that says another protocol than its packet carries nothing for us.
func TestFramesSayWhatTheyCarry(t *testing.T) {
	b, eth := etherHost(t)
	for _, f := range families {
		octets := packet(between(f.src, f.dst, wire.ProtoUDP), udp(1, 2, "x"))
		for ether, kind := range map[wire.EtherType]Kind{wire.EtherIPv4: Drop, wire.EtherIPv6: Drop, 0x88cc: Drop, wire.EtherARP: Drop, 0: Deliver} {
			if f.name == "IPv4" && ether == wire.EtherIPv4 || f.name == "IPv6" && ether == wire.EtherIPv6 {
				kind = Deliver
			}
			p := Packet{Octets: wire.Plain(octets), Interface: eth, Ether: ether, MAC: macOf(9)}
			var v Verdict
			if b.Arrive(0, &p, &v); v.Kind != kind {
				t.Errorf("%s in a frame of type %#x: %v (%v)", f.name, uint16(ether), v.Kind, v.Reason)
			}
		}
	}
	b.want(0, 99, packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x")), Drop, NoInterface)
}
