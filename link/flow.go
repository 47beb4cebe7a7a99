package link

import (
	"encoding/binary"

	"github.com/octet-net/octet/wire"
)

// flowOf returns a number for the flow that a packet belongs to: equal for the
// packets from one socket to another, different otherwise. It reads what it can
// and trusts nothing: packets that are no IP are one flow.
func flowOf(key sipKey, p *Packet, ethernet bool) uint64 {
	var first [HeadRoom]byte
	n := copy(first[:], p.Head())
	n += copy(first[n:], p.Data.B)
	var id [37]byte
	return key.sum(id[:flowID(first[:n], ethernet, &id)])
}

// flowID writes protocol, addresses and ports of a packet to id and returns the length.
func flowID(b []byte, ethernet bool, id *[37]byte) int {
	if ethernet {
		if len(b) < etherHeader {
			return 0
		}
		kind := wire.EtherType(binary.BigEndian.Uint16(b[12:]))
		if kind != wire.EtherIPv4 && kind != wire.EtherIPv6 {
			return copy(id[:], b[12:etherHeader])
		}
		b = b[etherHeader:]
	}
	switch {
	case len(b) >= wire.IPv4Len && b[0]>>4 == 4:
		return flowID4(b, id)
	case len(b) >= wire.IPv6Len && b[0]>>4 == 6:
		return flowID6(b, id)
	}
	return 0
}

func flowID4(b []byte, id *[37]byte) int {
	id[0] = b[9]
	n := 1 + copy(id[1:], b[12:20])
	head := int(b[0]&0xf) * 4
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 { // a fragment: its ports are elsewhere
		id[n] = 1
		return n + 1
	}
	return n + ports(wire.Proto(b[9]), b[min(head, len(b)):], id[n:])
}

func flowID6(b []byte, id *[37]byte) int {
	id[0] = b[6]
	n := 1 + copy(id[1:], b[8:40])
	return n + ports(wire.Proto(b[6]), b[wire.IPv6Len:], id[n:])
}

// ports copies what tells the flows between two addresses apart: the ports of TCP
// and UDP, the identifier of an ICMP echo.
func ports(p wire.Proto, b, id []byte) int {
	switch {
	case (p == wire.ProtoTCP || p == wire.ProtoUDP) && len(b) >= 4:
		return copy(id, b[:4])
	case (p == wire.ProtoICMPv4 || p == wire.ProtoICMPv6) && len(b) >= 6:
		return copy(id, []byte{b[0], b[1], b[4], b[5]})
	}
	return 0
}

// flowsMax is how many flows a path remembers at least. Beyond twice as many, those
// that were quiet longest are forgotten, and begin anew if they come back.
const flowsMax = 1 << 14

// flowCount is what a path remembers of a flow.
type flowCount struct {
	sent uint64 // packets so far
	loss uint64 // Chance.State
}

// flows counts the packets of each flow in two generations of bounded size.
type flows struct {
	young, old map[uint64]*flowCount
}

func (f *flows) get(id uint64) *flowCount {
	if c := f.young[id]; c != nil {
		return c
	}
	c := f.old[id]
	if c == nil {
		c = new(flowCount)
	}
	if f.young == nil || len(f.young) >= flowsMax {
		f.old, f.young = f.young, make(map[uint64]*flowCount)
	}
	f.young[id] = c
	return c
}
