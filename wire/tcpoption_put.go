package wire

import "encoding/binary"

// An optionPlan says how the options of a segment are written.
type optionPlan struct {
	size        int  // octets, a multiple of 4
	aligned     bool // numbers of 32 bits stand on multiples of 4
	nsack, necn int  // SACK blocks and AccECN counters that fit
}

// Size returns how many octets the options take in a header: a multiple of 4, at
// most 40. Where that is not enough, SACK blocks are left out from the end, then
// AccECN counters.
func (p *Options) Size() int {
	switch p.Has {
	case 0:
		return 0
	case HasTimestamp:
		return 12
	}
	plan := p.plan()
	return plan.size
}

func (p *Options) plan() optionPlan {
	l := optionPlan{aligned: true}
	if p.Has&HasSACK != 0 {
		l.nsack = min(int(p.NSACK), len(p.SACK))
	}
	if p.Has&(HasAccECN0|HasAccECN1) != 0 {
		l.necn = min(int(p.AccECN.N), 3)
	}
	if l.size = p.alignedSize(l); l.size <= MaxTCPOptions {
		return l
	}
	l.aligned = false
	for l.size = p.packedSize(l); l.size > MaxTCPOptions; l.size = p.packedSize(l) {
		if l.nsack > 0 {
			l.nsack--
		} else {
			l.necn--
		}
	}
	return l
}

// alignedSize returns the length of the options with NOPs in between.
func (p *Options) alignedSize(l optionPlan) int {
	n := 0
	if p.Has&HasMSS != 0 {
		n += 4
	}
	if p.Has&HasSACKPermitted != 0 && p.Has&HasTimestamp == 0 {
		n += 4
	}
	if p.Has&HasTimestamp != 0 {
		n += 12
	}
	if p.Has&HasScale != 0 {
		n += 4
	}
	if p.Has&HasFastOpen != 0 {
		n += roundUp4(2 + p.Cookie.size())
	}
	if l.nsack > 0 {
		n += 4 + 8*l.nsack
	}
	if p.Has&(HasAccECN0|HasAccECN1) != 0 {
		n += roundUp4(2 + 3*l.necn)
	}
	return n
}

// packedSize returns the length of the options one right after another.
func (p *Options) packedSize(l optionPlan) int {
	n := 0
	if p.Has&HasMSS != 0 {
		n += 4
	}
	if p.Has&HasSACKPermitted != 0 {
		n += 2
	}
	if p.Has&HasTimestamp != 0 {
		n += 10
	}
	if p.Has&HasScale != 0 {
		n += 3
	}
	if p.Has&HasFastOpen != 0 {
		n += 2 + p.Cookie.size()
	}
	if l.nsack > 0 {
		n += 2 + 8*l.nsack
	}
	if p.Has&(HasAccECN0|HasAccECN1) != 0 {
		n += 2 + 3*l.necn
	}
	return roundUp4(n)
}

func roundUp4(n int) int { return (n + 3) &^ 3 }

// size returns how many octets of the cookie are used.
func (c *Cookie) size() int { return min(int(c.Len), len(c.B)) }

// put writes the options to b, which has Size octets. Their order is Linux's.
// Every option but no-operation and end of list has a length (MUST-68).
func (p *Options) put(b []byte) {
	if p.Has == HasTimestamp {
		binary.BigEndian.PutUint32(b, timestampWord)
		binary.BigEndian.PutUint32(b[4:], p.TSVal)
		binary.BigEndian.PutUint32(b[8:], p.TSEcr)
		return
	}
	l := p.plan()
	w := optionWriter{b: b[:0:l.size], aligned: l.aligned}
	if p.Has&HasMSS != 0 {
		w.open(kindMSS, 2, 0)
		w.b = binary.BigEndian.AppendUint16(w.b, p.MSS)
	}
	if p.Has&HasSACKPermitted != 0 {
		lead := 2
		if p.Has&HasTimestamp != 0 { // the two fill three words
			lead = 0
		}
		w.open(kindSACKPermitted, 0, lead)
	}
	if p.Has&HasTimestamp != 0 {
		lead := 2
		if p.Has&HasSACKPermitted != 0 {
			lead = 0
		}
		w.open(kindTimestamp, 8, lead)
		w.b = binary.BigEndian.AppendUint32(w.b, p.TSVal)
		w.b = binary.BigEndian.AppendUint32(w.b, p.TSEcr)
	}
	if p.Has&HasScale != 0 {
		w.open(kindScale, 1, 1)
		w.b = append(w.b, min(p.Scale, maxScale))
	}
	p.putRest(&w, l)
	clear(b[len(w.b):]) // MUST-69: padding is zero
}

// putRest writes the options of variable length.
func (p *Options) putRest(w *optionWriter, l optionPlan) {
	if p.Has&HasFastOpen != 0 {
		n := p.Cookie.size()
		w.open(kindFastOpen, n, roundUp4(2+n)-2-n)
		w.b = append(w.b, p.Cookie.B[:n]...)
	}
	if l.nsack > 0 {
		w.open(kindSACK, 8*l.nsack, 2)
		for _, r := range p.SACK[:l.nsack] {
			w.b = binary.BigEndian.AppendUint32(w.b, uint32(r.Start))
			w.b = binary.BigEndian.AppendUint32(w.b, uint32(r.End))
		}
	}
	if p.Has&(HasAccECN0|HasAccECN1) != 0 {
		p.putAccECN(w, l.necn)
	}
}

func (p *Options) putAccECN(w *optionWriter, n int) {
	kind, f := byte(kindAccECN0), [3]uint32{p.AccECN.E0B, p.AccECN.CEB, p.AccECN.E1B}
	if p.Has&HasAccECN1 != 0 {
		kind, f[0], f[2] = kindAccECN1, f[2], f[0]
	}
	w.open(kind, 3*n, roundUp4(2+3*n)-2-3*n)
	for _, v := range f[:n] {
		w.b = append(w.b, byte(v>>16), byte(v>>8), byte(v))
	}
}

// An optionWriter fills an option block whose capacity is its length.
type optionWriter struct {
	b       []byte
	aligned bool
}

// open writes kind and length of an option with n octets of content, after lead
// NOPs if the block is aligned.
func (w *optionWriter) open(kind byte, n, lead int) {
	if w.aligned {
		for range lead {
			w.b = append(w.b, kindNoOperation)
		}
	}
	w.b = append(w.b, kind, byte(2+n))
}
