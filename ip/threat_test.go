package ip

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// healthy is what must hold after every attack: the caps hold, a bystander is
// served, fragments of somebody innocent become a packet, and nothing is left to say.
func (b *bench) healthy(now mono.Time, in ID) {
	b.t.Helper()
	b.bounded()
	b.output(now)
	if len(b.out.queue) != 0 {
		b.t.Errorf("%d packets still wait for Output", len(b.out.queue))
	}
	v := b.want(now, in, packet(between("198.18.7.7", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "bystander")), Deliver, NotDropped)
	if !bytes.HasSuffix(v.Datagram.AppendTo(nil), []byte("bystander")) {
		b.t.Errorf("a bystander's packet arrives as %x", v.Datagram.AppendTo(nil))
	}
	for _, f := range [...]struct{ src, dst string }{{"198.18.7.7", "192.0.2.5"}, {"2001:db8:7::7", "2001:db8:1::5"}} {
		payload := pattern(3000)
		for i, p := range cut(payload, 1400) {
			v = b.arrive(now, in, p.octets(f.src, f.dst, 4242))
			if i < 2 && v.Kind != Hold {
				b.t.Errorf("an innocent fragment: %v (%v)", v.Kind, v.Reason)
			}
		}
		if v.Kind != Deliver || !bytes.Equal(v.Datagram.AppendTo(nil), payload) {
			b.t.Errorf("innocent fragments from %s: %v (%v)", f.src, v.Kind, v.Reason)
		}
	}
	b.none(now)
}

// T-01: lengths that lie (CVE-2020-11896). No length is believed over the packet.
func TestThreat_T01_LyingLengths(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	good := packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "hello"))
	for total := range 300 {
		p := slices.Clone(good)
		binary.BigEndian.PutUint16(p[2:], uint16(total))
		resum(p)
		v := b.arrive(0, eth0, p)
		switch {
		case total < 20 || total > len(good):
			if v.Kind != Drop || v.Reason != Malformed {
				t.Fatalf("total length %d of %d: %v (%v)", total, len(good), v.Kind, v.Reason)
			}
		case v.Kind != Deliver || v.Datagram.Len() != total-20:
			t.Fatalf("total length %d of %d: %v (%v) with %d octets", total, len(good), v.Kind, v.Reason, v.Datagram.Len())
		}
	}
	// IP in IP inside fragments is a protocol like any other: it is not looked into.
	inner := packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "inner"))
	h := between("192.0.2.9", "192.0.2.5", wire.ProtoIPv4)
	h.Flags = wire.MoreFragments
	b.want(0, eth0, packet(h, inner[:16]), Hold, NotDropped)
	h.Flags, h.Offset = 0, 16
	v := b.want(0, eth0, packet(h, inner[16:]), Deliver, NotDropped)
	if v.Datagram.IP.Proto != wire.ProtoIPv4 || !bytes.Equal(v.Datagram.AppendTo(nil), inner) {
		t.Errorf("delivers %+v", v.Datagram)
	}
	b.Unreachable(0, &v.Datagram, ProtoUnreachable)
	if s := b.one(0); s.body[0] != wire.ICMPv4Unreachable || s.body[1] != wire.ICMPv4ProtocolUnreachable {
		t.Errorf("answers %x", s.body)
	}
	b.healthy(0, eth0)
}

// resum puts the right checksum into an IPv4 header.
func resum(b []byte) {
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], wire.Sum(0).Add(b[:int(b[0]&15)*4]).Checksum())
}

// T-02: source routes and other options (CVE-2020-11897, CVE-2019-12256). Source
// routes are dropped (RFC 7126 §4.3), others ignored, and no answer follows them.
func TestThreat_T02_IPv4Options(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, c := range []struct {
		name    string
		options []byte
		kind    Kind
		why     Reason
	}{
		{"loose source route", []byte{131, 7, 4, 10, 0, 0, 1, 0}, Drop, SourceRouted},
		{"strict source route", []byte{137, 7, 4, 10, 0, 0, 1, 0}, Drop, SourceRouted},
		{"used up source route", []byte{131, 7, 8, 10, 0, 0, 1, 0}, Drop, SourceRouted},
		{"source route behind another option", []byte{7, 3, 4, 137, 3, 4, 0, 0}, Drop, SourceRouted},
		{"empty source route", []byte{131, 3, 4, 0}, Drop, SourceRouted},
		{"record route", append([]byte{7, 39, 4}, make([]byte, 37)...), Answer, NotDropped},
		{"record route, pointer past the end", append([]byte{7, 39, 255}, make([]byte, 37)...), Answer, NotDropped},
		{"timestamp", append([]byte{68, 40, 5, 1}, make([]byte, 36)...), Answer, NotDropped},
		{"length zero", []byte{7, 0, 0, 0}, Drop, BadOption},
		{"length one", []byte{131, 1, 0, 0}, Drop, BadOption},
		{"past the end", []byte{7, 5, 4, 0}, Drop, BadOption},
		{"cut off", []byte{1, 1, 1, 7}, Drop, BadOption},
		{"unknown", []byte{99, 4, 1, 2}, Answer, NotDropped},
		{"forty no-operations", bytes.Repeat([]byte{1}, 40), Answer, NotDropped},
	} {
		h := between("203.0.113.9", "192.0.2.5", wire.ProtoICMPv4)
		h.Extra = c.options
		v := b.arrive(0, eth0, packet(h, icmp(wire.ICMPv4Echo, 0, 1, []byte("x"))))
		if v.Kind != c.kind || v.Reason != c.why {
			t.Errorf("%s: %v (%v), want %v (%v)", c.name, v.Kind, v.Reason, c.kind, c.why)
		}
		for _, s := range b.output(0) {
			if len(s.ip.Extra) != 0 || s.ip.Dst != addr("203.0.113.9") {
				t.Errorf("%s: the answer goes to %v with options %x", c.name, s.ip.Dst, s.ip.Extra)
			}
		}
	}
	// Nor do routers follow them.
	r, _, one, _ := newRouter(t)
	h := between("192.0.2.9", "198.51.100.9", wire.ProtoUDP)
	h.Extra = []byte{131, 7, 4, 10, 0, 0, 1, 0}
	r.want(0, one, packet(h, udp(1, 2, "x")), Drop, SourceRouted)
	r.none(0)
	b.healthy(0, eth0)
}

// extension returns an extension header of the next protocol and these octets.
func extension(next wire.Proto, octets ...byte) []byte {
	b := append([]byte{byte(next), 0}, octets...)
	for len(b)%8 != 0 || len(b) < 8 {
		b = append(b, 0)
	}
	b[1] = byte(len(b)/8 - 1)
	return b
}

// withHeaders returns an IPv6 packet with extension headers, which name each other.
func withHeaders(src, dst string, first wire.Proto, headers []byte, proto wire.Proto, payload []byte) []byte {
	h := between(src, dst, proto)
	h.Next, h.Extra = first, headers
	return packet(h, payload)
}

// T-03: routing header type 0 (CVE-2007-2242). RFC 5095 §3: with segments left it
// is answered with a Parameter Problem that points to its type; without it is skipped.
func TestThreat_T03_RoutingHeader0(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	waypoint := addr("2001:db8:1::99").As16()
	for _, left := range []byte{0, 1, 2, 255} {
		header := extension(wire.ProtoUDP, append([]byte{0, left, 0, 0, 0, 0}, waypoint[:]...)...)
		p := withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoRouting, header, wire.ProtoUDP, udp(1, 2, "x"))
		v := b.arrive(0, eth0, p)
		if left == 0 {
			if v.Kind != Deliver {
				t.Errorf("no segments left: %v (%v)", v.Kind, v.Reason)
			}
			continue
		}
		if v.Kind != Drop || v.Reason != SourceRouted {
			t.Errorf("%d segments left: %v (%v)", left, v.Kind, v.Reason)
		}
		s := b.one(0)
		if s.ip.Dst != addr("2001:db8:9::9") || s.body[0] != wire.ICMPv6ParamProblem || s.body[1] != wire.ICMPv6BadField || binary.BigEndian.Uint32(s.body[4:]) != 42 {
			t.Errorf("%d segments left: says %x to %v", left, s.body[:8], s.ip.Dst)
		}
	}
	nested := extension(wire.ProtoUDP, 0, 0, 0, 0, 0, 0)
	for range 29 {
		nested = append(extension(wire.ProtoRouting, 0, 0, 0, 0, 0, 0), nested...)
	}
	b.want(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoRouting, nested, wire.ProtoUDP, udp(1, 2, "x")), Drop, TooManyHeaders)
	b.healthy(0, eth0)
}

// T-11: extension headers that do not end (CVE-2020-16898 and its family). RFC 8504
// §5.3: a host may limit their number.
func TestThreat_T11_ExtensionHeaders(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for length := range 256 { // an option of every length in a header of 16 octets
		header := extension(wire.ProtoUDP, append([]byte{0x1e, byte(length)}, make([]byte, 12)...)...)
		v := b.arrive(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoDestOptions, header, wire.ProtoUDP, udp(1, 2, "x")))
		fits := length <= 12 && 12-length <= 7
		if ok := v.Kind == Deliver; ok != fits {
			t.Errorf("an option of %d octets: %v (%v)", length, v.Kind, v.Reason)
		}
	}
	for n := 1; n <= 100; n++ {
		var headers []byte
		for i := range n {
			next := wire.ProtoDestOptions
			if i == n-1 {
				next = wire.ProtoUDP
			}
			headers = append(headers, extension(next, 1, 4, 0, 0, 0, 0)...)
		}
		v := b.arrive(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoDestOptions, headers, wire.ProtoUDP, udp(1, 2, "x")))
		if ok := v.Kind == Deliver; ok != (n <= 8) {
			t.Errorf("%d headers: %v (%v)", n, v.Kind, v.Reason)
		}
	}
	flood := extension(wire.ProtoUDP, bytes.Repeat([]byte{1, 4, 0, 0, 0, 0}, 41)...)
	b.want(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoHopByHop, flood, wire.ProtoUDP, udp(1, 2, "x")), Drop, TooManyHeaders)
	b.healthy(0, eth0)
}

// RFC 8200 §4.2: what becomes of unknown options by their two highest bits.
func TestRFC8200_4_2_UnknownOptions(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, c := range []struct {
		option byte
		dst    string
		kind   Kind
		says   bool
	}{
		{0x1e, "2001:db8:1::5", Deliver, false},
		{0x5e, "2001:db8:1::5", Drop, false},
		{0x9e, "2001:db8:1::5", Drop, true},
		{0xde, "2001:db8:1::5", Drop, true},
		{0x9e, "ff02::1", Drop, true}, // "regardless of whether or not the Destination Address was a multicast address"
		{0xde, "ff02::1", Drop, false},
		{0xc2, "2001:db8:1::5", Drop, true}, // jumbo payload (T-12): not for us
	} {
		header := extension(wire.ProtoUDP, c.option, 4, 0, 0, 0, 0)
		v := b.arrive(0, eth0, withHeaders("2001:db8:1::9", c.dst, wire.ProtoDestOptions, header, wire.ProtoUDP, udp(1, 2, "x")))
		all := b.output(0)
		if v.Kind != c.kind || len(all) != truth(c.says) {
			t.Errorf("option %#x to %s: %v (%v), says %d", c.option, c.dst, v.Kind, v.Reason, len(all))
			continue
		}
		if c.says && (all[0].body[0] != wire.ICMPv6ParamProblem || all[0].body[1] != wire.ICMPv6UnknownOption || binary.BigEndian.Uint32(all[0].body[4:]) != 42) {
			t.Errorf("option %#x: says %x", c.option, all[0].body[:8])
		}
	}
}

// T-12: fragments in fragments (CVE-2021-24086), and headers that differ between
// fragments: those of the first one count (RFC 8200 §4.5).
func TestThreat_T12_NestedFragments(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	// A fragment header behind a fragment header, in one packet.
	twice := make([]byte, 16)
	wire.PutFragment(twice, wire.ProtoFragment, 0, true, 1)
	wire.PutFragment(twice[8:], testProto, 0, true, 2)
	v := b.arrive(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoFragment, twice, testProto, pattern(64)))
	if v.Kind != Drop {
		t.Errorf("nested fragment headers: %v (%v)", v.Kind, v.Reason)
	}
	// A whole packet that turns out to be a fragment again.
	inner := make([]byte, 24)
	wire.PutFragment(inner, testProto, 0, true, 3)
	outer := func(offset int, more bool, data []byte) []byte {
		e := make([]byte, 8)
		wire.PutFragment(e, wire.ProtoFragment, offset, more, 9)
		return withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoFragment, e, wire.ProtoFragment, data)
	}
	if v := b.arrive(0, eth0, outer(16, false, inner[16:])); v.Kind == Deliver {
		t.Error("delivered half a packet")
	}
	if v := b.arrive(0, eth0, outer(0, true, inner[:16])); v.Kind != Drop {
		t.Errorf("a fragment in fragments: %v (%v)", v.Kind, v.Reason)
	}
	// The second fragment has a destination header that the first has not.
	e := make([]byte, 8)
	wire.PutFragment(e, testProto, 0, true, 11)
	b.arrive(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoFragment, e, testProto, pattern(8)))
	d := append(extension(wire.ProtoFragment, 1, 4, 0, 0, 0, 0), make([]byte, 8)...)
	wire.PutFragment(d[8:], testProto, 8, false, 11)
	v = b.arrive(0, eth0, withHeaders("2001:db8:9::9", "2001:db8:1::5", wire.ProtoDestOptions, d, testProto, pattern(16)[8:]))
	if v.Kind != Deliver || len(v.Datagram.IP.Extra) != 0 || !bytes.Equal(v.Datagram.AppendTo(nil), pattern(16)) {
		t.Errorf("headers that differ: %v (%v) %+v", v.Kind, v.Reason, v.Datagram)
	}
	b.healthy(0, eth0)
}

// T-13: ICMP errors that quote nonsense (CVE-2020-35683). They inform nobody, and
// no error is ever answered with an error.
func TestThreat_T13_ErrorsAboutErrors(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, f := range families {
		proto, kind, echo := wire.ProtoICMPv4, byte(wire.ICMPv4Unreachable), byte(wire.ICMPv4Echo)
		if f.name == "IPv6" {
			proto, kind, echo = wire.ProtoICMPv6, wire.ICMPv6Unreachable, wire.ICMPv6Echo
		}
		ours := packet(between(f.dst, f.src, wire.ProtoUDP), udp(7, 9, "hello"))
		for n := range len(ours) {
			v := b.arrive(0, eth0, packet(between(f.src, f.dst, proto), icmp(kind, 1, 0, ours[:n])))
			if enough := n >= len(ours)-5; enough != (v.Kind == Inform) {
				t.Errorf("%s: quotes %d of %d octets: %v (%v)", f.name, n, len(ours), v.Kind, v.Reason)
			}
		}
		second := piece{8, pattern(16), false}.octets(f.dst, f.src, 5)
		for name, quote := range map[string][]byte{
			"an error":           packet(between(f.dst, f.src, proto), icmp(kind, 1, 0, ours)),
			"an echo reply":      packet(between(f.dst, f.src, proto), icmp(echo^8&0xff, 0, 0, nil)),
			"a later fragment":   second,
			"somebody's packet":  packet(between(f.src, f.src, wire.ProtoUDP), udp(7, 9, "hello")),
			"another IP version": {0x50, 0, 0, 0},
			"nothing":            nil,
		} {
			v := b.arrive(0, eth0, packet(between(f.src, f.dst, proto), icmp(kind, 1, 0, quote)))
			if v.Kind != Drop {
				t.Errorf("%s: quotes %s: %v", f.name, name, v.Kind)
			}
		}
		// An error that arrives in a way that calls for an error: to a closed protocol it cannot be.
		v := Verdict{}
		o := wire.Plain(packet(between(f.src, f.dst, proto), icmp(kind, 1, 0, ours)))
		wire.ParseIP(&o, &v.Datagram.IP)
		v.Datagram.Header = o.Front()[:v.Datagram.IP.HeaderLen]
		o.Pull(int(v.Datagram.IP.HeaderLen))
		v.Datagram.Octets, v.Datagram.Interface = o, eth0
		b.Unreachable(0, &v.Datagram, PortUnreachable)
	}
	b.none(0)
	b.healthy(0, eth0)
}

// T-35: the ids of answers tell nothing about traffic to others (CVE-2020-36516).
func TestThreat_T35_IdleScan(t *testing.T) {
	// given two nodes with one key, of which the second also answers somebody else in between
	ids := func(spoofed int) (all []uint32) {
		b, _, eth0, _ := twoHomed(t)
		for i := range 8 {
			now := mono.Time(i) * mono.Time(time.Second)
			for range spoofed {
				b.arrive(now, eth0, packet(between("198.18.0.1", "192.0.2.5", wire.ProtoICMPv4), icmp(wire.ICMPv4Echo, 0, 1, nil)))
				b.output(now)
			}
			b.arrive(now, eth0, packet(between("203.0.113.9", "192.0.2.5", wire.ProtoICMPv4), icmp(wire.ICMPv4Echo, 0, 1, nil)))
			all = append(all, b.one(now).ip.ID)
		}
		return all
	}
	if a, b := ids(0), ids(3); !slices.Equal(a, b) {
		t.Errorf("the ids to one host depend on what another is sent: %v, %v", a, b)
	}
	// A TCP packet has DF and the id zero, whatever ICMP said about the way.
	h := NewHeader(addr("192.0.2.5"), addr("203.0.113.9"), wire.ProtoTCP, 64, 0, 0)
	p := make([]byte, 20)
	h.Put(p, 1000, 0)
	if binary.BigEndian.Uint32(p[4:]) != 0x4000 {
		t.Errorf("id, flags and offset %x", p[4:8])
	}
}

// T-41, the limiter's half: who spends the common allowance of ICMP errors cannot
// count what others were sent (CVE-2020-25705).
func TestThreat_T41_LimiterSaysNothing(t *testing.T) {
	passed := func(key byte) (n int) {
		b := newBench(t, Config{Key: [16]byte{key}, ICMPRatePerHost: 1000})
		b.iface("eth0", 1500, 0, "192.0.2.5/24")
		b.route("0.0.0.0/0", 1, "192.0.2.1")
		for i := range 500 {
			p := packet(between("203.0.113.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x"))
			setSource(p, uint32(i*7919))
			v := b.arrive(0, 1, p)
			b.Unreachable(0, &v.Datagram, PortUnreachable)
			n += len(b.output(0))
		}
		return n
	}
	seen := map[int]bool{}
	for key := range byte(20) {
		n := passed(key)
		if n < icmpBurst/2 || n > 2*icmpBurst {
			t.Errorf("%d messages leave at once, about %d are allowed", n, icmpBurst)
		}
		seen[n] = true
	}
	if len(seen) < 3 {
		t.Errorf("the allowance is always one of %v", seen)
	}
}

// T-42: a packet for an address of ours that arrives on another interface
// (CVE-2019-14899). RFC 1122 §3.3.4.2: the strong host discards it.
func TestThreat_T42_StrongHost(t *testing.T) {
	b, _, eth0, eth1 := twoHomed(t)
	for _, c := range []struct {
		src, dst string
		in       ID
	}{
		{"198.51.100.9", "192.0.2.5", eth1}, {"192.0.2.9", "198.51.100.7", eth0},
		{"2001:db8:2::9", "2001:db8:1::5", eth1}, {"2001:db8:9::1", "2001:db8:2::7", eth0},
	} {
		b.want(0, c.in, packet(between(c.src, c.dst, wire.ProtoUDP), udp(1, 2, "x")), Drop, OtherInterface)
	}
	b.want(0, eth1, packet(between("fe80::9", "fe80::5", wire.ProtoUDP), udp(1, 2, "x")), Drop, NotForUs)
	for _, dst := range []string{"127.0.0.1", "127.1.2.3", "::1"} {
		src := "192.0.2.9"
		if dst == "::1" {
			src = "2001:db8:9::1"
		}
		b.want(0, eth0, packet(between(src, dst, wire.ProtoUDP), udp(1, 2, "x")), Drop, MartianDest)
	}
	b.none(0)
	b.healthy(0, eth0)

	weak := newBench(t, Config{WeakHost: true})
	one := weak.iface("eth0", 1500, 0, "192.0.2.5/24")
	weak.iface("eth1", 1500, 0, "198.51.100.7/24")
	weak.want(0, one, packet(between("192.0.2.9", "198.51.100.7", wire.ProtoUDP), udp(1, 2, "x")), Deliver, NotDropped)
	weak.want(0, one, packet(between("192.0.2.9", "127.0.0.1", wire.ProtoUDP), udp(1, 2, "x")), Drop, MartianDest)
}

// T-43: sources that nobody has (CVE-1999-0016, RFC 1122 §3.2.1.3, RFC 1812 §5.3.7).
// They are dropped silently, as are packets for one host in a frame for all.
func TestThreat_T43_Martians(t *testing.T) {
	b, lo, eth0, _ := twoHomed(t)
	for _, src := range []string{
		"192.0.2.5", "198.51.100.7", // LAND: ourselves
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "192.0.2.255",
	} {
		b.want(0, eth0, packet(between(src, "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x")), Drop, MartianSource)
	}
	for _, src := range []string{"2001:db8:1::5", "2001:db8:2::7", "fe80::5", "::", "::1", "ff02::1", "ff0e::1", "::ffff:192.0.2.9"} {
		b.want(0, eth0, packet(between6(src, "2001:db8:1::5"), udp(1, 2, "x")), Drop, MartianSource)
	}
	for _, dst := range []string{"0.0.0.0", "0.1.2.3", "240.0.0.1"} {
		b.want(0, eth0, packet(between("192.0.2.9", dst, wire.ProtoUDP), udp(1, 2, "x")), Drop, MartianDest)
	}
	for _, dst := range []string{"::", "ff00::1", "ff01::1", "::ffff:192.0.2.5"} {
		b.want(0, eth0, packet(between6("2001:db8:9::1", dst), udp(1, 2, "x")), Drop, MartianDest)
	}
	b.want(0, lo, packet(between("0.0.0.0", "127.0.0.1", wire.ProtoUDP), udp(1, 2, "x")), Drop, MartianSource)
	for _, link := range []Cast{Broadcast, Multicasting} {
		p := Packet{Octets: wire.Plain(packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x"))), Interface: eth0, Link: link}
		var v Verdict
		if b.Arrive(0, &p, &v); v.Reason != MartianDest {
			t.Errorf("in a frame for many: %v (%v)", v.Kind, v.Reason)
		}
	}
	b.none(0)
	b.healthy(0, eth0)
}

// between6 is between for addresses that netip would take for IPv4.
func between6(src, dst string) wire.IP {
	return wire.IP{Src: netip.AddrFrom16(addr(src).As16()), Dst: netip.AddrFrom16(addr(dst).As16()), Proto: wire.ProtoUDP}
}

// T-66: smurf and fraggle. Echo requests to a broadcast address are ignored (RFC
// 1122 §3.2.2.6 allows it), those to all nodes answered at a limited rate, and
// nothing else that was sent to many is answered.
func TestThreat_T66_EchoToMany(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, dst := range []string{"255.255.255.255", "192.0.2.255", "224.0.0.1"} {
		b.want(0, eth0, packet(between("203.0.113.9", dst, wire.ProtoICMPv4), icmp(wire.ICMPv4Echo, 0, 1, nil)), Drop, EchoToGroup)
		v := b.want(0, eth0, packet(between("203.0.113.9", dst, wire.ProtoUDP), udp(1, 7, "x")), Deliver, NotDropped)
		b.Unreachable(0, &v.Datagram, PortUnreachable)
	}
	b.none(0)
	answers := 0
	for range 1000 {
		b.arrive(0, eth0, packet(between("2001:db8:9::9", "ff02::1", wire.ProtoICMPv6), icmp(wire.ICMPv6Echo, 0, 1, nil)))
		for _, s := range b.output(0) {
			if answers++; s.ip.Src != addr("2001:db8:1::5") {
				t.Errorf("answers from %v", s.ip.Src)
			}
		}
		v := b.arrive(0, eth0, packet(between("2001:db8:9::9", "ff02::1", wire.ProtoUDP), udp(1, 7, "x")))
		b.Unreachable(0, &v.Datagram, PortUnreachable)
	}
	if answers == 0 || answers > icmpHostBurst {
		t.Errorf("a thousand echo requests to all nodes get %d answers", answers)
	}
	b.none(0)
	b.healthy(mono.Time(time.Minute), eth0)
}

// T-67: a million datagrams to closed ports. RFC 1812 §4.3.2.8, RFC 4443 §2.4(f):
// the rate of ICMP errors is limited, to each host and altogether.
func TestThreat_T67_ICMPRate(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	const packets, seconds = 200_000, 20
	one, others := 0, 0
	p := packet(between("203.0.113.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "x"))
	q := slices.Clone(p)
	for i := range packets {
		now := mono.Time(i) * mono.Time(seconds*time.Second) / packets
		v := b.arrive(now, eth0, p)
		b.Unreachable(now, &v.Datagram, PortUnreachable)
		one += len(b.output(now))
		if i%10 == 0 {
			setSource(q, uint32(bits.Reverse32(uint32(i))>>8))
			v = b.arrive(now, eth0, q)
			b.Unreachable(now, &v.Datagram, PortUnreachable)
			others += len(b.output(now))
		}
	}
	if limit := icmpHostBurst + 10*seconds; one > limit || one < limit/2 {
		t.Errorf("%d errors to one host in %d s, limit %d", one, seconds, limit)
	}
	if limit := 2*icmpBurst + 1000*seconds*11/10; one+others > limit || others < limit/4 {
		t.Errorf("%d errors to all in %d s, limit %d", one+others, seconds, limit)
	}
	if b.Drops()[RateLimited] == 0 {
		t.Error("nothing is counted as rate limited")
	}
	b.healthy(mono.Time(time.Hour), eth0)
}

// RFC 1122 §3.2.2, RFC 4443 §2.4(e): what is never answered with an ICMP error.
func TestRFC1122_3_2_2_NeverAnswered(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	complain := func(name string, d Datagram, o offence) {
		t.Helper()
		b.complain(0, o, &wire.ICMP{Type: wire.ICMPv4Unreachable, Code: 3})
		if all := b.output(0); len(all) != 0 {
			t.Errorf("%s is answered: %x", name, all[0].octets)
		}
	}
	base := func() (wire.IP, offence) {
		h := between("203.0.113.9", "192.0.2.5", wire.ProtoUDP)
		return h, offence{header: make([]byte, 20), rest: wire.Plain(udp(1, 2, "x")), in: eth0}
	}
	for name, spoil := range map[string]func(h *wire.IP, o *offence){
		"a later fragment":    func(h *wire.IP, o *offence) { h.Offset = 8 },
		"a broadcast":         func(h *wire.IP, o *offence) { o.cast = Broadcast },
		"a multicast":         func(h *wire.IP, o *offence) { o.cast = Multicasting },
		"a link broadcast":    func(h *wire.IP, o *offence) { o.link = Broadcast },
		"no source":           func(h *wire.IP, o *offence) { h.Src = addr("0.0.0.0") },
		"a group as source":   func(h *wire.IP, o *offence) { h.Src = addr("224.0.0.1") },
		"broadcast as source": func(h *wire.IP, o *offence) { h.Src = addr("192.0.2.255") },
		"all as source":       func(h *wire.IP, o *offence) { h.Src = addr("255.255.255.255") },
		"an ICMP error":       func(h *wire.IP, o *offence) { h.Proto = wire.ProtoICMPv4; o.rest = wire.Plain(icmp(3, 3, 0, nil)) },
		"a redirect":          func(h *wire.IP, o *offence) { h.Proto = wire.ProtoICMPv4; o.rest = wire.Plain(icmp(5, 0, 0, nil)) },
		"unknown ICMP":        func(h *wire.IP, o *offence) { h.Proto = wire.ProtoICMPv4; o.rest = wire.Plain(icmp(200, 0, 0, nil)) },
		"empty ICMP":          func(h *wire.IP, o *offence) { h.Proto = wire.ProtoICMPv4; o.rest = wire.Octets{} },
		"a copy of our own":   func(h *wire.IP, o *offence) { o.looped = true },
	} {
		h, o := base()
		spoil(&h, &o)
		o.ip = &h
		complain(name, Datagram{}, o)
	}
	h, o := base()
	o.ip = &h
	b.complain(0, o, &wire.ICMP{Type: wire.ICMPv4Unreachable, Code: 3})
	if s := b.one(0); s.ip.Dst != h.Src || s.ip.Src != h.Dst {
		t.Errorf("an ordinary packet is answered from %v to %v", s.ip.Src, s.ip.Dst)
	}
}

// FuzzArrive hands any packet to a host, a router among them. Nothing panics, what
// is sent is well-formed, and the caps hold.
func FuzzArrive(f *testing.F) {
	for _, p := range [][]byte{
		packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(1, 2, "hello")),
		packet(between("192.0.2.9", "192.0.2.5", wire.ProtoICMPv4), icmp(8, 0, 1, []byte("hello"))),
		packet(between("192.0.2.9", "198.51.100.9", wire.ProtoUDP), udp(1, 2, "hello")),
		packet(between("2001:db8:9::9", "2001:db8:1::5", wire.ProtoICMPv6), icmp(128, 0, 1, nil)),
		packet(between("fe80::9", "ff02::1:ff00:5", wire.ProtoICMPv6), icmp(135, 0, 0, make([]byte, 24))),
		piece{0, pattern(64), true}.octets("192.0.2.9", "192.0.2.5", 3),
		piece{64, pattern(9), false}.octets("2001:db8:9::9", "2001:db8:1::5", 3),
		packet(between("192.0.2.9", "192.0.2.5", wire.ProtoICMPv4), icmp(3, 4, 1000, packet(between("192.0.2.5", "192.0.2.9", wire.ProtoUDP), udp(1, 2, "hello")))),
	} {
		f.Add(byte(0), p, p)
	}
	f.Fuzz(func(t *testing.T, how byte, one, two []byte) {
		b, _, eth0, eth1 := newRouter(t)
		if how&1 != 0 {
			b, _, eth0, eth1 = twoHomed(t)
		}
		for i, octets := range [][]byte{one, two, one} {
			if len(octets) > 16 && how&2 != 0 && octets[0]>>4 == 4 && octets[0]&15 >= 5 && len(octets) >= int(octets[0]&15)*4 {
				resum(octets)
			}
			p := Packet{Octets: wire.Octets{Data: chunk.Copy(octets)}, Interface: eth0, Link: Cast(how >> 2 & 3 % 3), NoSum: how&16 != 0}
			if i == 1 && how&32 != 0 {
				p.Interface = eth1
			}
			var v Verdict
			b.Arrive(mono.Time(i), &p, &v)
			if (v.Kind == Drop) != (v.Reason != NotDropped) {
				t.Fatalf("%v with reason %v", v.Kind, v.Reason)
			}
			if v.Kind == Deliver {
				b.Unreachable(mono.Time(i), &v.Datagram, PortUnreachable)
			}
			b.output(mono.Time(i))
			b.bounded()
		}
		for now := mono.Time(0); now != mono.Never && now < mono.Time(time.Hour); now = b.Deadline() {
			b.Expire(now)
			b.output(now)
			if b.Deadline() <= now {
				t.Fatalf("the deadline %v does not move on", now)
			}
		}
	})
}
