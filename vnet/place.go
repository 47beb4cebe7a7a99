package vnet

import (
	"fmt"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A place is where nodes are attached: a Switch or a Cable.
type place interface {
	network() *lan
	// plug makes a link for a node, or names the end of a cable that is left, and
	// returns the node's device. n.mu is not held.
	plug(x *node, own *Asymmetric) (*nic, error)
}

// A Direction of a link.
type Direction uint8

// Up leads from the host, or of a Cable from who was attached first. Down leads to it.
const (
	Up Direction = iota
	Down
)

// A Link is one wire of the network: from a host to a Switch, a Cable, or from
// switch to switch. It may be changed while packets travel.
type Link struct {
	net  *Net
	name string
	wire *link.Wire
	nics [2]*nic // whose packets enter at each end; nil for that of a switch
}

// newLink makes a wire. Its name and the seed decide what chance does on it.
func (n *Net) newLink(name string, ends Asymmetric, macs [2]wire.MAC) (*Link, error) {
	l := &Link{net: n, name: name}
	ends.Up.Queue, ends.Down.Queue = n.seeded(ends.Up.Queue, name+"up"), n.seeded(ends.Down.Queue, name+"down")
	w, err := link.NewWire(n.line, link.WireOptions{
		Name: name, Seed: n.options.Seed, Ethernet: true, MAC: [2][6]byte{macs[0], macs[1]},
		Ends:  [2]string{"eth0", "eth0"},
		Paths: [2]link.Path{link.Path(ends.Up), link.Path(ends.Down)},
		Gate:  l, Observer: l, Judge: l,
	})
	if err != nil {
		return nil, errorf("link %s: %w", name, err)
	}
	l.wire = w
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = append(n.links, l)
	return l, nil
}

// seeded gives a queue that draws random numbers those of its link.
func (n *Net) seeded(d link.Discipline, name string) link.Discipline {
	switch q := d.(type) {
	case PIE:
		q.Seed ^= n.Chance("queue "+name, 0)
		return q
	case DualPI2:
		q.Seed ^= n.Chance("queue "+name, 0)
		return q
	}
	return d
}

// Name returns the name of the link: host/switch, or that of the cable.
func (l *Link) Name() string { return l.name }

// Path returns what a direction does.
func (l *Link) Path(d Direction) Path { return Path(l.wire.Path(int(d))) }

// Set changes what a direction does, for packets that have not been transmitted yet.
func (l *Link) Set(d Direction, p Path) error {
	if err := l.net.check(); err != nil {
		return err
	}
	p.Queue = l.net.seeded(p.Queue, l.name+d.String())
	if err := l.wire.SetPath(int(d), link.Path(p)); err != nil {
		return errorf("link %s: %w", l.name, err)
	}
	return nil
}

// Stats returns what a direction did to packets.
func (l *Link) Stats(d Direction) link.PathStats { return l.wire.Stats(int(d)) }

// A Cable joins two hosts, or a host and a router, without anything between them.
type Cable struct {
	net  *Net
	name string
	lan  *lan
	link *Link
	used int
	macs [2]wire.MAC
}

// Cable makes a cable.
func (n *Net) Cable(name string, list ...PlaceOption) (*Cable, error) {
	c, err := n.place("cable", name, list)
	if err != nil {
		return nil, err
	}
	k := &Cable{net: n, name: name}
	if c.joined != nil {
		return nil, errorf("cable %q: a cable cannot be joined to a switch; attach a host to both", name)
	}
	if k.lan, err = n.newLAN("cable", name, c.prefixes); err != nil {
		return nil, err
	}
	if c.whole != (Path{}) {
		c.link = c.whole.ends()
	}
	n.mu.Lock()
	k.macs = [2]wire.MAC{n.nextMAC(), n.nextMAC()}
	n.mu.Unlock()
	k.link, err = n.newLink(name, c.link, k.macs)
	return k, err
}

// place checks what Switch and Cable are given.
func (n *Net) place(what, name string, list []PlaceOption) (c placeConfig, err error) {
	if err := n.check(); err != nil {
		return c, err
	}
	if err := n.claim(what, name); err != nil {
		return c, err
	}
	for _, o := range list {
		o.applyPlace(&c)
	}
	if c.bad != nil {
		return c, errorf("%s %q: %w", what, name, c.bad)
	}
	return c, nil
}

// Link returns the link that the cable is.
func (c *Cable) Link() *Link { return c.link }

func (c *Cable) network() *lan           { return c.lan }
func (c *Cable) applyHost(h *hostConfig) { h.ports = append(h.ports, Port{place: c}) }

func (c *Cable) plug(x *node, own *Asymmetric) (*nic, error) {
	if own != nil {
		return nil, errorf("%s: a cable has one link, which is said where it is made", x.name)
	}
	c.net.mu.Lock()
	i := c.used
	c.used++
	c.net.mu.Unlock()
	if i >= 2 {
		return nil, errorf("%s %q: both ends of the cable %s are taken, by %s and %s",
			x.what, x.name, c.name, c.link.nics[0].node.name, c.link.nics[1].node.name)
	}
	k := newNIC(c.net, x, c.lan, c.link, c.link.wire.End(i), c.macs[i], Direction(i))
	c.link.nics[i] = k
	return k, nil
}

// Pass is what the wire asks about each packet that starts (link.Gate).
func (l *Link) Pass(e *link.Entering) link.Passage {
	from := l.nics[Up]
	if !e.Forth {
		from = l.nics[Down]
	}
	if from == nil { // from a switch: it was seen when it entered the network
		return link.Passage{}
	}
	return l.net.pass(from, e)
}

// Observe is what the wire tells of what it does to packets (link.Observer).
func (l *Link) Observe(s *link.Sighting) { l.net.noteFate(l, s) }

// Decide is what the wire asks about chance (link.Judge).
func (l *Link) Decide(forth bool, fate link.Fate, flow, index uint64, drawn bool) bool {
	return l.net.judge.decide(fault{l.name, forth, fate, flow, index}, drawn)
}

// String returns up or down.
func (d Direction) String() string { return [...]string{"up", "down"}[d&1] }

// ticks is how a moment is printed: seconds and microseconds.
func ticks(t mono.Time) string { return fmt.Sprintf("%d.%06ds", t/1e9, t%1e9/1000) }
