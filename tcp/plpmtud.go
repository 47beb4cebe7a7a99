package tcp

import (
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A PathMTU says how the segment size is found where ICMP says nothing (RFC 4821,
// RFC 8899). Sizes are in the unit of Opening.SendMSS.
type PathMTU struct {
	BlackHole int           // timeouts in a row after which full segments are taken not to pass; 0: never
	Base      int           // a size that passes nearly everywhere: BASE_PLPMTU (RFC 8899 §5.1.2)
	Probes    int           // probes lost before a size is taken not to pass: MAX_PROBES; 0: larger sizes are not tried
	Wait      time.Duration // between a lost probe and the next
	Raise     time.Duration // until a size that did not pass is tried again: PMTU_RAISE_TIMER
}

// defaultPathMTU has the numbers of RFC 8899 §5.1.1 and §5.1.2. A base of 1160
// is a packet of 1,200 octets over IPv4.
func defaultPathMTU() PathMTU {
	return PathMTU{BlackHole: 3, Base: 1160, Probes: 3, Wait: time.Second, Raise: 10 * time.Minute}
}

const (
	sizeStep     = 32 // a search that is this near to its end has ended (RFC 4821 §7.3)
	baseTimeouts = 2  // timeouts in a row of segments of the base until the least is taken
	probeTail    = 3  // segments that must follow a probe, so that its loss is seen in a round trip (RFC 4821 §7.4)
)

// sizing is the search for the largest segment that passes:
//
//	pathMSS           try               high          ceiling
//	───┼───────────────┼─────────────────┼───────────────┼──
//	   passes          is tried next     from here on    the interface
//	                                     nothing passes  takes no more
//
// It sends one segment of new octets that is larger than the others. The
// scoreboard keeps it in pieces of the usual size, so what was lost is sent
// again in segments that pass.
type sizing struct {
	*sizeSearch // nil before the first
	ceiling     int
	cut         int32 // payload of the probe that Output gave last, else 0
	least       int32 // what every path carries, our MIN_PLPMTU (RFC 8899 §5.1.2): packets of 576 octets, or 1,280 of IPv6
}

// A sizeSearch is what a connection knows that has something to search for.
type sizeSearch struct {
	high      int
	try       int        // 0: nothing is searched for
	next      mono.Time  // no probe before
	probe     wire.Range // in flight, or empty
	size      int        // of probe
	lost      int        // probes of this size
	pardoning bool       // the episode of recovery that goes on lost the probe and nothing else
}

// probing reports whether a probe is in flight.
func (z *sizing) probing() bool { return z.sizeSearch != nil && z.probe.Len() > 0 }

// forget says that a probe in flight says nothing any more.
func (z *sizing) forget() {
	if z.sizeSearch != nil {
		z.probe = wire.Range{}
	}
}

// SegmentSize returns how a device cuts the segment that Output gave last: into
// pieces of MSS octets, unless it is a probe for a larger size.
func (t *TCB) SegmentSize() int { return max(t.snd.mss, int(t.size.cut)) }

// SetPathMSS tells what the path carries now, in the unit of Opening.SendMSS: when
// another connection learned of it, or when what was learned is too old. More is
// believed when a probe has passed.
func (t *TCB) SetPathMSS(now mono.Time, size int) {
	z := &t.size
	z.ceiling = size
	if t.cc != nil && t.cfg.PathMTU.Probes > 0 && t.opt.sack && size > t.snd.pathMSS {
		t.search(now)
		return
	}
	t.setPath(size)
	t.stopSearch(now)
}

// setPath makes segments of another size from here on.
func (t *TCB) setPath(size int) {
	s := &t.snd
	s.pathMSS = size
	old := s.mss
	s.setMSS(t.optionLen())
	if t.cc == nil || s.mss == old {
		return
	}
	t.loss.setMSS(s.mss)
	t.cc.SetMSS(s.mss)
}

// search begins to look for more than what passes, from the top: often what kept
// large segments from passing is over.
func (t *TCB) search(now mono.Time) {
	z := &t.size
	if z.sizeSearch == nil {
		z.sizeSearch = new(sizeSearch)
	}
	z.high, z.try, z.next, z.lost = z.ceiling, z.ceiling, now, 0
	if t.cfg.PathMTU.Probes == 0 {
		z.try = 0
	}
}

// stopSearch ends it, and comes back to it after a while (RFC 8899 §5.2, SEARCH_COMPLETE).
func (t *TCB) stopSearch(now mono.Time) {
	z := &t.size
	if z.sizeSearch != nil {
		z.try, z.lost, z.high = 0, 0, z.ceiling
	}
	if t.snd.pathMSS < z.ceiling {
		t.search(now.Add(t.cfg.PathMTU.Raise))
	}
}

// narrow goes on between what passes and what does not.
func (t *TCB) narrow(now mono.Time) {
	z, low := &t.size, t.snd.pathMSS
	z.lost = 0
	if z.high-low < sizeStep {
		t.stopSearch(now)
		return
	}
	z.try = low + (z.high-low+1)/2
}

// blackHole acts on the n-th timeout in a row: if what does not arrive is larger than
// what passes nearly everywhere, perhaps its size is why (RFC 4821 §7.7, RFC 8899 §4.3).
// If, once lowered, that does not arrive either, what every path carries is left. RFC
// 4821 §7.7 would halve it again and again, down to 68 octets; 576 is as little as any
// path has today. Over IPv6 there is nothing between, and the base is not below it.
func (t *TCB) blackHole(now mono.Time, n int) {
	p, s := &t.cfg.PathMTU, &t.snd
	if p.BlackHole == 0 || n < p.BlackHole || s.wnd == 0 {
		return
	}
	to := max(p.Base, int(t.size.least))
	if n >= p.BlackHole+baseTimeouts && s.pathMSS < t.size.ceiling {
		to = int(t.size.least)
	}
	if size := min(s.nxt.Sub(s.una), s.mss) + t.optionLen(); size <= to {
		return
	}
	t.counts.BlackHoles++
	t.size.forget()
	t.setPath(to)
	t.search(now)
}

// outSizeProbe makes a segment larger than the others, if there is reason to and
// enough to send, and nothing else is in doubt (RFC 4821 §7.4, RFC 8899 §4.1).
func (t *TCB) outSizeProbe(now mono.Time, seg *wire.Segment) bool {
	z, s := &t.size, &t.snd
	if z.sizeSearch == nil || z.try == 0 || now < z.next || z.probe.Len() > 0 || !t.opt.sack {
		return false
	}
	size := min(z.try, s.peerMSS)
	if size <= s.pathMSS {
		z.try = 0
		return false
	}
	n := size - t.optionLen()
	need := n + probeTail*s.mss
	if t.loss.disturbed() || t.rcv.early != nil || t.rcv.hasDSACK ||
		min(s.waiting(), s.usable()) < need || t.loss.allowance(t.cc.Window()) < n || t.held(now) {
		return false
	}
	start := s.nxt
	t.send(now, seg, n, sentNew)
	z.probe, z.size, z.cut = wire.Range{Start: start, End: s.nxt}, size, int32(n)
	t.counts.SizeProbes++
	return true
}

// sizePassed looks whether the probe has arrived.
func (t *TCB) sizePassed(now mono.Time) {
	z := &t.size
	if !z.probing() || t.snd.una.Less(z.probe.End) {
		return
	}
	z.probe, z.next = wire.Range{}, now
	t.setPath(z.size)
	t.narrow(now)
}

// sizeLost looks whether octets that are sent again are those of the probe. A size
// is given up when enough probes of it were lost (RFC 8899 §5.1.2, MAX_PROBES).
func (t *TCB) sizeLost(now mono.Time, r wire.Range) {
	z := &t.size
	if !z.probing() || z.probe.End.LessEq(r.Start) || r.End.LessEq(z.probe.Start) {
		return
	}
	z.probe, z.next = wire.Range{}, now.Add(t.cfg.PathMTU.Wait)
	if z.lost++; z.lost < t.cfg.PathMTU.Probes {
		return
	}
	z.high = z.size - 1
	t.narrow(now)
}

// sizeTold takes what a router said of a probe (RFC 8899 §4.6.2): the next is as
// large as the router allows. It reports whether there was a probe that large.
func (t *TCB) sizeTold(size int) bool {
	z := &t.size
	if !z.probing() || size >= z.size {
		return false
	}
	z.high, z.try, z.lost = size, size, 0
	return true
}

// pardon keeps the loss of a probe from the congestion control: it says something
// of the path's packets, nothing of its load (RFC 4821 §7.6.2). The loss of anything
// else in the same episode does count (§7.6.4).
func (t *TCB) pardon(v *verdict) {
	z := &t.size
	switch {
	case z.sizeSearch == nil:
	case z.pardoning && v.timer == timerRTO:
		z.pardoning = false
	case z.pardoning && v.lost > 0:
		z.pardoning = false
		v.began, v.event.Lost = true, v.lost
	case z.pardoning && (v.recovered || v.spurious):
		z.pardoning = false
		v.recovered, v.spurious = false, false
	case v.began && !v.event.ECN && v.timer != timerRTO && v.lost > 0 && v.lost == z.probe.Len() && t.loss.board.lostAll(z.probe):
		z.pardoning, v.began = true, false
	}
}

// lostAll reports whether both ends of a range are marked lost.
func (s *scoreboard) lostAll(r wire.Range) bool {
	return s.una.LessEq(r.Start) && r.End.LessEq(s.nxt) &&
		s.at(s.find(r.Start)).has(markLost) && s.at(s.find(r.End.Add(-1))).has(markLost)
}
