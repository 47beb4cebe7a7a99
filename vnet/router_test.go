package vnet_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet"
	. "github.com/octet-net/octet/vnet"
)

// Three networks in a row: the outer ones know the way through both routers.
func TestRoutersInARow(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		var lans [3]*Switch
		for i, name := range []string{"left", "middle", "right"} {
			lans[i] = must[*Switch](t)(n.Switch(name, Path{Delay: 10 * time.Millisecond}))
		}
		a := must[*Host](t)(n.Host("alice", lans[0]))
		must[*Router](t)(n.Router("r1", lans[0], lans[1]))
		must[*Router](t)(n.Router("r2", lans[1], lans[2]))
		b := must[*Host](t)(n.Host("bob", lans[2]))
		serveEcho(t, b, ":80")
		began := time.Now()
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		if d := time.Since(began).Round(time.Millisecond); d != 60*time.Millisecond {
			t.Errorf("three networks took %v, want 60ms", d)
		}
		exchange(t, c, 100_000)
		if s := n.Stats(a, b); s.Retransmits != 0 || s.Octets < 100_000 || s.Octets > 120_000 {
			t.Errorf("packets that routers forward are counted again: %+v", s)
		}
		s := must[*octet.Socket](t)(a.Socket("tcp"))
		if err := s.SetHopLimit(2); err != nil {
			t.Fatal(err)
		}
		s.Connect(netip.AddrPortFrom(b.Addr(), 80))
		time.Sleep(10 * time.Second)
		if err := s.SoftError(); err != syscall.EHOSTUNREACH {
			t.Errorf("a hop limit of 2 gives %v, want EHOSTUNREACH from the second router", err)
		}
		s.Abort()
		if _, err := a.Dial("tcp", "10.9.0.1:80"); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("no such network: %v, want ENETUNREACH", err)
		}
	})
}

// A link in the middle with a small MTU: the router says so, and where it says
// nothing because the link is a black hole, TCP finds out.
func TestPathMTU(t *testing.T) {
	for _, c := range []struct {
		name string
		path Path
		fast bool
	}{
		{"told", Path{MTU: 900}, true},
		{"black hole", Path{BlackHole: 900}, false},
	} {
		inBubble(t, Options{}, func(t *testing.T, n *Net) {
			left := must[*Switch](t)(n.Switch("left", Path{Delay: 5 * time.Millisecond}))
			right := must[*Switch](t)(n.Switch("right", Asymmetric{Up: c.path, Down: Path{}}))
			a := must[*Host](t)(n.Host("alice", left))
			must[*Router](t)(n.Router("router", left, right))
			b := must[*Host](t)(n.Host("bob", right.Port(Path{})))
			in := must[net.Listener](t)(b.Listen("tcp", ":80"))
			defer in.Close()
			conn := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
			s := must[net.Conn](t)(in.Accept())
			began := time.Now()
			go conn.Write(make([]byte, 100_000))
			s.SetReadDeadline(time.Now().Add(time.Minute))
			for got := 0; got < 100_000; {
				k, err := s.Read(make([]byte, 65536))
				if err != nil {
					t.Fatalf("%s: %d octets came: %v", c.name, got, err)
				}
				got += k
			}
			if took := time.Since(began); (took < 500*time.Millisecond) != c.fast {
				t.Errorf("%s: it took %v", c.name, took)
			}
			if mss := conn.(*octet.TCPConn).Info().MSS; mss > 860 {
				t.Errorf("%s: segments have %d octets", c.name, mss)
			}
		})
	}
}

// natted is a NAT with two hosts inside and two outside, each with a UDP socket.
type natted struct {
	t                 *testing.T
	n                 *Net
	nat               *NAT
	alice, bob        *Host
	carol, dave       *Host
	inA, inB, out, o2 net.PacketConn
}

func withNAT(t *testing.T, c NATConfig, f func(x *natted)) {
	t.Helper()
	inBubble(t, Options{Seed: 5}, func(t *testing.T, n *Net) {
		x := &natted{t: t, n: n}
		home := must[*Switch](t)(n.Switch("home", Prefix("192.168.1.0/24"), Path{Delay: time.Millisecond}))
		wan := must[*Switch](t)(n.Switch("wan", Prefix("203.0.113.0/24"), Path{Delay: 10 * time.Millisecond}))
		x.nat = must[*NAT](t)(n.NAT("nat", home, wan, c))
		x.alice, x.bob = must[*Host](t)(n.Host("alice", home)), must[*Host](t)(n.Host("bob", home))
		x.carol, x.dave = must[*Host](t)(n.Host("carol", wan)), must[*Host](t)(n.Host("dave", wan))
		x.inA, x.inB = must[net.PacketConn](t)(x.alice.ListenPacket("udp", ":5000")), must[net.PacketConn](t)(x.bob.ListenPacket("udp", ":5000"))
		x.out, x.o2 = must[net.PacketConn](t)(x.carol.ListenPacket("udp", ":9")), must[net.PacketConn](t)(x.dave.ListenPacket("udp", ":9"))
		f(x)
	})
}

// send sends a datagram and returns from where it came, not valid if it did not.
func (x *natted) send(from net.PacketConn, to netip.AddrPort, at net.PacketConn) netip.AddrPort {
	x.t.Helper()
	if _, err := from.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(to)); err != nil {
		x.t.Errorf("send: %v", err)
	}
	at.SetReadDeadline(time.Now().Add(time.Second))
	_, a, err := at.ReadFrom(make([]byte, 10))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return netip.AddrPort{}
	} else if err != nil {
		x.t.Errorf("receive: %v", err)
		return netip.AddrPort{}
	}
	return a.(*net.UDPAddr).AddrPort()
}

// The axes of RFC 4787: how a port is mapped, and who may answer.
func TestNATBehaviors(t *testing.T) {
	for _, c := range []struct {
		name                  string
		config                NATConfig
		samePort              bool // for two peers
		stranger, anotherPort bool // may a host that was not asked answer; the one asked from another port
	}{
		{"full cone", FullCone, true, true, true},
		{"restricted", RestrictedCone, true, false, true},
		{"port restricted", PortRestricted, true, false, false},
		{"symmetric", Symmetric, false, false, false},
	} {
		withNAT(t, c.config, func(x *natted) {
			t := x.t
			first := x.send(x.inA, x.carol.AddrPort(9), x.out)
			if first.Addr() != x.nat.Outside() {
				t.Errorf("%s: carol sees %v, want the outer address %v", c.name, first, x.nat.Outside())
			}
			if c.config.Ports == PreservePorts && first.Port() != 5000 {
				t.Errorf("%s: port %d, want 5000", c.name, first.Port())
			}
			if back := x.send(x.out, first, x.inA); back != x.carol.AddrPort(9) {
				t.Errorf("%s: the answer came from %v", c.name, back)
			}
			if ok := x.send(x.o2, first, x.inA).IsValid(); ok != c.stranger {
				t.Errorf("%s: a stranger came in: %v, want %v", c.name, ok, c.stranger)
			}
			elsewhere := must[net.PacketConn](t)(x.carol.ListenPacket("udp", ":10"))
			if ok := x.send(elsewhere, first, x.inA).IsValid(); ok != c.anotherPort {
				t.Errorf("%s: another port of the peer came in: %v, want %v", c.name, ok, c.anotherPort)
			}
			second := x.send(x.inA, x.dave.AddrPort(9), x.o2)
			if (first == second) != c.samePort {
				t.Errorf("%s: mapped to %v and %v", c.name, first, second)
			}
			if other := x.send(x.inB, x.carol.AddrPort(9), x.out); other == first || other.Addr() != first.Addr() {
				t.Errorf("%s: two hosts share %v and %v", c.name, first, other)
			}
		})
	}
}

// Hosts inside reach each other by the outer address, and see it (RFC 4787 REQ-9).
func TestNATHairpin(t *testing.T) {
	withNAT(t, FullCone, func(x *natted) {
		bob := x.send(x.inB, x.carol.AddrPort(9), x.out)
		from := x.send(x.inA, bob, x.inB)
		if from.Addr() != x.nat.Outside() {
			t.Errorf("bob sees %v, want the outer address", from)
		}
		if back := x.send(x.inB, from, x.inA); back != bob {
			t.Errorf("alice sees %v, want %v", back, bob)
		}
	})
	withNAT(t, NATConfig{NoHairpin: true}, func(x *natted) {
		bob := x.send(x.inB, x.carol.AddrPort(9), x.out)
		if x.send(x.inA, bob, x.inB).IsValid() {
			t.Error("a NAT without hairpinning turned a packet round")
		}
	})
}

// Mappings end when they are not used, and what comes in prolongs them only if so
// configured (RFC 4787 REQ-5, REQ-6).
func TestNATTimeout(t *testing.T) {
	for _, refresh := range []bool{false, true} {
		withNAT(t, NATConfig{UDP: time.Minute, InboundRefresh: refresh}, func(x *natted) {
			seen := x.send(x.inA, x.carol.AddrPort(9), x.out)
			for range 3 {
				time.Sleep(40 * time.Second)
				x.send(x.out, seen, x.inA)
			}
			if ok := x.send(x.out, seen, x.inA).IsValid(); ok != refresh {
				t.Errorf("after two minutes of inbound packets the mapping is there: %v, want %v", ok, refresh)
			}
			x.send(x.inA, x.carol.AddrPort(9), x.out)
			x.nat.Forget()
			if x.send(x.out, seen, x.inA).IsValid() {
				t.Error("a mapping survived Forget")
			}
		})
	}
}

// TCP, errors of ICMP and a ping pass a NAT, and nobody comes in unasked.
func TestNATCarriesTCPAndErrors(t *testing.T) {
	withNAT(t, PortRestricted, func(x *natted) {
		t := x.t
		serveEcho(t, x.carol, ":80")
		c := must[net.Conn](t)(x.alice.Dial("tcp", "carol:80"))
		exchange(t, c, 200_000)
		u := must[net.Conn](t)(x.alice.Dial("udp", "carol:77"))
		u.Write([]byte("x"))
		u.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := u.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v, want ECONNREFUSED by ICMP", err)
		}
		if _, err := x.alice.Dial("tcp", "carol:81"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v, want ECONNREFUSED", err)
		}
		serveEcho(t, x.alice, ":80")
		d := octet.Dialer{Host: x.carol.Host, Timeout: 5 * time.Second}
		for _, to := range []string{"nat:80", "alice:80"} {
			if c, err := d.DialContext(t.Context(), "tcp", to); err == nil {
				c.Close()
				t.Errorf("carol came in by %s", to)
			}
		}
		// A datagram in fragments, both ways.
		in, out := must[net.PacketConn](t)(x.dave.ListenPacket("udp", ":11")), must[net.Conn](t)(x.alice.Dial("udp", "dave:11"))
		out.Write(make([]byte, 5000))
		b := make([]byte, 9000)
		in.SetReadDeadline(time.Now().Add(time.Second))
		k, from, err := in.ReadFrom(b)
		if k != 5000 || err != nil {
			t.Fatalf("%d octets in fragments: %v", k, err)
		}
		in.WriteTo(b[:4000], from)
		out.SetReadDeadline(time.Now().Add(time.Second))
		if k, err := out.Read(b); k != 4000 || err != nil {
			t.Errorf("%d octets in fragments came back: %v", k, err)
		}
	})
}

// What was corrupted stays so behind a NAT: it changes checksums, it does not make them.
func TestNATKeepsCorruption(t *testing.T) {
	inBubble(t, Options{Seed: 2}, func(t *testing.T, n *Net) {
		home := must[*Switch](t)(n.Switch("home"))
		wan := must[*Switch](t)(n.Switch("wan"))
		must[*NAT](t)(n.NAT("nat", home, wan, FullCone))
		a := must[*Host](t)(n.Host("alice", home.Port(Path{Corrupt: 0.2})))
		b := must[*Host](t)(n.Host("bob", wan))
		serveEcho(t, b, ":80")
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		go func() {
			for range 20 {
				c.Write([]byte("0123456789abcdef"))
				time.Sleep(time.Second)
			}
		}()
		for range 20 {
			var got [16]byte
			if _, err := io.ReadFull(c, got[:]); err != nil || string(got[:]) != "0123456789abcdef" {
				t.Fatalf("%q came back: %v", got, err)
			}
		}
		if k := b.Stats().Drops[octet.DropSegment]; k == 0 {
			t.Error("no bad checksum reached bob")
		}
	})
}

// A firewall lets answers in, what is open, and nothing else.
func TestFirewall(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		inside := must[*Switch](t)(n.Switch("inside"))
		outside := must[*Switch](t)(n.Switch("outside"))
		fw := must[*Firewall](t)(n.Firewall("fw", inside, outside, FirewallConfig{Open: TCP.Port(443), IdleTCP: time.Minute}))
		a, b := must[*Host](t)(n.Host("alice", inside)), must[*Host](t)(n.Host("bob", outside))
		for _, h := range []*Host{a, b} {
			serveEcho(t, h, ":80")
			serveEcho(t, h, ":443")
		}
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		exchange(t, c, 10_000)
		exchange(t, must[net.Conn](t)(b.Dial("tcp", "alice:443")), 10_000)
		d := octet.Dialer{Host: b.Host, Timeout: 5 * time.Second}
		if _, err := d.DialContext(t.Context(), "tcp", "alice:80"); !errors.Is(err, os.ErrDeadlineExceeded) && !isTimeout(err) {
			t.Errorf("a closed port: %v, want silence", err)
		}
		if fw.Stopped() == 0 {
			t.Error("nothing was stopped")
		}
		u := must[net.Conn](t)(a.Dial("udp", "bob:77"))
		u.Write([]byte("x"))
		u.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := u.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("an ICMP error did not pass: %v", err)
		}
		time.Sleep(2 * time.Minute) // the flow is forgotten: only alice can wake it
		peer := must[net.Conn](t)(a.Dial("tcp", "bob:443"))
		fw.Forget()
		peer.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		peer.Write([]byte("x"))
		if _, err := peer.Read(make([]byte, 1)); err != nil {
			t.Errorf("a packet from inside did not wake the flow: %v", err)
		}
	})
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
