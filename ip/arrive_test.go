package ip

import (
	"bytes"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// plain is twoHomed without Ethernet: eth0 has 192.0.2.5/24 and 2001:db8:1::5/64,
// eth1 198.51.100.7/25 and 2001:db8:2::7/64.
func TestArriveDelivers(t *testing.T) {
	b, lo, eth0, eth1 := twoHomed(t)
	b.ok(b.Join(0, eth0, addr("224.1.2.3")))
	b.settle()
	for _, c := range []struct {
		name, src, dst string
		in             ID
		cast           Cast
	}{
		{"unicast", "192.0.2.9", "192.0.2.5", eth0, Unicast},
		{"routed", "203.0.113.1", "198.51.100.7", eth1, Unicast},
		{"broadcast", "192.0.2.9", "192.0.2.255", eth0, Broadcast},
		{"limited broadcast", "192.0.2.9", "255.255.255.255", eth0, Broadcast},
		{"broadcast of one without an address", "0.0.0.0", "255.255.255.255", eth0, Broadcast},
		{"all hosts", "192.0.2.9", "224.0.0.1", eth0, Multicasting},
		{"group", "192.0.2.9", "224.1.2.3", eth0, Multicasting},
		{"IPv6", "2001:db8:9::1", "2001:db8:1::5", eth0, Unicast},
		{"link-local", "fe80::9", "fe80::5", eth0, Unicast},
		{"all nodes", "fe80::9", "ff02::1", eth0, Multicasting},
		{"solicited node", "fe80::9", "ff02::1:ff00:5", eth0, Multicasting},
		{"loopback", "127.0.0.1", "127.0.0.1", lo, Unicast},
		{"elsewhere in 127/8", "127.0.0.1", "127.9.9.9", lo, Unicast},
		{"loopback of IPv6", "::1", "::1", lo, Unicast},
		{"ourselves", "192.0.2.5", "198.51.100.7", lo, Unicast},
	} {
		octets := packet(between(c.src, c.dst, wire.ProtoUDP), udp(4000, 5000, "hello"))
		v := b.arrive(0, c.in, append(octets, "padding"...))
		d := &v.Datagram
		if v.Kind != Deliver || d.Cast != c.cast || d.Interface != c.in {
			t.Errorf("%s: %v (%v), cast %d, interface %d", c.name, v.Kind, v.Reason, d.Cast, d.Interface)
			continue
		}
		if got := d.AppendTo(nil); !bytes.Equal(got[8:], []byte("hello")) {
			t.Errorf("%s: delivers %q", c.name, got)
		}
		if !bytes.Equal(d.Header, octets[:d.IP.HeaderLen]) || d.IP.Src != addr(c.src) || d.IP.Proto != wire.ProtoUDP {
			t.Errorf("%s: header %x, %+v", c.name, d.Header, d.IP)
		}
		d.Data.Release()
	}
	b.none(0)
}

// A packet that one of our stacks built lies in two pieces.
func TestArriveTakesTwoPieces(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	whole := packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(4000, 5000, "hello"))
	p := Packet{Octets: wire.Octets{Head: whole[:28], Data: chunk.Copy(whole[28:])}, Interface: eth0, NoSum: true}
	var v Verdict
	b.Arrive(0, &p, &v)
	if v.Kind != Deliver || len(v.Datagram.Header) != 20 || len(v.Datagram.Head) != 8 || string(v.Datagram.Data.B) != "hello" || !v.Datagram.NoSum {
		t.Errorf("%v (%v): %+v", v.Kind, v.Reason, v.Datagram)
	}
	if p.Data.Len() != 0 {
		t.Error("the packet keeps what was delivered")
	}
}

func TestDeliverDoesNotAllocate(t *testing.T) {
	b, _, eth0, _ := twoHomed(t)
	for _, octets := range [][]byte{
		packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(4000, 5000, "hello")),
		packet(between("2001:db8:9::1", "2001:db8:1::5", wire.ProtoUDP), udp(4000, 5000, "hello")),
	} {
		var v Verdict
		if n := testing.AllocsPerRun(100, func() {
			p := Packet{Octets: wire.Plain(octets), Interface: eth0}
			b.Arrive(0, &p, &v)
		}); n != 0 || v.Kind != Deliver {
			t.Errorf("%v allocations for %v (%v)", n, v.Kind, v.Reason)
		}
	}
}

func BenchmarkDeliver(b *testing.B) {
	n, _, eth0, _ := twoHomed(b)
	for name, octets := range map[string][]byte{
		"IPv4": packet(between("192.0.2.9", "192.0.2.5", wire.ProtoUDP), udp(4000, 5000, "hello")),
		"IPv6": packet(between("2001:db8:9::1", "2001:db8:1::5", wire.ProtoUDP), udp(4000, 5000, "hello")),
	} {
		b.Run(name, func(b *testing.B) {
			var v Verdict
			b.ReportAllocs()
			for b.Loop() {
				p := Packet{Octets: wire.Plain(octets), Interface: eth0}
				n.Arrive(0, &p, &v)
			}
		})
	}
}
