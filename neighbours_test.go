package octet

import (
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// A gate is a device that lets nothing out while it is shut, and counts the frames
// of neighbour discovery that it lets out.
type gate struct {
	link.Device
	shut  atomic.Bool
	asked atomic.Int64 // ARP requests and neighbour solicitations
}

func (g *gate) Send(p *link.Packet) {
	b := p.AppendTo(nil)
	switch {
	case b[12] == 8 && b[13] == 6 && b[21] == 1 && string(b[28:32]) != string(b[38:42]): // no announcement
		g.asked.Add(1)
	case len(b) > 54 && b[12] == 0x86 && b[20] == byte(wire.ProtoICMPv6) && b[54] == wire.ICMPv6NeighborSolicit:
		g.asked.Add(1)
	}
	if g.shut.Load() {
		p.Data.Release()
		return
	}
	g.Device.Send(p)
}

// neighbours returns two hosts on an Ethernet link whose time stands still, and
// the gates before them.
func neighbours(t *testing.T, o ...Option) (line *timeline.Timeline, hosts [2]*Host, gates [2]*gate) {
	line = timeline.NewManual()
	a, b := link.NewPipe(line, ethernet)
	for i, d := range []link.Device{a, b} {
		gates[i] = &gate{Device: d}
		hosts[i] = newHost(t, append([]Option{WithTimeline(line), WithName("host" + string(rune('0'+i)))}, o...)...)
		end := string(rune('1' + i))
		attach(t, hosts[i], gates[i], "192.0.2."+end+"/24", "2001:db8::"+end+"/64", "fe80::"+end+"/64")
	}
	return line, hosts, gates
}

func after(line *timeline.Timeline, d time.Duration) { line.Advance(line.Now().Add(d)) }

// stateOf returns what a host knows of a neighbour.
func stateOf(h *Host, a string) string {
	for _, n := range h.Neighbours() {
		if n.Addr == netip.MustParseAddr(a) {
			return n.State.String()
		}
	}
	return "nothing"
}

// RFC 4861 §7.2.2, RFC 1122 §2.3.2.2: when nobody answers, who sent the packets is
// told. Nobody else can find the host then, so a SYN in progress ends.
func TestDialToASilentNeighbourFailsInThreeSeconds(t *testing.T) {
	for _, address := range []string{"192.0.2.9:80", "[2001:db8::9]:80", "[fe80::9%pipe0]:80"} {
		line, hosts, _ := neighbours(t)
		s := connecting(t, hosts[0], address)
		after(line, 2900*time.Millisecond)
		if err := s.Error(); err != nil {
			t.Errorf("%s: %v before all has been tried", address, err)
		}
		after(line, 200*time.Millisecond)
		if err := s.Error(); err != syscall.EHOSTUNREACH {
			t.Errorf("%s: %v, want EHOSTUNREACH", address, err)
		}
	}
}

// RFC 1122 §4.2.3.9: a connection outlives a time in which its neighbour is silent,
// and asks for it again when the timeouts say that something is wrong.
func TestConnectionOutlivesItsNeighboursSilence(t *testing.T) {
	for _, address := range []string{"192.0.2.2:80", "[2001:db8::2]:80"} {
		line, hosts, gates := neighbours(t)
		l := listening(t, hosts[1], address, 1)
		c := connecting(t, hosts[0], address)
		s := accepted(t, l)
		peer := netip.MustParseAddrPort(address).Addr().String()
		if got := stateOf(hosts[0], peer); got != "REACHABLE" {
			t.Errorf("%s: the neighbour is %s", peer, got)
		}
		gates[1].shut.Store(true)
		if _, err := c.Send([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		asked := gates[0].asked.Load()
		after(line, 20*time.Second) // far less than it is believed without doubt
		if gates[0].asked.Load() < asked+3 {
			t.Error("nobody asked whether the neighbour is there")
		}
		if got := stateOf(hosts[0], peer); got != "nothing" && got != "INCOMPLETE" {
			t.Errorf("%s: the silent neighbour is %s", peer, got)
		}
		if err := c.Error(); err != nil {
			t.Errorf("the connection ended: %v", err)
		}
		gates[1].shut.Store(false)
		after(line, time.Minute)
		b := make([]byte, 9)
		if n, err := s.Recv(b); err != nil || string(b[:n]) != "hello" {
			t.Errorf("%q, %v", b[:n], err)
		}
	}
}

// RFC 4861 §7.3.1: while a connection makes progress its neighbour needs no question.
func TestProgressConfirmsTheNeighbour(t *testing.T) {
	line, hosts, gates := neighbours(t)
	l := listening(t, hosts[1], "192.0.2.2:80", 1)
	c := connecting(t, hosts[0], "192.0.2.2:80")
	s := accepted(t, l)
	asked := gates[0].asked.Load() + gates[1].asked.Load()
	b := make([]byte, 9)
	for range 100 {
		if _, err := c.Send([]byte("tick")); err != nil {
			t.Fatal(err)
		}
		after(line, 3*time.Second)
		if n, err := s.Recv(b); err != nil || n != 4 {
			t.Fatal(n, err)
		}
		for i, a := range []string{"192.0.2.2", "192.0.2.1"} {
			if got := stateOf(hosts[i], a); got != "REACHABLE" {
				t.Fatalf("%s is %s", a, got)
			}
		}
	}
	if n := gates[0].asked.Load() + gates[1].asked.Load() - asked; n != 0 {
		t.Errorf("%d questions in a conversation of five minutes", n)
	}
	after(line, time.Minute)
	if got := stateOf(hosts[0], "192.0.2.2"); got != "STALE" {
		t.Errorf("after a minute of silence the neighbour is %s", got)
	}
}

func TestNeighboursByHand(t *testing.T) {
	line, hosts, gates := neighbours(t)
	a, b := hosts[0], hosts[1]
	mac := []byte{2, 0, 0, 0, 0, 2}
	if err := a.AddNeighbour(2, addr("192.0.2.2"), mac); err != nil {
		t.Fatal(err)
	}
	l := listening(t, b, "192.0.2.2:80", 1)
	connecting(t, a, "192.0.2.2:80")
	accepted(t, l)
	if n := gates[0].asked.Load(); n != 0 {
		t.Errorf("asked %d times for a neighbour that was given", n)
	}
	after(line, time.Hour)
	if got := stateOf(a, "192.0.2.2"); got != "PERMANENT" {
		t.Errorf("the neighbour is %s", got)
	}
	if err := a.RemoveNeighbour(2, addr("192.0.2.2")); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"twice":        a.RemoveNeighbour(2, addr("192.0.2.2")),
		"short":        a.AddNeighbour(2, addr("192.0.2.2"), mac[:5]),
		"no interface": a.AddNeighbour(9, addr("192.0.2.2"), mac),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// RFC 5227 §2.4, T-61: two hosts with one address hear of each other, keep it, and
// say so seldom.
func TestThreat_T61_AddressConflictIsReportedAndSurvived(t *testing.T) {
	line, hosts, gates := neighbours(t)
	var told [2]changes
	defer told[0].watch(hosts[0])()
	defer told[1].watch(hosts[1])()
	p := netip.MustParsePrefix("192.0.2.7/24")
	gates[0].shut.Store(true) // so that the other hears nothing of it
	for _, h := range hosts {
		if err := h.AddAddress(2, p); err != nil { // announces it
			t.Fatal(err)
		}
		after(line, 3*time.Second)
		gates[0].shut.Store(false)
	}
	after(line, 30*time.Second)
	if len(told[0]) == 0 || told[0][0] != "pipe0: address conflict 192.0.2.7 by 02:00:00:00:00:02" {
		t.Errorf("%q", []string(told[0]))
	}
	if len(told[1]) == 0 || told[1][0] != "pipe1: address conflict 192.0.2.7 by 02:00:00:00:00:01" {
		t.Errorf("%q", []string(told[1]))
	}
	if n := len(told[0]) + len(told[1]); n > 6 { // each once in ten seconds
		t.Errorf("%d reports in 33 seconds", n)
	}
	for _, h := range hosts {
		if _, ok := h.ip.tables.Load().Local(p.Addr()); !ok {
			t.Error("the address was given up")
		}
	}
}
