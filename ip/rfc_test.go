package ip

import (
	"net/netip"
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

// What docs/rfc1122.md, docs/rfc8200.md and docs/rfc4861.md list and no other test shows.

// RFC 1122 §3.2.1.1: "A datagram whose version number is not 4 MUST be silently discarded."
func TestRFC1122_3_2_1_1_Version(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for version := range byte(16) {
		p := packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x"))
		p[0] = version<<4 | 5
		resum(p)
		if v := b.arrive(0, eth0, p); (v.Kind == Deliver) != (version == 4) {
			t.Errorf("version %d: %v (%v)", version, v.Kind, v.Reason)
		}
	}
	b.none(0)
}

// RFC 1122 §3.2.1.2: "A host MUST verify the IP header checksum on every received
// datagram and silently discard every datagram that has a bad checksum."
func TestRFC1122_3_2_1_2_Checksum(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for k := range 20 {
		p := packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x"))
		if p[k] ^= 4; k == 0 {
			p[k] ^= 6 // another header length, not another version
		}
		if v := b.arrive(0, eth0, p); v.Kind != Drop {
			t.Errorf("octet %d is corrupt: %v", k, v.Kind)
		}
	}
	b.none(0)
}

// RFC 1122 §3.2.1.7: "A host MUST NOT discard a datagram just because it was
// received with TTL less than 2", and must not send one of zero.
func TestRFC1122_3_2_1_7_TimeToLive(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, f := range families {
		for _, ttl := range []uint8{0, 1, 2} {
			p := packet(between(f.src, f.dst, wire.ProtoUDP), udp(1, 2, "x"))
			if f.name == "IPv4" {
				p[8] = ttl
				resum(p)
			} else {
				p[7] = ttl
			}
			b.want(0, eth0, p, Deliver, NotDropped)
		}
		o := b.datagram(f.src, []byte("x"))
		b.ok(b.Send(0, o))
		if s := b.one(0); s.ip.TTL != 64 {
			t.Errorf("%s: sends a time to live of %d", f.name, s.ip.TTL)
		}
		o = b.datagram(f.src, []byte("x"))
		o.TTL = 3
		b.ok(b.Send(0, o))
		if s := b.one(0); s.ip.TTL != 3 {
			t.Errorf("%s: asked for 3, sends %d", f.name, s.ip.TTL)
		}
	}
}

// RFC 1122 §3.2.2: "If an ICMP message of unknown type is received, it MUST be
// silently discarded." So are those that a host may ignore.
func TestRFC1122_3_2_2_UnknownTypes(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	known := map[int]bool{0: true, 3: true, 8: true, 11: true, 12: true}
	for kind := range 256 {
		v := b.arrive(0, eth0, packet(between("192.0.2.9", "192.0.2.5", wire.ProtoICMPv4), icmp(uint8(kind), 0, 0, nil)))
		if !known[kind] && v.Kind != Drop {
			t.Errorf("type %d: %v", kind, v.Kind)
		}
		if kind == wire.ICMPv4Echo {
			b.one(0)
		}
	}
	b.none(0)
}

// RFC 1122 §3.2.2.3 wants source quench reported to the transport; RFC 6633 §3 takes
// that back: it must be ignored.
func TestRFC1122_3_2_2_3_SourceQuench(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	ours := packet(between("192.0.2.5", "203.0.113.9", wire.ProtoUDP), udp(7, 9, "hello"))
	b.want(0, eth0, packet(between("203.0.113.1", "192.0.2.5", wire.ProtoICMPv4), icmp(wire.ICMPv4SourceQuench, 0, 0, ours)), Drop, BadICMP)
	b.none(0)
}

// RFC 1122 §3.2.2.4, §3.2.2.5: what Time Exceeded and Parameter Problem say "MUST be
// passed to the transport layer".
func TestRFC1122_3_2_2_4_TimeExceeded(t *testing.T) {
	informs(t, wire.ICMPv4TimeExceeded, TimeExceeded)
}

func TestRFC1122_3_2_2_5_ParameterProblem(t *testing.T) {
	informs(t, wire.ICMPv4ParamProblem, ParameterProblem)
}

func informs(t *testing.T, kind uint8, want NoticeKind) {
	t.Helper()
	b, _, eth0, _ := twoHomed(t)
	ours := packet(between("192.0.2.5", "203.0.113.9", wire.ProtoUDP), udp(7, 9, "hello"))
	v := b.want(0, eth0, packet(between("203.0.113.1", "192.0.2.5", wire.ProtoICMPv4), icmp(kind, 0, 0, ours)), Inform, NotDropped)
	if c := v.Notice; c.Kind != want || c.SrcPort != 7 || c.DstPort != 9 || c.Dst != addr("203.0.113.9") {
		t.Errorf("%+v", c)
	}
}

// RFC 1122 §3.3.4.2: "A host MAY silently discard an incoming datagram whose
// destination address does not correspond to the physical interface through which it
// is received": the strong host does, the weak one does not.
func TestRFC1122_3_3_4_2_StrongAndWeakHosts(t *testing.T) {
	for _, weak := range []bool{false, true} {
		b := newBench(t, Config{WeakHost: weak})
		eth0 := b.iface("eth0", 1500, 0, "192.0.2.5/24")
		b.iface("eth1", 1500, 0, "198.51.100.7/24")
		v := b.arrive(0, eth0, packet(between("192.0.2.9", "198.51.100.7", wire.ProtoUDP), udp(1, 2, "x")))
		if (v.Kind == Deliver) != weak {
			t.Errorf("weak %v: %v (%v)", weak, v.Kind, v.Reason)
		}
		_, err := b.Route(0, addr("192.0.2.9"), addr("198.51.100.7"), 0)
		if (err == nil) != weak {
			t.Errorf("weak %v: sends with the address of another interface: %v", weak, err)
		}
	}
}

// RFC 1122 §3.3.6: "A host SHOULD silently discard a datagram that is received via a
// link-layer broadcast but does not specify an IP multicast or broadcast destination."
func TestRFC1122_3_3_6_LinkBroadcast(t *testing.T) {
	b, eth := etherHost(t)
	for dst, want := range map[string]Kind{"192.0.2.5": Drop, "192.0.2.255": Deliver, "255.255.255.255": Deliver, "224.0.0.1": Deliver} {
		if v := b.frame(0, eth, macOf(9), Broadcast, packet(between("192.0.2.9", dst, wire.ProtoUDP), udp(1, 2, "x"))); v.Kind != want {
			t.Errorf("to %s in a frame for all: %v (%v)", dst, v.Kind, v.Reason)
		}
	}
}

// RFC 1122 §3.3.1.1: a destination in a prefix of the link is reached directly, any
// other through a router.
func TestRFC1122_3_3_1_1_LocalOrRemote(t *testing.T) {
	b, _, _, _ := twoHomed(t)
	for dst, hop := range map[string]string{"192.0.2.254": "192.0.2.254", "192.0.3.1": "192.0.2.1"} {
		if p, err := b.Route(0, addr(dst), netip.Addr{}, 0); err != nil || p.NextHop != addr(hop) {
			t.Errorf("%s through %v, %v", dst, p.NextHop, err)
		}
	}
}

// RFC 1122 §2.3.2.1: "a mechanism to flush out-of-date cache entries" of ARP, and
// §2.3.2.2: a packet is kept while its destination is asked for.
func TestRFC1122_2_3_2_1_ARPCacheValidation(t *testing.T) {
	b, eth := etherHost(t)
	now := 10 * second
	b.post(now, "192.0.2.9")
	dialects[0].answer(b, now, eth, macOf(9), true)
	b.run(&now, now.Add(time.Minute))
	b.post(now, "192.0.2.9")
	b.run(&now, now.Add(time.Minute))
	b.wantState("silent for two minutes", eth, "192.0.2.9", "none")
}

func TestRFC1122_2_3_2_2_ARPPacketQueue(t *testing.T) {
	b, eth := etherHost(t)
	b.post(0, "192.0.2.9")
	b.output(0)
	dialects[0].answer(b, 0, eth, macOf(9), true)
	if s := b.one(0); s.ip.Dst != addr("192.0.2.9") {
		t.Errorf("sends to %v", s.ip.Dst)
	}
}

// RFC 8200 §4.1: a hop-by-hop header anywhere but directly after the IPv6 header is
// an unrecognized next header.
func TestRFC8200_4_1_HopByHopComesFirst(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	headers := append(extension(wire.ProtoHopByHop, 1, 4, 0, 0, 0, 0), extension(wire.ProtoUDP, 1, 4, 0, 0, 0, 0)...)
	b.want(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoDestOptions, headers, wire.ProtoUDP, udp(1, 2, "x")), Drop, BadOption)
	if s := b.one(0); s.body[0] != wire.ICMPv6ParamProblem || s.body[1] != wire.ICMPv6UnknownHeader || s.body[7] != 40 {
		t.Errorf("says %x", s.body[:8])
	}
}

// RFC 8200 §4.4: a routing header of an unknown type is ignored if no segments are
// left, and otherwise refused.
func TestRFC8200_4_4_UnknownRouting(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for left, want := range map[byte]Kind{0: Deliver, 1: Drop} {
		header := extension(wire.ProtoUDP, 99, left, 0, 0, 0, 0)
		v := b.arrive(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoRouting, header, wire.ProtoUDP, udp(1, 2, "x")))
		if all := b.output(0); v.Kind != want || len(all) != int(left) {
			t.Errorf("%d segments left: %v (%v), says %d", left, v.Kind, v.Reason, len(all))
		}
	}
}

// RFC 8200 §4.7: "The value 59 in the Next Header field indicates that there is
// nothing following that header"; what follows is ignored.
func TestRFC8200_4_7_NoNextHeader(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	b.want(0, eth0, packet(between("2001:db8:9::9", "2001:db8:1::5", wire.ProtoNone), []byte("ignored")), Answer, NotDropped)
	b.none(0)
}

// RFC 8200 §4: an unrecognized next header is answered, with a pointer to it.
func TestRFC8200_4_UnrecognizedNextHeader(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	header := extension(testProto, 1, 4, 0, 0, 0, 0)
	v := b.want(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoDestOptions, header, testProto, []byte("x")), Deliver, NotDropped)
	b.Unreachable(0, &v.Datagram, ProtoUnreachable)
	if s := b.one(0); s.body[0] != wire.ICMPv6ParamProblem || s.body[1] != wire.ICMPv6UnknownHeader || s.body[7] != 40 {
		t.Errorf("says %x", s.body[:8])
	}
}

// RFC 4861 §6.1.2, §7.1.1, §7.1.2, §8.1: what breaks the rules is discarded, and
// changes nothing. TestThreat_T62_InvalidND has every rule; here is one of each.
func TestRFC4861_6_1_2_RouterAdvertisements(t *testing.T) {
	ra := wire.RouterAdvert{Lifetime: time.Hour}
	invalidND(t, nd("2001:db8:1::8", "ff02::1", 255, ra, ra.Size(), wire.PutRouterAdvert))
	invalidND(t, nd("fe80::8", "ff02::1", 254, ra, ra.Size(), wire.PutRouterAdvert))
}

func TestRFC4861_7_1_1_Solicitations(t *testing.T) {
	invalidND(t, solicitation("2001:db8:1::8", "2001:db8:1::5", "ff02::1", nil))
	invalidND(t, solicitation("::", "ff02::1", "2001:db8:1::5", nil))
}

func TestRFC4861_7_1_2_Advertisements(t *testing.T) {
	invalidND(t, advertisement("2001:db8:1::9", "ff02::1", "2001:db8:1::9", true, true, macOf(8)))
	invalidND(t, advertisement("2001:db8:1::9", "2001:db8:1::5", "ff02::9", true, true, macOf(8)))
}

func TestRFC4861_8_1_Redirects(t *testing.T) {
	rd := wire.Redirect{Target: addr("fe80::8"), Destination: addr("2001:db8:77::1")}
	invalidND(t, nd("2001:db8:1::99", "2001:db8:1::5", 255, rd, rd.Size(), wire.PutRedirect))
	invalidND(t, nd("fe80::99", "2001:db8:1::5", 64, rd, rd.Size(), wire.PutRedirect))
}

func invalidND(t *testing.T, octets []byte) {
	t.Helper()
	b, eth := etherHost(t)
	b.ok(b.Autoconfigure(0, eth, Autoconf{}))
	b.output(0)
	b.want(0, eth, octets, Drop, NeighbourInvalid)
	b.none(0)
	if n := len(b.Neighbours(0)); n != 0 {
		t.Errorf("%d neighbours are known", n)
	}
}

// RFC 4861 §7.2.4: who tests an address that is ours is told so, with all others.
func TestRFC4861_7_2_4_AnswersToAll(t *testing.T) {
	b, eth := etherHost(t)
	b.want(0, eth, solicitation("::", "ff02::1:ff00:5", "2001:db8:1::5", nil), Answer, NotDropped)
	s := b.one(0)
	var m wire.ICMP
	var na wire.NeighborAdvert
	o := wire.Plain(s.body)
	wire.ParseICMP(&o, &m)
	if f := wire.ParseNeighborAdvert(&m, &na); f != wire.OK || na.Solicited || !na.Override || s.ip.Dst != addr("ff02::1") || s.MAC != (wire.MAC{0x33, 0x33, 0, 0, 0, 1}) {
		t.Errorf("%v: says %+v to %v", f, na, s.ip.Dst)
	}
}

// RFC 4861 §7.3.1: an upper layer that makes progress confirms the neighbour, so
// that it need not be asked.
func TestRFC4861_7_3_1_TransportConfirms(t *testing.T) {
	b, eth := etherHost(t)
	now := 10 * second
	b.post(now, "2001:db8:1::9")
	dialects[1].answer(b, now, eth, macOf(9), true)
	path, err := b.Route(now, addr("2001:db8:1::9"), netip.Addr{}, 0)
	b.ok(err)
	b.output(now)
	for range 100 {
		now += 10 * second
		b.Expire(now)
		b.Confirm(now, &path)
	}
	b.wantState("confirmed for a thousand seconds", eth, "2001:db8:1::9", "REACHABLE 02:00:00:00:00:09")
	b.none(now)
}

// RFC 4861 §6.3.4: MTU, timers and hop limit are taken from an advertisement, within bounds.
func TestRFC4861_6_3_4_Parameters(t *testing.T) {
	for _, c := range []struct {
		mtu       uint32
		hops      uint8
		wantMTU   int
		wantLimit uint8
	}{{1400, 100, 1400, 100}, {1279, 63, 1500, 0}, {1501, 0, 1500, 0}, {1280, 64, 1280, 64}, {1 << 31, 255, 1500, 255}} {
		b, eth := etherHost(t)
		b.ok(b.Autoconfigure(0, eth, Autoconf{}))
		ra := wire.RouterAdvert{HopLimit: c.hops, Options: wire.NDOptions(nil).AppendMTU(c.mtu)}
		b.want(0, eth, nd("fe80::99", "ff02::1", 255, ra, ra.Size(), wire.PutRouterAdvert), Answer, NotDropped)
		p, err := b.Route(0, addr("2001:db8:77::1"), netip.Addr{}, 0)
		if err != nil || p.MTU != c.wantMTU || p.HopLimit != c.wantLimit {
			t.Errorf("told %d and %d: MTU %d, hop limit %d, %v", c.mtu, c.hops, p.MTU, p.HopLimit, err)
		}
		if p, err = b.Route(0, addr("8.8.8.8"), netip.Addr{}, 0); err != nil || p.MTU != 1500 {
			t.Errorf("told %d: IPv4 has MTU %d, %v", c.mtu, p.MTU, err)
		}
	}
}

// RFC 4861 §8.3: a redirect is believed if it comes from the router that was used.
func TestRFC4861_8_3_Redirected(t *testing.T) {
	b, eth := etherHost(t)
	b.ok(b.Autoconfigure(0, eth, Autoconf{}))
	rd := wire.Redirect{Target: addr("fe80::8"), Destination: addr("2001:db8:77::1"), Options: wire.NDOptions(nil).AppendTargetMAC(macOf(8))}
	b.output(0)
	b.want(0, eth, nd("fe80::99", "2001:db8:1::5", 255, rd, rd.Size(), wire.PutRedirect), Answer, NotDropped)
	b.post(0, "2001:db8:77::1")
	if s := b.one(0); s.MAC != macOf(8) {
		t.Errorf("sends to %v", s.MAC)
	}
}
