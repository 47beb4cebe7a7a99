package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// taped puts a control into a story that writes down what it is told.
func taped(c *tapeControl) func(s *story) {
	return func(s *story) {
		s.cfg.NewControl = func(cc.Params) cc.Control {
			c.window = 100_000
			return c
		}
	}
}

// lastECE returns the marked octets that the control was told of last.
func (c *tapeControl) lastECE() int { return c.acks[len(c.acks)-1].ECE }

// told returns the marked octets that it was told of in all.
func (c *tapeControl) told() (n int) {
	for _, a := range c.acks {
		n += a.ECE
	}
	return n
}

// RFC 9768 §3.2.2.2: "It takes the least significant 3 bits of its local s.cep counter and
// subtracts them from the incoming ACE counter"; octets are those of an average packet
// (appendix A.3), and the option's where one comes (§3.2.3.1).
func TestRFC9768_3_2_2_2_CountsWhatIsTold(t *testing.T) {
	var c tapeControl
	s := countingStory(t, taped(&c)).send(20_000).ignore().wait(10 * time.Millisecond)
	for _, x := range []struct {
		ack  string
		ece  int
		told uint64
	}{
		{"A5 1 ack 1989 <e0b 1989>", 0, 0},
		{"A6 1 ack 3989 <e0b 2989 ceb 1000>", 1000, 1},
		{"A0 1 ack 5989", 2000, 3},                         // no option: two packets, both marked
		{"A1 1 ack 7989 <e0b 3989 ceb 4000>", 1000, 4},     // 2,000 of the 3,000 since are told
		{"A1 1 ack 9989 <e0b 5989>", 0, 4},                 // all octets are accounted for
		{"A4 1 ack 11989 <e0b 7989>", 0, 7},                // so these marks were on packets without any
		{"A4 1 ack 12989 <e1b 1 ceb 4000 e0b 8989>", 0, 7}, // the other order
		{"A5 1 ack 14989", 1000, 8},                        // half of 2,000 octets, but it was
		{"A5 1 ack 15989 <e0b 11889 ceb 4100>", 0, 8},      // a small packet: 900 too many are told,
		{"A6 1 ack 16989 <e0b 11889 ceb 5100>", 100, 9},    // which is made good
		{"A6 1 ack 17989 <>", 0, 9},
	} {
		s.wait(time.Millisecond).in(x.ack).ignore()
		if got := c.lastECE(); got != x.ece || s.tcb.Info().Counts.MarkedOut != x.told {
			t.Errorf("%s: %d octets marked and %d packets in all, want %d and %d", x.ack, got, s.tcb.Info().Counts.MarkedOut, x.ece, x.told)
		}
	}
	if got := c.told(); got != 5100 {
		t.Errorf("the control was told of %d marked octets, the peer of 5100", got)
	}
}

// RFC 9768 §3.2.2.2: "it first checks whether it has already been superseded ... in which
// case it ignores the ECN feedback".
func TestRFC9768_3_2_2_2_Overtaken(t *testing.T) {
	var c tapeControl
	s := newStory(t, counting, taped(&c)).active().ignore().in("SAW 0 ack 1 <mss 1000 sackOK>").ignore()
	s.send(5000).ignore().wait(10 * time.Millisecond)
	s.in("A6 1 ack 2989 <e0b 1989 ceb 1000>")
	s.in("A5 1 ack 1989 <e0b 1989>").in("A5 1 ack 989").in("A7 1 ack 2989 <e0b 1989 ceb 2000>")
	s.in("A6 1 ack 3989 <e0b 2989 ceb 1000>")
	if c.told() != 1000 || s.tcb.Info().Counts.MarkedOut != 1 || s.tcb.Info().Counts.Marks != 1 {
		t.Errorf("%d octets and %d packets marked, %d answers, want 1000, 1 and 1", c.told(), s.tcb.Info().Counts.MarkedOut, s.tcb.Info().Counts.Marks)
	}
}

// RFC 9768 §3.2.2.5.2 and appendix A.2: whether the field has gone round.
func TestRFC9768_3_2_2_5_2_SafestLikelyCase(t *testing.T) {
	for _, c := range []struct {
		name              string
		d, n, marked, avg int
		exact             bool
		want              int
	}{
		{"the RFC's first example", 2, 9, 0, 0, false, 2},
		{"the RFC's second example", 2, 10, 0, 0, false, 10},
		{"nothing marked, or eight", 0, 8, 0, 0, false, 8},
		{"nothing marked, or sixteen", 0, 16, 0, 0, false, 16},
		{"more marks than packets: those without octets", 5, 2, 0, 0, false, 5},
		{"an ACK usually acknowledges many", 2, 10, 0, 6, false, 2},
		{"the option: nothing marked", 0, 16, 0, 0, true, 0},
		{"the option: d=0, 1460 octets", 0, 8, 1460, 0, true, 8},
		{"the option: d=2, 1460 octets", 2, 10, 1460, 0, true, 2},
		{"the option: d=7, 10200 octets", 7, 15, 10200, 0, true, 7},
		{"the option: d=1, nine packets of octets", 1, 9, 9 * 1460, 0, true, 9},
		{"the option: nine of many packets", 1, 60, 9 * 1460, 0, true, 9},
		{"the option: more octets than packets", 1, 9, 99 * 1460, 0, true, 9},
	} {
		a := accecn{stretch: 8 * c.avg}
		if got := a.unwrap(c.d, c.n, 1460, c.marked, c.exact); got != c.want {
			t.Errorf("%s: %d packets, want %d", c.name, got, c.want)
		}
	}
}

// RFC 9768 §3.2.2.5: a run of lost ACKs hides a turn of the field; with the option nothing
// is lost.
func TestRFC9768_3_2_2_5_LostACKs(t *testing.T) {
	for _, c := range []struct {
		option string
		octets int
	}{{"", 10_000}, {" <e0b 9001 ceb 2000>", 2000}, {" <e0b 1001 ceb 10000>", 10_000}} {
		var tape tapeControl
		s := countingStory(t, taped(&tape)).send(20_000).ignore().wait(10 * time.Millisecond).in("A5 1 ack 989")
		s.in("A7 1 ack 10989" + c.option)
		if got := tape.told(); got != c.octets {
			t.Errorf("two or ten of ten marked%s: %d octets, want %d", c.option, got, c.octets)
		}
	}
}

// RFC 9768 §3.2.2.4: "If the value of this ACE field is found to be zero ..., the Data
// Sender ought to send non-ECN-capable packets and it is advised not to respond to any
// feedback". Three marks make a zero too; "MUST NOT test whether the arriving counter
// ... has been initialized to a specific valid value".
func TestRFC9768_3_2_2_4_ZeroedACE(t *testing.T) {
	for _, c := range []struct {
		first string
		ect   uint8
		marks uint64
	}{
		{"A0 1 ack 1989", notECT, 0},
		{"A0 1 ack 2989", ect0, 2}, // three packets could all be marked
		{"A1 1 ack 989", ect0, 2},  // odd, but a number
		{"A5 1 ack 989", ect0, 2},
	} {
		s := countingStory(t).send(5000).ignore().wait(10 * time.Millisecond).in(c.first).ignore()
		s.in("A7 1 ack 5001").send(100).ignore().wait(10 * time.Millisecond).in("A0 1 ack 5101")
		if i := s.tcb.Info(); i.ECT != c.ect || i.Counts.Marks != c.marks {
			t.Errorf("%s: octets leave with ECN %d, %d answers, want %d and %d", c.first, i.ECT, i.Counts.Marks, c.ect, c.marks)
		}
		// "a host in AccECN mode MUST continue to provide Accurate ECN feedback".
		s.in("PA5 1+100 ack 5101 ecn 3").out("A6 5101 ack 101")
	}
}

// RFC 9768 §3.2.3.2.4: with a counter of zero at first, "the Client will switch into a mode
// that ignores AccECN Options"; "MUST NOT test" for other values. §3.2.3.2.3: without
// an option at first, later ones are heeded.
func TestRFC9768_3_2_3_2_4_ZeroedOption(t *testing.T) {
	for _, c := range []struct {
		option string
		blind  bool
	}{
		{"<mss 1000 e0b 0 ceb 0 e1b 1>", true},
		{"<mss 1000 e1b 1 ceb 0 e0b 0>", true},
		{"<mss 1000 e1b 0>", true},
		{"<mss 1000 e0b 1>", false},
		{"<mss 1000 e0b 77 ceb 5 e1b 2>", false},
		{"<mss 1000>", false},
	} {
		var tape tapeControl
		s := newStory(t, counting, taped(&tape)).active().ignore().wait(10 * time.Millisecond)
		s.in("SAW 0 ack 1 " + c.option).ignore().send(2000).ignore()
		s.in("A5 1 ack 989 <e0b 989 ceb 0>").in("A6 1 ack 1989 <e0b 1789 ceb 200>")
		want := 200
		if c.blind {
			want = 1000
		}
		if got := tape.told(); got != want {
			t.Errorf("%s: %d octets marked, want %d", c.option, got, want)
		}
	}
	s := newStory(t, counting).passive("SEWN 0 <mss 1000>").ignore().in("A2 1 ack 1 <e0b 0 ceb 0 e1b 0>")
	if !s.tcb.acc.blind {
		t.Error("the server heeds options that are zeroed")
	}
}

// RFC 9768 §3.2.3.2.5: if "the s.ceb counter has increased but the s.cep has not ..., the
// Data Sender MUST disable sending ECN-capable packets".
func TestRFC9768_3_2_3_2_5_Inconsistent(t *testing.T) {
	s := countingStory(t).send(5000).ignore().wait(10 * time.Millisecond)
	s.in("A5 1 ack 1989 <e0b 989 ceb 1000>").send(100)
	if i := s.tcb.Info(); i.ECT != notECT || i.Counts.Marks != 1 {
		t.Errorf("octets leave with ECN %d, %d answers", i.ECT, i.Counts.Marks)
	}
	// The packets were told before the octets: nothing is wrong.
	s = countingStory(t).send(5000).ignore().wait(10 * time.Millisecond)
	s.in("A6 1 ack 1989").in("A6 1 ack 2989 <e0b 1989 ceb 1000>")
	if got := s.tcb.Info().ECT; got != ect0 {
		t.Errorf("octets leave with ECN %d", got)
	}
	// So many were acknowledged at once that the field may have gone round.
	s = countingStory(t).send(12_000).ignore().wait(10 * time.Millisecond)
	s.in("A5 1 ack 9989 <e0b 989 ceb 9000>")
	if got := s.tcb.Info().ECT; got != ect0 {
		t.Errorf("octets leave with ECN %d", got)
	}
}

// RFC 9768 §3.2.3: options of any length are read, here after so many octets without
// one that their counters may have gone round: they only begin anew.
func TestRFC9768_3_2_3_OptionsAfterALongTime(t *testing.T) {
	a := newAccECN(notECT)
	a.octets = counterRepeat
	o := wire.Options{Has: wire.HasAccECN0, AccECN: wire.AccECN{N: 3, E0B: 1<<24 - 5, CEB: 1 << 23, E1B: 1}}
	if marked, exact := a.hearOption(&o); exact {
		t.Errorf("%d octets are said to be marked", marked)
	}
	a.octets = 3000
	o.AccECN.E0B, o.AccECN.CEB = 995, 1<<23+2000 // E0B has gone round
	if marked, exact := a.hearOption(&o); !exact || marked != 2000 {
		t.Errorf("%d octets are said to be marked, exactly: %v", marked, exact)
	}
	o.AccECN.CEB = 1 << 23 // back: an option that was overtaken
	if marked, exact := a.hearOption(&o); exact {
		t.Errorf("an old counter says %d", marked)
	}
	a.octets = 1000
	o.AccECN.CEB += 1 << 22 // a lie: more than was delivered
	if marked, _ := a.hearOption(&o); marked != 1000 {
		t.Errorf("%d of 1000 octets were marked", marked)
	}
}

// RFC 9331 §4.1: "a sender that wishes a packet to receive L4S treatment ... MUST set ...
// ECT(1)", §4.2: only with feedback that is accurate. RFC 8311 §3.1: all others set ECT(0).
func TestRFC9331_4_1_ScalableControlsSendECT1(t *testing.T) {
	for name, want := range map[string]uint8{"prague": ect1, "cubic": ect0, "newreno": ect0, "bbr": ect0} {
		choose := func(s *story) {
			s.cfg.NewControl = func(p cc.Params) cc.Control {
				c, err := cc.New(name, p)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
		}
		s := countingStory(t, choose).send(100)
		if got := s.nextECN(); got != want {
			t.Errorf("%s: octets leave with ECN %d, want %d", name, got, want)
		}
		s = newStory(t, choose, counting).active().ignore().in("SAE 0 ack 1 <mss 1000>").ignore().send(100)
		if got := s.nextECN(); got != ect0 {
			t.Errorf("%s with RFC 3168: octets leave with ECN %d, want ECT(0)", name, got)
		}
		s = newStory(t, choose, counting).active().ignore().in("SANW 0 ack 1 <mss 1000>").ignore().send(100)
		if got := s.nextECN(); got != notECT {
			t.Errorf("%s on a path that mangles: octets leave with ECN %d", name, got)
		}
	}
}

// RFC 9768 §4: RFC 3168 §6.1.4 to §6.1.6 still stand: neither what is sent again nor
// bare ACKs and probes are ECN-capable, nor are SYN and SYN-ACK.
func TestRFC9768_4_WhatIsNotMarked(t *testing.T) {
	s := countingStory(t).in("PA5 1+100 ack 1 ecn 2").out("A5 1 ack 101 ecn 0")
	s.send(100).out("PA5 1+100 ack 101 ecn 2").wait(s.rto()).out("PA5 1+100 ack 101 ecn 0").ignore()
	s.in("A5 101 ack 101 win 0").send(50).wait(time.Second).out("A5 101+1 ack 101 ecn 0")
}

// RFC 9768 §3.1.5: a host "is obliged to respond appropriately": a control that knows
// of no counts answers once for each window of octets, as to a loss (RFC 3168 §6.1.2).
func TestRFC9768_3_1_5_AnswersOnceAWindow(t *testing.T) {
	s := countingStory(t).send(9000).ignore().wait(10 * time.Millisecond)
	before := s.tcb.Info().Congestion.Cwnd
	s.in("A6 1 ack 1989").in("A0 1 ack 3989").in("A2 1 ack 5989").in("A5 1 ack 9001").ignore()
	i := s.tcb.Info()
	if i.Counts.Marks != 1 || i.Counts.MarkedOut != 8 || i.Congestion.Cwnd >= before {
		t.Errorf("%d answers to %d marks, the window went from %d to %d", i.Counts.Marks, i.Counts.MarkedOut, before, i.Congestion.Cwnd)
	}
	s.send(1000).ignore().wait(10 * time.Millisecond).in("A6 1 ack 10001")
	if n := s.tcb.Info().Counts.Marks; n != 2 {
		t.Errorf("%d answers, want 2", n)
	}
}

// What accurate feedback is for: a queue that marks from a shallow threshold on is kept
// that short, and the line is busy. Who can only be told once a round trip, and then
// gives up as much as for a loss, leaves the line idle there. 96.5 % is all that
// headers leave.
func TestRFC9768_2_PragueKeepsTheQueueShort(t *testing.T) {
	for _, path := range []wirePath{
		{rate: 10_000_000 / 8, delay: 5 * ms, mark: 2 * ms},
		{rate: 50_000_000 / 8, delay: 5 * ms, mark: ms},
		{rate: 100_000_000 / 8, delay: 5 * ms, mark: ms},
	} {
		path.buffer = path.bdp(4)
		run := func(control string, ecn ECN) (use float64, queue time.Duration, i Info) {
			n := &network{wirePath: path}
			n.ecn = ecn
			f := n.add(control, 0)
			n.run(mono.Time(10 * time.Second))
			if got := f.end[client].Info().ECN; got != ecn {
				t.Errorf("agreed on %v, want %v", got, ecn)
			}
			return n.use(f, 10*time.Second), f.queueing(), f.end[client].Info()
		}
		use, queue, i := run("prague", AccurateECN)
		classic, _, _ := run("cubic", ClassicECN)
		t.Logf("%d Mbit/s: prague %.1f %%, queue %v, %d of %d segments marked; cubic %.1f %%",
			path.rate*8/1e6, use, queue, i.Counts.MarkedOut, i.Counts.SegmentsOut, classic)
		if use < 90 || queue > path.mark || use <= classic {
			t.Errorf("%d Mbit/s: %.1f %% of the line with %v in the queue, want 90 %% and %v; without counts %.1f %%",
				path.rate*8/1e6, use, queue, path.mark, classic)
		}
		if i.Counts.Retransmits != 0 || i.ECT != ect1 {
			t.Errorf("%d retransmissions, octets leave with ECN %d", i.Counts.Retransmits, i.ECT)
		}
	}
}

// What one end counts and the other is told agree at the end, whatever gets lost.
func TestRFC9768_3_2_CountsAgree(t *testing.T) {
	for _, loss := range []float64{0, 0.02} {
		n := &network{wirePath: wirePath{rate: 1_250_000, delay: 10 * ms, mark: 3 * ms, ecn: AccurateECN, loss: loss, buffer: 60_000, seed: 3}}
		f := n.add("prague", 0)
		n.run(mono.Time(10 * time.Second))
		sent, come := f.end[client], f.end[server]
		told, counted := sent.Info().Counts.MarkedOut, come.Info().Counts.MarkedIn
		if d := int(counted - told); counted < 50 || d < 0 || d > 16 { // some are on their way
			t.Errorf("loss %g: %d marked packets arrived, the sender knows of %d", loss, counted, told)
		}
	}
}
