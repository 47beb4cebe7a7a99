package link

import (
	"encoding/binary"

	"github.com/octet-net/octet/wire"
)

// virtioLen is the length of the header that a TUN device or a packet socket of
// Linux puts before each packet, octets as in memory of this machine (struct
// virtio_net_hdr; OASIS virtio 1.2 §5.1.6).
const virtioLen = 10

// Flags and kinds of a virtio header.
const (
	virtioNeedsSum  = 1 // flags: the checksum holds the sum of the pseudo-header only
	virtioSumIsGood = 2

	virtioNone  = 0
	virtioTCPv4 = 1
	virtioTCPv6 = 4
	virtioUDP   = 5
	virtioECN   = 0x80 // beside the kind: the packet has CWR set
)

// virtioPieces is the most segments that one packet may have, so that none is cut
// into tens of thousands: a packet of 65535 octets has fewer at the smallest MSS
// that Linux sends with, 48.
const virtioPieces = 2048

// virtio says what is left to be done for a packet.
type virtio struct {
	flags, kind       uint8
	headers           uint16 // octets; a hint
	segment           uint16 // payload of each segment
	sumFrom, sumField uint16 // the checksum is over sumFrom to the end, and stands sumField octets after that
}

func parseVirtio(b *[virtioLen]byte) virtio {
	order := binary.NativeEndian
	return virtio{
		b[0], b[1], order.Uint16(b[2:]), order.Uint16(b[4:]), order.Uint16(b[6:]), order.Uint16(b[8:]),
	}
}

func (v *virtio) put(b *[virtioLen]byte) {
	order := binary.NativeEndian
	b[0], b[1] = v.flags, v.kind
	order.PutUint16(b[2:], v.headers)
	order.PutUint16(b[4:], v.segment)
	order.PutUint16(b[6:], v.sumFrom)
	order.PutUint16(b[8:], v.sumField)
}

// accept sets NoSum and SegmentSize of a packet that came with the header v, whose
// Data nobody shares yet. It believes nothing that the packet does not bear out,
// and reports false for one to be dropped.
func (v *virtio) accept(p *Packet, ethernet bool) bool {
	needs := v.flags&virtioNeedsSum != 0
	if needs && int(v.sumFrom)+int(v.sumField)+2 > p.Len() {
		return false
	}
	kind := v.kind &^ virtioECN
	if kind == virtioNone && !needs {
		p.NoSum = v.flags&virtioSumIsGood != 0
		return true
	}
	h, o, ok := transport(p, ethernet)
	at := p.Len() - o.Len()
	if !ok || at != int(v.sumFrom) || int(v.sumField) != sumField(h.Proto) {
		if kind == virtioNone { // a checksum of something else, such as a packet in a tunnel
			return v.complete(p.Data.B)
		}
		return false
	}
	p.NoSum = true
	if kind == virtioNone {
		return true
	}
	if !needs || v.segment == 0 || kind != virtioKind(&h) {
		return false
	}
	payload := p.Len() - at - payloadAt(h.Proto, o.Front())
	if payload > int(v.segment) {
		p.SegmentSize = v.segment
	}
	return payload <= virtioPieces*int(v.segment)
}

// complete computes the checksum that the header asks for, whatever it is of. It
// reports whether b is long enough.
func (v *virtio) complete(b []byte) bool {
	if int(v.sumFrom)+int(v.sumField)+2 > len(b) {
		return false
	}
	part := b[v.sumFrom:]
	c := wire.Sum(0).Add(part).Checksum()
	if c == 0 {
		c = 0xffff // as zero may mean none (RFC 768); for all others they are equal
	}
	binary.BigEndian.PutUint16(part[v.sumField:], c)
	return true
}

// virtioKind returns the kind of a packet with several segments, 0 if it can have none.
func virtioKind(h *wire.IP) uint8 {
	switch {
	case h.Proto == wire.ProtoUDP:
		return virtioUDP
	case h.Proto != wire.ProtoTCP:
		return virtioNone
	case h.Is6():
		return virtioTCPv6
	}
	return virtioTCPv4
}

// sumField returns where the checksum stands in a transport header, 0 for a
// protocol whose checksum is not one over a pseudo-header.
func sumField(p wire.Proto) int {
	switch p {
	case wire.ProtoTCP:
		return 16
	case wire.ProtoUDP:
		return 6
	case wire.ProtoICMPv6:
		return 2
	}
	return 0
}

// describe makes the header for a packet that leaves, and puts the sum of the
// pseudo-header into one that goes without checksum. It reports false for a
// packet that cannot leave as it is.
func describe(p *Packet, ethernet bool) (v virtio, ok bool) {
	if !p.NoSum && p.SegmentSize == 0 {
		return v, true
	}
	h, o, ok := transport(p, ethernet)
	field := sumField(h.Proto)
	if !ok || field == 0 {
		seal(p, ethernet)
		return v, p.SegmentSize == 0
	}
	if len(o.Head) < transportLen(h.Proto) { // the header lies in Data, which others may read
		at, n := p.Len()-o.Len(), o.Len()
		flatten(p)
		o.Head = p.Data.B[at : at+n]
		o.Data.B = nil
	}
	n := o.Len()
	at, payload := p.Len()-n, payloadAt(h.Proto, o.Head)
	binary.BigEndian.PutUint16(o.Head[field:], ^h.Pseudo(n).Checksum())
	v = virtio{flags: virtioNeedsSum, sumFrom: uint16(at), sumField: uint16(field)}
	if p.SegmentSize != 0 && n-payload > int(p.SegmentSize) {
		v.kind, v.segment, v.headers = virtioKind(&h), p.SegmentSize, uint16(at+payload)
		return v, payload > 0 && payload <= n
	}
	return v, true
}
