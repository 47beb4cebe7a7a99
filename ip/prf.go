package ip

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// A prf is a pseudo-random function: without the key nobody can tell its results
// from dice, nor one from another. It is AES in CBC-MAC mode over three blocks; as
// all messages have that length, that mode is a sound one.
type prf struct {
	aes   cipher.Block
	block [aes.BlockSize]byte
}

// What a result is for. Two purposes share no results.
const (
	forFragmentID = iota + 1
	forFlowLabel
	forHostBucket
	forChance
	forInterfaceID
	forTimer
)

func newPRF(key [16]byte) prf {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("bug: AES refuses a key of 16 octets: " + err.Error())
	}
	return prf{aes: b}
}

// sum returns the result for a purpose, two addresses, which may be zero, and two numbers.
func (p *prf) sum(purpose byte, src, dst netip.Addr, x, y uint32) uint64 {
	return p.sum16(purpose, src.As16(), dst.As16(), x, y)
}

func (p *prf) sum16(purpose byte, src, dst [16]byte, x, y uint32) uint64 {
	clear(p.block[:])
	p.block[0] = purpose
	binary.BigEndian.PutUint32(p.block[4:], x)
	binary.BigEndian.PutUint32(p.block[8:], y)
	p.aes.Encrypt(p.block[:], p.block[:])
	for i := range src {
		p.block[i] ^= src[i]
	}
	p.aes.Encrypt(p.block[:], p.block[:])
	for i := range dst {
		p.block[i] ^= dst[i]
	}
	p.aes.Encrypt(p.block[:], p.block[:])
	return binary.BigEndian.Uint64(p.block[:])
}

// Dice draw numbers that nobody can foresee and that a second run repeats.
type dice struct{ drawn uint64 }

// draw returns the next number.
func (d *dice) draw(p *prf) uint64 {
	d.drawn++
	return p.sum16(forChance, [16]byte{}, [16]byte{}, uint32(d.drawn>>32), uint32(d.drawn))
}

// FlowLabel returns the flow label of an IPv6 flow: the same for all its packets,
// and not to be guessed (RFC 6437 §3, §6.1).
func (n *Node) FlowLabel(src, dst netip.Addr, proto wire.Proto, srcPort, dstPort uint16) uint32 {
	label := n.prf.sum(forFlowLabel, src, dst, uint32(proto), uint32(srcPort)<<16|uint32(dstPort))
	return uint32(label) & 0xfffff
}
