package link

import (
	"encoding/binary"

	"github.com/octet-net/octet/wire"
)

// The ECN codepoints of an IP header (RFC 3168 §5, RFC 9331 §2).
const (
	NotECT = 0 // the transport does not know congestion marks
	ECT1   = 1 // it wants them early and often: L4S
	ECT0   = 2
	CE     = 3 // congestion was experienced
)

// ECN returns the codepoint of the IP packet that the link carries, NotECT for
// anything else.
func (q *Queued) ECN() uint8 {
	b := q.ipHeader()
	switch {
	case len(b) >= 2 && b[0]>>4 == 4:
		return b[1] & 3
	case len(b) >= 2 && b[0]>>4 == 6:
		return b[1] >> 4 & 3
	}
	return NotECT
}

// MarkCE tells the receiver of congestion, and reports whether it could: packets
// of a transport that does not know marks stay as they are (RFC 3168 §5). The data
// may be shared with the sender's queue, so a header that lies there is copied first.
func (q *Queued) MarkCE() bool {
	if q.ECN() == NotECT {
		return false
	}
	if q.ECN() == CE {
		return true
	}
	if len(q.Head()) == 0 {
		flatten(&q.Packet)
	}
	b := q.ipHeader()
	if b[0]>>4 == 6 {
		b[1] |= CE << 4
	} else {
		old := binary.BigEndian.Uint16(b)
		b[1] |= CE
		sum := wire.UpdateChecksum(binary.BigEndian.Uint16(b[10:]), old, binary.BigEndian.Uint16(b))
		binary.BigEndian.PutUint16(b[10:], sum)
	}
	q.Marked = true
	return true
}

// ipHeader returns the octets from the IP header on: of the head, or of the data
// if there is none. It is empty for a packet that is no IPv4 or IPv6.
func (q *Queued) ipHeader() []byte {
	b := q.Head()
	if len(b) == 0 {
		b = q.Data.B
	}
	if q.ethernet {
		if len(b) < etherHeader {
			return nil
		}
		kind := wire.EtherType(binary.BigEndian.Uint16(b[12:]))
		if kind != wire.EtherIPv4 && kind != wire.EtherIPv6 {
			return nil
		}
		b = b[etherHeader:]
	}
	if len(b) < wire.IPv4Len {
		return nil
	}
	return b
}
