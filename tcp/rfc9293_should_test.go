package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// SHLD-1: "ISN = M + F(localip, localport, remoteip, remoteport, secretkey)", M a
// clock of 4 microseconds.
func TestRFC9293_SHLD1_ClockPlusFunction(t *testing.T) {
	key, tuple := [16]byte{1, 2, 3}, []byte("a tuple")
	first := ISN(key, 0, tuple)
	for _, d := range []time.Duration{4 * time.Microsecond, time.Second, 5 * time.Hour} {
		if got, want := ISN(key, mono.Time(d), tuple), first.Add(int(uint32(d/(4*time.Microsecond)))); got != want {
			t.Errorf("after %v: %d, want %d", d, got, want)
		}
	}
	if ISN(key, 0, []byte("another")) == first || ISN([16]byte{9}, 0, tuple) == first {
		t.Error("the function does not depend on tuple and key")
	}
}

// SHLD-4: with timestamps a SYN whose TSval is larger reopens, whatever its number (RFC 6191 §2).
func TestRFC9293_SHLD4_TimestampsShortenTimeWait(t *testing.T) {
	s, w := waited(t, "<ts 1000/0>")
	old := wire.Segment{Seq: w.rcvNxt.Add(-5000), Flags: wire.SYN}
	old.Options.Has = wire.HasTimestamp
	var out wire.Segment
	old.Options.TSVal = w.tsRecent + 1
	if v := w.Arrive(s.now, &old, &out); v != Reopen {
		t.Errorf("a SYN with a newer timestamp and an old number: %v, want Reopen", v)
	}
	old.Options.TSVal = w.tsRecent - 1
	if v := w.Arrive(s.now, &old, &out); v == Reopen {
		t.Error("a SYN with an older timestamp reopens")
	}
}

// SHLD-10: R1 "SHOULD correspond to at least 3 retransmissions"; SHLD-11: R2 to at
// least 100 seconds.
func TestRFC9293_SHLD10_R1(t *testing.T) { TestRFC9293_MUST20_R1AndR2(t) }

// See TestRFC9293_MUST20_R1AndR2: the connection lasts longer than 100 seconds.
func TestRFC9293_SHLD11_R2(t *testing.T) { TestRFC9293_MUST20_R1AndR2(t) }

// SHLD-16: "SHOULD retransmit normally the old unacknowledged data between SND.UNA and
// SND.UNA+SND.WND"; SHLD-17: it "SHOULD NOT time out the connection if data beyond
// the right window edge is not acknowledged".
func TestRFC9293_SHLD16_OldDataGoesOnInAShrunkenWindow(t *testing.T) {
	s := talking(t)
	s.send(3000).out("A 1+1000").out("A 1001+1000").out("PA 2001+1000").quiet()
	s.in("A 1 ack 1 win 1000").quiet() // the peer takes back two thirds
	s.later(s.rto(), "A 1+1000 ack 1")
	s.in("A 1 ack 1001 win 0")
	for range 40 { // twenty minutes of a closed window, every probe answered
		s.wait(30 * time.Second).ignore().in("A 1 ack 1001 win 0")
	}
	if got := s.tcb.State(); got != Established {
		t.Fatalf("the connection is %v", got)
	}
}

// See above: the connection lives while the peer answers.
func TestRFC9293_SHLD17_NoTimeoutBeyondTheWindow(t *testing.T) {
	TestRFC9293_SHLD16_OldDataGoesOnInAShrunkenWindow(t)
}

// MUST-32: the user is told when urgent data is announced, before it is there.
func TestRFC9293_MUST32_UrgentIsAnnounced(t *testing.T) {
	s := talking(t)
	s.ready(0, HasUrgent)
	seg := wire.Segment{Seq: s.tcb.rcv.nxt, Ack: s.tcb.snd.nxt, Flags: wire.ACK | wire.URG, Urgent: 500, Window: 1000}
	s.tcb.Arrive(s.now, &seg)
	s.ready(HasUrgent, 0)
	if got := s.tcb.Urgent(); got != 500 {
		t.Errorf("%d urgent octets are announced, want 500", got)
	}
}

// Nothing is urgent for a user who reads no more, nor after the end of the stream.
func TestUrgentDataThatNobodyReads(t *testing.T) {
	s := talking(t)
	s.in("UPA 1+10 ack 1 urg 3000").do((*TCB).CloseRead).ready(0, HasUrgent)
	s.in("UPA 11+10 ack 1 urg 3000").ready(0, HasUrgent)

	s = talking(t)
	s.in("UPA 1+10 ack 1 urg 10").do((*TCB).Abort).ready(0, HasUrgent)

	s = talking(t) // the peer ends before the urgent data that it announced
	s.in("UPA 1+10 ack 1 urg 3000").in("FA 11 ack 1").ready(HasUrgent, 0)
	if got := s.tcb.Urgent(); got != 10 {
		t.Errorf("%d octets are urgent, want the 10 that came", got)
	}
	s.receive(10).ready(0, HasUrgent)
	s = talking(t)
	s.in("UA 1 ack 1 urg 3000").in("FA 1 ack 1").ready(0, HasUrgent)
}
