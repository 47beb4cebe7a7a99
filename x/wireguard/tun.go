// Package wireguard joins octet and wireguard-go, in both directions.
//
// A TUN is the device of an octet host and the tun.Device of a WireGuard device
// at once: hosts on several machines that have one each share a network, with no
// privilege and no interface of the system. Open makes an octet device of any
// tun.Device, such as those that wireguard-go has for Windows and the BSDs.
package wireguard

import (
	"fmt"
	"os"
	"sync"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

const (
	// queueMax is how many packets may wait to be encrypted; further ones are dropped.
	queueMax = 4096

	// batchMax is how many packets pass at once.
	batchMax = 64

	// DefaultMTU leaves room for WireGuard's headers in 1500 octets, over IPv6 too.
	DefaultMTU = 1420
)

// A TUN has two faces: what the host sends, WireGuard reads, and the other way round.
type TUN struct {
	line   *timeline.Timeline
	name   string
	mtu    int
	events chan tun.Event

	mu      sync.Mutex
	ready   *sync.Cond // packets wait, or the device is closed
	to      link.Receiver
	queue   []link.Packet
	stats   link.Stats
	closed  bool
	batches sync.Pool // of *[]link.Packet: WireGuard writes from several goroutines
}

var (
	_ link.Counted = (*TUN)(nil)
	_ tun.Device   = (*TUN)(nil)
)

// NewTUN returns a device with an MTU, DefaultMTU if it is zero. Give it to
// Host.Attach, then to device.NewDevice of wireguard-go.
func NewTUN(line *timeline.Timeline, name string, mtu int) (*TUN, error) {
	if mtu == 0 {
		mtu = DefaultMTU
	}
	if mtu < 68 || mtu > link.MTUMax {
		return nil, fmt.Errorf("wireguard: MTU of %d is not between 68 and %d", mtu, link.MTUMax)
	}
	t := &TUN{line: line, name: name, mtu: mtu, events: make(chan tun.Event, 1)}
	t.ready = sync.NewCond(&t.mu)
	t.batches.New = func() any { return new([]link.Packet) }
	t.events <- tun.EventUp
	return t, nil
}

// Attach names who receives what WireGuard decrypts.
func (t *TUN) Attach(r link.Receiver) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.to = r
}

// Send queues a packet for WireGuard.
func (t *TUN) Send(p *link.Packet) {
	info := t.Info()
	if !p.Complete(&info, t.send) {
		t.mu.Lock()
		t.stats.SendDropped++
		t.mu.Unlock()
	}
}

func (t *TUN) send(p *link.Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || p.Len() > t.mtu || len(t.queue) >= queueMax {
		t.stats.SendDropped++
		p.Data.Release()
		return
	}
	t.stats.Sent++
	t.stats.SentOctets += uint64(p.Len())
	t.queue = append(t.queue, *p)
	p.Data = chunk.View{}
}

// Flush wakes WireGuard, which encrypts on a goroutine of its own.
func (t *TUN) Flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) > 0 {
		t.ready.Signal()
	}
}

// Info describes the device to the host.
func (t *TUN) Info() link.Info { return link.Info{Name: t.name, MTU: t.mtu} }

// Stats returns the counts.
func (t *TUN) Stats() link.Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// Close ends the device for both sides.
func (t *TUN) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	for i := range t.queue {
		t.queue[i].Data.Release()
	}
	t.queue = nil
	t.ready.Broadcast()
	close(t.events)
	return nil
}

// Read gives WireGuard packets that the host sent. It waits until there are some.
func (t *TUN) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue) == 0 && !t.closed {
		t.ready.Wait()
	}
	if t.closed {
		return 0, os.ErrClosed
	}
	n := 0
	for n < min(len(t.queue), len(bufs)) {
		p := &t.queue[n]
		sizes[n] = 0
		if room := bufs[n][offset:]; p.Len() <= len(room) {
			sizes[n] = len(p.AppendTo(room[:0]))
		}
		p.Data.Release()
		n++
	}
	rest := copy(t.queue, t.queue[n:])
	clear(t.queue[rest:])
	t.queue = t.queue[:rest]
	return n, nil
}

// Write takes packets that WireGuard decrypted and hands them to the host.
func (t *TUN) Write(bufs [][]byte, offset int) (int, error) {
	t.mu.Lock()
	to, closed := t.to, t.closed
	t.mu.Unlock()
	if closed {
		return 0, os.ErrClosed
	}
	held := t.batches.Get().(*[]link.Packet)
	defer t.batches.Put(held)
	batch := (*held)[:0]
	octets := 0
	for _, b := range bufs {
		batch = append(batch, link.Packet{Data: chunk.Copy(b[offset:])})
		octets += len(b) - offset
	}
	*held = batch
	t.mu.Lock()
	t.stats.Received += uint64(len(batch))
	t.stats.ReceivedOctets += uint64(octets)
	t.mu.Unlock()
	if to != nil {
		to.Receive(t.line.Now(), batch)
	}
	for i := range batch {
		batch[i].Data.Release()
	}
	return len(bufs), nil
}

// File returns nil: there is no file.
func (t *TUN) File() *os.File { return nil }

// MTU tells WireGuard the MTU.
func (t *TUN) MTU() (int, error) { return t.mtu, nil }

// Name tells WireGuard the name.
func (t *TUN) Name() (string, error) { return t.name, nil }

// Events tells WireGuard that the device is up.
func (t *TUN) Events() <-chan tun.Event { return t.events }

// BatchSize tells WireGuard how many packets pass at once.
func (t *TUN) BatchSize() int { return batchMax }
