package wire

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"time"

	"github.com/octet-net/octet/chunk"
)

// The types of IGMP (RFC 9776 §4).
const (
	IGMPQuery    = 0x11
	IGMPv1Report = 0x12
	IGMPv2Report = 0x16
	IGMPv2Leave  = 0x17
	IGMPv3Report = 0x22
)

// An IGMP is a message of the Internet Group Management Protocol. Group is of no
// meaning in a report of version 3.
type IGMP struct {
	Type, Code uint8
	Group      netip.Addr
	Body       chunk.View // after 8 octets
}

// ParseIGMP reads the message that o holds into m, which takes over its body. It
// does not check the checksum: see IP.Verify.
func ParseIGMP(o *Octets, m *IGMP) Fault {
	*m = IGMP{}
	b := o.Front()
	if len(b) < ICMPLen {
		return Truncated
	}
	m.Type, m.Code, m.Group = b[0], b[1], netip.AddrFrom4([4]byte(b[4:8]))
	m.Body = o.take(ICMPLen)
	return OK
}

// PutIGMP writes the header of m to the first 8 octets of b, with a checksum of
// zero: IP.Seal puts in the right one.
func PutIGMP(b []byte, m *IGMP) {
	b = b[:ICMPLen]
	b[0], b[1], b[2], b[3] = m.Type, m.Code, 0, 0
	*(*[4]byte)(b[4:]) = m.Group.As4()
}

// AddrList is a run of addresses of one version, checked to be whole.
type AddrList struct {
	b    []byte
	size int // octets of an address; 0 in the zero AddrList, which is empty
}

// Addrs returns a list of addresses, which must be of one version.
func Addrs(all ...netip.Addr) (l AddrList) {
	for _, a := range all {
		l.b = append(l.b, a.AsSlice()...)
		l.size = a.BitLen() / 8
	}
	return l
}

// Len returns how many addresses there are.
func (l AddrList) Len() int { return len(l.b) / max(l.size, 1) }

// All yields the addresses.
func (l AddrList) All() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for b := l.b; len(b) > 0; b = b[l.size:] {
			a, _ := netip.AddrFromSlice(b[:l.size])
			if !yield(a) {
				return
			}
		}
	}
}

// A GroupQuery asks who listens to groups (RFC 9776 §4.1, RFC 9777 §5.1).
type GroupQuery struct {
	Version     uint8      // of the protocol: IGMP 1, 2 or 3, MLD 1 or 2
	Group       netip.Addr // unspecified: all
	MaxResponse time.Duration
	Suppress    bool          // routers need not take note
	Robustness  uint8         // 0: more than 7
	Interval    time.Duration // between queries
	Sources     AddrList
}

// ParseIGMPQuery reads m, of IGMPQuery, into q (RFC 9776 §7.1 tells the versions apart).
func ParseIGMPQuery(m *IGMP, q *GroupQuery) Fault {
	*q = GroupQuery{Group: m.Group}
	if m.Type != IGMPQuery {
		return BadType
	}
	switch n := m.Body.Len(); {
	case n == 0 && m.Code == 0:
		q.Version, q.MaxResponse = 1, 10*time.Second // RFC 9776 §7.2.1
		return OK
	case n == 0:
		q.Version, q.MaxResponse = 2, time.Duration(m.Code)*time.Second/10
		return OK
	case n < 4:
		return Truncated // RFC 9776 §7.1: a length that is of no version is ignored
	}
	q.Version = 3
	q.MaxResponse = time.Duration(expand8(m.Code)) * time.Second / 10
	return q.readTail(m.Body.B, 4)
}

// ParseMLDQuery reads m, of ICMPv6MLDQuery, into q (RFC 9777 §8.1 tells the versions apart).
func ParseMLDQuery(m *ICMP, q *GroupQuery) Fault {
	*q = GroupQuery{}
	b := m.Body.B
	if m.Type != ICMPv6MLDQuery {
		return BadType
	}
	if len(b) < 16 {
		return Truncated
	}
	q.Group = netip.AddrFrom16([16]byte(b))
	code := uint16(m.Rest >> 16)
	switch n := len(b); {
	case n == 16:
		q.Version, q.MaxResponse = 1, time.Duration(code)*time.Millisecond
		return OK
	case n < 20:
		return Truncated
	}
	q.Version, q.MaxResponse = 2, time.Duration(expand16(code))*time.Millisecond
	return q.readTail(b[16:], 16)
}

// readTail reads what follows the group, in both protocols alike.
func (q *GroupQuery) readTail(b []byte, size int) (f Fault) {
	q.Suppress, q.Robustness = b[0]&8 != 0, b[0]&7
	q.Interval = time.Duration(expand8(b[1])) * time.Second
	q.Sources, _, f = takeAddrs(b[4:], int(binary.BigEndian.Uint16(b[2:])), size)
	return f
}

// takeAddrs splits n addresses from the front of b.
func takeAddrs(b []byte, n, size int) (l AddrList, rest []byte, f Fault) {
	if n*size > len(b) {
		return l, nil, Truncated
	}
	n *= size
	return AddrList{b[:n:n], size}, b[n:], OK
}

// expand8 returns what a code of 8 bits stands for (RFC 9776 §4.1.1, §4.1.7).
func expand8(c uint8) uint32 {
	if c < 128 {
		return uint32(c)
	}
	return uint32(c&15|16) << (c>>4&7 + 3)
}

// expand16 returns what a code of 16 bits stands for (RFC 9777 §5.1.3).
func expand16(c uint16) uint32 {
	if c < 1<<15 {
		return uint32(c)
	}
	return uint32(c&0xfff|0x1000) << (c>>12&7 + 3)
}

// RecordKind says what a GroupRecord reports (RFC 9776 §4.2.12).
type RecordKind uint8

// The kinds of records.
const (
	ModeIsInclude   RecordKind = 1
	ModeIsExclude   RecordKind = 2
	ChangeToInclude RecordKind = 3
	ChangeToExclude RecordKind = 4
	AllowSources    RecordKind = 5
	BlockSources    RecordKind = 6
)

// A GroupRecord tells of one group that a host listens to.
type GroupRecord struct {
	Kind    RecordKind
	Group   netip.Addr
	Sources AddrList
}

// GroupRecords are the records of a report, checked to be whole. The zero
// GroupRecords are none; Append adds one.
type GroupRecords struct {
	b    []byte
	n    int
	size int // octets of an address
}

// Len returns how many records there are.
func (g GroupRecords) Len() int { return g.n }

// All yields the records.
func (g GroupRecords) All() iter.Seq[GroupRecord] {
	return func(yield func(GroupRecord) bool) {
		b := g.b
		for range g.n {
			r, rest, f := takeRecord(b, g.size)
			if f != OK || !yield(r) {
				return
			}
			b = rest
		}
	}
}

// takeRecord splits a record from the front of b.
func takeRecord(b []byte, size int) (r GroupRecord, rest []byte, f Fault) {
	if len(b) < 4+size {
		return r, nil, Truncated
	}
	aux := 4 * int(b[1])
	r.Kind = RecordKind(b[0])
	r.Group, _ = netip.AddrFromSlice(b[4 : 4+size])
	r.Sources, rest, f = takeAddrs(b[4+size:], int(binary.BigEndian.Uint16(b[2:])), size)
	if f != OK || aux > len(rest) {
		return r, nil, Truncated
	}
	return r, rest[aux:], OK // RFC 9776 §4.2.11: auxiliary data is ignored
}

// Append returns the records and r, all of one IP version.
func (g GroupRecords) Append(r GroupRecord) GroupRecords {
	g.n++
	g.size = r.Group.BitLen() / 8
	g.b = append(g.b, byte(r.Kind), 0)
	g.b = binary.BigEndian.AppendUint16(g.b, uint16(r.Sources.Len()))
	g.b = append(append(g.b, r.Group.AsSlice()...), r.Sources.b...)
	return g
}

// Size returns how many octets PutIGMPReport or PutMLDReport writes.
func (g GroupRecords) Size() int { return ICMPLen + len(g.b) }

func parseRecords(b []byte, n, size int, g *GroupRecords) Fault {
	*g = GroupRecords{}
	rest := b
	for range n {
		var f Fault
		if _, rest, f = takeRecord(rest, size); f != OK {
			return f
		}
	}
	*g = GroupRecords{b[:len(b)-len(rest)], n, size}
	return OK
}

// ParseIGMPReport reads m, of IGMPv3Report, into g (RFC 9776 §4.2).
func ParseIGMPReport(m *IGMP, g *GroupRecords) Fault {
	if m.Type != IGMPv3Report {
		return BadType
	}
	rest := m.Group.As4() // its place holds the number of records
	return parseRecords(m.Body.B, int(binary.BigEndian.Uint16(rest[2:])), 4, g)
}

// ParseMLDReport reads m, of ICMPv6MLDv2Report, into g (RFC 9777 §5.2).
func ParseMLDReport(m *ICMP, g *GroupRecords) Fault {
	if m.Type != ICMPv6MLDv2Report {
		return BadType
	}
	return parseRecords(m.Body.B, int(m.Rest&0xffff), 16, g)
}

// PutIGMPReport writes a report to the first g.Size() octets of b.
func PutIGMPReport(b []byte, g GroupRecords) {
	PutIGMP(b, &IGMP{Type: IGMPv3Report, Group: netip.AddrFrom4([4]byte{2: byte(g.n >> 8), 3: byte(g.n)})})
	copy(b[ICMPLen:], g.b)
}

// PutMLDReport writes a report to the first g.Size() octets of b.
func PutMLDReport(b []byte, g GroupRecords) {
	PutICMP(b, &ICMP{Type: ICMPv6MLDv2Report, Rest: uint32(g.n)})
	copy(b[ICMPLen:], g.b)
}
