package ip

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// headRoom is how many octets of headers a packet that leaves may have apart from
// its data: what link.Packet has room for, less an Ethernet header.
const headRoom = 128 - 14

// maxQueued bounds how many packets wait for Output: more than the fragments of
// the largest packet on the narrowest link.
const maxQueued = 2048

// A sending is a packet that waits for Output, or for the address of its next hop.
type sending struct {
	data    chunk.View
	iface   ID
	ether   wire.EtherType
	mac     wire.MAC
	looped  bool
	noSum   bool
	segment uint16
	headLen uint8
	head    [headRoom]byte
}

// setHead makes n octets the head and returns them to be filled.
func (s *sending) setHead(n int) []byte {
	s.headLen = uint8(n)
	return s.head[:n]
}

// An outbox holds what waits for Output, in order.
type outbox struct {
	queue []sending
	next  int // the first that has not been taken
}

// push returns a place for one more, or nil if there is none.
func (o *outbox) push() *sending {
	if len(o.queue)-o.next >= maxQueued {
		return nil
	}
	o.queue = append(o.queue, sending{})
	return &o.queue[len(o.queue)-1]
}

// pop returns the first, valid until the next push, or nil.
func (o *outbox) pop() *sending {
	if o.next == len(o.queue) {
		o.next = 0
		if o.queue = o.queue[:0]; cap(o.queue) > 64 {
			o.queue = nil
		}
		return nil
	}
	o.next++
	return &o.queue[o.next-1]
}

// Output returns the next packet that the Node wants sent. Its Head is valid until
// the next call; the reference of its Data is the caller's.
func (n *Node) Output(now mono.Time, p *Packet) bool {
	s := n.out.pop()
	if s == nil {
		*p = Packet{}
		return false
	}
	*p = Packet{
		Octets:    wire.Octets{Head: s.head[:s.headLen], Data: s.data},
		Interface: s.iface, Ether: s.ether, MAC: s.mac,
		Looped: s.looped, NoSum: s.noSum, SegmentSize: s.segment,
	}
	s.data = chunk.View{}
	return true
}

// emit queues a packet for Output, or, if the Ethernet address of the next hop is
// not known yet, until it is.
func (n *Node) emit(now mono.Time, path *Path, s *sending) {
	s.iface, s.ether = path.Interface, wire.EtherIPv6
	if path.NextHop.Is4() {
		s.ether = wire.EtherIPv4
	}
	if path.Flags.Has(Ethernet) && !n.address(now, path, s) {
		return
	}
	n.push(s)
}

// push queues a packet that is ready for Output.
func (n *Node) push(s *sending) {
	place := n.out.push()
	if place == nil {
		n.drop(QueueFull)
		s.data.Release()
		return
	}
	*place = *s
}

func (n *Node) drop(why Reason) { n.drops[why]++ }

// groupMAC returns the Ethernet address of a packet to many (RFC 1112 §6.4, RFC 2464 §7).
func groupMAC(path *Path) wire.MAC {
	switch {
	case path.Cast == Broadcast:
		return wire.BroadcastMAC()
	case path.NextHop.Is4():
		b := path.NextHop.As4()
		return wire.MAC{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
	}
	b := path.NextHop.As16()
	return wire.MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
}
