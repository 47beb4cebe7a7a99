package tcp

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// stepForge lets an attacker send a segment. Off the path he has to guess: what a
// guess may reach is no more than an answer, so the streams are compared as if he
// were not there. On the path he sees the numbers, and can of course speak for a
// peer: harm tells what of that ends the comparison.
func (d *duel) stepForge(i int) {
	e := d.end[i]
	seg := wire.Segment{Flags: wire.ACK, Window: uint16(d.next() << 8)}
	switch kind := d.next(); kind % 4 {
	case 0: // beside the window
		seg.Flags = wire.Flags(d.next())
		seg.Ack = e.snd.nxt.Add(d.off())
		if off := d.off(); off < 0 {
			seg.Seq = e.rcv.nxt.Add(off)
		} else {
			seg.Seq = e.rcv.edge.Add(1 + off)
		}
		d.load(&seg)
	case 1: // in the window, with an acknowledgement of nothing
		seg.Flags |= wire.Flags(d.next()) &^ (wire.SYN | wire.RST)
		seg.Seq = e.rcv.nxt.Add(d.next() * (1 + kind))
		seg.Ack = e.snd.nxt.Add(2 + d.next()*(1+kind))
		d.load(&seg)
	case 2: // a lie about what arrived
		seg.Flags |= wire.Flags(d.next()) & (wire.ECE | wire.CWR | wire.URG | wire.PSH)
		seg.Seq = e.rcv.nxt.Add(d.next() - 128)
		seg.Ack = e.snd.una.Add(d.next() - 128)
	case 3: // anything
		seg.Flags = wire.Flags(d.next() | d.next()<<8)
		seg.Seq = e.rcv.nxt.Add(d.off())
		seg.Ack = e.snd.nxt.Add(d.off())
		d.load(&seg)
	}
	d.forgeOptions(e, &seg)
	d.harm(i, &seg)
	d.arrive(i, &seg)
}

// off returns a distance of up to 2 MiB forward or back, mostly short.
func (d *duel) off() int {
	a, b := d.next()-128, d.next()
	return a * (b*b/4 + 1)
}

func (d *duel) load(seg *wire.Segment) {
	if n := d.next(); n > 0 {
		seg.Payload = chunk.Copy(make([]byte, n*8))
	}
	seg.Urgent = uint16(d.next() << 8)
}

func (d *duel) forgeOptions(e *TCB, seg *wire.Segment) {
	o := &seg.Options
	o.Has = wire.OptionSet(d.next()) &^ (wire.HasMSS | wire.HasScale)
	if e.opt.ts {
		o.Has |= wire.HasTimestamp
	}
	o.TSVal = e.rcv.tsRecent - uint32(d.next()/128)
	o.TSEcr = e.clock(d.now) - uint32(d.next()*8)
	o.NSACK = uint8(d.next() % 5)
	for k := range o.SACK[:min(int(o.NSACK), len(o.SACK))] {
		start := e.snd.una.Add((d.next() - 20) * (d.next() + 1))
		o.SACK[k] = wire.Range{Start: start, End: start.Add(d.next()*d.next() - 100)}
	}
}

// harm notes what a segment for an end can do that no stack can prevent, when it
// comes from who sees the numbers.
func (d *duel) harm(i int, seg *wire.Segment) {
	e, peer := d.end[i], d.end[1-i]
	switch e.State() {
	case Closed, TimeWaiting:
		return
	case SynSent, SynReceived:
		d.injected, d.lied, d.cut = true, true, true // which of two peers is the right one?
		return
	}
	s, r := &e.snd, &e.rcv
	if seg.Flags&wire.RST != 0 {
		d.cut = d.cut || seg.Seq == r.nxt // RFC 5961 §3.2
		return
	}
	end := seg.Seq.Add(seg.Len())
	switch {
	case end.Less(r.nxt) || r.edge.Less(seg.Seq): // out of the window
	case seg.Flags&wire.SYN != 0: // RFC 5961 §4.2
	case seg.Flags&wire.ACK == 0:
	case seg.Ack.Less(s.una.Add(-s.maxWnd)) || s.nxt.Add(1).Less(seg.Ack): // RFC 5961 §5.2
	default:
		d.lied = true
		// Who acknowledges what did not arrive takes it from the sender.
		d.cut = d.cut || s.una.Less(seg.Ack) && (peer == nil || peer.rcv.nxt.Less(seg.Ack))
		// A timestamp from the peer's future, as its clock wraps, shuts the peer out.
		d.cut = d.cut || e.opt.ts && peer != nil && int32(peer.clock(d.now)-seg.Options.TSVal) < 0
		if seg.Len() > 0 && r.nxt.Less(end) {
			d.injected, d.cut = true, true
		}
	}
}
