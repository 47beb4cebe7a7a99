package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// RFC 9293 §3.6, Figure 12: normal close sequence.
func TestRFC9293_NormalClose(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Shutdown).out("FA 1 ack 1").is(FinWait1).ready(WriteClosed, ReadClosed)
	s.in("A 1 ack 2").quiet().is(FinWait2)
	// A half-closed connection still receives.
	s.in("PA 1+100 ack 2").out("A 2 ack 101").receive(100)
	s.in("FA 101 ack 2").out("A 2 ack 102").is(TimeWaiting).ready(ReadClosed, Dead)
	s.wait(2 * s.cfg.MSL).quiet().fails(0)
}

// RFC 9293 §3.6, Figure 12, the other end.
func TestRFC9293_PassiveClose(t *testing.T) {
	s := talking(t)
	s.in("FA 1 ack 1").out("A 1 ack 2").is(CloseWait).ready(ReadClosed|Writable, WriteClosed)
	s.send(100).out("PA 1+100 ack 2").in("A 2 ack 101")
	s.do((*TCB).Shutdown).out("FA 101 ack 2").is(LastAck)
	s.in("A 2 ack 102").quiet().fails(0)
}

// RFC 9293 §3.6, Figure 13: simultaneous close. In FIN-WAIT-1 the peer's FIN is
// answered by an ACK; our FIN does not go out with it again.
func TestRFC9293_SimultaneousClose(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Shutdown).out("FA 1 ack 1").is(FinWait1)
	s.in("FA 1 ack 1").out("A 2 ack 2").quiet().is(Closing)
	s.in("A 2 ack 2").quiet().is(TimeWaiting)
}

// Two machines close in the same moment and both come to an end.
func TestRFC9293_SimultaneousCloseOfTwo(t *testing.T) {
	p := established(t)
	for i := range p.end {
		p.end[i].Shutdown(p.now)
		p.drain(i)
	}
	p.pass(time.Second)
	for i, e := range p.end {
		if e.State() != TimeWaiting {
			t.Errorf("end %d is in %v", i, e.State())
		}
	}
}

// MUST-13: "When a connection is closed actively, it MUST linger in the
// TIME-WAIT state for a time 2xMSL".
func TestRFC9293_MUST13_TimeWait(t *testing.T) {
	s := talking(t).do((*TCB).Shutdown).ignore().in("FA 1 ack 2").out("A 2 ack 2")
	s.wait(2*s.cfg.MSL - 1).quiet().is(TimeWaiting)
	s.wait(1).quiet().fails(0)
}

// RFC 9293 §3.10.7.4, TIME-WAIT: "The only thing that can arrive in this state is
// a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout."
func TestRFC9293_MUST13_RepeatedFINRestartsTimeWait(t *testing.T) {
	s := talking(t).do((*TCB).Shutdown).ignore().in("FA 1 ack 2").out("A 2 ack 2")
	s.wait(s.cfg.MSL).in("FA 1 ack 2").out("A 2 ack 2")
	s.wait(2*s.cfg.MSL - 1).is(TimeWaiting).wait(1).fails(0)
	// Anything else does not: it would let an attacker hold the record for ever.
	s = talking(t).do((*TCB).Shutdown).ignore().in("FA 1 ack 2").out("A 2 ack 2")
	s.wait(s.cfg.MSL).in("PA 2+10 ack 2").ignore().wait(s.cfg.MSL).fails(0)
}

// The FIN takes part in everything that text does: it waits for text before it,
// is lost, and is sent again.
func TestRFC9293_FINIsRepeated(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Shutdown).out("FA 1 ack 1")
	s.later(s.rto(), "FA 1 ack 1").in("A 1 ack 2").quiet().is(FinWait2)
}

// RFC 9293 §3.10.4: the FIN follows what is queued.
func TestRFC9293_FINAfterQueuedText(t *testing.T) {
	s := talkingWith(t, "win 1000 <mss 1000>")
	s.send(1500).out("A 1+1000 ack 1").do((*TCB).Shutdown).quiet().is(FinWait1)
	s.in("A 1 ack 1001 win 1000").out("FPA 1001+500 ack 1").quiet()
	s.in("A 1 ack 1502").is(FinWait2)
}

// A FIN that comes before text that it follows waits for it (SHLD-31).
func TestRFC9293_FINOutOfOrder(t *testing.T) {
	s := talking(t)
	s.in("FA 101+100 ack 1").out("A 1 ack 1").is(Established)
	s.in("FA 101+100 ack 1").out("A 1 ack 1").is(Established)
	s.in("A 1+100 ack 1").out("A 1 ack 202").is(CloseWait).receive(200).ready(ReadClosed, Readable)
}

// A FIN may not cut off what came already, nor text follow it.
func TestRFC9293_FINThatContradicts(t *testing.T) {
	s := talking(t)
	s.in("A 201+100 ack 1").out("A 1 ack 1")
	s.in("FA 101+50 ack 1").out("A 1 ack 1").is(Established)
	s.in("A 1+200 ack 1").out("A 1 ack 301").is(Established).receive(300)
	s.in("FA 301 ack 1").out("A 1 ack 302").is(CloseWait)
	s.in("A 302+100 ack 1").out("A 1 ack 302").receive(0)
}

// SHLD-3: "if received data is still pending in the TCP connection, or if new data
// is received after CLOSE is called, its TCP implementation SHOULD send a RST".
func TestRFC9293_SHLD3_CloseWithUnreadData(t *testing.T) {
	s := talking(t)
	s.in("PA 1+100 ack 1").out("A 1 ack 101")
	s.do((*TCB).Close).out("RA 1 ack 101").quiet().fails(ReasonAborted)
}

func TestRFC9293_SHLD3_DataAfterClose(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Close).out("FA 1 ack 1").in("A 1 ack 2").quiet().is(FinWait2)
	s.in("PA 1+100 ack 2").out("RA 2 ack 1").quiet().fails(ReasonAborted)
	// Old text is no reason.
	s = talking(t).in("PA 1+100 ack 1").receive(100).ignore()
	s.do((*TCB).Close).out("FA 1 ack 101").in("PA 1+100 ack 2").out("A 2 ack 101").is(FinWait1)
}

// A half-close is none of that: text after Shutdown is welcome.
func TestRFC9293_HalfClose(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Shutdown).out("FA 1 ack 1").in("A 1 ack 2")
	s.wait(time.Hour).quiet().is(FinWait2)
	s.in("PA 1+100 ack 2").out("A 2 ack 101").receive(100)
}

// FIN-WAIT-2 of a closed connection ends after a while: the peer may never close.
func TestFinWait2OfOrphanEnds(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Close).out("FA 1 ack 1").in("A 1 ack 2").is(FinWait2)
	s.wait(s.cfg.FinWait2 - 1).is(FinWait2).wait(1).quiet().fails(0)
	// Also if Close comes later than the half-close.
	s = talking(t).do((*TCB).Shutdown).ignore().in("A 1 ack 2").wait(time.Hour)
	s.do((*TCB).Close).wait(s.cfg.FinWait2).quiet().fails(0)
}

// A closed connection whose peer is silent is given up sooner than an open one.
func TestOrphanIsGivenUp(t *testing.T) {
	s := talking(t)
	s.do((*TCB).Close).out("FA 1 ack 1")
	n := 0
	for s.tcb.State() != Closed && n < 1000 {
		s.wait(time.Second)
		n++
	}
	if got := s.tcb.Info().Counts.Retransmits; got != uint64(s.cfg.OrphanRetries) {
		t.Errorf("the FIN was sent %d times again, want %d", got, s.cfg.OrphanRetries)
	}
	s.fails(ReasonTimedOut)
}

// RFC 9293 §3.10.5, ABORT.
func TestRFC9293_Abort(t *testing.T) {
	s := talking(t)
	s.send(100).out("PA 1+100 ack 1")
	s.do((*TCB).Abort).out("RA 101 ack 1").quiet().fails(ReasonAborted)
	if got := s.tcb.Deadline(); got != mono.Never {
		t.Errorf("an aborted connection still waits for %v", got)
	}
	// "CLOSING, LAST-ACK, TIME-WAIT: Respond "ok" and delete the TCB".
	talking(t).in("FA 1 ack 1").do((*TCB).Shutdown).ignore().do((*TCB).Abort).quiet().is(Closed)
	newStory(t).active().ignore().do((*TCB).Abort).quiet().is(Closed)
	newStory(t).passive("S 0").ignore().do((*TCB).Abort).out("RA 1 ack 1").is(Closed)
}

// MUST-12: "a TCP user … MUST be informed whether it closed normally or was aborted".
func TestRFC9293_MUST12_AbortIsReported(t *testing.T) {
	s := talking(t)
	s.in("PA 1+100 ack 1").out("A 1 ack 101")
	s.in("RA 101 ack 1").quiet().fails(ReasonReset).ready(Dead|ReadClosed|WriteClosed|Readable, Writable)
	s.receive(100) // what came before can still be read
}

// What came before an orderly end can still be read after it.
func TestReadAfterClosed(t *testing.T) {
	s := talking(t)
	s.in("FPA 1+100 ack 1").ignore().do((*TCB).Shutdown).ignore().in("A 102 ack 2").fails(0)
	s.ready(Readable|ReadClosed, 0).receive(100)
}

// CloseRead: what arrives is acknowledged and thrown away, and the window stays open.
func TestCloseRead(t *testing.T) {
	s := talking(t)
	s.in("PA 1+100 ack 1").out("A 1 ack 101").do((*TCB).CloseRead).ready(ReadClosed, Readable)
	for at := 101; at < 300_000; at += 1000 {
		s.in(sprintf("A %d+1000 ack 1", at)).out(sprintf("A 1 ack %d", at+1000))
	}
	s.receive(0)
	s.send(10).out("PA 1+10")
}

// RFC 9293 §3.10.8, USER TIMEOUT: "abort the connection in general".
func TestRFC9293_ListOfOrphanStates(t *testing.T) {
	// Closing in CLOSE-WAIT goes to LAST-ACK, and a silent peer does not hold it.
	s := talking(t).in("FA 1 ack 1").ignore().do((*TCB).Close).out("FA 1 ack 2").is(LastAck)
	s.wait(time.Hour).ignore().fails(ReasonTimedOut)
}
