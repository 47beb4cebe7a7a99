package interop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/ip"
)

// The kernel's neighbour tables show us as a neighbour that answers, and ours the kernel.
func TestNeighbourTablesShowEachOther(t *testing.T) {
	t.Parallel()
	l := newLab(t, labPlan{tap: true, capture: true})
	run(t, "ip", "neigh", "flush", "dev", l.dev) // what it has heard from us, so that it asks
	for _, v := range l.versions() {
		l.streams(v, 1000)
		l.await(func() error {
			out := run(t, "ip", "neigh", "show", v.ours, "dev", l.dev)
			if !strings.Contains(out, "REACHABLE") {
				return fmt.Errorf("ip neigh: %q", out)
			}
			return nil
		})
		list := l.host.Neighbours()
		if !slices.ContainsFunc(list, func(n ip.Neighbour) bool {
			return n.Addr.String() == v.kernel && n.State == ip.Reachable
		}) {
			t.Errorf("our table: %+v", list)
		}
	}
}

// arping -D asks whether our address is free: it is not. The kernel, too, finds that
// an address of IPv6 is ours when it wants it for itself.
func TestKernelFindsOurAddressTaken(t *testing.T) {
	t.Parallel()
	need(t, "arping")
	l := newLab(t, labPlan{tap: true})
	if out, err := try(t, nil, "arping", "-D", "-c", "2", "-w", "5", "-I", l.dev, ours4); err == nil || !strings.Contains(out, ours4) {
		t.Errorf("arping found our address free: %v: %s", err, out)
	}
	if out, err := try(t, nil, "arping", "-D", "-c", "2", "-w", "3", "-I", l.dev, "192.0.2.99"); err != nil {
		t.Errorf("arping found a free address taken: %v: %s", err, out)
	}
	run(t, "ip", "addr", "add", ours6+"/64", "dev", l.dev)
	l.await(func() error {
		out := run(t, "ip", "-6", "addr", "show", "dev", l.dev)
		if !strings.Contains(out, "dadfailed") {
			return errors.New(out)
		}
		return nil
	})
	if _, ok := l.state(ours6); !ok {
		t.Error("our address is gone")
	}
}

// state returns the state of an address of our host.
func (l *lab) state(a string) (ip.AddressState, bool) {
	for _, x := range l.host.Addresses(l.index) {
		if x.Addr().String() == a {
			return x.State, true
		}
	}
	return 0, false
}

// An address that the kernel has is not used by us; one that nobody has is, when it
// has been tested. Both are told.
func TestOurAddressesAreTestedAgainstTheKernel(t *testing.T) {
	t.Parallel()
	l := newLab(t, labPlan{tap: true, bare: true, capture: true, options: []octet.Option{octet.WithAddressTests(true)}})
	told := make(chan octet.Change, 20)
	defer l.host.Watch(func(c octet.Change) { told <- c })()
	for _, a := range []string{kernel4 + "/24", ours4 + "/24", kernel6 + "/64", ours6 + "/64"} {
		if err := l.host.AddAddress(l.index, netip.MustParsePrefix(a)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]octet.ChangeKind{
		kernel4: octet.AddressTaken, kernel6: octet.AddressTaken, ours4: octet.AddressReady, ours6: octet.AddressReady,
	}
	for len(want) > 0 {
		select {
		case c := <-told:
			if want[c.Addr.String()] != c.Kind {
				t.Errorf("told %v", c)
			}
			delete(want, c.Addr.String())
		case <-time.After(30 * time.Second):
			t.Fatalf("not told of %v", want)
		}
	}
	var taken *octet.AddressError
	if err := l.host.AwaitAddresses(t.Context()); !errors.As(err, &taken) || len(taken.Taken) != 2 {
		t.Errorf("%v", err)
	}
	l.ready()
	for _, v := range l.versions() {
		l.streams(v, 10_000)
	}
}

// A second host with our address is detected, told and survived, and a connection
// from that address goes on.
func TestSecondHostWithOurAddress(t *testing.T) {
	t.Parallel()
	need(t, "arping")
	l := newLab(t, labPlan{tap: true})
	told := make(chan octet.Change, 20)
	defer l.host.Watch(func(c octet.Change) { told <- c })()
	ln := l.listen(net.JoinHostPort(ours4, "0"), echo)
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Another machine on the same link: the far end of a pair that is bridged with the TAP device.
	run(t, "ip", "link", "add", "br0", "type", "bridge")
	run(t, "ip", "link", "add", "far0", "type", "veth", "peer", "name", "near0")
	for _, d := range []string{"near0", "br0", "far0"} {
		run(t, "ip", "link", "set", d, "up")
	}
	run(t, "ip", "addr", "del", kernel4+"/24", "dev", l.dev)
	run(t, "ip", "addr", "add", kernel4+"/24", "dev", "br0")
	run(t, "ip", "link", "set", l.dev, "master", "br0")
	run(t, "ip", "link", "set", "near0", "master", "br0")
	if _, err := try(t, nil, "arping", "-U", "-c", "3", "-w", "5", "-s", ours4, "-I", "far0", ours4); err != nil {
		run(t, "ip", "addr", "add", ours4+"/32", "dev", "far0") // arping only says what is so
		run(t, "arping", "-U", "-c", "3", "-w", "5", "-s", ours4, "-I", "far0", ours4)
	}
	mac, err := os.ReadFile("/sys/class/net/far0/address")
	select {
	case x := <-told:
		if x.Kind != octet.AddressConflict || x.Addr.String() != ours4 || err == nil && x.MAC.String() != strings.TrimSpace(string(mac)) {
			t.Errorf("told %v", x)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("told nothing")
	}
	if s, ok := l.state(ours4); !ok || s != ip.Preferred {
		t.Errorf("our address is %v, %v", s, ok)
	}
	if _, err := try(t, nil, "ip", "addr", "del", ours4+"/32", "dev", "far0"); err != nil {
		t.Log("arping needed no address") // see above
	}
	if err := exchangeStream(c, octets(1, 100_000)); err != nil {
		t.Errorf("a connection from before: %v", err)
	}
}

const radvdConf = `
interface %s {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvLinkMTU 1400;
	AdvCurHopLimit 77;
	prefix 2001:db8:77::/64 { AdvOnLink on; AdvAutonomous on; };
	RDNSS 2001:db8:99::53 { };
	DNSSL example.org { };
};
`

// radvd configures us: an address, a default route, the MTU and name servers, all of
// which sockets use.
func TestRadvdConfiguresUs(t *testing.T) {
	t.Parallel()
	need(t, "radvd", "sysctl")
	l := newLab(t, labPlan{tap: true, bare: true, capture: true, options: []octet.Option{octet.WithAddressTests(true)}})
	told := make(chan octet.Change, 20)
	defer l.host.Watch(func(c octet.Change) { told <- c })()
	run(t, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
	run(t, "ip", "addr", "add", "2001:db8:77::1/64", "dev", l.dev, "nodad")
	run(t, "ip", "addr", "add", "2001:db8:99::53/128", "dev", "lo", "nodad")
	conf := l.file("radvd.conf", fmt.Appendf(nil, radvdConf, l.dev))
	if err := l.host.Autoconfigure(l.index, ip.Autoconf{}); err != nil {
		t.Fatal(err)
	}
	dns, err := net.ListenPacket("udp", "[2001:db8:99::53]:53")
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	go answerNames(dns, netip.MustParseAddr("2001:db8:99::53"))
	stop := l.start("radvd", "-n", "-C", conf, "-p", l.dir+"/radvd.pid", "-m", "stderr", "-u", "root")
	defer stop()
	var made netip.Addr
	for !made.IsValid() {
		select {
		case c := <-told:
			if c.Kind == octet.AddressReady && netip.MustParsePrefix("2001:db8:77::/64").Contains(c.Addr) {
				made = c.Addr
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no address came")
		}
	}
	if servers, search := l.host.NameServers(); len(servers) != 1 || servers[0].String() != "[2001:db8:99::53]:53" || !slices.Equal(search, []string{"example.org"}) {
		t.Errorf("name servers %v, search %v", servers, search)
	}
	path, err := l.host.RouteTo(netip.MustParseAddr("2001:db8:99::53"))
	if err != nil || path.Source != made || path.MTU != 1400 || path.HopLimit != 77 {
		t.Errorf("the path is %+v, %v", path, err)
	}
	theirs := l.listenKernel("[2001:db8:99::53]:0", echo)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := l.host.DialContext(ctx, "tcp", fmt.Sprintf("far:%d", theirs.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := exchangeStream(c, octets(3, 200_000)); err != nil {
		t.Error(err)
	}
	if c.LocalAddr().(*net.TCPAddr).AddrPort().Addr() != made {
		t.Errorf("the connection is from %v", c.LocalAddr())
	}
}

// answerNames is a name server that knows one address, that of far.example.org.
func answerNames(c net.PacketConn, a netip.Addr) {
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		end := 12 // of the question
		for end < n && b[end] != 0 {
			end += 1 + int(b[end])
		}
		end += 5
		if end > n {
			continue
		}
		answer := append([]byte(nil), b[:end]...)
		answer[2], answer[3] = 0x81, 0x80
		answer[10], answer[11] = 0, 0
		if string(b[12:end-4]) != "\x03far\x07example\x03org\x00" {
			answer[3] = 0x83 // there is no such name
		}
		if answer[3] == 0x80 && b[end-3] == 28 { // AAAA
			answer[7] = 1
			answer = append(answer, 0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16)
			answer = append(answer, a.AsSlice()...)
		}
		if _, err := c.WriteTo(answer, from); err != nil {
			return
		}
	}
}
