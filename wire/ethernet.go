package wire

import "encoding/binary"

// A MAC is an Ethernet address.
type MAC [6]byte

// BroadcastMAC returns the Ethernet address of everybody.
func BroadcastMAC() MAC {
	return MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
}

// IsMulticast reports whether m names a group, of which everybody is one.
func (m MAC) IsMulticast() bool { return m[0]&1 != 0 }

// String returns m as six octets in hexadecimal.
func (m MAC) String() string { return string(m.AppendTo(make([]byte, 0, 17))) }

// AppendTo appends what String returns.
func (m MAC) AppendTo(b []byte) []byte {
	for i, x := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, hexDigits[x>>4], hexDigits[x&15])
	}
	return b
}

const hexDigits = "0123456789abcdef"

// EtherType says what an Ethernet frame carries.
type EtherType uint16

// The types that octet knows.
const (
	EtherIPv4 EtherType = 0x0800
	EtherARP  EtherType = 0x0806
	EtherVLAN EtherType = 0x8100 // IEEE 802.1Q
	EtherIPv6 EtherType = 0x86dd
)

// leastEtherType is the lowest number that is a type and not a length (IEEE 802.3 §3.2.6).
const leastEtherType = 0x0600

// The lengths of an Ethernet header, without and with a tag.
const (
	etherLen  = 14
	taggedLen = 18
)

// An Ethernet is the header of an Ethernet II frame, with an 802.1Q tag or without.
type Ethernet struct {
	Dst, Src MAC
	Type     EtherType // of what follows the header
	Tagged   bool
	Tag      uint16 // priority 3 bits, drop eligible 1, VLAN 12
}

// VLAN returns the VLAN of the tag, 0 without one.
func (e *Ethernet) VLAN() int { return int(e.Tag & 0xfff) }

// Size returns how many octets the header takes: 14, or 18 with a tag.
func (e *Ethernet) Size() int {
	if e.Tagged {
		return taggedLen
	}
	return etherLen
}

// ParseEthernet reads the header of the frame that o holds into e. It stays in o:
// Pull(e.Size()) leaves what e.Type names. A second tag is not read through.
func ParseEthernet(o *Octets, e *Ethernet) Fault {
	*e = Ethernet{}
	b := o.Front()
	if len(b) < etherLen {
		return Truncated
	}
	e.Dst, e.Src = MAC(b[:6]), MAC(b[6:12])
	e.Type = EtherType(binary.BigEndian.Uint16(b[12:]))
	if e.Type == EtherVLAN {
		if len(b) < taggedLen {
			return Truncated
		}
		e.Tagged, e.Tag = true, binary.BigEndian.Uint16(b[14:])
		e.Type = EtherType(binary.BigEndian.Uint16(b[16:]))
	}
	if e.Type < leastEtherType {
		return BadType // an 802.3 frame of LLC
	}
	return OK
}

// PutEthernet writes e to the first e.Size() octets of b.
func PutEthernet(b []byte, e *Ethernet) {
	b = b[:e.Size()]
	copy(b, e.Dst[:])
	copy(b[6:], e.Src[:])
	if e.Tagged {
		binary.BigEndian.PutUint16(b[12:], uint16(EtherVLAN))
		binary.BigEndian.PutUint16(b[14:], e.Tag)
	}
	binary.BigEndian.PutUint16(b[len(b)-2:], uint16(e.Type))
}
