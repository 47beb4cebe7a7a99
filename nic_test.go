package octet

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

func TestAttachedInterface(t *testing.T) {
	a, _ := twoHosts(t, link.PipeOptions{Names: [2]string{"eth0", "eth1"}, MTU: 9000, Ethernet: true, MAC: [2][6]byte{{2, 1}, {2, 2}}})
	list, err := a.Interfaces()
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	i := list[1]
	if i.Name != "eth0" || i.Index != 2 || i.MTU != 9000 || i.MAC.String() != "02:01:00:00:00:00" ||
		i.Flags&(net.FlagUp|net.FlagBroadcast|net.FlagMulticast) != net.FlagUp|net.FlagBroadcast|net.FlagMulticast {
		t.Errorf("%+v", i)
	}
	for _, want := range []string{"192.0.2.1/24", "2001:db8::1/64"} {
		if !slices.Contains(i.Addrs, netip.MustParsePrefix(want)) {
			t.Errorf("addresses %v lack %s", i.Addrs, want)
		}
	}
}

// A router between two networks: hosts reach each other by the routes they were
// given, and not without them.
func TestRoutes(t *testing.T) {
	a, b := twoHosts(t, link.PipeOptions{})
	line := a.Timeline()
	x, y := link.NewPipe(line, link.PipeOptions{Names: [2]string{"x", "y"}})
	attach(t, b, x, "198.51.100.1/24")
	c := newHost(t, WithTimeline(line))
	attach(t, c, y, "198.51.100.2/24")
	far := netip.MustParsePrefix("198.51.100.0/24")
	if _, err := a.Dial("tcp", "198.51.100.1:80"); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("without a route: %v, want ENETUNREACH", err)
	}
	if err := a.AddRoute(far, addr("192.0.2.2")); err != nil {
		t.Fatal(err)
	}
	routes := a.Routes()
	if !slices.ContainsFunc(routes, func(r ip.Route) bool { return r.Prefix == far && r.Via == addr("192.0.2.2") }) {
		t.Errorf("%v lacks the route", routes)
	}
	if err := b.SetForwarding(true); err != nil {
		t.Fatal(err)
	}
	if err := c.AddRoute(netip.MustParsePrefix("0.0.0.0/0"), addr("198.51.100.1")); err != nil {
		t.Fatal(err)
	}
	s, client := pair(t, c, a, "198.51.100.2:80")
	exchange(t, s, client, 100_000)
	if err := b.SetForwarding(false); err != nil {
		t.Fatal(err)
	}
	u := dialUDP(t, a, "198.51.100.2:53")
	mustWrite(t, u, "x")
	if n := b.Stats().IPDrops[ip.NotForUs]; n == 0 {
		t.Error("a host that is no router forwarded")
	}
	if err := a.RemoveRoute(far, addr("192.0.2.2")); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveRoute(far, addr("192.0.2.2")); err == nil {
		t.Error("removed a route twice")
	}
	if err := a.AddRoute(far, addr("203.0.113.1")); err == nil {
		t.Error("added a route by a router that cannot be reached")
	}
}

func TestAddressesComeAndGo(t *testing.T) {
	a, b := twoHosts(t, link.PipeOptions{})
	s, c := pair(t, b, a, "192.0.2.2:80")
	if err := b.AddAddress(2, netip.MustParsePrefix("192.0.2.3/24")); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, c, "the tables have changed")
	mustRead(t, s, "the tables have changed")
	pair(t, b, a, "192.0.2.3:80")
	if err := b.RemoveAddress(2, addr("192.0.2.3")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Listen("tcp", "192.0.2.3:80"); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("listen at an address that is gone: %v, want EADDRNOTAVAIL", err)
	}
	if err := b.AddAddress(99, netip.MustParsePrefix("192.0.2.3/24")); err == nil {
		t.Error("gave an address to no interface")
	}
	if _, err := b.Attach(&forge{}, netip.Prefix{}); err == nil {
		t.Error("attached a device with an invalid address")
	}
}

// The link-local addresses of two links are different things, whatever they say.
func TestLinkLocalAddressesOfTwoLinks(t *testing.T) {
	line := timeline.New()
	h := newHost(t, WithTimeline(line))
	for i, name := range []string{"left", "right"} {
		x, y := link.NewPipe(line, link.PipeOptions{Names: [2]string{name, "peer"}})
		attach(t, h, x, "fe80::1/64")
		p := newHost(t, WithTimeline(line))
		attach(t, p, y, "fe80::2/64")
		l := listen(t, p, "[fe80::2%peer]:80")
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte{byte('0' + i)})
			c.Close()
		}()
	}
	for i, zone := range []string{"left", "right"} {
		c, err := h.Dial("tcp", "[fe80::2%"+zone+"]:80")
		if err != nil {
			t.Fatal(err)
		}
		mustRead(t, c, string(rune('0'+i)))
		if got, want := c.RemoteAddr().String(), "[fe80::2%"+zone+"]:80"; got != want {
			t.Errorf("remote address %s, want %s", got, want)
		}
		c.Close()
	}
	if _, err := h.Dial("tcp", "[fe80::2%nowhere]:80"); err == nil {
		t.Error("dialed through an interface that is not there")
	}
}

// A smaller MTU holds from the next packet on, for connections that are there too.
func TestMTUChanges(t *testing.T) {
	w := new(watcher)
	a, b := twoHosts(t, link.PipeOptions{}, WithObserver(w))
	s, c := pair(t, b, a, "192.0.2.2:80")
	for _, h := range []*Host{a, b} {
		if err := h.SetMTU(2, 600); err != nil {
			t.Fatal(err)
		}
	}
	w.longest.Store(0)
	exchange(t, s, c, 100_000)
	if n := w.longest.Load(); n > 600 {
		t.Errorf("a packet of %d octets was sent over an MTU of 600", n)
	}
	if err := a.SetMTU(99, 600); err == nil {
		t.Error("changed the MTU of no interface")
	}
}

// A device that goes away takes its connections with it, and nothing else.
func TestDetach(t *testing.T) {
	line := timeline.NewManual()
	h, p := newHost(t, WithTimeline(line)), newHost(t, WithTimeline(line))
	x, y := link.NewPipe(line, link.PipeOptions{})
	attach(t, h, x, "192.0.2.1/24")
	attach(t, p, y, "192.0.2.2/24")
	l := listening(t, p, "192.0.2.2:80", 1)
	c := connecting(t, h, "192.0.2.2:80")
	accepted(t, l)
	if err := h.Detach(2); err != nil {
		t.Fatal(err)
	}
	if err := h.Detach(2); err == nil {
		t.Error("detached twice")
	}
	if list, err := h.Interfaces(); err != nil || len(list) != 1 {
		t.Errorf("interfaces %v, %v", list, err)
	}
	if _, err := c.Send([]byte("lost")); err != nil {
		t.Errorf("send: %v", err)
	}
	line.Advance(line.Now().Add(2 * time.Hour))
	if _, err := c.Recv(make([]byte, 1)); err == nil || err == syscall.EAGAIN {
		t.Errorf("the connection lives on: %v", err)
	}
	if n := h.Stats().Drops[DropNoRoute]; n == 0 {
		t.Error("nothing was dropped for want of a route")
	}
	joinedSockets(t, h) // loopback is still there
	if _, err := h.Dial("udp", "192.0.2.2:9"); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("dial by the device: %v, want ENETUNREACH", err)
	}
}
