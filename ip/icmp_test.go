package ip

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/octet-net/octet/wire"
)

// RFC 1122 §3.2.2.6, RFC 4443 §4.2: an echo request is answered with the data that
// came, from the address that was asked.
func TestRFC1122_3_2_2_6_Echo(t *testing.T) {
	b, lo, eth0, _ := twoHomed(t)
	for _, c := range []struct {
		src, dst, from string
		in             ID
	}{
		{"192.0.2.9", "192.0.2.5", "192.0.2.5", eth0},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1", lo},
		{"127.0.0.1", "127.0.0.9", "127.0.0.9", lo},
		{"192.0.2.5", "198.51.100.7", "198.51.100.7", lo},
		{"2001:db8:9::1", "2001:db8:1::5", "2001:db8:1::5", eth0},
		{"fe80::9", "fe80::5", "fe80::5", eth0},
		{"fe80::9", "ff02::1", "fe80::5", eth0},
		{"::1", "::1", "::1", lo},
	} {
		for _, size := range []int{0, 1, 56, 1400, 20000} {
			proto, request, reply := wire.ProtoICMPv4, uint8(wire.ICMPv4Echo), uint8(wire.ICMPv4EchoReply)
			if addr(c.src).Is6() {
				proto, request, reply = wire.ProtoICMPv6, wire.ICMPv6Echo, wire.ICMPv6EchoReply
			}
			h := between(c.src, c.dst, proto)
			h.TOS = 0xbb
			b.want(0, c.in, packet(h, icmp(request, 0, wire.EchoRest(5, 6), pattern(size))), Answer, NotDropped)
			var whole []byte
			all := b.output(0)
			for _, s := range all {
				whole = append(whole, s.body...)
				if s.ip.Src != addr(c.from) || s.ip.Dst != addr(c.src) || s.ip.TTL != 64 || s.ip.TOS != 0xb8 || s.Interface != c.in {
					t.Errorf("%s pings %s: answer %+v", c.src, c.dst, s.ip)
				}
			}
			if len(all) == 0 || whole[0] != reply || !bytes.Equal(whole[4:8], []byte{0, 5, 0, 6}) || !bytes.Equal(whole[8:], pattern(size)) {
				t.Errorf("%s pings %s with %d octets: answer of %d", c.src, c.dst, size, len(whole))
			}
		}
	}
}

// T-16: the answer has no octet that was not sent, whatever lies behind the packet.
func TestThreat_T16_EchoOfWhatWasSent(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	p := packet(between("192.0.2.9", "192.0.2.5", wire.ProtoICMPv4), icmp(wire.ICMPv4Echo, 0, 1, []byte("asked")))
	b.want(0, eth0, append(p, "secret that lies behind"...), Answer, NotDropped)
	if s := b.one(0); string(s.body[8:]) != "asked" {
		t.Errorf("answers %q", s.body[8:])
	}
	b.want(0, eth0, packet(between("192.0.2.9", "192.0.2.5", wire.ProtoICMPv4), []byte{wire.ICMPv4Echo, 0, 0xf7, 0xff}), Drop, BadICMP)
	b.none(0)
}

func TestICMPWithAWrongChecksum(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, f := range families {
		proto, kind := wire.ProtoICMPv4, uint8(wire.ICMPv4Echo)
		if f.name == "IPv6" {
			proto, kind = wire.ProtoICMPv6, wire.ICMPv6Echo
		}
		p := packet(between(f.src, f.dst, proto), icmp(kind, 0, 1, pattern(40)))
		p[len(p)-1] ^= 1
		b.want(0, eth0, p, Drop, BadChecksum)
	}
	b.none(0)
}

// Echo replies go to whoever asked.
func TestEchoRepliesAreDelivered(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	v := b.want(0, eth0, packet(between("192.0.2.9", "192.0.2.5", wire.ProtoICMPv4), icmp(wire.ICMPv4EchoReply, 0, 1, []byte("pong"))), Deliver, NotDropped)
	if got := v.Datagram.AppendTo(nil); string(got[8:]) != "pong" {
		t.Errorf("delivers %q", got)
	}
	b.want(0, eth0, packet(between("2001:db8:9::9", "2001:db8:1::5", wire.ProtoICMPv6), icmp(wire.ICMPv6EchoReply, 0, 1, nil)), Deliver, NotDropped)
}

func TestRFC1122_3_2_2_1_SendsUnreachable(t *testing.T) {
	for _, c := range []struct {
		why  NoticeKind
		four [2]byte
		six  [2]byte
	}{
		{PortUnreachable, [2]byte{3, 3}, [2]byte{1, 4}},
		{ProtoUnreachable, [2]byte{3, 2}, [2]byte{4, 1}},
		{Prohibited, [2]byte{3, 13}, [2]byte{1, 1}},
		{HostUnreachable, [2]byte{3, 1}, [2]byte{1, 3}},
		{NetUnreachable, [2]byte{3, 0}, [2]byte{1, 0}},
	} {
		for _, f := range families {
			for _, size := range []int{0, 10, 508, 4000} {
				b, _, eth0, _ := twoHomed(t)
				octets := packet(between(f.src, f.dst, wire.ProtoUDP), udp(1, 2, string(pattern(size))))
				v := b.want(0, eth0, octets, Deliver, NotDropped)
				b.Unreachable(0, &v.Datagram, c.why)
				s := b.one(0)
				want, limit, pointer := c.four, 576, byte(0)
				if f.name == "IPv6" {
					if want, limit = c.six, 1280; c.why == ProtoUnreachable {
						pointer = 6
					}
				}
				if [2]byte(s.body) != want || s.body[7] != pointer || s.ip.Src != addr(f.dst) || s.ip.Dst != addr(f.src) {
					t.Errorf("%v, %s: %x from %v to %v", c.why, f.name, s.body[:8], s.ip.Src, s.ip.Dst)
				}
				if n := min(len(octets), limit-int(s.ip.HeaderLen)-8); !bytes.Equal(s.body[8:], octets[:n]) {
					t.Errorf("%v, %s: quotes %d octets of %d, want %d", c.why, f.name, len(s.body)-8, len(octets), n)
				}
			}
		}
	}
}

// The same calls give the same packets, and another key gives others.
func TestNodeIsDeterministic(t *testing.T) {
	run := func(key byte) (all []byte) {
		b := newBench(t, Config{Key: [16]byte{key}})
		b.iface("lo", 65535, Loopback)
		id := b.iface("eth0", 1500, 0, "192.0.2.5/24", "2001:db8:1::5/64")
		b.route("::/0", id, "2001:db8:1::1")
		b.route("0.0.0.0/0", id, "192.0.2.1")
		rnd := rand.New(rand.NewPCG(1, 1))
		for range 300 {
			f := families[rnd.IntN(2)]
			v := b.arrive(0, id, packet(between(f.src, f.dst, wire.ProtoUDP), udp(1, 2, "x")))
			b.Unreachable(0, &v.Datagram, PortUnreachable)
			path, _ := b.Route(0, addr(f.src), addr(f.dst), 0)
			b.ok(b.Send(0, &Outgoing{Path: path, Src: addr(f.dst), Dst: addr(f.src), Proto: testProto, Octets: wire.Plain(pattern(3000))}))
			for _, s := range b.output(0) {
				all = append(all, s.octets...)
			}
		}
		return all
	}
	if !bytes.Equal(run(1), run(1)) {
		t.Error("two runs differ")
	}
	if bytes.Equal(run(1), run(2)) {
		t.Error("the key does not matter")
	}
}

func TestFlowLabel(t *testing.T) {
	n := New(Config{Key: [16]byte{1}})
	a, b := addr("2001:db8::1"), addr("2001:db8::2")
	label := n.FlowLabel(a, b, wire.ProtoTCP, 1, 2)
	if label > 0xfffff || label != n.FlowLabel(a, b, wire.ProtoTCP, 1, 2) {
		t.Errorf("label %x", label)
	}
	if label == n.FlowLabel(a, b, wire.ProtoTCP, 1, 3) || label == New(Config{}).FlowLabel(a, b, wire.ProtoTCP, 1, 2) {
		t.Error("another flow or key has the same label")
	}
}
