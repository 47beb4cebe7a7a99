package recipes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/octet-net/octet/sim"
)

const gossipPort = 7946

// A gossip is the network of a member: memberlist.Transport.
type gossip struct {
	host     *sim.Host
	socket   net.PacketConn
	listener net.Listener
	packets  chan *memberlist.Packet
	streams  chan net.Conn
	done     chan struct{}
}

func newGossip(t *testing.T, h *sim.Host) *gossip {
	at := netip.AddrPortFrom(h.Addr(), gossipPort).String()
	socket, err := h.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	g := &gossip{
		host: h, socket: socket, listener: listen(t, h, at),
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), done: make(chan struct{}),
	}
	h.Background(g.readPackets)
	h.Background(g.acceptStreams)
	return g
}

func (g *gossip) readPackets() {
	b := make([]byte, 64<<10)
	for {
		size, from, err := g.socket.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil { // of an earlier packet, whose host or port is gone
			continue
		}
		select {
		case g.packets <- &memberlist.Packet{Buf: slices.Clone(b[:size]), From: from, Timestamp: time.Now()}:
		case <-g.done:
			return
		}
	}
}

func (g *gossip) acceptStreams() {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		select {
		case g.streams <- c:
		case <-g.done:
			c.Close()
			return
		}
	}
}

func (g *gossip) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return g.host.Addr().AsSlice(), gossipPort, nil
}

func (g *gossip) WriteTo(b []byte, address string) (time.Time, error) {
	to, err := netip.ParseAddrPort(address)
	if err == nil {
		_, err = g.socket.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	return time.Now(), err
}

func (g *gossip) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return g.host.DialContext(ctx, "tcp", address)
}

func (g *gossip) PacketCh() <-chan *memberlist.Packet { return g.packets }
func (g *gossip) StreamCh() <-chan net.Conn           { return g.streams }

func (g *gossip) Shutdown() error {
	close(g.done)
	for _, c := range []io.Closer{g.socket, g.listener} {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // the power was lost
			return err
		}
	}
	return nil
}

// await lets time pass until every member sees so many alive.
func await(t *testing.T, members []*memberlist.Memberlist, alive int) time.Duration {
	t.Helper()
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		if !slices.ContainsFunc(members, func(m *memberlist.Memberlist) bool { return m.NumMembers() != alive }) {
			return time.Since(began)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, m := range members {
		t.Errorf("%s sees %d members, want %d", m.LocalNode().Name, m.NumMembers(), alive)
	}
	return time.Since(began)
}

// hashicorp/memberlist: its own transport opens sockets of the operating system; give
// it a Transport on a host's ListenPacket and Listen, with channels that are made in
// the bubble. Join by address, for it resolves names itself. Shut every member down
// before the bubble ends, and those that have lost their power too: no network can
// stop their timers. Whom it asks first is drawn from math/rand (see seedChance), and
// its goroutines race: only octet test repeats it, in a new process.
func TestMemberlist(t *testing.T) {
	twice(t, func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 5 * time.Millisecond, Loss: sim.Random(0.03)})
		var hosts []*sim.Host
		var members []*memberlist.Memberlist
		for i := range 5 {
			h := n.Host(fmt.Sprint("member", i+1), lan)
			config := memberlist.DefaultLANConfig()
			config.Name, config.Transport, config.LogOutput = h.Name(), newGossip(t, h), io.Discard
			m, err := memberlist.Create(config)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				if _, err := m.Join([]string{netip.AddrPortFrom(hosts[0].Addr(), gossipPort).String()}); err != nil {
					t.Errorf("%s: %v", h.Name(), err)
				}
			}
			hosts, members = append(hosts, h), append(members, m)
		}
		await(t, members, 5)
		time.Sleep(10 * time.Second)
		await(t, members, 5)

		hosts[2].PowerLoss()
		others := slices.Delete(slices.Clone(members), 2, 3)
		took := await(t, others, 4)
		t.Logf("the others agreed on a death after %v", took)
		if took < time.Second {
			t.Errorf("a death was declared after %v, before a probe could fail", took)
		}
		for _, m := range others {
			if slices.ContainsFunc(m.Members(), func(x *memberlist.Node) bool { return x.Name == hosts[2].Name() }) {
				t.Errorf("%s has the wrong one for dead", m.LocalNode().Name)
			}
		}
		for _, m := range members {
			if err := m.Shutdown(); err != nil {
				t.Errorf("%s: %v", m.LocalNode().Name, err)
			}
		}
		return hosts
	})
}
