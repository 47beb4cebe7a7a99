package ip

import (
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// Idents give the identification of packets that are sent in fragments (RFC 7739).
//
// A counter is kept for every destination, or rather for those that share a place
// in a small table, and what is sent is a secret permutation of the counter, other
// for each pair of addresses. So an id comes again only after all others (2¹⁶ for
// IPv4, 2³² for IPv6, less what others that share the place used up), and who sees
// those sent to himself learns nothing about those sent to anybody else.
type idents struct {
	counters [1024]uint32
}

// next returns the id for the next fragmented packet.
func (d *idents) next(p *prf, src, dst netip.Addr, proto wire.Proto) uint32 {
	place := p.sum(forFragmentID, src, dst, uint32(proto), 0) % uint64(len(d.counters))
	d.counters[place]++
	half := 16
	if src.Is4() {
		half = 8
	}
	return permute(p, d.counters[place], half, src, dst, proto)
}

// permute is a Feistel network of four rounds (Luby and Rackoff, 1988) over twice
// half bits: a permutation that depends on the addresses and the protocol.
func permute(p *prf, v uint32, half int, src, dst netip.Addr, proto wire.Proto) uint32 {
	mask := uint32(1)<<half - 1
	left, right := v>>half&mask, v&mask
	for round := range uint32(4) {
		f := uint32(p.sum(forFragmentRound, src, dst, uint32(proto)<<8|round, right))
		left, right = right, left^f&mask
	}
	return left<<half | right
}
