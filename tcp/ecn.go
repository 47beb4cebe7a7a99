package tcp

import "github.com/octet-net/octet/wire"

// The codepoints of the ECN field of an IP header (RFC 3168 §5).
const (
	ect0 = 2 // the transport understands marks
	ce   = 3 // a router is congested
)

// ecn is what explicit congestion notification needs to know (RFC 3168 §6.1,
// RFC 9293 SHLD-8).
type ecn struct {
	on   bool // both ends agreed: octets leave as ECT(0)
	echo bool // a mark came: every ACK says so until the peer has reacted
	cwr  bool // the window was reduced: the next new octets say so
}

// ecnOffer returns the flags that a SYN asks with, and a SYN-ACK agrees with. A SYN
// that is sent again does not ask: some networks drop those that do (§6.1.1.1).
func (t *TCB) ecnOffer() wire.Flags {
	switch {
	case t.state == SynSent && t.cfg.ECN && t.timers.tries <= 1:
		return wire.ECE | wire.CWR
	case t.state == SynReceived && t.ecn.on:
		return wire.ECE
	}
	return 0
}

// agreeECN reads the peer's SYN or SYN-ACK.
func (t *TCB) agreeECN(syn *wire.Segment) {
	switch f := syn.Flags & (wire.ECE | wire.CWR); {
	case syn.Flags&wire.ACK != 0:
		t.ecn.on = t.cfg.ECN && f == wire.ECE
	case t.user.passive:
		t.ecn.on = t.cfg.AcceptECN && f == wire.ECE|wire.CWR
	}
}

// takeMark notes what a segment with octets says of the way to us: the peer has
// reacted to our echo, or a router marked this one (§6.1.3).
func (t *TCB) takeMark(seg *wire.Segment) {
	if !t.ecn.on {
		return
	}
	if seg.Flags&wire.CWR != 0 {
		t.ecn.echo = false
	}
	if seg.ECN == ce {
		t.ecn.echo = true
	}
}

// mark makes a segment of octets that were never sent one that routers may mark.
// Those sent again, bare ACKs and window probes are not (§6.1.4 to §6.1.6).
func (t *TCB) mark(seg *wire.Segment) {
	if !t.ecn.on || seg.Payload.Len() == 0 {
		return
	}
	seg.ECN = ect0
	if t.ecn.cwr {
		seg.Flags |= wire.CWR
		t.ecn.cwr = false
	}
}
