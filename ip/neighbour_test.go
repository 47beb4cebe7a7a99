package ip

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

const second = mono.Time(time.Second)

// macOf returns the Ethernet address of the n-th host of a test.
func macOf(n byte) wire.MAC { return wire.MAC{2, 0, 0, 0, 0, n} }

// etherHost is a host on an Ethernet with 192.0.2.5/24, 2001:db8:1::5/64 and
// fe80::5/64, whose announcements are over.
func etherHost(t testing.TB) (b *bench, eth ID) {
	b = newBench(t, Config{Key: [16]byte{1}})
	b.iface("lo", 65535, Loopback)
	eth = b.ether(1)
	for _, p := range []string{"192.0.2.5/24", "2001:db8:1::5/64", "fe80::5/64"} {
		b.ok(b.AddAddress(0, eth, Address{Prefix: prefix(p)}))
	}
	b.route("::/0", eth, "fe80::99")
	b.route("0.0.0.0/0", eth, "192.0.2.1")
	b.Expire(0)
	b.Expire(2 * second)
	b.output(0)
	return b, eth
}

// ether adds an Ethernet interface with the n-th address.
func (b *bench) ether(n byte) ID {
	b.t.Helper()
	id, err := b.AddInterface(0, Interface{Name: "eth0", MTU: 1500, Flags: Up | Multicast | Ethernet, MAC: macOf(n)})
	b.ok(err)
	return id
}

// frame hands in a packet in a frame from a MAC and returns the verdict.
func (b *bench) frame(now mono.Time, in ID, from wire.MAC, link Cast, octets []byte) Verdict {
	b.t.Helper()
	var v Verdict
	p := Packet{Octets: wire.Octets{Data: chunk.Copy(octets)}, Interface: in, MAC: from, Link: link}
	b.Arrive(now, &p, &v)
	p.Data.Release()
	return v
}

// arp hands in an ARP packet.
func (b *bench) arp(now mono.Time, in ID, link Cast, a wire.ARP) Verdict {
	b.t.Helper()
	var v Verdict
	o := make([]byte, wire.ARPLen)
	wire.PutARP(o, &a)
	p := Packet{Octets: wire.Plain(o), Interface: in, Ether: wire.EtherARP, MAC: a.SenderMAC, Link: link}
	b.Arrive(now, &p, &v)
	return v
}

// nd makes the packet of a neighbour discovery message that put writes.
func nd[M any](src, dst string, hops uint8, m M, size int, put func([]byte, *M)) []byte {
	body := make([]byte, size)
	put(body, &m)
	h := between(src, dst, wire.ProtoICMPv6)
	h.TTL = hops
	h.Seal(body[:8], body[8:])
	return packet(h, body)
}

func solicitation(src, dst, target string, o wire.NDOptions) []byte {
	m := wire.NeighborSolicit{Target: addr(target), Options: o}
	return nd(src, dst, 255, m, m.Size(), wire.PutNeighborSolicit)
}

func advertisement(src, dst, target string, solicited, override bool, mac wire.MAC) []byte {
	m := wire.NeighborAdvert{Target: addr(target), Solicited: solicited, Override: override}
	if mac != (wire.MAC{}) {
		m.Options = m.Options.AppendTargetMAC(mac)
	}
	return nd(src, dst, 255, m, m.Size(), wire.PutNeighborAdvert)
}

// A dialect is how a host asks for a neighbour and is answered.
type dialect struct {
	name, us, peer, far, router string
	ask                         func(b *bench, s sent, target string, probe bool) // checks a question
	answer                      func(b *bench, now mono.Time, eth ID, mac wire.MAC, solicited bool)
}

var dialects = []dialect{
	{
		name: "ARP", us: "192.0.2.5", peer: "192.0.2.9", far: "8.8.8.8", router: "192.0.2.1",
		ask: func(b *bench, s sent, target string, probe bool) {
			b.t.Helper()
			var a wire.ARP
			o := wire.Plain(s.octets)
			if s.Ether != wire.EtherARP || wire.ParseARP(&o, &a) != wire.OK {
				b.t.Fatalf("asks with %x", s.octets)
			}
			to := wire.BroadcastMAC()
			if probe {
				to = macOf(9)
			}
			if want := (wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(1), Sender: addr("192.0.2.5"), Target: addr(target)}); a != want || s.MAC != to {
				b.t.Errorf("asks %v with %+v", s.MAC, a)
			}
		},
		answer: func(b *bench, now mono.Time, eth ID, mac wire.MAC, solicited bool) {
			b.t.Helper()
			a := wire.ARP{Op: wire.ARPReply, SenderMAC: mac, Sender: addr("192.0.2.9"), TargetMAC: macOf(1), Target: addr("192.0.2.5")}
			if !solicited { // gratuitous
				a.Op, a.Target, a.TargetMAC = wire.ARPRequest, a.Sender, wire.MAC{}
			}
			b.arp(now, eth, Unicast, a)
		},
	},
	{
		name: "NDP", us: "2001:db8:1::5", peer: "2001:db8:1::9", far: "2001:db8:77::1", router: "fe80::99",
		ask: func(b *bench, s sent, target string, probe bool) {
			b.t.Helper()
			var m wire.ICMP
			var ns wire.NeighborSolicit
			o := wire.Plain(s.body)
			wire.ParseICMP(&o, &m)
			if wire.ParseNeighborSolicit(&m, &ns) != wire.OK {
				b.t.Fatalf("asks with %x", s.octets)
			}
			dst, to := solicitedNode(addr(target)), wire.MAC{0x33, 0x33, 0xff, addr(target).As16()[13], addr(target).As16()[14], addr(target).As16()[15]}
			if probe {
				dst, to = addr(target), macOf(9)
			}
			mac, _ := ns.Options.SourceMAC()
			if ns.Target != addr(target) || s.ip.Dst != dst || s.MAC != to || mac != macOf(1) || s.ip.TTL != 255 {
				b.t.Errorf("asks %v in a frame for %v: %+v", s.ip.Dst, s.MAC, ns)
			}
		},
		answer: func(b *bench, now mono.Time, eth ID, mac wire.MAC, solicited bool) {
			b.t.Helper()
			dst := "2001:db8:1::5"
			if !solicited {
				dst = "ff02::1"
			}
			b.want(now, eth, advertisement("2001:db8:1::9", dst, "2001:db8:1::9", solicited, true, mac), Answer, NotDropped)
		},
	},
}

// state returns the state of a neighbour as ip-neighbour(8) would.
func (b *bench) state(eth ID, a string) string {
	b.t.Helper()
	for _, e := range b.Neighbours(eth) {
		if e.Addr == addr(a) {
			return e.State.String() + " " + e.MAC.String()
		}
	}
	return "none"
}

func (b *bench) wantState(when string, eth ID, a, want string) {
	b.t.Helper()
	if got := b.state(eth, a); got != want {
		b.t.Errorf("%s: %s is %s, want %s", when, a, got, want)
	}
}

// post sends a datagram to a destination.
func (b *bench) post(now mono.Time, dst string) {
	b.t.Helper()
	o := b.datagram(dst, []byte("hello"))
	o.DF = true
	b.ok(b.Send(now, o))
}

// RFC 4861 §7.3: the life of an entry, in both dialects.
func TestRFC4861_7_3_3_NeighbourLife(t *testing.T) {
	for _, d := range dialects {
		b, eth := etherHost(t)
		const mac9 = "02:00:00:00:00:09"
		now := 10 * second
		at := func(later time.Duration) { now = now.Add(later); b.Expire(now) }

		// §7.2.2: "While waiting for address resolution to complete, the sender MUST,
		// for each neighbor, retain a small queue of packets."
		b.post(now, d.peer)
		d.ask(b, b.one(now), d.peer, false)
		b.wantState("asked", eth, d.peer, "INCOMPLETE 00:00:00:00:00:00")
		b.post(now, d.peer)
		b.none(now)

		// "retransmit Neighbor Solicitation messages approximately every RetransTimer"
		at(time.Second)
		d.ask(b, b.one(now), d.peer, false)

		// §7.2.5: with a solicited answer the entry is REACHABLE, and the packets leave.
		d.answer(b, now, eth, macOf(9), true)
		b.wantState("answered", eth, d.peer, "REACHABLE "+mac9)
		all := b.output(now)
		if len(all) != 2 || all[0].MAC != macOf(9) || all[1].ip.Dst != addr(d.peer) {
			t.Errorf("%s: %d packets leave", d.name, len(all))
		}
		b.post(now, d.peer)
		if s := b.one(now); s.MAC != macOf(9) {
			t.Errorf("%s: to %v", d.name, s.MAC)
		}

		// §7.3.3: after ReachableTime it is STALE; nothing is sent for that.
		at(b.links[eth].reachable)
		b.wantState("idle", eth, d.peer, "STALE "+mac9)
		b.none(now)
		if b.Deadline() != mono.Never {
			t.Errorf("%s: a stale entry has a deadline", d.name)
		}

		// "The first time a node sends a packet to a neighbor whose entry is STALE, the
		// sender changes the state to DELAY"
		b.post(now, d.peer)
		if s := b.one(now); s.MAC != macOf(9) {
			t.Errorf("%s: to %v", d.name, s.MAC)
		}
		b.wantState("used", eth, d.peer, "DELAY "+mac9)

		// "If the entry is still in the DELAY state when the timer expires, the entry's
		// state changes to PROBE": it is asked itself.
		at(5 * time.Second)
		b.wantState("in doubt", eth, d.peer, "PROBE "+mac9)
		d.ask(b, b.one(now), d.peer, true)
		d.answer(b, now, eth, macOf(9), true)
		b.wantState("confirmed", eth, d.peer, "REACHABLE "+mac9)

		// §7.3.1: a transport may confirm it as well.
		at(b.links[eth].reachable)
		b.post(now, d.peer)
		path, err := b.Route(now, addr(d.peer), netip.Addr{}, 0)
		b.ok(err)
		b.Confirm(now, &path)
		b.wantState("confirmed from above", eth, d.peer, "REACHABLE "+mac9)
		b.output(now)

		// Without an answer to three probes it is gone, and who keeps its address asks again.
		at(b.links[eth].reachable)
		b.post(now, d.peer)
		b.output(now)
		gen := b.Tables().Generation()
		at(5 * time.Second)
		for range 2 {
			at(time.Second)
		}
		if n := len(b.output(now)); n != 3 {
			t.Errorf("%s: %d probes", d.name, n)
		}
		at(time.Second)
		b.wantState("silent", eth, d.peer, "none")
		if b.Tables().Generation() == gen {
			t.Errorf("%s: the generation stays when a neighbour is lost", d.name)
		}
		b.none(now)
	}
}

// RFC 4861 §7.2.2, RFC 1122 §2.3.2.2: if nobody answers, who sent the packets is
// told, also if that was ourselves.
func TestRFC4861_7_2_2_NobodyAnswers(t *testing.T) {
	for _, d := range dialects {
		b, eth := etherHost(t)
		for range 5 {
			b.post(0, d.peer)
		}
		if got := b.Neighbours(eth)[0].Waiting; got != maxWaiting || b.Drops()[NeighbourLimit] != 2 {
			t.Errorf("%s: %d packets wait, %d were dropped", d.name, got, b.Drops()[NeighbourLimit])
		}
		for now := second; now <= 3*second; now += second {
			b.Expire(now)
		}
		b.wantState("silent", eth, d.peer, "none")
		all := b.output(3 * second)
		if len(all) != 3+maxWaiting {
			t.Fatalf("%s: sends %d packets, want three questions and an answer for each packet", d.name, len(all))
		}
		for _, s := range all[3:] { // through the loopback, to ourselves
			v := b.arrive(3*second, s.Interface, s.octets)
			if v.Kind != Inform || v.Notice.Kind != HostUnreachable || v.Notice.Dst != addr(d.peer) || v.Notice.DstPort != 2 || !v.Notice.Own {
				t.Errorf("%s: %v (%v) %+v", d.name, v.Kind, v.Reason, v.Notice)
			}
		}
		if b.Drops()[NeighbourUnknown] != maxWaiting {
			t.Errorf("%s: %d dropped", d.name, b.Drops()[NeighbourUnknown])
		}
	}
}

// RFC 4861 §7.2.5: what an advertisement changes, by its flags and the state.
func TestRFC4861_7_2_5_Advertisements(t *testing.T) {
	const a, o = "02:00:00:00:00:09", "02:00:00:00:00:0a"
	for _, c := range []struct {
		name                string
		state               NeighbourState
		solicited, override bool
		mac                 wire.MAC
		want                string
	}{
		{"unsolicited for one that was asked for", Incomplete, false, false, macOf(9), "DELAY " + a},
		{"without an address for one that was asked for", Incomplete, true, true, wire.MAC{}, "INCOMPLETE 00:00:00:00:00:00"},
		{"solicited, the same", Stale, true, false, macOf(9), "REACHABLE " + a},
		{"solicited, without an address", Stale, true, false, wire.MAC{}, "REACHABLE " + a},
		{"unsolicited, the same", Reachable, false, true, macOf(9), "REACHABLE " + a},
		{"no override, another", Reachable, true, false, macOf(10), "STALE " + a},
		{"no override, another, when stale", Stale, true, false, macOf(10), "STALE " + a},
		{"override, another, solicited", Reachable, true, true, macOf(10), "REACHABLE " + o},
		{"override, another", Reachable, false, true, macOf(10), "STALE " + o},
		{"override, another, when stale", Stale, false, true, macOf(10), "STALE " + o},
	} {
		b, eth := etherHost(t)
		d := dialects[1]
		now := 10 * second
		b.post(now, d.peer)
		if c.state != Incomplete {
			d.answer(b, now, eth, macOf(9), true)
			now += 2 * second
		}
		if c.state == Stale {
			now = now.Add(b.links[eth].reachable)
			b.Expire(now)
		}
		b.want(now, eth, advertisement(d.peer, d.us, d.peer, c.solicited, c.override, c.mac), Answer, NotDropped)
		b.wantState(c.name, eth, d.peer, c.want)
	}
}

// RFC 4861 §7.2.3, RFC 826: who asks us is answered, and known from then on.
func TestRFC4861_7_2_3_WhoAsksBecomesKnown(t *testing.T) {
	b, eth := etherHost(t)
	b.arp(0, eth, Broadcast, wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr("192.0.2.9"), Target: addr("192.0.2.5")})
	s := b.one(0)
	var a wire.ARP
	o := wire.Plain(s.octets)
	wire.ParseARP(&o, &a)
	if want := (wire.ARP{Op: wire.ARPReply, SenderMAC: macOf(1), Sender: addr("192.0.2.5"), TargetMAC: macOf(9), Target: addr("192.0.2.9")}); a != want || s.MAC != macOf(9) {
		t.Errorf("answers %+v in a frame for %v", a, s.MAC)
	}
	b.wantState("asked us", eth, "192.0.2.9", "STALE 02:00:00:00:00:09")

	ns := solicitation("2001:db8:1::9", "ff02::1:ff00:5", "2001:db8:1::5", wire.NDOptions(nil).AppendSourceMAC(macOf(9)))
	b.want(0, eth, ns, Answer, NotDropped)
	s = b.one(0)
	var m wire.ICMP
	var na wire.NeighborAdvert
	o = wire.Plain(s.body)
	wire.ParseICMP(&o, &m)
	if f := wire.ParseNeighborAdvert(&m, &na); f != wire.OK || !na.Solicited || !na.Override || na.Router || na.Target != addr("2001:db8:1::5") {
		t.Errorf("%v: answers %+v", f, na)
	}
	if mac, _ := na.Options.TargetMAC(); mac != macOf(1) || s.MAC != macOf(9) || s.ip.Dst != addr("2001:db8:1::9") || s.ip.TTL != 255 {
		t.Errorf("answers %v in a frame for %v with %v", s.ip.Dst, s.MAC, mac)
	}

	// Nobody is answered about an address that is not ours, or becomes known by asking for it.
	b.arp(0, eth, Broadcast, wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(8), Sender: addr("192.0.2.8"), Target: addr("192.0.2.77")})
	b.want(0, eth, solicitation("2001:db8:1::8", "ff02::1:ff00:5", "2001:db8:1::77:5", wire.NDOptions(nil).AppendSourceMAC(macOf(8))), Answer, NotDropped)
	// Nor is somebody of another network taken for a neighbour.
	b.arp(0, eth, Broadcast, wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(8), Sender: addr("198.51.100.8"), Target: addr("192.0.2.5")})
	if n := len(b.Neighbours(eth)); n != 2 || len(b.output(0)) != 1 {
		t.Errorf("%d neighbours are known", n)
	}
}

// RFC 1122 §3.3.1.4: a transport that gets no answer has the neighbour asked at once.
func TestRFC1122_3_3_1_4_Doubt(t *testing.T) {
	for _, d := range dialects {
		b, eth := etherHost(t)
		b.post(0, d.peer)
		path, err := b.Route(0, addr(d.peer), netip.Addr{}, 0)
		b.ok(err)
		b.Doubt(0, &path)
		b.wantState("doubted before it is known", eth, d.peer, "INCOMPLETE 00:00:00:00:00:00")
		d.answer(b, 0, eth, macOf(9), true)
		b.output(0)
		b.Doubt(0, &path)
		b.wantState("doubted", eth, d.peer, "PROBE 02:00:00:00:00:09")
		d.ask(b, b.one(0), d.peer, true)
		d.answer(b, 0, eth, macOf(9), true)
		b.wantState("there", eth, d.peer, "REACHABLE 02:00:00:00:00:09")
	}
}

// RFC 4861 §6.1.1: one who asks for routers is not answered by us, router or not.
func TestRFC4861_6_1_1_RouterSolicitations(t *testing.T) {
	b, eth := etherHost(t)
	rs := wire.RouterSolicit{Options: wire.NDOptions(nil).AppendSourceMAC(macOf(9))}
	b.want(0, eth, nd("fe80::9", "fe80::5", 255, rs, rs.Size(), wire.PutRouterSolicit), Answer, NotDropped)
	rs.Options = wire.NDOptions{1, 0, 0, 0, 0, 0, 0, 0}
	b.want(0, eth, nd("fe80::9", "fe80::5", 255, rs, rs.Size(), wire.PutRouterSolicit), Drop, NeighbourInvalid)
	b.none(0)
}

func TestPermanentNeighbours(t *testing.T) {
	b, eth := etherHost(t)
	for _, d := range dialects {
		b.ok(b.AddNeighbour(0, eth, addr(d.peer), macOf(7)))
		d.answer(b, 10*second, eth, macOf(9), true)
		b.wantState("contradicted", eth, d.peer, "PERMANENT 02:00:00:00:00:07")
		b.post(0, d.peer)
		if s := b.one(0); s.MAC != macOf(7) {
			t.Errorf("to %v", s.MAC)
		}
		b.ok(b.RemoveNeighbour(eth, addr(d.peer)))
		b.wantState("removed", eth, d.peer, "none")
		if err := b.RemoveNeighbour(eth, addr(d.peer)); err != ErrNotFound {
			t.Errorf("removed twice: %v", err)
		}
	}
	if err := b.AddNeighbour(0, eth, addr("192.0.2.9"), wire.BroadcastMAC()); err != ErrInvalid {
		t.Errorf("a group as neighbour: %v", err)
	}
	if err := b.AddNeighbour(0, 1, addr("192.0.2.9"), macOf(3)); err != ErrInvalid {
		t.Errorf("a neighbour on the loopback: %v", err)
	}
}

// Resolve gives a connection the MAC for as long as it may keep it, or keeps the packet.
func TestResolve(t *testing.T) {
	for _, d := range dialects {
		b, eth := etherHost(t)
		path, err := b.Route(0, addr(d.far), netip.Addr{}, 0)
		b.ok(err)
		made := func() *Packet {
			o := packet(between(d.us, d.far, testProto), []byte("a packet with headers and data"))
			k := len(o) - 4
			return &Packet{Octets: wire.Octets{Head: o[:k], Data: chunk.Copy(o[k:])}, Interface: eth}
		}
		p := made()
		want := p.AppendTo(nil)
		if _, ok := b.Resolve(0, &path, p); ok || p.Len() != 0 {
			t.Fatalf("%s: resolved before anybody has answered", d.name)
		}
		d.ask(b, b.one(0), d.router, false)
		b.heed(0, eth, claim{addr: path.NextHop, mac: macOf(9), solicited: true})
		if s := b.one(0); !bytes.Equal(s.octets, want) || s.MAC != macOf(9) {
			t.Errorf("%s: sends %x to %v, want %x", d.name, s.octets, s.MAC, want)
		}
		p = made()
		until, ok := b.Resolve(0, &path, p)
		if !ok || p.MAC != macOf(9) || until != mono.Time(b.links[eth].reachable) {
			t.Errorf("%s: %v until %v", d.name, p.MAC, until)
		}
		if n := testing.AllocsPerRun(100, func() { b.Resolve(0, &path, p) }); n != 0 {
			t.Errorf("%s: %v allocations", d.name, n)
		}
	}
	b := newBench(t, Config{})
	tun := b.iface("tun0", 1400, PointToPoint, "192.0.2.5/24")
	path, err := b.Route(0, addr("192.0.2.9"), netip.Addr{}, 0)
	b.ok(err)
	if until, ok := b.Resolve(0, &path, &Packet{Interface: tun}); !ok || until != mono.Never {
		t.Errorf("on a link without neighbours: %v until %v", ok, until)
	}
}

// What was known is forgotten when the link goes down, and with the interface.
func TestNeighboursGoWithTheLink(t *testing.T) {
	b, eth := etherHost(t)
	for _, d := range dialects {
		b.post(0, d.peer)
	}
	i, _ := b.Tables().Interface(eth)
	i.Flags &^= Up
	b.ok(b.SetInterface(0, i))
	if n := len(b.Neighbours(0)); n != 0 || b.Deadline() != mono.Never {
		t.Errorf("down: %d neighbours, deadline %v", n, b.Deadline())
	}
	b.ok(b.AddNeighbour(0, eth, addr("192.0.2.9"), macOf(9)))
	b.ok(b.RemoveInterface(0, eth))
	if n := len(b.Neighbours(0)); n != 0 || b.Deadline() != mono.Never {
		t.Errorf("removed: %d neighbours, deadline %v", n, b.Deadline())
	}
}

// BenchmarkNeighbour resolves the next hop in tables of growing size.
func BenchmarkNeighbour(b *testing.B) {
	for _, size := range []int{10, 4000} {
		b.Run(map[bool]string{true: "4000", false: "10"}[size > 10], func(b *testing.B) {
			n, eth := etherHost(b)
			var paths []Path
			for i := range size {
				a := netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 0, 1, 14: byte(i >> 8), 15: byte(i)})
				n.hear(0, eth, a, macOf(9))
				n.heed(0, eth, claim{addr: a, solicited: true})
				paths = append(paths, Path{Interface: eth, Flags: Ethernet, NextHop: a})
			}
			var p Packet
			for i := 0; b.Loop(); i++ {
				if _, ok := n.Resolve(0, &paths[i*7919%len(paths)], &p); !ok {
					b.Fatal("not known")
				}
			}
		})
	}
}

// heapModel compares the heap with a sorted list.
func FuzzHeap(f *testing.F) {
	f.Add([]byte{1, 5, 2, 3, 1, 9, 3, 0, 2, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		var h heap[int]
		var timers [8]timer[int]
		values := [8]int{}
		for i := range timers {
			timers[i].of, timers[i].at = &values[i], mono.Never
		}
		for ; len(in) >= 2; in = in[2:] {
			at := mono.Time(in[1])
			if in[1] == 255 {
				at = mono.Never
			}
			h.set(&timers[in[0]%8], at)
			if in[0]&0x80 != 0 {
				if v := h.due(mono.Time(in[1])); v != nil {
					i := slices.IndexFunc(timers[:], func(k timer[int]) bool { return k.of == v })
					if timers[i].at > mono.Time(in[1]) || timers[i].place != 0 {
						t.Fatalf("not due: %+v", timers[i])
					}
					timers[i].at = mono.Never
				}
			}
			least, count := mono.Never, 0
			for i := range timers {
				least = min(least, timers[i].at)
				if k := &timers[i]; (k.place > 0) != (k.at != mono.Never) || k.place > 0 && h[k.place-1] != k {
					t.Fatalf("timer %d: %+v", i, *k)
				}
				count += truth(timers[i].place > 0)
			}
			if h.deadline() != least || len(h) != count {
				t.Fatalf("deadline %v of %d, want %v of %d", h.deadline(), len(h), least, count)
			}
		}
	})
}
