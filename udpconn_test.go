package octet

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

func listenUDP(t testing.TB, h *Host, address string) *UDPConn {
	t.Helper()
	c, err := h.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*UDPConn)
}

func dialUDP(t testing.TB, h *Host, address string) *UDPConn {
	t.Helper()
	c, err := h.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*UDPConn)
}

// Every length from nothing to what the length fields can say arrives as it was,
// over loopback whole and over a pipe in fragments.
func TestUDPLengths(t *testing.T) {
	for _, c := range []struct {
		name, address string
		most          int
	}{
		{"loopback IPv4", "127.0.0.1:9000", 65507},
		{"loopback IPv6", "[::1]:9000", 65487}, // MTU 65535
		{"pipe IPv4", "192.0.2.2:9000", 65507},
		{"pipe IPv6", "[2001:db8::2]:9000", 65527},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := twoHosts(t, link.PipeOptions{})
			if netip.MustParseAddrPort(c.address).Addr().IsLoopback() {
				a = b
			}
			server, client := listenUDP(t, b, c.address), dialUDP(t, a, c.address)
			buf := make([]byte, 70000)
			for _, n := range []int{0, 1, 7, 8, 1472, 1473, 1480, 2000, 2961, 9000, 65000, c.most - 1, c.most} {
				p := bytes.Repeat([]byte{byte(n), byte(n >> 8), 3}, n/3+1)[:n]
				if k, err := client.Write(p); k != n || err != nil {
					t.Fatalf("wrote %d of %d: %v", k, n, err)
				}
				k, from, err := server.ReadFromUDPAddrPort(buf)
				if err != nil || !bytes.Equal(buf[:k], p) {
					t.Fatalf("read %d octets, %v; want the %d that were sent", k, err, n)
				}
				if k, err := server.WriteToUDPAddrPort(p, from); k != n || err != nil {
					t.Fatalf("answered %d of %d: %v", k, n, err)
				}
				if k, err := client.Read(buf); err != nil || !bytes.Equal(buf[:k], p) {
					t.Fatalf("answer has %d octets, %v; want %d", k, err, n)
				}
			}
			if _, err := client.Write(make([]byte, 65528)); !errors.Is(err, syscall.EMSGSIZE) {
				t.Errorf("65528 octets: %v, want EMSGSIZE", err)
			}
		})
	}
}

// The newest datagrams are dropped when the queue is full, and counted, also those
// that have no octets at all (T-68, T-69).
func TestThreat_T69_UDPReaderNeverReads(t *testing.T) {
	for _, size := range []int{0, 100, 1400} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h := newHost(t)
			server := listenUDP(t, h, "127.0.0.1:9000")
			if err := server.SetReadBuffer(64 << 10); err != nil {
				t.Fatal(err)
			}
			client, bystander := dialUDP(t, h, "127.0.0.1:9000"), listenUDP(t, h, "127.0.0.1:9001")
			const sent = 20000
			p := make([]byte, max(size, 4))
			for i := range sent {
				p[0], p[1], p[2] = byte(i>>16), byte(i>>8), byte(i)
				if _, err := client.Write(p[:size]); err != nil {
					t.Fatal(err)
				}
			}
			if server.cost > 64<<10 {
				t.Errorf("the queue holds %d octets, more than its limit", server.cost)
			}
			kept := server.count
			if uint64(kept)+server.Dropped() != sent || h.Stats().Drops[DropQueue] != server.Dropped() {
				t.Errorf("%d kept and %d dropped (%d counted by the host) of %d", kept, server.Dropped(), h.Stats().Drops[DropQueue], sent)
			}
			for i := range kept { // the oldest stay
				n, err := server.Read(p)
				if err != nil || n != size || size > 2 && int(p[0])<<16|int(p[1])<<8|int(p[2]) != i {
					t.Fatalf("datagram %d is %x, %v", i, p[:n], err)
				}
			}
			mustWrite(t, dialUDP(t, h, "127.0.0.1:9001"), "x")
			if n, err := bystander.Read(p); n != 1 || err != nil {
				t.Errorf("bystander read %d, %v", n, err)
			}
		})
	}
}

func TestUDPConnectedReceivesFromItsPeerOnly(t *testing.T) {
	h := newHost(t)
	peer, stranger := listenUDP(t, h, "127.0.0.1:9000"), listenUDP(t, h, "127.0.0.1:9001")
	c := dialUDP(t, h, "127.0.0.1:9000")
	to := c.LocalAddr().(*net.UDPAddr).AddrPort()
	if _, err := stranger.WriteToUDPAddrPort([]byte("stranger"), to); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.WriteToUDPAddrPort([]byte("peer"), to); err != nil {
		t.Fatal(err)
	}
	mustReadDatagram(t, c, "peer")
	if n := h.Stats().Drops[DropNoListener]; n != 1 {
		t.Errorf("%d datagrams found nobody, want that of the stranger", n)
	}
}

func mustReadDatagram(t testing.TB, c *UDPConn, want string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(want)+1)
	n, err := c.Read(b)
	if err != nil || string(b[:n]) != want {
		t.Fatalf("read %q, %v; want %q", b[:n], err, want)
	}
}

// One socket on all addresses serves both IP versions, and answers from the
// address that was asked.
func TestUDPOnAllAddresses(t *testing.T) {
	a, b := twoHosts(t, link.PipeOptions{})
	server := listenUDP(t, b, ":9000")
	for _, address := range []string{"192.0.2.2:9000", "[2001:db8::2]:9000"} {
		c := dialUDP(t, a, address)
		mustWrite(t, c, "question")
		buf := make([]byte, 100)
		n, from, err := server.ReadFrom(buf)
		if err != nil || string(buf[:n]) != "question" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		if from.String() != c.LocalAddr().String() {
			t.Errorf("from %v, want %v", from, c.LocalAddr())
		}
		if _, err := server.WriteTo([]byte("answer"), from); err != nil {
			t.Fatal(err)
		}
		mustReadDatagram(t, c, "answer")
	}
}

func TestUDPPortUnreachableOverPipe(t *testing.T) {
	a, _ := twoHosts(t, link.PipeOptions{})
	for _, address := range []string{"192.0.2.2:9", "[2001:db8::2]:9"} {
		c := dialUDP(t, a, address)
		mustWrite(t, c, "anybody?")
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v, want ECONNREFUSED", address, err)
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, want the refusal once only", address, err)
		}
	}
}

// T-41: an ICMP error about what an unconnected socket sent is not for it.
func TestThreat_T41_UnconnectedUDPLearnsNothing(t *testing.T) {
	h := newHost(t)
	c := listenUDP(t, h, "127.0.0.1:9000")
	if _, err := c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("127.0.0.1:9")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("127.0.0.1:9")); err != nil {
		t.Errorf("second write: %v", err)
	}
}

func TestUDPNoRoute(t *testing.T) {
	h := newHost(t)
	if _, err := h.Dial("udp", "192.0.2.99:1"); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("dial: %v, want ENETUNREACH", err)
	}
	c := listenUDP(t, h, ":0")
	if _, err := c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("192.0.2.99:1")); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("write: %v, want ENETUNREACH", err)
	}
}

func TestUDPBroadcastReachesEverySocketOfThePort(t *testing.T) {
	a, b := twoHosts(t, link.PipeOptions{Ethernet: true, MAC: [2][6]byte{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}})
	all := listenUDP(t, b, "0.0.0.0:9000")
	sender := listenUDP(t, a, "0.0.0.0:0")
	for _, to := range []string{"192.0.2.255:9000", "255.255.255.255:9000"} {
		if _, err := sender.WriteToUDPAddrPort([]byte("all"), netip.MustParseAddrPort(to)); err != nil {
			t.Errorf("to %s: %v", to, err)
			continue
		}
		mustReadDatagram(t, all, "all")
	}
}

func TestUDPMulticast(t *testing.T) {
	for _, c := range []struct{ group, bind string }{
		{"224.0.1.5", "0.0.0.0:9000"}, {"ff02::1234", "[::]:9000"}, {"224.0.1.5", "224.0.1.5:9000"},
	} {
		t.Run(c.group+" on "+c.bind, func(t *testing.T) {
			a, b := twoHosts(t, link.PipeOptions{})
			member, other := listenUDP(t, b, c.bind), listenUDP(t, b, "127.0.0.1:9001")
			const eth = 2 // the interface after lo
			if err := member.JoinGroup(eth, addr(c.group)); err != nil {
				t.Fatal(err)
			}
			sender := listenUDP(t, a, ":0")
			to := netip.AddrPortFrom(addr(c.group), 9000)
			if to.Addr().Is6() {
				to = netip.AddrPortFrom(to.Addr().WithZone("pipe0"), 9000)
			} else if err := a.AddRouteThrough(netip.MustParsePrefix("224.0.0.0/4"), eth); err != nil {
				t.Fatal(err)
			}
			send := func(s string) {
				if _, err := sender.WriteToUDPAddrPort([]byte(s), to); err != nil {
					t.Fatal(err)
				}
			}
			send("one")
			mustReadDatagram(t, member, "one")
			if err := member.LeaveGroup(eth, addr(c.group)); err != nil {
				t.Fatal(err)
			}
			send("two")
			if member.count+other.count != 0 {
				t.Error("received what was sent to a group that was left")
			}
			if err := member.LeaveGroup(eth, addr(c.group)); err == nil {
				t.Error("left a group twice")
			}
		})
	}
}

// Reads wait in virtual time to the exact moment of their deadline.
func TestUDPDeadlineInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		c := listenUDP(t, h, "127.0.0.1:9000")
		start := time.Now()
		c.SetReadDeadline(start.Add(3 * time.Second))
		_, err := c.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v, want the deadline after 3s", err, time.Since(start))
		}
		c.SetReadDeadline(time.Time{}) // before they read: the old one has passed
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("read: %v, want net.ErrClosed", err)
				}
			})
		}
		time.Sleep(time.Hour)
		c.Close()
		wg.Wait()
	})
}

// A manual Timeline works as well: deadlines come when it is advanced.
func TestUDPDeadlineOnManualTimeline(t *testing.T) {
	line := timeline.NewManual()
	h := newHost(t, WithTimeline(line))
	c := listenUDP(t, h, "127.0.0.1:9000")
	c.SetReadDeadline(line.Wall(line.Now()).Add(time.Second))
	failed := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		failed <- err
	}()
	for {
		c.mu.Lock()
		waiting := c.reads.waiting
		c.mu.Unlock()
		if waiting == 1 {
			break
		}
	}
	line.Advance(line.Now().Add(time.Second))
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
	if line.Len() != 0 {
		t.Errorf("%d timers remain", line.Len())
	}
}

func TestUDPDoesNotAllocate(t *testing.T) {
	h := newHost(t)
	server, client := listenUDP(t, h, "127.0.0.1:9000"), dialUDP(t, h, "127.0.0.1:9000")
	p, buf := make([]byte, 512), make([]byte, 512)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := client.Write(p); err != nil {
			t.Fatal(err)
		}
		if _, _, err := server.ReadFromUDPAddrPort(buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 && !raceEnabled {
		t.Errorf("%v allocations for a datagram", n)
	}
}
