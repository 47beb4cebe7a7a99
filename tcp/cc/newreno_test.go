package cc

import (
	"testing"
	"time"
)

// RFC 6928 §2: "min (10*MSS, max (2*MSS, 14600))".
func TestInitialWindow(t *testing.T) {
	for _, c := range []struct {
		name          string
		mss, segments int
		want          int
	}{
		{"ethernet", 1460, 0, 14600},
		{"timestamps", 1448, 0, 14480},
		{"small", 536, 0, 5360},
		{"jumbo", 8960, 0, 17920},
		{"a link of memory", 65483, 0, 130966},
		{"chosen", 1460, 4, 5840},
		{"unknown segment", 0, 0, 5360},
	} {
		for _, name := range names {
			s, err := New(name, Params{MSS: c.mss, InitialWindow: c.segments})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Window(); got != c.want {
				t.Errorf("%s, %s: window = %d, want %d", c.name, name, got, c.want)
			}
		}
	}
}

func TestInitialWindowFollowsTheHandshake(t *testing.T) {
	s := tell(t, "newreno", Params{MSS: 1460})
	// The peer's SYN names a smaller segment than we assumed.
	s.c.SetMSS(1000)
	s.wantWindow(10000)
	// Once data is under way a path MTU that shrinks changes no octet of the window.
	s.c.Sent(s.now, 1000, 1000, 0)
	s.c.SetMSS(500)
	s.wantWindow(10000)
}

func TestRenoSlowStart(t *testing.T) {
	s := tell(t, "newreno", Params{})
	// RFC 5681 §3.1: "During slow start, a TCP increments cwnd by at most SMSS bytes
	// for each ACK received that cumulatively acknowledges new data."
	s.ack(seg)
	s.wantWindow(11 * seg)
	// RFC 3465 §2.2: cwnd grows by what is acknowledged, at most L*SMSS with L = 2,
	// so a delayed acknowledgement counts for both of its segments.
	s.ack(2 * seg)
	s.wantWindow(13 * seg)
	s.ack(5 * seg)
	s.wantWindow(15 * seg)
	// RFC 3465 §1: a receiver that acknowledges ten times within a segment gains
	// no more than one that does it once.
	for range 10 {
		s.ack(seg / 10)
	}
	s.wantWindow(16 * seg)
	s.wantPhase("slow start")
}

func TestRenoLossAndAvoidance(t *testing.T) {
	s := tell(t, "newreno", Params{})
	s.round()
	s.wantWindow(20 * seg)
	// RFC 5681 §3.2: "ssthresh MUST be set to no more than the value given in
	// equation (4)": max (FlightSize / 2, 2*SMSS).
	s.lose(20 * seg)
	s.wantSsthresh(10 * seg)
	s.wantWindow(10 * seg)
	// RFC 6582 §3.2: cwnd does not open while recovery goes on.
	s.ack(seg)
	s.wantWindow(10 * seg)
	// RFC 5681 §3.2: "When the next ACK arrives that acknowledges previously
	// unacknowledged data, a TCP MUST set cwnd to ssthresh".
	s.recovered()
	s.wantWindow(10 * seg)
	s.wantPhase("congestion avoidance")
	// RFC 5681 §3.1: "During congestion avoidance, cwnd is incremented by roughly 1
	// full-sized segment per round-trip time (RTT)."
	for i := range 5 {
		s.round()
		s.wantWindow((11 + i) * seg)
	}
}

func TestRenoFloor(t *testing.T) {
	s := tell(t, "newreno", Params{})
	// RFC 5681 §3.1 (4): never below two segments by loss.
	for range 10 {
		s.lose(s.c.Window())
		s.recovered()
	}
	s.wantWindow(2 * seg)
	// RFC 3168 §6.1.2: marks go on until the window is one segment.
	for range 10 {
		s.mark(s.c.Window())
		s.recovered()
	}
	s.wantWindow(seg)
	s.wantSsthresh(2 * seg)
}

func TestRenoMark(t *testing.T) {
	s := tell(t, "newreno", Params{})
	// RFC 8511 §3: in slow start a mark counts as a loss.
	s.round()
	s.mark(20 * seg)
	s.wantWindow(10 * seg)
	s.recovered()
	// RFC 8511 §3: "ssthresh = FlightSize * beta_{ecn}", 0.8, in congestion avoidance.
	s.mark(10 * seg)
	s.wantWindow(8 * seg)
	s.wantSsthresh(8 * seg)
}

func TestRenoTimeout(t *testing.T) {
	s := tell(t, "newreno", Params{})
	s.round()
	// RFC 5681 §3.1: "upon a timeout (…) cwnd MUST be set to no more than the loss
	// window, LW, which equals 1 full-sized segment".
	s.timeout(1, 20*seg)
	s.wantWindow(seg)
	s.wantSsthresh(10 * seg)
	// RFC 5681 §3.1: if the segment was resent by the timer before, "the value of
	// ssthresh is held constant".
	s.timeout(2, 20*seg)
	s.wantWindow(seg)
	s.wantSsthresh(10 * seg)
	// RFC 3465 §2.3: L = 1 while slow start repairs what the timeout lost.
	s.ack(2 * seg)
	s.wantWindow(2 * seg)
	for s.c.Window() < 10*seg {
		s.ack(seg)
	}
	s.wantPhase("congestion avoidance")
	s.ack(seg)
	s.wantWindow(10 * seg)
}

func TestRenoSynTimeout(t *testing.T) {
	s := tell(t, "newreno", Params{})
	// RFC 5681 §3.1: after a lost SYN "the initial window used by a sender after a
	// correctly transmitted SYN MUST be one segment".
	s.timeout(1, 0)
	s.wantWindow(seg)
	// Nothing is known of the path: slow start may go on as far as it can.
	s.wantSsthresh(0)
	s.c.SetMSS(500)
	s.wantWindow(seg)
}

func TestRenoUndo(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(s *story)
	}{
		{"loss", func(s *story) { s.lose(20 * seg) }},
		{"timeout", func(s *story) { s.timeout(1, 20*seg) }},
		{"second timeout", func(s *story) { s.timeout(1, 20*seg); s.timeout(2, 20*seg) }},
		{"mark", func(s *story) { s.mark(20 * seg) }},
	} {
		s := tell(t, "newreno", Params{})
		s.round()
		c.do(s)
		// RFC 4015 §3.2: the window and ssthresh from before the event come back.
		s.c.Undo(s.now)
		s.wantWindow(20 * seg)
		s.wantSsthresh(0)
		// Once is enough: a second time there is nothing to take back.
		s.lose(20 * seg)
		s.c.Undo(s.now)
		s.lose(20 * seg)
		s.recovered()
		s.c.Undo(s.now)
		s.c.Undo(s.now)
		s.wantWindow(20 * seg)
	}
}

func TestRenoUndoKeepsALargerWindow(t *testing.T) {
	s := tell(t, "newreno", Params{})
	s.lose(10 * seg)
	s.recovered()
	for range 8 {
		s.round()
	}
	s.wantWindow(13 * seg)
	// RFC 9438 §4.9.2: when the detection comes long after, the current values stay.
	s.c.Undo(s.now)
	s.wantWindow(13 * seg)
}

func TestIdleRestart(t *testing.T) {
	for name, p := range map[string]Params{"asked for": {IdleRestart: true}, "unpaced": {Unpaced: true}} {
		t.Run(name, func(t *testing.T) { idleRestart(t, p) })
	}
}

func idleRestart(t *testing.T, p Params) {
	s := tell(t, "newreno", p)
	s.round()
	s.wantWindow(20 * seg)
	// RFC 5681 §4.1: "if the TCP has not sent data in an interval exceeding the
	// retransmission timeout", and not before, cwnd goes to RW = min(IW,cwnd).
	s.c.Sent(s.now, seg, seg, 300*ms)
	s.wantWindow(20 * seg)
	s.c.Sent(s.now, seg, seg, 301*ms)
	s.wantWindow(10 * seg)
	s.timeout(1, seg)
	s.c.Sent(s.now, seg, seg, time.Hour)
	s.wantWindow(seg)
}

func TestNotLimitedNotGrown(t *testing.T) {
	for _, name := range names {
		s := tell(t, name, Params{})
		for range 100 {
			a := s.base(seg)
			a.CwndLtd = false
			a.Rate.AppLimited = true
			a.Inflight = seg
			s.c.Acked(a)
		}
		// RFC 9438 §5.8: the window is not increased if a flow is application-limited.
		if name != "bbr" {
			s.wantWindow(10 * seg)
		}
	}
}
