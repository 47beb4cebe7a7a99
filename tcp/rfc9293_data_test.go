package tcp

import (
	"bytes"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// RFC 9293 §3.10.7.4: text is delivered in order, once, whatever order it comes in.
func TestRFC9293_SHLD31_OutOfOrder(t *testing.T) {
	s := talking(t)
	s.in("A 201+100 ack 1").out("A 1 ack 1")
	s.in("A 101+50 ack 1").out("A 1 ack 1")
	s.in("A 121+100 ack 1").out("A 1 ack 1")
	s.receive(0)
	s.in("A 1+110 ack 1").out("A 1 ack 301").receive(300)
	if !bytes.Equal(s.read, peerOctets(1, 300)) {
		t.Error("other octets were delivered than were sent")
	}
}

// RFC 9293 §3.4: "segments may contain old and new data": what is old is cut off.
func TestRFC9293_PartlyOldText(t *testing.T) {
	s := talking(t)
	s.in("A 1+100 ack 1").out("A 1 ack 101")
	s.in("A 51+100 ack 1").out("A 1 ack 151")
	s.in("A 1+150 ack 1").out("A 1 ack 151")
	s.receive(150)
	if !bytes.Equal(s.read, peerOctets(1, 150)) {
		t.Error("other octets were delivered than were sent")
	}
}

// RFC 9293 §3.10.7.4: text beyond the window is cut off.
func TestRFC9293_TextBeyondWindow(t *testing.T) {
	s := talking(t, func(s *story) { s.cfg.ReceiveBuffer = Buffer{1000, 1000} })
	s.in("A 1+1500 ack 1").out("A 1 ack 1001 win 0").receive(1000).ignore()
	s.in("A 1001+100 ack 1").out("A 1 ack 1101")
}

// MUST-40: "the delay MUST be less than 0.5 seconds"; SHLD-18: delayed ACKs.
func TestRFC9293_MUST40_DelayedAck(t *testing.T) {
	s := talking(t, delayed)
	s.in("PA 1+100 ack 1").later(s.cfg.DelayedAck, "A 1 ack 101").quiet()
	s.wait(time.Minute).quiet()

	s = talking(t, delayed, func(s *story) { s.cfg.DelayedAck = time.Hour })
	s.in("PA 1+100 ack 1").wait(499 * time.Millisecond).out("A 1 ack 101")
}

// SHLD-19: "an ACK SHOULD be generated for at least every second full-sized segment".
func TestRFC9293_SHLD19_EverySecondSegment(t *testing.T) {
	s := talking(t, delayed)
	for at := 1; at < 20_000; at += 2000 {
		s.in(sprintf("A %d+1000 ack 1", at)).quiet()
		s.in(sprintf("A %d+1000 ack 1", at+1000)).out(sprintf("A 1 ack %d", at+2000)).quiet()
	}
}

// The ACK rides on data if there is some.
func TestRFC9293_AckRidesOnData(t *testing.T) {
	s := talking(t, delayed)
	s.in("PA 1+100 ack 1").quiet().send(50).out("PA 1+50 ack 101").quiet()
	s.in("A 101 ack 51").wait(time.Minute).quiet()
}

// The first segments are acknowledged at once where the policy says so.
func TestQuickAcks(t *testing.T) {
	s := talking(t, func(s *story) { s.cfg.QuickAcks = 2 })
	s.in("PA 1+100 ack 1").out("A 1 ack 101")
	s.in("PA 101+100 ack 1").out("A 1 ack 201")
	s.in("PA 201+100 ack 1").later(s.cfg.DelayedAck, "A 1 ack 301")
}

// RFC 5681 §4.2: "an immediate ACK SHOULD be sent" for a segment that leaves a gap
// or fills one.
func TestRFC5681_ImmediateAck(t *testing.T) {
	s := talking(t, delayed)
	s.in("A 101+100 ack 1").out("A 1 ack 1")
	s.in("A 301+100 ack 1").out("A 1 ack 1")
	s.in("A 1+100 ack 1").out("A 1 ack 201")
	s.in("A 201+100 ack 1").out("A 1 ack 401")
	s.in("A 401+100 ack 1").quiet().wait(time.Second).out("A 1 ack 501")
}

// MUST-58: "a TCP receiver … MUST aggregate acknowledgment segments whenever
// possible"; MUST-59: "MUST process all queued segments … before sending ACKs".
func TestRFC9293_MUST59_BatchBeforeAck(t *testing.T) {
	s := talking(t)
	for at := 1; at < 10_000; at += 1000 {
		seg := s.parse(sprintf("A %d+1000 ack 1", at))
		s.tcb.Arrive(s.now, &seg)
	}
	s.collect().out("A 1 ack 10001").quiet()
}

// MUST-38 concerns small windows and small writes. Where the queue's memory happens
// to end is neither: what is there leaves at once.
func TestBatchThatEndsInsideASegment(t *testing.T) {
	s := talking(t, func(s *story) { s.open.Batch = 60_000 })
	s.send(10).out("PA 1+10 ack 1")
	s.send(5000).out("A 11+1000 ack 1").out("PA 1011+4000 ack 1").quiet()
}

// MUST-61: "the TCP … must set the PSH bit in the last buffered segment".
func TestRFC9293_MUST61_PushAtTheEnd(t *testing.T) {
	s := talking(t)
	s.send(2500).out("A 1+1000 ack 1").out("A 1001+1000 ack 1").out("PA 2001+500 ack 1").quiet()
}

// MUST-60: without PSH "a TCP implementation MUST NOT buffer data indefinitely".
func TestRFC9293_MUST60_NoPushNoWait(t *testing.T) {
	s := talking(t)
	s.in("A 1+1 ack 1").ready(Readable, 0).receive(1)
}

// MUST-17: "a TCP implementation … MUST provide a way for an application to
// disable the Nagle algorithm on an individual connection."
func TestRFC9293_MUST17_Nagle(t *testing.T) {
	nagle := func(s *story) { s.cfg.Nagle = true }
	s := talking(t, nagle)
	s.send(10).out("PA 1+10 ack 1").send(10).quiet().send(20).quiet()
	s.in("A 1 ack 11").out("PA 11+30 ack 1").quiet()
	// "A full-sized segment" does not wait, its rest does.
	s.send(1500).out("A 41+1000 ack 1").quiet().in("A 1 ack 1041").out("PA 1041+500")
	// A FIN does not wait either.
	s.send(10).quiet().do((*TCB).Shutdown).out("FPA 1541+10 ack 1")

	s = talking(t, nagle)
	s.do(func(t *TCB, now mono.Time) { t.SetNoDelay(now, true) })
	s.send(10).out("PA 1+10 ack 1").send(10).out("PA 11+10 ack 1")
	// Turned off while something waits, it lets that go.
	s = talking(t, nagle).send(10).out("PA 1+10 ack 1").send(10).quiet()
	s.do(func(t *TCB, now mono.Time) { t.SetNoDelay(now, true) }).out("PA 11+10 ack 1")
}

// Our default is that of net.TCPConn: no Nagle.
func TestRFC9293_SHLD7_NagleIsOffByDefault(t *testing.T) {
	talking(t).send(10).out("PA 1+10 ack 1").send(10).out("PA 11+10 ack 1")
}

// Send takes what there is room for, and more as the peer acknowledges.
func TestSendBuffer(t *testing.T) {
	s := talking(t)
	s.do(func(t *TCB, now mono.Time) { t.SetSendBuffer(now, 1500) })
	if n := s.tcb.Send(s.now, make([]byte, 5000)); n != 1500 {
		t.Fatalf("Send took %d octets, want 1500", n)
	}
	s.collect().ready(0, Writable)
	s.in("A 1 ack 1001").ready(Writable, 0)
	if n := s.tcb.Send(s.now, make([]byte, 5000)); n != 1000 {
		t.Fatalf("Send took %d octets, want 1000", n)
	}
}

// Peek leaves the octets where they are.
func TestPeek(t *testing.T) {
	s := talking(t)
	s.in("A 1+100 ack 1").in("A 101+100 ack 1").ignore()
	b := make([]byte, 50)
	if n := s.tcb.Peek(b, 80); n != 50 || !bytes.Equal(b, peerOctets(81, 50)) {
		t.Errorf("Peek gave %d octets, or other ones", n)
	}
	if n := s.tcb.Peek(b, 180); n != 20 {
		t.Errorf("Peek gave %d octets at the end, want 20", n)
	}
	if n := s.tcb.Peek(b, 200); n != 0 {
		t.Errorf("Peek gave %d octets beyond the end", n)
	}
	s.receive(200)
}

// MUST-30: urgent data; MUST-31: of any length; MUST-32: the application is told;
// MUST-33: it can learn how much there is.
func TestRFC9293_MUST33_UrgentData(t *testing.T) {
	s := talking(t)
	s.in("UPA 1+10 ack 1 urg 3000").ready(HasUrgent|Readable, 0)
	if got := s.tcb.Urgent(); got != 3000 {
		t.Errorf("%d octets of urgent data are ahead, want 3000", got)
	}
	s.receive(10)
	if got := s.tcb.Urgent(); got != 2990 {
		t.Errorf("%d octets of urgent data are ahead, want 2990", got)
	}
	s.in("PA 11+2990 ack 1").receive(2990).ready(0, HasUrgent)
	// All of it came in line (RFC 6093 §6).
	if !bytes.Equal(s.read, peerOctets(1, 3000)) {
		t.Error("other octets were delivered than were sent")
	}
}

// MUST-62: "the urgent pointer MUST point to the sequence number of the octet
// following the urgent data".
func TestRFC9293_MUST62_UrgentPointer(t *testing.T) {
	s := talking(t)
	s.do(func(t *TCB, now mono.Time) { t.SendUrgent(now, make([]byte, 1500)) })
	s.out("AU 1+1000 ack 1 urg 1500").out("PAU 1001+500 ack 1 urg 500")
	s.send(10).out("PA 1501+10 ack 1")
	s.in("A 1 ack 1511").send(10).out("PA 1511+10 ack 1")
}

// MUST-66: "A TCP receiver MUST process the RST and URG fields of all incoming
// segments, even when the receive window is zero."
func TestRFC9293_MUST66_ZeroWindow(t *testing.T) {
	full := func(t *testing.T) *story {
		s := talking(t, func(s *story) { s.cfg.ReceiveBuffer = Buffer{1000, 1000} })
		return s.in("A 1+1000 ack 1").out("A 1 ack 1001 win 0")
	}
	full(t).in("RA 1001 ack 1").fails(ReasonReset)
	full(t).in("UA 1001 ack 1 urg 5").ready(HasUrgent, 0)
	s := full(t)
	s.in("UPA 1001+10 ack 1 urg 5").out("A 1 ack 1001 win 0").ready(HasUrgent, 0)
	// "Special allowance should be made to accept valid ACKs": one on a window probe.
	s = full(t)
	s.send(100).out("PA 1+100 ack 1001").in("A 1001+1 ack 101").out("A 101 ack 1001 win 0")
	if got := s.tcb.Info().SendQueued; got != 0 {
		t.Errorf("%d octets are still thought to be unacknowledged", got)
	}
}
