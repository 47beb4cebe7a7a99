package interop

import (
	"flag"
	"fmt"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

// soakFor is how long everything goes on at once. Ten minutes of it:
//
//	go test ./interop -run Soak -soak 10m -timeout 15m
var soakFor = flag.Duration("soak", 15*time.Second, "how long the soak goes on")

// All of it at once and again, on one device and one host: pings, datagrams,
// streams, curl, Python, iperf3, hundreds of connections. Nothing fails, and nothing is left.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 seconds")
	}
	need(t, "curl", "python3", "iperf3", "ss", "ping")
	for _, p := range []labPlan{{tap: true}, {queues: 2, mtu: 1400}} {
		t.Run(map[bool]string{true: "TAP", false: "TUN"}[p.tap], func(t *testing.T) {
			l := newLab(t, p)
			l.soak(*soakFor / 2)
		})
	}
}

func (l *lab) soak(d time.Duration) {
	l.Helper()
	w := l.website(1 << 20)
	flows := l.flows(20)
	end := time.Now().Add(d)
	var goroutines []int
	rounds := 0
	for ; time.Now().Before(end) && !l.Failed(); rounds++ {
		for _, v := range l.versions() {
			l.pings(v)
			l.datagrams(v)
			l.streams(v, 1<<20)
		}
		l.curl(w)
		l.python()
		l.iperf("1")
		l.thousand(200)
		goroutines = append(goroutines, runtime.NumGoroutine())
	}
	octets := flows()
	l.Logf("%d rounds; %.1f MB by the connections that went on all the time; %d goroutines at most", rounds, float64(octets)/1e6, slices.Max(goroutines))
	if n := len(goroutines); n > 4 && goroutines[n-1] > goroutines[1]+100 {
		l.Errorf("goroutines: %v", goroutines)
	}
	l.await(func() error { // but for TIME-WAIT, and what goes on
		if s := l.host.Stats(); s.Connections > 50 || s.HalfOpen > 0 {
			return fmt.Errorf("sockets are left: %+v", s)
		}
		return nil
	})
}

// flows starts connections that send all the time, in both directions and by both
// versions of IP. stop ends them and returns how many octets came back.
func (l *lab) flows(n int) (stop func() int) {
	l.Helper()
	done := make(chan struct{})
	results := make(chan int, n)
	for i := range n {
		v := l.versions()[i%len(l.versions())]
		var c net.Conn
		var err error
		if i%4 < 2 {
			ln := l.listen(net.JoinHostPort(v.ours, "0"), echo)
			c, err = net.Dial("tcp", ln.Addr().String())
		} else {
			ln := l.listenKernel(net.JoinHostPort(v.kernel, "0"), echo)
			c, err = l.host.Dial("tcp", ln.Addr().String())
		}
		if err != nil {
			l.Fatal(err)
		}
		l.Cleanup(func() { c.Close() })
		go func() { results <- l.flow(c, i, done) }()
	}
	return func() int {
		close(done)
		all := 0
		for range n {
			all += <-results
		}
		return all
	}
}

// flow sends octets and compares their echo until done is closed.
func (l *lab) flow(c net.Conn, seed int, done <-chan struct{}) (n int) {
	p := octets(seed, 20_000)
	for {
		select {
		case <-done:
			return n
		case <-time.After(20 * time.Millisecond):
		}
		if err := exchange(c, p); err != nil {
			l.Errorf("a connection that went on all the time failed after %d octets: %v", n, err)
			return n
		}
		n += len(p)
	}
}
