package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A Notice is what an ICMP message says about a segment of ours.
type Notice struct {
	Kind NoticeKind
	Seq  wire.Seq // sequence number in the quoted TCP header
	// Size, for PacketTooBig, is what the told MTU leaves for TCP options and
	// payload: MTU less IP header less 20. Zero if the router told none.
	Size int
	// Own says that it comes from our own host, which has found no way to send the
	// segment: it is no hearsay.
	Own bool
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
	NoticeSourceQuench     // ignored (RFC 6633, MUST-55)
	notices            int = iota
)

// noticeReasons says which error a notice stands for.
var noticeReasons = [notices]Reason{
	NoticeNetUnreachable:      ReasonNetUnreachable,
	NoticeHostUnreachable:     ReasonHostUnreachable,
	NoticeProtocolUnreachable: ReasonProtocolUnreachable,
	NoticePortUnreachable:     ReasonRefused,
	NoticeProhibited:          ReasonProhibited,
	NoticeTimeExceeded:        ReasonHostUnreachable,
	NoticeParameterProblem:    ReasonParameterProblem,
	NoticePacketTooBig:        ReasonMessageTooBig,
}

// hardNotices end a connection attempt (RFC 1122 §4.2.3.9, MUST-56 lists the soft
// ones). Once the handshake is done they are soft too: who is on the path can
// drop our packets, who is not shall not end the connection (RFC 5927 §5.2).
var hardNotices = uint16(1<<NoticeProtocolUnreachable | 1<<NoticePortUnreachable | 1<<NoticeProhibited)

// Unreachable tells of an ICMP message about a segment of this connection. It is
// believed only if it quotes a number in flight (RFC 5927 §4.1).
func (t *TCB) Unreachable(now mono.Time, why Notice) {
	s := &t.snd
	if t.state == Closed || int(why.Kind) >= notices || why.Kind == NoticeSourceQuench ||
		why.Seq.Less(s.una) || s.nxt.LessEq(why.Seq) {
		t.drop(DropNotice)
		return
	}
	if why.Kind == NoticePacketTooBig {
		t.tooBig(now, why)
		return
	}
	t.soft = noticeReasons[why.Kind]
	if t.state == SynSent && (why.Own || hardNotices&(1<<why.Kind) != 0) {
		t.end(t.soft)
	}
}

// tooBig lowers the segment size to what a router said it can carry (RFC 1191,
// RFC 8201), but never below the least that is believed, nor raises it.
func (t *TCB) tooBig(now mono.Time, why Notice) {
	s := &t.snd
	size := max(why.Size, t.cfg.MinPathMSS)
	switch {
	case why.Size > 0 && size < s.pathMSS:
		t.size.forget()
		t.setPath(size)
		t.stopSearch(now)
		t.synTooBig()
	case why.Size > 0 && t.sizeTold(size):
	default:
		t.drop(DropNotice)
	}
}
