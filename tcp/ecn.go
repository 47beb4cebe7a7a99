package tcp

import "github.com/octet-net/octet/wire"

// The codepoints of the ECN field of an IP header (RFC 3168 §5, RFC 8311 §3.1).
const (
	notECT = 0 // the transport does not understand marks
	ect1   = 1 // it does, and wants those of L4S (RFC 9331)
	ect0   = 2 // it does
	ce     = 3 // a router is congested
)

// ECN is how two ends tell each other of congestion that routers mark.
type ECN uint8

// What two ends may agree on, in order of how much they learn.
const (
	// NoECN: nothing; no packet may be marked.
	NoECN ECN = iota
	// ClassicECN: whether anything was marked, once a round trip (RFC 3168).
	ClassicECN
	// AccurateECN: how many packets and octets were marked (RFC 9768).
	AccurateECN
)

// String returns "no ECN", "ECN" or "AccECN".
func (e ECN) String() string {
	if int(e) >= len(ecnNames) {
		return "unknown"
	}
	return ecnNames[e]
}

var ecnNames = [...]string{"no ECN", "ECN", "AccECN"}

// ecn is what explicit congestion notification needs to know (RFC 3168 §6.1,
// RFC 9293 SHLD-8).
type ecn struct {
	mode ECN  // what both ends agreed on
	echo bool // ClassicECN: a mark came; every ACK says so until the peer has reacted
	cwr  bool // ClassicECN: the window was reduced; the next new octets say so
}

// ecnOffer returns the flags that a SYN asks with, and a SYN-ACK agrees with. A SYN
// that is sent again does not ask: some networks drop those that do (§6.1.1.1).
func (t *TCB) ecnOffer() wire.Flags {
	switch {
	case t.state == SynSent && t.cfg.ECN != NoECN && t.timers.tries <= 1:
		return wire.ECE | wire.CWR
	case t.state == SynReceived && t.ecn.mode == ClassicECN:
		return wire.ECE
	}
	return 0
}

// agreeECN reads the peer's SYN or SYN-ACK.
func (t *TCB) agreeECN(syn *wire.Segment) {
	asked, agreed := t.cfg.ECN != NoECN, false
	switch f := syn.Flags & (wire.ECE | wire.CWR); {
	case syn.Flags&wire.ACK != 0:
		agreed = asked && f == wire.ECE
	case t.user.passive:
		agreed = t.cfg.AcceptECN != NoECN && f == wire.ECE|wire.CWR
	}
	if agreed {
		t.ecn.mode = ClassicECN
	}
}

// takeMark notes what a segment with octets says of the way to us: the peer has
// reacted to our echo, or a router marked this one (§6.1.3).
func (t *TCB) takeMark(seg *wire.Segment) {
	if t.ecn.mode != ClassicECN {
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
	if t.ecn.mode == NoECN || seg.Payload.Len() == 0 {
		return
	}
	seg.ECN = ect0
	if t.ecn.cwr {
		seg.Flags |= wire.CWR
		t.ecn.cwr = false
	}
}
