package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// RFC 9768 §3.2: "MUST increment the CE packet counter (r.cep), for every Acceptable packet
// that it receives with the CE code point ..., including CE marked control packets and
// retransmissions", and the counters of octets by the payload. §3.2.1: they begin at 5,
// 1, 1 and 0. §3.2.3.3: an option with every counter that has ever changed.
func TestRFC9768_3_2_CountsWhatArrives(t *testing.T) {
	s := countingStory(t)
	s.in("PA5 1+100 ack 1 ecn 0").out("A5 1 ack 101 <>")
	s.in("PA5 101+100 ack 1 ecn 2").out("A5 1 ack 201 <e0b 101>")
	s.in("PA5 201+100 ack 1 ecn 3").out("A6 1 ack 301 <e0b 101 ceb 100>")
	s.in("PA5 301+100 ack 1 ecn 2").out("A6 1 ack 401 <e0b 201 ceb 100>")
	s.in("PA5 401+100 ack 1 ecn 1").out("A6 1 ack 501 <e0b 201 ceb 100 e1b 101>")
	s.in("A5 501 ack 1 ecn 3").in("A5 501 ack 1 ecn 3").quiet() // pure ACKs count too
	s.in("PA5 501+100 ack 1 ecn 0").out("A0 1 ack 601 <>")      // 8, and no octets are new
	// A repetition that is wholly old is not acceptable (RFC 9293 §3.10.7.4).
	s.in("PA5 1+100 ack 1 ecn 3").ignore().in("PA5 601+100 ack 1 ecn 3").out("A1 1 ack 701 <e0b 201 ceb 200 e1b 101>")
	if n := s.tcb.Info().Counts.MarkedIn; n != 4 {
		t.Errorf("%d marked packets arrived, want 4", n)
	}
}

// RFC 9768 §3.2.3: order 1 begins with ECT(1), which alone changes where L4S is spoken.
func TestRFC9768_3_2_3_OrderOfCounters(t *testing.T) {
	s := countingStory(t)
	s.in("PA5 1+100 ack 1 ecn 1").out("A5 1 ack 101 <e1b 101>")
	s.in("PA5 101+100 ack 1 ecn 3").out("A6 1 ack 201 <e1b 101 ceb 100>")
	// "if the first packet to arrive happens to be CE-marked" the choice is free.
	s = countingStory(t).in("PA5 1+100 ack 1 ecn 3").out("A6 1 ack 101 <e0b 1 ceb 100>")
	s.in("PA5 101+100 ack 1 ecn 1").out("A6 1 ack 201 <e1b 101 ceb 100>")
}

// RFC 9768 §3.2.3.1: "it MUST encode the 24 least significant bits".
func TestRFC9768_3_2_3_1_CountersWrap(t *testing.T) {
	s := countingStory(t)
	s.tcb.acc.count(ect0, 1<<24-2, 0) // as if sixteen megabytes had come
	s.in("PA5 1+100 ack 1 ecn 2").out("A5 1 ack 101 <e0b 99>")
}

// RFC 9768 §3.2.2.5.1: "SHOULD emit an ACK whenever a data packet marked CE arrives after
// the previous packet was not CE", and "MUST emit an ACK if 'n' CE marks have arrived
// since the previous ACK": 2 with octets to acknowledge.
func TestRFC9768_3_2_2_5_1_AckOfMarks(t *testing.T) {
	s := countingStory(t, delayed)
	s.in("PA5 1+100 ack 1 ecn 2").quiet()
	s.in("PA5 101+100 ack 1 ecn 3").out("A6 1 ack 201") // a mark begins
	s.in("PA5 201+100 ack 1 ecn 3").quiet()             // it goes on
	s.in("PA5 301+100 ack 1 ecn 3").out("A0 1 ack 401") // the second since the ACK
	s.in("PA5 401+100 ack 1 ecn 2").quiet()             // marks end: nothing is urgent
	s.in("PA5 501+100 ack 1 ecn 3").out("A1 1 ack 601")
	// The comparison "includes any packet, not just data packets".
	s.in("A5 601 ack 1 ecn 2").in("PA5 601+100 ack 1 ecn 3").out("A2 1 ack 701")
	s.in("A5 701 ack 1 ecn 3").quiet()
}

// RFC 9768 §3.2.2.5.1: "If there is no unacknowledged data at the receiver, 'n' SHOULD be 3
// and MUST be no less than 3", and "ACKs of ACKs MUST NOT contain any SACK blocks".
func TestRFC9768_3_2_2_5_1_AckOfACKs(t *testing.T) {
	s := newStory(t, counting).active().ignore().wait(10 * time.Millisecond)
	s.in("SAW 0 ack 1 <mss 1000 sackOK>").ignore()
	s.in("PA5 101+100 ack 1").out("A5 1 ack 1 <sack 101-201>")
	for range 4 {
		s.in("A5 201 ack 1 ecn 3").in("A5 201 ack 1 ecn 3").quiet().in("A5 201 ack 1 ecn 3")
		if len(s.outs) != 1 || s.outs[0].Options.Has&wire.HasSACK != 0 {
			t.Fatalf("three marked ACKs were answered with %d segments, want one without SACK blocks", len(s.outs))
		}
		s.ignore()
	}
	s.in("PA5 301+100 ack 1").out("A1 1 ack 1 <sack 301-401 sack 101-201>") // 5 and 12 marks are 17
}

// RFC 9768 §3.2: packets that something on the way made one count as many as they were.
func TestRFC9768_3_2_CoalescedPackets(t *testing.T) {
	s := countingStory(t)
	seg := s.parse("PA5 1+4100 ack 1 ecn 3")
	seg.Piece = 1000
	s.tcb.Arrive(s.now, &seg)
	s.collect().out("A2 1 ack 4101 <e0b 1 ceb 4100>") // 5 and 5 are 10
}

// RFC 9768 §3.2.3.2.1: "A TCP Client ... SHOULD also include an AccECN Option on the first
// data segment it sends", and its octets take no more room than the MSS leaves.
func TestRFC9768_3_2_3_2_1_OptionOnFirstOctets(t *testing.T) {
	s := countingStory(t).send(2500)
	s.out("A5 1+988 ack 1 <e0b 1 ceb 0 e1b 1>").out("A5 989+1000 ack 1 <>").out("PA5 1989+512 ack 1 <>")
	acceptedStory(t).send(100).out("PA5 1+100 ack 1 <>") // the server's stood in its SYN-ACK
	// "The TCP Client MUST NOT include an AccECN TCP Option on the SYN", and one that comes
	// with a SYN "MUST be ignored".
	newStory(t, counting).active().out("SEWN 0 <mss 1460 ws 7 sackOK ts 1000/0>")
	s = newStory(t, counting).passive("SEWN 0 <mss 1000 e0b 0 ceb 0 e1b 0>").ignore().in("A2 1 ack 1 <e0b 1 ceb 0 e1b 1>")
	if s.tcb.acc.blind {
		t.Error("an option on the SYN is heeded")
	}
}

// RFC 9768 §3.2.3.2.2: "If the TCP Client detects that the first data segment it sent with
// an AccECN Option was lost ... it SHOULD fall back to no AccECN Option on the
// retransmission"; it "will continue to process any incoming AccECN Options".
func TestRFC9768_3_2_3_2_2_FirstOctetsLost(t *testing.T) {
	s := countingStory(t).send(100).out("PA5 1+100 ack 1 <e0b 1 ceb 0 e1b 1>")
	s.wait(s.rto()).out("PA5 1+100 ack 1 <>").ignore()
	s.in("PA5 1+100 ack 101 ecn 2").out("A5 101 ack 101 <>")
	s.send(100).ignore().wait(10 * time.Millisecond).in("A6 101 ack 201 <e0b 1 ceb 100>")
	if i := s.tcb.Info(); i.Counts.Marks != 1 {
		t.Errorf("%d answers to a mark, want 1", i.Counts.Marks)
	}
	// The loss of later octets says nothing.
	s = countingStory(t).send(100).ignore().wait(10 * time.Millisecond).in("A5 1 ack 101").send(100).ignore()
	s.wait(s.rto()).ignore().in("PA5 1+100 ack 201 ecn 2").out("A5 201 ack 101 <e0b 101>")
}

// RFC 9768 §3.2.3.2.2: "Such a host MAY detect loss of ACKs carrying the AccECN Option by
// detecting whether the acknowledged data always reappears as a retransmission."
func TestRFC9768_3_2_3_2_2_ACKsLost(t *testing.T) {
	s := countingStory(t).in("PA5 1+100 ack 1 ecn 2").out("A5 1 ack 101 <e0b 101>")
	s.in("PA5 1+100 ack 1").out("A5 1 ack 101 <>") // it may be chance
	s.in("PA5 101+100 ack 1 ecn 2").out("A5 1 ack 201 <e0b 201>")
	s.in("PA5 101+100 ack 1").out("A5 1 ack 201 <>") // twice in a row, and those without came through
	s.in("PA5 201+100 ack 1 ecn 2").out("A5 1 ack 301 <>")
	// An ACK with an option that does arrive begins the count anew.
	s = countingStory(t)
	for i := range 5 {
		s.in(sprintf("PA5 %d+100 ack 1 ecn 2", 1+200*i)).ignore().in(sprintf("PA5 %d+100 ack 1", 1+200*i)).ignore()
		s.in(sprintf("PA5 %d+10 ack 1 ecn 2", 101+200*i)).ignore().in(sprintf("PA5 %d+90 ack 1 ecn 2", 111+200*i)).ignore()
	}
	s.in("PA5 1001+100 ack 1 ecn 2").out("A5 1 ack 1101 <e0b 1101>")
}

// RFC 9768 §3.2.3.3: "If SACK has been negotiated ..., and the smallest recommended AccECN
// Option would leave insufficient space for two SACK blocks ..., the Data Receiver MUST
// give precedence to the SACK option": beside timestamps there is room for both.
func TestRFC9768_3_2_3_3_RoomBesideSACK(t *testing.T) {
	s := newStory(t, counting).active().ignore().wait(10 * time.Millisecond)
	s.in("SAW 0 ack 1 <mss 1000 sackOK ts 1/1000>").ignore()
	for i := range 4 {
		s.ignore().in(sprintf("PA5 %d+10 ack 1 ecn %d <ts 2/1000>", 101+20*i, 1+i%3))
	}
	seg := s.outs[0]
	if o := &seg.Options; o.NSACK != 2 || o.AccECN.N != 3 || o.Size() > wire.MaxTCPOptions {
		t.Errorf("%d SACK blocks and %d counters in %d octets of options", o.NSACK, o.AccECN.N, o.Size())
	}
	var b [60]byte
	wire.PutTCP(b[:], &seg) // what is written is what was meant
	var back wire.Segment
	o := wire.Octets{Data: chunk.Copy(b[:seg.HeaderLen()])}
	if wire.ParseTCP(&o, &back) != wire.OK || back.Options != seg.Options {
		t.Errorf("written %+v\nread    %+v", seg.Options, back.Options)
	}
	// Nothing new to tell: the room is all for SACK.
	s.ignore().in("PA5 201+10 ack 1 <ts 2/1000>")
	if o := &s.outs[0].Options; o.NSACK != 3 || o.Has&wire.HasAccECN0 != 0 {
		t.Errorf("%d SACK blocks, %+v", o.NSACK, o.AccECN)
	}
	// With octets, all options together leave what the MSS has.
	s.ignore().in("PA5 221+10 ack 1 ecn 3 <ts 2/1000>").ignore()
	s.in("PA5 241+10 ack 1 ecn 3 <ts 2/1000>")
	for _, seg := range s.send(3000).outs {
		if n := seg.Payload.Len() + seg.Options.Size(); n > 1000 {
			t.Errorf("%d octets of options and payload, the MSS is 1000", n)
		}
	}
	s.ignore()
}

// RFC 9768 §3.2.3.3: the option stands in ACKs that are due; octets that carry an
// acknowledgement nobody waited for are not shortened by it.
func TestRFC9768_3_2_3_3_OctetsBothWays(t *testing.T) {
	s := acceptedStory(t, delayed)
	s.in("PA5 1+100 ack 1 ecn 2").quiet()
	s.send(100).out("PA5 1+100 ack 101 <>")
	// "SHOULD include each counter at least once for every 2^22 bytes".
	s.tcb.acc.count(ect0, counterRepeat, 0)
	s.send(100).out("PA5 101+100 ack 101 <e0b 4194405>")
}

// RFC 9768 §3.3.4: devices clear CWR in all but the first piece of what they cut, so
// a counter with that bit leaves in segments that are not cut.
func TestRFC9768_3_3_4_CountersAreNotCut(t *testing.T) {
	s := countingStory(t, func(s *story) { s.open.Batch = 60_000 }).send(988).ignore()
	s.wait(10 * time.Millisecond).in("A5 1 ack 989").send(5000).out("PA5 989+5000 ack 1")
	s.wait(10 * time.Millisecond).in("A5 1 ack 5989 ecn 3").send(2000) // 6 has CWR
	s.out("A6 5989+1000 ack 1").out("PA6 6989+1000 ack 1").quiet()
	s.wait(10 * time.Millisecond).in("A5 1 ack 7989 ecn 3").in("A5 1 ack 7989 ecn 3").send(2000) // 8 has not
	s.out("PA0 7989+2000 ack 1")
}

// RFC 9768 §3.2.2: every segment without SYN tells the counter: resets, FINs, and what
// answers in TIME-WAIT.
func TestRFC9768_3_2_2_InEverySegment(t *testing.T) {
	s := countingStory(t).in("PA5 1+100 ack 1 ecn 3").ignore().receive(100)
	s.do((*TCB).Shutdown).out("FA6 1 ack 101").in("A5 101 ack 2").in("FA5 101 ack 2").out("A6 2 ack 102").is(TimeWaiting)
	w := s.tcb.TimeWait()
	seg, answer := s.parse("FA5 101 ack 2"), wire.Segment{}
	if w.Arrive(s.now, &seg, &answer) != Reply || ace(answer.Flags) != 6 {
		t.Errorf("TIME-WAIT answers %v", answer.Flags)
	}
	countingStory(t).in("PA5 1+100 ack 1 ecn 3").ignore().do((*TCB).Abort).out("RA6 1 ack 101")
}
