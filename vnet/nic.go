package vnet

import (
	"fmt"
	"sync"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// heldMax is how many packets a paused interface keeps in each direction.
const heldMax = 1 << 14

// power is what state the machine behind an interface is in.
type power uint8

const (
	on     power = iota
	paused       // packets wait
	off          // packets vanish
)

// A nic is the device of a host at a link: what the stack sends goes through it to
// the wire, and back. It stands for the power of the machine, and answers the
// stack's questions about neighbours itself where the network does not send them.
type nic struct {
	net   *Net
	node  *node
	lan   *lan
	link  *Link
	dir   Direction // which of the link it sends in
	mac   wire.MAC
	name  string       // as the host calls it: eth0
	index int          // by which the host knows it
	dev   link.Counted // end of the wire
	hook  filter       // of a NAT or firewall; may be nil

	mu      sync.Mutex
	to      link.Receiver
	state   power
	held    []link.Packet // to be sent, while paused
	inbox   []link.Packet // to be received: while paused, and answers about neighbours
	answers timeline.Event
}

// A filter sees the packets of an interface of a router. It may change them and
// returns false for one that goes no further. It is called under locks of the
// stack and must not call the network.
type filter interface {
	incoming(k *nic, now mono.Time, p *link.Packet) bool
	outgoing(k *nic, now mono.Time, p *link.Packet) bool
}

func newNIC(n *Net, x *node, l *lan, on *Link, dev link.Counted, mac wire.MAC, dir Direction) *nic {
	k := &nic{net: n, node: x, lan: l, link: on, dir: dir, mac: mac, dev: dev, name: fmt.Sprintf("eth%d", len(x.nics))}
	k.answers.Init(n.line, uint64(mac[2])<<24|uint64(mac[3])<<16|uint64(mac[4])<<8|uint64(mac[5]), k.deliver)
	return k
}

// Attach names who receives: the stack.
func (k *nic) Attach(r link.Receiver) {
	k.mu.Lock()
	k.to = r
	k.mu.Unlock()
	k.dev.Attach(k)
}

// Info says what the device is.
func (k *nic) Info() link.Info {
	i := k.dev.Info()
	i.Name = k.name
	return i
}

// Flush does nothing: the timeline delivers.
func (k *nic) Flush() {}

// Close ends the device.
func (k *nic) Close() error {
	k.answers.Clear()
	return k.dev.Close()
}

// Send takes a packet of the stack.
func (k *nic) Send(p *link.Packet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state == off {
		p.Data.Release()
		return
	}
	if !k.net.options.WireARP && k.resolve(p) {
		p.Data.Release()
		return
	}
	if k.hook != nil && !k.hook.outgoing(k, k.net.line.Now(), p) {
		p.Data.Release()
		return
	}
	if k.state == paused {
		k.held = keep(k.held, p)
		return
	}
	k.dev.Send(p)
}

// keep appends a packet to a queue that is bounded.
func keep(list []link.Packet, p *link.Packet) []link.Packet {
	if len(list) >= heldMax {
		p.Data.Release()
		return list
	}
	list = append(list, *p)
	p.Data = chunk.View{}
	return list
}

// Receive takes packets from the wire.
func (k *nic) Receive(now mono.Time, batch []link.Packet) {
	k.mu.Lock()
	state, to := k.state, k.to
	if state == paused {
		for i := range batch {
			k.inbox = keep(k.inbox, &batch[i])
		}
	}
	k.mu.Unlock()
	if state != on || to == nil {
		return // the wire releases what is left
	}
	good := batch[:0]
	for i := range batch {
		p := &batch[i]
		if k.net.arrives(k, p) && (k.hook == nil || k.hook.incoming(k, now, p)) {
			good = append(good, *p)
			if len(good)-1 != i {
				p.Data = chunk.View{}
			}
			continue
		}
		p.Data.Release()
	}
	if len(good) > 0 {
		to.Receive(now, good)
	}
}

// deliver hands over what waits in the inbox.
func (k *nic) deliver(now mono.Time) {
	k.mu.Lock()
	if k.state == paused {
		k.mu.Unlock()
		return
	}
	list := k.inbox
	k.inbox = nil
	k.mu.Unlock()
	if len(list) > 0 {
		k.Receive(now, list)
	}
	for i := range list {
		list[i].Data.Release()
	}
}

// switchTo changes the power.
func (k *nic) switchTo(s power) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = s
	for i := range k.held {
		if s == on {
			k.dev.Send(&k.held[i])
		}
		k.held[i].Data.Release()
	}
	k.held = nil
	if s == off {
		for i := range k.inbox {
			k.inbox[i].Data.Release()
		}
		k.inbox = nil
	}
	if s == on && len(k.inbox) > 0 {
		k.answers.Set(k.net.line.Now() + 1)
	}
}
