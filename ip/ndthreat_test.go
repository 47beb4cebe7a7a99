package ip

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// served is what must hold after every attack on neighbour discovery: the caps
// hold, and a neighbour that is known and answers is still reached.
func (b *bench) served(now mono.Time, eth ID) {
	b.t.Helper()
	for why, count := range b.neigh.count {
		if count > trustCaps[why] {
			b.t.Errorf("%d neighbours of kind %d, cap %d", count, why, trustCaps[why])
		}
	}
	for _, e := range b.Neighbours(0) {
		if e.Waiting > maxWaiting {
			b.t.Errorf("%d packets wait for %v", e.Waiting, e.Addr)
		}
	}
	b.output(now)
	b.post(now, "2001:db8:1::b")
	if s := b.one(now); s.MAC != macOf(0xb) {
		b.t.Errorf("a bystander's packet goes to %v", s.MAC)
	}
}

// bystander makes a neighbour known that answers.
func (b *bench) bystander(now mono.Time, eth ID) {
	b.t.Helper()
	b.post(now, "2001:db8:1::b")
	b.want(now, eth, advertisement("2001:db8:1::b", "2001:db8:1::5", "2001:db8:1::b", true, true, macOf(0xb)), Answer, NotDropped)
	b.output(now)
}

// neighbourAddr is the i-th address of the /64 of the link.
func neighbourAddr(i int) netip.Addr {
	a := addr("2001:db8:1::").As16()
	binary.BigEndian.PutUint32(a[12:], uint32(i+1<<20))
	return netip.AddrFrom16(a)
}

// T-60: a sweep over a /64 that we route (RFC 6583), and claims of neighbours that
// nobody has asked for.
func TestThreat_T60_NeighbourExhaustion(t *testing.T) {
	b, eth := etherHost(t)
	now := 10 * second
	b.bystander(now, eth)
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for i := range n {
		o := b.datagram("2001:db8:1::b", []byte("sweep"))
		o.Dst = neighbourAddr(i)
		o.Path.NextHop = o.Dst
		b.ok(b.Send(now, o))
		if i%256 == 0 {
			b.output(now)
		}
	}
	if got := b.neigh.count[asked]; got != trustCaps[asked] {
		t.Errorf("%d neighbours are asked for", got)
	}
	b.served(now, eth)
	// "unsolicited creates nothing"
	known := len(b.neigh.byKey)
	for i := range n {
		a := neighbourAddr(n + i).String()
		b.arrive(now, eth, advertisement(a, "ff02::1", a, i%2 == 0, true, macOf(8)))
		four := netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i%200)})
		b.arp(now, eth, Unicast, wire.ARP{Op: wire.ARPReply, SenderMAC: macOf(8), Sender: four, TargetMAC: macOf(1), Target: addr("192.0.2.5")})
	}
	if got := len(b.neigh.byKey); got != known {
		t.Errorf("%d neighbours are known after claims that nobody asked for, %d before", got, known)
	}
	// Who asks us becomes known, but pushes out nobody who answers.
	for i := range n {
		ns := solicitation(neighbourAddr(n+i).String(), "ff02::1:ff00:5", "2001:db8:1::5", wire.NDOptions(nil).AppendSourceMAC(macOf(8)))
		b.arrive(now, eth, ns)
		b.output(now)
	}
	b.served(now, eth)
	for now = now + second; now < 20*second; now += second {
		b.Expire(now)
		b.output(now)
	}
	if b.neigh.count[asked] != 0 {
		t.Errorf("%d neighbours are asked for after all time is over", b.neigh.count[asked])
	}
	b.served(now, eth)
}

// T-61: ARP poisoning (RFC 826, RFC 5227).
func TestThreat_T61_ARPPoisoning(t *testing.T) {
	b, eth := etherHost(t)
	now := 10 * second
	d := dialects[0]
	b.post(now, d.peer)
	d.answer(b, now, eth, macOf(9), true)
	b.output(now)
	claim := func(a wire.ARP) Verdict {
		a.SenderMAC = max6(a.SenderMAC, macOf(8))
		return b.arp(now, eth, Broadcast, a)
	}

	// What no host can send is refused.
	for name, a := range map[string]wire.ARP{
		"multicast MAC":      {Op: wire.ARPReply, SenderMAC: wire.MAC{1, 0, 0, 0, 0, 8}, Sender: addr(d.peer)},
		"broadcast MAC":      {Op: wire.ARPReply, SenderMAC: wire.BroadcastMAC(), Sender: addr(d.peer)},
		"our own MAC":        {Op: wire.ARPReply, SenderMAC: macOf(1), Sender: addr(d.peer)},
		"a group":            {Op: wire.ARPReply, Sender: addr("224.0.0.1")},
		"a broadcast":        {Op: wire.ARPReply, Sender: addr("192.0.2.255")},
		"everybody":          {Op: wire.ARPReply, Sender: addr("255.255.255.255")},
		"the loopback":       {Op: wire.ARPReply, Sender: addr("127.0.0.1")},
		"nobody":             {Op: wire.ARPReply, Sender: addr("0.0.0.0")},
		"reverse ARP (T-10)": {Op: 4, Sender: addr(d.peer)},
		"no operation":       {Op: 0, Sender: addr(d.peer)},
	} {
		for _, target := range []string{"192.0.2.5", "0.0.0.0"} {
			if a.Target = addr(target); claim(a).Reason != NeighbourInvalid {
				t.Errorf("%s is taken", name)
			}
		}
	}
	zero := wire.ARP{Op: wire.ARPReply, Sender: addr(d.peer), Target: addr(d.us)}
	if v := b.arp(now, eth, Unicast, zero); v.Reason != NeighbourInvalid {
		t.Errorf("no MAC at all is taken: %v", v.Reason)
	}
	b.wantState("after nonsense", eth, d.peer, "REACHABLE 02:00:00:00:00:09")

	// One who was not asked does not overwrite what was confirmed a moment ago; later
	// he does (a neighbour may move), but is asked whether it is true.
	gratuitous := wire.ARP{Op: wire.ARPRequest, Sender: addr(d.peer), Target: addr(d.peer)}
	claim(gratuitous)
	b.wantState("at once", eth, d.peer, "STALE 02:00:00:00:00:09")
	now += 2 * second
	claim(gratuitous)
	b.wantState("later", eth, d.peer, "STALE 02:00:00:00:00:08")
	b.post(now, d.peer)
	b.output(now)
	b.Expire(now.Add(delayFirstProbe))
	if s := b.one(now); s.Ether != wire.EtherARP || s.MAC != macOf(8) {
		t.Errorf("the newcomer is not asked: %v", s.MAC)
	}

	// Somebody uses our own address: reported, and defended once in ten seconds.
	conflict := wire.ARP{Op: wire.ARPReply, Sender: addr(d.us), TargetMAC: macOf(9), Target: addr(d.peer)}
	now += 20 * second
	for range 1000 {
		claim(conflict)
	}
	if e := b.event(AddressConflict, d.us); e.MAC != macOf(8) {
		t.Errorf("conflict with %v", e.MAC)
	}
	b.noEvent()
	if s := b.one(now); s.MAC != wire.BroadcastMAC() {
		t.Errorf("defends itself to %v", s.MAC)
	}
	now += 10 * second
	claim(conflict)
	b.event(AddressConflict, d.us)
	b.one(now)
	if id, ok := b.Tables().Local(addr(d.us)); !ok || id != eth {
		t.Error("the address was given up")
	}
}

// max6 returns a, or b where a is zero.
func max6(a, b wire.MAC) wire.MAC {
	if a == (wire.MAC{}) {
		return b
	}
	return a
}

// T-62: neighbour discovery that breaks the rules of RFC 4861 §6.1, §7.1, §8.1 is
// discarded silently.
func TestThreat_T62_InvalidND(t *testing.T) {
	source := wire.NDOptions(nil).AppendSourceMAC(macOf(8))
	ra := wire.RouterAdvert{Lifetime: time.Hour, Options: source}
	rs := wire.RouterSolicit{}
	rsSource := wire.RouterSolicit{Options: source}
	rd := wire.Redirect{Target: addr("fe80::8"), Destination: addr("2001:db8:77::1")}
	for name, octets := range map[string][]byte{
		"solicitation from afar":              nd("2001:db8:1::8", "2001:db8:1::5", 254, wire.NeighborSolicit{Target: addr("2001:db8:1::5")}, 24, wire.PutNeighborSolicit),
		"solicitation for a group":            solicitation("2001:db8:1::8", "2001:db8:1::5", "ff02::1", source),
		"test with a source address":          solicitation("::", "ff02::1:ff00:5", "2001:db8:1::5", source),
		"test sent to all":                    solicitation("::", "ff02::1", "2001:db8:1::5", nil),
		"advertisement from afar":             nd("2001:db8:1::9", "2001:db8:1::5", 64, wire.NeighborAdvert{Target: addr("2001:db8:1::9"), Solicited: true}, 24, wire.PutNeighborAdvert),
		"advertisement of a group":            advertisement("2001:db8:1::9", "2001:db8:1::5", "ff02::1:ff00:9", true, true, macOf(8)),
		"solicited one for all":               advertisement("2001:db8:1::9", "ff02::1", "2001:db8:1::9", true, true, macOf(8)),
		"advertisement of a multicast MAC":    advertisement("2001:db8:1::9", "2001:db8:1::5", "2001:db8:1::9", true, true, wire.MAC{1, 2, 3, 4, 5, 6}),
		"advertisement of our MAC":            advertisement("2001:db8:1::9", "2001:db8:1::5", "2001:db8:1::9", true, true, macOf(1)),
		"router from afar":                    nd("fe80::8", "ff02::1", 254, ra, ra.Size(), wire.PutRouterAdvert),
		"router without a link-local address": nd("2001:db8:1::8", "ff02::1", 255, ra, ra.Size(), wire.PutRouterAdvert),
		"router solicitation from afar":       nd("fe80::8", "fe80::5", 254, rs, rs.Size(), wire.PutRouterSolicit),
		"redirect from afar":                  nd("fe80::99", "2001:db8:1::5", 254, rd, rd.Size(), wire.PutRedirect),
		"redirect from a global address":      nd("2001:db8:1::99", "2001:db8:1::5", 255, rd, rd.Size(), wire.PutRedirect),
		"router solicitation, no source":      nd("::", "fe80::5", 255, rsSource, rsSource.Size(), wire.PutRouterSolicit),
	} {
		b, eth := etherHost(t)
		b.ok(b.Autoconfigure(0, eth, Autoconf{}))
		b.bystander(0, eth)
		b.post(0, "2001:db8:1::9")
		b.output(0)
		before := fmt.Sprint(b.Neighbours(0), b.Tables().Routes())
		if v := b.frame(0, eth, macOf(8), Unicast, octets); v.Kind != Drop || v.Reason != NeighbourInvalid && v.Reason != MartianSource {
			t.Errorf("%s: %v (%v)", name, v.Kind, v.Reason)
		}
		// A checksum that is wrong, an option of length zero: T-11.
		spoilt := append([]byte(nil), octets...)
		spoilt[len(spoilt)-1] ^= 1
		if v := b.frame(0, eth, macOf(8), Unicast, spoilt); v.Kind != Drop {
			t.Errorf("%s with a wrong checksum: %v", name, v.Kind)
		}
		b.none(0)
		if after := fmt.Sprint(b.Neighbours(0), b.Tables().Routes()); after != before {
			t.Errorf("%s changes\n%s to\n%s", name, before, after)
		}
		b.served(0, eth)
	}
	b, eth := etherHost(t)
	zero := wire.NDOptions{1, 0, 0, 0, 0, 0, 0, 0}
	b.want(0, eth, solicitation("2001:db8:1::8", "2001:db8:1::5", "2001:db8:1::5", zero), Drop, NeighbourInvalid)
	b.none(0)
}

// T-63: a flood of router advertisements (CVE-2010-4669), and values that harm.
func TestThreat_T63_RouterFlood(t *testing.T) {
	b, eth := etherHost(t)
	b.ok(b.Autoconfigure(0, eth, Autoconf{Temporary: true}))
	var now mono.Time
	b.run(&now, 5*second)
	b.bystander(now, eth)
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	for i := range n {
		p := addr("2001:db8:8000::").As16()
		binary.BigEndian.PutUint16(p[6:], uint16(i))
		ra := wire.RouterAdvert{Lifetime: 9000 * time.Second, HopLimit: 1, Reachable: 1 << 40, Retransmit: 1 << 40}
		ra.Options = ra.Options.AppendSourceMAC(macOf(8)).AppendMTU(uint32(i%2*65535)).
			AppendPrefix(wire.PrefixInfo{Prefix: netip.PrefixFrom(netip.AddrFrom16(p), 64), OnLink: true, Autonomous: true, Valid: wire.Infinite, Preferred: 6 * time.Second}).
			AppendRDNSS(wire.Infinite, netip.AddrFrom16(p).Next()).AppendDNSSL(wire.Infinite, fmt.Sprintf("d%d.example", i))
		src := netip.AddrFrom16([16]byte{0xfe, 0x80, 14: byte(i >> 8), 15: byte(i) | 0x80}).String()
		b.frame(now, eth, macOf(8), Multicasting, nd(src, "ff02::1", 255, ra, ra.Size(), wire.PutRouterAdvert))
		if i%100 == 0 {
			b.run(&now, now+second)
		}
	}
	b.run(&now, now+10*second)
	x := b.links[eth].auto
	if len(x.routers) > maxRouters || len(x.prefixes) > maxPrefixes || len(x.servers.list) > maxServers || len(x.domains.list) > maxDomains {
		t.Errorf("%d routers, %d prefixes, %d servers, %d domains", len(x.routers), len(x.prefixes), len(x.servers.list), len(x.domains.list))
	}
	if got := len(b.Tables().Addresses(eth)); got > 4+maxPrefixes*(1+maxTemporary) {
		t.Errorf("%d addresses", got)
	}
	if got := len(b.Tables().Routes()); got > 10+maxRouters+maxPrefixes {
		t.Errorf("%d routes", got)
	}
	p, err := b.Route(now, addr("2001:db8:77::1"), netip.Addr{}, eth)
	if err != nil || p.MTU != 1500 || p.HopLimit != 0 {
		t.Errorf("a path with MTU %d and hop limit %d, %v", p.MTU, p.HopLimit, err)
	}
	if l := b.links[eth]; l.reachable > 2*maxReachable || l.retransmit > maxRetransmit {
		t.Errorf("reachable for %v, asks every %v", l.reachable, l.retransmit)
	}
	b.served(now, eth)
	if len(b.events) > maxEvents {
		t.Errorf("%d events wait", len(b.events))
	}
}

// T-64: redirects. Those of IPv4 are ignored; those of IPv6 count if they come from
// the router that the packets go to (RFC 4861 §8.1), and there is a cap.
func TestThreat_T64_Redirects(t *testing.T) {
	b, eth := etherHost(t)
	quote := packet(between("192.0.2.5", "8.8.8.8", wire.ProtoUDP), udp(1, 2, "x"))
	b.want(0, eth, packet(between("192.0.2.1", "192.0.2.5", wire.ProtoICMPv4), icmp(wire.ICMPv4Redirect, 1, 0xc0000208, quote)), Drop, RedirectIgnored)

	redirect := func(from, target, dst string) Verdict {
		rd := wire.Redirect{Target: addr(target), Destination: addr(dst), Options: wire.NDOptions(nil).AppendTargetMAC(macOf(8))}
		return b.frame(0, eth, macOf(8), Unicast, nd(from, "2001:db8:1::5", 255, rd, rd.Size(), wire.PutRedirect))
	}
	before := len(b.Tables().Routes())
	if v := redirect("fe80::99", "fe80::8", "2001:db8:77::1"); v.Reason != RedirectIgnored {
		t.Errorf("where no router is listened to: %v (%v)", v.Kind, v.Reason)
	}
	b.ok(b.Autoconfigure(0, eth, Autoconf{}))
	for _, c := range []struct{ name, from, target, dst string }{
		{"from another router", "fe80::8", "fe80::8", "2001:db8:77::1"},
		{"to ourselves", "fe80::99", "fe80::5", "2001:db8:77::1"},
		{"to itself", "fe80::99", "fe80::99", "2001:db8:77::1"},
		{"for a neighbour", "fe80::99", "fe80::8", "2001:db8:1::9"},
		{"for a link-local address", "fe80::99", "fe80::8", "fe80::9"},
	} {
		if v := redirect(c.from, c.target, c.dst); v.Reason != RedirectIgnored {
			t.Errorf("%s: %v (%v)", c.name, v.Kind, v.Reason)
		}
	}
	if after := len(b.Tables().Routes()); after != before {
		t.Errorf("%d routes, %d before", after, before)
	}
	path := func(dst string) netip.Addr {
		p, err := b.Route(0, addr(dst), netip.Addr{}, 0)
		b.ok(err)
		return p.NextHop
	}
	redirect("fe80::99", "fe80::8", "2001:db8:77::1")
	redirect("fe80::99", "2001:db8:77::2", "2001:db8:77::2")
	if path("2001:db8:77::1") != addr("fe80::8") || path("2001:db8:77::2") != addr("2001:db8:77::2") || path("2001:db8:77::3") != addr("fe80::99") {
		t.Errorf("ways: %v, %v, %v", path("2001:db8:77::1"), path("2001:db8:77::2"), path("2001:db8:77::3"))
	}
	// §8.3: the router that was named may redirect again.
	redirect("fe80::8", "fe80::9", "2001:db8:77::1")
	if path("2001:db8:77::1") != addr("fe80::9") {
		t.Errorf("redirected again: %v", path("2001:db8:77::1"))
	}
	for i := range 1000 {
		redirect("fe80::99", "fe80::8", netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0x88, 14: byte(i >> 8), 15: byte(i)}).String())
	}
	if n := len(b.Tables().Routes()); n > before+maxRedirects {
		t.Errorf("%d routes", n)
	}
	b.Expire(mono.Time(redirectedFor))
	if n := len(b.Tables().Routes()); n != before {
		t.Errorf("%d routes when all redirects are old, %d before", n, before)
	}
}

// T-65: somebody answers every test of an address. With stable identifiers another
// is tried, three times (RFC 7217 §6), and then no more.
func TestThreat_T65_EveryAddressTaken(t *testing.T) {
	b := newBench(t, Config{Key: [16]byte{7}})
	eth := b.ether(1)
	b.ok(b.Autoconfigure(0, eth, Autoconf{Temporary: true}))
	var now mono.Time
	seen := map[netip.Addr]bool{}
	attack := func(until mono.Time) {
		for now < until {
			all, _ := b.run(&now, min(b.Deadline(), until))
			for _, s := range all {
				var m wire.ICMP
				var ns wire.NeighborSolicit
				o := wire.Plain(s.body)
				wire.ParseICMP(&o, &m)
				if wire.ParseNeighborSolicit(&m, &ns) == wire.OK && s.ip.Src.IsUnspecified() {
					seen[ns.Target] = true
					b.frame(now, eth, macOf(8), Multicasting, advertisement(ns.Target.String(), "ff02::1", ns.Target.String(), false, true, macOf(8)))
				}
			}
		}
	}
	attack(60 * second)
	if len(seen) != idgenRetries || b.Deadline() != mono.Never {
		t.Errorf("%d link-local addresses were tried, deadline %v", len(seen), b.Deadline())
	}
	for range idgenRetries {
		b.event(AddressTaken, "")
	}
	for a := range seen {
		if !a.IsLinkLocalUnicast() {
			t.Errorf("tried %v", a)
		}
	}
	// The same for the addresses of a prefix.
	clear(seen)
	ra := wire.RouterAdvert{Lifetime: time.Hour}
	ra.Options = ra.Options.AppendPrefix(wire.PrefixInfo{Prefix: prefix("2001:db8:1::/64"), Autonomous: true, Valid: 24 * time.Hour, Preferred: 24 * time.Hour})
	b.frame(now, eth, macOf(9), Multicasting, nd("fe80::99", "ff02::1", 255, ra, ra.Size(), wire.PutRouterAdvert))
	attack(now + 60*second)
	if len(seen) != 2*idgenRetries {
		t.Errorf("%d addresses of a prefix were tried, want %d stable and as many temporary", len(seen), idgenRetries)
	}
	for _, a := range b.Tables().Addresses(eth) {
		if a.usable() {
			t.Errorf("%v is used although somebody has it", a.Prefix)
		}
	}
}
