package tcp

import "github.com/octet-net/octet/wire"

// usualStretch is how many packets an ACK may acknowledge on average for one that
// acknowledges many to be taken for the last of several (RFC 9768 appendix A.2.1).
const usualStretch = 4

// look tests the first option that comes, if one does: a counter that is zero has
// been zeroed on the way, and options are ignored from then on (RFC 9768 §3.2.3.2.4).
// Their values prove nothing else.
func (a *accecn) look(o *wire.Options) {
	c, first, third := &o.AccECN, o.AccECN.E0B, o.AccECN.E1B
	switch {
	case o.Has&wire.HasAccECN1 != 0:
		first, third = third, first
	case o.Has&wire.HasAccECN0 == 0:
		return
	}
	a.blind = c.N >= 1 && first == 0 || c.N >= 3 && third == 0
}

// hearMarks reads what an acknowledgement tells of marks that our octets met. It
// reports whether there are new ones, and gives the octets to the congestion control.
func (t *TCB) hearMarks(seg *wire.Segment, v *verdict) bool {
	if t.acc == nil {
		return t.ecn.mode == ClassicECN && seg.Flags&wire.ECE != 0
	}
	before := t.acc.s.packets
	marked := t.acc.hear(seg, v, t.snd.mss)
	t.counts.MarkedOut += uint32(t.acc.s.packets - before)
	return marked
}

// hear brings s up to date. An acknowledgement that delivers nothing may have been
// overtaken by another and says nothing of marks: none but packets of new octets
// leave as ECN-capable (RFC 9768 §3.2.2.2, appendix A.1).
func (a *accecn) hear(seg *wire.Segment, v *verdict, mss int) bool {
	delivered := v.cc.Octets
	if delivered == 0 {
		return false
	}
	n, field := max(v.packets, (delivered+mss-1)/mss), ace(seg.Flags)
	if !a.heard && field == 0 && n < 3 {
		a.ect, a.deaf = notECT, true // no counter gets from 5 to 8 by so few: it was zeroed (RFC 9768 §3.2.2.4)
	}
	a.heard = true
	if a.deaf {
		return false
	}
	a.octets += delivered
	marked, exact := a.hearOption(&seg.Options)
	d := a.unwrap(int((uint32(field)-a.s.packets)&7), n, mss, marked, exact)
	a.s.packets += uint32(d)
	a.packets += d
	a.stretch += n - a.stretch/8
	a.unsure = a.unsure || n >= 8
	if exact {
		a.reconcile(marked)
	} else {
		guess := min(d*delivered/n, delivered)
		a.debt += guess
		a.guessed += guess
	}
	v.cc.ECE = min(max(a.debt, 0), delivered)
	a.debt -= v.cc.ECE
	return d > 0 || marked > 0
}

// reconcile replaces what was guessed since the last option by what one says now.
// Marked octets without a marked packet cannot be: somebody changes what the
// peer tells, and octets go unmarked from now on (RFC 9768 §3.2.3.2.5).
func (a *accecn) reconcile(marked int) {
	if marked > 0 && a.packets == 0 && !a.unsure {
		a.ect = notECT
	}
	a.debt += marked - a.guessed
	a.guessed, a.packets, a.octets, a.unsure = 0, 0, 0, false
}

// hearOption reads the counters of an option and returns how many octets were
// marked since the last one. It is exact if the option says so itself, or
// by accounting for everything that was delivered as unmarked.
func (a *accecn) hearOption(o *wire.Options) (marked int, exact bool) {
	if a.blind || o.Has&(wire.HasAccECN0|wire.HasAccECN1) == 0 {
		return 0, false
	}
	c := &o.AccECN
	values := [3]uint32{c.E0B, c.CEB, c.E1B}
	points := [3]uint8{ect0, ce, ect1}
	if o.Has&wire.HasAccECN1 != 0 {
		values[0], values[2] = values[2], values[0]
		points[0], points[2] = points[2], points[0]
	}
	stale := a.octets >= counterRepeat // the counters may have gone round since
	unmarked := 0
	for i := range min(int(c.N), len(values)) {
		known := &a.s.octets[points[i]]
		d := int32((values[i]-*known)<<8) >> 8 // of 24 bits (RFC 9768 §3.2.3.1)
		if d < 0 && !stale {
			continue // it was told before
		}
		*known += uint32(d)
		if points[i] == ce {
			marked, exact = min(int(d), a.octets), true
		} else {
			unmarked += int(d)
		}
	}
	if stale {
		return 0, false
	}
	return marked, exact || unmarked >= a.octets
}

// unwrap returns how many packets were marked when the ACE field went on by d and n
// packets arrived: d, or d and eight for each time that the field went round unseen.
// Where no option tells, as many as could be (RFC 9768 §3.2.2.5.2, §3.2.3.2.3, appendix A.2).
func (a *accecn) unwrap(d, n, mss, marked int, exact bool) int {
	most := n - (n-d)&7
	switch {
	case n < d+8:
		return d
	case exact: // no more often than so many octets need (appendix A.2.2, but to the turn)
		turns := (max(marked-d*mss, 0) + 8*mss - 1) / (8 * mss)
		return min(d+8*turns, most)
	case a.stretch > 8*usualStretch:
		return d // the peer, or the path, acknowledges so much at once (appendix A.2.1)
	}
	return most
}
