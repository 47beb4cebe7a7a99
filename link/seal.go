package link

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// Complete does for a device what its Info says that the device does not do
// itself: it cuts a packet of several segments (Segments) and fills in a checksum
// that was left out (NoSum). It calls send for what comes of it, once or more, and
// reports false where that is nothing: the packet is not what it says it is.
func (p *Packet) Complete(i *Info, send func(*Packet)) bool {
	if p.SegmentSize != 0 && i.Segments == 0 {
		return cut(p, i.Ethernet, func(piece *Packet) {
			if !i.NoSum {
				seal(piece, i.Ethernet)
			}
			send(piece)
		})
	}
	if !i.NoSum {
		seal(p, i.Ethernet)
	}
	send(p)
	return true
}

// seal writes the transport checksum that a packet was allowed to go without, for
// a link that may corrupt or leads outside. Of a packet that it cannot read it
// changes nothing: then nobody else reads it either.
func seal(p *Packet, ethernet bool) {
	if !p.NoSum {
		return
	}
	p.NoSum = false
	h, o, ok := transport(p, ethernet)
	if !ok {
		return
	}
	if len(o.Head) >= transportLen(h.Proto) {
		h.Seal(o.Head, o.Data.B)
		return
	}
	at, n := p.Len()-o.Len(), o.Len() // the header lies in Data, which others may read
	flatten(p)
	h.Seal(p.Data.B[at:at+n], nil)
}

// transport finds the transport packet of a protocol with a checksum that a whole
// IP packet carries. The octets are borrowed; link padding is not among them, and
// is cut off the packet.
func transport(p *Packet, ethernet bool) (h wire.IP, o wire.Octets, ok bool) {
	o = wire.Octets{Head: p.Head(), Data: chunk.Borrow(p.Data.B)}
	if ethernet {
		var e wire.Ethernet
		if wire.ParseEthernet(&o, &e) != wire.OK {
			return h, o, false
		}
		o.Pull(e.Size())
	}
	before := o.Len()
	if wire.ParseIP(&o, &h) != wire.OK || h.IsFragment() {
		return h, o, false
	}
	pad := before - o.Len()
	if pad > p.Data.Len() {
		return h, o, false
	}
	if pad > 0 {
		p.Data.Trim(0, p.Data.Len()-pad)
	}
	o.Pull(int(h.HeaderLen))
	return h, o, o.Len() >= transportLen(h.Proto)
}

// transportLen returns the length of the shortest header of a protocol, far more
// than any packet has if it has no checksum.
func transportLen(p wire.Proto) int {
	switch p {
	case wire.ProtoTCP:
		return wire.TCPLen
	case wire.ProtoUDP:
		return wire.UDPLen
	case wire.ProtoICMPv4, wire.ProtoICMPv6, wire.ProtoIGMP:
		return wire.ICMPLen
	}
	return 1 << 20
}

// flatten puts the octets of a packet, at most chunk.MaxSize, into memory of its
// own, all in Data.
func flatten(p *Packet) {
	n := min(p.Len(), chunk.MaxSize)
	c := chunk.New(n)
	p.AppendTo(c.Grow(n)[:0])
	p.Data.Release()
	p.Data, p.start, p.end = c.View(0, n), 0, 0
	c.Release()
}
