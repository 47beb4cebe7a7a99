package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

// counting lets a story ask for accurate feedback, and agree to it.
func counting(s *story) { s.cfg.ECN, s.cfg.AcceptECN = AccurateECN, AccurateECN }

// RFC 9768 §3.1.1: "to request more Accurate ECN feedback the TCP Client (host A) MUST
// set the TCP flags (AE,CWR,ECE) = (1,1,1) in the initial SYN segment", and table 2
// with what follows from each answer.
func TestRFC9768_3_1_1_ClientByTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		mode         ECN
		ect          uint8
	}{
		{"Not-ECT on SYN", "SAW 0", AccurateECN, ect0},
		{"ECT(1) on SYN: mangled", "SAEW 0", AccurateECN, notECT},
		{"ECT(0) on SYN: mangled", "SAN 0", AccurateECN, notECT},
		{"CE on SYN: mangled", "SANW 0", AccurateECN, notECT},
		{"reserved", "SANE 0", AccurateECN, ect0},
		{"classic", "SAE 0", ClassicECN, ect0},
		{"no ECN", "SA 0", NoECN, notECT},
		{"broken: reflects", "SANEW 0", NoECN, notECT},
	} {
		s := newStory(t, counting).active().out("SEWN 0 ecn 0").wait(10 * time.Millisecond)
		s.in(c.answer + " ack 1 <mss 1000>").ignore().send(100)
		i := s.tcb.Info()
		if i.ECN != c.mode || i.ECT != c.ect || s.nextECN() != c.ect {
			t.Errorf("%s: agreed on %v, octets leave with ECN %d (%d), want %v and %d", c.name, i.ECN, i.ECT, s.nextECN(), c.mode, c.ect)
		}
	}
}

// RFC 9768 §3.1.1: the server "MUST set the AE, CWR and ECE TCP flags on the SYN/ACK to
// the combination ... that feeds back the IP-ECN field that arrived on the SYN", §3.1.2
// for peers that know less, and §3.1.3: "any combination other than (0,0,0), (0,1,1) or
// (1,1,1) ... MUST negotiate the use of AccECN".
func TestRFC9768_3_1_2_ServerByTheSYN(t *testing.T) {
	for _, c := range []struct {
		name, syn, answer string
		mode              ECN
	}{
		{"Not-ECT", "SEWN 0", "SAW 0", AccurateECN},
		{"ECT(1)", "SEWN 0 ecn 1", "SAEW 0", AccurateECN},
		{"ECT(0)", "SEWN 0 ecn 2", "SAN 0", AccurateECN},
		{"CE", "SEWN 0 ecn 3", "SAWN 0", AccurateECN},
		{"classic", "SEW 0", "SAE 0", ClassicECN},
		{"none", "S 0", "SA 0", NoECN},
		{"reserved 001", "SE 0", "SAW 0", AccurateECN},
		{"reserved 010", "SW 0", "SAW 0", AccurateECN},
		{"reserved 100", "SN 0", "SAW 0", AccurateECN},
		{"reserved 101", "SEN 0", "SAW 0", AccurateECN},
		{"reserved 110", "SWN 0", "SAW 0", AccurateECN},
	} {
		s := newStory(t, counting).passive(c.syn + " <mss 1000>").out(c.answer + " ack 1 ecn 0")
		if got := s.tcb.Info().ECN; got != c.mode {
			t.Errorf("%s: agreed on %v, want %v", c.name, got, c.mode)
		}
	}
	// Who does not count sees a classic SYN where CWR and ECE are set, and no other.
	classic := func(s *story) { s.cfg.AcceptECN = ClassicECN }
	newStory(t, classic).passive("SEWN 0 <mss 1000>").out("SAE 0 ack 1")
	newStory(t, classic).passive("SN 0 <mss 1000>").out("SA 0 ack 1")
	newStory(t, func(s *story) { s.cfg.AcceptECN = NoECN }).passive("SEWN 0 <mss 1000>").out("SA 0 ack 1")
}

// RFC 9768 §3.1.3: a client "MUST enable AccECN mode as if ... the IP-ECN field on the SYN
// had arrived unchanged" when (1,0,1) comes.
func TestRFC9768_3_1_3_ReservedSYNACK(t *testing.T) {
	s := newStory(t, counting).active().out("SEWN 0").wait(10 * time.Millisecond)
	s.in("SAEN 0 ack 1 <mss 1000>").out("A2 1 ack 1").send(100).out("PA5 1+100 ack 1 ecn 2")
}

// RFC 9768 §3.1.4.1: "it SHOULD attempt to negotiate the use of AccECN at least one more
// time"; if that fails too, "the TCP Client SHOULD send subsequent retransmissions of
// the SYN with the three TCP-ECN flags cleared".
func TestRFC9768_3_1_4_1_SYNAgain(t *testing.T) {
	s := newStory(t, counting).active().out("SEWN 0")
	s.later(s.rto(), "SEWN 0").later(2*time.Second, "S 0").later(4*time.Second, "S 0")
	// The answer to any of them decides (§3.1.5), here one that counts.
	s.in("SAW 0 ack 1 <mss 1000>").out("A2 1 ack 1").send(100).out("PA5 1+100 ack 1 ecn 2")
}

// RFC 9768 §3.2.3.2.2: "the TCP Server SHOULD retransmit the SYN/ACK, but with no AccECN
// Option. If this retransmission times out, ... SHOULD retransmit the SYN/ACK with
// (AE,CWR,ECE) = (0,0,0) and no AccECN Option, but it remains in AccECN feedback mode".
// §3.1.5: having sent that, it "MUST NOT set ECT on any packet".
func TestRFC9768_3_1_4_2_SYNACKAgain(t *testing.T) {
	s := newStory(t, counting).passive("SEWN 0 <mss 1000>").out("SAW 0 ack 1 <mss 1460 e0b 1 ceb 0 e1b 1>")
	s.later(s.rto(), "SAW 0 ack 1 <mss 1460>")
	s.in("A2 1 ack 1").send(100).out("PA5 1+100 ack 1 ecn 2")
	// No option follows later: it may be why the SYN-ACK was lost.
	s.in("PA5 1+100 ack 101 ecn 2").out("A5 101 ack 101 <>")

	s = newStory(t, counting).passive("SEWN 0 <mss 1000>").ignore()
	s.later(time.Second, "SAW 0 ack 1").later(2*time.Second, "SA 0 ack 1 <mss 1460>")
	s.in("A2 1 ack 1").send(100).out("PA5 1+100 ack 1 ecn 0")
	s.in("PA5 1+100 ack 101 ecn 3").out("A6 101 ack 101") // it counts nevertheless
}

// RFC 9768 §3.1.5: the mode is that of the first SYN; the SYN-ACK "MUST feed back the
// IP-ECN field on the latest valid SYN", and a SYN without ECN forbids ECT.
func TestRFC9768_3_1_5_SYNsOfOneHandshake(t *testing.T) {
	s := newStory(t, counting).passive("SEWN 0 <mss 1000>").out("SAW 0 ack 1")
	s.in("SEWN 0 ecn 3 <mss 1000>").out("SAWN 0 ack 1 <mss 1460>")

	s = newStory(t, counting).passive("SEWN 0 <mss 1000>").out("SAW 0 ack 1")
	s.in("S 0 <mss 1000>").out("SAW 0 ack 1") // "SHOULD acknowledge ... by emitting an AccECN SYN/ACK"
	s.in("A2 1 ack 1").send(100).out("PA5 1+100 ack 1 ecn 0")

	s = newStory(t, counting).passive("S 0 <mss 1000>").out("SA 0 ack 1")
	s.in("SEWN 0 <mss 1000>").out("SA 0 ack 1") // nothing is offered any more

	// "MUST reset the connection with a RST packet, if it receives a 'Classic' ECN-setup
	// SYN ... and a SYN requesting AccECN feedback during the same handshake".
	for _, order := range [][2]string{{"SEWN 0", "SEW 0"}, {"SEW 0", "SEWN 0"}} {
		s = newStory(t, counting).passive(order[0] + " <mss 1000>").ignore()
		s.in(order[1] + " <mss 1000>").is(Closed)
		if len(s.outs) != 1 || !s.outs[0].Flags.Has(wire.RST) {
			t.Errorf("%v: sent %v, want a reset", order, s.outs)
		}
		s.ignore()
	}
	// One that cannot count reads both in one way.
	s = newStory(t, func(s *story) { s.cfg.AcceptECN = ClassicECN }).passive("SEW 0 <mss 1000>").ignore()
	s.in("SEWN 0 <mss 1000>").out("SAE 0 ack 1")
}

// RFC 9768 §3.1.5: "SHOULD ignore the TCP-ECN flags in SYNs or SYN/ACKs that are received
// after the implementation reaches the Established state", "MUST NOT set ECT if it is in
// Not ECN feedback mode", "MUST NOT set CWR to indicate that it has ... responded".
func TestRFC9768_3_1_5_ModeStays(t *testing.T) {
	s := countingStory(t).in("SAE 0 ack 1 <mss 1000>").ignore().send(100).out("PA5 1+100 ack 1 ecn 2")
	if got := s.tcb.Info().ECN; got != AccurateECN {
		t.Errorf("the mode became %v", got)
	}
	s.wait(20 * time.Millisecond).in("A6 1 ack 101") // a mark is answered …
	if got := s.tcb.Info().Counts.Marks; got != 1 {
		t.Errorf("%d answers, want 1", got)
	}
	s.send(100).out("PA5 101+100 ack 1 ecn 2") // … without CWR: the counter stays 5
	s = talking(t)
	s.send(100).out("PA 1+100 ack 1 ecn 0")
}

// countingStory is an active open in AccECN mode, after its handshake.
func countingStory(t *testing.T, change ...func(s *story)) *story {
	t.Helper()
	s := newStory(t, append(change, counting)...).active().out("SEWN 0").wait(10 * time.Millisecond)
	return s.in("SAW 0 ack 1 <mss 1000 e0b 1 ceb 0 e1b 1>").out("A2 1 ack 1 <e0b 1 ceb 0 e1b 1>")
}

// acceptedStory is a passive open in AccECN mode, after its handshake.
func acceptedStory(t *testing.T, change ...func(s *story)) *story {
	t.Helper()
	s := newStory(t, append(change, counting)...).passive("SEWN 0 <mss 1000>").out("SAW 0 ack 1 <mss 1460 e0b 1 ceb 0 e1b 1>")
	return s.wait(10 * time.Millisecond).in("A2 1 ack 1 <e0b 1 ceb 0 e1b 1>").quiet().is(Established)
}

// RFC 9768 §3.1.2: in a simultaneous open a host "MUST ... enter the same feedback mode as
// it would have entered had it been a responding host ... [and] send the same SYN/ACK".
// §3.2.2: "MUST NOT interpret the 3 flags as a 3-bit ACE field on any segment with SYN=1".
func TestRFC9768_3_1_2_SimultaneousOpen(t *testing.T) {
	s := newStory(t, counting).active().out("SEWN 0")
	s.in("SEWN 0 ecn 3 <mss 1000>").out("SAWN 0 ack 1")
	s.in("SAW 0 ack 1 ecn 2 <mss 1000>").is(Established).out("A4 1 ack 1")
	if i := s.tcb.Info(); i.ECN != AccurateECN || i.ECT != ect0 || i.Counts.MarkedOut != 0 {
		t.Errorf("agreed on %v, octets leave with ECN %d, %d were marked", i.ECN, i.ECT, i.Counts.MarkedOut)
	}
	s.send(1000).ignore().wait(10 * time.Millisecond).in("A5 1 ack 1001")
	if n := s.tcb.Info().Counts.MarkedOut; n != 0 {
		t.Errorf("%d marks were counted, of none", n)
	}
	newStory(t, counting).active().out("SEWN 0").in("SEW 0 <mss 1000>").out("SAE 0 ack 1")
	newStory(t, counting).active().out("SEWN 0").in("S 0 <mss 1000>").out("SA 0 ack 1")
}

// RFC 9768 §3.2.2.1, table 3: the pure ACK of the SYN-ACK tells its ECN field, and "the
// TCP Client MUST also use the handshake encoding for the pure ACK of any retransmitted
// SYN/ACK"; a marked one counts, "but no more than once" (§3.2.2.2).
func TestRFC9768_3_2_2_1_AckOfSYNACK(t *testing.T) {
	for ecn, want := range []string{"A2", "A3", "A4", "A6"} {
		s := newStory(t, counting).active().out("SEWN 0").wait(10 * time.Millisecond)
		s.in(sprintf("SAW 0 ack 1 ecn %d <mss 1000>", ecn)).out(want + " 1 ack 1").quiet()
		s.wait(time.Second).in("SAW 0 ack 1 ecn 3 <mss 1000>").out("A6 1 ack 1")
		s.send(10).out("PA6 1+10 ack 1")
		s.wait(time.Second).ignore().in("SAW 0 ack 1 ecn 3 <mss 1000>").ignore()
		s.send(10).out("PA6 11+10 ack 1")
	}
	// "If an AccECN TCP Client intends to acknowledge the SYN/ACK with a packet that does
	// not satisfy these conditions ... it SHOULD first send a pure ACK".
	s := newStory(t, counting).active().out("SEWN 0").send(100).wait(10 * time.Millisecond)
	s.in("SAW 0 ack 1 <mss 1000>").out("A2 1 ack 1").out("PA5 1+100 ack 1 ecn 2 <e0b 1 ceb 0 e1b 1>").quiet()
}

// RFC 9768 §3.2.2.1, table 4: what the server makes of the ACK of its SYN-ACK.
func TestRFC9768_3_2_2_1_AckAtServer(t *testing.T) {
	for _, c := range []struct {
		ack    string
		ect    uint8
		marked uint64 // answers to marks by the ACK, and by a counter of 6 later
		later  uint64
	}{
		{"A0", notECT, 0, 0}, // "MUST NOT set ECT ... and MUST NOT respond to AccECN feedback"
		{"A1", ect0, 0, 1},
		{"A2", ect0, 0, 1},
		{"A3", notECT, 0, 1}, // mangled (§3.2.2.3), but answered
		{"A4", notECT, 0, 1},
		{"A5", ect0, 0, 1},
		{"A6", notECT, 1, 1}, // s.cep is 6 already
		{"A7", ect0, 0, 1},
	} {
		s := newStory(t, counting).passive("SEWN 0 <mss 1000>").ignore().wait(10 * time.Millisecond)
		s.in(c.ack + " 1 ack 1")
		i := s.tcb.Info()
		if i.State != Established || i.ECT != c.ect || i.Counts.Marks != c.marked {
			t.Errorf("%s: %v, octets leave with ECN %d, %d answers, want %d and %d", c.ack, i.State, i.ECT, i.Counts.Marks, c.ect, c.marked)
		}
		s.send(100).ignore().wait(10 * time.Millisecond).in("A6 1 ack 101")
		if got := s.tcb.Info().Counts.Marks; got != c.later {
			t.Errorf("%s: %d answers after a counter of 6, want %d", c.ack, got, c.later)
		}
		// "as a Data Receiver it MUST NOT disable AccECN feedback".
		s.in("PA5 1+100 ack 101 ecn 3").out("A6 101 ack 101")
	}
}

// RFC 9768 §3.2.2.1: the handshake's code stands in pure ACKs only. With octets the
// field is a counter already.
func TestRFC9768_3_2_2_1_FirstACKWithOctets(t *testing.T) {
	s := newStory(t, counting).passive("SEWN 0 <mss 1000>").ignore().wait(10 * time.Millisecond)
	s.in("PA6 1+100 ack 1 ecn 2").is(Established).out("A5 1 ack 101")
	if i := s.tcb.Info(); i.ECT != ect0 || i.Counts.Marks != 0 {
		t.Errorf("octets leave with ECN %d, %d answers", i.ECT, i.Counts.Marks)
	}
}

// RFC 9768 §3.2.2.2: "the TCP Client still triggers the congestion control actions
// necessary to respond to the CE feedback" of its SYN.
func TestRFC9768_3_2_2_2_MarkedSYN(t *testing.T) {
	window := func(answer string) int {
		s := newStory(t, counting).active().ignore().wait(10 * time.Millisecond)
		return s.in(answer + " ack 1 <mss 1000>").tcb.Info().Congestion.Cwnd
	}
	if a, b := window("SAW 0"), window("SAWN 0"); b >= a {
		t.Errorf("the window begins with %d octets after a marked SYN, with %d else", b, a)
	}
}

// RFC 9768 §3.1.1: AccECN in its simplest form: two machines agree and count.
func TestRFC9768_3_1_1_Pair(t *testing.T) {
	p := established(t, func(p *pair) { p.cfg[client].ECN, p.cfg[server].AcceptECN = AccurateECN, AccurateECN })
	for i, e := range p.end {
		if info := e.Info(); info.ECN != AccurateECN || info.ECT != ect0 {
			t.Errorf("end %d: %v, ECN %d", i, info.ECN, info.ECT)
		}
	}
}
