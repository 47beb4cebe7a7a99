package wire

import (
	"encoding/binary"
	"net/netip"
)

// ARPLen is the length of an ARP packet for IPv4 on Ethernet, in octets.
const ARPLen = 28

// ARPOp is the operation of an ARP packet.
type ARPOp uint16

// The operations of RFC 826. Others exist, such as those of reverse ARP, and are
// for the caller to refuse.
const (
	ARPRequest ARPOp = 1
	ARPReply   ARPOp = 2
)

// An ARP is an ARP packet for IPv4 on Ethernet (RFC 826).
type ARP struct {
	Op        ARPOp
	SenderMAC MAC
	Sender    netip.Addr
	TargetMAC MAC
	Target    netip.Addr
}

// ParseARP reads the packet that o holds into a. What follows is padding of the link.
func ParseARP(o *Octets, a *ARP) Fault {
	*a = ARP{}
	b := o.Front()
	if len(b) < ARPLen {
		return Truncated
	}
	// hardware Ethernet, protocol IPv4, addresses of 6 and 4 octets
	if binary.BigEndian.Uint32(b) != 1<<16|uint32(EtherIPv4) || b[4] != 6 || b[5] != 4 {
		return BadType
	}
	a.Op = ARPOp(binary.BigEndian.Uint16(b[6:]))
	a.SenderMAC, a.Sender = MAC(b[8:14]), netip.AddrFrom4([4]byte(b[14:18]))
	a.TargetMAC, a.Target = MAC(b[18:24]), netip.AddrFrom4([4]byte(b[24:28]))
	return OK
}

// PutARP writes a to the first ARPLen octets of b. Sender and Target are IPv4 addresses.
func PutARP(b []byte, a *ARP) {
	b = b[:ARPLen]
	binary.BigEndian.PutUint32(b, 1<<16|uint32(EtherIPv4))
	b[4], b[5] = 6, 4
	binary.BigEndian.PutUint16(b[6:], uint16(a.Op))
	copy(b[8:], a.SenderMAC[:])
	*(*[4]byte)(b[14:]) = a.Sender.As4()
	copy(b[18:], a.TargetMAC[:])
	*(*[4]byte)(b[24:]) = a.Target.As4()
}
