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
	mode ECN  // what both ends agreed on: AccurateECN is told by accecn, the rest by the fields here
	echo bool // ClassicECN: a mark came; every ACK says so until the peer has reacted
	cwr  bool // ClassicECN: the window was reduced; the next new octets say so
}

// offerECN lets a SYN ask and a SYN-ACK agree. A SYN that is sent again does not ask:
// some networks drop those that do (RFC 3168 §6.1.1.1). For accurate feedback it
// asks a second time, as most losses have other reasons (RFC 9768 §3.1.4.1).
func (t *TCB) offerECN(seg *wire.Segment) {
	switch tries := t.timers.tries; {
	case t.state == SynReceived && t.acc != nil:
		t.countedOffer(seg)
	case t.state == SynReceived && t.ecn.mode == ClassicECN:
		seg.Flags |= wire.ECE
	case t.state != SynSent:
	case t.cfg.ECN == AccurateECN && tries <= 2:
		seg.Flags |= wire.AE | wire.CWR | wire.ECE
	case t.cfg.ECN == ClassicECN && tries <= 1:
		seg.Flags |= wire.CWR | wire.ECE
	}
}

// agreeECN reads the peer's SYN or SYN-ACK. In a simultaneous open both ends agree as
// one that accepts would (RFC 9768 §3.1.2).
func (t *TCB) agreeECN(syn *wire.Segment) {
	switch {
	case syn.Flags&wire.ACK != 0:
		t.ecn.mode = concluded(t.cfg.ECN, syn.Flags)
	case t.user.passive:
		t.ecn.mode = answered(t.cfg.AcceptECN, syn.Flags)
	default:
		t.ecn.mode = answered(t.cfg.ECN, syn.Flags)
	}
	if t.ecn.mode == AccurateECN {
		t.startCounting(syn)
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
		t.counts.MarkedIn += uint32(seg.Packets())
		t.ecn.echo = true
	}
}

// mark makes a segment of octets that were never sent one that routers may mark.
// Those sent again, bare ACKs and window probes are not (§6.1.4 to §6.1.6, which stand
// where marks are counted too: RFC 9768 §4).
func (t *TCB) mark(seg *wire.Segment) {
	if t.ecn.mode == NoECN || seg.Payload.Len() == 0 {
		return
	}
	if t.acc != nil {
		seg.ECN = t.acc.ect
		return
	}
	seg.ECN = ect0
	if t.ecn.cwr {
		seg.Flags |= wire.CWR
		t.ecn.cwr = false
	}
}
