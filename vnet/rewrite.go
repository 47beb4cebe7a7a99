package vnet

import (
	"encoding/binary"
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// A datagram is an IPv4 packet in a frame that may be changed. Checksums are
// changed by what changes in the words they cover (RFC 1624), so that a packet which
// was corrupted stays so.
type datagram struct {
	b     []byte // from the IP header on
	at    int    // where the transport header begins
	proto wire.Proto
}

// open copies a frame, so that it may be changed, and reads it. ok is false for a
// frame that is no IPv4 packet.
func open(p *link.Packet) (d datagram, ok bool) {
	var first [link.HeadRoom]byte
	b := begin(p, &first)
	if len(b) < 14+wire.IPv4Len || binary.BigEndian.Uint16(b[12:]) != uint16(wire.EtherIPv4) || b[14]>>4 != 4 {
		return d, false
	}
	n := p.Len()
	c := chunk.New(n)
	p.AppendTo(c.Grow(n)[:0])
	p.Data.Release()
	*p = link.Packet{Data: c.View(0, n), NoSum: p.NoSum}
	c.Release()
	d.b = p.Data.B[14:]
	d.at, d.proto = int(d.b[0]&15)*4, wire.Proto(d.b[9])
	return d, d.at >= wire.IPv4Len && d.at <= len(d.b)
}

func (d *datagram) src() netip.Addr { return netip.AddrFrom4([4]byte(d.b[12:16])) }
func (d *datagram) dst() netip.Addr { return netip.AddrFrom4([4]byte(d.b[16:20])) }
func (d *datagram) id() uint32      { return uint32(binary.BigEndian.Uint16(d.b[4:])) }

// later reports whether this is a fragment other than the first.
func (d *datagram) later() bool { return binary.BigEndian.Uint16(d.b[6:])&0x1fff != 0 }

// first reports whether this is the first of several fragments.
func (d *datagram) first() bool { return binary.BigEndian.Uint16(d.b[6:])&0x3fff == 0x2000 }

// ends returns addresses and ports; of an echo the identifier is the port of the
// side that asks. ok is false for a packet that has none.
func (d *datagram) ends() (src, dst netip.AddrPort, ok bool) {
	t := d.b[d.at:]
	var s, p uint16
	switch {
	case len(t) < 8 || d.later():
		return src, dst, false
	case d.proto == wire.ProtoTCP || d.proto == wire.ProtoUDP:
		s, p = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	case d.proto == wire.ProtoICMPv4 && t[0] == wire.ICMPv4Echo:
		s = binary.BigEndian.Uint16(t[4:])
	case d.proto == wire.ProtoICMPv4 && t[0] == wire.ICMPv4EchoReply:
		p = binary.BigEndian.Uint16(t[4:])
	default:
		return src, dst, false
	}
	return netip.AddrPortFrom(d.src(), s), netip.AddrPortFrom(d.dst(), p), true
}

// sumAt returns where the transport checksum stands, 0 if there is none.
func (d *datagram) sumAt() int {
	at := 0
	switch d.proto {
	case wire.ProtoTCP:
		at = d.at + 16
	case wire.ProtoUDP:
		at = d.at + 6
	case wire.ProtoICMPv4:
		at = d.at + 2
	}
	if at == 0 || at+2 > len(d.b) || d.later() || d.proto == wire.ProtoUDP && binary.BigEndian.Uint16(d.b[at:]) == 0 {
		return 0
	}
	return at
}

// set changes a word, and the checksums at the given places that cover it.
func (d *datagram) set(at int, word uint16, sums ...int) {
	old := binary.BigEndian.Uint16(d.b[at:])
	binary.BigEndian.PutUint16(d.b[at:], word)
	for _, s := range sums {
		if s != 0 {
			binary.BigEndian.PutUint16(d.b[s:], wire.UpdateChecksum(binary.BigEndian.Uint16(d.b[s:]), old, word))
		}
	}
}

// setSrc changes where the packet comes from.
func (d *datagram) setSrc(a netip.AddrPort) { d.setEnd(a, 12, 0, wire.ICMPv4Echo) }

// setDst changes where it goes.
func (d *datagram) setDst(a netip.AddrPort) { d.setEnd(a, 16, 2, wire.ICMPv4EchoReply) }

func (d *datagram) setEnd(a netip.AddrPort, addrAt, portAt int, echo byte) {
	sum := d.sumAt()
	d.setAddr(a.Addr(), addrAt, sum)
	switch {
	case d.later():
	case d.proto == wire.ProtoICMPv4 && d.b[d.at] == echo:
		d.set(d.at+4, a.Port(), sum)
	case d.proto == wire.ProtoTCP || d.proto == wire.ProtoUDP:
		d.set(d.at+portAt, a.Port(), sum)
	}
}

// setAddr changes an address; the checksum of TCP and UDP covers it (RFC 9293 §3.1).
func (d *datagram) setAddr(a netip.Addr, at, sum int) {
	if d.proto == wire.ProtoICMPv4 {
		sum = 0
	}
	b := a.As4()
	d.set(at, binary.BigEndian.Uint16(b[:]), 10, sum)
	d.set(at+2, binary.BigEndian.Uint16(b[2:]), 10, sum)
}

// quote returns the packet that an ICMP error quotes; ok is false for other packets.
// It lies in d, and d.requote puts the checksum right after it was changed.
func (d *datagram) quote() (q datagram, ok bool) {
	if d.proto != wire.ProtoICMPv4 || d.later() || len(d.b) < d.at+8+wire.IPv4Len+8 || !wire.HasQuote4(d.b[d.at]) {
		return q, false
	}
	q.b = d.b[d.at+8:]
	q.at, q.proto = int(q.b[0]&15)*4, wire.Proto(q.b[9])
	return q, q.b[0]>>4 == 4 && q.at >= wire.IPv4Len && q.at+8 <= len(q.b)
}

// change calls f, which changes a quote, and corrects the checksum of the message
// by what has changed.
func (d *datagram) change(f func()) {
	sum := d.at + 2
	before := append([]byte(nil), d.b[d.at+8:]...)
	f()
	for i := 0; i+1 < len(before); i += 2 {
		old, word := binary.BigEndian.Uint16(before[i:]), binary.BigEndian.Uint16(d.b[d.at+8+i:])
		if old != word {
			binary.BigEndian.PutUint16(d.b[sum:], wire.UpdateChecksum(binary.BigEndian.Uint16(d.b[sum:]), old, word))
		}
	}
}

// The flags of TCP that begin or end a connection.
func (d *datagram) transitory() bool {
	return d.proto == wire.ProtoTCP && len(d.b) > d.at+13 && wire.Flags(d.b[d.at+13])&(wire.SYN|wire.FIN|wire.RST) != 0
}
