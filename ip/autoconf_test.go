package ip

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// advert makes a router advertisement.
func advert(from string, ra wire.RouterAdvert) []byte {
	return nd(from, "ff02::1", 255, ra, ra.Size(), wire.PutRouterAdvert)
}

// onePrefix are the options of an advertisement with one prefix.
func onePrefix(p string, valid, preferred time.Duration) wire.NDOptions {
	return wire.NDOptions(nil).AppendPrefix(wire.PrefixInfo{Prefix: prefix(p), OnLink: true, Autonomous: true, Valid: valid, Preferred: preferred})
}

func someAdvert(from string) []byte {
	return advert(from, wire.RouterAdvert{
		HopLimit: 64, Lifetime: time.Hour, Reachable: 20 * time.Second, Retransmit: 2 * time.Second,
		Options: onePrefix("2001:db8:1::/64", 24*time.Hour, 12*time.Hour).AppendSourceMAC(macOf(0x99)).AppendMTU(1400).
			AppendRDNSS(time.Hour, addr("2001:db8::53"), addr("fe80::53")).AppendDNSSL(time.Hour, "example.com"),
	})
}

// autoHost is a host that has just got its link-local address by itself.
func autoHost(t testing.TB, a Autoconf) (b *bench, eth ID, now mono.Time) {
	b = newBench(t, Config{Key: [16]byte{9}})
	b.iface("lo", 65535, Loopback)
	eth = b.ether(1)
	b.ok(b.Autoconfigure(0, eth, a))
	b.run(&now, 2*second)
	b.event(AddressReady, "")
	return b, eth, now
}

func (b *bench) router(now mono.Time, eth ID, octets []byte) {
	b.t.Helper()
	if v := b.frame(now, eth, macOf(0x99), Multicasting, octets); v.Kind != Answer {
		b.t.Errorf("%v (%v)", v.Kind, v.Reason)
	}
}

// global returns the addresses of an interface that are not link-local.
func (b *bench) global(eth ID) (all []Address) {
	for _, a := range b.Tables().Addresses(eth) {
		if !a.Addr().IsLinkLocalUnicast() {
			all = append(all, a)
		}
	}
	return all
}

// RFC 4862 §4: the life of a host, from its link-local address to a global one.
func TestAutoconfiguration(t *testing.T) {
	b := newBench(t, Config{Key: [16]byte{9}})
	b.iface("lo", 65535, Loopback)
	eth := b.ether(1)
	var now mono.Time
	// "Autoconfiguration begins with the creation of a link-local address for the
	// interface", which must be unique.
	b.ok(b.Autoconfigure(0, eth, Autoconf{}))
	all, at := b.run(&now, 4*second)
	own := b.event(AddressReady, "").Addr
	if len(all) != 2 || !prefix("fe80::/64").Contains(own) {
		t.Fatalf("%d packets; the link-local address is %v", len(all), own)
	}
	// RFC 4861 §6.3.7: then it asks for routers, after a random delay.
	all, at = all[1:], at[1:]
	if all[0].body[0] != wire.ICMPv6RouterSolicit || all[0].ip.Src != own || all[0].ip.Dst != addr("ff02::2") || all[0].ip.TTL != 255 || at[0] > 3*second {
		t.Fatalf("at %v asks %v with %x", at[0], all[0].ip.Dst, all[0].body)
	}
	// RFC 7559 §2: as nobody answers, again and again, ever more seldom.
	all, at = b.run(&now, mono.Time(24*time.Hour))
	for k := 1; k < len(at); k++ {
		if d := at[k].Sub(at[k-1]); d < 7*time.Second || d > maxSolicitInterval*11/10 || k > 12 && d < maxSolicitInterval*9/10 {
			t.Errorf("solicitation %d after %v", k, d)
		}
	}
	if len(all) < 20 || len(all) > 40 {
		t.Errorf("%d solicitations in a day", len(all))
	}

	// §5.5: an advertisement arrives.
	b.router(now, eth, someAdvert("fe80::99"))
	b.event(RouterFound, "fe80::99")
	b.event(NameServers, "")
	for _, a := range b.global(eth) {
		if a.State != Tentative {
			t.Errorf("%v is %v before it was tested", a.Prefix, a.State)
		}
	}
	b.run(&now, now+5*second)
	made := b.event(AddressReady, "").Addr
	a := b.global(eth)
	if len(a) != 1 || a[0].Addr() != made || !prefix("2001:db8:1::/64").Contains(made) || a[0].State != Preferred || a[0].Temporary || a[0].Router != addr("fe80::99") {
		t.Fatalf("addresses %+v", a)
	}
	p, err := b.Route(now, addr("2001:db8:77::1"), netip.Addr{}, 0)
	if want := (Path{Interface: eth, Flags: p.Flags, Source: made, NextHop: addr("fe80::99"), MTU: 1400, HopLimit: 64, Generation: p.Generation}); err != nil || p != want {
		t.Errorf("the way out: %+v, %v", p, err)
	}
	if p, err = b.Route(now, addr("2001:db8:1::77"), netip.Addr{}, 0); err != nil || p.NextHop != addr("2001:db8:1::77") {
		t.Errorf("the way to a neighbour: %+v, %v", p, err)
	}
	servers, search := b.Resolvers(eth)
	if !slices.Equal(servers, []netip.Addr{addr("2001:db8::53"), addr("fe80::53%eth0")}) || !slices.Equal(search, []string{"example.com"}) {
		t.Errorf("resolvers %v, %v", servers, search)
	}
	if l := b.links[eth]; l.baseReachable != 20*time.Second || l.reachable < 10*time.Second || l.reachable > 30*time.Second || l.retransmit != 2*time.Second {
		t.Errorf("reachable for %v, asks every %v", l.reachable, l.retransmit)
	}
	b.wantState("the router", eth, "fe80::99", "STALE 02:00:00:00:00:99")

	// With nothing more from the router, everything ends in its time.
	b.run(&now, now.Add(25*time.Hour))
	b.event(RouterGone, "fe80::99")
	b.event(NameServers, "")
	b.event(AddressDeprecated, made.String())
	b.event(AddressGone, made.String())
	b.noEvent()
	if routes := b.Tables().Routes(); len(b.global(eth)) != 0 || len(routes) != 3 { // two of the loopback, and the link-local prefix
		t.Errorf("left: %v, %v", b.global(eth), routes)
	}
}

// RFC 7217 §5: the identifier is stable for a prefix, other for another, and not to
// be foretold without the key.
func TestRFC7217_StableAddresses(t *testing.T) {
	made := func(key byte, name string, mac byte, p string) netip.Addr {
		b := newBench(t, Config{Key: [16]byte{key}})
		id, err := b.AddInterface(0, Interface{Name: name, MTU: 1500, Flags: Up | Multicast | Ethernet, MAC: macOf(mac)})
		b.ok(err)
		return b.stableAddress(id, prefix(p), 0)
	}
	same := made(1, "eth0", 1, "2001:db8:1::/64")
	if same != made(1, "eth0", 1, "2001:db8:1::/64") {
		t.Error("the address is not stable")
	}
	seen := map[[8]byte]bool{}
	for _, a := range []netip.Addr{
		same, made(1, "eth0", 1, "2001:db8:2::/64"), made(2, "eth0", 1, "2001:db8:1::/64"), made(1, "eth1", 1, "2001:db8:1::/64"), made(1, "eth0", 2, "2001:db8:1::/64"),
	} {
		b := a.As16()
		seen[[8]byte(b[8:])] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d identifiers of 5 are different", len(seen))
	}
}

// RFC 5453: identifiers that mean something to everybody are not for a host.
func TestRFC5453_ReservedIdentifiers(t *testing.T) {
	for a, want := range map[string]bool{
		"2001:db8::": true, "2001:db8::1": false, "2001:db8::fdff:ffff:ffff:ff80": true, "2001:db8::fdff:ffff:ffff:ffff": true,
		"2001:db8::fdff:ffff:ffff:ff7f": false, "2001:db8::200:5eff:fe00:1": true, "2001:db8::200:5eff:ff00:1": false,
	} {
		if got := reservedIdentifier(addr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}

// RFC 4862 §5.5.3(e): how an advertisement changes a valid lifetime.
func TestRFC4862_TwoHourRule(t *testing.T) {
	const hour = time.Hour
	now := mono.Time(100 * hour)
	for _, c := range []struct{ left, valid, want time.Duration }{
		{10 * hour, 20 * hour, 20 * hour}, // longer
		{10 * hour, 3 * hour, 3 * hour},   // "greater than 2 hours"
		{1 * hour, 90 * time.Minute, 90 * time.Minute},
		{1 * hour, 30 * time.Minute, 1 * hour}, // "less than or equal to 2 hours, ignore"
		{2 * hour, 0, 2 * hour},
		{10 * hour, 0, 2 * hour}, // "otherwise, reset to 2 hours"
		{10 * hour, 1 * hour, 2 * hour},
		{wire.Infinite, 1 * hour, 2 * hour},
		{wire.Infinite, 5 * hour, 5 * hour},
		{10 * hour, wire.Infinite, wire.Infinite},
		{wire.Infinite, wire.Infinite, wire.Infinite},
	} {
		if got := prolong(now, lifetime(now, c.left), c.valid); got != lifetime(now, c.want) {
			t.Errorf("%v left, %v announced: ends at %v", c.left, c.valid, got)
		}
	}
}

// RFC 4862 §5.5.3: prefixes that no address is made of.
func TestRFC4862_PrefixesIgnored(t *testing.T) {
	for name, o := range map[string]wire.PrefixInfo{
		"link-local":               {Prefix: prefix("fe80::/64"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour},
		"preferred for too long":   {Prefix: prefix("2001:db8:5::/64"), Autonomous: true, Valid: time.Hour, Preferred: 2 * time.Hour},
		"not for autoconfigation":  {Prefix: prefix("2001:db8:5::/64"), OnLink: true, Valid: time.Hour, Preferred: time.Hour},
		"of another length":        {Prefix: prefix("2001:db8:5::/56"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour},
		"a group":                  {Prefix: prefix("ff05::/64"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour},
		"without any time":         {Prefix: prefix("2001:db8:5::/64"), Autonomous: true, OnLink: true},
		"everything":               {Prefix: prefix("::/0"), Autonomous: true, OnLink: true, Valid: time.Hour, Preferred: time.Hour},
		"everything of the lowest": {Prefix: prefix("::/64"), Autonomous: true, OnLink: true, Valid: time.Hour, Preferred: time.Hour},
	} {
		b, eth, now := autoHost(t, Autoconf{})
		b.router(now, eth, advert("fe80::99", wire.RouterAdvert{Options: wire.NDOptions(nil).AppendPrefix(o)}))
		if a := b.global(eth); len(a) != 0 {
			t.Errorf("%s: %v", name, a)
		}
		if k := len(b.Tables().Routes()); k != 3+truth(name == "not for autoconfigation") {
			t.Errorf("%s: %d routes", name, k)
		}
	}
}

// RFC 8981: temporary addresses are preferred as sources, and replaced before they
// are deprecated, day after day.
func TestRFC8981_TemporaryAddresses(t *testing.T) {
	b, eth, now := autoHost(t, Autoconf{Temporary: true})
	const week = mono.Time(7 * 24 * time.Hour)
	seen := map[netip.Addr]bool{}
	last := netip.Addr{}
	for end := now + week; now < end; {
		b.router(now, eth, advert("fe80::99", wire.RouterAdvert{Lifetime: 2 * time.Hour, Options: onePrefix("2001:db8:1::/64", 30*24*time.Hour, 7*24*time.Hour)}))
		b.run(&now, now.Add(30*time.Minute))
		p, err := b.Route(now, addr("2001:db8:77::1"), netip.Addr{}, 0)
		b.ok(err)
		temporaries := 0
		for _, a := range b.global(eth) {
			temporaries += truth(a.Temporary)
			if a.Addr() == p.Source && (!a.Temporary || a.State != Preferred) {
				t.Fatalf("at %v the source is %+v", now, a)
			}
		}
		if temporaries == 0 || temporaries > maxTemporary {
			t.Fatalf("at %v there are %d temporary addresses", now, temporaries)
		}
		if p.Source != last && seen[p.Source] {
			t.Fatalf("%v comes back", p.Source)
		}
		seen[p.Source], last = true, p.Source
	}
	if len(seen) < 7 || len(seen) > 12 {
		t.Errorf("%d temporary addresses in a week", len(seen))
	}
}

// RFC 4191, RFC 4861 §6.3.6: the router of the highest preference is used, one that
// does not answer only if there is no other.
func TestRFC4861_6_3_6_DefaultRouters(t *testing.T) {
	b, eth, now := autoHost(t, Autoconf{})
	next := func() string {
		t.Helper()
		p, err := b.Route(now, addr("2001:db8:77::1"), netip.Addr{}, 0)
		if err != nil {
			return err.Error()
		}
		return p.NextHop.String()
	}
	want := func(when, router string) {
		t.Helper()
		if got := next(); got != router {
			t.Errorf("%s: through %s, want %s", when, got, router)
		}
	}
	offer := func(from string, p wire.Preference, life time.Duration) {
		t.Helper()
		b.router(now, eth, advert(from, wire.RouterAdvert{Preference: p, Lifetime: life, Options: onePrefix("2001:db8:1::/64", 24*time.Hour, 24*time.Hour)}))
	}
	offer("fe80::1", wire.LowPreference, time.Hour)
	b.run(&now, now+5*second)
	want("one router", "fe80::1")
	offer("fe80::2", wire.MediumPreference, time.Hour)
	want("a better one", "fe80::2")
	offer("fe80::3", wire.HighPreference, time.Hour)
	want("the best one", "fe80::3")
	offer("fe80::3", wire.HighPreference, 0)
	want("it ends", "fe80::2")

	// "Routers that are known to be unreachable": fe80::2 was reached and stops answering.
	b.post(now, "2001:db8:77::1")
	b.output(now)
	b.frame(now, eth, macOf(2), Unicast, routerAdvertises("fe80::2", b.links[eth].auto.linkLocal.String(), macOf(2)))
	b.output(now)
	b.run(&now, now+50*second)
	b.post(now, "2001:db8:77::1")
	b.run(&now, now+20*second)
	want("it does not answer", "fe80::1")
	offer("fe80::2", wire.MediumPreference, time.Hour)
	want("it speaks again", "fe80::2")

	// RFC 4861 §7.2.5: a router that says that it is none any more.
	b.post(now, "2001:db8:77::1")
	b.frame(now, eth, macOf(2), Unicast, routerAdvertises("fe80::2", b.links[eth].auto.linkLocal.String(), macOf(2)))
	b.frame(now, eth, macOf(2), Unicast, advertisement("fe80::2", b.links[eth].auto.linkLocal.String(), "fe80::2", true, true, macOf(2)))
	want("it is no router any more", "fe80::1")
	b.output(now)
	b.run(&now, now+3600*second)
	if got := next(); got == "fe80::1" {
		t.Error("a router outlives its lifetime")
	}
}

// routerAdvertises is the answer of a neighbour that is a router.
func routerAdvertises(src, dst string, mac wire.MAC) []byte {
	m := wire.NeighborAdvert{Target: addr(src), Router: true, Solicited: true, Override: true, Options: wire.NDOptions(nil).AppendTargetMAC(mac)}
	return nd(src, dst, 255, m, m.Size(), wire.PutNeighborAdvert)
}

// Routers do not configure themselves from routers, nor does the loopback.
func TestAutoconfigureRefuses(t *testing.T) {
	b, lo, eth0, _ := newRouter(t)
	for _, id := range []ID{lo, eth0} {
		if err := b.Autoconfigure(0, id, Autoconf{}); err != ErrInvalid {
			t.Errorf("interface %d: %v", id, err)
		}
	}
	if err := b.Autoconfigure(0, 77, Autoconf{}); err != ErrNoInterface {
		t.Errorf("no interface: %v", err)
	}
	b.want(0, eth0, someAdvert("fe80::99"), Drop, NotForUs)
}

// A link that comes back is another link, for all we know: its address is tested
// again, and its routers are asked for.
func TestRFC4861_6_3_7_AsksAgain(t *testing.T) {
	b, eth, now := autoHost(t, Autoconf{})
	b.router(now, eth, someAdvert("fe80::99"))
	b.run(&now, now+10*second)
	for range 3 {
		b.Event()
	}
	i, _ := b.Tables().Interface(eth)
	i.Flags &^= Up
	b.ok(b.SetInterface(now, i))
	b.run(&now, now+10*second)
	i.Flags |= Up
	b.ok(b.SetInterface(now, i))
	b.event(RouterGone, "fe80::99")
	all, _ := b.run(&now, now+5*second)
	b.event(AddressReady, "")
	if len(all) != 2 || all[0].body[0] != wire.ICMPv6NeighborSolicit || all[1].body[0] != wire.ICMPv6RouterSolicit {
		t.Errorf("sends %d packets", len(all))
	}
}
