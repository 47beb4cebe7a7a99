package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// full returns a story in which the peer's window is closed, everything that was
// sent is acknowledged, and 3000 octets wait.
func full(t testing.TB, change ...func(s *story)) *story {
	t.Helper()
	s := talkingWith(t, "win 1000 <mss 1000>", change...)
	return s.send(4000).out("A 1+1000 ack 1").in("A 1 ack 1001 win 0").quiet()
}

// MUST-35, MUST-36: "The sending TCP peer must be prepared to accept … and send at
// least one octet of new data"; SHLD-29: "the first zero-window probe when a zero
// window has existed for the retransmission timeout period"; SHLD-30: "increase
// exponentially the interval between successive probes".
func TestRFC9293_MUST36_ZeroWindowProbe(t *testing.T) {
	s := full(t)
	d := s.rto()
	for range 5 {
		s.later(d, "A 1001+1 ack 1")
		s.in("A 1 ack 1001 win 0").quiet()
		d *= 2
	}
	// The window opens: what waited leaves at once.
	s.in("A 1 ack 1001 win 5000").out("A 1001+1000").out("A 2001+1000").out("PA 3001+1000").quiet()
}

// The octet of a probe may be taken; it then counts as sent.
func TestRFC9293_MUST35_ProbeIsTaken(t *testing.T) {
	s := full(t)
	s.later(s.rto(), "A 1001+1 ack 1")
	s.in("A 1 ack 1002 win 0").quiet()
	s.wait(time.Second).out("A 1002+1 ack 1").ignore()
	s.in("A 1 ack 1003 win 10000").out("A 1003+1000").out("A 2003+1000").out("PA 3003+998").quiet()
	s.in("A 1 ack 4001 win 10000").quiet().wait(time.Hour).quiet()
}

// The FIN too is probed with, when it is all that waits.
func TestRFC9293_MUST36_ProbeWithFIN(t *testing.T) {
	s := talkingWith(t, "win 1000 <mss 1000>")
	s.send(1000).out("PA 1+1000 ack 1").in("A 1 ack 1001 win 0").do((*TCB).Shutdown).quiet()
	s.later(s.rto(), "FA 1001 ack 1")
	s.in("A 1 ack 1002 win 0").quiet().is(FinWait2)
}

// MUST-37: "as long as the receiving TCP peer continues to send acknowledgments in
// response to the probe segments, the sending TCP peer MUST allow the connection
// to stay open". The interval ends at MaxProbe.
func TestRFC9293_MUST37_ZeroWindowForEver(t *testing.T) {
	s := full(t)
	probes := 0
	for end := s.now.Add(24 * time.Hour); s.now < end; {
		s.wait(s.tcb.Deadline().Sub(s.now))
		if len(s.outs) > 0 {
			probes++
			s.out("A 1001+1 ack 1").in("A 1 ack 1001 win 0").quiet()
		}
	}
	s.is(Established)
	if probes < 24*60-1 || probes > 24*60+20 {
		t.Errorf("%d probes in a day, want one a minute", probes)
	}
}

// A peer that does not answer probes is given up.
func TestRFC9293_MUST37_SilentPeer(t *testing.T) {
	s := full(t)
	s.wait(time.Hour)
	probes := len(s.outs) - 1 // the last is a reset
	if probes != s.cfg.R2+1 {
		t.Errorf("%d probes were sent, want %d", probes, s.cfg.R2+1)
	}
	s.ignore().fails(ReasonTimedOut)
}

// MUST-34: "a TCP sender MUST be robust against window shrinking, which may cause
// the 'usable window' to become negative"; SHLD-15: "the sender SHOULD NOT send new
// data"; SHLD-16: "SHOULD retransmit normally the old unacknowledged data".
func TestRFC9293_MUST34_ShrinkingWindow(t *testing.T) {
	s := talkingWith(t, "win 5000 <mss 1000>")
	s.send(8000)
	for i := range 5 {
		s.out(sprintf("A %d+1000 ack 1", 1+1000*i))
	}
	s.in("A 1 ack 1001 win 1000").quiet()
	s.later(s.rto(), "A 1001+1000 ack 1").quiet()
	s.in("A 1 ack 2001 win 0").ignore()
	// SHLD-17: "SHOULD NOT time out the connection if data beyond the right window
	// edge is not acknowledged", as long as the peer answers.
	for range 100 {
		s.wait(2 * time.Minute).ignore()
		s.in("A 1 ack 2001 win 0").ignore()
	}
	s.is(Established)
	s.in("A 1 ack 2001 win 60000").wait(3 * time.Minute).ignore()
	for at := 3001; at <= 8001; at += 1000 {
		s.in(sprintf("A 1 ack %d win 60000", at)).ignore()
	}
	if s.tcb.Info().SndNxt != s.open.ISS.Add(8001) {
		t.Errorf("after the window came back only %d octets were sent", s.tcb.Info().SndNxt.Sub(s.open.ISS)-1)
	}
}

// MUST-38: "A TCP implementation MUST include a SWS avoidance algorithm in the
// sender": less than a segment is sent only if it is everything, or half of the
// largest window.
func TestRFC9293_MUST38_SenderAvoidsSillyWindows(t *testing.T) {
	s := talkingWith(t, "win 10000 <mss 1000>")
	s.in("A 1 ack 1 win 10000").send(10_000).ignore()
	s.in("A 1 ack 10001 win 300").send(5000).quiet()
	// "The override timeout": after a while the sender sends what fits.
	s.later(s.rto(), "A 10001+300 ack 1")

	s = talkingWith(t, "win 1000 <mss 1000>")
	s.send(1000).ignore().in("A 1 ack 1001 win 500").send(5000).out("A 1001+500 ack 1").quiet()
	s.in("A 1 ack 1501 win 499").quiet()
}

// MUST-39: "A TCP implementation MUST include a SWS avoidance algorithm in the
// receiver": the window moves on by a segment or half of the buffer.
func TestRFC9293_MUST39_ReceiverAvoidsSillyWindows(t *testing.T) {
	s := talking(t, func(s *story) { s.cfg.ReceiveBuffer = Buffer{4000, 4000} })
	s.in("A 1+4000 ack 1").out("A 1 ack 4001 win 0")
	one := make([]byte, 100)
	for taken := 100; taken < 1400; taken += 100 {
		s.do(func(t *TCB, now mono.Time) { t.Receive(now, one) })
		s.in("A 4001+1 ack 1").out("A 1 ack 4001 win 0").quiet() // a probe is told the same
	}
	s.do(func(t *TCB, now mono.Time) { t.Receive(now, one); t.Receive(now, one) })
	s.in("A 4001+1 ack 1").out("A 1 ack 4001 win 1500") // 1460 is our MSS
}

// When the user makes much room the peer is told without being asked.
func TestWindowUpdate(t *testing.T) {
	s := talking(t, func(s *story) { s.cfg.ReceiveBuffer = Buffer{4000, 4000} })
	s.in("A 1+4000 ack 1").out("A 1 ack 4001 win 0")
	s.receive(4000).out("A 1 ack 4001 win 4000").quiet()
	s.in("A 4001+1000 ack 1").out("A 1 ack 5001 win 3000").receive(1000).quiet()
}

// SHLD-14: "A TCP receiver SHOULD NOT shrink the window, i.e., move the right
// window edge to the left." Nor does a smaller buffer.
func TestRFC9293_SHLD14_RightEdgeStays(t *testing.T) {
	s := talking(t, func(s *story) { s.cfg.ReceiveBuffer = Buffer{10_000, 10_000} })
	s.in("A 1+1000 ack 1").out("A 1 ack 1001 win 9000")
	s.do(func(t *TCB, now mono.Time) { t.SetReceiveBuffer(now, 2000) }).quiet()
	s.in("A 1001+1000 ack 1").out("A 1 ack 2001 win 8000")
	s.in("A 2001+8000 ack 1").out("A 1 ack 10001 win 0").receive(10_000).out("A 1 ack 10001 win 2000")
}

// A window that the scale cannot express exactly does not move the edge back.
func TestRFC7323_EdgeStaysDespiteScale(t *testing.T) {
	s := newStory(t).active().ignore().in("SA 0 ack 1 <mss 1000 ws 0>").ignore()
	edge := 0
	for at := 1; at < 60_000; at += 999 {
		s.in(sprintf("A %d+999 ack 1", at))
		e := s.outs[0].Ack.Sub(s.irs) + int(s.outs[0].Window)<<7
		if e < edge {
			t.Fatalf("the edge moved from %d back to %d", edge, e)
		}
		edge = e
		s.ignore()
	}
}

// The receive buffer grows while the user keeps up, and so the window.
func TestReceiveBufferGrows(t *testing.T) {
	p := established(t)
	p.transfer(client, pattern(8<<20), time.Minute)
	if got := p.end[server].Info().ReceiveBuffer; got <= p.cfg[server].ReceiveBuffer.Initial || got > p.cfg[server].ReceiveBuffer.Max {
		t.Errorf("the buffer is %d octets after a long transfer, between %+v", got, p.cfg[server].ReceiveBuffer)
	}
	if got := p.end[client].Info().SendBuffer; got < p.cfg[client].SendBuffer.Initial || got > p.cfg[client].SendBuffer.Max {
		t.Errorf("the send buffer is %d octets, between %+v", got, p.cfg[client].SendBuffer)
	}
}

// One that does not read gets no more than the first buffer.
func TestReceiveBufferOfIdleUserDoesNotGrow(t *testing.T) {
	p := established(t)
	data := pattern(4 << 20)
	for len(data) > 0 && p.now < mono.Time(time.Minute) {
		data = data[p.write(client, data):]
		p.pass(100 * time.Millisecond)
	}
	if i := p.end[server].Info(); i.ReceiveQueued > i.ReceiveBuffer+i.ReceiveBuffer/4 || i.ReceiveBuffer != p.cfg[server].ReceiveBuffer.Initial {
		t.Errorf("%d octets wait in a buffer of %d", i.ReceiveQueued, i.ReceiveBuffer)
	}
}

// SetReceiveBuffer and SetSendBuffer fix the size.
func TestFixedBuffersDoNotGrow(t *testing.T) {
	p := established(t)
	p.end[client].SetSendBuffer(p.now, 100_000)
	p.end[server].SetReceiveBuffer(p.now, 100_000)
	p.transfer(client, pattern(4<<20), time.Minute)
	if a, b := p.end[client].Info().SendBuffer, p.end[server].Info().ReceiveBuffer; a != 100_000 || b != 100_000 {
		t.Errorf("the buffers grew to %d and %d", a, b)
	}
}

// A segment that is sent again has an old number and the newest acknowledgement:
// its window belongs to that.
func TestWindowOfRepeatedSegment(t *testing.T) {
	s := talkingWith(t, "win 2000 <mss 1000>")
	s.send(5000).out("A 1+1000 ack 1").out("A 1001+1000 ack 1").quiet()
	s.in("A 101+100 ack 1001 win 1000").out("A 2001 ack 1").quiet() // its text is early
	s.in("A 1+100 ack 2001 win 0").out("A 2001 ack 201").quiet()
	if got := s.tcb.Info().SndWnd; got != 0 {
		t.Errorf("SND.WND is %d, want 0", got)
	}
}
