package wire

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// Size4 returns how many octets PutIGMPQuery writes.
func (q *GroupQuery) Size4() int {
	if q.Version < 3 {
		return ICMPLen
	}
	return ICMPLen + 4 + len(q.Sources.b)
}

// Size6 returns how many octets PutMLDQuery writes.
func (q *GroupQuery) Size6() int {
	if q.Version < 2 {
		return ICMPLen + 16
	}
	return ICMPLen + 20 + len(q.Sources.b)
}

// PutIGMPQuery writes q to the first q.Size4() octets of b. Times that its codes
// cannot express are made shorter.
func PutIGMPQuery(b []byte, q *GroupQuery) {
	m := IGMP{Type: IGMPQuery, Group: q.Group}
	tenths := count(q.MaxResponse, time.Second/10, 0xffffffff)
	switch q.Version {
	case 1:
	case 2:
		m.Code = uint8(min(tenths, 0xff))
	default:
		m.Code = compress8(tenths)
		q.putTail(b[ICMPLen:])
	}
	PutIGMP(b, &m)
}

// PutMLDQuery writes q to the first q.Size6() octets of b. Times that its codes
// cannot express are made shorter.
func PutMLDQuery(b []byte, q *GroupQuery) {
	m := ICMP{Type: ICMPv6MLDQuery}
	ms := count(q.MaxResponse, time.Millisecond, 0xffffffff)
	code := uint16(min(ms, 0xffff))
	if q.Version >= 2 {
		code = compress16(ms)
		q.putTail(b[ICMPLen+16:])
	}
	m.Rest = uint32(code) << 16
	PutICMP(b, &m)
	putAddr6(b[ICMPLen:], q.Group)
}

// putTail writes what follows the group.
func (q *GroupQuery) putTail(b []byte) {
	b[0] = q.Robustness&7 | uint8(flagIf(q.Suppress, 8))
	b[1] = compress8(seconds(q.Interval, 0xffffffff))
	binary.BigEndian.PutUint16(b[2:], uint16(q.Sources.Len()))
	copy(b[4:], q.Sources.b)
}

// compress8 returns the code of the largest number that is not above v (RFC 9776 §4.1.1).
func compress8(v uint32) uint8 {
	if v < 128 {
		return uint8(v)
	}
	if v > 31<<10 {
		return 0xff
	}
	e := bits.Len32(v) - 8 // the leading one stands for itself, four bits follow
	return uint8(0x80 | e<<4 | int(v>>(e+3)&15))
}

// compress16 returns the code of the largest number that is not above v (RFC 9777 §5.1.3).
func compress16(v uint32) uint16 {
	if v < 1<<15 {
		return uint16(v)
	}
	if v > 0x1fff<<10 {
		return 0xffff
	}
	e := bits.Len32(v) - 16
	return uint16(0x8000 | e<<12 | int(v>>(e+3)&0xfff))
}
