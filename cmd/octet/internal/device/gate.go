package device

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// A gate is a device whose packets are shown while somebody watches, and pass at
// no cost while nobody does.
type gate struct {
	*link.PortDevice
	tap      *link.Tap // of what is behind the gate
	direct   link.Receiver
	shown    link.Receiver // that shows packets before direct gets them
	watchers atomic.Pointer[[]link.Observer]
	mu       sync.Mutex // held to change watchers
}

func newGate(d *link.PortDevice, line *timeline.Timeline) *gate {
	g := &gate{PortDevice: d}
	g.watchers.Store(new([]link.Observer))
	g.tap = link.NewTap((*behind)(g), line, "", g)
	return g
}

// behind is the device as the tap of the gate sees it.
type behind gate

func (b *behind) Attach(r link.Receiver) { b.shown = r }
func (b *behind) Send(p *link.Packet)    { b.PortDevice.Send(p) }
func (b *behind) Flush()                 { b.PortDevice.Flush() }
func (b *behind) Info() link.Info        { return b.PortDevice.Info() }
func (b *behind) Close() error           { return b.PortDevice.Close() }

// Attach names who receives.
func (g *gate) Attach(r link.Receiver) {
	g.direct = r
	g.tap.Attach(r)
	g.PortDevice.Attach(g)
}

func (g *gate) watched() bool { return len(*g.watchers.Load()) > 0 }

// Receive hands packets over.
func (g *gate) Receive(now mono.Time, batch []link.Packet) {
	if g.watched() {
		g.shown.Receive(now, batch)
		return
	}
	g.direct.Receive(now, batch)
}

// Send queues a packet.
func (g *gate) Send(p *link.Packet) {
	if g.watched() {
		g.tap.Send(p)
		return
	}
	g.PortDevice.Send(p)
}

// Flush delivers what is queued. It also shows what was sent before the last
// watcher went.
func (g *gate) Flush() { g.tap.Flush() }

// Observe shows a packet to all who watch.
func (g *gate) Observe(s *link.Sighting) {
	for _, o := range *g.watchers.Load() {
		o.Observe(s)
	}
}

// watch shows packets to o until stop is called.
func (g *gate) watch(o link.Observer) (stop func()) {
	g.change(func(list []link.Observer) []link.Observer { return append(list, o) })
	return func() {
		g.change(func(list []link.Observer) []link.Observer {
			return slices.DeleteFunc(list, func(x link.Observer) bool { return x == o })
		})
	}
}

func (g *gate) change(f func([]link.Observer) []link.Observer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := f(slices.Clone(*g.watchers.Load()))
	g.watchers.Store(&list)
}

// Capture writes what passes the device to w in pcapng, packet by packet, until the
// context or the device ends.
func (s *Stack) Capture(ctx context.Context, w io.Writer) error {
	c := link.NewCapture(w, s.line, link.CaptureOptions{Live: true})
	defer s.gate.watch(c)()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		if err := c.Flush(); err != nil { // whoever reads along sees at once that it has begun
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.Close())
		case <-s.Done():
			return errors.Join(s.Err(), c.Close())
		case <-again.C: // a reader that is gone shows when something is written
		}
	}
}
