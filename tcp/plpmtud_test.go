package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// wide opens a connection with SACK to a peer that takes 1460 octets; no ACK is
// delayed and nothing is paced.
func wide(t testing.TB, change ...func(s *story)) *story {
	t.Helper()
	return talkingWith(t, "win 65535 <mss 1460 sackOK>", change...)
}

// A path carries segments of limit octets at most; what is larger vanishes. The
// peer acknowledges what arrives, with SACK blocks, 10 ms later.
type path struct {
	*story
	limit   int
	got     spanSet
	largest int // payload that arrived
}

type spanSet []wire.Range

// add enters a range and merges neighbours.
func (l spanSet) add(r wire.Range) spanSet {
	var out spanSet
	for _, x := range l {
		if x.End.Less(r.Start) || r.End.Less(x.Start) {
			out = append(out, x)
			continue
		}
		r.Start, r.End = wire.MinSeq(r.Start, x.Start), wire.MaxSeq(r.End, x.End)
	}
	out = append(out, r)
	for i := len(out) - 1; i > 0 && out[i].Start.Less(out[i-1].Start); i-- {
		out[i], out[i-1] = out[i-1], out[i]
	}
	return out
}

// carry takes to the peer what was sent, and its answers back, until nothing
// is sent any more or the user has d no more time.
func (p *path) carry(d time.Duration) {
	until := p.now.Add(d)
	for p.now < until {
		outs := p.outs
		p.outs, p.ats = nil, nil
		if len(outs) == 0 {
			p.wait(min(until.Sub(p.now), max(p.tcb.Deadline().Sub(p.now), time.Millisecond)))
			continue
		}
		p.wait(10 * time.Millisecond)
		for i := range outs {
			n := outs[i].Payload.Len()
			outs[i].Payload.Release()
			if n == 0 || n > p.limit {
				continue
			}
			p.wait(time.Microsecond) // no two packets arrive at one moment
			p.largest = max(p.largest, n)
			r := wire.Range{Start: outs[i].Seq, End: outs[i].Seq.Add(n)}
			p.got = p.got.add(r)
			p.answer(r)
		}
	}
}

// answer acknowledges as a receiver does (RFC 2018 §4).
func (p *path) answer(newest wire.Range) {
	seg := wire.Segment{Flags: wire.ACK, Seq: p.irs.Add(1), Ack: p.open.ISS.Add(1), Window: 65535}
	o := &seg.Options
	for _, x := range p.got {
		if x.Start == p.open.ISS.Add(1) {
			seg.Ack = x.End
		} else if x.Start.LessEq(newest.Start) && newest.Start.Less(x.End) {
			o.Has, o.SACK[0], o.NSACK = wire.HasSACK, x, 1
		}
	}
	p.tcb.Arrive(p.now, &seg)
	p.collect()
}

// sendAll gives n octets to a connection whose path carries only limit, and checks
// that all arrive.
func (p *path) sendAll(t testing.TB, n int) {
	t.Helper()
	sent, total := 0, p.sum()+n
	for sent < n {
		sent += p.tcb.Send(p.now, make([]byte, n-sent))
		p.collect()
		p.carry(time.Second)
	}
	for i := 0; len(p.got) != 1 || p.got[0].Len() < total; i++ {
		if i > 600 {
			t.Fatalf("%v of %d octets arrived after ten minutes", p.got, total)
		}
		p.carry(time.Second)
	}
}

// Full-stop timeout: segments that do not fit and of which no router tells are
// given up for such as pass.
func TestRFC4821_7_7_BlackHole(t *testing.T) {
	p := &path{story: wide(t), limit: 1300}
	p.cfg.PathMTU.Probes = 0
	p.sendAll(t, 100_000)
	if i := p.tcb.Info(); i.PathMSS != 1160 || i.Counts.BlackHoles != 1 || i.Counts.Timeouts != 3 {
		t.Errorf("segments of %d after %d timeouts, %d black holes", i.PathMSS, i.Counts.Timeouts, i.Counts.BlackHoles)
	}
}

// The last segment need not be full to be too large.
func TestRFC4821_7_7_LastSegmentIsTooLarge(t *testing.T) {
	p := &path{story: wide(t), limit: 1300}
	p.sendAll(t, 1400)
	if i := p.tcb.Info(); i.PathMSS != 1160 || i.Counts.Timeouts != 3 {
		t.Errorf("segments of %d after %d timeouts", i.PathMSS, i.Counts.Timeouts)
	}
}

// RFC 8899 §5.1.2: a path that does not carry the base carries MIN_PLPMTU, 576 octets
// of IPv4, and the search goes on from there.
func TestRFC8899_5_1_2_BelowTheBase(t *testing.T) {
	for _, c := range []struct {
		probes, least, most int
	}{{0, 536, 536}, {3, 1000 - sizeStep, 1000}} {
		p := &path{story: wide(t), limit: 1000}
		p.cfg.PathMTU.Probes = c.probes
		for range 20 {
			p.sendAll(t, 60_000)
			p.carry(2 * time.Second)
		}
		if i := p.tcb.Info(); i.PathMSS < c.least || i.PathMSS > c.most || i.Counts.BlackHoles != 2 || i.Counts.Timeouts != 5 {
			t.Errorf("%d probes: segments of %d after %d timeouts, %d black holes", c.probes, i.PathMSS, i.Counts.Timeouts, i.Counts.BlackHoles)
		}
	}
}

// Every path of IPv6 carries 1,280 octets: nothing smaller is tried.
func TestRFC8899_5_1_2_LeastOfIPv6(t *testing.T) {
	p := &path{story: wide(t, func(s *story) { s.open.DefaultMSS = 1220 }), limit: 1300}
	p.cfg.PathMTU.Probes = 0
	p.sendAll(t, 100_000)
	if i := p.tcb.Info(); i.PathMSS != 1220 || i.Counts.BlackHoles != 1 {
		t.Errorf("segments of %d, %d black holes", i.PathMSS, i.Counts.BlackHoles)
	}
}

// A segment that is small anyway, or a peer whose window is closed, says nothing
// of the path.
func TestRFC4821_7_7_SmallSegmentsAreNoBlackHole(t *testing.T) {
	s := wide(t).send(1000).out("A 1+1000 ack 1").wait(time.Minute)
	if i := s.tcb.Info(); i.PathMSS != 1460 || i.Counts.Timeouts < 5 {
		t.Errorf("segments of %d after %d timeouts", i.PathMSS, i.Counts.Timeouts)
	}
}

// RFC 8899 §5.2: after the base is confirmed, larger sizes are searched for. The
// search ends within a few octets of what passes.
func TestRFC8899_5_2_SearchAfterABlackHole(t *testing.T) {
	for _, limit := range []int{1160, 1161, 1200, 1300, 1400, 1459} {
		p := &path{story: wide(t), limit: limit}
		for range 40 { // there is something to send from time to time
			p.sendAll(t, 60_000)
			p.carry(2 * time.Second)
		}
		i := p.tcb.Info()
		if i.PathMSS > limit || i.PathMSS <= limit-sizeStep || p.largest != i.PathMSS {
			t.Errorf("a path of %d: found %d, and %d arrived", limit, i.PathMSS, p.largest)
		}
		if i.Counts.Timeouts > 4 {
			t.Errorf("a path of %d: %d timeouts", limit, i.Counts.Timeouts)
		}
	}
}

func (p *path) sum() int {
	if len(p.got) == 0 {
		return 0
	}
	return p.got[0].Len()
}

// The loss of a probe is no sign of congestion: the window stays.
func TestRFC4821_7_6_2_LostProbesDoNotReduceTheWindow(t *testing.T) {
	p := &path{story: wide(t), limit: 1160}
	p.sendAll(t, 100_000)
	before := p.tcb.Info()
	for range 20 {
		p.sendAll(t, 60_000)
		p.carry(2 * time.Second)
	}
	after := p.tcb.Info()
	if after.Counts.SizeProbes < before.Counts.SizeProbes+6 {
		t.Fatalf("%d probes were lost", after.Counts.SizeProbes-before.Counts.SizeProbes)
	}
	if got, least := after.Congestion.Cwnd, before.Congestion.Cwnd; got < least {
		t.Errorf("the window went from %d to %d", least, got)
	}
	if after.Counts.FastRecoveries != before.Counts.FastRecoveries {
		t.Errorf("%d reductions", after.Counts.FastRecoveries-before.Counts.FastRecoveries)
	}
}

// Loss of anything else while a probe is missing does reduce the window.
func TestRFC4821_7_6_4_OtherLossReduces(t *testing.T) {
	s := wide(t).do(lowered)
	s.wait(11 * time.Minute).send(8 * 1160)
	s.out("A 1001+1460 ack 1").out("A 2461+1160 ack 1").ignore() // both are lost
	s.wait(10 * time.Millisecond).in("A 1 ack 1001 <sack 3621-10281>").wait(20 * time.Millisecond)
	if got := s.tcb.Info().Counts.FastRecoveries; got != 1 {
		t.Errorf("%d reductions", got)
	}
}

// lowered lets a router tell of a path of 1160.
func lowered(t *TCB, now mono.Time) {
	t.Send(now, make([]byte, 1000))
	var seg wire.Segment
	t.Output(now, &seg)
	seg.Payload.Release()
	t.Unreachable(now, Notice{Kind: NoticePacketTooBig, Seq: seg.Seq, Size: 1160})
	ack := wire.Segment{Flags: wire.ACK, Seq: t.rcv.nxt, Ack: t.snd.nxt, Window: 65535}
	t.Arrive(now.Add(10*time.Millisecond), &ack)
}

// RFC 8899 §5.1.1: PMTU_RAISE_TIMER, 600 seconds: what a router told is believed for
// ten minutes, and then a probe, not all segments, finds out whether it holds.
func TestRFC8899_5_1_1_RaiseTimer(t *testing.T) {
	s := wide(t).do(lowered)
	s.wait(10*time.Minute - time.Second).send(5 * 1160)
	for n := range 5 {
		s.out(sprintf("A %d+1160 ack 1", 1001+1160*n))
	}
	s.wait(10 * time.Millisecond).in("A 1 ack 6801").wait(time.Second).send(10 * 1160)
	s.out("A 6801+1460 ack 1").out("A 8261+1160 ack 1")
	if got := s.tcb.SegmentSize(); got != 1160 {
		t.Errorf("other segments are cut at %d", got)
	}
	s.ignore().wait(10 * time.Millisecond).in("A 1 ack 18401").send(1460).out("A 18401+1460 ack 1")
	if i := s.tcb.Info(); i.PathMSS != 1460 || i.Counts.SizeProbes != 1 {
		t.Errorf("segments of %d after %d probes", i.PathMSS, i.Counts.SizeProbes)
	}
}

// A device must not cut the probe into what passes anyway.
func TestRFC8899_4_1_ProbesAreNotCut(t *testing.T) {
	s := wide(t, func(s *story) { s.open.Batch = 64 << 10 }).do(lowered).wait(11 * time.Minute)
	s.tcb.Send(s.now, make([]byte, 10*1160))
	var seg wire.Segment
	for _, want := range []int{1460, 1160} {
		if !s.tcb.Output(s.now, &seg) || s.tcb.SegmentSize() != want {
			t.Errorf("%d octets are cut at %d, want %d", seg.Payload.Len(), s.tcb.SegmentSize(), want)
		}
		seg.Payload.Release()
	}
}

// RFC 8899 §4.6.2: what a router tells of a probe is the next size that is tried.
func TestRFC8899_4_6_2_RouterTellsOfAProbe(t *testing.T) {
	s := wide(t).do(lowered).wait(11 * time.Minute).send(10 * 1160).out("A 1001+1460 ack 1").ignore()
	s.do(func(c *TCB, now mono.Time) {
		c.Unreachable(now, Notice{Kind: NoticePacketTooBig, Seq: s.open.ISS.Add(1001), Size: 1300})
	})
	s.wait(10 * time.Millisecond).in("A 1 ack 1001 <sack 2461-12601>").wait(50 * time.Millisecond).ignore()
	s.in("A 1 ack 12601").wait(2 * time.Second).send(10 * 1160).out("A 12601+1300 ack 1")
}

// The peer's own limit is never exceeded (RFC 9293 MUST-16), nor is a probe sent
// where too little would follow it, or without SACK, which would tell of its loss.
func TestRFC4821_7_4_WhenNotToProbe(t *testing.T) {
	late := func(s *story) *story { return s.do(lowered).wait(11 * time.Minute) }
	late(talkingWith(t, "win 65535 <mss 1200 sackOK>")).send(10 * 1160).out("A 1001+1200 ack 1")
	late(talkingWith(t, "win 65535 <mss 1460>")).send(10 * 1160).out("A 1001+1160 ack 1")
	late(wide(t)).send(4 * 1160).out("A 1001+1160 ack 1")
	late(wide(t, func(s *story) { s.cfg.PathMTU.Probes = 0 })).send(10 * 1160).out("A 1001+1160 ack 1")
}
