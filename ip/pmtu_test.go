package ip

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// RFC 1191 §3, RFC 8201 §4: Path MTU discovery lowers the MTU of one destination,
// for ten minutes, and never below the floor.
func TestPathMTU(t *testing.T) {
	b, _, _, _ := twoHomed(t)
	mtu := func(now mono.Time, dst string) int {
		t.Helper()
		p, err := b.Route(now, addr(dst), netip.Addr{}, 0)
		b.ok(err)
		return p.MTU
	}
	const minute = mono.Time(time.Minute)
	for _, c := range []struct {
		at        mono.Time
		dst       string
		say, want int
	}{
		{0, "8.8.8.8", 1600, 1500},           // more than the link takes
		{0, "8.8.8.8", 1400, 1400},           //
		{0, "8.8.8.8", 1450, 1400},           // "must not increase"
		{minute, "8.8.8.8", 1300, 1300},      //
		{minute, "8.8.4.4", 100, 552},        // the floor
		{minute, "2001:db8:9::1", 100, 1280}, // of IPv6
	} {
		gen := b.Tables().Generation()
		was := mtu(c.at, c.dst)
		b.LowerMTU(c.at, addr(c.dst), c.say)
		if got := mtu(c.at, c.dst); got != c.want {
			t.Errorf("%s: told %d, believes %d, want %d", c.dst, c.say, got, c.want)
		}
		if changed := b.Tables().Generation() != gen; changed != (was != c.want) {
			t.Errorf("%s: from %d to %d, another generation: %v", c.dst, was, c.want, changed)
		}
	}
	if mtu(minute, "8.8.8.9") != 1500 {
		t.Error("another destination suffers")
	}
	if b.Deadline() != 11*minute {
		t.Errorf("deadline %v", b.Deadline())
	}
	gen := b.Tables().Generation()
	b.Expire(11 * minute)
	if b.Tables().Generation() == gen || b.Deadline() != mono.Never {
		t.Error("the age of a Path MTU changes nothing")
	}
	for _, dst := range []string{"8.8.8.8", "8.8.4.4", "2001:db8:9::1"} {
		if got := mtu(11*minute, dst); got != 1500 {
			t.Errorf("%s: %d after ten minutes", dst, got)
		}
	}
}

// However many destinations have narrow paths, what is remembered is bounded.
func TestPathMTUsAreBounded(t *testing.T) {
	b, _, _, _ := twoHomed(t)
	for i := range 2 * maxPathMTUs {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x08000000+uint32(i))
		b.LowerMTU(mono.Time(i), netip.AddrFrom4(a), 1000)
	}
	if n := len(b.mtus.byDst); n != maxPathMTUs {
		t.Errorf("%d are remembered", n)
	}
	b.Expire(mono.Time(time.Hour))
	if len(b.mtus.byDst) != 0 || b.mtus.age.first != nil {
		t.Error("some stay for ever")
	}
}

// What an ICMP error says becomes a Notice for the transport that sent the packet.
func TestRFC1122_3_2_2_1_Notices(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	tcp := make([]byte, 20)
	wire.PutTCP(tcp, &wire.Segment{SrcPort: 1000, DstPort: 80, Seq: 0x01020304, Flags: wire.ACK})
	four := packet(between("192.0.2.5", "203.0.113.9", wire.ProtoTCP), append(tcp, pattern(1400)...))
	six := packet(between("2001:db8:1::5", "2001:db8:9::9", wire.ProtoUDP), udp(1000, 53, string(pattern(1400))))
	ping := packet(between("192.0.2.5", "203.0.113.9", wire.ProtoICMPv4), icmp(wire.ICMPv4Echo, 0, wire.EchoRest(7, 9), pattern(1400)))
	headers := append(extension(wire.ProtoFragment, 1, 4, 0, 0, 0, 0), make([]byte, 8)...)
	wire.PutFragment(headers[8:], wire.ProtoUDP, 0, true, 1)
	extended := withHeaders("2001:db8:1::5", "2001:db8:9::9", wire.ProtoDestOptions, headers, wire.ProtoUDP, udp(1000, 53, string(pattern(1208))))
	for _, c := range []struct {
		name       string
		kind, code uint8
		rest       uint32
		quote      []byte
		want       NoticeKind
		mtu        int
	}{
		{"net", 3, 0, 0, four, NetUnreachable, 0},
		{"host", 3, 1, 0, four, HostUnreachable, 0},
		{"protocol", 3, 2, 0, four, ProtoUnreachable, 0},
		{"port", 3, 3, 0, four, PortUnreachable, 0},
		{"port, with eight octets quoted", 3, 3, 0, four[:28], PortUnreachable, 0},
		{"fragmentation needed", 3, 4, 1400, four, TooBig, 1400},
		{"fragmentation needed, from an old router", 3, 4, 0, four, TooBig, 1006},
		{"fragmentation needed, not really", 3, 4, 1440, four, 0, 0},
		{"fragmentation needed, absurdly", 3, 4, 67, four, 0, 0},
		{"source route failed", 3, 5, 0, four, NetUnreachable, 0},
		{"prohibited", 3, 13, 0, four, Prohibited, 0},
		{"unknown code", 3, 99, 0, four, 0, 0},
		{"time exceeded", 11, 0, 0, four, TimeExceeded, 0},
		{"reassembly", 11, 1, 0, four, ReassemblyFailed, 0},
		{"parameter", 12, 0, 0, four, ParameterProblem, 0},
		{"about a ping", 3, 1, 0, ping, HostUnreachable, 0},
		{"source quench", 4, 0, 0, four, 0, 0},
		{"no route", 1, 0, 0, six, NetUnreachable, 0},
		{"prohibited for IPv6", 1, 1, 0, six, Prohibited, 0},
		{"address", 1, 3, 0, six, HostUnreachable, 0},
		{"port of IPv6", 1, 4, 0, six, PortUnreachable, 0},
		{"behind extension headers", 1, 4, 0, extended, PortUnreachable, 0},
		{"packet too big", 2, 0, 1300, six, TooBig, 1300},
		{"packet too big, not really", 2, 0, 1500, six, 0, 0},
		{"packet too big, for IPv6", 2, 0, 1279, six, 0, 0},
		{"hop limit", 3, 0, 0, six, TimeExceeded, 0},
		{"next header", 4, 1, 6, six, ProtoUnreachable, 0},
		{"field", 4, 0, 6, six, ParameterProblem, 0},
	} {
		from, to, proto := "203.0.113.1", "192.0.2.5", wire.ProtoICMPv4
		if c.quote[0]>>4 == 6 {
			from, to, proto = "2001:db8:9::1", "2001:db8:1::5", wire.ProtoICMPv6
		}
		v := b.arrive(0, eth0, packet(between(from, to, proto), icmp(c.kind, c.code, c.rest, c.quote)))
		if c.want == 0 {
			if v.Kind != Drop {
				t.Errorf("%s: %v", c.name, v.Kind)
			}
			continue
		}
		want := Notice{Kind: c.want, Type: c.kind, Code: c.code, From: addr(from), Interface: eth0, Src: addr(to), MTU: c.mtu, HasSeq: true}
		switch {
		case proto == wire.ProtoICMPv6:
			want.Dst, want.Proto, want.SrcPort, want.DstPort, want.HasSeq = addr("2001:db8:9::9"), wire.ProtoUDP, 1000, 53, false
		case &c.quote[0] == &ping[0]:
			want.Dst, want.Proto, want.Seq = addr("203.0.113.9"), wire.ProtoICMPv4, 7<<16|9
		default:
			want.Dst, want.Proto, want.SrcPort, want.DstPort, want.Seq = addr("203.0.113.9"), wire.ProtoTCP, 1000, 80, 0x01020304
		}
		if v.Kind != Inform || v.Notice != want {
			t.Errorf("%s: %v (%v)\n got %+v\nwant %+v", c.name, v.Kind, v.Reason, v.Notice, want)
		}
	}
	b.none(0)
	if b.Deadline() != mono.Never {
		t.Error("a notice that no transport has confirmed left something behind")
	}
}
