package tcp

import (
	"fmt"
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

func asking(s *story) { s.cfg.ECN = ClassicECN }

// marked lets a segment of the peer arrive with CE in its IP header.
func (s *story) marked(text string) *story {
	seg := s.parse(text)
	seg.ECN = ce
	s.tcb.Arrive(s.now, &seg)
	seg.Payload.Release()
	return s.collect()
}

// nextECN returns the ECN field of the segment that is expected next.
func (s *story) nextECN() uint8 {
	s.t.Helper()
	if len(s.outs) == 0 {
		s.t.Fatal("nothing was sent")
	}
	return s.outs[0].ECN
}

// SHLD-8, RFC 3168 §6.1.1: the SYN has ECE and CWR, the SYN-ACK ECE alone.
func TestRFC9293_SHLD8_ECNIsNegotiated(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         uint8
	}{
		{"agreed", "SAE 0 ack 1 <mss 1000>", ect0},
		{"not agreed", "SA 0 ack 1 <mss 1000>", 0},
		{"reflected flags are no agreement", "SAEW 0 ack 1 <mss 1000>", 0},
	} {
		s := newStory(t, asking).active().out("SEW 0").wait(10 * time.Millisecond)
		s.in(c.answer).out("A 1 ack 1").send(100)
		if got := s.nextECN(); got != c.want {
			t.Errorf("%s: octets leave with ECN %d, want %d", c.name, got, c.want)
		}
	}
	s := newStory(t).passive("SEW 0 <mss 1000>").out("SAE 0 ack 1").in("A 1 ack 1").send(100)
	if got := s.nextECN(); got != ect0 {
		t.Errorf("opened passively, octets leave with ECN %d", got)
	}
	newStory(t).passive("S 0 <mss 1000>").out("SA 0 ack 1")
	newStory(t, func(s *story) { s.cfg.AcceptECN = NoECN }).passive("SEW 0 <mss 1000>").out("SA 0 ack 1")
}

// RFC 3168 §6.1.1.1: a host whose SYN goes unanswered may ask without ECN.
func TestRFC3168_SecondSYNDoesNotAsk(t *testing.T) {
	s := newStory(t, asking).active().out("SEW 0")
	s.later(s.rto(), "S 0")
}

func agreed(t *testing.T) *story {
	t.Helper()
	s := newStory(t, asking).active().out("SEW 0").wait(10 * time.Millisecond)
	return s.in("SAE 0 ack 1 <mss 1000>").out("A 1 ack 1")
}

// RFC 3168 §6.1.3: "the receiver ... sets the ECN-Echo flag in the TCP header of
// the subsequent ACK packet ... until it receives a CWR packet".
func TestRFC3168_EchoUntilCWR(t *testing.T) {
	s := agreed(t)
	s.in("PA 1+100 ack 1").out("A 1 ack 101")
	s.marked("PA 101+100 ack 1").out("AE 1 ack 201")
	s.in("PA 201+100 ack 1").out("AE 1 ack 301")
	s.in("PAW 301+100 ack 1").out("A 1 ack 401")
	// A mark on the segment that carries CWR is a new one.
	seg := s.parse("PAW 401+100 ack 1")
	seg.ECN = ce
	s.tcb.Arrive(s.now, &seg)
	s.collect().out("AE 1 ack 501")
}

// RFC 3168 §6.1.2: an echo halves the window once for each window of octets, and the
// next new octets carry CWR; nothing is sent again.
func TestRFC3168_EchoReducesOnce(t *testing.T) {
	s := agreed(t)
	s.send(4000).ignore()
	before := s.tcb.Info().Congestion.Cwnd
	s.wait(10 * time.Millisecond).in("AE 1 ack 1001").in("AE 1 ack 2001")
	after := s.tcb.Info()
	if after.Congestion.Cwnd >= before || after.Counts.Marks != 1 {
		t.Errorf("the window went from %d to %d, by %d marks", before, after.Congestion.Cwnd, after.Counts.Marks)
	}
	s.quiet().in("A 1 ack 4001")
	s.send(100).out("PAW 4001+100")
	s.send(100).out("PA 4101+100")
	if n := s.tcb.Info().Counts.Retransmits; n != 0 {
		t.Errorf("%d retransmissions", n)
	}
}

// RFC 3168 §6.1.2: "TCP should not react to congestion indications more than once every
// window of data": the peer repeats its echo until CWR arrives, which leaves with the
// first octets after the answer.
func TestRFC3168_EchoBeforeCWRArrives(t *testing.T) {
	s := agreed(t)
	s.send(4000).ignore()
	s.wait(10 * time.Millisecond).in("AE 1 ack 1001")
	after := s.tcb.Info().Congestion.Cwnd
	s.in("AE 1 ack 4001").quiet()
	s.send(100).out("PAW 4001+100")
	if i := s.tcb.Info(); i.Counts.Marks != 1 || i.Congestion.Cwnd < after {
		t.Errorf("%d answers, the window went from %d to %d", i.Counts.Marks, after, i.Congestion.Cwnd)
	}
	// The peer has seen CWR: what it echoes now is a new mark.
	s.wait(10 * time.Millisecond).in("AE 1 ack 4101")
	if n := s.tcb.Info().Counts.Marks; n != 2 {
		t.Errorf("%d answers, want 2", n)
	}
}

// A mark counts however long ago the last one was: more than half of the sequence
// numbers, beyond which older and newer look exchanged.
func TestRFC3168_EchoAfterGigabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 2.5 GB")
	}
	s := newStory(t, asking, func(s *story) { s.open.Batch = 60_000 }).active().out("SEW 0").wait(10 * time.Millisecond)
	s.in("SAE 0 ack 1 win 65535 <mss 1000 ws 10>").ignore()
	for sent := 1; sent < 2_500_000_000; {
		sent += s.tcb.Send(s.now, make([]byte, 120_000))
		s.collect().ignore()
		s.in(fmt.Sprintf("A 1 ack %d win 65535", s.tcb.snd.nxt.Sub(s.open.ISS))).ignore()
	}
	s.send(1000).ignore()
	s.in(fmt.Sprintf("AE 1 ack %d win 65535", s.tcb.snd.nxt.Sub(s.open.ISS)))
	if n := s.tcb.Info().Counts.Marks; n != 1 {
		t.Errorf("%d answers to a mark, want 1", n)
	}
}

// RFC 3168 §6.1.4, §6.1.5, §6.1.6: bare ACKs, what is sent again and window probes
// are not ECN-capable.
func TestRFC3168_WhatIsNotMarked(t *testing.T) {
	s := agreed(t)
	s.in("PA 1+100 ack 1")
	if got := s.nextECN(); got != 0 {
		t.Errorf("a bare ACK has ECN %d", got)
	}
	s.ignore().send(100).ignore()
	s.wait(s.rto())
	if len(s.outs) == 0 {
		t.Fatal("nothing was sent again")
	}
	if got := s.nextECN(); got != 0 {
		t.Errorf("a retransmission has ECN %d", got)
	}
	s.ignore().in("A 101 ack 101 win 0").send(50).wait(time.Second)
	if len(s.outs) == 0 || s.nextECN() != 0 {
		t.Errorf("a window probe is missing or marked: %v", s.outs)
	}
}

// Without agreement a mark says nothing and an echo does nothing.
func TestRFC3168_NothingWithoutAgreement(t *testing.T) {
	s := talking(t)
	s.marked("PA 1+100 ack 1").out("A 1 ack 101")
	s.send(4000).ignore()
	before := s.tcb.Info().Congestion.Cwnd
	s.wait(10 * time.Millisecond).in("AE 101 ack 1001")
	if got := s.tcb.Info().Congestion.Cwnd; got < before {
		t.Errorf("the window shrank from %d to %d", before, got)
	}
	for _, seg := range s.outs {
		if seg.Flags&(wire.ECE|wire.CWR) != 0 {
			t.Errorf("%v was sent", seg.Flags)
		}
	}
}
