package ip

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// event takes the next event, which must be of this kind and about this address.
func (b *bench) event(kind EventKind, a string) Event {
	b.t.Helper()
	e, ok := b.Event()
	if !ok || e.Kind != kind || a != "" && e.Addr != addr(a) {
		b.t.Errorf("event %v about %v, want %v about %v", e.Kind, e.Addr, kind, a)
	}
	return e
}

func (b *bench) noEvent() {
	b.t.Helper()
	if e, ok := b.Event(); ok {
		b.t.Errorf("event %v about %v", e.Kind, e.Addr)
	}
}

// run lets time pass and returns what is sent, with when, but for reports of groups.
func (b *bench) run(now *mono.Time, until mono.Time) (all []sent, at []mono.Time) {
	b.t.Helper()
	everything, when := b.runAll(now, until)
	for k, s := range everything {
		if !isReport(&s) {
			all, at = append(all, s), append(at, when[k])
		}
	}
	return all, at
}

// isReport reports whether a packet tells of groups.
func isReport(s *sent) bool {
	switch {
	case s.Ether == wire.EtherARP:
		return false
	case s.ip.Proto == wire.ProtoICMPv6:
		return s.body[0] == wire.ICMPv6MLDv2Report || s.body[0] == wire.ICMPv6MLDv1Report || s.body[0] == wire.ICMPv6MLDv1Done
	}
	return s.ip.Proto == wire.ProtoIGMP
}

// runAll lets time pass and returns what is sent, with when.
func (b *bench) runAll(now *mono.Time, until mono.Time) (all []sent, at []mono.Time) {
	b.t.Helper()
	for _, s := range b.output(*now) {
		all, at = append(all, s), append(at, *now)
	}
	for d := b.Deadline(); d <= until; d = b.Deadline() {
		if d < *now {
			b.t.Fatalf("the deadline %v is before now, %v", d, *now)
		}
		*now = d
		b.Expire(d)
		if b.Deadline() <= d {
			b.t.Fatalf("the deadline %v does not move on", d)
		}
		for _, s := range b.output(d) {
			all, at = append(all, s), append(at, d)
		}
	}
	*now = until
	return all, at
}

// RFC 5227 §2.1.1, §2.3: three probes a second or two apart, two seconds of
// waiting, two announcements; then the address is in use.
func TestRFC5227_Probing(t *testing.T) {
	b := newBench(t, Config{})
	eth := b.ether(1)
	var now mono.Time
	b.ok(b.AddAddress(0, eth, Address{Prefix: prefix("192.0.2.5/24"), State: Tentative}))
	if _, ok := b.Tables().Local(addr("192.0.2.5")); ok {
		t.Error("a tentative address is used")
	}
	b.want(0, eth, packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x")), Drop, NotUsable)
	all, at := b.run(&now, 60*second)
	if len(all) != probeNum+announceNum {
		t.Fatalf("%d packets", len(all))
	}
	for k, s := range all {
		var a wire.ARP
		o := wire.Plain(s.octets)
		wire.ParseARP(&o, &a)
		want := wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(1), Sender: addr("0.0.0.0"), Target: addr("192.0.2.5")}
		if k >= probeNum {
			want.Sender = want.Target
		}
		if a != want || s.MAC != wire.BroadcastMAC() {
			t.Errorf("packet %d to %v: %+v", k, s.MAC, a)
		}
		var least, most time.Duration
		var since mono.Time
		switch {
		case k == 0:
			most = probeWait
		case k < probeNum:
			least, most, since = probeMin, probeMax, at[k-1]
		default:
			least, most, since = announceWait, announceWait, at[k-1]
		}
		if d := at[k].Sub(since); d < least || d > most {
			t.Errorf("packet %d after %v, want %v to %v", k, d, least, most)
		}
	}
	b.event(AddressReady, "192.0.2.5")
	if id, ok := b.Tables().Local(addr("192.0.2.5")); !ok || id != eth {
		t.Error("the address is not used after the test")
	}
	if b.Deadline() != mono.Never {
		t.Errorf("deadline %v", b.Deadline())
	}
}

// An address that is given as good is announced, so that neighbours learn where it is now.
func TestRFC5227_Announcing(t *testing.T) {
	b := newBench(t, Config{})
	eth := b.ether(1)
	var now mono.Time
	b.ok(b.AddAddress(0, eth, Address{Prefix: prefix("192.0.2.5/24")}))
	if _, ok := b.Tables().Local(addr("192.0.2.5")); !ok {
		t.Error("the address is not used at once")
	}
	if all, _ := b.run(&now, 60*second); len(all) != announceNum {
		t.Errorf("%d announcements", len(all))
	}
	b.noEvent()
}

// RFC 5227 §2.1.1: what means that somebody else has the address, or wants it.
func TestRFC5227_Conflicts(t *testing.T) {
	const us = "192.0.2.5"
	for _, c := range []struct {
		name  string
		arp   wire.ARP
		taken bool
	}{
		{"somebody answers", wire.ARP{Op: wire.ARPReply, SenderMAC: macOf(9), Sender: addr(us), TargetMAC: macOf(1), Target: addr("0.0.0.0")}, true},
		{"somebody announces it", wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr(us), Target: addr(us)}, true},
		{"somebody uses it", wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr(us), Target: addr("192.0.2.1")}, true},
		{"somebody probes it", wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr("0.0.0.0"), Target: addr(us)}, true},
		{"our own probe comes back", wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(1), Sender: addr("0.0.0.0"), Target: addr(us)}, false},
		{"somebody asks for it", wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr("192.0.2.9"), Target: addr(us)}, false},
		{"somebody probes another", wire.ARP{Op: wire.ARPRequest, SenderMAC: macOf(9), Sender: addr("0.0.0.0"), Target: addr("192.0.2.6")}, false},
	} {
		b := newBench(t, Config{})
		eth := b.ether(1)
		var now mono.Time
		b.ok(b.AddAddress(0, eth, Address{Prefix: prefix(us + "/24"), State: Tentative}))
		b.run(&now, 2*second)
		b.arp(now, eth, Broadcast, c.arp)
		b.none(now)
		b.run(&now, 60*second)
		if c.taken {
			if e := b.event(AddressTaken, us); e.MAC != macOf(9) {
				t.Errorf("%s: by %v", c.name, e.MAC)
			}
		} else {
			b.event(AddressReady, us)
		}
		if _, ok := b.Tables().Local(addr(us)); ok == c.taken {
			t.Errorf("%s: used %v", c.name, ok)
		}
		b.noEvent()
	}
}

// RFC 4862 §5.4: one solicitation from nowhere, a second of waiting, and the
// address is ours.
func TestRFC4862_DuplicateDetection(t *testing.T) {
	b := newBench(t, Config{})
	eth := b.ether(1)
	var now mono.Time
	b.ok(b.AddAddress(0, eth, Address{Prefix: prefix("2001:db8:1::5/64"), State: Tentative}))
	all, at := b.run(&now, 60*second)
	if len(all) != 1 || at[0] > second {
		t.Fatalf("%d solicitations, at %v", len(all), at)
	}
	s := all[0]
	var m wire.ICMP
	var ns wire.NeighborSolicit
	o := wire.Plain(s.body)
	wire.ParseICMP(&o, &m)
	wire.ParseNeighborSolicit(&m, &ns)
	if !s.ip.Src.IsUnspecified() || s.ip.Dst != addr("ff02::1:ff00:5") || s.ip.TTL != 255 || ns.Target != addr("2001:db8:1::5") {
		t.Errorf("from %v to %v: %+v", s.ip.Src, s.ip.Dst, ns)
	}
	// RFC 7527 §4.1: "the sending node MUST include a Nonce"; RFC 4861 §4.3: no source address option.
	if _, says := ns.Options.SourceMAC(); says || len(ns.Options.Nonce()) != 6 {
		t.Errorf("options %x", []byte(ns.Options))
	}
	b.event(AddressReady, "2001:db8:1::5")
	if _, ok := b.Tables().Local(addr("2001:db8:1::5")); !ok {
		t.Error("the address is not used after the test")
	}
}

func TestRFC4862_Conflicts(t *testing.T) {
	const us, group = "2001:db8:1::5", "ff02::1:ff00:5"
	nonce := wire.NDOptions(nil).AppendNonce([]byte("other!"))
	for _, c := range []struct {
		name   string
		octets func(own []byte) []byte
		taken  bool
	}{
		{"somebody advertises it", func([]byte) []byte { return advertisement(us, "ff02::1", us, false, true, macOf(9)) }, true},
		{"somebody tests it", func([]byte) []byte { return solicitation("::", group, us, nil) }, true},
		{"somebody tests it with a nonce", func([]byte) []byte { return solicitation("::", group, us, nonce) }, true},
		{"our own test comes back", func(own []byte) []byte { return own }, false},
		{"somebody asks for it", func([]byte) []byte { return solicitation("2001:db8:1::9", group, us, nil) }, false},
		{"somebody tests another", func([]byte) []byte { return solicitation("::", group, "2001:db8:1::1:5", nil) }, false},
	} {
		b := newBench(t, Config{})
		eth := b.ether(1)
		var now mono.Time
		b.ok(b.AddAddress(0, eth, Address{Prefix: prefix(us + "/64"), State: Tentative}))
		all, _ := b.run(&now, second)
		b.frame(now, eth, macOf(9), Multicasting, c.octets(all[0].octets))
		b.none(now)
		b.run(&now, 60*second)
		if c.taken {
			if e := b.event(AddressTaken, us); e.MAC != macOf(9) {
				t.Errorf("%s: by %v", c.name, e.MAC)
			}
		} else {
			b.event(AddressReady, us)
		}
		if _, ok := b.Tables().Local(addr(us)); ok == c.taken {
			t.Errorf("%s: used %v", c.name, ok)
		}
	}
}

// Two hosts that are given one address: the one that has it keeps it, and says so.
func TestOneAddressForTwo(t *testing.T) {
	for _, p := range []string{"192.0.2.5/24", "2001:db8:1::5/64"} {
		us, eth := etherHost(t)
		other := newBench(t, Config{Key: [16]byte{2}})
		id := other.ether(2)
		other.ok(other.AddAddress(0, id, Address{Prefix: prefix(p), State: Tentative}))
		for now := mono.Time(0); now < 10*second; {
			now = other.Deadline()
			if now == mono.Never {
				break
			}
			other.Expire(now)
			for _, s := range other.output(now) {
				relay(us, now, eth, macOf(2), s)
			}
			for _, s := range us.output(now) {
				relay(other, now, id, macOf(1), s)
			}
		}
		if e := other.event(AddressTaken, prefix(p).Addr().String()); e.MAC != macOf(1) {
			t.Errorf("%s: taken by %v", p, e.MAC)
		}
		us.noEvent()
	}
}

// relay hands a frame that one host sent to another.
func relay(to *bench, now mono.Time, in ID, from wire.MAC, s sent) {
	p := Packet{Octets: wire.Plain(s.octets), Interface: in, MAC: from, Ether: s.Ether}
	switch {
	case s.MAC == wire.BroadcastMAC():
		p.Link = Broadcast
	case s.MAC.IsMulticast():
		p.Link = Multicasting
	}
	var v Verdict
	to.Arrive(now, &p, &v)
}
