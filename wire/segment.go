package wire

import "github.com/octet-net/octet/chunk"

// Flags are the control bits of a TCP segment (RFC 9293 §3.1, RFC 9768 for AE).
type Flags uint16

// The control bits, as they lie in the header.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

// Has reports whether all bits of g are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// A Segment is a TCP segment as a value: what the header says, its options
// decoded, and its payload. ParseTCP makes one out of octets; PutTCP writes one.
type Segment struct {
	SrcPort, DstPort uint16
	Seq, Ack         Seq
	Flags            Flags
	Window           uint16 // as in the header: unscaled
	Urgent           uint16
	Piece            uint16 // payload of each segment if the packet stands for several that arrived one after another; else 0
	ECN              uint8  // the ECN field of the IP header that carries it (RFC 3168 §5)
	Options          Options
	Payload          chunk.View
}

// Len returns SEG.LEN: the octets of sequence space that the segment occupies,
// counting SYN and FIN (RFC 9293 §3.4).
func (s *Segment) Len() int {
	n := s.Payload.Len()
	if s.Flags&SYN != 0 {
		n++
	}
	if s.Flags&FIN != 0 {
		n++
	}
	return n
}

// Packets returns how many packets were sent for the segment, before something on
// the way made one of them (Piece).
func (s *Segment) Packets() int {
	if s.Piece == 0 {
		return 1
	}
	return max(1, (s.Payload.Len()+int(s.Piece)-1)/int(s.Piece))
}

// Options are the TCP options of a segment, decoded. The Has bits say which are present.
type Options struct {
	Has    OptionSet
	MSS    uint16
	Scale  uint8 // shift count, at most 14 (RFC 7323 §2.3)
	TSVal  uint32
	TSEcr  uint32
	NSACK  uint8 // blocks used in SACK
	SACK   [4]Range
	Cookie Cookie // Fast Open (RFC 7413)
	AccECN AccECN // octet counters (RFC 9768 §3.2.3)
}

// OptionSet tells which options a segment carries.
type OptionSet uint8

// The options that octet speaks.
const (
	HasMSS           OptionSet = 1 << iota
	HasScale                   // RFC 7323 §2
	HasSACKPermitted           // RFC 2018 §2
	HasSACK                    // RFC 2018 §3
	HasTimestamp               // RFC 7323 §3
	HasFastOpen                // RFC 7413 §4.1.1
	HasAccECN0                 // RFC 9768 §3.2.3: E0B stands first, kind 172
	HasAccECN1                 // E1B stands first, kind 174; a segment has at most one of the two
)

// Cookie is a Fast Open cookie: none of its octets are used when it is a request.
type Cookie struct {
	Len uint8 // 0, or 4 to 16
	B   [16]byte
}

// AccECN holds the counters of an AccECN option: how many octets of payload arrived
// with each codepoint, modulo 2²⁴ (RFC 9768 §3.2.3). A short option leaves out
// the last ones: N says how many fields there are.
type AccECN struct {
	N             uint8 // 0 to 3
	E0B, CEB, E1B uint32
}

// A Range is a half-open run of sequence numbers [Start, End).
type Range struct{ Start, End Seq }

// Len returns how many octets the range spans.
func (r Range) Len() int { return int(r.End - r.Start) }
