package vnet_test

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/tcp/cc"
	. "github.com/octet-net/octet/vnet"
)

// The delay of a drop-tail queue is its backlog divided by the rate, exactly.
func TestDelayOfABacklogIsItsLengthByTheRate(t *testing.T) {
	const packets, rate = 50, 1_000_000
	for _, q := range []link.Discipline{link.DropTail(0), CoDel{}, FQCoDel{}, PIE{}, DualPI2{}} {
		inBubble(t, Options{}, func(t *testing.T, n *Net) {
			c := must[*Cable](t)(n.Cable("cable", Asymmetric{Up: Path{Rate: rate, Queue: q, Delay: time.Millisecond}}))
			a, b := must[*Host](t)(n.Host("alice", c)), must[*Host](t)(n.Host("bob", c))
			in := must[net.PacketConn](t)(b.ListenPacket("udp", ":9"))
			out := must[net.Conn](t)(a.Dial("udp", "bob:9"))
			const size = 14 + 20 + 8 + 58 // octets of a frame
			began := time.Now()
			for range packets {
				out.Write(make([]byte, 58))
			}
			time.Sleep(2 * time.Microsecond) // they have started
			if got := c.Link().Stats(Up).Backlog; got != (packets-1)*size {
				t.Errorf("%T: %d octets wait, want %d", q, got, (packets-1)*size)
			}
			for i := range packets {
				in.ReadFrom(make([]byte, 100))
				want := time.Millisecond + time.Duration(i+1)*size*8*time.Second/rate
				if took := time.Since(began); took < want || took > want+2*time.Microsecond {
					t.Fatalf("%T: packet %d took %v, want %v", q, i, took, want)
				}
			}
		})
	}
}

// load sends bulk data over a bottleneck of 10 Mbit/s and 40 ms for half a minute, and
// returns the delays that a thin flow sees beside it after the first ten seconds,
// and how many octets of the bulk arrived.
func load(t *testing.T, q link.Discipline, profile octet.Profile) (delays []time.Duration, octets int, s link.PathStats) {
	t.Helper()
	inBubble(t, Options{Seed: 11, Profile: &profile, Record: -1}, func(t *testing.T, n *Net) {
		c := must[*Cable](t)(n.Cable("cable", Asymmetric{
			Up:   Path{Rate: 10_000_000, Queue: q, Delay: 20 * time.Millisecond},
			Down: Path{Delay: 20 * time.Millisecond},
		}))
		a, b := must[*Host](t)(n.Host("alice", c)), must[*Host](t)(n.Host("bob", c))
		l := must[net.Listener](t)(b.Listen("tcp", ":80"))
		var all sync.WaitGroup
		all.Go(func() {
			conn, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			buf := make([]byte, 1<<16)
			for {
				k, err := conn.Read(buf)
				octets += k
				if err != nil {
					return
				}
			}
		})
		in := must[net.PacketConn](t)(b.ListenPacket("udp", ":9"))
		all.Go(func() {
			var p [20]byte
			for {
				if _, _, err := in.ReadFrom(p[:]); err != nil {
					return
				}
				var sent time.Time
				if err := sent.UnmarshalBinary(p[:15]); err != nil {
					t.Error(err)
				}
				if n.Timeline().Now() > 10e9 {
					delays = append(delays, time.Since(sent)-20*time.Millisecond)
				}
			}
		})
		bulk := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		thin := must[net.Conn](t)(a.Dial("udp", "bob:9"))
		go io.Copy(bulk, endless{})
		for range 1500 {
			time.Sleep(20 * time.Millisecond)
			b, err := time.Now().MarshalBinary()
			if err != nil {
				t.Error(err)
			}
			thin.Write(append(b, 0))
		}
		s = c.Link().Stats(Up)
		bulk.(*octet.TCPConn).Socket().Abort()
		in.Close()
		all.Wait()
	})
	slices.Sort(delays)
	return delays, octets, s
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// What each discipline is for: the delay of a thin flow beside a bulky one, and no
// more idle time of the link than that takes.
func TestQueueDelayUnderLoad(t *testing.T) {
	cubic := octet.Linux()
	marked := octet.Linux()
	marked.TCP.ECN = tcp.ClassicECN
	l4s := octet.Linux()
	l4s.TCP.ECN, l4s.TCP.NewControl = tcp.AccurateECN, func(p cc.Params) cc.Control { return cc.NewPrague(p) }
	for _, c := range []struct {
		name      string
		queue     link.Discipline
		profile   octet.Profile
		low, high time.Duration // bounds of the median delay
		goodput   float64       // least share of the rate
		marks     bool
	}{
		{"drop tail", link.DropTail(125_000), cubic, 55 * time.Millisecond, 101 * time.Millisecond, 0.93, false},
		{"CoDel", CoDel{}, cubic, time.Millisecond, 15 * time.Millisecond, 0.80, false},
		{"CoDel with marks", CoDel{}, marked, time.Millisecond, 15 * time.Millisecond, 0.80, true},
		{"FQ-CoDel", FQCoDel{}, cubic, 0, 1300 * time.Microsecond, 0.80, false},
		{"PIE", PIE{}, cubic, 3 * time.Millisecond, 30 * time.Millisecond, 0.80, false},
		{"PIE with marks", PIE{}, marked, 3 * time.Millisecond, 30 * time.Millisecond, 0.80, true},
		{"DualPI2, classic", DualPI2{}, cubic, 3 * time.Millisecond, 30 * time.Millisecond, 0.80, false},
		{"DualPI2, L4S", DualPI2{}, l4s, 0, 30 * time.Millisecond, 0.80, true},
	} {
		delays, octets, s := load(t, c.queue, c.profile)
		if len(delays) < 900 {
			t.Errorf("%s: %d of the thin flow's packets arrived", c.name, len(delays))
			continue
		}
		median, goodput := delays[len(delays)/2], float64(octets)*8/30/10e6
		t.Logf("%-18s median %8v, 95th %8v, goodput %.1f %%, dropped %d, marked %d",
			c.name, median, delays[len(delays)*95/100], 100*goodput, s.QueueDropped, s.Marked)
		if median < c.low || median > c.high {
			t.Errorf("%s: the median delay is %v, want %v to %v", c.name, median, c.low, c.high)
		}
		if goodput < c.goodput {
			t.Errorf("%s: %.1f %% of the rate, want %.1f %%", c.name, 100*goodput, 100*c.goodput)
		}
		if (s.Marked > 0) != c.marks || !c.marks && s.QueueDropped == 0 {
			t.Errorf("%s: %d marked and %d dropped", c.name, s.Marked, s.QueueDropped)
		}
	}
}
