package tcp

import (
	"strconv"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// settled are the ways to states in which a connection is synchronized.
func settled(t *testing.T, f func(name string, s *story)) {
	t.Helper()
	for _, r := range reach {
		switch r.name {
		case "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT":
			s := r.to(t)
			s.ignore()
			f(r.name, s)
		}
	}
}

// strike lets a segment arrive whose number lies off octets from RCV.NXT, and
// returns how many segments answer it.
func (s *story) strike(flags wire.Flags, off, ack int) int {
	seg := wire.Segment{Seq: s.tcb.rcv.nxt.Add(off), Ack: s.tcb.snd.nxt.Add(ack), Flags: flags, Window: 65535}
	s.tcb.Arrive(s.now, &seg)
	s.collect()
	n := len(s.outs)
	s.ignore()
	return n
}

// alive checks that octets still flow both ways, unharmed.
func (s *story) alive() {
	s.t.Helper()
	before := s.tcb.rcv.nxt
	seg := wire.Segment{Seq: before, Ack: s.tcb.snd.nxt, Flags: wire.ACK | wire.PSH, Window: 65535, Payload: chunk.Copy([]byte("still here"))}
	s.tcb.Arrive(s.now, &seg)
	seg.Payload.Release()
	s.collect().ignore()
	if s.tcb.rcv.nxt != before.Add(10) {
		s.t.Errorf("%v: the peer's octets do not arrive any more", s.tcb.State())
	}
}

// T-30, RFC 5961 §3.2: a reset counts only at RCV.NXT; elsewhere in the window it is
// challenged, outside it is ignored. A sweep of 2¹⁶ guesses ends nothing.
func TestThreat_T30_BlindReset(t *testing.T) {
	settled(t, func(name string, s *story) {
		w := s.tcb.rcv.window()
		for _, off := range []int{-1 << 30, -65536, -1, w + 1, 1 << 30} {
			if n := s.strike(wire.RST, off, 0); n != 0 {
				t.Errorf("%s: a reset %d octets off is answered by %d segments", name, off, n)
			}
		}
		s.wait(time.Second).ignore()
		if n := s.strike(wire.RST, 1, 0); n != 1 {
			t.Errorf("%s: a reset in the window is answered by %d segments, want one challenge", name, n)
		}
		answers := 0
		for off := 2; off < 1<<16; off += 7 {
			answers += s.strike(wire.RST, off, 0)
		}
		if answers > 1 {
			t.Errorf("%s: a sweep is answered by %d segments at one moment", name, answers)
		}
		if s.tcb.State() == Closed {
			t.Fatalf("%s: a guess ended the connection", name)
		}
		s.strike(wire.RST, 0, 0)
		if s.tcb.State() != Closed {
			t.Errorf("%s: the reset at RCV.NXT left %v", name, s.tcb.State())
		}
	})
}

// T-31, RFC 5961 §4.2: a SYN in a synchronized state is challenged, wherever it lies.
func TestThreat_T31_BlindSYN(t *testing.T) {
	settled(t, func(name string, s *story) {
		state := s.tcb.State()
		for _, off := range []int{-1 << 30, -1, 0, 1, 65534, 1 << 20} {
			s.wait(time.Second).ignore()
			if n := s.strike(wire.SYN, off, 0); n != 1 {
				t.Errorf("%s: a SYN %d octets off is answered by %d segments, want one", name, off, n)
			}
		}
		if s.tcb.State() != state {
			t.Errorf("%s became %v", name, s.tcb.State())
		}
	})
}

// T-32, RFC 5961 §5.2: octets with an ACK that is too old or of what was never sent
// are thrown away and challenged, and no window grows by them.
func TestThreat_T32_BlindDataAndGhostAcks(t *testing.T) {
	s := talking(t)
	s.send(5000).ignore()
	cwnd := s.tcb.Info().Congestion.Cwnd
	for _, ack := range []int{1, 1 << 20, -1 << 20, -1 << 30} {
		s.wait(time.Second).ignore()
		seg := wire.Segment{Seq: s.tcb.rcv.nxt, Ack: s.tcb.snd.nxt.Add(ack), Flags: wire.ACK, Window: 65535, Payload: chunk.Copy([]byte("forged"))}
		s.tcb.Arrive(s.now, &seg)
		seg.Payload.Release()
		s.collect()
		if len(s.outs) == 0 {
			t.Errorf("ACK %d off is not challenged", ack)
		}
		s.ignore().receive(0)
	}
	if got := s.tcb.Info().Congestion.Cwnd; got > cwnd {
		t.Errorf("the window grew from %d to %d", cwnd, got)
	}
}

// T-33, CVE-2016-5696: what one connection answers depends on nothing that happens
// on another: the limit of challenges is its own.
func TestThreat_T33_ChallengesTellNothingOfOthers(t *testing.T) {
	a, b := talking(t), talking(t)
	for range 1000 {
		a.strike(wire.RST, 1, 0)
	}
	if n := b.strike(wire.RST, 1, 0); n != 1 {
		t.Errorf("after 1000 strikes on another connection %d challenges come, want 1", n)
	}
}

// T-34, RFC 5961 §7: two ends that disagree about their numbers do not talk for ever.
func TestThreat_T34_AckLoopEnds(t *testing.T) {
	a, b := talking(t), talking(t)
	b.tcb.snd.nxt, b.tcb.snd.una = b.tcb.snd.nxt.Add(1<<20), b.tcb.snd.una.Add(1<<20)
	forged := wire.Segment{Seq: a.tcb.rcv.nxt.Add(-1 << 20), Ack: a.tcb.snd.nxt, Flags: wire.ACK, Window: 65535}
	a.tcb.Arrive(a.now, &forged)
	exchanged := 0
	for range 10_000 {
		var seg wire.Segment
		switch {
		case a.tcb.Output(a.now, &seg):
			b.tcb.Arrive(b.now, &seg)
		case b.tcb.Output(b.now, &seg):
			a.tcb.Arrive(a.now, &seg)
		default:
			if exchanged > 10 {
				t.Errorf("%d segments were exchanged at one moment", exchanged)
			}
			return
		}
		exchanged++
	}
	t.Error("the two talk for ever")
}

// T-40, RFC 5927: ICMP is believed only about a number in flight, and ends nothing
// once the handshake is done.
func TestThreat_T40_ForgedICMP(t *testing.T) {
	s := talking(t)
	s.send(3000).ignore()
	mss := s.tcb.MSS()
	for kind := NoticeKind(0); int(kind) < notices; kind++ {
		for _, off := range []int{-4000, -3001, 0, 1, 1 << 20} {
			s.tcb.Unreachable(s.now, Notice{Kind: kind, Seq: s.tcb.snd.nxt.Add(off), Size: 600})
		}
		s.tcb.Unreachable(s.now, Notice{Kind: kind, Seq: s.tcb.snd.una, Size: 0})
	}
	if s.tcb.State() != Established || s.tcb.MSS() != mss {
		t.Errorf("%v with segments of %d octets, want ESTABLISHED and %d", s.tcb.State(), s.tcb.MSS(), mss)
	}
	s.tcb.Unreachable(s.now, Notice{Kind: NoticePacketTooBig, Seq: s.tcb.snd.una, Size: 68})
	if got := s.tcb.MSS(); got < s.cfg.MinPathMSS {
		t.Errorf("segments shrank to %d octets, below the floor of %d", got, s.cfg.MinPathMSS)
	}
	u := newStory(t).active().ignore()
	u.tcb.Unreachable(u.now, Notice{Kind: NoticePortUnreachable, Seq: u.tcb.snd.iss.Add(1)})
	if u.tcb.State() != SynSent {
		t.Errorf("a notice about another number ended the attempt: %v", u.tcb.State())
	}
}

// T-44, RFC 1337: neither a reset nor an old segment ends TIME-WAIT.
func TestThreat_T44_TimeWaitIsNotAssassinated(t *testing.T) {
	s, w := waited(t, "<mss 1000>")
	until := w.Deadline()
	var out wire.Segment
	for _, off := range []int{-5000, -1, 0, 1, 5000} {
		for _, f := range []wire.Flags{wire.RST, wire.RST | wire.ACK, wire.ACK, wire.ACK | wire.PSH} {
			seg := wire.Segment{Seq: w.rcvNxt.Add(off), Ack: w.sndNxt, Flags: f}
			if v := w.Arrive(s.now, &seg, &out); v == Reopen || f&wire.RST != 0 && v != Ignore {
				t.Errorf("flags %v %d off: %v", f, off, v)
			}
		}
	}
	if w.Deadline() < until {
		t.Error("TIME-WAIT became shorter")
	}
}

// T-45, CVE-2005-0356: a timestamp from the future does not poison TS.Recent in a
// segment out of the window, nor in one whose acknowledgement is not acceptable.
func TestThreat_T45_PAWSIsNotPoisoned(t *testing.T) {
	s := stamped(t)
	recent := s.tcb.rcv.tsRecent
	for _, off := range []int{-70_000, 70_000, 1 << 30} {
		seg := wire.Segment{Seq: s.tcb.rcv.nxt.Add(off), Ack: s.tcb.snd.nxt, Flags: wire.ACK, Window: 65535}
		seg.Options = wire.Options{Has: wire.HasTimestamp, TSVal: recent + 1<<30}
		s.tcb.Arrive(s.now, &seg)
		s.collect().ignore()
	}
	for _, ack := range []int{1, 1 << 20, -1 << 30} {
		for _, f := range []wire.Flags{wire.ACK, wire.ACK | wire.SYN, wire.SYN} {
			seg := wire.Segment{Seq: s.tcb.rcv.nxt, Ack: s.tcb.snd.nxt.Add(ack), Flags: f, Window: 65535}
			seg.Options = wire.Options{Has: wire.HasTimestamp, TSVal: recent + 1<<30}
			s.tcb.Arrive(s.now, &seg)
			s.collect().ignore()
		}
	}
	if got := s.tcb.rcv.tsRecent; got != recent {
		t.Errorf("TS.Recent went from %d to %d", recent, got)
	}
}

// T-46: a server that answers a SYN with a bare SYN is a simultaneous open, with the
// options that both ends sent and no others.
func TestThreat_T46_SplitHandshake(t *testing.T) {
	s := newStory(t).active().out("S 0")
	s.in("S 0 <mss 1000>").out("SA 0 ack 1").in("A 1 ack 1")
	s.is(Established).ignore()
	if i := s.tcb.Info(); i.SACK || i.Timestamps || i.Scaled {
		t.Errorf("options that the peer did not offer are on: %+v", i)
	}
	s.alive()
}

// T-52, CVE-2008-4609: a window that stays closed costs the send buffer and a probe a
// minute, no more.
func TestThreat_T52_ClosedWindowForEver(t *testing.T) {
	s := talking(t)
	for s.tcb.Send(s.now, make([]byte, 4096)) > 0 {
	}
	s.collect().ignore().in("A 1 ack 1 win 0")
	queued := s.tcb.Info().SendQueued
	if most := max(s.cfg.SendBuffer.Initial, s.cfg.SendBuffer.Max); queued > most {
		t.Errorf("%d octets wait, more than the buffer of %d", queued, most)
	}
	s.ignore().wait(10 * time.Minute).ignore()
	probes := s.tcb.Info().Counts.Probes
	s.wait(time.Hour)
	if n := s.tcb.Info().Counts.Probes - probes; n > 61 {
		t.Errorf("%d probes in an hour", n)
	}
}

// T-53: a peer that opens its window octet by octet does not get segments of one octet.
func TestThreat_T53_TinyWindows(t *testing.T) {
	s := talking(t)
	s.send(20_000).ignore()
	sent := s.tcb.Info().Counts.SegmentsOut
	acked := 1
	for range 2000 {
		acked++
		s.tcb.Arrive(s.now, &wire.Segment{Seq: s.tcb.rcv.nxt, Ack: s.open.ISS.Add(acked), Flags: wire.ACK, Window: 10})
		s.collect().ignore()
	}
	if n := s.tcb.Info().Counts.SegmentsOut - sent; n > 20 {
		t.Errorf("%d segments answered 2000 openings of one octet", n)
	}
}

// T-54, CVE-2019-11479: an MSS that is smaller than the floor is not believed.
func TestThreat_T54_TinyMSS(t *testing.T) {
	for _, mss := range []string{"0", "1", "8", "48", "215"} {
		s := talkingWith(t, "win 65535 <mss "+mss+">")
		if got := s.tcb.MSS(); got < s.cfg.MinMSS {
			t.Errorf("MSS %s makes segments of %d octets, below the floor of %d", mss, got, s.cfg.MinMSS)
		}
	}
}

// T-55, CVE-2018-5390: early octets one by one, with gaps, cost no more memory than
// twice the buffer, and the stream is whole in the end.
func TestThreat_T55_EarlySlivers(t *testing.T) {
	s := talking(t)
	for i := 60_000; i > 1; i -= 2 {
		s.tcb.Arrive(s.now, &wire.Segment{
			Seq: s.irs.Add(i), Ack: s.tcb.snd.nxt, Flags: wire.ACK, Window: 65535, Payload: chunk.Borrow(peerOctets(i, 1)),
		})
	}
	s.collect().ignore()
	if early := s.tcb.rcv.early; early != nil && early.cost() > 2*s.tcb.rcv.limit {
		t.Errorf("early octets cost %d of memory, the buffer is %d", early.cost(), s.tcb.rcv.limit)
	}
	for i := 1; i < 60_000; i += 1000 {
		s.tcb.Arrive(s.now, &wire.Segment{
			Seq: s.irs.Add(i), Ack: s.tcb.snd.nxt, Flags: wire.ACK, Window: 65535, Payload: chunk.Borrow(peerOctets(i, 1000)),
		})
		s.collect().ignore()
	}
	if got := s.tcb.rcv.nxt; got.Less(s.irs.Add(60_000)) {
		t.Errorf("the stream came to %d of 60000", got.Sub(s.irs))
	}
}

// T-56, Savage 1999: acknowledging what was never sent, or octet by octet, does not
// let the window grow faster than the octets that arrived.
func TestThreat_T56_OptimisticAndDividedAcks(t *testing.T) {
	s := talking(t)
	s.send(10_000).ignore()
	before := s.tcb.Info().Congestion.Cwnd
	s.strike(wire.ACK, 0, 5000)
	if got := s.tcb.Info().Congestion.Cwnd; got != before {
		t.Errorf("an ACK of what was never sent took the window from %d to %d", before, got)
	}
	s.wait(10 * time.Millisecond)
	for i := 2; i <= 1001; i++ { // one segment, acknowledged in a thousand pieces
		s.tcb.Arrive(s.now, &wire.Segment{Seq: s.tcb.rcv.nxt, Ack: s.open.ISS.Add(i), Flags: wire.ACK, Window: 65535})
	}
	s.collect().ignore()
	if got := s.tcb.Info().Congestion.Cwnd; got > before+1000 {
		t.Errorf("one segment acknowledged in pieces took the window from %d to %d", before, got)
	}
}

// T-57, RFC 2018 §8: what was only selectively acknowledged is kept, and sent again
// after a timeout when the peer has thrown it away.
func TestThreat_T57_Reneging(t *testing.T) {
	s := talkingWith(t, "win 65535 <mss 1000 sackOK>")
	s.send(4000).ignore()
	s.in("A 1 ack 1 <sack 1001-4001>").ignore()
	s.wait(s.rto()).ignore().wait(s.rto()).ignore()
	for acked := 1; acked < 4001; {
		acked += 1000
		s.in("A 1 ack " + strconv.Itoa(acked)).ignore()
		if acked < 4001 {
			s.wait(2 * s.rto()).ignore()
		}
	}
	if i := s.tcb.Info(); i.SendQueued != 0 || i.Counts.Retransmits < 4 {
		t.Errorf("%d octets are left after %d retransmissions; all four segments had to be repeated", i.SendQueued, i.Counts.Retransmits)
	}
}
