package ip

import (
	"encoding/binary"
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// A Header is the IP header of a flow, made once: each packet only needs its
// length, its ECN and the checksum of those filled in. IPv4 packets have DF set and
// the id zero, which RFC 6864 §4.1 allows to what is never fragmented and which
// tells nobody anything (CVE-2020-36516).
type Header struct {
	b      [40]byte
	size   uint8
	sum    wire.Sum // of an IPv4 header, with zero for what is missing
	pseudo wire.Sum // of the pseudo-header, without the length
}

// NewHeader returns the header of packets from src to dst. tos is that of the flow,
// whose ECN bits do not matter.
func NewHeader(src, dst netip.Addr, proto wire.Proto, ttl, tos uint8, label uint32) Header {
	h := wire.IP{Src: src, Dst: dst, Proto: proto, Next: proto, TTL: ttl, TOS: tos &^ 3, Label: label, Flags: wire.DontFragment}
	var t Header
	t.size = uint8(h.Size())
	if h.Is6() {
		h.Len = int(t.size)
	}
	wire.PutIP(t.b[:t.size], &h)
	if !h.Is6() {
		t.b[10], t.b[11] = 0, 0
		t.sum = wire.Sum(0).Add(t.b[:20])
	}
	t.pseudo = wire.PseudoSum(src, dst, proto, 0)
	return t
}

// Size returns the length of the header, in octets.
func (t *Header) Size() int { return int(t.size) }

// Pseudo returns the sum of the pseudo-header for n octets of the transport.
func (t *Header) Pseudo(n int) wire.Sum { return t.pseudo.AddUint32(uint32(n)) }

// Put writes the header of a packet with n octets of the transport to the first
// Size octets of b.
func (t *Header) Put(b []byte, n int, ecn uint8) {
	if t.size == 40 {
		copy(b[:40], t.b[:])
		b[1] |= ecn << 4
		binary.BigEndian.PutUint16(b[4:], uint16(n))
		return
	}
	copy(b[:20], t.b[:20])
	b[1] |= ecn
	binary.BigEndian.PutUint16(b[2:], uint16(20+n))
	sum := t.sum.AddUint16(uint16(ecn)).AddUint16(uint16(20 + n))
	binary.BigEndian.PutUint16(b[10:], sum.Checksum())
}
