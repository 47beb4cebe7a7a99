package tcp

import (
	"fmt"
	"testing"
	"time"

	"github.com/octet-net/octet/wire"
)

var cookieKey = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// cookieOf returns the cookie that answers a SYN, and an ACK that a peer would
// send to it.
func (s *story) cookieOf(name, syn string) (cookie, ack wire.Segment) {
	in := s.parse(syn)
	MakeCookie(s.now, &s.cfg, cookieKey, []byte(name), s.open, &in, &cookie)
	ack = wire.Segment{Flags: wire.ACK, Seq: in.Seq.Add(1), Ack: cookie.Seq.Add(1), Window: 500}
	if o := cookie.Options; o.Has&wire.HasTimestamp != 0 {
		ack.Options = wire.Options{Has: wire.HasTimestamp, TSVal: o.TSEcr + 10, TSEcr: o.TSVal}
	}
	return cookie, ack
}

// acceptCookie continues the story with the connection that an ACK opens.
func (s *story) acceptCookie(name string, ack wire.Segment) *story {
	s.t.Helper()
	var syn wire.Segment
	if !CheckCookie(s.now, cookieKey, []byte(name), &ack, &syn) {
		s.t.Fatal("the cookie is refused")
	}
	s.open.ISS = ack.Ack.Add(-1)
	s.tcb = AcceptCookie(s.now, &s.cfg, s.open, &syn, &ack)
	s.collect().quiet()
	s.tcb.Arrive(s.now, &ack)
	ack.Payload.Release()
	return s.collect()
}

// RFC 4987 §3.6: nobody sees that it is a cookie, and with timestamps nothing of the handshake is
// lost. The segment sizes of the SYNs are such that a cookie knows.
func TestRFC4987_3_6_CookieIsAHandshake(t *testing.T) {
	for _, syn := range []string{
		"S 0 win 1000",
		"S 0 win 1000 <mss 1460>",
		"S 0 win 1000 <mss 1400 ts 7/0>",
		"S 0 win 1000 <mss 1220 sackOK ts 7/0>",
		"S 0 win 1000 <mss 8940 ws 0 ts 7/0>",
		"S 0 win 1000 <mss 1460 ws 14 sackOK ts 4294967295/0>",
		"SEW 0 win 1000 <mss 1460 ws 7 sackOK ts 7/0>",
	} {
		t.Run(syn, func(t *testing.T) {
			plain := newStory(t).passive(syn)
			want := plain.outs[0]
			s := newStory(t)
			got, ack := s.cookieOf("name", syn)
			late := want.Options.TSVal - got.Options.TSVal
			if late > 64 {
				t.Errorf("timestamp %d, but the clock says %d", got.Options.TSVal, want.Options.TSVal)
			}
			got.Seq, got.Options.TSVal = want.Seq, want.Options.TSVal
			if s.show(&got) != s.show(&want) {
				t.Errorf("cookie %s\nwant   %s", s.show(&got), s.show(&want))
			}
			s.wait0(100*time.Millisecond).acceptCookie("name", ack).is(Established).quiet()
			plain.ignore().wait(100 * time.Millisecond)
			ack.Ack = plain.open.ISS.Add(1)
			plain.tcb.Arrive(plain.now, &ack)
			if got, want := negotiated(s.tcb), negotiated(plain.tcb); got != want {
				t.Errorf("the cookie's connection has %s\nwant %s", got, want)
			}
			s.send(10).out("PA 1+10 ack 1").in("PA 1+20 ack 11 win 500 <ts 100/0>").receive(20)
		})
	}
}

func negotiated(t *TCB) string {
	i := t.Info()
	return fmt.Sprint(i.MSS, i.PeerMSS, i.SACK, i.Timestamps, i.Scaled, i.SendScale, i.ReceiveScale, i.SndWnd, i.RcvWnd,
		i.RcvNxt, t.ecn.mode, t.rcv.tsRecent)
}

// Without timestamps there is room for the segment size alone: nothing else is
// agreed on, since it would be forgotten.
func TestRFC4987_3_6_CookieWithoutTimestamps(t *testing.T) {
	s := newStory(t)
	syn, ack := s.cookieOf("name", "SEW 0 win 1000 <mss 1300 ws 7 sackOK>")
	if got := s.showOptions(&syn.Options); got != "mss 1460" || syn.Flags != wire.SYN|wire.ACK {
		t.Errorf("cookie %s, want an MSS and nothing else", s.show(&syn))
	}
	s.acceptCookie("name", ack).is(Established)
	if got := s.tcb.Info().PeerMSS; got != 1220 {
		t.Errorf("MSS %d, want the next below 1300", got)
	}
}

// The ACK that brings a cookie back may have text and a FIN.
func TestRFC4987_3_6_CookieWithText(t *testing.T) {
	s := newStory(t)
	_, ack := s.cookieOf("name", "S 0 win 1000 <mss 1460>")
	text := s.parse("PFA 1+100 ack 0")
	text.Ack, text.Window = ack.Ack, 500
	s.acceptCookie("name", text).is(CloseWait).out("A 1 ack 102").receive(100)
}

// Nobody can tell the round trip of a handshake that left no trace.
func TestRFC6298_5_7_CookieMeasuresNothing(t *testing.T) {
	s := newStory(t)
	_, ack := s.cookieOf("name", "S 0 win 1000 <mss 1460>")
	s.acceptCookie("name", ack)
	if i := s.tcb.Info(); i.SRTT != 0 || i.RTO != 3*time.Second {
		t.Errorf("round trip %v, RTO %v", i.SRTT, i.RTO)
	}
}

// T-39: everything in a cookie is under its MAC.
func TestThreat_T39_ForgedCookiesAreRefused(t *testing.T) {
	s := newStory(t)
	_, ack := s.cookieOf("name", "S 0 win 1000 <mss 1460 ws 7 sackOK ts 7/0>")
	check := func(name string, a wire.Segment) bool {
		var syn wire.Segment
		return CheckCookie(s.now, cookieKey, []byte(name), &a, &syn)
	}
	if !check("name", ack) {
		t.Fatal("the cookie itself is refused")
	}
	if check("other", ack) {
		t.Error("another tuple is accepted")
	}
	for bit := range 32 { // MSS index, slot, MAC
		bad := ack
		bad.Ack = (ack.Ack - 1 ^ 1<<bit) + 1
		if check("name", bad) {
			t.Errorf("a cookie with bit %d turned is accepted", bit)
		}
	}
	for bit := range 6 { // scale, SACK, ECN
		bad := ack
		bad.Options.TSEcr ^= 1 << bit
		if check("name", bad) {
			t.Errorf("a timestamp with bit %d turned is accepted", bit)
		}
	}
	for what, change := range map[string]func(a *wire.Segment){
		"another number of the peer": func(a *wire.Segment) { a.Seq++ },
		"no timestamp":               func(a *wire.Segment) { a.Options = wire.Options{} },
		"no ACK":                     func(a *wire.Segment) { a.Flags = wire.PSH },
		"a SYN":                      func(a *wire.Segment) { a.Flags |= wire.SYN },
		"a reset":                    func(a *wire.Segment) { a.Flags |= wire.RST },
	} {
		bad := ack
		if change(&bad); check("name", bad) {
			t.Errorf("%s is accepted", what)
		}
	}
}

// T-39: a cookie lives through its slot and the next, 128 seconds at most, and 64 at least.
func TestThreat_T39_CookiesAge(t *testing.T) {
	for _, start := range []time.Duration{time.Second, 63 * time.Second, 64 * time.Second, 1000 * time.Second} {
		s := newStory(t).wait0(start)
		_, ack := s.cookieOf("name", "S 0 win 1000 <mss 1460>")
		made := s.now
		life := time.Duration(-1)
		var syn wire.Segment
		for CheckCookie(s.now, cookieKey, []byte("name"), &ack, &syn) {
			life = s.now.Sub(made)
			s.now = s.now.Add(time.Second)
		}
		if life < 64*time.Second || life > CookieLife {
			t.Errorf("made at %v it lived for %v", made, life)
		}
		for range 8 { // it does not come back when its slot's bit does
			s.now = s.now.Add(32 * time.Second)
			if CheckCookie(s.now, cookieKey, []byte("name"), &ack, &syn) {
				t.Errorf("made at %v it is accepted again at %v", made, s.now)
			}
		}
	}
}

// wait0 lets time pass before there is a connection.
func (s *story) wait0(d time.Duration) *story {
	s.now = s.now.Add(d)
	return s
}

// T-50: a SYN in a flood costs no memory.
func TestThreat_T50_CookiesAllocateNothing(t *testing.T) {
	s := newStory(t)
	syn := s.parse("S 0 win 1000 <mss 1460 ws 7 sackOK ts 7/0>")
	var name [40]byte
	var out wire.Segment
	n := testing.AllocsPerRun(100, func() {
		MakeCookie(s.now, &s.cfg, cookieKey, name[:], s.open, &syn, &out)
		ack := wire.Segment{Flags: wire.ACK, Ack: out.Seq}
		if CheckCookie(s.now, cookieKey, name[:], &ack, &out) {
			t.Fatal("accepted")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// RFC 9768 §5.1: a cookie need not remember that both ends count: no other peer answers
// with an ACE field of 2 to 7, and the counters begin as they would have.
func TestRFC9768_5_1_Cookies(t *testing.T) {
	for _, rest := range []string{"<mss 1460>", "<mss 1460 ws 7 sackOK ts 7/0>"} {
		s := newStory(t, counting)
		syn, ack := s.cookieOf("name", "SEWN 0 ecn 2 win 1000 "+rest)
		if ace(syn.Flags) != shakeECT0 || syn.Options.AccECN != (wire.AccECN{N: 3, E0B: 1, E1B: 1}) {
			t.Errorf("cookie %s", s.show(&syn))
		}
		ack.Flags |= aceFlags(shakeNotECT)
		s.acceptCookie("name", ack).is(Established).send(100)
		if i := s.tcb.Info(); i.ECN != AccurateECN || s.nextECN() != ect0 {
			t.Errorf("%s: %v, octets leave with ECN %d", rest, i.ECN, s.nextECN())
		}
		s.ignore().in("PA5 1+10 ack 101 ecn 3 <ts 100/0>").out("A6 101 ack 11")
	}
	for _, c := range []struct {
		syn    string
		ace    uint32
		accept ECN
		want   ECN
	}{
		{"SEWN 0", 0, AccurateECN, NoECN}, // "0b000 or 0b001 ... the Server does not enter AccECN mode"
		{"SEWN 0", 1, AccurateECN, NoECN},
		{"SEWN 0", 7, AccurateECN, AccurateECN},
		{"SEW 0", 0, AccurateECN, ClassicECN},
		{"SEW 0", 1, AccurateECN, ClassicECN},
		{"SEWN 0", 0, ClassicECN, ClassicECN},
		{"S 0", 2, ClassicECN, NoECN}, // a lie
	} {
		s := newStory(t, func(s *story) { s.cfg.AcceptECN = c.accept })
		_, ack := s.cookieOf("name", c.syn+" win 1000 <mss 1460 ts 7/0>")
		ack.Flags = ack.Flags&^aceBits | aceFlags(c.ace)
		if got := s.acceptCookie("name", ack).tcb.Info().ECN; got != c.want {
			t.Errorf("%s, ACK with %03b, up to %v: %v, want %v", c.syn, c.ace, c.accept, got, c.want)
		}
	}
}
