package link

import (
	"encoding/binary"

	"github.com/octet-net/octet/wire"
)

// cut turns a packet with the payload of many segments (Packet.SegmentSize) into
// packets of one segment each, for a link that cannot do so itself, and gives them
// to emit one after another. Their checksums are left open (NoSum). It takes over
// the data, and reports false where the packet is not what it says it is.
//
// TCP: sequence numbers go on; FIN and PSH belong to the last piece, CWR to the
// first (RFC 3168 §6.1.2). UDP: each piece is a datagram.
func cut(p *Packet, ethernet bool, emit func(*Packet)) bool {
	defer p.Data.Release()
	h, o, ok := transport(p, ethernet)
	if !ok || p.SegmentSize == 0 {
		return false
	}
	at := p.Len() - o.Len()
	n := at + payloadAt(h.Proto, o.Front())
	if n == at || n > p.Len() || n > HeadRoom || p.Len()-n == 0 {
		return false
	}
	if len(p.Head()) > n { // payload among the headers: not a packet of our own
		flatten(p)
	}
	var model Packet
	headers := model.SetHead(n)
	k := copy(headers, p.Head())
	copy(headers[k:], p.Data.B)
	skip := n - k // octets of headers in Data
	size, all := int(p.SegmentSize), p.Len()-n
	for off := 0; off < all; off += size {
		q := model
		q.NoSum = true
		q.Data = p.Data.Share()
		q.Data.Trim(skip+off, skip+min(off+size, all))
		piece(q.Head(), &h, at, off/size, off, q.Data.Len(), off+size >= all)
		emit(&q)
	}
	return true
}

// payloadAt returns the length of a transport header that can be cut, else 0.
func payloadAt(p wire.Proto, b []byte) int {
	switch {
	case p == wire.ProtoTCP && len(b) > 12 && b[12]>>4 >= wire.TCPLen/4:
		return int(b[12]>>4) * 4
	case p == wire.ProtoUDP:
		return wire.UDPLen
	}
	return 0
}

// piece makes the headers in b those of a piece, which begins off octets into the
// payload and has n octets of it. The transport header is at octet at.
func piece(b []byte, h *wire.IP, at, index, off, n int, last bool) {
	ip, t := b[at-int(h.HeaderLen):at], b[at:]
	if h.Is6() {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)+len(t)+n-wire.IPv6Len))
	} else {
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(t)+n))
		binary.BigEndian.PutUint16(ip[4:], uint16(h.ID)+uint16(index)) // RFC 6864 §4
		ip[10], ip[11] = 0, 0
		binary.BigEndian.PutUint16(ip[10:], wire.Sum(0).Add(ip).Checksum())
	}
	if h.Proto == wire.ProtoUDP {
		binary.BigEndian.PutUint16(t[4:], uint16(len(t)+n))
		return
	}
	binary.BigEndian.PutUint32(t[4:], binary.BigEndian.Uint32(t[4:])+uint32(off))
	if !last {
		t[13] &^= uint8(wire.FIN | wire.PSH)
	}
	if off > 0 && t[12]&uint8(wire.AE>>8) == 0 { // with AE it is part of a counter (RFC 9768 §3.3.4)
		t[13] &^= uint8(wire.CWR)
	}
}
