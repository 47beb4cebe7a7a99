package ip

import (
	"cmp"
	"net/netip"

	"github.com/octet-net/octet/mono"
)

// Config is what a Node is told once. The zero value of a limit means its default.
type Config struct {
	Key [16]byte // secret and random: fragment ids, flow labels, interface identifiers, limiters

	ReassemblyOctets    int   // memory of all fragments kept, 4 MiB
	ReassemblyPerSource int   // memory of those from one source, 256 KiB
	MinPathMTU          int   // IPv4 Path MTU discovery goes no lower, 552 octets
	ICMPRate            int   // ICMP messages a second to everybody together, 1000
	ICMPRatePerHost     int   // and to one destination, 10
	TTL                 uint8 // of what the Node sends itself, 64

	Policy   []Policy // for the selection of addresses, DefaultPolicy
	WeakHost bool     // take packets to our addresses on whichever interface they arrive
}

// A Node is one host or router as IP sees it. Its methods are called by one goroutine at a time.
type Node struct {
	cfg    Config
	tables *Tables
	drops  Drops

	prf     prf
	dice    dice
	ids     idents
	limiter icmpLimiter
	frags   reassembly
	mtus    pathMTUs
	out     outbox
	joined  map[joining]int // how often
	neigh   neighbours
	links   []*onLink // by ID
	events  []Event

	endings     map[routeName]*ending
	routeTimers heap[ending]
	ageAt       mono.Time // when the first address changes
}

// New returns a Node without interfaces.
func New(cfg Config) *Node {
	cfg.fill()
	return &Node{
		cfg:     cfg,
		tables:  &Tables{weak: cfg.WeakHost, policy: cfg.Policy, ifaces: make([]iface, 1)},
		prf:     newPRF(cfg.Key),
		frags:   newReassembly(cfg.ReassemblyOctets, cfg.ReassemblyPerSource),
		joined:  map[joining]int{},
		neigh:   neighbours{byKey: map[neighbourKey]*neighbour{}},
		ageAt:   mono.Never,
		endings: map[routeName]*ending{},
		mtus:    pathMTUs{byDst: map[netip.Addr]*pathMTU{}},
	}
}

// fill sets what was left zero to its default.
func (c *Config) fill() {
	for _, d := range []struct {
		v   *int
		def int
	}{
		{&c.ReassemblyOctets, 4 << 20},
		{&c.ReassemblyPerSource, 256 << 10},
		{&c.MinPathMTU, 552},
		{&c.ICMPRate, 1000},
		{&c.ICMPRatePerHost, 10},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	c.TTL = cmp.Or(c.TTL, 64)
	if c.Policy == nil {
		c.Policy = DefaultPolicy()
	}
}

// Tables returns the current tables.
func (n *Node) Tables() *Tables { return n.tables }

// Drops returns how many packets were dropped, by Reason.
func (n *Node) Drops() Drops { return n.drops }

// Deadline returns when Expire wants to be called.
func (n *Node) Deadline() mono.Time {
	at := min(n.frags.deadline(), n.mtus.deadline(), n.neigh.timers.deadline(), n.routeTimers.deadline(), n.ageAt)
	for _, l := range n.links {
		if l != nil {
			at = min(at, l.deadline(n.tables.up(l.id) != nil))
		}
	}
	return at
}

// Expire does what is due. Afterwards Output may have something to send.
func (n *Node) Expire(now mono.Time) {
	n.expireFragments(now)
	n.ageMTUs(now)
	n.expireNeighbours(now)
	n.expireRoutes(now)
	n.expireAddresses(now)
	for _, l := range n.links {
		if l != nil {
			n.expireLink(now, l)
		}
	}
}
