package tcp

import "github.com/octet-net/octet/wire"

// Reset makes the answer to a segment that belongs to no connection (RFC 9293
// §3.10.7.1). It returns false where there must be none: to a reset.
func Reset(in, out *wire.Segment) bool {
	if in.Flags&wire.RST != 0 {
		return false
	}
	*out = wire.Segment{SrcPort: in.DstPort, DstPort: in.SrcPort, Flags: wire.RST}
	if in.Flags&wire.ACK != 0 {
		out.Seq = in.Ack
		return true
	}
	out.Flags |= wire.ACK
	out.Ack = in.Seq.Add(in.Len())
	return true
}
