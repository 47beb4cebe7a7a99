package ip

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// NeighbourState says what is known about the Ethernet address of a neighbour
// (RFC 4861 §7.3.2).
//
//	          packet to send        answer            30 s
//	(nothing) ─────────────► Incomplete ──► Reachable ────► Stale
//	                                            ▲             │ packet to send
//	                                            │ answer      ▼
//	                                          Probe ◄────── Delay
//	                                                 5 s
type NeighbourState uint8

// The states. ARP has the same ones: it is the same machine with another dialect.
const (
	Incomplete NeighbourState = iota // asked for
	Reachable                        // known to have worked a moment ago
	Stale                            // known, but perhaps out of date
	Delay                            // used although stale; the transport may confirm it
	Probe                            // being asked whether it is still there
	Permanent                        // configured
	numNeighbourStates
)

// String returns the state as ip-neighbour(8) prints it.
func (s NeighbourState) String() string {
	return [...]string{"INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT"}[s%numNeighbourStates]
}

// The constants of RFC 4861 §10 that routers do not change.
const (
	maxSolicits     = 3 // MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT
	delayFirstProbe = 5 * time.Second
)

// maxWaiting bounds how many packets wait for one neighbour (RFC 4861 §7.2.2).
const maxWaiting = 3

// A trust is how good our reasons are to know a neighbour. Each has a cap of its
// own (RFC 6583 §6), so those that are only claimed never push out those that answer.
type trust uint8

const (
	asked     trust = iota // we have asked for it, and nobody has answered
	told                   // it has said so itself, unasked
	confirmed              // it has answered
	configured
	numTrusts
)

var trustCaps = [numTrusts]int{asked: 512, told: 1024, confirmed: 4096, configured: 1 << 16}

// A neighbourKey names a neighbour: addresses mean something on one link only.
type neighbourKey struct {
	iface ID
	addr  netip.Addr
}

// A neighbour is what we know of one.
type neighbour struct {
	key     neighbourKey
	state   NeighbourState
	trust   trust
	router  bool // it says so (RFC 4861 §7.2.5)
	mac     wire.MAC
	tries   int       // solicitations sent in this state
	settled mono.Time // when the MAC was last learned or confirmed
	waiting []sending // packets that wait for the MAC
	timer   timer[neighbour]
	use     link[neighbour]
}

// Neighbours are all that are known.
type neighbours struct {
	byKey  map[neighbourKey]*neighbour
	use    [numTrusts]list[neighbour] // least recently used first
	count  [numTrusts]int
	timers heap[neighbour]
}

// find returns the neighbour, or nil.
func (t *neighbours) find(id ID, a netip.Addr) *neighbour { return t.byKey[neighbourKey{id, a}] }

// add makes an entry. Where there are too many of its kind the least recently used
// one goes and is returned too.
func (t *neighbours) add(id ID, a netip.Addr, why trust) (*neighbour, *neighbour) {
	e := &neighbour{key: neighbourKey{id, a}, trust: why}
	e.timer.of, e.use.of, e.timer.at = e, e, mono.Never
	t.byKey[e.key] = e
	t.use[why].push(&e.use)
	t.count[why]++
	return e, t.excess(why)
}

// excess takes out the least recently used entry of a kind that has too many.
func (t *neighbours) excess(why trust) *neighbour {
	if t.count[why] <= trustCaps[why] {
		return nil
	}
	old := t.use[why].first.of
	t.remove(old)
	return old
}

func (t *neighbours) remove(e *neighbour) {
	t.timers.set(&e.timer, mono.Never)
	t.use[e.trust].remove(&e.use)
	t.count[e.trust]--
	delete(t.byKey, e.key)
}

// touch makes an entry the most recently used one, of a kind that may be better than before.
func (t *neighbours) touch(e *neighbour, why trust) *neighbour {
	t.use[e.trust].remove(&e.use)
	t.count[e.trust]--
	e.trust = max(e.trust, why)
	t.use[e.trust].push(&e.use)
	t.count[e.trust]++
	return t.excess(e.trust)
}

// setState is the one place where a state changes. Each state has its timer.
func (n *Node) setState(now mono.Time, e *neighbour, s NeighbourState) {
	e.state, e.tries = s, 0
	at := mono.Never
	switch s {
	case Reachable:
		at = now.Add(n.reachable(e.key.iface))
	case Delay:
		at = now.Add(delayFirstProbe)
	case Incomplete, Probe:
		at = n.solicitAgain(now, e)
	}
	n.neigh.timers.set(&e.timer, at)
}

// solicitAgain asks for a neighbour and returns when to ask again.
func (n *Node) solicitAgain(now mono.Time, e *neighbour) mono.Time {
	e.tries++
	n.solicit(now, e)
	return now.Add(n.retransmit(e.key.iface))
}

// address fills in the Ethernet address of the next hop if it is known. If not, it
// takes over the packet, which waits for it.
func (n *Node) address(now mono.Time, path *Path, s *sending) bool {
	if path.Cast != Unicast {
		s.mac = groupMAC(path)
		return true
	}
	e, known := n.neighbourFor(now, path)
	if known {
		s.mac = e.mac
		return true
	}
	if len(e.waiting) >= maxWaiting { // RFC 4861 §7.2.2: the oldest goes
		n.drop(NeighbourLimit)
		e.waiting[0].data.Release()
		e.waiting = slices.Delete(e.waiting, 0, 1)
	}
	e.waiting = append(e.waiting, *s)
	return false
}

// neighbourFor returns the entry of the next hop, which is to be used now: an
// unknown one is asked for, a stale one will be.
func (n *Node) neighbourFor(now mono.Time, path *Path) (e *neighbour, known bool) {
	e = n.neigh.find(path.Interface, path.NextHop)
	if e == nil {
		var old *neighbour
		e, old = n.neigh.add(path.Interface, path.NextHop, asked)
		n.forget(old)
		n.setState(now, e, Incomplete)
		return e, false
	}
	n.neigh.touch(e, e.trust)
	if e.state == Stale {
		n.setState(now, e, Delay)
	}
	return e, e.state != Incomplete
}

// forget drops the packets that waited for an entry that is gone. It may be nil.
func (n *Node) forget(e *neighbour) {
	if e == nil {
		return
	}
	for i := range e.waiting {
		n.drop(NeighbourLimit)
		e.waiting[i].data.Release()
	}
	e.waiting = nil
}

// Resolve finds out to which neighbour p, a packet built for the path, goes. If
// that is known, it sets p.MAC and returns until when the answer may be used
// again without asking (Never on links without neighbours), as long as the
// generation stays. Otherwise it takes over p, which comes out of Output later.
func (n *Node) Resolve(now mono.Time, path *Path, p *Packet) (until mono.Time, ok bool) {
	if !path.Flags.Has(Ethernet) {
		return mono.Never, true
	}
	if path.Cast != Unicast {
		p.MAC = groupMAC(path)
		return mono.Never, true
	}
	if e := n.neigh.find(path.Interface, path.NextHop); e != nil && e.state != Incomplete {
		n.neighbourFor(now, path)
		p.MAC = e.mac
		return e.timer.at, true
	}
	if len(p.Head) > headRoom {
		n.drop(NeighbourLimit)
		return 0, false
	}
	s := sending{data: keep(p.Data), noSum: p.NoSum, segment: p.SegmentSize}
	p.Data.B = nil
	copy(s.setHead(len(p.Head)), p.Head)
	p.Octets = wire.Octets{}
	n.emit(now, path, &s)
	return 0, false
}

// Confirm tells that the neighbour at the end of the path answers: a transport
// makes progress through it (RFC 4861 §7.3.1).
func (n *Node) Confirm(now mono.Time, path *Path) {
	e := n.neigh.find(path.Interface, path.NextHop)
	if e != nil && e.state != Incomplete && e.state != Permanent {
		n.forget(n.neigh.touch(e, confirmed))
		e.settled = now
		n.setState(now, e, Reachable)
	}
}

// Doubt tells that a transport gets no answer through the neighbour at the end of
// the path, which is then asked at once whether it is there (RFC 1122 §3.3.1.4).
func (n *Node) Doubt(now mono.Time, path *Path) {
	e := n.neigh.find(path.Interface, path.NextHop)
	if e != nil && (e.state == Reachable || e.state == Stale || e.state == Delay) {
		n.setState(now, e, Probe)
	}
}

// A claim is what an ARP packet or a neighbour advertisement says: the Ethernet
// address of a neighbour.
type claim struct {
	addr      netip.Addr
	mac       wire.MAC // zero: it does not say
	solicited bool     // it answers a question of ours
	override  bool     // it knows better than what we may have
}

// heed changes an entry as RFC 4861 §7.2.5 says. One that there is none of is not made.
func (n *Node) heed(now mono.Time, id ID, c claim) {
	e := n.neigh.find(id, c.addr)
	if e == nil || e.state == Permanent {
		return
	}
	if e.state == Incomplete {
		if c.mac != (wire.MAC{}) {
			n.learn(now, e, c.mac, c.solicited)
		}
		return
	}
	other := c.mac != (wire.MAC{}) && c.mac != e.mac
	if other && (!c.override || n.tooSoon(now, e, &c)) {
		if e.state == Reachable {
			n.setState(now, e, Stale)
		}
		return
	}
	if other || c.solicited {
		mac := e.mac
		if other {
			mac = c.mac
		}
		n.learn(now, e, mac, c.solicited)
	}
}

// lockTime is for how long a confirmed MAC is not overwritten by who was not asked (T-61).
const lockTime = time.Second

func (n *Node) tooSoon(now mono.Time, e *neighbour, c *claim) bool {
	return !c.solicited && now.Sub(e.settled) < lockTime
}

// learn takes down the MAC of a neighbour and sends what waited for it.
func (n *Node) learn(now mono.Time, e *neighbour, mac wire.MAC, solicited bool) {
	if e.state != Incomplete && e.mac != mac {
		n.tables = n.tables.next() // who has kept the old one asks again
	}
	e.mac, e.settled = mac, now
	waiting, why, state := e.waiting, told, Stale
	e.waiting = nil
	switch {
	case solicited:
		why, state = confirmed, Reachable
	case len(waiting) > 0:
		state = Delay
	}
	n.setState(now, e, state)
	n.forget(n.neigh.touch(e, why))
	for i := range waiting {
		waiting[i].mac = mac
		n.push(&waiting[i])
	}
}

// hear takes down the MAC of one who has asked us something (RFC 4861 §7.2.3, RFC 826).
func (n *Node) hear(now mono.Time, id ID, a netip.Addr, mac wire.MAC) {
	e := n.neigh.find(id, a)
	if e == nil {
		var old *neighbour
		e, old = n.neigh.add(id, a, told)
		n.forget(old)
		e.mac, e.settled = mac, now
		n.setState(now, e, Stale)
		return
	}
	if e.state == Incomplete || e.mac != mac {
		n.heed(now, id, claim{addr: a, mac: mac, override: true})
	}
}

// expireNeighbours does what is due: nothing that is known is believed for ever
// (RFC 1122 §2.3.2.1, RFC 4861 §7.3.3).
func (n *Node) expireNeighbours(now mono.Time) {
	for {
		e := n.neigh.timers.due(now)
		if e == nil {
			return
		}
		switch e.state {
		case Reachable:
			n.setState(now, e, Stale)
		case Delay:
			n.setState(now, e, Probe)
		case Incomplete, Probe:
			if e.tries >= maxSolicits {
				n.lose(now, e)
			} else {
				n.neigh.timers.set(&e.timer, n.solicitAgain(now, e))
			}
		}
	}
}

// lose gives a neighbour up. Who sent the packets that wait for it is told, if that
// was ourselves too (RFC 4861 §7.2.2, RFC 1122 §2.3.2.2).
func (n *Node) lose(now mono.Time, e *neighbour) {
	n.neigh.remove(e)
	if e.state != Incomplete {
		n.tables = n.tables.next()
		n.lostRouter(now, e.key.iface, e.key.addr)
	}
	for i := range e.waiting {
		s := &e.waiting[i]
		n.drop(NeighbourUnknown)
		n.undeliverable(now, s)
		s.data.Release()
	}
	e.waiting = nil
}

// undeliverable says that the host a packet went to cannot be reached.
func (n *Node) undeliverable(now mono.Time, s *sending) {
	var h wire.IP
	p := Packet{Octets: wire.Octets{Head: s.head[:s.headLen], Data: s.data}, Interface: s.iface}
	if wire.ParseIP(&p.Octets, &h) != wire.OK {
		return
	}
	m := unreachable(h.Is6(), HostUnreachable)
	n.complain(now, offenceOf(&p, &h, Unicast), &m)
}

// flushNeighbours forgets the neighbours on a link, except those that were configured.
func (n *Node) flushNeighbours(id ID) {
	for _, e := range n.neigh.on(id) {
		if e.state != Permanent || n.tables.iface(id) == nil {
			n.neigh.remove(e)
			n.forget(e)
		}
	}
	n.tables = n.tables.next()
}

// on returns the entries of an interface, or of all with 0, by address.
func (t *neighbours) on(id ID) []*neighbour {
	var all []*neighbour
	for _, use := range t.use {
		for k := use.first; k != nil; k = k.next {
			if id == 0 || k.of.key.iface == id {
				all = append(all, k.of)
			}
		}
	}
	slices.SortFunc(all, func(a, b *neighbour) int {
		return cmp.Or(cmp.Compare(a.key.iface, b.key.iface), a.key.addr.Compare(b.key.addr))
	})
	return all
}

// A Neighbour is what is known about one.
type Neighbour struct {
	Interface ID
	Addr      netip.Addr
	MAC       wire.MAC // zero while it is Incomplete
	State     NeighbourState
	Router    bool
	Waiting   int // packets that wait for it
}

// Neighbours returns what is known about the neighbours on an interface, or on all with 0.
func (n *Node) Neighbours(id ID) []Neighbour {
	var all []Neighbour
	for _, e := range n.neigh.on(id) {
		all = append(all, Neighbour{e.key.iface, e.key.addr, e.mac, e.state, e.router, len(e.waiting)})
	}
	return all
}

// AddNeighbour fixes the Ethernet address of a neighbour.
func (n *Node) AddNeighbour(now mono.Time, id ID, a netip.Addr, mac wire.MAC) error {
	i := n.tables.iface(id)
	if i == nil {
		return ErrNoInterface
	}
	if !i.Flags.Has(Ethernet) || !a.IsValid() || a.Is4In6() || a.Zone() != "" || mac.IsMulticast() || mac == (wire.MAC{}) {
		return ErrInvalid
	}
	e := n.neigh.find(id, a)
	if e == nil {
		e, _ = n.neigh.add(id, a, configured)
	}
	n.learn(now, e, mac, true)
	n.setState(now, e, Permanent)
	n.forget(n.neigh.touch(e, configured))
	return nil
}

// RemoveNeighbour forgets a neighbour.
func (n *Node) RemoveNeighbour(id ID, a netip.Addr) error {
	e := n.neigh.find(id, a)
	if e == nil {
		return ErrNotFound
	}
	n.neigh.remove(e)
	n.forget(e)
	n.tables = n.tables.next()
	return nil
}
