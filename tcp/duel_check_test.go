package tcp

import "github.com/octet-net/octet/wire"

// verify checks everything that must hold at any time.
func (d *duel) verify() {
	for i, e := range d.end {
		if e == nil {
			continue
		}
		if err := broken(e, d.now); err != nil {
			d.t.Fatalf("at %v end %d is broken: %v", d.now, i, err)
		}
		if e.cc != nil {
			checkLoss(d.t, &e.loss)
		}
		d.verifyMemory(i, e)
		d.verifyWindows(i, e)
	}
}

// verifyMemory checks that nobody keeps more than the buffers allow. A window is
// never taken back, so the largest size that a buffer had counts; and a quarter more
// may be offered where the scale cannot say it exactly.
func (d *duel) verifyMemory(i int, e *TCB) {
	u := &d.user[i]
	u.limit[0], u.limit[1] = max(u.limit[0], e.snd.limit), max(u.limit[1], e.rcv.limit)
	if n := e.snd.queue.len(); n > u.limit[0] {
		d.t.Fatalf("end %d keeps %d octets to send, its buffer is %d", i, n, u.limit[0])
	}
	most := u.limit[1] + u.limit[1]/4 + 1
	if n := e.rcv.queue.n; n > most {
		d.t.Fatalf("end %d keeps %d octets for its user, its buffer is %d", i, n, u.limit[1])
	}
	if a := e.rcv.early; a != nil && (a.cost() > 2*u.limit[1] || a.octets > most) {
		d.t.Fatalf("end %d keeps %d early octets at a cost of %d, its buffer is %d", i, a.octets, a.cost(), u.limit[1])
	}
}

// verifyWindows checks that the edge of the window that an end offers does not move
// back (SHLD-14), and that it sends nothing beyond what was offered to it.
func (d *duel) verifyWindows(i int, e *TCB) {
	u := &d.user[i]
	if !e.passed.has(Established) || e.State() == Closed {
		return
	}
	if u.opened && e.rcv.edge.Less(u.edge) {
		d.t.Fatalf("the window's edge of end %d moved back by %d", i, u.edge.Sub(e.rcv.edge))
	}
	if !u.opened {
		u.right = e.snd.right()
	}
	u.opened, u.edge, u.right = true, e.rcv.edge, wire.MaxSeq(u.right, e.snd.right())
	if u.right.Less(e.snd.nxt) {
		d.t.Fatalf("end %d sent %d octets beyond what it was offered", i, e.snd.nxt.Sub(u.right))
	}
}

// watch checks a segment as it leaves.
func (d *duel) watch(from int, seg *wire.Segment) {
	e, peer := d.end[from], d.end[1-from]
	if e == nil || seg.Flags&wire.RST != 0 {
		return // a SYN from Connect
	}
	if most := max(e.snd.mss, e.snd.batch, int(e.size.cut), e.loss.mss); seg.Payload.Len() > most {
		d.t.Fatalf("end %d sent %d octets, more than %d", from, seg.Payload.Len(), most)
	}
	if n := seg.Options.Size(); n > wire.MaxTCPOptions || n%4 != 0 {
		d.t.Fatalf("end %d sent %d octets of options", from, n)
	}
	if (seg.Options.Has&wire.HasMSS != 0) != (seg.Flags&wire.SYN != 0) {
		d.t.Fatalf("end %d sent %s: an MSS belongs on a SYN (MUST-65)", from, segString(seg))
	}
	if seg.Flags&wire.ACK != 0 && seg.Ack != e.rcv.nxt {
		d.t.Fatalf("end %d acknowledges %d, RCV.NXT is %d", from, seg.Ack, e.rcv.nxt)
	}
	// One octet, or the FIN, may go beyond: a probe.
	if !d.lied && peer != nil && peer.passed.has(Established) && peer.State() != Closed &&
		peer.rcv.edge.Add(1).Less(seg.Seq.Add(seg.Len())) {
		d.t.Fatalf("end %d sent %s beyond the window, which ends at %d", from, segString(seg), peer.rcv.edge)
	}
}
