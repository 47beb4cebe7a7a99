package tcp

import "github.com/octet-net/octet/wire"

// A Notice is what an ICMP message says about a segment of ours.
type Notice struct {
	Kind NoticeKind
	Seq  wire.Seq // sequence number in the quoted TCP header
	// Size, for PacketTooBig, is what the told MTU leaves for TCP options and
	// payload: MTU less IP header less 20. Zero if the router told none.
	Size int
}

// NoticeKind is the kind of a Notice, the same for IPv4 and IPv6.
type NoticeKind uint8

// The kinds of notices.
const (
	NoticeNetUnreachable NoticeKind = iota
	NoticeHostUnreachable
	NoticeProtocolUnreachable
	NoticePortUnreachable
	NoticeProhibited
	NoticeTimeExceeded
	NoticeParameterProblem
	NoticePacketTooBig
	NoticeSourceQuench // ignored (RFC 6633, MUST-55)
)
