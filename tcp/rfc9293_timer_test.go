package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// MUST-19: RFC 6298 §5.5: "The host MUST set RTO <- RTO * 2"; only the first
// segment is sent again (§5.4).
func TestRFC9293_MUST19_Backoff(t *testing.T) {
	s := talking(t)
	s.send(3000).out("A 1+1000").out("A 1001+1000").out("PA 2001+1000").quiet()
	d := s.rto()
	for range 6 {
		s.later(d, "A 1+1000 ack 1").quiet()
		d *= 2
	}
	// An acknowledgement of new data lets the rest go, in slow start.
	s.in("A 1 ack 1001").out("A 1001+1000").out("PA 2001+1000").in("A 1 ack 3001").quiet()
	s.wait(time.Hour).quiet()
}

// MUST-18: Karn's algorithm: a repeated segment gives no sample without timestamps.
func TestRFC9293_MUST18_Karn(t *testing.T) {
	s := talking(t)
	before := s.tcb.Info().SRTT
	s.send(1000).out("PA 1+1000")
	s.later(s.rto(), "PA 1+1000")
	s.wait(100 * time.Millisecond).in("A 1 ack 1001")
	if got := s.tcb.Info().SRTT; got != before {
		t.Errorf("SRTT went from %v to %v by an ambiguous ACK", before, got)
	}
	s.send(1000).out("PA 1001+1000").wait(100 * time.Millisecond).in("A 1 ack 2001")
	if got := s.tcb.Info().SRTT; got <= before {
		t.Errorf("SRTT stayed %v after a good sample of 100 ms", got)
	}
}

// MUST-20: after R1 "notify IP" (the path is in doubt), after R2 "close the
// connection"; SHLD-10: R1 is at least 3; SHLD-11: R2 is at least 100 s.
func TestRFC9293_MUST20_R1AndR2(t *testing.T) {
	s := talking(t)
	begin := s.now
	s.send(1000).out("PA 1+1000")
	for i := range s.cfg.R1 {
		s.ready(0, Doubtful).later(s.rto(), "PA 1+1000")
		_ = i
	}
	s.ready(Doubtful, 0)
	for s.tcb.State() == Established {
		s.wait(time.Second)
	}
	if d := s.now.Sub(begin); d < 100*time.Second {
		t.Errorf("the connection was given up after %v", d)
	}
	if n := s.tcb.Info().Counts.Retransmits; n != uint64(s.cfg.R2) {
		t.Errorf("%d retransmissions before giving up, want %d", n, s.cfg.R2)
	}
	s.fails(ReasonTimedOut)
	if s.cfg.R1 < 3 {
		t.Errorf("R1 is %d", s.cfg.R1)
	}
}

// An answer takes the doubt away.
func TestRFC9293_MUST20_DoubtEnds(t *testing.T) {
	s := talking(t)
	s.send(1000).ignore().wait(3*time.Second).ignore().ready(Doubtful, 0)
	s.in("A 1 ack 1001").ready(0, Doubtful)
}

// MUST-21: "An application MUST be able to set the value for R2 for a particular
// connection."
func TestRFC9293_MUST21_UserTimeout(t *testing.T) {
	s := talking(t)
	s.do(func(t *TCB, now mono.Time) { t.SetUserTimeout(now, 5*time.Second) })
	s.wait(time.Hour).quiet() // nothing is unacknowledged
	s.send(1000).out("PA 1+1000")
	s.wait(5*time.Second - 1).is(Established).ignore()
	s.wait(1).out("RA 1001 ack 1").fails(ReasonTimedOut)
	// Data that moves keeps it from ending.
	s = talking(t, func(s *story) { s.cfg.UserTimeout = 5 * time.Second })
	for at := 1; at < 20_000; at += 1000 {
		s.send(1000).wait(4 * time.Second).ignore().in(sprintf("A 1 ack %d", at+1000)).is(Established)
	}
	// A SYN has the same end.
	s = newStory(t, func(s *story) { s.cfg.UserTimeout = 5 * time.Second }).active()
	s.wait(5 * time.Second).ignore().fails(ReasonTimedOut)
}

// RFC 6429, T-52: a closed window does not outlive the user timeout.
func TestRFC9293_MUST21_UserTimeoutOfClosedWindow(t *testing.T) {
	s := full(t, func(s *story) { s.cfg.UserTimeout = 30 * time.Second })
	for range 29 {
		s.wait(time.Second).ignore().in("A 1 ack 1001 win 0").is(Established)
	}
	s.wait(time.Second).ignore().fails(ReasonTimedOut)
}

func asked(s *story) {
	s.cfg.KeepAlive = KeepAlive{Idle: 2 * time.Hour, Interval: 75 * time.Second, Count: 9}
}

// MUST-25: "keep-alives … MUST default to off."
func TestRFC9293_MUST25_KeepAliveIsOff(t *testing.T) {
	s := talking(t).wait(1000 * time.Hour).quiet().is(Established)
	if d := s.tcb.Deadline(); d != mono.Never {
		t.Errorf("an idle connection waits for %v", d)
	}
}

// MUST-26: "Keep-alive packets MUST only be sent when no sent data is outstanding,
// and no data or acknowledgment packets have been received for the connection
// within an interval"; MUST-28: it "MUST default to no less than two hours".
func TestRFC9293_MUST26_KeepAliveOnlyWhenIdle(t *testing.T) {
	s := talking(t, asked)
	s.wait(time.Hour).in("PA 1+10 ack 1").out("A 1 ack 11")
	s.later(2*time.Hour, "A 0 ack 11").in("A 11 ack 1").quiet()
	s.later(2*time.Hour, "A 0 ack 11").in("A 11 ack 1").quiet()
	// With data outstanding the retransmission timer asks instead.
	s.wait(2*time.Hour - time.Second).send(10).out("PA 1+10")
	s.later(s.rto(), "PA 1+10")
}

// MUST-24, MUST-27: on for one connection, with its own interval.
func TestRFC9293_MUST27_KeepAliveInterval(t *testing.T) {
	s := talking(t)
	s.do(func(t *TCB, now mono.Time) {
		t.SetKeepAlive(now, KeepAlive{Idle: 10 * time.Second, Interval: time.Second, Count: 3})
	})
	s.later(10*time.Second, "A 0 ack 1").later(time.Second, "A 0 ack 1").later(time.Second, "A 0 ack 1")
	s.wait(time.Second).out("RA 1 ack 1").fails(ReasonTimedOut)
	s = talking(t, asked)
	s.do(func(t *TCB, now mono.Time) { t.SetKeepAlive(now, KeepAlive{}) }).wait(1000 * time.Hour).quiet()
}

// MUST-29: "a TCP implementation … MUST NOT interpret failure to respond to any
// specific probe as a dead connection."
func TestRFC9293_MUST29_LostKeepAlive(t *testing.T) {
	s := talking(t, asked)
	s.later(2*time.Hour, "A 0 ack 1")
	for range 7 {
		s.later(75*time.Second, "A 0 ack 1")
	}
	s.in("A 1 ack 1").is(Established).quiet()
	s.wait(2*time.Hour - time.Nanosecond).quiet().wait(time.Nanosecond).out("A 0 ack 1")
}

// MUST-47: "a mechanism for reporting soft TCP error conditions to the application";
// MUST-56: unreachable codes 0, 1, 5, time exceeded and parameter problem "MUST NOT
// abort the connection".
func TestRFC9293_MUST56_SoftErrors(t *testing.T) {
	kinds := []NoticeKind{NoticeNetUnreachable, NoticeHostUnreachable, NoticeTimeExceeded, NoticeParameterProblem}
	for _, k := range kinds {
		s := newStory(t).active().out("S 0")
		s.do(func(t *TCB, now mono.Time) { t.Unreachable(now, Notice{Kind: k, Seq: s.open.ISS}) }).is(SynSent)
		if err := s.tcb.SoftErr(); err != noticeReasons[k] {
			t.Errorf("kind %d is reported as %v", k, err)
		}
		if err := s.tcb.SoftErr(); err != nil {
			t.Errorf("kind %d is reported twice", k)
		}
	}
	// If the handshake then fails, the soft error says why.
	s := newStory(t).active()
	s.do(func(t *TCB, now mono.Time) {
		t.Unreachable(now, Notice{Kind: NoticeHostUnreachable, Seq: s.open.ISS})
	})
	s.wait(time.Hour).ignore().fails(ReasonHostUnreachable)
}

// MUST-55: "Source quench … MUST silently discard".
func TestRFC9293_MUST55_SourceQuench(t *testing.T) {
	s := talking(t).send(1000).ignore()
	cwnd := s.tcb.Info().Congestion.Cwnd
	s.do(func(t *TCB, now mono.Time) {
		t.Unreachable(now, Notice{Kind: NoticeSourceQuench, Seq: s.open.ISS.Add(1)})
	}).quiet()
	if got := s.tcb.Info().Congestion.Cwnd; got != cwnd || s.tcb.SoftErr() != nil {
		t.Error("a source quench had an effect")
	}
}

// RFC 5681 §3.1: "during slow start, a TCP increments cwnd by at most SMSS bytes for each
// ACK received that cumulatively acknowledges new data", also after a timeout, when all
// that waits are octets to send again: a window is repaired in a few round trips.
func TestTimeoutIsFollowedBySlowStart(t *testing.T) {
	s := talking(t).send(10_000).ignore().wait(300 * time.Millisecond).out("A 1+1000").quiet()
	s.wait(10 * time.Millisecond).in("A 1 ack 1001").out("A 1001+1000").out("A 2001+1000").quiet()
	s.wait(10 * time.Millisecond).in("A 1 ack 3001").out("A 3001+1000").out("A 4001+1000").out("A 5001+1000")
}
