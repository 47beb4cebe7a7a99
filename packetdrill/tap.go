package packetdrill

import (
	"sync"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// maxSeen bounds how many packets of a host wait for the script to look at them.
const maxSeen = 100_000

// tap is the device of the host under test: it keeps what the host sends and
// delivers what the script sends.
type tap struct {
	line *timeline.Timeline
	mtu  int

	mu   sync.Mutex
	to   link.Receiver
	seen []capture
}

// capture is a packet that the host sent, and when.
type capture struct {
	at     mono.Time
	octets []byte
}

// Attach implements link.Device.
func (d *tap) Attach(r link.Receiver) { d.to = r }

// Send implements link.Device.
func (d *tap) Send(p *link.Packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seen) < maxSeen {
		d.seen = append(d.seen, capture{d.line.Now(), p.AppendTo(nil)})
	}
	p.Data.Release()
}

// Flush implements link.Device: what was sent is kept already.
func (d *tap) Flush() {}

// Info implements link.Device.
func (d *tap) Info() link.Info { return link.Info{Name: "tun0", MTU: d.mtu} }

// Close implements link.Device.
func (d *tap) Close() error { return nil }

// inject delivers a packet to the host.
func (d *tap) inject(octets []byte) {
	var p link.Packet
	p.Data = chunk.Borrow(octets)
	d.to.Receive(d.line.Now(), []link.Packet{p})
}

// first returns the oldest packet that the script has not looked at.
func (d *tap) first() (capture, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seen) == 0 {
		return capture{}, false
	}
	return d.seen[0], true
}

func (d *tap) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = d.seen[1:]
}
