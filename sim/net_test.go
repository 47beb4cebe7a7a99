package sim_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
	"github.com/octet-net/octet/tcp"
)

// child marks a process in which the tests that fail on purpose run.
const child = "OCTET_SIM_FAILS"

// failing runs a test of this package that fails on purpose, in a process and a
// folder of its own, and returns what it printed.
func failing(t *testing.T, name string, flags ...string) (out, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	c := exec.Command(self, append([]string{"-test.run=^" + name + "$"}, flags...)...)
	c.Dir, c.Env = dir, append(os.Environ(), child+"=1")
	b, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("%s passed:\n%s", name, b)
	}
	return string(b), dir
}

func onlyAsChild(t *testing.T) {
	if os.Getenv(child) == "" {
		t.Skip("fails on purpose: another test runs it in a process of its own")
	}
}

func contains(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(out) {
			t.Errorf("the output does not say %q:\n%s", w, out)
		}
	}
}

// TestFailsWhenThreeAreLost is a protocol with a bug: the client gives up for good
// when two datagrams in a row of its three tries get no answer.
func TestFailsWhenThreeAreLost(t *testing.T) {
	onlyAsChild(t)
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan", sim.Path{Delay: 10 * time.Millisecond, Loss: sim.Random(0.2)})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		in, err := srv.ListenPacket("udp", ":9")
		if err != nil {
			t.Fatal(err)
		}
		srv.Background(func() {
			var b [100]byte
			for {
				k, from, err := in.ReadFrom(b[:])
				if err != nil {
					return
				}
				in.WriteTo(b[:k], from)
			}
		})
		a.Go(func() {
			c, err := a.Dial("udp", "server:9")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for i := range 100 {
				for try := 0; ; try++ {
					c.Write([]byte{byte(i)})
					c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
					if _, err := c.Read(make([]byte, 1)); err == nil {
						break
					} else if try == 1 {
						t.Errorf("request %d was never answered: %v", i, err)
						return
					}
				}
			}
		})
		n.Run(time.Minute)
	})
}

// A failure prints what is needed to find it: seed, trace, packets, sockets, files,
// and that it is the same a second time.
func TestReportOfAFailure(t *testing.T) {
	out, dir := failing(t, "TestFailsWhenThreeAreLost")
	contains(t, out, `request \d+ was never answered`, `seed 0x[0-9a-f]+, trace [0-9a-f]{16}`, `-sim.seed=0x[0-9a-f]+`,
		`alice/lan ↑ LOST|server/lan ↑ LOST|lan ↓ LOST`, `10\.1\.0\.2:\d+ → 10\.1\.0\.1:9 \[Ethernet 14 \[IP 20 \[UDP 8`,
		`server +udp .*\[::\]:9`, `sha256 [0-9a-f]{64}`, `failed too; the runs are the same packet by packet`)
	b, err := os.ReadFile(filepath.Join(dir, "testdata", "sim", "TestFailsWhenThreeAreLost.pcapng"))
	if err != nil || len(b) < 1000 || string(b[:4]) != "\x0a\x0d\x0d\x0a" {
		t.Errorf("the capture has %d octets: %v", len(b), err)
	}
	seed := regexp.MustCompile(`-sim.seed=(0x[0-9a-f]+)`).FindStringSubmatch(out)[1]
	trace := regexp.MustCompile(`trace ([0-9a-f]{16})`)
	again, _ := failing(t, "TestFailsWhenThreeAreLost", "-sim.seed="+seed)
	if a, b := trace.FindString(out), trace.FindString(again); a != b {
		t.Errorf("another process with the seed has %s, not %s", b, a)
	}
}

// The faults of a failure are written, and shrink to those that it takes: two
// datagrams of one request or their answers, and perhaps one more that brings
// them together.
func TestShrink(t *testing.T) {
	out, dir := failing(t, "TestFailsWhenThreeAreLost", "-sim.shrink")
	contains(t, out, `fails in net_test.go:\d+ with [234] faults, and no longer when one is left out`)
	name := filepath.Join(dir, "testdata", "sim", "TestFailsWhenThreeAreLost.min.faults")
	b, err := os.ReadFile(name)
	k := strings.Count(string(b), "\nlose ")
	if err != nil || k < 2 || k > 4 {
		t.Fatalf("the file has %d losses: %v\n%s", k, err, b)
	}
	seed := regexp.MustCompile(`-sim.seed=(0x[0-9a-f]+)`).FindStringSubmatch(out)[1]
	out, _ = failing(t, "TestFailsWhenThreeAreLost", "-sim.seed="+seed, "-sim.schedule="+name)
	contains(t, out, fmt.Sprintf(`%d faults in`, k))
}

// A sweep stops at a seed that fails and names it.
func TestSweep(t *testing.T) {
	out, _ := failing(t, "TestFailsWhenThreeAreLost", "-sim.seed=1", "-sim.seeds=50")
	contains(t, out, `seed 0x[0-9a-f]+, number \d+ of 50, failed`)
}

// TestFailsByMutex stops the virtual clock: a goroutine waits for a mutex whose
// holder sleeps.
func TestFailsByMutex(t *testing.T) {
	onlyAsChild(t)
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		a := n.Host("alice", n.Switch("lan"))
		var mu sync.Mutex
		mu.Lock()
		a.Go(func() {
			mu.Lock() // here
			defer mu.Unlock()
		})
		time.Sleep(time.Second)
		mu.Unlock()
	})
}

// The watchdog names the host, the goroutine and the line that hold the clock.
func TestWatchdog(t *testing.T) {
	out, _ := failing(t, "TestFailsByMutex", "-sim.watchdog=400ms")
	contains(t, out, `TestFailsByMutex: the virtual clock has stood still`, `host alice: goroutine \d+ \[sync.Mutex.Lock`, `net_test.go:`+line(t, "mu.Lock() // here"))
}

// line returns the number of the first line of this file that contains a text.
func line(t *testing.T, text string) string {
	b, err := os.ReadFile("net_test.go")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(b), text)
	return fmt.Sprint(strings.Count(before, "\n") + 1)
}

// TestFailsByLeak leaves a goroutine behind that waits for nobody.
func TestFailsByLeak(t *testing.T) {
	onlyAsChild(t)
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan")
		a := n.Host("alice", lan)
		never := make(chan int)
		a.Background(func() {
			<-never // here
		})
	})
}

// A goroutine that remains is named by host and line; the process goes on.
func TestLeak(t *testing.T) {
	out, _ := failing(t, "TestFailsByLeak")
	contains(t, out, `goroutines remain`, `host alice: goroutine \d+ \[chan receive`, `net_test.go:`+line(t, "<-never // here"), `FAIL`)
	if strings.Contains(out, "panic:") {
		t.Errorf("the process ended by a panic:\n%s", out)
	}
}

// TestFailsByDeadlock waits for what nobody does.
func TestFailsByDeadlock(t *testing.T) {
	onlyAsChild(t)
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		n.Host("alice", n.Switch("lan"))
		<-make(chan int) // for ever
	})
}

// A test that waits for ever fails with the line in which it does.
func TestDeadlock(t *testing.T) {
	out, _ := failing(t, "TestFailsByDeadlock")
	contains(t, out, `nothing can happen any more`, `net_test.go:`+line(t, "<-make(chan int) // for ever"))
}

// TestFailsByRace sends what no seed decides.
func TestFailsByRace(t *testing.T) {
	onlyAsChild(t)
	var runs int
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan")
		a := n.Host("alice", lan)
		n.Host("bob", lan)
		runs++
		c, err := a.Dial("udp", "bob:9")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "run %d", runs)
		time.Sleep(time.Second)
		t.Error("it fails")
	})
}

// Two runs that differ are said to differ, and where.
func TestRunsThatDifferAreSaidTo(t *testing.T) {
	out, _ := failing(t, "TestFailsByRace")
	contains(t, out, `the runs differ from packet 0 on`, `times, places and lengths of all packets are the same`)
}

// Sockets that are open at the end are no leak: they end with the network.
func TestOpenSocketsEnd(t *testing.T) {
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan")
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		srv.Serve(":80", http.NotFoundHandler())
		resp, err := a.HTTPClient().Get("http://server/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		l, err := a.Listen("tcp", ":1")
		if err != nil {
			t.Fatal(err)
		}
		a.Background(func() {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept: %v, want net.ErrClosed", err)
			}
		})
		if s := n.Netstat(); !strings.Contains(s, "LISTEN") || !strings.Contains(s, "ESTABLISHED") {
			t.Errorf("the sockets are\n%s", s)
		}
	})
}

// A date to start at, faults at a moment, and waiting until the network is quiet.
func TestTime(t *testing.T) {
	date := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		if now := time.Now(); !now.Equal(date) {
			t.Errorf("it begins at %v", now)
		}
		lan := n.Switch("lan", sim.Path{Delay: 30 * time.Millisecond})
		a := n.Host("alice", lan)
		n.Host("bob", lan)
		var at []time.Duration
		for _, d := range []time.Duration{2 * time.Second, time.Second} {
			n.At(d, func() { at = append(at, n.Now()) })
		}
		n.At(1500*time.Millisecond, func() { time.Sleep(time.Hour) }) // the network goes on
		a.Go(func() { time.Sleep(3 * time.Second) })
		if !n.Run(time.Minute) || n.Now() != 3*time.Second {
			t.Errorf("Run returned at %v", n.Now())
		}
		if len(at) != 2 || at[0] != time.Second || at[1] != 2*time.Second {
			t.Errorf("At ran at %v", at)
		}
		a.Background(func() { <-a.Context().Done() })
		c, err := a.Dial("udp", "bob:9")
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("x"))
		before := time.Now()
		if !n.Settle() || time.Since(before) < 30*time.Millisecond || n.InFlight() != 0 {
			t.Errorf("Settle returned after %v", time.Since(before))
		}
	}, sim.StartAt(date))
}

// Write takes everything at once by default; with a SendBuffer it waits.
func TestBackpressureIsForThoseWhoAsk(t *testing.T) {
	for _, bounded := range []bool{false, true} {
		sim.Test(t, func(t *testing.T, n *sim.Net) {
			lan := n.Switch("lan", sim.Path{Delay: 20 * time.Millisecond})
			srv := n.Host("server", lan)
			a := n.Host("alice", lan)
			if bounded {
				a = n.Host("amy", lan, sim.SendBuffer(64<<10))
			}
			l, err := srv.Listen("tcp", ":80")
			if err != nil {
				t.Fatal(err)
			}
			srv.Go(func() {
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				if k, err := io.Copy(io.Discard, c); k != 10<<20 || err != nil {
					t.Errorf("%d octets arrived: %v", k, err)
				}
			})
			a.Go(func() {
				c, err := a.Dial("tcp", "server:80")
				if err != nil {
					t.Error(err)
					return
				}
				began := time.Now()
				c.Write(make([]byte, 10<<20))
				if waited := time.Since(began) > 0; waited != bounded {
					t.Errorf("Write took %v", time.Since(began))
				}
				c.Close()
			})
			if !n.Run(time.Minute) {
				t.Error("it is not done after a minute")
			}
		})
	}
}

// A thousand hosts in one test, each with a request.
func TestThousandHosts(t *testing.T) {
	began := time.Now()
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan", sim.Path{Delay: 10 * time.Millisecond})
		srv := n.Host("server", lan)
		srv.Serve(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }))
		for i := range 1000 {
			h := n.Host(fmt.Sprintf("host%d", i), lan)
			h.Go(func() {
				resp, err := h.HTTPClient().Get("http://server/" + h.Name())
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if b, err := io.ReadAll(resp.Body); string(b) != "/"+h.Name() || err != nil {
					t.Errorf("%s: %q, %v", h.Name(), b, err)
				}
			})
		}
		if !n.Run(time.Minute) {
			t.Error("not done after a minute")
		}
		t.Logf("%d packets", n.Trace().Packets)
	})
	t.Logf("%v of real time", time.Since(began))
}

// An hour of a hundred idle connections with keep-alives.
func TestHourOfKeepAlives(t *testing.T) {
	began := time.Now()
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan", sim.Path{Delay: 10 * time.Millisecond})
		p := sim.Elastic()
		p.TCP.KeepAlive = tcp.KeepAlive{Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 9}
		srv, a := n.Host("server", lan), n.Host("alice", lan, sim.Profile(p))
		l, err := srv.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		var conns []net.Conn
		for range 100 {
			c, err := a.Dial("tcp", "server:80")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Accept(); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
		time.Sleep(time.Hour)
		for _, c := range conns {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Errorf("after an hour: %v", err)
			}
		}
		// a probe and its answer every 15 to 30 s on each connection
		if got := n.Trace().Packets; got < 24_000 || got > 49_000 {
			t.Errorf("%d packets in an hour", got)
		}
	})
	t.Logf("%v of real time", time.Since(began))
}
