package octet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// A cable is a Port whose other end is one as well, and that can break.
type cable struct {
	in, out chan []byte
	end     *cableEnd
}

type cableEnd struct {
	once sync.Once
	gone chan struct{}
	why  error
	mtu  int
	mu   sync.Mutex
}

func (c *cable) Read(batch []link.Packet) (int, error) {
	select {
	case b := <-c.in:
		batch[0].Data = chunk.Copy(b)
		return 1, nil
	case <-c.end.gone:
		return 0, c.end.why
	}
}

func (c *cable) Write(batch []link.Packet) (int, error) {
	for i := range batch {
		select {
		case c.out <- batch[i].AppendTo(nil):
		case <-c.end.gone:
			return i, c.end.why
		}
	}
	return len(batch), nil
}

func (c *cable) Close() error { c.end.over(os.ErrClosed); return nil }

func (c *cable) MTU() (int, error) {
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	return c.end.mtu, nil
}

func (c *cableEnd) setMTU(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mtu = n
}

func (c *cableEnd) over(why error) { c.once.Do(func() { c.why = why; close(c.gone) }) }

// wired returns two hosts, alice and bob, on devices with real readers, and what
// breaks that of alice.
func wired(t *testing.T) (alice, bob *Host, end *cableEnd) {
	line := timeline.New()
	t.Cleanup(line.Close)
	x, y := make(chan []byte, 100), make(chan []byte, 100)
	end = &cableEnd{gone: make(chan struct{}), mtu: 1500}
	other := &cableEnd{gone: make(chan struct{}), mtu: 1500}
	var hosts [2]*Host
	for i, p := range []*cable{{x, y, end}, {y, x, other}} {
		hosts[i] = newHost(t, WithTimeline(line))
		d, err := link.NewPortDevice(line, link.PortOptions{Info: link.Info{Name: "tun0", MTU: 1500}}, p)
		if err != nil {
			t.Fatal(err)
		}
		attach(t, hosts[i], d, "192.0.2."+string(rune('1'+i))+"/24")
	}
	return hosts[0], hosts[1], end
}

// A device that ends by itself is told of, and who waits on it is told why; what
// does not need it goes on, and nothing of it is left (T-73).
func TestThreat_T73_DeviceThatDisappears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob, end := wired(t)
		told := make(chan Change, 10)
		defer alice.Watch(func(c Change) { told <- c })()
		server, client := pair(t, bob, alice, "192.0.2.2:80")
		defer server.Close()
		near, far := pair(t, alice, alice, "127.0.0.1:80")
		connected := dialUDP(t, alice, "192.0.2.2:53")
		bound := listenUDP(t, alice, "192.0.2.1:54")
		free := listenUDP(t, alice, "0.0.0.0:55")
		results := make(chan error, 4)
		for _, r := range []io.Reader{client, connected, bound} {
			go func() { _, err := r.Read(make([]byte, 1)); results <- err }()
		}
		go func() { _, err := alice.Dial("tcp", "192.0.2.77:80"); results <- err }()
		synctest.Wait()
		start := time.Now()
		cause := errors.New("pulled out")
		end.over(cause)
		for range 4 {
			if err := <-results; !errors.Is(err, syscall.ENETDOWN) {
				t.Errorf("%v, want ENETDOWN", err)
			}
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("it took %v", d)
		}
		if c := <-told; c.Kind != DeviceEnded || c.Name != "tun0" || !errors.Is(c.Err, cause) {
			t.Errorf("told %v", c)
		}
		if list, err := alice.Interfaces(); err != nil || len(list) != 1 {
			t.Errorf("interfaces %v, %v", list, err)
		}
		if _, err := alice.Dial("udp", "192.0.2.2:53"); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("a dial afterwards: %v, want ENETUNREACH", err)
		}
		exchange(t, near, far, 100_000)
		if err := alice.Detach(2); err == nil {
			t.Error("detached what was gone")
		}
		if _, err := free.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 55}); err != nil {
			t.Error(err)
		}
		if _, err := free.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if n := alice.Stats().Connections; n > 2 {
			t.Errorf("%d connections", n)
		}
	}) // the bubble panics if a reader of the device is left
}

// The MTU of the device is that of the interface (T-73).
func TestThreat_T73_MTUOfTheDeviceChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob, end := wired(t)
		told := make(chan Change, 10)
		defer alice.Watch(func(c Change) { told <- c })()
		server, client := pair(t, bob, alice, "192.0.2.2:80")
		end.setMTU(700)
		time.Sleep(2 * time.Second) // a busy device looks once in a second
		mustWrite(t, client, "hello")
		mustRead(t, server, "hello")
		time.Sleep(time.Second) // the acknowledgement comes, for which the path is asked again
		if c := <-told; c.Kind != MTUChanged || c.MTU != 700 {
			t.Errorf("told %v", c)
		}
		if n := client.s.Info().MSS; n > 660 {
			t.Errorf("segments of %d octets", n)
		}
		exchange(t, server, client, 100_000)
		if i := alice.ip.nic(2); i.mtu() != 700 {
			t.Errorf("MTU %d", i.mtu())
		}
	})
}

func TestViewsOfAHost(t *testing.T) {
	line, hosts, _ := neighbours(t)
	h := hosts[0]
	l := listening(t, hosts[1], "192.0.2.2:80", 1)
	connecting(t, h, "192.0.2.2:80")
	accepted(t, l)
	after(line, time.Second)
	if p, err := h.RouteTo(addr("192.0.2.2")); err != nil || p.Source != addr("192.0.2.1") || p.Interface != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := h.RouteTo(addr("203.0.113.1")); err != syscall.ENETUNREACH {
		t.Errorf("%v, want ENETUNREACH", err)
	}
	if _, ok := h.LinkStats(2); ok {
		t.Error("a gate counts")
	}
	if s, ok := h.LinkStats(1); !ok || s.SendDropped != 0 {
		t.Errorf("loopback: %+v, %v", s, ok)
	}
	if _, ok := h.LinkStats(9); ok {
		t.Error("no interface counts")
	}
	if g := h.Groups(2); len(g) == 0 {
		t.Error("no groups")
	}
	if a := h.Addresses(2); len(a) != 3 || a[0].Addr() != addr("192.0.2.1") {
		t.Errorf("%+v", a)
	}
}
