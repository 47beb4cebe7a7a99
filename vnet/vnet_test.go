package vnet_test

import (
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	. "github.com/octet-net/octet/vnet"
)

// must returns x, or ends the test.
func must[T any](t testing.TB) func(x T, err error) T {
	return func(x T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// inBubble runs f with a network in a bubble, which it closes.
func inBubble(t *testing.T, o Options, f func(t *testing.T, n *Net)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(o)
		defer func() {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}()
		f(t, n)
	})
}

// echo accepts connections and sends back what comes.
func echo(t *testing.T, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}

func serveEcho(t *testing.T, h *Host, address string) {
	t.Helper()
	go echo(t, must[net.Listener](t)(h.Listen("tcp", address)))
}

// exchange sends octets to an echo server and takes the answer.
func exchange(t *testing.T, c net.Conn, octets int) {
	t.Helper()
	go c.Write(make([]byte, octets))
	if n, err := io.ReadFull(c, make([]byte, octets)); err != nil {
		t.Errorf("%d of %d octets came back: %v", n, octets, err)
	}
}

// The delay of a path is that from host to host, to the microsecond, whether its
// neighbours were known or not; and names are known to all.
func TestPathIsTheWholeWay(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: 50 * time.Millisecond}))
		a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
		serveEcho(t, b, ":80")
		for i := range 2 {
			began := time.Now()
			c := must[net.Conn](t)(a.Dial("tcp", "BOB:80"))
			if took := time.Since(began); took != 100*time.Millisecond {
				t.Errorf("dial %d took %v, want 100ms", i, took)
			}
			began = time.Now()
			exchange(t, c, 1)
			if took := time.Since(began); took != 100*time.Millisecond {
				t.Errorf("an exchange took %v, want 100ms", took)
			}
			c.Close()
		}
		if s := n.Stats(a, b); s.Packets == 0 || s.Retransmits != 0 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Two links of a path lose together as many as was asked for.
func TestLossOfTheWholeWayIsThatOfThePath(t *testing.T) {
	const packets, p = 20_000, 0.1
	inBubble(t, Options{Seed: 7}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: time.Millisecond, Loss: link.Random(p), Duplicate: 0.05}))
		a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
		in := must[net.PacketConn](t)(b.ListenPacket("udp", ":9"))
		out := must[net.Conn](t)(a.Dial("udp", "bob:9"))
		got := make(chan int)
		go func() {
			count := 0
			for {
				in.SetReadDeadline(time.Now().Add(time.Minute))
				if _, _, err := in.ReadFrom(make([]byte, 100)); errors.Is(err, os.ErrDeadlineExceeded) {
					got <- count
					return
				}
				count++
			}
		}()
		for range packets {
			out.Write([]byte("x"))
			time.Sleep(10 * time.Microsecond)
		}
		arrived := <-got
		s := n.Stats(a, b)
		// Each of the two links doubles what has not been lost by then.
		within(t, "lost by both links", float64(s.Lost), packets*p*1.025, 5*math.Sqrt(packets*p*(1-p))+packets*p*0.02)
		if want := packets + int(s.Duplicated) - int(s.Lost); arrived != want {
			t.Errorf("%d packets arrived, want %d: %+v", arrived, want, s)
		}
	})
}

func within(t *testing.T, what string, got, want, bound float64) {
	t.Helper()
	if math.Abs(got-want) > bound {
		t.Errorf("%s: %.4g, want %.4g ± %.4g", what, got, want, bound)
	}
}

// Every mistake is an error that names what is wrong and the line of the call.
func TestMistakesNameTheLine(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Prefix("192.0.2.0/24")))
		edge := must[*Switch](t)(n.Switch("edge", lan))
		far := must[*Switch](t)(n.Switch("far"))
		cable := must[*Cable](t)(n.Cable("cable"))
		a := must[*Host](t)(n.Host("alice", lan, Address("192.0.2.9")))
		must[*Host](t)(n.Host("left", cable))
		must[*Host](t)(n.Host("right", cable))
		other := New(Options{})
		defer other.Close()
		foreign := must[*Switch](t)(other.Switch("lan"))
		fail := func(_ any, err error) error { return err }
		for _, c := range []struct {
			what string
			err  error
			want []string
		}{
			{"a loop", n.Join(lan, edge), []string{"loop", "lan", "edge"}},
			{"two networks joined", n.Join(lan, far), []string{"two networks", "Router"}},
			{"an address twice", fail(n.Host("bob", lan, Address("192.0.2.9"))), []string{`"bob"`, "192.0.2.9", "alice", "vnet_test.go:"}},
			{"a name twice", fail(n.Host("Alice", lan)), []string{`"Alice"`, "vnet_test.go:"}},
			{"a name of a switch", fail(n.Host("lan", lan)), []string{"switch"}},
			{"no name", fail(n.Host("", lan)), []string{"name"}},
			{"an address as a name", fail(n.Host("192.0.2.1", lan)), []string{"no name"}},
			{"no place", fail(n.Host("carol")), []string{"carol", "attach"}},
			{"a place twice", fail(n.Host("dave", lan, edge)), []string{"dave", "twice"}},
			{"an address of no network", fail(n.Host("erin", lan, Address("198.51.100.1"))), []string{"erin", "198.51.100.1", "192.0.2.0/24"}},
			{"no address", fail(n.Host("frank", lan, Address("nonsense"))), []string{"frank", "nonsense"}},
			{"a third end", fail(n.Host("grace", cable)), []string{"cable", "left", "right"}},
			{"a switch of another network", fail(n.Host("heidi", foreign)), []string{"heidi", "another network", "vnet_test.go:"}},
			{"an overlap", fail(n.Switch("again", Prefix("192.0.2.128/25"))), []string{"again", "overlaps", "lan"}},
			{"a bad prefix", fail(n.Switch("bad", Prefix("192.0.2.0"))), []string{"bad"}},
			{"a bad path", fail(n.Host("ivan", lan.Port(Path{Corrupt: 2}))), []string{"ivan", "Corrupt"}},
			{"a bad change", a.Link(0).Set(Up, Path{Delay: -1}), []string{"alice/lan", "Delay"}},
			{"both sides", n.Partition(Set(a), Set(a)), []string{"alice"}},
			{"one leg", fail(n.Router("router", lan)), []string{"router", "two"}},
			{"an unknown name", fail(a.Dial("tcp", "nobody:80")), []string{"nobody", "no such host", "alice", "vnet_test.go:"}},
		} {
			if c.err == nil {
				t.Errorf("%s: no error", c.what)
				continue
			}
			for _, w := range append(c.want, "vnet_test.go:") {
				if !strings.Contains(c.err.Error(), w) {
					t.Errorf("%s: %q does not mention %q", c.what, c.err, w)
				}
			}
		}
	})
}

// A network that is used in another bubble gives an error: the runtime would end
// the process when a timer of one wakes a goroutine of the other.
func TestCrossedBubbles(t *testing.T) {
	var n *Net
	var h *Host
	var lan *Switch
	synctest.Test(t, func(t *testing.T) {
		n = New(Options{})
		lan = must[*Switch](t)(n.Switch("lan"))
		h = must[*Host](t)(n.Host("alice", lan))
	})
	use := func(t *testing.T) {
		if _, err := h.Dial("tcp", "alice:80"); err == nil || !strings.Contains(err.Error(), "synctest bubble") || !strings.Contains(err.Error(), "host alice") || !strings.Contains(err.Error(), "vnet_test.go:") {
			t.Errorf("Dial: %v", err)
		}
		if _, err := h.Listen("tcp", ":80"); err == nil {
			t.Error("Listen worked")
		}
		if _, err := n.Host("bob", lan); err == nil {
			t.Error("Host worked")
		}
	}
	use(t)
	synctest.Test(t, use)
}

// Outside a bubble the same network runs in real time.
func TestRealTime(t *testing.T) {
	n := New(Options{})
	defer n.Close()
	lan := must[*Switch](t)(n.Switch("lan", Path{Delay: time.Millisecond}))
	a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
	serveEcho(t, b, ":80")
	c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
	defer c.Close()
	exchange(t, c, 100_000)
}

// Kill tells the peers and leaves a machine whose ports are closed; PowerLoss tells
// nobody; both end with Restart.
func TestKillAndPowerLoss(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: 10 * time.Millisecond}))
		a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
		serveEcho(t, b, ":80")
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		exchange(t, c, 1)
		ctx := b.Context()
		b.Kill()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer of a killed host reads %v, want ECONNRESET", err)
		}
		if _, err := a.Dial("tcp", "bob:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a killed host answers %v, want ECONNREFUSED", err)
		}
		if _, err := b.Listen("tcp", ":80"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a killed host listens: %v, want net.ErrClosed", err)
		}
		if ctx.Err() == nil || b.Context().Err() == nil {
			t.Error("its context goes on")
		}
		b.Restart()
		serveEcho(t, b, ":80")
		c = must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		exchange(t, c, 1)
		sent := n.Stats(b, a).Packets
		b.PowerLoss()
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the peer of a dead host reads %v, want silence", err)
		}
		if now := n.Stats(b, a).Packets; now != sent {
			t.Errorf("a dead host sent %d packets", now-sent)
		}
		b.Restart()
		c.SetReadDeadline(time.Time{})
		c.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after the restart: %v, want ECONNRESET", err)
		}
	})
}

// A pause loses nothing.
func TestPause(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: 10 * time.Millisecond}))
		a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
		in := must[net.PacketConn](t)(b.ListenPacket("udp", ":9"))
		out := must[net.Conn](t)(a.Dial("udp", "bob:9"))
		b.Pause()
		for i := range 10 {
			out.Write([]byte{byte(i)})
		}
		in.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := in.ReadFrom(make([]byte, 1)); err == nil {
			t.Error("a paused host received")
		}
		b.Resume()
		in.SetReadDeadline(time.Now().Add(time.Second))
		for i := range 10 {
			var p [1]byte
			if _, _, err := in.ReadFrom(p[:]); err != nil || p[0] != byte(i) {
				t.Errorf("datagram %d: %v, %v", i, p, err)
			}
		}
	})
}

// A partition stops what is sent and what is on its way, in the directions it has,
// and nobody else.
func TestPartition(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: 10 * time.Millisecond}))
		var hosts []*Host
		var in []net.PacketConn
		for _, name := range []string{"a", "b", "c"} {
			h := must[*Host](t)(n.Host(name, lan))
			hosts, in = append(hosts, h), append(in, must[net.PacketConn](t)(h.ListenPacket("udp", ":9")))
		}
		reaches := func(from, to int) bool {
			in[from].WriteTo([]byte("x"), net.UDPAddrFromAddrPort(hosts[to].AddrPort(9)))
			in[to].SetReadDeadline(time.Now().Add(time.Second))
			_, _, err := in[to].ReadFrom(make([]byte, 1))
			return err == nil
		}
		check := func(when string, from, to int, want bool) {
			t.Helper()
			if got := reaches(from, to); got != want {
				t.Errorf("%s: from %d to %d: %v, want %v", when, from, to, got, want)
			}
		}
		check("before", 0, 1, true)
		n.Partition(Set(hosts[0]), Set(hosts[1]))
		check("cut", 0, 1, false)
		check("cut", 1, 0, false)
		check("cut", 0, 2, true)
		n.Heal()
		check("healed", 1, 0, true)
		n.PartitionOneWay(Set(hosts[0]), Set(hosts[1], hosts[2]))
		check("one way", 0, 1, false)
		check("one way", 1, 0, true)
		n.Heal()
		in[0].WriteTo([]byte("x"), net.UDPAddrFromAddrPort(hosts[1].AddrPort(9)))
		time.Sleep(5 * time.Millisecond)
		n.Partition(Set(hosts[1]), Set(hosts[0])) // it is on its way
		in[1].SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := in[1].ReadFrom(make([]byte, 1)); err == nil {
			t.Error("a packet crossed a partition that came while it travelled")
		}
		if s := n.Stats(hosts[0], hosts[1]); s.Stopped != 3 {
			t.Errorf("%d packets were stopped, want 3", s.Stopped)
		}
	})
}

// A rule acts on what it matches until it is stopped.
func TestRules(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: 10 * time.Millisecond}))
		a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
		serveEcho(t, b, ":80")
		dial := func() time.Duration {
			t.Helper()
			began := time.Now()
			c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
			c.Close()
			return time.Since(began).Round(time.Millisecond)
		}
		if d := dial(); d != 20*time.Millisecond {
			t.Errorf("without a rule: %v", d)
		}
		stop := n.OnPacket(If(TCP.SYN().From("alice").Nth(2), Drop))
		if d := dial(); d != 20*time.Millisecond {
			t.Errorf("the first SYN was dropped, not the second: %v", d)
		}
		if d := dial(); d != 1020*time.Millisecond {
			t.Errorf("the second SYN was not dropped: %v", d)
		}
		stop()
		stop = n.OnPacket(If(TCP.SYNACK().To("alice").Port(80), Delay(300*time.Millisecond)))
		if d := dial(); d != 320*time.Millisecond {
			t.Errorf("the answer was not delayed: %v", d)
		}
		stop()
		if d := dial(); d != 20*time.Millisecond {
			t.Errorf("after the rule: %v", d)
		}
		in := must[net.PacketConn](t)(b.ListenPacket("udp", ":9"))
		defer n.OnPacket(If(UDP.Data(), Twice))()
		must[net.Conn](t)(a.Dial("udp", "bob:9")).Write([]byte("x"))
		in.SetReadDeadline(time.Now().Add(time.Second))
		for range 2 {
			if _, _, err := in.ReadFrom(make([]byte, 1)); err != nil {
				t.Errorf("a datagram did not arrive twice: %v", err)
			}
		}
	})
}

// A schedule repeats the faults of a run, without chance, and can be changed as text.
func TestScheduleRepeatsFaults(t *testing.T) {
	run := func(o Options, p Path) (trace Trace, s *Schedule) {
		inBubble(t, o, func(t *testing.T, n *Net) {
			lan := must[*Switch](t)(n.Switch("lan", p))
			a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
			serveEcho(t, b, ":80")
			c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
			exchange(t, c, 200_000)
			trace, s = n.Trace(), n.Schedule()
		})
		return trace, s
	}
	p := Path{Delay: 5 * time.Millisecond, Loss: link.Random(0.02), Duplicate: 0.01, Reorder: 0.01, Corrupt: 0.01}
	first, faults := run(Options{Seed: 3}, p)
	if faults.Len() < 5 {
		t.Fatalf("%d faults in all", faults.Len())
	}
	var text strings.Builder
	if _, err := faults.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(text.String(), " # "); got != faults.Len() || !strings.Contains(text.String(), "→ 10.1.0.2:80") {
		t.Errorf("%d of %d faults say what packet they met:\n%s", got, faults.Len(), text.String())
	}
	read, err := ReadSchedule(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	second, again := run(Options{Seed: 3, Replay: read}, p)
	if second.Hash != first.Hash || again.Len() != faults.Len() {
		at, _ := first.Diverge(&second)
		t.Errorf("the replay differs from packet %d on: %d and %d packets, %d and %d faults", at, first.Packets, second.Packets, faults.Len(), again.Len())
	}
	third, none := run(Options{Seed: 3, Replay: new(Schedule)}, p)
	if third.Hash == first.Hash || none.Len() != 0 {
		t.Errorf("an empty schedule made %d faults", none.Len())
	}
	for _, bad := range []string{"lose", "explode lan up flow 1 packet 1", "lose lan sideways flow 1 packet 1", "lose lan up flow xyz packet 1", "lose lan up flow 1 packet -1"} {
		if _, err := ReadSchedule(strings.NewReader("# fine\n" + bad)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v, want an error that names line 2", bad, err)
		}
	}
}

// With ARP on the links a neighbour costs a round trip, and who is not there is not found.
func TestWireARP(t *testing.T) {
	inBubble(t, Options{WireARP: true}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan", Path{Delay: 50 * time.Millisecond}))
		a, b := must[*Host](t)(n.Host("alice", lan)), must[*Host](t)(n.Host("bob", lan))
		serveEcho(t, b, ":80")
		time.Sleep(10 * time.Second) // the announcements of addresses are over
		began := time.Now()
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		if d := time.Since(began).Round(time.Millisecond); d != 200*time.Millisecond {
			t.Errorf("the first dial took %v, want ARP and the handshake", d)
		}
		exchange(t, c, 1000)
		if _, err := a.Dial("tcp", "10.1.0.77:80"); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("nobody: %v, want EHOSTUNREACH", err)
		}
	})
}

// IPv6 alone, over a cable.
func TestIPv6(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		cable := must[*Cable](t)(n.Cable("cable", Prefix("2001:db8:1::/64"), Path{Delay: 5 * time.Millisecond}))
		a, b := must[*Host](t)(n.Host("alice", cable)), must[*Host](t)(n.Host("bob", cable))
		serveEcho(t, b, ":80")
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		if got := c.RemoteAddr().String(); !strings.HasPrefix(got, "[2001:db8:1::") {
			t.Errorf("connected to %s", got)
		}
		exchange(t, c, 100_000)
		if s := cable.Link().Stats(Up); s.Delivered < 70 {
			t.Errorf("the cable carried %+v", s)
		}
	})
}

// A link may change while a connection lives.
func TestLinkChanges(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, n *Net) {
		lan := must[*Switch](t)(n.Switch("lan"))
		a := must[*Host](t)(n.Host("alice", lan.Port(Asymmetric{Up: Path{Delay: 10 * time.Millisecond}, Down: Path{Delay: 30 * time.Millisecond}})))
		b := must[*Host](t)(n.Host("bob", lan))
		serveEcho(t, b, ":80")
		c := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		for _, d := range []time.Duration{10, 200} {
			if err := a.Link(0).Set(Up, Path{Delay: d * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			exchange(t, c, 1)
			if took := time.Since(began).Round(time.Millisecond); took != (d+30)*time.Millisecond {
				t.Errorf("with %d ms up the exchange took %v", d, took)
			}
		}
	})
}

var _ octet.Network = (*Host)(nil)
