package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// MUST-4: "A TCP implementation MUST support the MSS option"; MUST-5: options in
// any segment; MUST-65: "the MSS option … MUST only be sent in the initial
// connection request".
func TestRFC9293_MUST5_OptionsInAnySegment(t *testing.T) {
	s := talking(t)
	s.in("PA 1+10 ack 1 <mss 7 ws 3 sackOK>").out("A 1 ack 11 <>")
	if got := s.tcb.Info().PeerMSS; got != 1000 {
		t.Errorf("an MSS option outside of the SYN changed the MSS to %d", got)
	}
}

// MUST-65: over a whole connection the MSS, like what else is negotiated, is on SYNs only.
func TestRFC9293_MUST65_MSSOnlyOnSYN(t *testing.T) {
	only := wire.HasMSS | wire.HasScale | wire.HasSACKPermitted
	syns := 0
	p := newPair(t, func(p *pair) {
		p.seen = func(from int, seg *wire.Segment) {
			has := seg.Options.Has & only
			if seg.Flags&wire.SYN != 0 {
				syns++
			}
			if seg.Flags&wire.SYN != 0 && has != only || seg.Flags&wire.SYN == 0 && has != 0 {
				t.Errorf("options %06b on a segment with flags %03x", has, seg.Flags)
			}
		}
	})
	p.pass(time.Second)
	p.transfer(client, pattern(50_000), time.Minute)
	p.end[client].Close(p.now)
	p.drain(client)
	p.pass(time.Second)
	p.end[server].Close(p.now)
	p.drain(server)
	p.pass(time.Minute)
	if syns != 2 {
		t.Errorf("%d SYNs were sent, want 2", syns)
	}
}

// MUST-67: "The MSS value to be sent in an MSS Option should be equal to the
// effective MTU minus the fixed IP and TCP headers": what the opening says, and
// options are not taken off (RFC 6691).
func TestRFC9293_MUST67_MSSOption(t *testing.T) {
	newStory(t, func(s *story) { s.open.RecvMSS = 1440 }).active().
		out("S 0 <mss 1440 ws 7 sackOK ts 1000/0>")
}

// MUST-10: "Simultaneous open attempts MUST be supported." RFC 9293 §3.5, Figure 8.
func TestRFC9293_MUST10_SimultaneousOpen(t *testing.T) {
	s := newStory(t).active().out("S 0 <mss 1460 ws 7 sackOK ts 1000/0>")
	s.in("S 0 win 5000 <mss 1000 ws 2>").is(SynReceived)
	// What only one end offered is off: no timestamps, no SACK.
	s.out("SA 0 ack 1 <mss 1460 ws 7>")
	s.in("SA 0 ack 1 win 6000").is(Established)
	s.out("A 1 ack 1").quiet()
	s.send(500).out("PA 1+500 ack 1")
	s.in("PA 1+10 ack 501").receive(10)
}

// Both ends of a pair open at once; both must end in ESTABLISHED and talk.
func TestRFC9293_MUST10_SimultaneousOpenOfTwo(t *testing.T) {
	p := newPair(t)
	p.end[server] = Connect(p.now, &p.cfg[server], p.open[server])
	p.drain(server)
	p.pass(time.Second)
	for i, e := range p.end {
		if e.State() != Established {
			t.Fatalf("end %d is in %v", i, e.State())
		}
	}
	if got := p.transfer(server, pattern(10_000), time.Minute); len(got) != 10_000 {
		t.Errorf("%d octets arrived", len(got))
	}
}

// MUST-11: "A TCP implementation MUST keep track of whether a connection has
// reached SYN-RECEIVED state as the result of a passive OPEN or an active OPEN."
func TestRFC9293_MUST11_OriginOfSynReceived(t *testing.T) {
	newStory(t).passive("S 0").out("SA 0 ack 1").in("R 1").fails(ReasonReset)
	newStory(t).active().out("S 0").in("S 0").out("SA 0 ack 1").in("R 1").fails(ReasonRefused)
}

// RFC 9293 §3.10.7.3: a reset is believed in SYN-SENT only with an ACK of our SYN.
func TestRFC9293_ResetInSynSent(t *testing.T) {
	newStory(t).active().ignore().in("RA 0 ack 1").fails(ReasonRefused)
	s := newStory(t).active().ignore()
	s.in("RA 0 ack 2").quiet().is(SynSent)
	s.in("RA 0 ack 0").quiet().is(SynSent)
	s.in("R 1").quiet().is(SynSent)
}

// RFC 9293 §3.5.1, Figure 9: an old duplicate SYN is answered, the reset that
// follows from the other end's view returns us to where we were.
func TestRFC9293_HalfOpenDiscovery(t *testing.T) {
	// We are in SYN-SENT; the peer still has an old connection and acknowledges that.
	s := newStory(t).active().out("S 0")
	s.in("A 300 ack 100").out("R 100").is(SynSent)
	// Our SYN again finds the peer ready.
	s.wait(time.Second).out("S 0").in("SA 400 ack 1").out("A 1 ack 401").is(Established)
}

// RFC 9293 §3.10.7.3: text that comes with the SYN-ACK is processed.
func TestRFC9293_TextWithSYNACK(t *testing.T) {
	s := newStory(t).active().out("S 0")
	s.in("SAP 0+5 ack 1 <mss 1000>").is(Established).out("A 1 ack 6").quiet()
	s.receive(5)
	// Even a FIN may be in it.
	s = newStory(t).active().out("S 0")
	s.in("SAF 0+5 ack 1").is(CloseWait).out("A 1 ack 7").receive(5).ready(ReadClosed, Readable)
}

// MUST-22: "excessive retransmission of the SYN": the thresholds apply to it;
// MUST-23: "R2 for a SYN segment MUST be set large enough to provide
// retransmission of the segment for at least 3 minutes."
func TestRFC9293_MUST23_SYNForThreeMinutes(t *testing.T) {
	s := newStory(t).active().out("S 0")
	begin := s.now
	// RFC 6298 §5.5: "The host MUST set RTO <- RTO * 2".
	for d := time.Second; d <= 64*time.Second; d *= 2 {
		s.later(d, "S 0")
	}
	s.wait(119 * time.Second).quiet().is(SynSent)
	s.wait(time.Second).quiet().fails(ReasonTimedOut)
	if d := s.now.Sub(begin); d < 3*time.Minute {
		t.Errorf("the SYN was given up after %v", d)
	}
}

// The SYN-ACK too is sent again, and given up after SynAckRetries.
func TestRFC9293_MUST22_SYNACKIsRepeated(t *testing.T) {
	s := newStory(t).passive("S 0").out("SA 0 ack 1")
	for i := range s.cfg.SynAckRetries {
		s.later(time.Second<<i, "SA 0 ack 1")
	}
	s.wait(2 * time.Minute).quiet().fails(ReasonTimedOut)
}

// RFC 6298 §5.7: "If the timer expires awaiting the ACK of a SYN segment … the
// RTO MUST be re-initialized to 3 seconds when data transmission begins."
func TestRFC6298_ThreeSecondsAfterLostSYN(t *testing.T) {
	s := newStory(t).active().out("S 0").later(time.Second, "S 0")
	s.in("SA 0 ack 1 <mss 1000>").out("A 1 ack 1")
	s.send(10).out("PA 1+10").later(3*time.Second, "PA 1+10")
}

// MUST-15: "If an MSS Option is not received at connection setup, TCP
// implementations MUST assume a default send MSS of 536 (576 - 40) for IPv4 or
// 1220 (1280 - 60) for IPv6."
func TestRFC9293_MUST15_DefaultMSS(t *testing.T) {
	for _, d := range []int{536, 1220} {
		s := talkingWith(t, "win 65535", func(s *story) { s.open.DefaultMSS = d })
		s.send(2 * d)
		for i := range 2 {
			if got := s.outs[i].Payload.Len(); got != d {
				t.Errorf("segment %d has %d octets, want %d", i, got, d)
			}
		}
	}
}

// MUST-14: "TCP endpoints MUST implement both sending and receiving the MSS
// Option"; MUST-16: "The maximum size of a segment that a TCP endpoint really
// sends, the 'effective send MSS', MUST be the smaller of the send MSS and the
// largest transmission size permitted by the IP layer", options counted.
func TestRFC9293_MUST16_EffectiveMSS(t *testing.T) {
	for _, c := range []struct {
		name       string
		path, peer string
		send       int
		want       string
	}{
		{"the peer's MSS", "1460", "win 65535 <mss 1000>", 3000, "A 1+1000 ack 1"},
		{"the path", "700", "win 65535 <mss 1000>", 3000, "A 1+700 ack 1"},
		{"timestamps counted", "1460", "win 65535 <mss 1000 ts 1/1000>", 3000, "A 1+988 ack 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.open.SendMSS = s.number(c.path)
			s.active().ignore().in("SA 0 ack 1 " + c.peer).ignore()
			s.send(c.send).out(c.want)
		})
	}
}

// MUST-16: a SACK option takes from the payload of the segment that carries it.
func TestRFC9293_MUST16_SACKCounted(t *testing.T) {
	s := talkingWith(t, "win 65535 <mss 1000 sackOK>")
	s.in("A 101+100 ack 1").out("A 1 ack 1 <sack 101-201>")
	s.in("A 301+100 ack 1").out("A 1 ack 1 <sack 301-401 sack 101-201>")
	// 4 octets and 8 for each of two blocks.
	s.send(1000).out("A 1+980 ack 1 <sack 301-401 sack 101-201>").out("PA 981+20 ack 1")
}

// MUST-20 ff. begin with data; before, a SYN that nobody answers can be given up.
func TestRFC9293_CloseInSynSent(t *testing.T) {
	s := newStory(t).active().ignore()
	s.do((*TCB).Close).quiet().fails(ReasonAborted)
}

// RFC 9293 §3.10.4: a close before the handshake is done waits for it.
func TestRFC9293_CloseInSynReceived(t *testing.T) {
	s := newStory(t).passive("S 0").out("SA 0 ack 1")
	s.do((*TCB).Shutdown).quiet().is(SynReceived)
	s.in("A 1 ack 1").is(FinWait1).out("FA 1 ack 1")
}

// Data that was sent before the handshake is done leaves after it, in order.
func TestRFC9293_SendBeforeEstablished(t *testing.T) {
	s := newStory(t).active().out("S 0")
	s.ready(0, Connected|Writable)
	s.send(1500).quiet()
	s.do(func(t *TCB, now mono.Time) { t.Shutdown(now) }).quiet()
	s.in("SA 0 ack 1 <mss 1000>").out("A 1+1000 ack 1").out("FPA 1001+500 ack 1").quiet().is(FinWait1)
}

// StrictOpen refuses what firewalls refuse: a SYN in answer to a SYN.
func TestStrictOpenRefusesSimultaneousOpen(t *testing.T) {
	s := newStory(t, func(s *story) { s.cfg.StrictOpen = true }).active().ignore()
	s.in("S 0").quiet().is(SynSent)
	s.in("SA 0 ack 1").out("A 1 ack 1").is(Established)
}

// RFC 7323 §2.2: the scale of both, or of none; the window of a SYN is never scaled.
func TestRFC7323_WindowScale(t *testing.T) {
	s := newStory(t).active().out("S 0 win 65535 <mss 1460 ws 7 sackOK ts 1000/0>")
	s.in("SA 0 ack 1 win 1000 <mss 1000 ws 3>").out("A 1 ack 1 win 1024")
	if got := s.tcb.Info().SndWnd; got != 1000 {
		t.Errorf("the window of the SYN-ACK was taken for %d octets", got)
	}
	s.in("A 1 ack 1 win 1000")
	if got := s.tcb.Info().SndWnd; got != 8000 {
		t.Errorf("a window of 1000, shifted by 3, was taken for %d octets", got)
	}
	s = newStory(t).active().ignore().in("SA 0 ack 1 win 1000").out("A 1 ack 1 win 65535")
	s.in("A 1 ack 1 win 1000")
	if got := s.tcb.Info().SndWnd; got != 1000 {
		t.Errorf("without the option a window of 1000 was taken for %d octets", got)
	}
}

// RFC 7323 §2.3: "If a Window Scale option is received with a shift.cnt value
// larger than 14, the TCP SHOULD log the error but MUST use 14 instead".
func TestRFC7323_ScaleAtMost14(t *testing.T) {
	s := newStory(t).active().ignore().in("SA 0 ack 1 <ws 255>").in("A 1 ack 1 win 1")
	if got := s.tcb.Info().SndWnd; got != 1<<14 {
		t.Errorf("window is %d, want %d", got, 1<<14)
	}
}

// MUST-1: "The window size MUST be treated as an unsigned number, or else large
// window sizes will appear like negative windows".
func TestRFC9293_MUST1_WindowIsUnsigned(t *testing.T) {
	s := newStory(t).active().ignore().in("SA 0 ack 1 <ws 14>").in("A 1 ack 1 win 65535").ignore()
	if got := s.tcb.Info().SndWnd; got != 65535<<14 {
		t.Errorf("window is %d, want %d", got, 65535<<14)
	}
	s.send(100).out("PA 1+100 ack 1")
}
