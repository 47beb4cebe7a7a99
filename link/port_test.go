package link

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// A channelPort gives what is put into in, and puts what it is given into out.
type channelPort struct {
	in     chan []byte
	out    chan []byte
	failed chan error // read errors
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	write func(n int) error // the error for the n-th packet; may be nil
	n     int
	mtu   int
}

func newChannelPort() *channelPort {
	return &channelPort{
		in: make(chan []byte, 100), out: make(chan []byte, 10_000), failed: make(chan error), closed: make(chan struct{}), mtu: 1500,
	}
}

func (c *channelPort) Read(batch []Packet) (int, error) {
	select {
	case b := <-c.in:
		batch[0].Data = chunk.Copy(b)
		return 1, nil
	case err := <-c.failed:
		return 0, err
	case <-c.closed:
		return 0, os.ErrClosed
	}
}

func (c *channelPort) Write(batch []Packet) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range batch {
		c.n++
		if c.write != nil {
			if err := c.write(c.n - 1); err != nil {
				return i, err
			}
		}
		c.out <- batch[i].AppendTo(nil)
	}
	return len(batch), nil
}

func (c *channelPort) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *channelPort) MTU() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mtu == 0 {
		return 0, errors.New("no such interface")
	}
	return c.mtu, nil
}

func (c *channelPort) set(mtu int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mtu = mtu
}

func newPortDevice(t *testing.T, line *timeline.Timeline, changed func(Info, error), ports ...Port) *PortDevice {
	t.Helper()
	d, err := NewPortDevice(line, PortOptions{Info: Info{Name: "test0", MTU: 1500}, Changed: changed}, ports...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPortDevicePassesPacketsBothWays(t *testing.T) {
	port := newChannelPort()
	d := newPortDevice(t, timeline.New(), nil, port)
	got := make(chan string, 10)
	d.Attach(receiverFunc(func(_ mono.Time, p *Packet) { got <- string(p.AppendTo(nil)) }))
	for i := range 5 {
		port.in <- []byte(fmt.Sprint("in", i))
		if s := <-got; s != fmt.Sprint("in", i) {
			t.Errorf("received %q", s)
		}
		d.Send(&Packet{Data: chunk.Copy([]byte(fmt.Sprint("out", i)))})
		d.Flush()
		if b := <-port.out; string(b) != fmt.Sprint("out", i) {
			t.Errorf("sent %q", b)
		}
	}
	want := Stats{Sent: 5, SentOctets: 20, Received: 5, ReceivedOctets: 15}
	if s := d.Stats(); s != want {
		t.Errorf("counted %+v, want %+v", s, want)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	port.in <- []byte("late")
	d.Send(&Packet{Data: chunk.Copy([]byte("late"))})
	d.Flush()
	if len(port.out) != 0 || len(got) != 0 {
		t.Error("something passed after Close")
	}
	if err := d.Err(); err != nil {
		t.Errorf("a device that was closed says %v", err)
	}
	if d.readers != 0 {
		t.Errorf("%d readers are left after Close", d.readers)
	}
}

// Close waits for the readers, but not for the one that calls it.
func TestPortDeviceClosedByItsReceiver(t *testing.T) {
	ports := []Port{newChannelPort(), newChannelPort(), newChannelPort()}
	d := newPortDevice(t, timeline.New(), nil, ports...)
	done := make(chan error)
	d.Attach(receiverFunc(func(mono.Time, *Packet) { done <- d.Close() }))
	ports[1].(*channelPort).in <- []byte("x")
	if err := <-done; err != nil {
		t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.readers > 0 {
		d.quiet.Wait()
	}
}

// T-73: a port that refuses a packet loses that packet and no other; one that has no
// room for longer loses the batch; one that takes nothing does not hang the sender.
func TestT73_PortErrorsAreBounded(t *testing.T) {
	noRoom := errors.New("no buffer space")
	for _, c := range []struct {
		name    string
		write   func(n int) error
		arrives int
		errors  uint64
	}{
		{"one refused", func(n int) error {
			if n == 3 {
				return noRoom
			}
			return nil
		}, 9, 1},
		{"all refused", func(int) error { return noRoom }, 0, 10},
		{"short", func(int) error { return io.ErrShortWrite }, 0, 10},
		{"no room in time", func(n int) error {
			if n >= 4 {
				return os.ErrDeadlineExceeded
			}
			return nil
		}, 4, 1},
		{"closed", func(int) error { return os.ErrClosed }, 0, 1},
	} {
		port := newChannelPort()
		port.write = c.write
		d := newPortDevice(t, timeline.New(), nil, port)
		for range 10 {
			d.Send(&Packet{Data: chunk.Copy([]byte("packet"))})
		}
		d.Flush()
		s := d.Stats()
		if len(port.out) != c.arrives || s.Errors != c.errors || int(s.Sent) != c.arrives || int(s.SendDropped) != 10-c.arrives {
			t.Errorf("%s: %d arrived, counted %+v", c.name, len(port.out), s)
		}
	}
}

// T-73: the device is told an MTU that shrinks while it is used, at once when a
// packet was too long.
func TestT73_MTUShrinks(t *testing.T) {
	port := newChannelPort()
	port.write = func(int) error { return ErrTooLong }
	port.set(1280)
	changes := make(chan Info, 10)
	d := newPortDevice(t, timeline.New(), func(i Info, err error) {
		if err != nil {
			t.Error(err)
		}
		changes <- i
	}, port)
	d.Send(&Packet{Data: chunk.Copy(make([]byte, 1500))})
	d.Flush()
	if i := <-changes; i.MTU != 1280 || i.Name != "test0" || d.Info() != i {
		t.Errorf("told of %+v, Info is %+v", i, d.Info())
	}
}

func TestPortDeviceLooksAtItsMTUNowAndThen(t *testing.T) {
	line := timeline.NewManual()
	port := newChannelPort()
	changes := make(chan error, 10)
	d := newPortDevice(t, line, func(_ Info, err error) { changes <- err }, port)
	send := func() {
		d.Send(&Packet{Data: chunk.Copy([]byte("x"))})
		d.Flush()
	}
	port.set(1400)
	send()
	if d.Info().MTU != 1500 {
		t.Error("looked before the time was up")
	}
	line.Advance(mono.Time(checkEvery))
	send()
	if d.Info().MTU != 1400 || <-changes != nil {
		t.Errorf("MTU is %d", d.Info().MTU)
	}
	port.set(20) // no MTU for anybody
	line.Advance(mono.Time(2 * checkEvery))
	send()
	if d.Info().MTU != 1400 || len(changes) != 0 {
		t.Errorf("MTU is %d", d.Info().MTU)
	}
	port.set(0) // the interface is gone
	line.Advance(mono.Time(3 * checkEvery))
	send()
	if err := <-changes; err == nil || d.Err() != err {
		t.Errorf("told of %v, Err is %v", err, d.Err())
	}
	<-d.Done()
}

func TestPortDeviceThatFailsSaysSoOnce(t *testing.T) {
	a, b := newChannelPort(), newChannelPort()
	ends := make(chan error, 10)
	d := newPortDevice(t, timeline.New(), func(_ Info, err error) { ends <- err }, a, b)
	d.Attach(receiverBatch(func([]Packet) {}))
	gone := errors.New("file descriptor in bad state")
	a.failed <- gone
	b.failed <- errors.New("later")
	<-d.Done()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ends; !errors.Is(err, gone) && err.Error() != "link: test0: later" || len(ends) != 0 {
		t.Errorf("told of %v, and %d more", err, len(ends))
	}
}

func TestPortDeviceKeepsAFlowOnOnePort(t *testing.T) {
	ports := []Port{newChannelPort(), newChannelPort(), newChannelPort(), newChannelPort()}
	d := newPortDevice(t, timeline.New(), nil, ports...)
	for k := range uint64(30) {
		for flow := range uint16(20) {
			d.Send(udp(flow, k, 40))
		}
		d.Flush()
	}
	used := 0
	for _, p := range ports {
		n := len(p.(*channelPort).out)
		if n%30 != 0 {
			t.Errorf("a port sent %d packets, no multiple of a flow's 30", n)
		}
		used += min(n, 1)
	}
	if used < 3 {
		t.Errorf("20 flows left through %d of 4 ports", used)
	}
}

func TestNewPortDeviceRefuses(t *testing.T) {
	line := timeline.New()
	if _, err := NewPortDevice(line, PortOptions{Info: Info{MTU: 1500}}); err == nil {
		t.Error("a device without ports was made")
	}
	for _, mtu := range []int{-1, 0, 67, 65536} {
		if _, err := NewPortDevice(line, PortOptions{Info: Info{MTU: mtu}}, newChannelPort()); err == nil {
			t.Errorf("an MTU of %d was taken", mtu)
		}
	}
}

func TestPortDeviceSteadyStateDoesNotAllocate(t *testing.T) {
	d := newPortDevice(t, timeline.New(), nil, discardPort{})
	model := udp(1, 0, 1000)
	var p Packet
	n := testing.AllocsPerRun(1000, func() {
		p = *model
		p.Data = p.Data.Share()
		d.Send(&p)
		d.Flush()
	})
	if n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

type discardPort struct{}

func (discardPort) Read([]Packet) (int, error)        { return 0, io.EOF }
func (discardPort) Write(batch []Packet) (int, error) { return len(batch), nil }
func (discardPort) Close() error                      { return nil }
