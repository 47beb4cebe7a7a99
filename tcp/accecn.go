package tcp

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// accecn is what a connection knows whose ends count marks for each other
// (RFC 9768). Others have none.
//
// Each end counts what arrives, and repeats the counts in the three bits of the ACE
// field of every segment and, where something changed, in an option. What the
// network marks in one direction so comes back in the other, mark by mark:
//
//	octets ──► router ──► [CE] ──► r: packets, octets by codepoint
//	s: the same as far as it is known ◄── ACE, option ◄── ACK
type accecn struct {
	r, s  tally
	seen  uint8 // bit for each codepoint with which octets arrived
	synCE bool  // a marked SYN-ACK is counted in r

	// What we tell.
	told   tally // what of r the last ACK and the last option said
	last   uint8 // ECN field of the packet that arrived before
	syn    uint8 // ECN field of the last SYN, for the SYN-ACK
	shake  uint8 // ACE field for the pure ACK of a SYN-ACK that is to be sent; 0: none
	first  bool  // the first octets that we send shall carry an option (§3.2.3.2.1)
	mute   bool  // no options are sent: they seem to keep packets from arriving
	trial  bool  // trialAt is valid
	plain  bool  // the ACK to be sent answers marked ACKs alone
	opted  bool  // the last ACK had an option
	missed uint8 // how often in a row the peer sent again what an ACK with an option had acknowledged

	trialAt wire.Seq // of the first octets, which had an option

	// What we hear.
	ect     uint8 // codepoint of new octets
	heard   bool  // a counter has come
	deaf    bool  // what the peer counts is not heeded
	blind   bool  // its options are not
	unsure  bool  // since the last option the ACE field may have gone round unseen
	packets int   // marked since the last option, as the ACE field has it
	octets  int   // delivered since the last option
	guessed int   // of these taken for marked
	debt    int   // octets found marked that the congestion control was not told of; below zero: too many
	stretch int   // packets that an ACK acknowledges, smoothed, times 8
}

// A tally counts arrivals by the ECN field of their packets, SYNs excluded.
type tally struct {
	packets uint32    // marked CE, whatever they carried: cep
	octets  [4]uint32 // of payload, by codepoint but notECT: e1b, e0b, ceb
}

// newTally returns the counters as they begin: not at zero, so that fields which
// somebody has zeroed on the way are found out (RFC 9768 §3.2.1).
func newTally() tally { return tally{packets: 5, octets: [4]uint32{ect1: 1, ect0: 1}} }

// aceBits are the flags that stand for a number once both ends count (RFC 9768 §3.2.2).
const aceBits = wire.AE | wire.CWR | wire.ECE

const aceShift = 6 // of the number in the flags

// ace returns the number.
func ace(f wire.Flags) uint8 { return uint8(f & aceBits >> aceShift) }

// aceFlags returns flags with the number n, modulo 8.
func aceFlags(n uint32) wire.Flags { return wire.Flags(n) << aceShift & aceBits }

// The ACE field of a SYN-ACK and of its pure ACK tells the ECN field of what it
// answers (RFC 9768 §3.1.1 table 2, §3.2.2.1 tables 3 and 4).
const (
	shakeNotECT   = 0b010
	shakeECT1     = 0b011
	shakeECT0     = 0b100
	shakeReserved = 0b101 // nobody sends it yet; taken for shakeNotECT
	shakeCE       = 0b110
)

// shakeOf returns how a handshake tells an ECN field.
func shakeOf(ecn uint8) uint8 {
	return [4]uint8{notECT: shakeNotECT, ect1: shakeECT1, ect0: shakeECT0, ce: shakeCE}[ecn&3]
}

// askedBy returns what a SYN asks for. Combinations that nobody sends yet ask for
// accurate feedback (RFC 9768 §3.1.3).
func askedBy(f wire.Flags) ECN {
	switch f & aceBits {
	case 0:
		return NoECN
	case wire.CWR | wire.ECE:
		return ClassicECN
	}
	return AccurateECN
}

// answered returns what who would go up to most agrees to when a SYN asks (RFC 9768
// §3.1.2). An end that does not count reads no AE bit (RFC 3168 §6.1.1).
func answered(most ECN, syn wire.Flags) ECN {
	if most == AccurateECN {
		return askedBy(syn)
	}
	if most == ClassicECN && syn.Has(wire.CWR|wire.ECE) {
		return ClassicECN
	}
	return NoECN
}

// concluded returns what an active open has come to that asked and got a SYN-ACK.
// One that repeats the flags of a SYN says nothing: it is broken (RFC 9768 §3.1.2).
func concluded(asked ECN, synAck wire.Flags) ECN {
	switch asked {
	case ClassicECN:
		if synAck&(wire.CWR|wire.ECE) == wire.ECE {
			return ClassicECN
		}
	case AccurateECN:
		switch synAck & aceBits {
		case 0, aceBits:
		case wire.ECE:
			return ClassicECN
		default:
			return AccurateECN
		}
	}
	return NoECN
}

func newAccECN(synECN uint8) *accecn {
	return &accecn{r: newTally(), s: newTally(), told: newTally(), ect: ect0, last: synECN, syn: synECN}
}

// startCounting enters AccECN mode with the SYN or SYN-ACK that allowed it. Neither
// is left in any case (RFC 9768 §3.1.5).
func (t *TCB) startCounting(syn *wire.Segment) {
	a := newAccECN(syn.ECN)
	t.acc = a
	if syn.Flags&wire.ACK == 0 {
		return // neither what a SYN carries counts nor its options (RFC 9768 §3.2, §3.2.3.2.1)
	}
	a.first = true
	a.answer(syn)
	a.count(syn.ECN, syn.Payload.Len(), 0) // itself it is counted by answer
	a.mangled(ace(syn.Flags))
	a.look(&syn.Options)
}

// answer prepares the pure ACK that tells a SYN-ACK's ECN field (RFC 9768 §3.2.2.1).
// However many are marked, one counts (§3.2.2.2).
func (a *accecn) answer(synAck *wire.Segment) {
	a.shake = shakeOf(synAck.ECN)
	if synAck.ECN == ce && !a.synCE {
		a.synCE = true
		a.r.packets++
	}
}

// mangled looks at what became of the ECN field of our SYN or SYN-ACK, which left
// as Not-ECT. If it arrived as anything else, nothing that routers do to it can be
// believed: octets go unmarked from now on. Marks are still answered, as the
// congestion may be genuine (RFC 9768 §3.2.2.3).
func (a *accecn) mangled(shake uint8) {
	switch shake {
	case shakeECT1, shakeECT0, shakeCE:
		a.ect = notECT
	}
}

// repeatedECN looks at the flags of a SYN that came again in SYN-RECEIVED. The mode
// stays what it is; a peer that asks for both kinds of feedback in one handshake
// cannot be understood and is reset. It returns false then (RFC 9768 §3.1.5).
func (t *TCB) repeatedECN(syn *wire.Segment) bool {
	a, asks := t.acc, askedBy(syn.Flags)
	switch {
	case a == nil:
		if t.ecn.mode == ClassicECN && asks == AccurateECN && t.cfg.AcceptECN == AccurateECN {
			t.abort(ReasonReset)
			return false
		}
	case asks == ClassicECN:
		t.abort(ReasonReset)
		return false
	case asks == NoECN && t.user.passive:
		a.ect = notECT // nobody knows what the peer will believe: §3.1.5
	default:
		a.syn = syn.ECN
	}
	return true
}

// crossed takes the SYN-ACK of a simultaneous open, where the peer's SYN has set the
// mode. Its flags tell of our SYN and are no counter (RFC 9768 §3.2.2).
func (t *TCB) crossed(synAck *wire.Segment) {
	a := t.acc
	if a == nil {
		return
	}
	a.answer(synAck)
	a.mangled(ace(synAck.Flags))
	synAck.Flags = synAck.Flags&^aceBits | aceFlags(a.s.packets)
}

// cameAgain looks at a segment that came again after it was acknowledged: probably
// the ACK was lost. The answer to a SYN-ACK tells the ECN field again (RFC 9768 §3.2.2.1).
func (t *TCB) cameAgain(seg *wire.Segment) {
	a, s := t.acc, &t.snd
	switch {
	case a == nil:
		return
	case seg.Payload.Len() > 0 && seg.Seq.Less(t.rcv.nxt):
		a.repeated()
		return
	case t.user.passive || !t.out.ack || seg.Seq != t.rcv.irs || !seg.Flags.Has(wire.SYN|wire.ACK):
		return
	case seg.Ack.LessEq(s.iss) || s.nxt.Less(seg.Ack) || concluded(AccurateECN, seg.Flags) != AccurateECN:
		return
	}
	a.answer(seg)
	a.repeated()
}

// shaken reads the ACK that ends a passive open. A pure ACK tells what became of
// the SYN-ACK (RFC 9768 §3.2.2.1, table 4); it reports whether it was marked.
func (a *accecn) shaken(seg *wire.Segment) bool {
	a.look(&seg.Options)
	if seg.Payload.Len() > 0 || seg.Options.Has&wire.HasSACK != 0 {
		return false
	}
	told := ace(seg.Flags)
	a.mangled(told)
	switch told {
	case 0: // the peer is not counting, or somebody zeroes the field: note 1
		a.ect, a.deaf = notECT, true
	case shakeCE:
		a.s.packets = 6
	}
	seg.Flags = seg.Flags&^aceBits | aceFlags(a.s.packets) // it is no counter
	return told == shakeCE
}

// markedSYN answers congestion that our SYN or SYN-ACK met, before any octet could:
// the window begins smaller (RFC 9768 §3.2.2.2).
func (t *TCB) markedSYN(now mono.Time) {
	t.cc.Lost(cc.Event{Now: now, Inflight: t.cc.Window(), ECN: true})
	t.cc.Recovered(now)
	t.counts.Marks++
}
