package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// stamped returns a story with timestamps: the peer's clock stood at 1000 in its SYN.
func stamped(t testing.TB, change ...func(s *story)) *story {
	t.Helper()
	return talkingWith(t, "win 65535 <mss 1000 ts 1000/1000>", change...)
}

// RFC 7323 §3.2: timestamps are sent if both SYNs had them, and then on every
// segment, with the echo of TS.Recent.
func TestRFC7323_TimestampsOnAll(t *testing.T) {
	s := stamped(t)
	s.wait(time.Second).in("PA 1+10 ack 1 <ts 2000/0>").out("A 1 ack 11 <ts 2010/2000>")
	s.send(10).out("PA 1+10 ack 11 <ts 2010/2000>")
	s = talkingWith(t, "<mss 1000>")
	s.send(10).out("PA 1+10 <>")
	newStory(t).passive("S 0").out("SA 0 ack 1 <mss 1460>")
	newStory(t).passive("S 0 <ts 5/0>").out("SA 0 ack 1 <mss 1460 ts 1000/5>")
}

// RFC 7323 §3.2: "If a non-<RST> segment is received without a TSopt, a TCP SHOULD
// silently drop the segment."
func TestRFC7323_MissingTimestamp(t *testing.T) {
	s := stamped(t).in("PA 1+10 ack 1").quiet().drops(DropNoTS, 1).receive(0)
	s.in("RA 1 ack 1").fails(ReasonReset)
	s = stamped(t, func(s *story) { s.cfg.RequireTS = false })
	s.in("PA 1+10 ack 1").out("A 1 ack 11").receive(10)
}

// RFC 7323 §5.3 R1: "If there is a Timestamps option in the arriving segment,
// SEG.TSval < TS.Recent, TS.Recent is valid, … then treat the arriving segment as
// not acceptable: Send an acknowledgment in reply … and drop the segment."
func TestRFC7323_PAWS(t *testing.T) {
	s := stamped(t).in("PA 1+10 ack 1 <ts 1500/0>").ignore()
	s.in("PA 11+10 ack 1 <ts 1499/0>").out("A 1 ack 11").drops(DropPAWS, 1).receive(10)
	s.in("PA 11+10 ack 1 <ts 1500/0>").out("A 1 ack 21")
	// A reset is not subject to it.
	s.in("RA 21 ack 1 <ts 3/0>").fails(ReasonReset)
}

// The comparison is modulo 2³².
func TestRFC7323_PAWSWraps(t *testing.T) {
	s := talkingWith(t, "win 65535 <mss 1000 ts 4294967290/1000>")
	s.in("PA 1+10 ack 1 <ts 5/0>").out("A 1 ack 11").in("PA 11+10 ack 1 <ts 4294967295/0>").drops(DropPAWS, 1)
}

// RFC 7323 §5.5: "if the connection has been idle for more than 24 days … TS.Recent
// is invalid."
func TestRFC7323_PAWSAfter24DaysIdle(t *testing.T) {
	s := stamped(t).wait(pawsIdle - time.Second)
	s.in("PA 1+10 ack 1 <ts 2/0>").ignore().drops(DropPAWS, 1)
	s.wait(2 * time.Second).in("PA 1+10 ack 1 <ts 2/0>").out("A 1 ack 11").receive(10)
}

// RFC 7323 §4.3: TS.Recent is that of the segment that spans Last.ACK.sent: with
// delayed ACKs the echo is of the first, with a gap of the last in sequence.
func TestRFC7323_WhichTimestampToEcho(t *testing.T) {
	s := stamped(t, delayed)
	s.in("A 1+1000 ack 1 <ts 1010/0>").in("A 1001+1000 ack 1 <ts 1020/0>").out("A 1 ack 2001 <ts 1010/1010>")
	s.in("A 3001+1000 ack 1 <ts 1030/0>").out("A 1 ack 2001 <ts 1010/1010>")
	s.in("A 2001+1000 ack 1 <ts 1040/0>").out("A 1 ack 4001 <ts 1010/1040>")
}

// The round trip is measured by the echo even if the segment was sent twice.
func TestRFC7323_RTTFromEcho(t *testing.T) {
	s := stamped(t)
	s.send(988).out("PA 1+988 <ts 1010/1000>")
	s.later(s.rto(), "PA 1+988").wait(50 * time.Millisecond)
	before := s.tcb.Info().SRTT
	s.in(sprintf("A 1 ack 989 <ts 2000/%d>", s.tcb.clock(s.now)-50))
	if got := s.tcb.Info().SRTT; got <= before {
		t.Errorf("SRTT stayed %v after an echo of 50 ms", got)
	}
}

// RFC 7323 §7.1: the clock is offset for each connection.
func TestRFC7323_TimestampOffset(t *testing.T) {
	newStory(t, func(s *story) { s.open.TSOffset = 5000 }).active().out("S 0 <mss 1460 ws 7 sackOK ts 6000/0>")
	a, b := TimestampOffset(sipKey(), []byte("a")), TimestampOffset(sipKey(), []byte("b"))
	if a == b {
		t.Error("two connections have one offset")
	}
}

// RFC 2018 §4 and RFC 2883 §4: what came early and what came twice is told.
func TestRFC2018_Blocks(t *testing.T) {
	s := talkingWith(t, "win 65535 <mss 1000 sackOK>")
	s.in("A 1001+1000 ack 1").out("A 1 ack 1 <sack 1001-2001>")
	s.in("A 3001+1000 ack 1").out("A 1 ack 1 <sack 3001-4001 sack 1001-2001>")
	s.in("A 5001+1000 ack 1").out("A 1 ack 1 <sack 5001-6001 sack 3001-4001 sack 1001-2001>")
	s.in("A 7001+1000 ack 1").ignore()
	// At most four fit; the oldest is left out.
	s.in("A 9001+1000 ack 1").out("A 1 ack 1 <sack 9001-10001 sack 7001-8001 sack 5001-6001 sack 3001-4001>")
	s.in("A 1+1000 ack 1").out("A 1 ack 2001 <sack 9001-10001 sack 7001-8001 sack 5001-6001 sack 3001-4001>")
	s.in("A 2001+8000 ack 1").out("A 1 ack 10001 <sack 3001-4001>") // what came twice
	s.in("A 10001+1000 ack 1").out("A 1 ack 11001 <>").receive(11_000)
}

// RFC 2018 §3: with timestamps three blocks fit.
func TestRFC2018_ThreeBlocksWithTimestamps(t *testing.T) {
	s := talkingWith(t, "win 65535 <mss 1000 sackOK ts 1/1000>")
	for at := 1001; at < 9000; at += 2000 {
		s.in(sprintf("A %d+1000 ack 1 <ts 1/0>", at))
	}
	o := s.outs[3].Options
	if o.NSACK != 3 || o.SACK[0].Start != s.irs.Add(7001) {
		t.Errorf("blocks are %v", s.showOptions(&o))
	}
}

// RFC 2883 §4.1: "reporting a full duplicate segment".
func TestRFC2883_DuplicateSegment(t *testing.T) {
	s := talkingWith(t, "win 65535 <mss 1000 sackOK>")
	s.in("A 1+500 ack 1").out("A 1 ack 501 <>")
	s.in("A 1+500 ack 1").out("A 1 ack 501 <sack 1-501>")
	s.in("A 501+500 ack 1").out("A 1 ack 1001 <>") // told once
	// §4.2.1: part of it.
	s.in("A 801+500 ack 1").out("A 1 ack 1301 <sack 801-1001>")
	// §4.1, example 2: the block that holds the duplicate follows it.
	s.in("A 2001+500 ack 1").ignore().in("A 2501+500 ack 1").ignore()
	s.in("A 2001+500 ack 1").out("A 1 ack 1301 <sack 2001-2501 sack 2001-3001>")
}

// Without the option nothing of it is sent.
func TestRFC2018_NotWithoutPermission(t *testing.T) {
	s := talking(t)
	s.in("A 1001+1000 ack 1").out("A 1 ack 1 <>").in("A 1001+1000 ack 1").out("A 1 ack 1 <>")
}

// SACK, timestamps and scale can each be left out of the offer.
func TestOptionsByPolicy(t *testing.T) {
	newStory(t, func(s *story) { s.cfg.SACK = false }).active().out("S 0 <mss 1460 ws 7 ts 1000/0>")
	newStory(t, func(s *story) { s.cfg.Timestamps = false }).active().out("S 0 <mss 1460 ws 7 sackOK>")
	newStory(t, func(s *story) { s.cfg.WindowScale = false }).active().out("S 0 <mss 1460 sackOK ts 1000/0>")
	s := newStory(t, func(s *story) { s.cfg.SACK, s.cfg.Timestamps, s.cfg.WindowScale = false, false, false })
	s.passive("S 0 <mss 1000 ws 7 sackOK ts 1/0>").out("SA 0 ack 1 <mss 1460>")
	s.wait(0).do(func(*TCB, mono.Time) {})
}
