package ip

import (
	"cmp"
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
)

// Config is what a Node is told once. The zero value of a limit means its default.
type Config struct {
	Key [16]byte // secret and random: fragment ids, flow labels, interface identifiers, limiters

	ReassemblyOctets    int   // memory of all fragments kept, 4 MiB
	ReassemblyPerSource int   // memory of those from one source, 256 KiB
	MinPathMTU          int   // IPv4 Path MTU discovery goes no lower, 552 octets
	ICMPRate            int   // ICMP messages a second to everybody together, 1000
	ICMPRatePerHost     int   // and to one destination, 100
	TTL                 uint8 // of what the Node sends itself, 64

	Policy   []Policy // for the selection of addresses, DefaultPolicy
	WeakHost bool     // take packets to our addresses on whichever interface they arrive
}

// A Node is one host or router as IP sees it. Its methods are called by one goroutine at a time.
type Node struct {
	cfg    Config
	tables *Tables
	drops  Drops
}

// New returns a Node without interfaces.
func New(cfg Config) *Node {
	cfg.fill()
	return &Node{cfg: cfg, tables: &Tables{weak: cfg.WeakHost, policy: cfg.Policy, ifaces: make([]iface, 1)}}
}

// fill sets what was left zero to its default.
func (c *Config) fill() {
	c.ReassemblyOctets = cmp.Or(c.ReassemblyOctets, 4<<20)
	c.ReassemblyPerSource = cmp.Or(c.ReassemblyPerSource, 256<<10)
	c.MinPathMTU = cmp.Or(c.MinPathMTU, 552)
	c.ICMPRate = cmp.Or(c.ICMPRate, 1000)
	c.ICMPRatePerHost = cmp.Or(c.ICMPRatePerHost, 100)
	c.TTL = cmp.Or(c.TTL, 64)
	if c.Policy == nil {
		c.Policy = DefaultPolicy()
	}
}

// Tables returns the current tables.
func (n *Node) Tables() *Tables { return n.tables }

// Drops returns how many packets were dropped, by Reason.
func (n *Node) Drops() Drops { return n.drops }

// Route says how packets from src (zero: to be selected) reach dst, through the
// interface (0: any). Unlike that of Tables it knows what Path MTU discovery found.
func (n *Node) Route(now mono.Time, dst, src netip.Addr, through ID) (Path, error) {
	return n.tables.Route(dst, src, through)
}

// LowerMTU tells what a Notice said about the way to dst, once the transport has
// checked that the packet it quotes was really sent. Paths then get another generation.
func (n *Node) LowerMTU(now mono.Time, dst netip.Addr, mtu int) {}

// Arrive takes an arrived packet and fills in what becomes of it. It takes over
// p.Data (and empties it) if it keeps or delivers it; the caller releases what
// remains. Afterwards Output may have something to send.
func (n *Node) Arrive(now mono.Time, p *Packet, v *Verdict) { *v = Verdict{} }

// Unreachable answers a delivered datagram with an ICMP error, if the rules and
// the rate limits allow it: PortUnreachable, ProtoUnreachable or Prohibited.
func (n *Node) Unreachable(now mono.Time, d *Datagram, why NoticeKind) {}

// Outgoing is what a transport wants sent as one IP packet or as fragments.
type Outgoing struct {
	Path     Path
	Src, Dst netip.Addr
	Proto    uint8
	TTL      uint8  // 0: the default of the Node, or 1 for a group of IPv4
	TOS      uint8  // DSCP and ECN
	Flow     uint32 // flow label of IPv6
	DF       bool   // never fragment: an error if it is too big

	Head []byte     // transport header; copied
	Data chunk.View // payload; taken over

	NoSum bool
}

// Send makes packets of o, which come out of Output when the next hop is known.
func (n *Node) Send(now mono.Time, o *Outgoing) error { return ErrNoRoute }

// Resolve finds out to which neighbour p, a packet built for the path, goes. If
// that is known, it sets p.MAC and returns until when the answer may be used
// again without asking (Never on links without neighbours). Otherwise it takes
// over p, which comes out of Output later.
func (n *Node) Resolve(now mono.Time, path *Path, p *Packet) (until mono.Time, ok bool) {
	return mono.Never, true
}

// Output returns the next packet that the Node wants sent. Head is valid until the next call; Data is the caller's.
func (n *Node) Output(now mono.Time, p *Packet) bool { return false }

// Deadline returns when Expire wants to be called.
func (n *Node) Deadline() mono.Time { return mono.Never }

// Expire does what is due. Afterwards Output may have something to send.
func (n *Node) Expire(now mono.Time) {}

// Join makes the interface a member of a multicast group, Leave ends that. Each Join needs its Leave.
func (n *Node) Join(now mono.Time, id ID, group netip.Addr) error { return ErrNoInterface }

// Leave ends one Join.
func (n *Node) Leave(now mono.Time, id ID, group netip.Addr) error { return ErrNoInterface }
