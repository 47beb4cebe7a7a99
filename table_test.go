package octet

import (
	"net/netip"
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	var tab table[*Socket]
	tab.init()
	var all []*Socket
	for i := range 1000 {
		k := tupleNumber(i)
		s := &Socket{tuple: k}
		s.timer.Init(nil, uint64(1000-i), nil)
		if !tab.add(&k, s) || tab.add(&k, &Socket{tuple: k}) {
			t.Fatal("a tuple can be taken once")
		}
		all = append(all, s)
	}
	if tab.len() != 1000 {
		t.Errorf("it holds %d sockets", tab.len())
	}
	slices.Reverse(all)
	if !slices.Equal(tab.all((*Socket).key), all) {
		t.Error("the sockets are not listed in the order of their keys")
	}
	for i := range 1000 {
		k := tupleNumber(i)
		tab.remove(&k, &Socket{}) // of another socket: does nothing
		if s := tab.get(&k); s == nil || s.key() != uint64(1000-i) {
			t.Fatal("a socket is lost")
		}
		tab.remove(&k, tab.get(&k))
		if tab.get(&k) != nil {
			t.Fatal("a removed socket is found")
		}
	}
	for i := range tab.shard {
		if n := len(tab.shard[i].slots); n > leastSlots {
			t.Errorf("an empty shard keeps %d slots", n)
		}
	}
}

// Different connections have different names; one on another link too, but only
// where the addresses mean something else there.
func TestTupleNames(t *testing.T) {
	ap := netip.MustParseAddrPort
	for _, c := range []struct {
		local, remote string
		same          bool
	}{
		{"192.0.2.1:1", "192.0.2.2:2", true},
		{"[2001:db8::1]:1", "[2001:db8::2]:2", true},
		{"[fe80::1]:1", "[fe80::2]:2", false},
	} {
		a, b := tupleOf(ap(c.local), ap(c.remote), 2), tupleOf(ap(c.local), ap(c.remote), 3)
		if (a == b) != c.same {
			t.Errorf("%s to %s on two links: the same name is %v", c.local, c.remote, a == b)
		}
		local, remote := a.ends()
		if local != ap(c.local) || remote != ap(c.remote) {
			t.Errorf("%s to %s came back as %v to %v", c.local, c.remote, local, remote)
		}
		x := tupleOf(ap(c.remote), ap(c.local), 2)
		if x == a || x.bytes() == a.bytes() {
			t.Error("both directions have one name")
		}
	}
}
