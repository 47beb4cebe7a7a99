package octet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// pour writes n octets drawn from a seed, in writes of many sizes, and returns their hash.
func pour(w io.Writer, seed uint64, n int) ([]byte, error) {
	r := rand.New(rand.NewPCG(seed, 1))
	sum, buf := sha256.New(), make([]byte, 100_000)
	for i := 0; i+8 <= len(buf); i += 8 {
		binary.BigEndian.PutUint64(buf[i:], r.Uint64())
	}
	for n > 0 {
		k := min(n, 1+r.IntN(len(buf)))
		at := r.IntN(len(buf) - k + 1)
		sum.Write(buf[at : at+k])
		if _, err := w.Write(buf[at : at+k]); err != nil {
			return nil, err
		}
		n -= k
	}
	return sum.Sum(nil), nil
}

// drink reads to the end, in reads of many sizes, and returns the hash.
func drink(r io.Reader, seed uint64) ([]byte, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, chopped{r, rand.New(rand.NewPCG(seed, 2))})
	return sum.Sum(nil), err
}

type chopped struct {
	r    io.Reader
	dice *rand.Rand
}

func (c chopped) Read(p []byte) (int, error) { return c.r.Read(p[:1+c.dice.IntN(len(p))]) }

// exchange sends n octets each way at once and compares the hashes.
func exchange(t *testing.T, a, b *TCPConn, n int) {
	t.Helper()
	type half struct {
		sum []byte
		err error
	}
	poured, drunk := make(chan half, 2), make(chan half, 2)
	var sums [2][2][]byte
	run := func(side int, c *TCPConn) {
		go func() {
			sum, err := pour(c, uint64(side), n)
			if err == nil {
				err = c.CloseWrite()
			}
			poured <- half{append([]byte{byte(side)}, sum...), err}
		}()
		go func() {
			sum, err := drink(c, uint64(side))
			drunk <- half{append([]byte{byte(1 - side)}, sum...), err}
		}()
	}
	run(0, a)
	run(1, b)
	for range 2 {
		for i, ch := range []chan half{poured, drunk} {
			h := <-ch
			if h.err != nil {
				t.Fatal(h.err)
			}
			sums[h.sum[0]][i] = h.sum[1:]
		}
	}
	for side, s := range sums {
		if !bytes.Equal(s[0], s[1]) {
			t.Errorf("what end %d sent did not arrive as it was", side)
		}
	}
}

func TestTCPExchangeOverLoopback(t *testing.T) {
	h := newHost(t)
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		s, c := pair(t, h, h, address)
		exchange(t, s, c, 4<<20)
	}
}

var ethernet = link.PipeOptions{Ethernet: true, MAC: [2][6]byte{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}}

func TestTCPExchangeOverPipes(t *testing.T) {
	for _, o := range []link.PipeOptions{{}, {MTU: 576}, {MTU: 1280}, {MTU: 9000}, {MTU: 65535}, {NoSum: true, Segments: true}, {Segments: true}, ethernet} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			alice, bob := twoHosts(t, o)
			address := "[2001:db8::2]:80"
			if o.MTU == 576 {
				address = "192.0.2.2:80" // IPv6 needs 1280
			}
			s, c := pair(t, bob, alice, address)
			exchange(t, s, c, 4<<20)
		})
	}
}

// 4 MB each way at once over a wire that loses, doubles, reorders and corrupts.
func TestTCPExchangeOverBadWire(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			path := link.Path{
				Delay: 10 * time.Millisecond, Loss: link.Random(0.02), Duplicate: 0.01, Reorder: 0.05, Corrupt: 0.001,
			}
			alice, bob, w := lossy(t, timeline.New(), seed, path)
			s, c := pair(t, bob, alice, "192.0.2.2:80")
			exchange(t, s, c, 4<<20)
			if st := w.Stats(0); st.Lost == 0 || st.Duplicated == 0 || st.Reordered == 0 || st.Corrupted == 0 {
				t.Errorf("the wire was not bad enough: %+v", st)
			}
		})
	}
}

// A thousand connections, used in both directions and closed under 5 % loss: every
// octet is right, and nothing of them remains.
func TestThousandConnectionsUnderLoss(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 200
	}
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		path := link.Path{Delay: 5 * time.Millisecond, Loss: link.Random(0.05)}
		alice, bob, w := lossy(t, line, 11, path)
		l := listen(t, bob, ":7")
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() { // echo, end by end
					defer c.Close()
					if _, err := io.Copy(c, c); err != nil {
						t.Errorf("echo: %v", err)
					}
				}()
			}
		}()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if err := echo(alice, "bob:7", uint64(i)); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		l.Close()
		time.Sleep(5 * time.Minute) // TIME-WAIT, and orphans that repeat their FIN
		for _, h := range []*Host{alice, bob} {
			if s := h.Stats(); s.Connections+s.HalfOpen+s.Orphans+s.TimeWaits != 0 {
				t.Errorf("%s still holds %+v", h.Name(), s)
			}
			if list := h.Conns(); len(list) != 0 {
				t.Errorf("%s still has %v", h.Name(), list)
			}
		}
		if n := line.Len(); n != 0 {
			t.Errorf("%d timers remain", n)
		}
		if w.Stats(0).Lost == 0 {
			t.Error("the wire lost nothing")
		}
	})
}

// echo sends some octets, ends its direction, and expects them back.
func echo(h *Host, address string, seed uint64) error {
	c, err := h.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	sent, err := pour(c, seed, int(seed*37%20000))
	if err != nil {
		return err
	}
	if err := c.(*TCPConn).CloseWrite(); err != nil {
		return err
	}
	got, err := drink(c, seed)
	if err != nil {
		return err
	}
	if !bytes.Equal(sent, got) {
		return errors.New("the echo differs")
	}
	return nil
}

// The octets of one Write stay together, however many write at once.
func TestWritesDoNotMix(t *testing.T) {
	h := newHost(t)
	s, c := pair(t, h, h, "127.0.0.1:0")
	const writers, size, each = 8, 300_000, 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				if _, err := c.Write(bytes.Repeat([]byte{byte('a' + w)}, size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	buf := make([]byte, size)
	for range writers * each {
		if _, err := io.ReadFull(s, buf); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(buf, buf[:1]) != size {
			t.Fatal("two writes were mixed")
		}
	}
	wg.Wait()
}

// After SetLinger the rest is delivered in the background and Close does not wait.
func TestCloseDeliversInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob, _ := lossy(t, timeline.New(), 3, link.Path{Delay: 100 * time.Millisecond, Rate: 8_000_000})
		s, c := pair(t, bob, alice, "192.0.2.2:80")
		sum := make(chan []byte)
		go func() {
			got, err := drink(s, 1)
			if err != nil {
				t.Error(err)
			}
			sum <- got
		}()
		want, err := pour(c, 1, 1<<20)
		start := time.Now()
		if err := errors.Join(err, c.Close()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
		if got := <-sum; !bytes.Equal(got, want) {
			t.Error("not all was delivered")
		}
	})
}

func TestKeepAliveEndsADeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob, w := lossy(t, timeline.New(), 3, link.Path{Delay: time.Millisecond})
		s, c := pair(t, bob, alice, "192.0.2.2:80")
		if err := s.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 10 * time.Second, Count: 3}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // the peer answers: nothing happens
		mustWrite(t, c, "x")
		mustRead(t, s, "x")
		if err := w.SetPath(0, link.Path{Loss: link.Random(1)}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err := s.Read(make([]byte, 1))
		if !errors.Is(err, syscall.ETIMEDOUT) || time.Since(start) > 2*time.Minute {
			t.Errorf("%v after %v, want ETIMEDOUT after about 90 s", err, time.Since(start))
		}
	})
}

func TestUserTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob, w := lossy(t, timeline.New(), 3, link.Path{Delay: time.Millisecond})
		_, c := pair(t, bob, alice, "192.0.2.2:80")
		if err := c.SetUserTimeout(7 * time.Second); err != nil {
			t.Fatal(err)
		}
		if err := w.SetPath(0, link.Path{Loss: link.Random(1)}); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, c, "x")
		start := time.Now()
		_, err := c.Read(make([]byte, 1))
		if d := time.Since(start); !errors.Is(err, syscall.ETIMEDOUT) || d < 6*time.Second || d > 15*time.Second {
			t.Errorf("%v after %v, want ETIMEDOUT after 7 s", err, d)
		}
	})
}

// A deadline may be moved while a call waits, later and earlier.
func TestDeadlineMovesWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		s, _ := pair(t, h, h, "127.0.0.1:0")
		for _, c := range []struct{ first, then, want time.Duration }{
			{time.Second, 5 * time.Second, 5 * time.Second},
			{5 * time.Second, 2 * time.Second, 2 * time.Second},
			{5 * time.Second, -time.Hour, time.Second / 2},
		} {
			start := time.Now()
			s.SetReadDeadline(start.Add(c.first))
			time.AfterFunc(time.Second/2, func() { s.SetReadDeadline(start.Add(c.then)) })
			_, err := s.Read(make([]byte, 1))
			if d := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || d != c.want {
				t.Errorf("%v then %v: %v after %v, want %v", c.first, c.then, err, d, c.want)
			}
		}
	})
}

func TestHostCloseEndsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		h := newHost(t, WithTimeline(line))
		a, _ := link.NewPipe(line, link.PipeOptions{}) // leads nowhere
		attach(t, h, a, "192.0.2.1/24")
		l := listen(t, h, "127.0.0.1:80")
		_, c := connect(t, h, l)
		s, _ := connect(t, h, l)
		u := listenUDP(t, h, "127.0.0.1:53")
		c.SetReadDeadline(time.Now().Add(time.Hour))
		var wg sync.WaitGroup
		for what, call := range map[string]func() error{
			"accept":   func() error { _, err := l.Accept(); return err },
			"read":     func() error { _, err := c.Read(make([]byte, 1)); return err },
			"write":    func() error { _, err := io.Copy(struct{ io.Writer }{s}, neverEnding{}); return err },
			"dial":     func() error { _, err := h.Dial("tcp", "192.0.2.2:80"); return err },
			"datagram": func() error { _, err := u.Read(make([]byte, 1)); return err },
		} {
			wg.Go(func() {
				if err := call(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v, want net.ErrClosed", what, err)
				}
			})
		}
		synctest.Wait()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n := line.Len(); n != 0 {
			t.Errorf("%d timers remain", n)
		}
		if err := h.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v, want net.ErrClosed", err)
		}
		for what, err := range map[string]error{
			"dial": errOf(h.Dial("tcp", "127.0.0.1:80")), "listen": errOf(h.Listen("tcp", "127.0.0.1:80")),
			"listen packet": errOf(h.ListenPacket("udp", "127.0.0.1:80")), "interfaces": errOf(h.Interfaces()),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s on a closed host: %v, want net.ErrClosed", what, err)
			}
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

// A segment on its way through loopback costs no allocation, however large.
func TestTCPDoesNotAllocate(t *testing.T) {
	h := newHost(t)
	s, c := pair(t, h, h, "127.0.0.1:0")
	for _, size := range []int{1, 64, 1448, 16 << 10, 64 << 10} {
		p, buf := make([]byte, size), make([]byte, size)
		n := testing.AllocsPerRun(500, func() {
			if _, err := c.Write(p); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(s, buf); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 && !raceEnabled {
			t.Errorf("%v allocations to carry %d octets", n, size)
		}
	}
}
