package vnet

import (
	"math"
	"net/netip"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/tcp"
)

// A Path says what happens to packets in one direction: see link.Path.
//
// Given to a Switch, it is the whole way from one of its hosts to another, whose
// two links share it: each has half of the Delay and such probabilities of loss,
// doubling, corruption and reordering that those of both together are the ones
// given. Jitter, and a Loss other than link.Random, belong to the link to the switch
// alone. Rate, Queue, MTU and BlackHole belong to each link.
//
// Given to a Cable or a Port it is what each direction does.
type Path link.Path

// Asymmetric gives the two directions of one link different values: Up is the one
// from the host, or of a Cable from who was attached first. Given to a Switch, it
// is what each of its links is like.
type Asymmetric struct{ Up, Down Path }

// halves returns what the links to and from a switch are like, so that both
// together are like p.
func (p Path) halves() Asymmetric {
	up, down := p, p
	up.Delay = p.Delay / 2
	down.Delay = p.Delay - up.Delay
	half := func(x float64) float64 { return 1 - math.Sqrt(1-x) }
	if r, ok := p.Loss.(link.Random); ok {
		up.Loss = link.Random(half(float64(r)))
		down.Loss = up.Loss
	} else {
		down.Loss = nil
	}
	for _, x := range []struct{ up, down *float64 }{
		{&up.Duplicate, &down.Duplicate}, {&up.Corrupt, &down.Corrupt}, {&up.Reorder, &down.Reorder},
	} {
		*x.up = half(*x.up)
		*x.down = *x.up
	}
	down.Jitter = link.Jitter{}
	return Asymmetric{up, down}
}

// A LinkOption says what a link is like: a Path or an Asymmetric.
type LinkOption interface {
	PlaceOption
	ends() Asymmetric
}

// A PlaceOption says what a Switch or Cable is like: a Path, an Asymmetric, a
// Prefix, or for a Switch another Switch that it is joined to.
type PlaceOption interface{ applyPlace(*placeConfig) }

// A HostOption says where a Host is and what it is like: a Switch, a Cable, a Port
// of a Switch, an Address, a Profile, a SendBuffer.
type HostOption interface{ applyHost(*hostConfig) }

type placeConfig struct {
	link     Asymmetric
	whole    Path // of a Switch: from host to host, as it was given
	prefixes []netip.Prefix
	bad      error
	joined   *Switch
}

func (p Path) applyPlace(c *placeConfig)       { c.whole, c.link = p, p.halves() }
func (a Asymmetric) applyPlace(c *placeConfig) { c.link = a }

func (p Path) ends() Asymmetric       { return Asymmetric{p, p} }
func (a Asymmetric) ends() Asymmetric { return a }

type placeOption func(*placeConfig)

func (f placeOption) applyPlace(c *placeConfig) { f(c) }

// Prefix gives a Switch or Cable an IPv4 or IPv6 network, such as 192.0.2.0/24.
// Without any, networks have 10.1.0.0/16, 10.2.0.0/16 and so on.
func Prefix(cidr string) PlaceOption {
	p, err := netip.ParsePrefix(cidr)
	return placeOption(func(c *placeConfig) {
		if err != nil {
			c.bad = err
			return
		}
		c.prefixes = append(c.prefixes, p)
	})
}

type hostConfig struct {
	ports   []Port
	wanted  []netip.Addr
	bad     error
	hides   bool // its first network is not known outside: a NAT
	profile octet.Profile
}

type hostOption func(*hostConfig)

func (f hostOption) applyHost(c *hostConfig) { f(c) }

// Address gives a host an address of one of its networks. Without it the network
// gives the next one that is free.
func Address(a string) HostOption {
	addr, err := netip.ParseAddr(a)
	return hostOption(func(c *hostConfig) {
		if err != nil {
			c.bad = err
			return
		}
		c.wanted = append(c.wanted, addr.Unmap())
	})
}

// Profile gives a host policies of its own. It comes before SendBuffer.
func Profile(p octet.Profile) HostOption {
	return hostOption(func(c *hostConfig) { c.profile = p })
}

// SendBuffer makes Write of the host's connections wait when so many octets are
// not acknowledged.
func SendBuffer(octets int) HostOption {
	return hostOption(func(c *hostConfig) { c.profile.TCP.SendBuffer = tcp.Buffer{Initial: octets, Max: octets} })
}

// A Port is a place in a Switch for a host whose link differs from the others.
type Port struct {
	place place
	link  Asymmetric
	own   bool // link is set
}

func (p Port) applyHost(c *hostConfig) { c.ports = append(c.ports, p) }
