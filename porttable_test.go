package octet

import (
	"net/netip"
	"testing"

	"github.com/octet-net/octet/wire"
)

// Which addresses of one port can be bound beside which.
func TestBindingsConflict(t *testing.T) {
	type b struct {
		addr         string
		dual, listen bool
		reuse        bool
	}
	own := func(addr string) b { return b{addr: addr} }
	shared := func(addr string) b { return b{addr: addr, reuse: true} }
	listener := func(addr string) b { return b{addr: addr, reuse: true, listen: true} }
	dual := b{addr: "::", dual: true, reuse: true, listen: true}
	for _, c := range []struct {
		first, second b
		conflict      bool
	}{
		{own("127.0.0.1"), own("127.0.0.1"), true},
		{own("127.0.0.1"), own("127.0.0.2"), false},
		{own("127.0.0.1"), own("0.0.0.0"), true},
		{own("0.0.0.0"), own("127.0.0.1"), true},
		{own("0.0.0.0"), own("::"), false},
		{own("0.0.0.0"), own("::1"), false},
		{own("::"), own("::1"), true},
		{dual, own("127.0.0.1"), true},
		{own("0.0.0.0"), dual, true},
		{dual, own("::1"), true},
		{shared("127.0.0.1"), shared("127.0.0.1"), false},
		{shared("127.0.0.1"), own("127.0.0.1"), true},
		{listener("127.0.0.1"), shared("127.0.0.1"), true},
		{listener("127.0.0.1"), shared("0.0.0.0"), true},
		{listener("127.0.0.1"), shared("127.0.0.2"), false},
	} {
		var p portTable
		var list []*binding
		for _, x := range []b{c.first, c.second} {
			list = append(list, &binding{proto: wire.ProtoTCP, local: netip.AddrPortFrom(addr(x.addr), 80), dual: x.dual, reuse: x.reuse})
		}
		if err := p.bind(list[0], 0, 0); err != nil {
			t.Fatal(err)
		}
		if c.first.listen {
			if err := p.listen(list[0], &listenerOfNobody); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.bind(list[1], 0, 0); (err != nil) != c.conflict {
			t.Errorf("%+v beside %+v: %v", c.second, c.first, err)
		}
		p.release(list[0])
		p.release(list[0]) // twice does nothing
		p.release(nil)
		if err := p.bind(list[0], 0, 0); c.conflict && err != nil {
			t.Errorf("%+v after release: %v", c.first, err)
		}
	}
}

var listenerOfNobody listener

// A packet goes to the most special binding.
func TestBindingsAreFoundBestFirst(t *testing.T) {
	var p portTable
	for _, x := range []struct {
		addr string
		dual bool
	}{{"::", true}, {"0.0.0.0", false}, {"127.0.0.1", false}, {"::1", false}} {
		b := &binding{proto: wire.ProtoTCP, local: netip.AddrPortFrom(addr(x.addr), 80), dual: x.dual, reuse: true}
		no := portNo{b.proto, 80}
		if p.byNo == nil {
			p.byNo = map[portNo][]*binding{}
		}
		p.byNo[no] = append(p.byNo[no], b) // beside each other, as Bind would not let them
		b.listen.Store(&listenerOfNobody)
	}
	for to, want := range map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.2": "0.0.0.0", "::1": "::1", "2001:db8::1": "::"} {
		b := p.find(wire.ProtoTCP, netip.AddrPortFrom(addr(to), 80), 0)
		if b == nil || b.local.Addr() != addr(want) {
			t.Errorf("%s: found %+v, want %s", to, b, want)
		}
	}
	if b := p.find(wire.ProtoTCP, netip.AddrPortFrom(addr("127.0.0.1"), 81), 0); b != nil {
		t.Errorf("found %+v at another port", b)
	}
	if b := p.find(wire.ProtoUDP, netip.AddrPortFrom(addr("127.0.0.1"), 80), 0); b != nil {
		t.Errorf("found %+v of another protocol", b)
	}
}
