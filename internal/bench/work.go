package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// block is how much a stream writes at once, in octets.
const block = 64 << 10

// wholeEvery is how many blocks are compared by their number only, for each that
// is compared whole.
const wholeEvery = 16

// pattern fills what is sent: octets that are no repetition of each other nearby.
var pattern = func() []byte {
	b := make([]byte, block)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}()

// streams sends blocks over k connections at once, each from a goroutine of its
// own to another, and returns how many million octets a second arrived.
func streams(k int) func(*Network, time.Duration) (float64, error) {
	return func(n *Network, span time.Duration) (float64, error) {
		var clients, servers []net.Conn
		for range k {
			c, s, err := n.pair()
			if err != nil {
				return 0, err
			}
			clients, servers = append(clients, c), append(servers, s)
		}
		var done sync.WaitGroup
		var stop atomic.Bool
		var total atomic.Int64
		fails := make(chan error, 2*k)
		begun := time.Now()
		for i := range k {
			sent := make(chan int64, 1)
			done.Add(2)
			go func() {
				defer done.Done()
				blocks, err := pour(clients[i], &stop)
				sent <- blocks
				fails <- err
			}()
			go func() {
				defer done.Done()
				got, err := drink(servers[i])
				servers[i].Close() // a writer that waits for a broken reader goes on
				if want := <-sent * block; err == nil && got != want {
					err = fmt.Errorf("%d octets arrived of %d", got, want)
				}
				total.Add(got)
				fails <- err
			}()
		}
		time.Sleep(span)
		stop.Store(true)
		done.Wait()
		took := time.Since(begun)
		close(fails)
		var err error
		for e := range fails {
			err = errors.Join(err, e)
		}
		return float64(total.Load()) / 1e6 / took.Seconds(), err
	}
}

// pour writes numbered blocks until it is told to stop, and returns how many.
func pour(c net.Conn, stop *atomic.Bool) (blocks int64, err error) {
	defer c.Close()
	b := bytes.Clone(pattern)
	for ; !stop.Load(); blocks++ {
		binary.LittleEndian.PutUint64(b, uint64(blocks))
		if _, err := c.Write(b); err != nil {
			return blocks, fmt.Errorf("write: %w", err)
		}
	}
	return blocks, nil
}

// drink reads blocks to their end, checks them, and returns how many octets came.
func drink(c net.Conn) (total int64, err error) {
	b := make([]byte, block)
	for number := int64(0); ; number++ {
		n, err := io.ReadFull(c, b)
		total += int64(n)
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, fmt.Errorf("read: %w", err)
		case binary.LittleEndian.Uint64(b) != uint64(number):
			return total, fmt.Errorf("block %d came in place of block %d", binary.LittleEndian.Uint64(b), number)
		case number%wholeEvery == 0 && !bytes.Equal(b[8:], pattern[8:]):
			return total, fmt.Errorf("block %d changed on its way", number)
		}
	}
}

// pingPong sends numbered messages of 64 octets to and fro and returns how many
// microseconds one round takes.
func pingPong(n *Network, span time.Duration) (float64, error) {
	c, s, err := n.pair()
	if err != nil {
		return 0, err
	}
	echoed := make(chan error, 1)
	go func() { echoed <- echo(s, make([]byte, 64)) }()
	b, back := bytes.Clone(pattern[:64]), make([]byte, 64)
	rounds, begun := 0, time.Now()
	for ; ; rounds++ {
		if rounds%64 == 0 && time.Since(begun) >= span {
			break
		}
		binary.LittleEndian.PutUint64(b, uint64(rounds))
		if _, err = c.Write(b); err != nil {
			break
		}
		if _, err = io.ReadFull(c, back); err != nil {
			break
		}
		if !bytes.Equal(b, back) {
			err = fmt.Errorf("message %d came back changed", rounds)
			break
		}
	}
	took := time.Since(begun)
	c.Close()
	return float64(took.Nanoseconds()) / 1e3 / float64(rounds), errors.Join(err, <-echoed)
}

// echo sends back every len(b) octets that come, until the end, and closes.
func echo(c net.Conn, b []byte) error {
	defer c.Close()
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("echo: %w", err)
		}
		if _, err := c.Write(b); err != nil {
			return fmt.Errorf("echo: %w", err)
		}
	}
}

// connects makes connections one after another, sends an octet each way over each
// and closes it, and returns how many a second.
func connects(n *Network, span time.Duration) (float64, error) {
	if n.Listen == nil {
		return 0, ErrNone
	}
	l, err := n.Listen()
	if err != nil {
		return 0, err
	}
	served := make(chan error, 1)
	go func() { served <- serve(l) }()
	count, begun := 0, time.Now()
	for ; err == nil && time.Since(begun) < span; count++ {
		err = exchange(n, l.Addr(), byte(count))
	}
	took := time.Since(begun)
	l.Close()
	return float64(count) / took.Seconds(), errors.Join(err, <-served)
}

// serve answers one octet on each connection with its complement.
func serve(l net.Listener) error {
	b := make([]byte, 1)
	for {
		c, err := l.Accept()
		if err != nil {
			return nil // closed
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		b[0] = ^b[0]
		if _, err := c.Write(b); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		if _, err := c.Read(b); err != io.EOF { // the client closes first
			return fmt.Errorf("serve: %v instead of the end", err)
		}
		c.Close()
	}
}

func exchange(n *Network, to net.Addr, octet byte) error {
	c, err := n.Dial(to)
	if err != nil {
		return err
	}
	defer c.Close()
	b := []byte{octet}
	if _, err := c.Write(b); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if b[0] != ^octet {
		return fmt.Errorf("%d was answered with %d", octet, b[0])
	}
	return nil
}

// datagrams sends datagrams of 512 octets as fast as it goes and returns how many
// a second arrived; they may be lost, but neither change nor overtake each other.
func datagrams(n *Network, span time.Duration) (float64, error) {
	if n.Datagrams == nil {
		return 0, ErrNone
	}
	from, to, err := n.Datagrams()
	if err != nil {
		return 0, err
	}
	var stop atomic.Bool
	flooded := make(chan error, 1)
	go func() { flooded <- flood(from, &stop) }()
	b := make([]byte, 1024)
	last, count := uint64(0), 0
	begun := time.Now()
	for ; err == nil; count++ {
		if count%64 == 0 && time.Since(begun) >= span {
			break
		}
		var k int
		if k, _, err = to.ReadFrom(b); err != nil {
			break
		}
		number := binary.LittleEndian.Uint64(b)
		switch {
		case k != 512:
			err = fmt.Errorf("%d octets arrived of 512", k)
		case number <= last:
			err = fmt.Errorf("datagram %d came after %d", number, last)
		case number%wholeEvery == 0 && !bytes.Equal(b[8:512], pattern[8:512]):
			err = fmt.Errorf("datagram %d changed on its way", number)
		}
		last = number
	}
	took := time.Since(begun)
	stop.Store(true)
	err = errors.Join(err, <-flooded)
	to.Close()
	return float64(count) / took.Seconds(), err
}

// flood sends datagrams, numbered from one, until it is told to stop.
func flood(c net.Conn, stop *atomic.Bool) error {
	defer c.Close()
	b := bytes.Clone(pattern[:512])
	for number := uint64(1); !stop.Load(); number++ {
		binary.LittleEndian.PutUint64(b, number)
		if _, err := c.Write(b); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return nil
}

// idlers is how many connections are open at once to weigh one.
const idlers = 2000

// rest is how long connections are left alone before they are weighed.
const rest = 1500 * time.Millisecond

// idle opens connections, sends an octet each way over each, lets them rest, and
// returns what each end holds of heap and stacks.
func idle(n *Network, _ time.Duration) (float64, error) {
	if !n.Inside {
		return 0, ErrNone
	}
	list := make([]net.Conn, 0, 2*idlers)
	defer func() {
		for _, c := range list {
			c.Close()
		}
	}()
	before := held()
	for range idlers {
		c, s, err := n.pair()
		if err != nil {
			return 0, err
		}
		list = append(list, c, s)
		if n.Listen == nil {
			continue // a connection without buffers
		}
		if err := greet(c, s); err != nil {
			return 0, err
		}
	}
	if n.Listen != nil {
		time.Sleep(rest)
	}
	after := held()
	runtime.KeepAlive(list)
	return float64(after-before) / (2 * idlers), nil
}

// greet sends an octet each way.
func greet(c, s net.Conn) error {
	b := []byte{1}
	for _, way := range [][2]net.Conn{{c, s}, {s, c}} {
		if _, err := way[0].Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(way[1], b); err != nil {
			return err
		}
	}
	return nil
}

// held returns the octets of heap and stacks in use.
func held() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools keep goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
