package link

import (
	"net/netip"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// echo returns an ICMPv6 echo with an identifier.
func echo(id uint16) []byte {
	h := wire.IP{Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::2"), Proto: wire.ProtoICMPv6, TTL: 64, Len: 48}
	b := make([]byte, h.Len)
	wire.PutIP(b, &h)
	wire.PutICMP(b[40:], &wire.ICMP{Type: wire.ICMPv6Echo, Rest: wire.EchoRest(id, 1)})
	return b
}

func TestFlowsAreToldApart(t *testing.T) {
	change := func(b []byte, i int, v byte) []byte { b[i] = v; return b }
	packets := map[string][]byte{
		"tcp4":          segment(false, 10),
		"tcp4, port":    change(segment(false, 10), 21, 9),
		"tcp4, address": change(segment(false, 10), 19, 9),
		"tcp4 as udp":   change(segment(false, 10), 9, 17),
		"fragment":      change(segment(false, 10), 6, 0x20),
		"tcp6":          segment(true, 10),
		"tcp6, port":    change(segment(true, 10), 41, 9),
		"echo":          echo(1),
		"other echo":    echo(2),
		"no IP":         {1, 2, 3},
	}
	seen := make(map[uint64]string)
	for name, b := range packets {
		id := flowOf(sipKey{1, 2}, &Packet{Data: chunk.Borrow(b)}, false)
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s are one flow", name, other)
		}
		seen[id] = name
		split := Packet{Data: chunk.Borrow(b[min(24, len(b)):])}
		copy(split.SetHead(min(24, len(b))), b)
		if flowOf(sipKey{1, 2}, &split, false) != id {
			t.Errorf("%s: the flow depends on where the octets lie", name)
		}
	}
	frame := append(make([]byte, 12), 0x08, 0)
	if flowOf(sipKey{1, 2}, &Packet{Data: chunk.Borrow(append(frame, packets["tcp4"]...))}, true) !=
		flowOf(sipKey{1, 2}, &Packet{Data: chunk.Borrow(packets["tcp4"])}, false) {
		t.Error("the flow of a frame is not that of its packet")
	}
}

func TestFlowTableIsBounded(t *testing.T) {
	var f flows
	f.get(1).sent = 5
	for id := range uint64(3 * flowsMax) {
		if f.get(100+id).sent++; id%1000 == 0 {
			f.get(1).sent++ // used now and then: it stays
		}
	}
	if n := len(f.young) + len(f.old); n > 2*flowsMax {
		t.Errorf("%d flows are remembered", n)
	}
	if got := f.get(1).sent; got != 5+3*flowsMax/1000+1 {
		t.Errorf("the busy flow counts %d", got)
	}
}

func FuzzFlow(f *testing.F) {
	f.Add(segment(false, 10), false, uint8(0))
	f.Add(segment(true, 10), false, uint8(40))
	f.Add(append(make([]byte, 14), echo(1)...), true, uint8(14))
	f.Fuzz(func(_ *testing.T, b []byte, ethernet bool, head uint8) {
		n := min(int(head), len(b), HeadRoom)
		p := Packet{Data: chunk.Borrow(b[n:]), NoSum: true}
		copy(p.SetHead(n), b)
		flowOf(sipKey{}, &p, ethernet)
		seal(&p, ethernet)
	})
}
