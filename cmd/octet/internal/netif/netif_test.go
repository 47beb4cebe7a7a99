package netif

import (
	"net"
	"net/netip"
	"testing"

	"github.com/octet-net/octet"
)

func TestKernelAgreesWithPackageNet(t *testing.T) {
	got, err := Of(octet.System())
	if err != nil {
		t.Fatal(err)
	}
	want, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%d interfaces, package net has %d", len(got), len(want))
	}
	for k, w := range want {
		g := got[k]
		if g.Index != w.Index || g.Name != w.Name || g.MTU != w.MTU || g.Up() != (w.Flags&net.FlagUp != 0) ||
			g.Flags.Has("LOOPBACK") != (w.Flags&net.FlagLoopback != 0) || g.Flags.Has("MULTICAST") != (w.Flags&net.FlagMulticast != 0) {
			t.Errorf("interface %+v, package net says %+v", g, w)
		}
		if _, rest := g.Flags.Names(); rest != 0 {
			t.Errorf("%s: bits %#x of its flags have no name", g.Name, rest)
		}
		sameAddrs(t, g, w)
	}
}

func sameAddrs(t *testing.T, g Interface, w net.Interface) {
	t.Helper()
	addrs, err := w.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Addrs) != len(addrs) {
		t.Fatalf("%s: %d addresses, package net has %d", g.Name, len(g.Addrs), len(addrs))
	}
	for i, a := range addrs {
		if s := g.Addrs[i].Prefix.String(); s != a.String() {
			t.Errorf("%s: address %s, package net says %s", g.Name, s, a)
		}
	}
}

func TestShown(t *testing.T) {
	list, err := shown(fake{})
	if err != nil {
		t.Fatal(err)
	}
	want := "lo: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 65536\n\tinet 127.0.0.1 netmask 0xff000000\n\tinet6 ::1 prefixlen 128\n"
	if got := list[0].Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	want = "eth0: flags=8043<UP,BROADCAST,RUNNING,MULTICAST> mtu 1500\n\tether 02:00:00:00:00:01\n\tinet 192.0.2.5 netmask 0xffffff00 broadcast 192.0.2.255\n"
	if got := list[1].Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// fake is a network that only lists interfaces.
type fake struct{ octet.Network }

func (fake) Interfaces() ([]octet.Interface, error) {
	up := net.FlagUp | net.FlagRunning | net.FlagMulticast
	return []octet.Interface{
		{Index: 1, Name: "lo", MTU: 65536, Flags: up | net.FlagLoopback, Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}},
		{Index: 2, Name: "eth0", MTU: 1500, Flags: up | net.FlagBroadcast, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.5/24")}},
	}, nil
}

func TestLast(t *testing.T) {
	for p, want := range map[string]string{
		"127.0.0.1/8": "127.255.255.255", "192.0.2.5/24": "192.0.2.255", "10.1.2.3/30": "10.1.2.3", "10.0.0.1/32": "10.0.0.1",
		"0.0.0.0/0": "255.255.255.255", "10.1.2.3/20": "10.1.15.255", "fe80::1/64": "fe80::ffff:ffff:ffff:ffff",
	} {
		if got := Last(netip.MustParsePrefix(p)); got.String() != want {
			t.Errorf("Last(%s) = %s, want %s", p, got, want)
		}
	}
}
