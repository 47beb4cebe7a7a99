package ip

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// newRouter makes a router that forwards between eth0 (192.0.2.1/24, 2001:db8:1::1/64) and eth1
// (198.51.100.1/24, 2001:db8:2::1/64), whose MTU is 1300.
func newRouter(t testing.TB) (b *bench, lo, eth0, eth1 ID) {
	b = newBench(t, Config{})
	lo = b.iface("lo", 65535, Loopback)
	eth0 = b.iface("eth0", 1500, Multicast|Forwarding, "192.0.2.1/24", "192.0.2.5/24", "2001:db8:1::1/64", "2001:db8:1::5/64", "fe80::1/64")
	eth1 = b.iface("eth1", 1300, Multicast|Forwarding, "198.51.100.1/24", "2001:db8:2::1/64", "fe80::1/64")
	b.route("0.0.0.0/0", eth0, "192.0.2.254")
	b.route("2001:db8:9::/48", eth0, "fe80::fe")
	return b, lo, eth0, eth1
}

// RFC 1812 §5.2.1, RFC 8200 §3: one hop less, and nothing else is changed.
func TestForward(t *testing.T) {
	for _, c := range []struct{ src, dst string }{{"192.0.2.9", "198.51.100.9"}, {"2001:db8:1::9", "2001:db8:2::9"}} {
		for _, split := range []bool{false, true} {
			b, _, eth0, eth1 := newRouter(t)
			octets := packet(between(c.src, c.dst, wire.ProtoUDP), udp(1, 2, "on its way"))
			p := Packet{Octets: wire.Octets{Data: chunk.Copy(octets)}, Interface: eth0, NoSum: true}
			if n := len(octets) - 10; split {
				p.Octets = wire.Octets{Head: octets[:n], Data: chunk.Copy(octets[n:])}
			}
			var v Verdict
			if b.Arrive(0, &p, &v); v.Kind != Forward || p.Data.Len() != 0 {
				t.Fatalf("%v (%v), %d octets left", v.Kind, v.Reason, p.Data.Len())
			}
			s := b.one(0)
			want := bytes.Clone(octets)
			if want[0]>>4 == 6 {
				want[7]--
			} else {
				want[8]--
				resum(want)
			}
			if !bytes.Equal(s.octets, want) || s.Interface != eth1 || !s.NoSum {
				t.Errorf("to %s, split %v:\n got %x through %d\nwant %x", c.dst, split, s.octets, s.Interface, want)
			}
			if o := (wire.Octets{Head: octets, Data: chunk.View{}}); !bytes.Equal(o.Head, packet(between(c.src, c.dst, wire.ProtoUDP), udp(1, 2, "on its way"))) {
				t.Error("the octets that arrived were written to")
			}
		}
	}
}

func TestForwardRefuses(t *testing.T) {
	big := string(pattern(1400))
	for _, c := range []struct {
		name, src, dst string
		ttl            uint8
		flags          wire.IPFlags
		payload        string
		why            Reason
		says           [2]byte // type and code of the answer, 255 for none
		rest           uint32
	}{
		{"last hop", "192.0.2.9", "198.51.100.9", 1, 0, "x", TTLExceeded, [2]byte{wire.ICMPv4TimeExceeded, 0}, 0},
		{"last hop of IPv6", "2001:db8:1::9", "2001:db8:2::9", 1, 0, "x", TTLExceeded, [2]byte{wire.ICMPv6TimeExceeded, 0}, 0},
		{"no hop at all", "192.0.2.9", "198.51.100.9", 255, 0, "x", TTLExceeded, [2]byte{wire.ICMPv4TimeExceeded, 0}, 0},
		{"no way", "2001:db8:1::9", "2001:db8:77::9", 64, 0, "x", NoRoute, [2]byte{wire.ICMPv6Unreachable, wire.ICMPv6NoRoute}, 0},
		{"too big with DF", "192.0.2.9", "198.51.100.9", 64, wire.DontFragment, big, PacketTooBig, [2]byte{wire.ICMPv4Unreachable, wire.ICMPv4FragmentationNeeded}, 1300},
		{"too big for IPv6", "2001:db8:1::9", "2001:db8:2::9", 64, 0, big, PacketTooBig, [2]byte{wire.ICMPv6PacketTooBig, 0}, 1300},
		{"directed broadcast", "192.0.2.9", "198.51.100.255", 64, 0, "x", MartianDest, [2]byte{255}, 0},
		{"link-local destination", "192.0.2.9", "169.254.1.1", 64, 0, "x", BeyondScope, [2]byte{255}, 0},
		{"link-local source of IPv4", "169.254.1.1", "198.51.100.9", 64, 0, "x", BeyondScope, [2]byte{255}, 0},
		{"link-local source", "fe80::9", "2001:db8:2::9", 64, 0, "x", BeyondScope, [2]byte{wire.ICMPv6Unreachable, wire.ICMPv6BeyondScope}, 0},
		{"group", "192.0.2.9", "239.1.1.1", 64, 0, "x", NotJoined, [2]byte{255}, 0},
	} {
		b, _, eth0, _ := newRouter(t)
		h := between(c.src, c.dst, wire.ProtoUDP)
		h.TTL, h.Flags = c.ttl, c.flags
		octets := packet(h, udp(1, 2, c.payload))
		if c.ttl == 255 {
			octets[8] = 0
			resum(octets)
		}
		b.want(0, eth0, octets, Drop, c.why)
		if c.says[0] == 255 {
			b.none(0)
			continue
		}
		s := b.one(0)
		limit := 576
		if s.ip.Is6() {
			limit = 1280
		}
		if [2]byte(s.body) != c.says || s.ip.Dst != h.Src || binary.BigEndian.Uint32(s.body[4:]) != c.rest || s.ip.Len > limit {
			t.Errorf("%s: says %x to %v in %d octets", c.name, s.body[:8], s.ip.Dst, s.ip.Len)
		}
		if !bytes.HasPrefix(octets, s.body[8:]) || len(s.body[8:]) < min(len(octets), limit-48) {
			t.Errorf("%s: quotes %x", c.name, s.body[8:])
		}
	}
}

// RFC 791 §3.2: a router cuts what is too big, unless DF forbids it, also what is a
// fragment already. The pieces make the packet that was sent.
func TestForwardInFragments(t *testing.T) {
	b, _, eth0, eth1 := newRouter(t)
	receiver := newBench(t, Config{})
	in := receiver.iface("eth0", 1500, 0, "198.51.100.9/24")
	payload := pattern(4000)
	h := between("192.0.2.9", "198.51.100.9", testProto)
	h.ID = 99
	h.Extra = []byte{148, 4, 0, 0, 7, 3, 4, 1} // router alert is copied into every fragment, record route is not
	var whole Verdict
	for at := 0; at < len(payload); at += 1464 {
		end := min(at+1464, len(payload))
		f := h
		if f.Offset = uint16(at); end < len(payload) {
			f.Flags = wire.MoreFragments
		}
		b.want(0, eth0, packet(f, payload[at:end]), Forward, NotDropped)
		for i, s := range b.output(0) {
			if s.Interface != eth1 || s.ip.Len > 1300 || s.ip.ID != 99 || s.ip.TTL != 63 {
				t.Errorf("fragment %+v", s.ip)
			}
			want := h.Extra
			if i > 0 {
				want = h.Extra[:4]
			}
			if !bytes.Equal(s.ip.Extra, want) {
				t.Errorf("options %x, want %x", s.ip.Extra, want)
			}
			whole = receiver.arrive(0, in, s.octets)
		}
	}
	if whole.Kind != Deliver || !bytes.Equal(whole.Datagram.AppendTo(nil), payload) {
		t.Errorf("%v (%v), %d octets", whole.Kind, whole.Reason, whole.Datagram.Len())
	}
}

// A packet without its transport checksum gets it before it is cut.
func TestForwardSumsWhatItCuts(t *testing.T) {
	for _, split := range []bool{false, true} {
		b, _, eth0, _ := newRouter(t)
		receiver := newBench(t, Config{})
		in := receiver.iface("eth0", 1500, 0, "198.51.100.9/24")
		octets := packet(between("192.0.2.9", "198.51.100.9", wire.ProtoUDP), udp(1, 2, string(pattern(1400))))
		octets[26], octets[27] = 0xde, 0xad
		p := Packet{Octets: wire.Plain(octets), Interface: eth0, NoSum: true}
		if split {
			p.Octets = wire.Octets{Head: octets[:28], Data: chunk.Copy(octets[28:])}
		}
		var v Verdict
		b.Arrive(0, &p, &v)
		for _, s := range b.output(0) {
			if v = receiver.arrive(0, in, s.octets); s.NoSum {
				t.Error("a fragment says that it has no checksum")
			}
		}
		d := &v.Datagram
		if v.Kind != Deliver || d.IP.Verify(&d.Octets) != wire.OK {
			t.Errorf("split %v: %v (%v), checksum %v", split, v.Kind, v.Reason, d.IP.Verify(&d.Octets))
		}
	}
}

// A packet that a device will cut into segments may be larger than the MTU, if they are not.
func TestForwardSegments(t *testing.T) {
	for _, c := range []struct {
		segment uint16
		kind    Kind
	}{{1260, Forward}, {1261, Drop}} {
		b, _, eth0, _ := newRouter(t)
		tcp := make([]byte, 20, 20020)
		wire.PutTCP(tcp, &wire.Segment{SrcPort: 1, DstPort: 2, Flags: wire.ACK})
		h := between("192.0.2.9", "198.51.100.9", wire.ProtoTCP)
		h.Flags = wire.DontFragment
		octets := packet(h, append(tcp, pattern(20000)...))
		p := Packet{Octets: wire.Plain(octets), Interface: eth0, SegmentSize: c.segment}
		var v Verdict
		b.Arrive(0, &p, &v)
		s := b.one(0)
		if v.Kind != c.kind || c.kind == Forward && (s.SegmentSize != c.segment || s.ip.Len != len(octets)) {
			t.Errorf("segments of %d octets: %v (%v), %+v", c.segment, v.Kind, v.Reason, s.ip)
		}
	}
}

// RFC 1812 §5.2.3: a router is also a host, at each of its addresses.
func TestRFC1812_5_2_3_RouterAnswersToAllItsAddresses(t *testing.T) {
	b, _, eth0, _ := newRouter(t)
	b.want(0, eth0, packet(between("192.0.2.9", "198.51.100.1", wire.ProtoICMPv4), icmp(8, 0, 1, nil)), Answer, NotDropped)
	if s := b.one(0); s.ip.Src != addr("198.51.100.1") || s.ip.Dst != addr("192.0.2.9") {
		t.Errorf("answers from %v to %v", s.ip.Src, s.ip.Dst)
	}
}

// Extension headers that only the destination reads do not stop a router.
func TestForwardIgnoresExtensionHeaders(t *testing.T) {
	b, _, eth0, _ := newRouter(t)
	header := extension(wire.ProtoUDP, 0xde, 4, 0, 0, 0, 0)
	octets := withHeaders("2001:db8:1::9", "2001:db8:2::9", wire.ProtoDestOptions, header, wire.ProtoUDP, udp(1, 2, "x"))
	b.want(0, eth0, octets, Forward, NotDropped)
	octets[7]--
	var s sent
	if !b.Output(0, &s.Packet) || !bytes.Equal(s.Octets.AppendTo(nil), octets) {
		t.Errorf("sends %x", s.Octets.AppendTo(nil))
	}
}

func BenchmarkForward(b *testing.B) {
	n, _, eth0, _ := newRouter(b)
	octets := packet(between("192.0.2.9", "198.51.100.9", wire.ProtoUDP), udp(1, 2, string(pattern(1000))))
	var v Verdict
	b.ReportAllocs()
	for b.Loop() {
		p := Packet{Octets: wire.Octets{Data: chunk.Copy(octets)}, Interface: eth0}
		n.Arrive(0, &p, &v)
		for n.Output(0, &p) {
			p.Data.Release()
		}
	}
}
