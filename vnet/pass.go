package vnet

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// pairKey names the packets from one host to another.
type pairKey struct{ from, to *node }

// PairStats counts the packets from one host to another.
type PairStats struct {
	Packets     uint64 // that entered the network
	Octets      uint64 // of frames
	Segments    uint64 // of TCP with data
	Retransmits uint64 // of these with nothing that was not sent before
	Lost        uint64 // by chance, full queues and black holes
	Stopped     uint64 // by partitions and rules
	Duplicated  uint64
	Corrupted   uint64
	Reordered   uint64
}

// flowState is what is remembered of a flow of TCP.
type flowState struct {
	next  wire.Seq // after the last octet sent
	known bool
}

// flowsMax is how many flows are remembered before all are forgotten.
const flowsMax = 1 << 18

// pass judges a packet that enters the network from a node.
func (n *Net) pass(k *nic, e *link.Entering) link.Passage {
	p := &n.enter
	p.read(e.Packet)
	p.At, p.From = e.At, k.node.name
	n.mu.Lock()
	to := n.byAddr[p.Dst.Addr()]
	if to != nil {
		p.To = to.name
	}
	n.trace.enter(k.link.name, k.dir, e)
	from := n.byAddr[p.Src.Addr()]
	cut := n.isCut(from, to)
	if s := n.pair(from, to); s != nil && from == k.node { // not again at each router
		s.Packets++
		s.Octets += uint64(p.Len)
		n.countSegment(s, e.Flow, p)
		if cut {
			s.Stopped++
		}
	}
	n.mu.Unlock()
	for _, t := range *n.taps.Load() {
		t.Observe(&link.Sighting{At: e.At, Device: k.node.name + "." + k.name, Outgoing: true, Ethernet: true, Packet: e.Packet})
	}
	if cut {
		return Drop
	}
	var v Verdict
	if k.node.routes {
		return v
	}
	for _, r := range *n.rules.Load() {
		w := r.f(p)
		v.Stop = v.Stop || w.Stop
		v.Twice = v.Twice || w.Twice
		v.Delay += w.Delay
	}
	if v.Stop {
		n.mu.Lock()
		if s := n.pair(k.node, to); s != nil {
			s.Stopped++
		}
		n.mu.Unlock()
	}
	return v
}

// pair returns the counts of two hosts, nil if one is not known. n.mu is held.
func (n *Net) pair(from, to *node) *PairStats {
	if from == nil || to == nil {
		return nil
	}
	key := pairKey{from, to}
	s := n.pairs[key]
	if s == nil {
		s = new(PairStats)
		n.pairs[key] = s
	}
	return s
}

// countSegment notes whether a segment was sent before. n.mu is held.
func (n *Net) countSegment(s *PairStats, flow uint64, p *Packet) {
	if p.Proto != wire.ProtoTCP || p.Payload == 0 && !p.Flags.Has(wire.SYN) && !p.Flags.Has(wire.FIN) {
		return
	}
	f := n.flows[flow]
	if f == nil || p.Flags.Has(wire.SYN) && f.known && f.next != p.Seq+1 { // a new connection of an old flow
		if len(n.flows) >= flowsMax {
			clear(n.flows)
		}
		f = new(flowState)
		n.flows[flow] = f
	}
	size := p.Payload
	if p.Flags.Has(wire.SYN) {
		size++
	}
	if p.Flags.Has(wire.FIN) {
		size++
	}
	s.Segments++
	end := p.Seq + wire.Seq(size)
	if f.known && int32(end-f.next) <= 0 {
		s.Retransmits++
		return
	}
	f.next, f.known = end, true
}

// noteFate counts what a link did to a packet.
func (n *Net) noteFate(l *Link, s *link.Sighting) {
	var p Packet
	p.read(s.Packet)
	n.judge.note(l.name, s, func() string { return ticks(s.At) + " " + p.short() })
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trace.fate(l.name, s)
	c := n.pair(n.byAddr[p.Src.Addr()], n.byAddr[p.Dst.Addr()])
	if c == nil {
		return
	}
	switch s.Fate {
	case link.Lost, link.QueueFull, link.BlackHoled:
		c.Lost++
	case link.Duplicated:
		c.Duplicated++
	case link.Corrupted:
		c.Corrupted++
	case link.HeldBack:
		c.Reordered++
	}
}

// Stats returns the counts of the packets from one host to another. Those that a
// NAT changes count for it.
func (n *Net) Stats(from, to Node) PairStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.pairs[pairKey{from.inner(), to.inner()}]; s != nil {
		return *s
	}
	return PairStats{}
}

// arrives reports whether a packet that comes to a host may be received: one that
// was on its way when a partition began is lost too.
func (n *Net) arrives(k *nic, f *link.Packet) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.cuts) == 0 {
		return true
	}
	var p Packet
	p.read(f)
	from, to := n.byAddr[p.Src.Addr()], n.byAddr[p.Dst.Addr()]
	if to != k.node || !n.isCut(from, to) {
		return true
	}
	if s := n.pair(from, to); s != nil {
		s.Stopped++
	}
	return false
}

// isCut reports whether a partition lies between two hosts. n.mu is held.
func (n *Net) isCut(a, b *node) bool {
	return len(n.cuts) > 0 && a != nil && b != nil && (n.cuts[pairKey{a, b}] > 0)
}

// Partition lets no packet pass between the hosts of a and those of b, in both
// directions, nor such as are on their way now. Several partitions add up.
func (n *Net) Partition(a, b []Node) error {
	if err := n.partition(a, b, true); err != nil {
		return err
	}
	return n.partition(b, a, true)
}

// PartitionOneWay lets no packet pass from the hosts of a to those of b.
func (n *Net) PartitionOneWay(a, b []Node) error { return n.partition(a, b, true) }

func (n *Net) partition(a, b []Node, cut bool) error {
	if err := n.check(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range a {
		for _, y := range b {
			switch {
			case x.inner().net != n || y.inner().net != n:
				return errorf("partition of %s and %s: one of them belongs to another network", x.Name(), y.Name())
			case x.inner() == y.inner():
				return errorf("partition: %s is on both sides", x.Name())
			case cut:
				n.cuts[pairKey{x.inner(), y.inner()}] = 1
			default:
				delete(n.cuts, pairKey{x.inner(), y.inner()})
			}
		}
	}
	return nil
}

// Heal ends all partitions.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cuts)
}

// Set makes a side of a Partition.
func Set(nodes ...Node) []Node { return nodes }

// frameLine prints a frame.
func frameLine(b []byte) string {
	return wire.Line(wire.Octets{Data: chunk.Borrow(b)}, wire.Framed|wire.Long)
}
