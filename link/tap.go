package link

import (
	"cmp"
	"sync"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// tapMax is how many packets may wait in a Tap until its observers have seen those
// before them; further ones pass unseen.
const tapMax = 1 << 14

// A Tap is a Device that passes everything on to another and shows it to
// observers: what is sent as the sender built it, what is received as the device
// handed it over. Observers are called by Flush and Receive, never by Send, whose
// caller holds a lock.
type Tap struct {
	inner     Device
	line      *timeline.Timeline
	name      string
	ethernet  bool
	observers []Observer
	to        Receiver

	mu     sync.Mutex
	busy   bool   // somebody shows packets
	fresh  []view // to be shown
	spare  []view
	missed uint64
}

// view is a packet that is to be shown. It owns a reference of its own.
type view struct {
	at       mono.Time
	outgoing bool
	packet   Packet
}

// NewTap returns a Tap on a device, before anything is attached to it. Observers
// are told the name given here, or that of the device if it is empty.
func NewTap(inner Device, line *timeline.Timeline, name string, observers ...Observer) *Tap {
	info := inner.Info()
	return &Tap{
		inner: inner, line: line, name: cmp.Or(name, info.Name), ethernet: info.Ethernet, observers: observers,
	}
}

// Attach names who receives what the device does.
func (t *Tap) Attach(r Receiver) {
	t.to = r
	t.inner.Attach((*tapReceiver)(t))
}

// Send queues a packet on the device and notes it for the observers.
func (t *Tap) Send(p *Packet) {
	t.mu.Lock()
	t.note(t.line.Now(), true, p)
	t.mu.Unlock()
	t.inner.Send(p)
}

// Flush shows what was sent and flushes the device.
func (t *Tap) Flush() {
	t.show()
	t.inner.Flush()
}

// OnChange is that of the device, if it has one.
func (t *Tap) OnChange(f func(info Info, ended error)) {
	if c, ok := t.inner.(Changing); ok {
		c.OnChange(f)
	}
}

// Info is that of the device.
func (t *Tap) Info() Info { return t.inner.Info() }

// Close closes the device.
func (t *Tap) Close() error {
	t.show()
	return t.inner.Close()
}

// Stats returns the counts of the device, or zeros if it counts nothing.
func (t *Tap) Stats() Stats {
	if c, ok := t.inner.(Counted); ok {
		return c.Stats()
	}
	return Stats{}
}

// Missed returns how many packets passed unseen because the observers were slow.
func (t *Tap) Missed() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missed
}

// note keeps a packet for the observers. The caller holds t.mu.
func (t *Tap) note(at mono.Time, outgoing bool, p *Packet) {
	if len(t.fresh) >= tapMax {
		t.missed++
		return
	}
	v := view{at: at, outgoing: outgoing, packet: *p}
	v.packet.Data = p.Data.Own()
	t.fresh = append(t.fresh, v)
}

// show tells the observers what was noted, unless somebody does so already.
func (t *Tap) show() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy {
		return
	}
	t.busy = true
	for len(t.fresh) > 0 {
		now := t.fresh
		t.fresh = t.spare[:0]
		t.mu.Unlock()
		for i := range now {
			t.tell(&now[i])
		}
		t.mu.Lock()
		t.spare = now
	}
	t.busy = false
}

func (t *Tap) tell(v *view) {
	s := Sighting{At: v.at, Device: t.name, Outgoing: v.outgoing, Ethernet: t.ethernet, Packet: &v.packet}
	for _, o := range t.observers {
		o.Observe(&s)
	}
	v.packet.Data.Release()
}

// tapReceiver is the Tap as its device's Receiver.
type tapReceiver Tap

func (r *tapReceiver) Receive(now mono.Time, batch []Packet) {
	t := (*Tap)(r)
	t.mu.Lock()
	for i := range batch {
		t.note(now, false, &batch[i])
	}
	t.mu.Unlock()
	t.show()
	t.to.Receive(now, batch)
}
