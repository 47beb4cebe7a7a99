package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// countingPair is a pair in AccECN mode.
func countingPair(t *testing.T, change ...func(p *pair)) *pair {
	return established(t, append(change, func(p *pair) {
		for i := range p.cfg {
			p.cfg[i].ECN, p.cfg[i].AcceptECN = AccurateECN, AccurateECN
		}
	})...)
}

// T-34: two ends that acknowledge each other's marked ACKs come to rest, although a
// path marks every packet, those that are not ECN-capable too (RFC 9768 §3.2.2.5.1).
func TestThreat_T34_MarkedAckLoopEnds(t *testing.T) {
	p := countingPair(t, func(p *pair) {
		p.fate = func(_, _ int, seg *wire.Segment) fate {
			if seg.Flags&wire.SYN == 0 {
				seg.ECN = ce
			}
			return fate{}
		}
	})
	for i := range p.end {
		p.end[i].Send(p.now, make([]byte, 20_000))
		p.drain(i)
	}
	p.run(p.now.Add(5*time.Second), func() bool { return false })
	before := p.count
	p.run(p.now.Add(time.Minute), func() bool { return false })
	if p.count != before || before > 400 {
		t.Errorf("%d segments were sent, and %d after five seconds", before, p.count-before)
	}
	for i, e := range p.end {
		if got := e.Info(); got.RcvNxt.Sub(p.open[1-i].ISS) != 20_001 {
			t.Errorf("end %d has %d octets", i, got.RcvNxt.Sub(p.open[1-i].ISS)-1)
		}
	}
}

// T-57: a peer that tells any nonsense of marks gets its octets slower, or at most as
// if nothing were marked: the window neither vanishes nor outgrows an honest one's,
// and every octet arrives once.
func TestThreat_T57_LyingAboutMarks(t *testing.T) {
	lies := map[string]func(n int, seg *wire.Segment){
		"everything is marked": func(n int, seg *wire.Segment) { seg.Flags = seg.Flags&^aceBits | aceFlags(uint32(n)) },
		"seven in each ACK":    func(n int, seg *wire.Segment) { seg.Flags = seg.Flags&^aceBits | aceFlags(uint32(7*n)) },
		"always zero":          func(n int, seg *wire.Segment) { seg.Flags &^= aceBits },
		"options run wild": func(n int, seg *wire.Segment) {
			seg.Options.Has = seg.Options.Has&^wire.HasAccECN1 | wire.HasAccECN0
			seg.Options.AccECN = wire.AccECN{N: uint8(n & 3), E0B: uint32(n*7919) & 0xffffff, CEB: uint32(n*n*7919) & 0xffffff, E1B: uint32(n * 31)}
		},
		"nothing is marked": func(n int, seg *wire.Segment) {
			seg.Flags = seg.Flags&^aceBits | aceFlags(5)
			seg.Options.Has &^= wire.HasAccECN0 | wire.HasAccECN1
		},
	}
	for name, lie := range lies {
		for _, control := range []string{"prague", "cubic"} {
			n := &network{wirePath: wirePath{rate: 1_250_000, delay: 10 * ms, mark: 3 * ms, ecn: AccurateECN, buffer: 60_000}}
			n.lie = lie
			f := n.add(control, 0)
			n.run(mono.Time(5 * time.Second))
			i := f.end[client].Info()
			if i.State != Established || i.Congestion.Cwnd < i.MSS || f.octets < 40*uint64(i.MSS) {
				t.Errorf("%s, %s: %v, %d octets arrived, the window is %d", name, control, i.State, f.octets, i.Congestion.Cwnd)
			}
			// Who hides marks meets the end of the queue: a loss is a loss.
			if limit := 4 * (60_000 + n.bdp(1)); i.Congestion.Cwnd > limit {
				t.Errorf("%s, %s: the window is %d, more than %d", name, control, i.Congestion.Cwnd, limit)
			}
		}
	}
}

// T-57: an ACK that was forged, or comes from another time, changes nothing of what is
// counted: only acceptable ones count (RFC 9768 §3.2).
func TestThreat_T57_ForgedMarks(t *testing.T) {
	s := countingStory(t).send(3000).ignore()
	before := s.tcb.Info()
	for _, text := range []string{
		"A0 1 ack 9999 ecn 3 <e0b 5 ceb 99999>",         // acknowledges what was never sent
		"A3 1 ack -99999 ecn 3 <e0b 5 ceb 99999>",       // or too long ago
		"PA3 999999+100 ack 3001 ecn 3 <e0b 5 ceb 999>", // outside the window
		"RA3 77 ack 3001 ecn 3",                         // a blind reset
		"SA3 1 ack 3001 ecn 3",                          // a SYN
		"P3 1+100 ecn 3",                                // no ACK
	} {
		s.in(text).ignore()
	}
	after := s.tcb.Info()
	if after.Counts.MarkedIn != before.Counts.MarkedIn || after.Counts.MarkedOut != 0 || after.ECT != before.ECT || after.Congestion != before.Congestion {
		t.Errorf("%d marked in, %d out, octets leave with ECN %d", after.Counts.MarkedIn, after.Counts.MarkedOut, after.ECT)
	}
	s.wait(10 * time.Millisecond).in("A5 1 ack 989").in("PA5 1+100 ack 3001 ecn 2").out("A5 3001 ack 101")
}
