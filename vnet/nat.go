package vnet

import (
	"net/netip"
	"sync"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A Behavior says what a NAT looks at (RFC 4787 §4.1, §5).
type Behavior uint8

// The behaviors: nothing of the peer, its address, or its address and port.
const (
	EndpointIndependent Behavior = iota
	AddressDependent
	AddressAndPortDependent
)

// Ports says how a NAT chooses the port that it shows (RFC 4787 §4.2.1).
type Ports uint8

// The ways to choose: the port of the host if it is free, else the next one; always
// the next one; or one at random.
const (
	PreservePorts Ports = iota
	NextPort
	RandomPort
)

// NATConfig says how a NAT behaves. The zero value is the friendliest that there is.
type NATConfig struct {
	Mapping   Behavior // when one port of a host gets another port outside (RFC 4787 §4.1)
	Filtering Behavior // who may answer (RFC 4787 §5)
	Ports     Ports
	NoHairpin bool // hosts inside do not reach each other by the outer address (RFC 4787 §6)

	// Mappings end when they were not used for so long.
	UDP        time.Duration // 5 minutes if zero (RFC 4787 REQ-5)
	TCP        time.Duration // an established connection: 124 minutes if zero (RFC 5382 REQ-5)
	Transitory time.Duration // a connection that begins or has ended: 4 minutes if zero (RFC 5382 REQ-5)
	Echo       time.Duration // of ICMP: a minute if zero (RFC 5508 REQ-1)
	// InboundRefresh lets packets from outside prolong mappings too (RFC 4787 REQ-6).
	InboundRefresh bool
	// MostMappings is how many a NAT has at once: 16,384 if zero. Further hosts get none.
	MostMappings int
}

// The kinds of NAT as they are often called.
var (
	FullCone       = NATConfig{}
	RestrictedCone = NATConfig{Filtering: AddressDependent}
	PortRestricted = NATConfig{Filtering: AddressAndPortDependent}
	Symmetric      = NATConfig{Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent, Ports: RandomPort}
)

// A NAT is a router whose outer side knows one address for all hosts inside, of IPv4
// (RFC 4787, RFC 5382, RFC 5508). IPv6 does not pass it.
type NAT struct {
	*Host
	table *natTable
}

// NAT makes a NAT between a network inside, whose hosts nobody outside can name, and
// one outside.
func (n *Net) NAT(name string, inside, outside HostOption, c NATConfig) (*NAT, error) {
	hide := hostOption(func(c *hostConfig) { c.hides = true })
	x, err := n.newRouter("NAT", name, []HostOption{inside, outside, hide})
	if err != nil {
		return nil, err
	}
	t := newNATTable(n, x, c)
	x.nics[0].hook, x.nics[1].hook = (*natInside)(t), (*natOutside)(t)
	return &NAT{&Host{x.stack, x}, t}, nil
}

// Outside returns the address that the NAT shows.
func (n *NAT) Outside() netip.Addr { return n.table.outer }

// Mappings returns how many mappings there are.
func (n *NAT) Mappings() int {
	n.table.mu.Lock()
	defer n.table.mu.Unlock()
	return len(n.table.byPort)
}

// Forget drops all mappings, as a NAT that is switched off and on does.
func (n *NAT) Forget() {
	n.table.mu.Lock()
	defer n.table.mu.Unlock()
	n.table.clear()
}

type (
	innerKey struct {
		proto wire.Proto
		host  netip.AddrPort
		peer  netip.AddrPort // as far as Mapping looks at it
	}
	outerKey struct {
		proto wire.Proto
		port  uint16
	}
	fragmentKey struct {
		src netip.Addr
		id  uint32
	}
)

// A mapping joins a port of a host to one outside.
type mapping struct {
	key   innerKey
	port  uint16
	used  mono.Time
	peers map[netip.AddrPort]bool // to whom packets were sent, as far as Filtering looks at it
	open  bool                    // TCP: segments without SYN, FIN or RST have passed both ways
	in    bool                    // something came in
}

// peersMax is how many peers one mapping lets answer.
const peersMax = 1 << 12

type natTable struct {
	net    *Net
	config NATConfig
	outer  netip.Addr
	own    map[netip.Addr]bool

	mu        sync.Mutex
	byHost    map[innerKey]*mapping
	byPort    map[outerKey]*mapping
	fragments map[fragmentKey]netip.Addr  // to whom later fragments from outside go
	turned    map[innerKey]netip.AddrPort // host and host inside: as which address and port the first appears
	next      uint16
	draws     int
}

func newNATTable(n *Net, x *node, c NATConfig) *natTable {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{{&c.UDP, 5 * time.Minute}, {&c.TCP, 124 * time.Minute}, {&c.Transitory, 4 * time.Minute}, {&c.Echo, time.Minute}} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	if c.MostMappings == 0 {
		c.MostMappings = 1 << 14
	}
	t := &natTable{net: n, config: c, own: map[netip.Addr]bool{}, next: 1023}
	t.clear()
	for _, a := range x.addrs {
		t.own[a] = true
	}
	t.outer, _ = n.addrOn(x, x.nics[1].lan, true)
	return t
}

func (t *natTable) clear() {
	t.byHost, t.byPort, t.fragments = map[innerKey]*mapping{}, map[outerKey]*mapping{}, map[fragmentKey]netip.Addr{}
	t.turned = map[innerKey]netip.AddrPort{}
}

// seen returns of a peer what a behavior looks at.
func (b Behavior) seen(peer netip.AddrPort) netip.AddrPort {
	switch b {
	case EndpointIndependent:
		return netip.AddrPort{}
	case AddressDependent:
		return netip.AddrPortFrom(peer.Addr(), 0)
	}
	return peer
}

// alive reports whether a mapping has not ended. One that has is forgotten.
func (t *natTable) alive(m *mapping, now mono.Time) bool {
	life := t.config.UDP
	switch {
	case m.key.proto == wire.ProtoICMPv4:
		life = t.config.Echo
	case m.key.proto == wire.ProtoTCP && m.open:
		life = t.config.TCP
	case m.key.proto == wire.ProtoTCP:
		life = t.config.Transitory
	}
	if now.Sub(m.used) < life {
		return true
	}
	delete(t.byHost, m.key)
	delete(t.byPort, outerKey{m.key.proto, m.port})
	return false
}

// outbound finds or makes the mapping for a packet from a host to a peer, nil if none can be made.
func (t *natTable) outbound(now mono.Time, p wire.Proto, host, peer netip.AddrPort) *mapping {
	key := innerKey{p, host, t.config.Mapping.seen(peer)}
	m := t.byHost[key]
	if m == nil || !t.alive(m, now) {
		port, ok := t.choose(now, p, host.Port())
		if !ok {
			return nil
		}
		m = &mapping{key: key, port: port, peers: map[netip.AddrPort]bool{}}
		t.byHost[key], t.byPort[outerKey{p, port}] = m, m
	}
	m.used = now
	if len(m.peers) < peersMax {
		m.peers[t.config.Filtering.seen(peer)] = true
	}
	return m
}

// inbound returns the mapping that a packet from a peer to an outer port belongs to,
// nil if there is none or the peer may not use it.
func (t *natTable) inbound(now mono.Time, p wire.Proto, port uint16, peer netip.AddrPort) *mapping {
	m := t.byPort[outerKey{p, port}]
	if m == nil || !t.alive(m, now) || !m.peers[t.config.Filtering.seen(peer)] && t.config.Filtering != EndpointIndependent {
		return nil
	}
	if t.config.InboundRefresh || p == wire.ProtoTCP {
		m.used = now
	}
	m.in = true
	return m
}

// choose finds an outer port that is free, in the range that the wanted one is in
// (RFC 4787 REQ-3: a host's port below 1024 gets such a one only if it is the same).
func (t *natTable) choose(now mono.Time, p wire.Proto, wanted uint16) (uint16, bool) {
	if len(t.byPort) >= t.config.MostMappings {
		for _, m := range t.byPort {
			t.alive(m, now)
		}
		if len(t.byPort) >= t.config.MostMappings {
			return 0, false
		}
	}
	port := wanted
	switch t.config.Ports {
	case NextPort:
		port = t.next + 1
	case RandomPort:
		port = uint16(t.net.Chance("nat", t.draws))
		t.draws++
	}
	for range 1 << 16 {
		m := t.byPort[outerKey{p, port}]
		free := m == nil || !t.alive(m, now)
		if free && (port >= 1024 || port == wanted && t.config.Ports == PreservePorts) {
			t.next = port
			return port, true
		}
		port++
	}
	return 0, false
}
