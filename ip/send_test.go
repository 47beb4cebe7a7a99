package ip

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// sender is a host with 192.0.2.5/24 and 2001:db8:1::5/64 on a link of this MTU.
func sender(t testing.TB, mtu int) *bench {
	b := newBench(t, Config{})
	b.iface("lo", 65535, Loopback)
	b.iface("eth0", mtu, Multicast, "192.0.2.5/24", "2001:db8:1::5/64")
	return b
}

// datagram makes the Outgoing of a UDP datagram without its checksum.
func (b *bench) datagram(dst string, payload []byte) *Outgoing {
	b.t.Helper()
	path, err := b.Route(0, addr(dst), netip.Addr{}, 0)
	b.ok(err)
	o := &Outgoing{Path: path, Src: path.Source, Dst: addr(dst), Proto: wire.ProtoUDP, NoSum: true}
	o.Head = make([]byte, 8)
	o.Data = chunk.Copy(payload)
	wire.PutUDP(o.Head, &wire.UDP{SrcPort: 1, DstPort: 2, Payload: o.Data})
	return o
}

// Datagrams of all sizes over links of all MTUs arrive as they were sent.
func TestRFC1122_3_3_3_SendInFragments(t *testing.T) {
	for _, dst := range []string{"192.0.2.9", "2001:db8:1::9"} {
		for _, mtu := range []int{68, 576, 1280, 1500, 9000, 65535} {
			if mtu < 1280 && addr(dst).Is6() {
				continue
			}
			for _, size := range []int{0, 1, 20, 21, 40, 41, 1452, 1453, 1472, 1473, 4096, 65507} {
				b := sender(t, mtu)
				receiver := newBench(t, Config{ReassemblyPerSource: 4 << 20})
				in := receiver.iface("eth0", mtu, 0, "192.0.2.9/24", "2001:db8:1::9/64")
				payload := pattern(size)
				b.ok(b.Send(0, b.datagram(dst, payload)))
				var v Verdict
				all := b.output(0)
				for i, s := range all {
					if s.ip.Len > mtu || i < len(all)-1 && s.ip.Len <= mtu-8 {
						t.Errorf("to %s, MTU %d, %d octets: fragment %d of %d has %d", dst, mtu, size, i, len(all), s.ip.Len)
					}
					p := Packet{Octets: wire.Plain(s.octets), Interface: in, NoSum: s.NoSum}
					receiver.Arrive(0, &p, &v)
				}
				d := &v.Datagram
				if v.Kind != Deliver || !bytes.Equal(d.AppendTo(nil)[8:], payload) {
					t.Errorf("to %s, MTU %d, %d octets: %v (%v), %d", dst, mtu, size, v.Kind, v.Reason, d.Len())
				} else if f := d.IP.Verify(&d.Octets); len(all) > 1 && (d.NoSum || f != wire.OK) {
					t.Errorf("to %s, MTU %d, %d octets: fragments without a checksum: %v", dst, mtu, size, f)
				}
			}
		}
	}
}

func TestSendRefuses(t *testing.T) {
	b := sender(t, 1500)
	for _, c := range []struct {
		name  string
		spoil func(o *Outgoing)
		want  error
	}{
		{"too big with DF", func(o *Outgoing) { o.DF, o.Data = true, chunk.Copy(pattern(1473)) }, ErrTooBig},
		{"too big for IP", func(o *Outgoing) { o.Data = chunk.Copy(pattern(65508)) }, ErrTooBig},
		{"families mixed", func(o *Outgoing) { o.Src = addr("::1") }, ErrInvalid},
		{"no source", func(o *Outgoing) { o.Src = netip.Addr{} }, ErrInvalid},
		{"endless header", func(o *Outgoing) { o.Head = make([]byte, 61) }, ErrInvalid},
	} {
		o := b.datagram("192.0.2.9", []byte("x"))
		c.spoil(o)
		if err := b.Send(0, o); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		b.none(0)
	}
	o := b.datagram("192.0.2.9", pattern(1472))
	o.DF = true
	b.ok(b.Send(0, o))
	if s := b.one(0); s.ip.ID != 0 || s.ip.Flags&wire.DontFragment == 0 || s.ip.TTL != 64 {
		t.Errorf("sends %+v", s.ip)
	}
}

// RFC 1112 §6.1: what a host sends to a group it is in comes back to it, and has a
// time to live of one unless asked otherwise.
func TestSendToMany(t *testing.T) {
	for _, c := range []struct {
		dst  string
		join bool
		mac  wire.MAC
	}{
		{"224.1.2.3", true, wire.MAC{1, 0, 0x5e, 1, 2, 3}},
		{"239.129.2.3", false, wire.MAC{1, 0, 0x5e, 1, 2, 3}},
		{"255.255.255.255", true, wire.BroadcastMAC()},
		{"192.0.2.255", true, wire.BroadcastMAC()},
		{"ff05::1:3", true, wire.MAC{0x33, 0x33, 0, 1, 0, 3}},
	} {
		b := newBench(t, Config{})
		id := b.iface("eth0", 1500, Multicast|Ethernet, "192.0.2.5/24", "2001:db8:1::5/64")
		b.route("ff05::/16", id, "")
		group := addr(c.dst).IsMulticast()
		if c.join && group {
			b.ok(b.Join(0, id, addr(c.dst)))
		}
		b.output(0)
		b.ok(b.Send(0, b.datagram(c.dst, []byte("to many"))))
		all := b.output(0)
		if len(all) != 1+truth(c.join) {
			t.Errorf("to %s: %d packets", c.dst, len(all))
			continue
		}
		out := all[len(all)-1]
		if out.MAC != c.mac || out.Looped || out.ip.Dst != addr(c.dst) || (out.ip.TTL == 1) != group {
			t.Errorf("to %s: frame for %v, %+v", c.dst, out.MAC, out.ip)
		}
		if !c.join {
			continue
		}
		p := Packet{Octets: wire.Plain(all[0].octets), Interface: all[0].Interface, Looped: all[0].Looped, NoSum: all[0].NoSum}
		var v Verdict
		if b.Arrive(0, &p, &v); !all[0].Looped || v.Kind != Deliver || !bytes.HasSuffix(v.Datagram.AppendTo(nil), []byte("to many")) {
			t.Errorf("to %s: our own copy: %v (%v)", c.dst, v.Kind, v.Reason)
		}
		b.Unreachable(0, &v.Datagram, PortUnreachable)
		o := b.datagram(c.dst, nil)
		o.NoLoop = true
		b.ok(b.Send(0, o))
		b.one(0)
	}
}

// The queue of packets that nobody takes is bounded.
func TestOutputIsBounded(t *testing.T) {
	b := sender(t, 1500)
	for range 2 * maxQueued {
		b.ok(b.Send(0, b.datagram("192.0.2.9", []byte("x"))))
	}
	if n := len(b.output(0)); n != maxQueued || b.Drops()[QueueFull] != maxQueued {
		t.Errorf("%d packets, %d dropped", n, b.Drops()[QueueFull])
	}
	b.ok(b.Send(0, b.datagram("192.0.2.9", []byte("x"))))
	b.one(0)
}

func TestSendDoesNotAllocate(t *testing.T) {
	b := sender(t, 1500)
	o := b.datagram("192.0.2.9", pattern(1000))
	data := o.Data
	var p Packet
	if n := testing.AllocsPerRun(100, func() {
		o.Data = data.Share()
		_ = b.Send(0, o)
		for b.Output(0, &p) {
			p.Data.Release()
		}
	}); n > 0 {
		t.Errorf("%v allocations a datagram", n)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, size := range []int{100, 8000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			n := sender(b, 1500)
			o := n.datagram("192.0.2.9", pattern(size))
			data := o.Data
			var p Packet
			b.ReportAllocs()
			for b.Loop() {
				o.Data = data.Share()
				_ = n.Send(0, o)
				for n.Output(0, &p) {
					p.Data.Release()
				}
			}
		})
	}
}
