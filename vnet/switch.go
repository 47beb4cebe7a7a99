package vnet

import (
	"sync"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A Switch joins hosts to one network. It learns who is at which of its ports
// (IEEE 802.1Q §8.7), and floods what it does not know.
type Switch struct {
	net  *Net
	name string
	lan  *lan
	link Asymmetric // of each host
	made string

	mu    sync.Mutex
	ports []*port
	table map[wire.MAC]station
}

// A station is where an address was learned and when.
type station struct {
	port   *port
	at     mono.Time
	static bool
}

// What a switch remembers: IEEE 802.1Q §8.8.3 recommends 300 s.
const (
	learnedMax = 1 << 16
	ageing     = 300 * time.Second
)

// A port is one of a switch, as the Receiver of what comes in there.
type port struct {
	sw  *Switch
	dev link.Device
	out []*port // of Receive alone
}

// Switch makes a switch. With another Switch among the options it is joined to
// that one, by a link that is perfect (see Join), and shares its network.
func (n *Net) Switch(name string, list ...PlaceOption) (*Switch, error) {
	c, err := n.place("switch", name, list)
	if err != nil {
		return nil, err
	}
	s := &Switch{net: n, name: name, link: c.link, made: where(), table: map[wire.MAC]station{}}
	if c.joined == nil {
		s.lan, err = n.newLAN("switch", name, c.prefixes)
		return s, err
	}
	if c.joined.net != n {
		return nil, errorf("switch %q: %s belongs to another network, made at %s", name, c.joined.name, c.joined.net.made)
	}
	if len(c.prefixes) > 0 {
		return nil, errorf("switch %q: it shares the network of %s and has no prefix of its own", name, c.joined.name)
	}
	s.lan = c.joined.lan
	return s, s.trunk(c.joined, Asymmetric{})
}

func (s *Switch) applyPlace(c *placeConfig) { c.joined = s }

// Port returns a place in the switch for a host with a link of its own kind.
func (s *Switch) Port(o LinkOption) Port { return Port{s, o.ends(), true} }

// Join would join two switches that are there. Those of one network are joined
// already, so that packets would go round: that is an error; and so are those of
// two networks, which a Router joins.
func (n *Net) Join(a, b *Switch) error {
	if err := n.check(); err != nil {
		return err
	}
	if a.lan == b.lan {
		return errorf("join %s and %s: a loop of switches, as they are joined already (made at %s and %s)", a.name, b.name, a.made, b.made)
	}
	return errorf("join %s and %s: they are two networks, %v and %v: make one with the other as its option, or join them by a Router", a.name, b.name, a.lan.prefixes(), b.lan.prefixes())
}

// trunk joins two switches by a link.
func (s *Switch) trunk(to *Switch, ends Asymmetric) error {
	l, err := s.net.newLink(s.name+"/"+to.name, ends, [2]wire.MAC{})
	if err != nil {
		return err
	}
	s.add(l.wire.End(0))
	to.add(l.wire.End(1))
	return nil
}

func (s *Switch) add(d link.Device) *port {
	p := &port{sw: s, dev: d}
	d.Attach(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = append(s.ports, p)
	return p
}

func (s *Switch) network() *lan           { return s.lan }
func (s *Switch) applyHost(h *hostConfig) { h.ports = append(h.ports, Port{place: s}) }

func (s *Switch) plug(x *node, own *Asymmetric) (*nic, error) {
	ends := s.link
	if own != nil {
		ends = *own
	}
	s.net.mu.Lock()
	mac := s.net.nextMAC()
	s.net.mu.Unlock()
	l, err := s.net.newLink(x.name+"/"+s.name, ends, [2]wire.MAC{mac})
	if err != nil {
		return nil, err
	}
	p := s.add(l.wire.End(1))
	if !s.net.options.WireARP { // nobody asks for neighbours, so nobody is heard before he is needed
		s.mu.Lock()
		s.table[mac] = station{port: p, static: true}
		s.mu.Unlock()
	}
	l.nics[Up] = newNIC(s.net, x, s.lan, l, l.wire.End(0), mac, Up)
	return l.nics[Up], nil
}

// Receive forwards the frames that come in at a port.
func (p *port) Receive(now mono.Time, batch []link.Packet) {
	for i := range batch {
		f := &batch[i]
		b := f.Head()
		if len(b) == 0 { // a frame that some device has copied; else its header is all in the head
			b = f.Data.B
		}
		if len(b) < 14 {
			continue
		}
		p.out = p.sw.forward(p.out[:0], now, p, wire.MAC(b[:6]), wire.MAC(b[6:12]))
		for k, o := range p.out {
			c := *f
			if k < len(p.out)-1 {
				c.Data = f.Data.Share()
			} else {
				f.Data = chunk.View{}
			}
			o.dev.Send(&c)
		}
	}
}

// forward learns where a frame came from and appends the ports it goes to.
func (s *Switch) forward(out []*port, now mono.Time, from *port, dst, src wire.MAC) []*port {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.table[src]; !src.IsMulticast() && !e.static && (e.port != nil || len(s.table) < learnedMax) {
		s.table[src] = station{port: from, at: now}
	}
	if e, known := s.table[dst]; known && !dst.IsMulticast() && (e.static || now.Sub(e.at) < ageing) {
		if e.port != from {
			out = append(out, e.port)
		}
		return out
	}
	for _, p := range s.ports {
		if p != from {
			out = append(out, p)
		}
	}
	return out
}
