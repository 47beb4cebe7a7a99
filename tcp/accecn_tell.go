package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// How many marked packets are acknowledged at once (RFC 9768 §3.2.2.5.1): so few that
// three bits can count them. Where only ACKs arrived, one more, so that two ends that
// acknowledge each other's ACKs come to rest.
const (
	mostMarked     = 2
	mostMarkedACKs = 3
)

// counterRepeat is how far a counter of octets may run ahead of what an option said
// (RFC 9768 §3.2.3.3).
const counterRepeat = 1 << 22

// missedACKs is how many ACKs with an option may seem lost in a row before no more
// are sent (RFC 9768 §3.2.3.2.2).
const missedACKs = 2

// takeCount counts a segment that is acceptable by the ECN field of its packet
// (RFC 9768 §3.2), and acknowledges it at once where marks begin or are many
// (§3.2.2.5.1). Every packet is counted that the segment came in.
func (t *TCB) takeCount(seg *wire.Segment) bool {
	a := t.acc
	if a == nil {
		return true
	}
	n, begins := seg.Payload.Len(), a.last != ce
	a.last = seg.ECN
	if n > 0 {
		a.plain = false
		a.wentOn()
	}
	if seg.ECN == notECT {
		return true
	}
	packets, limit := 0, mostMarked
	if seg.ECN == ce {
		packets = seg.Packets()
	}
	a.count(seg.ECN, n, packets)
	t.counts.MarkedIn += uint32(packets)
	if n == 0 && t.out.unacked == 0 {
		limit = mostMarkedACKs
	}
	pending := int(a.r.packets - a.told.packets)
	if seg.ECN == ce && (begins && n > 0 || pending >= limit) && !t.out.ack {
		a.plain = n == 0 && t.out.unacked == 0
		t.out.ack = true
	}
	return true
}

func (a *accecn) count(ecn uint8, octets, packets int) {
	a.r.packets += uint32(packets)
	a.r.octets[ecn] += uint32(octets)
	if octets > 0 {
		a.seen |= 1 << ecn
	}
}

// repeated notes that the peer sent again what was acknowledged. If ACKs with an
// option keep being lost, the option may be why (RFC 9768 §3.2.3.2.2).
func (a *accecn) repeated() {
	if !a.opted {
		return
	}
	if a.missed++; a.missed >= missedACKs {
		a.mute = true
	}
}

// wentOn notes that the peer sent new octets: an ACK with an option, if that was the
// last, has probably arrived.
func (a *accecn) wentOn() {
	if a.opted {
		a.missed = 0
	}
}

// tellMarks writes into a segment what arrived marked. It reports whether SACK
// blocks may go with it: not with the answer to a SYN-ACK, which could be taken for
// something else, nor where ACKs are acknowledged, which a peer would take for duplicates
// (RFC 9768 §3.2.2.1, §3.2.2.5.1).
func (t *TCB) tellMarks(seg *wire.Segment) (sack bool) {
	a := t.acc
	if a == nil {
		if t.ecn.echo {
			seg.Flags |= wire.ECE
		}
		return true
	}
	octets := seg.Payload.Len() > 0
	has, n := t.optionDue(octets)
	pure := !octets && seg.Flags&wire.FIN == 0
	sack = !pure || a.shake == 0 && !a.plain
	if pure && a.shake != 0 {
		seg.Flags |= aceFlags(uint32(a.shake))
		a.shake = 0
	} else {
		seg.Flags |= aceFlags(a.r.packets)
	}
	a.told.packets, a.plain = a.r.packets, false
	if a.opted = has != 0; a.opted {
		a.putOption(&seg.Options, has, n)
	}
	if octets && a.first {
		a.first, a.trial, a.trialAt = false, a.opted, seg.Seq
	}
	return sack
}

// optionDue returns which option the next segment, with octets or without, must
// have, and how many of its counters: none if all is told. It follows the simple
// scheme of RFC 9768 §3.2.3.3, where it stands in every ACK that is due and tells
// something new.
func (t *TCB) optionDue(octets bool) (has wire.OptionSet, n uint8) {
	a := t.acc
	switch {
	case a == nil || a.mute:
		return 0, 0
	case octets && a.first, !octets && a.shake != 0: // RFC 9768 §3.2.3.2.1
		return wire.HasAccECN0, 3 // whole, so that the peer can tell zeroed counters
	case a.r.octets == a.told.octets, octets && !t.out.ack && !a.far():
		return 0, 0
	}
	return a.fields()
}

// far reports whether a counter is far ahead of what was told.
func (a *accecn) far() bool {
	for i, n := range a.r.octets {
		if n-a.told.octets[i] >= counterRepeat {
			return true
		}
	}
	return false
}

// fields returns the shortest option with every counter that ever changed.
func (a *accecn) fields() (has wire.OptionSet, n uint8) {
	const two, zero, one = 1<<ect0 | 1<<ect1, 1 << ect0, 1 << ect1
	n = 1
	if a.seen&(1<<ce) != 0 {
		n = 2
	}
	switch a.seen & two {
	case two:
		return wire.HasAccECN0, 3
	case one:
		return wire.HasAccECN1, n
	}
	return wire.HasAccECN0, n
}

// putOption writes the counters: their 24 least significant bits (RFC 9768 §3.2.3.1).
func (a *accecn) putOption(o *wire.Options, has wire.OptionSet, n uint8) {
	const low = 1<<24 - 1
	c := &a.r.octets
	o.Has |= has
	o.AccECN = wire.AccECN{N: n, E0B: c[ect0] & low, CEB: c[ce] & low, E1B: c[ect1] & low}
	a.told.octets = *c
}

// aceField returns the flags that count in every segment without SYN.
func (t *TCB) aceField() wire.Flags {
	if t.acc == nil {
		return 0
	}
	return aceFlags(t.acc.r.packets)
}

// uncut reports whether a segment must be no longer than what the device sends as
// one: what cuts longer ones, clears CWR in all pieces but the first, as it was
// meant before it was part of a counter (RFC 9768 §3.3.4).
func (t *TCB) uncut() bool { return t.aceField()&wire.CWR != 0 }

// outShake makes the pure ACK of a SYN-ACK, before any segment with octets that
// could carry the ACK but not what it tells (RFC 9768 §3.2.2.1).
func (t *TCB) outShake(now mono.Time, seg *wire.Segment) bool {
	return t.acc != nil && t.acc.shake != 0 && t.outAck(now, seg)
}

// countedOffer completes a SYN-ACK that agrees to count. One that is sent again has
// no option, as that may have kept it from arriving, and from the third on says no
// word of ECN: then nobody knows whether the peer counts, and octets go unmarked
// (RFC 9768 §3.2.3.2.2, §3.1.5).
func (t *TCB) countedOffer(seg *wire.Segment) {
	a := t.acc
	again := t.timers.tries > 1
	a.mute = a.mute || again
	if t.timers.tries > 2 {
		a.ect = notECT
		return
	}
	a.agree(seg, !again)
}

// agree makes a segment a SYN-ACK that agrees to count, and tells the ECN field of the
// last SYN (RFC 9768 §3.1.1).
func (a *accecn) agree(synAck *wire.Segment, option bool) {
	synAck.Flags |= aceFlags(uint32(shakeOf(a.syn)))
	if option {
		a.putOption(&synAck.Options, wire.HasAccECN0, 3)
	}
}

// lostTrial notes what is sent again. If the first octets that went with an option
// were lost, the option may be why (RFC 9768 §3.2.3.2.2).
func (a *accecn) lostTrial(r wire.Range) {
	if a.trial && r.Start.LessEq(a.trialAt) && a.trialAt.Less(r.End) {
		a.mute = true
	}
}
