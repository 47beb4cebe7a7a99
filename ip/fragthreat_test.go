package ip

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// T-20: ping of death (CVE-1999-0128). A fragment that ends behind octet 65535
// spoils its packet.
func TestThreat_T20_PingOfDeath(t *testing.T) {
	for _, f := range families {
		b, _, eth0, _ := twoHomed(t)
		b.want(0, eth0, piece{0, pattern(8), true}.octets(f.src, f.dst, 1), Hold, NotDropped)
		b.want(0, eth0, piece{65528, pattern(100), false}.octets(f.src, f.dst, 1), Drop, FragmentTooLong)
		if f.name == "IPv6" { // RFC 8200 §4.5: Parameter Problem, code 0, at the fragment offset
			if s := b.one(0); s.body[0] != wire.ICMPv6ParamProblem || s.body[1] != 0 || binary.BigEndian.Uint32(s.body[4:]) != 42 {
				t.Errorf("says %x", s.body[:8])
			}
		}
		b.want(0, eth0, piece{8, pattern(8), false}.octets(f.src, f.dst, 1), Drop, FragmentOverlap)
		b.healthy(0, eth0)
	}
}

// T-21: teardrop, bonk, newtear, syndrop (CVE-1999-0015): fragments that lie inside
// each other, or before where the last one ended.
func TestThreat_T21_Teardrop(t *testing.T) {
	for _, f := range families {
		for name, pieces := range map[string][]piece{
			"teardrop": {{0, pattern(40), true}, {24, pattern(8), false}},
			"newtear":  {{0, pattern(32), true}, {24, pattern(4), false}},
			"bonk":     {{32, pattern(4), false}, {8, pattern(80), true}},
			"syndrop":  {{0, pattern(24), true}, {16, pattern(4), false}},
			"two ends": {{16, pattern(8), false}, {32, pattern(8), false}},
		} {
			b, _, eth0, _ := twoHomed(t)
			b.want(0, eth0, pieces[0].octets(f.src, f.dst, 1), Hold, NotDropped)
			if v := b.arrive(0, eth0, pieces[1].octets(f.src, f.dst, 1)); v.Kind != Drop {
				t.Errorf("%s, %s: %v", name, f.name, v.Kind)
			}
			b.healthy(0, eth0)
		}
	}
}

// T-22: Rose and FragmentSmack (CVE-2018-5391): first and last fragments of packets
// that never become whole, from many sources; and one packet in crumbs.
func TestThreat_T22_FragmentFlood(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	first, last := piece{0, pattern(8), true}.octets("11.0.0.0", "192.0.2.5", 1), piece{65000, pattern(8), false}.octets("11.0.0.0", "192.0.2.5", 1)
	for i := range n {
		for _, p := range [][]byte{first, last} {
			binary.BigEndian.PutUint16(p[4:], uint16(i))
			setSource(p, uint32(i%100_000))
			b.arrive(mono.Time(i), eth0, p)
		}
		if i%5000 == 0 {
			b.bounded()
			b.healthy(mono.Time(i), eth0)
		}
	}
	if b.frags.cost > 4<<20 {
		t.Errorf("%d octets are kept", b.frags.cost)
	}
	// One source cannot have more than its share, whatever it sends.
	for i := range 4000 {
		b.arrive(mono.Time(n), eth0, piece{0, pattern(1400), true}.octets("203.0.113.66", "192.0.2.5", uint32(i)))
	}
	if s := b.frags.sources[addr("203.0.113.66")]; s == nil || s.cost > 256<<10 {
		t.Errorf("one source keeps %+v", s)
	}
	// Crumbs of eight octets cost no more than the packet that they make.
	for i := range 8000 {
		b.arrive(mono.Time(n), eth0, piece{16 * (i % 4000), pattern(8), true}.octets("203.0.113.67", "192.0.2.5", 7))
	}
	if s := b.frags.sources[addr("203.0.113.67")]; s.cost > partialCost+pages*pageCost+100 {
		t.Errorf("crumbs of one packet cost %d octets", s.cost)
	}
	b.healthy(mono.Time(n), eth0)
	b.Expire(mono.Time(n).Add(reassemblyTime6))
	b.output(0)
	b.empty()
}

// T-23: overlapping fragments (RFC 5722, RFC 8200 §4.5): every relation that two
// intervals can have (Allen 1983), alone and with a third, in every order. The
// packet is discarded with what comes later. An exact copy changes nothing.
func TestThreat_T23_Overlap(t *testing.T) {
	whole := pattern(72)
	frag := func(i, j int) piece { return piece{i, whole[i:j], true} }
	second := frag(24, 48)
	for name, first := range map[string]piece{
		"before": frag(0, 16), "meets": frag(0, 24), "overlaps": frag(0, 32), "finished by": frag(0, 48), "contains": frag(16, 56),
		"starts": frag(24, 32), "equals": frag(24, 48), "started by": frag(24, 56), "during": frag(32, 40), "finishes": frag(32, 48),
		"overlapped by": frag(40, 64), "met by": frag(48, 64), "after": frag(56, 64),
	} {
		apart := name == "before" || name == "meets" || name == "met by" || name == "after" || name == "equals"
		for _, f := range families {
			for order := range 6 {
				b, _, eth0, _ := twoHomed(t)
				three := []piece{first, second, {64, whole[64:], false}}
				spoilt := false
				for _, i := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}[order] {
					v := b.arrive(0, eth0, three[i].octets(f.src, f.dst, 1))
					if v.Kind == Deliver {
						t.Errorf("%s, %s, order %d: delivered", name, f.name, order)
					}
					spoilt = spoilt || v.Reason == FragmentOverlap
				}
				if spoilt == apart {
					t.Errorf("%s, %s, order %d: spoilt %v", name, f.name, order, spoilt)
				}
				if apart {
					continue
				}
				// "and any constituent fragments, including those not yet received"
				for i := 0; i < len(whole); i += 8 {
					b.want(0, eth0, piece{i, whole[i : i+8], i+8 < len(whole)}.octets(f.src, f.dst, 1), Drop, FragmentOverlap)
				}
				b.healthy(0, eth0)
			}
		}
	}
}

// T-23: copies of fragments are tolerated, wherever they come, and copies with
// other octets are not.
func TestThreat_T23_Copies(t *testing.T) {
	payload := pattern(100)
	for _, f := range families {
		b, _, eth0, _ := twoHomed(t)
		parts := cut(payload, 32)
		for _, p := range parts[:3] {
			b.want(0, eth0, p.octets(f.src, f.dst, 1), Hold, NotDropped)
			b.want(0, eth0, p.octets(f.src, f.dst, 1), Drop, FragmentCopy)
		}
		v := b.want(0, eth0, parts[3].octets(f.src, f.dst, 1), Deliver, NotDropped)
		if !bytes.Equal(v.Datagram.AppendTo(nil), payload) {
			t.Errorf("%s: copies change the packet", f.name)
		}
		b.want(0, eth0, parts[0].octets(f.src, f.dst, 2), Hold, NotDropped)
		forged := piece{0, bytes.Repeat([]byte{9}, 32), true}
		b.want(0, eth0, forged.octets(f.src, f.dst, 2), Drop, FragmentOverlap)
		b.healthy(0, eth0)
	}
}

// T-24: headers split over fragments (RFC 1858, RFC 3128, RFC 7112).
func TestThreat_T24_TinyFragments(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	tcp := between("203.0.113.9", "192.0.2.5", wire.ProtoTCP)
	tcp.ID = 1
	// RFC 1858 §3.2.1: a first fragment too short for the flags of TCP.
	tcp.Flags = wire.MoreFragments
	b.want(0, eth0, packet(tcp, pattern(8)), Drop, HeaderSplit)
	// RFC 1858 §3.2.2: a fragment with offset one that would overwrite them.
	b.want(0, eth0, packet(tcp, pattern(24)), Hold, NotDropped)
	tcp.Offset = 8
	b.want(0, eth0, packet(tcp, pattern(24)), Drop, HeaderSplit)
	tcp.Offset, tcp.Flags = 24, 0
	b.want(0, eth0, packet(tcp, pattern(24)), Drop, FragmentOverlap)
	b.none(0)

	// RFC 7112 §5: a first fragment of IPv6 without all headers is discarded, with
	// a Parameter Problem of code 3 and pointer 0.
	e := append(make([]byte, 8), extension(wire.ProtoUDP, 1, 4, 0, 0, 0, 0)...)
	wire.PutFragment(e, wire.ProtoDestOptions, 0, true, 1)
	short := withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoFragment, e, wire.ProtoUDP, nil)
	b.want(0, eth0, short, Drop, HeaderSplit)
	if s := b.one(0); s.body[0] != wire.ICMPv6ParamProblem || s.body[1] != wire.ICMPv6HeaderChain || binary.BigEndian.Uint32(s.body[4:]) != 0 {
		t.Errorf("says %x", s.body[:8])
	}
	b.healthy(0, eth0)
}

// T-25: atomic fragments (RFC 6946). They are packets of their own and leave
// alone what waits under the same id; nobody can ask for them (RFC 8021).
func TestThreat_T25_AtomicFragments(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	f := families[1]
	parts := cut(pattern(100), 40)
	b.want(0, eth0, parts[0].octets(f.src, f.dst, 1), Hold, NotDropped)
	v := b.want(0, eth0, piece{0, []byte("atomic"), false}.octets(f.src, f.dst, 1), Deliver, NotDropped)
	if string(v.Datagram.AppendTo(nil)) != "atomic" {
		t.Errorf("delivers %q", v.Datagram.AppendTo(nil))
	}
	b.want(0, eth0, parts[1].octets(f.src, f.dst, 1), Hold, NotDropped)
	v = b.want(0, eth0, parts[2].octets(f.src, f.dst, 1), Deliver, NotDropped)
	if !bytes.Equal(v.Datagram.AppendTo(nil), pattern(100)) {
		t.Error("an atomic fragment changed the packet that waited")
	}

	ours := packet(between(f.dst, f.src, wire.ProtoUDP), udp(7, 9, string(pattern(1400))))
	for _, mtu := range []uint32{0, 68, 1279} { // RFC 8201 §4: to be discarded
		b.want(0, eth0, packet(between(f.src, f.dst, wire.ProtoICMPv6), icmp(wire.ICMPv6PacketTooBig, 0, mtu, ours)), Drop, BadICMP)
	}
	b.LowerMTU(0, addr(f.src), 500)
	path, err := b.Route(0, addr(f.src), addr(f.dst), 0)
	if err != nil || path.MTU != 1280 {
		t.Errorf("Path MTU %d, %v", path.MTU, err)
	}
	b.ok(b.Send(0, &Outgoing{Path: path, Src: path.Source, Dst: addr(f.src), Proto: testProto, Octets: wire.Plain(pattern(1240))}))
	if s := b.one(0); s.ip.Flags&wire.Fragmented != 0 {
		t.Error("sends an atomic fragment")
	}
	b.healthy(0, eth0)
}

// T-26: neighbour discovery in fragments is ignored (RFC 6980 §5), also in one that is whole.
func TestThreat_T26_FragmentedND(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for kind := wire.ICMPv6RouterSolicit; kind <= wire.ICMPv6Redirect; kind++ {
		h := between("fe80::9", "fe80::5", wire.ProtoICMPv6)
		h.TTL = 255
		body := icmp(uint8(kind), 0, 0, make([]byte, 32))
		h.Seal(body[:8], body[8:])
		h.Next, h.Extra = wire.ProtoFragment, make([]byte, 8)
		wire.PutFragment(h.Extra, wire.ProtoICMPv6, 0, false, 1)
		b.want(0, eth0, packet(h, body), Drop, FragmentedND)

		wire.PutFragment(h.Extra, wire.ProtoICMPv6, 0, true, uint32(kind))
		h.Flags, h.Offset = wire.MoreFragments, 0
		b.want(0, eth0, packet(h, body[:24]), Hold, NotDropped)
		wire.PutFragment(h.Extra, wire.ProtoICMPv6, 24, false, uint32(kind))
		h.Flags, h.Offset = 0, 24
		b.want(0, eth0, packet(h, body[24:]), Drop, FragmentedND)
	}
	b.healthy(0, eth0)
}

// T-27: fragments belong together if everything agrees: addresses, protocol, id.
func TestThreat_T27_ReassemblyKey(t *testing.T) {
	payload := pattern(32)
	for _, f := range families {
		other := map[string]string{"IPv4": "203.0.113.10", "IPv6": "2001:db8:9::10"}[f.name]
		b, _, eth0, _ := twoHomed(t)
		b.ok(b.AddAddress(0, eth0, Address{Prefix: prefix("192.0.2.6/24")}))
		b.ok(b.AddAddress(0, eth0, Address{Prefix: prefix("2001:db8:1::6/64")}))
		dst2 := map[string]string{"IPv4": "192.0.2.6", "IPv6": "2001:db8:1::6"}[f.name]
		parts := cut(payload, 16)
		b.want(0, eth0, parts[0].octets(f.src, f.dst, 1), Hold, NotDropped)
		b.want(0, eth0, parts[1].octets(f.src, f.dst, 2), Hold, NotDropped)
		b.want(0, eth0, parts[1].octets(other, f.dst, 1), Hold, NotDropped)
		b.want(0, eth0, parts[1].octets(f.src, dst2, 1), Hold, NotDropped)
		wrong := parts[1].octets(f.src, f.dst, 1)
		if f.name == "IPv6" {
			wrong[40] = byte(testProto) + 1
		} else {
			wrong[9] = byte(testProto) + 1
			resum(wrong)
		}
		b.want(0, eth0, wrong, Hold, NotDropped)
		v := b.want(0, eth0, parts[1].octets(f.src, f.dst, 1), Deliver, NotDropped)
		if !bytes.Equal(v.Datagram.AppendTo(nil), payload) {
			t.Errorf("%s: delivers %x", f.name, v.Datagram.AppendTo(nil))
		}
		b.healthy(0, eth0)
	}
	// The same link-local address on two links is two hosts.
	b, _, eth0, eth1 := twoHomed(t)
	b.ok(b.AddAddress(0, eth1, Address{Prefix: prefix("fe80::5/64")}))
	parts := cut(payload, 16)
	b.want(0, eth0, parts[0].octets("fe80::9", "fe80::5", 1), Hold, NotDropped)
	b.want(0, eth1, parts[1].octets("fe80::9", "fe80::5", 1), Hold, NotDropped)
}

// T-28: ids of fragmented packets (RFC 7739, CVE-2021-45486). None comes again
// before all others have, as long as nobody else shares the counter; and the ids to
// one destination say nothing about those to another.
func TestThreat_T28_FragmentIDs(t *testing.T) {
	n := New(Config{Key: [16]byte{1, 2, 3}})
	src, one, two := addr("192.0.2.5"), addr("203.0.113.9"), addr("203.0.113.10")
	seen := make(map[uint32]int)
	differences := map[uint32]int{}
	const window = 1 << 16
	for i := range 2 * window {
		a := n.ids.next(&n.prf, src, one, wire.ProtoUDP)
		if last, again := seen[a]; again && i-last < window {
			t.Fatalf("id %d comes again after %d packets", a, i-last)
		}
		seen[a] = i
		if i < 10_000 {
			differences[(a-n.ids.next(&n.prf, src, two, wire.ProtoUDP))&0xffff]++
		}
	}
	for d, count := range differences {
		if count > 12 { // 10,000 differences over 65,536 values
			t.Errorf("the ids of two destinations differ by %d in %d of 10,000 cases", d, count)
		}
	}
	v6 := map[uint32]bool{}
	src, one = addr("2001:db8:1::5"), addr("2001:db8:9::9")
	for range 100_000 {
		id := n.ids.next(&n.prf, src, one, wire.ProtoUDP)
		if v6[id] {
			t.Fatalf("IPv6 id %d comes again", id)
		}
		v6[id] = true
	}
	if a, b := New(Config{Key: [16]byte{1}}), New(Config{Key: [16]byte{2}}); a.ids.next(&a.prf, src, one, 17) == b.ids.next(&b.prf, src, one, 17) {
		t.Error("two nodes with different keys begin with the same id")
	}
}

// Fragments of one packet have one id, and the next packet has another.
func TestFragmentsShareTheirID(t *testing.T) {
	for _, f := range families {
		b, _, _, _ := twoHomed(t)
		path, err := b.Route(0, addr(f.src), addr(f.dst), 0)
		b.ok(err)
		ids := map[uint32]int{}
		for range 10 {
			b.ok(b.Send(mono.Time(time.Second), &Outgoing{Path: path, Src: path.Source, Dst: addr(f.src), Proto: testProto, Octets: wire.Plain(pattern(5000))}))
			for _, s := range b.output(0) {
				ids[s.ip.ID]++
			}
		}
		if len(ids) != 10 {
			t.Errorf("%s: ten packets of four fragments use the ids %v", f.name, fmt.Sprint(ids))
		}
	}
}
