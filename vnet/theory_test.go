package vnet_test

import (
	"io"
	"math"
	"net"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/tcp/cc"
	. "github.com/octet-net/octet/vnet"
)

// rateOf returns the goodput in octets a second, from a fifth of the time on, of a
// bulk transfer over a cable.
func rateOf(t *testing.T, p octet.Profile, forth, back Path, d time.Duration) (rate float64, tr Trace) {
	t.Helper()
	inBubble(t, Options{Seed: 1, Profile: &p, Record: -1}, func(t *testing.T, n *Net) {
		c := must[*Cable](t)(n.Cable("cable", Asymmetric{Up: forth, Down: back}))
		a, b := must[*Host](t)(n.Host("alice", c)), must[*Host](t)(n.Host("bob", c))
		l := must[net.Listener](t)(b.Listen("tcp", ":80"))
		out := must[net.Conn](t)(a.Dial("tcp", "bob:80"))
		in := must[net.Conn](t)(l.Accept())
		go io.Copy(out, endless{})
		octets, from := 0, d/5
		buf := make([]byte, 1<<18)
		for end := time.Now().Add(d); time.Now().Before(end); {
			k, err := in.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n.Timeline().Now().Sub(0) > from {
				octets += k
			}
		}
		rate = float64(octets) / (d - from).Seconds()
		out.(*octet.TCPConn).Socket().Abort()
		tr = n.Trace()
	})
	return rate, tr
}

// Throughput under periodic loss is that of the models: for NewReno the square root
// law of Mathis and others (Computer Communication Review 27(3), 1997), for CUBIC
// its response function (RFC 9438 §5.1) where that is above Reno's.
func TestThroughputAgreesWithTheory(t *testing.T) {
	const mss = 1448 // with timestamps
	reno := func(rtt, p float64) float64 { return math.Sqrt(1.5/p) / rtt }
	cubic := func(rtt, p float64) float64 {
		const c, beta = 0.4, 0.7
		return math.Pow(c*(3+beta)/(4*(1-beta)), 0.25) * math.Pow(rtt/p, 0.75) / rtt
	}
	for _, c := range []struct {
		name    string
		control func(cc.Params) cc.Control
		model   func(rtt, p float64) float64
		every   int
		rtt     time.Duration
		bound   float64 // relative
	}{
		{"NewReno", func(p cc.Params) cc.Control { return cc.NewReno(p) }, reno, 300, 50 * time.Millisecond, 0.15},
		{"NewReno", func(p cc.Params) cc.Control { return cc.NewReno(p) }, reno, 1000, 100 * time.Millisecond, 0.15},
		{"CUBIC", func(p cc.Params) cc.Control { return cc.NewCubic(p) }, cubic, 10_000, 100 * time.Millisecond, 0.15},
		{"CUBIC", func(p cc.Params) cc.Control { return cc.NewCubic(p) }, cubic, 5_000, 200 * time.Millisecond, 0.20},
	} {
		p := octet.Linux()
		p.TCP.NewControl = c.control
		p.TCP.ReceiveBuffer = tcp.Buffer{Initial: 64 << 20, Max: 64 << 20}
		p.TCP.SendBuffer = tcp.Buffer{Initial: 64 << 20, Max: 64 << 20}
		way := Path{Delay: c.rtt / 2}
		lossy := way
		lossy.Loss = link.Every(c.every)
		got, _ := rateOf(t, p, lossy, way, 300*time.Second)
		want := c.model(c.rtt.Seconds(), 1/float64(c.every)) * mss
		t.Logf("%s, one of %d lost, %v: %.2f Mbit/s, theory %.2f, %+.1f %%", c.name, c.every, c.rtt, got*8/1e6, want*8/1e6, 100*(got/want-1))
		if math.Abs(got/want-1) > c.bound {
			t.Errorf("%s, one of %d lost, %v: %.0f octets/s, theory says %.0f ± %.0f %%", c.name, c.every, c.rtt, got, want, 100*c.bound)
		}
	}
}

// A link of a rate is filled by one connection.
func TestThroughputIsTheRate(t *testing.T) {
	for _, rate := range []int64{1e6, 20e6} {
		way := Path{Delay: 10 * time.Millisecond, Rate: rate} // acknowledgements of segments that arrived before the measurement count too
		got, _ := rateOf(t, octet.Linux(), way, way, 20*time.Second)
		share := got * 8 / float64(rate) * (1448 + 66) / 1448
		if share < 0.97 || share > 1.01 {
			t.Errorf("%d bit/s: %.1f %% of it", rate, 100*share)
		}
	}
}

// TestPacketsPerSecond prints how fast the network runs: packets that hosts send
// and receive over a cable in a bubble, those of a window at a time, and one at a time
// with acknowledgements between. It says nothing about how fast that must be.
func TestPacketsPerSecond(t *testing.T) {
	for _, c := range []struct {
		name string
		rate int64
		d    time.Duration
	}{{"a window at a time", 0, 2 * time.Second}, {"one at a time, at 1 Gbit/s", 1e9, 2 * time.Second}} {
		began := time.Now()
		_, tr := rateOf(t, octet.Linux(), Path{Delay: 5 * time.Millisecond, Rate: c.rate}, Path{Delay: 5 * time.Millisecond}, c.d)
		took := time.Since(began)
		if tr.Packets < 10_000 {
			t.Errorf("%s: %d packets", c.name, tr.Packets)
		}
		t.Logf("%s: %d packets in %v: %.0f a second", c.name, tr.Packets, took.Round(time.Millisecond), float64(tr.Packets)/took.Seconds())
	}
}
