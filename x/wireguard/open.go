package wireguard

import (
	"errors"
	"fmt"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

const (
	// headroom is what a tun.Device may want before each packet.
	headroom = 16

	// bufSize is headroom and the longest packet.
	bufSize = headroom + link.MTUMax
)

// Open returns a device that stands on a tun.Device and closes it when it is
// closed itself; after an error the tun.Device is still the caller's. Changed may
// be nil: see link.PortOptions.
func Open(line *timeline.Timeline, dev tun.Device, changed func(link.Info, error)) (*link.PortDevice, error) {
	name, err := dev.Name()
	if err != nil {
		return nil, fmt.Errorf("wireguard: name of the device: %w", err)
	}
	mtu, err := dev.MTU()
	if err != nil {
		return nil, fmt.Errorf("wireguard: MTU of %s: %w", name, err)
	}
	size := max(dev.BatchSize(), 1)
	p := &port{dev: dev, reads: buffers(size), sizes: make([]int, size), writes: buffers(size)}
	d, err := link.NewPortDevice(line, link.PortOptions{Info: link.Info{Name: name, MTU: mtu}, Changed: changed}, p)
	if err != nil {
		return nil, err
	}
	go p.events()
	return d, nil
}

func buffers(n int) [][]byte {
	b := make([][]byte, n)
	for i := range b {
		b[i] = make([]byte, bufSize)
	}
	return b
}

// port is a tun.Device as a link.Port.
type port struct {
	dev    tun.Device
	reads  [][]byte
	sizes  []int
	next   int // of the packets read, the first that was not handed over
	n      int // how many were read
	writes [][]byte
	out    [][]byte
}

// Read waits for packets. Those for which the batch has no room wait for the next call.
func (p *port) Read(batch []link.Packet) (int, error) {
	for p.next == p.n {
		var err error
		p.next = 0
		p.n, err = p.dev.Read(p.reads, p.sizes, headroom)
		if err != nil && !errors.Is(err, tun.ErrTooManySegments) { // the others are there
			return 0, err
		}
	}
	done := 0
	for ; p.next < p.n && done < len(batch); p.next++ {
		if k := p.sizes[p.next]; k > 0 {
			batch[done].Data = chunk.Copy(p.reads[p.next][headroom : headroom+k])
			done++
		}
	}
	return done, nil
}

// Write sends packets, as many at once as the device takes.
func (p *port) Write(batch []link.Packet) (int, error) {
	done := 0
	for done < len(batch) {
		p.out = p.out[:0]
		for i := range batch[done:min(done+len(p.writes), len(batch))] {
			b := p.writes[i][:headroom]
			p.out = append(p.out, batch[done+i].AppendTo(b))
		}
		if _, err := p.dev.Write(p.out, headroom); err != nil {
			return done, err
		}
		done += len(p.out)
	}
	return done, nil
}

// MTU asks the device.
func (p *port) MTU() (int, error) { return p.dev.MTU() }

// Close closes the device.
func (p *port) Close() error { return p.dev.Close() }

// events takes what the device reports until it is closed: some wait for a reader.
// A new MTU is found by asking.
func (p *port) events() {
	for range p.dev.Events() {
	}
}
