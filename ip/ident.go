package ip

import (
	"math/bits"
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// Idents give the identification of packets that are, or may be, sent in fragments
// (RFC 6864 §4, RFC 7739).
//
// A counter is kept for every destination, or rather for those that share a place
// in a small table, and what is sent is a secret permutation of the counter, other
// for each pair of addresses. So an id comes again only after all others (2¹⁶ for
// IPv4, 2³² for IPv6, less what others that share the place used up), and who sees
// those sent to himself learns nothing about those sent to anybody else.
type idents struct {
	counters [1024]uint32
}

// next returns the id for the next packet.
func (d *idents) next(p *prf, src, dst netip.Addr, proto wire.Proto) uint32 {
	secret := p.sum(forFragmentID, src, dst, uint32(proto), 0)
	place := secret % uint64(len(d.counters))
	d.counters[place]++
	if src.Is4() {
		return permute(secret, d.counters[place], 8)
	}
	return permute(secret, d.counters[place], 16)
}

// permute is a Feistel network of four rounds over twice half bits: a permutation
// that depends on the secret. Who receives the ids may work out his own, which does
// not help him; nobody else sees them.
func permute(secret uint64, v uint32, half int) uint32 {
	mask := uint32(1)<<half - 1
	left, right := v>>half&mask, v&mask
	for range 4 {
		x := (secret ^ uint64(right)) * 0x9e3779b97f4a7c15
		x = (x ^ x>>32) * 0xd6e8feb86659fd93
		left, right = right, left^uint32(x>>32)&mask
		secret = bits.RotateLeft64(secret, 17)
	}
	return left<<half | right
}
