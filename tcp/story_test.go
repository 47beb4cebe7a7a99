package tcp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A story is a conversation of one TCB with a peer that the test plays. Segments
// are written as
//
//	PA 1+100 ack 1 win 65535 <mss 1460 ws 7 sackOK ts 5/0 sack 201-301>
//
// flags, number, payload, then what matters: what an expectation leaves out is
// not compared. Numbers count from the sender's initial sequence number. The ECN field
// of the packet is ecn 2; digits among the flags are those of ECN as a number.
type story struct {
	t    testing.TB
	now  mono.Time
	cfg  Config
	open Opening
	tcb  *TCB
	irs  wire.Seq
	outs []wire.Segment // what left and was not expected yet
	ats  []mono.Time    // and when
	read []byte         // what the user received
}

var storyFlags = []struct {
	letter byte
	flag   wire.Flags
}{{'F', wire.FIN}, {'S', wire.SYN}, {'R', wire.RST}, {'P', wire.PSH}, {'A', wire.ACK}, {'U', wire.URG}, {'E', wire.ECE}, {'W', wire.CWR}, {'N', wire.AE}}

// newStory returns a story whose TCB does not exist yet. Nothing is delayed,
// neither an ACK nor, by Nagle, a segment, unless the test changes that.
func newStory(t testing.TB, change ...func(s *story)) *story {
	s := &story{t: t, now: mono.Time(time.Second), cfg: Linux(), irs: 5_000_000}
	s.cfg.QuickAcks = 1 << 30
	s.open = Opening{ISS: 1_000_000, RecvMSS: 1460, SendMSS: 1460, DefaultMSS: 536}
	for _, f := range change {
		f(s)
	}
	t.Cleanup(func() {
		if s.tcb != nil && s.tcb.counts.Illegal != 0 {
			t.Errorf("%d transitions are not in the table of states", s.tcb.counts.Illegal)
		}
	})
	return s
}

// active opens the connection; the SYN is left to be expected.
func (s *story) active() *story {
	s.tcb = Connect(s.now, &s.cfg, s.open)
	return s.collect()
}

// passive opens the connection by a SYN.
func (s *story) passive(syn string) *story {
	seg := s.parse(syn)
	s.tcb = Accept(s.now, &s.cfg, s.open, &seg)
	return s.collect()
}

// talking returns a story in ESTABLISHED, opened actively. The peer answered
// after 10 ms with no option but an MSS of 1000.
func talking(t testing.TB, change ...func(s *story)) *story {
	t.Helper()
	return talkingWith(t, "win 65535 <mss 1000>", change...)
}

// talkingWith is talking with another window and other options.
func talkingWith(t testing.TB, rest string, change ...func(s *story)) *story {
	t.Helper()
	s := newStory(t, change...).active().out("S 0").wait(10 * time.Millisecond)
	return s.in("SA 0 ack 1 " + rest).out("A 1 ack 1").quiet()
}

// delayed lets the story's ACKs be delayed from the first segment on.
func delayed(s *story) { s.cfg.QuickAcks = 0 }

// rto returns the retransmission timeout now.
func (s *story) rto() time.Duration { return s.tcb.Info().RTO }

// drops checks how many segments were dropped for a reason.
func (s *story) drops(why Drop, want uint32) *story {
	s.t.Helper()
	if got := s.tcb.Info().Counts.Drops[why]; got != want {
		s.t.Fatalf("%d segments were dropped for reason %d, want %d", got, why, want)
	}
	return s
}

// in lets a segment arrive.
func (s *story) in(text string) *story {
	seg := s.parse(text)
	s.tcb.Arrive(s.now, &seg)
	seg.Payload.Release()
	return s.collect()
}

// do lets the user call something.
func (s *story) do(f func(t *TCB, now mono.Time)) *story {
	f(s.tcb, s.now)
	return s.collect()
}

func (s *story) send(n int) *story {
	s.t.Helper()
	if k := s.tcb.Send(s.now, make([]byte, n)); k != n {
		s.t.Fatalf("Send took %d of %d octets", k, n)
	}
	return s.collect()
}

// receive lets the user take everything and checks how much it was.
func (s *story) receive(want int) *story {
	s.t.Helper()
	got := 0
	b := make([]byte, 1<<20)
	for {
		n := s.tcb.Receive(s.now, b)
		if n == 0 {
			break
		}
		s.read = append(s.read, b[:n]...)
		got += n
	}
	if got != want {
		s.t.Fatalf("Receive gave %d octets, want %d", got, want)
	}
	return s.collect()
}

func (s *story) collect() *story {
	for n := 0; ; n++ {
		var seg wire.Segment
		if !s.tcb.Output(s.now, &seg) {
			return s
		}
		if n > 10_000 {
			s.t.Fatal("Output does not come to an end")
		}
		s.outs = append(s.outs, seg)
		s.ats = append(s.ats, s.now)
	}
}

// out expects the next segment that left.
func (s *story) out(want string) *story {
	s.t.Helper()
	if len(s.outs) == 0 {
		s.t.Fatalf("nothing was sent, want %s", want)
	}
	if got := s.show(&s.outs[0]); !s.matches(&s.outs[0], want) {
		s.t.Fatalf("sent %s\nwant %s", got, want)
	}
	s.outs[0].Payload.Release()
	s.outs, s.ats = s.outs[1:], s.ats[1:]
	return s
}

// quiet expects that nothing more left.
func (s *story) quiet() *story {
	s.t.Helper()
	if len(s.outs) > 0 {
		s.t.Fatalf("sent %s, want nothing", s.show(&s.outs[0]))
	}
	return s
}

// ignore forgets what left.
func (s *story) ignore() *story {
	for i := range s.outs {
		s.outs[i].Payload.Release()
	}
	s.outs, s.ats = nil, nil
	return s
}

// wait lets time pass; timers run at their time.
func (s *story) wait(d time.Duration) *story {
	until := s.now.Add(d)
	for n := 0; s.tcb.Deadline() <= until; n++ {
		if n > 100_000 {
			s.t.Fatalf("timers never rest: deadline %v at %v", s.tcb.Deadline(), s.now)
		}
		s.now = max(s.now, s.tcb.Deadline())
		s.tcb.Expire(s.now)
		s.collect()
	}
	s.now = until
	return s
}

// later expects a segment after exactly d without anything before it.
func (s *story) later(d time.Duration, want string) *story {
	s.t.Helper()
	s.quiet()
	from := s.now
	for s.now <= from.Add(d) && len(s.outs) == 0 {
		at := s.tcb.Deadline()
		if at > from.Add(d) {
			s.t.Fatalf("nothing was sent within %v (next deadline %v, now %v), want %s", d, at, from, want)
		}
		s.wait(at.Sub(s.now))
	}
	if got := s.ats[0].Sub(from); got != d {
		s.t.Fatalf("%s was sent after %v, want %v", s.show(&s.outs[0]), got, d)
	}
	return s.out(want)
}

// is checks the state.
func (s *story) is(want State) *story {
	s.t.Helper()
	if got := s.tcb.State(); got != want {
		s.t.Fatalf("state is %v, want %v", got, want)
	}
	return s
}

// fails checks that the connection ended, and why; 0 for an orderly end.
func (s *story) fails(why Reason) *story {
	s.t.Helper()
	s.is(Closed)
	err := s.tcb.Err()
	if why == 0 && err != nil || why != 0 && !errors.Is(err, why) {
		s.t.Fatalf("the connection ended with %v, want %v", err, why)
	}
	return s
}

// ready checks that all bits of want are set and none of not.
func (s *story) ready(want, not Ready) *story {
	s.t.Helper()
	if got := s.tcb.Ready(); got&want != want || got&not != 0 {
		s.t.Fatalf("ready is %010b, want %010b and not %010b", got, want, not)
	}
	return s
}

func (s *story) parse(text string) wire.Segment {
	var seg wire.Segment
	head, opts, _ := strings.Cut(text, "<")
	f := strings.Fields(head)
	seg.Flags = parseFlags(f[0])
	num, n, _ := strings.Cut(f[1], "+")
	seg.Seq = s.irs.Add(s.number(num))
	if n != "" {
		seg.Payload = chunk.Copy(peerOctets(s.number(num), s.number(n)))
	}
	seg.Window = 65535
	for i := 2; i+1 < len(f); i += 2 {
		x := s.number(f[i+1])
		switch f[i] {
		case "ack":
			seg.Ack = s.open.ISS.Add(x)
		case "win":
			seg.Window = uint16(x)
		case "urg":
			seg.Urgent = uint16(x)
		case "ecn":
			seg.ECN = uint8(x)
		default:
			s.t.Fatalf("what is %q in %q?", f[i], text)
		}
	}
	s.parseOptions(&seg.Options, strings.Fields(strings.TrimSuffix(opts, ">")))
	return seg
}

// peerOctets are n octets of the stream that the peer sends, from number seq on.
func peerOctets(seq, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		x := uint32(seq + i)
		b[i] = byte(x*2654435761>>24) ^ byte(x)
	}
	return b
}

func (s *story) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func parseFlags(text string) (f wire.Flags) {
	for i := range len(text) {
		if c := text[i]; '0' <= c && c <= '7' { // the three bits of ECN as a number
			f |= aceFlags(uint32(c - '0'))
		}
		for _, x := range storyFlags {
			if x.letter == text[i] {
				f |= x.flag
			}
		}
	}
	return f
}

func (s *story) parseOptions(o *wire.Options, f []string) {
	for i := 0; i < len(f); i++ {
		if cookie, ok := strings.CutPrefix(f[i], "fo:"); ok { // fo: asks for a cookie, fo:01020304 is one
			o.Has |= wire.HasFastOpen
			o.Cookie = cookieOf(s.t, cookie)
			continue
		}
		switch f[i] {
		case "sackOK":
			o.Has |= wire.HasSACKPermitted
			continue
		case "mss":
			o.Has |= wire.HasMSS
			o.MSS = uint16(s.number(f[i+1]))
		case "ws":
			o.Has |= wire.HasScale
			o.Scale = uint8(s.number(f[i+1]))
		case "ts":
			o.Has |= wire.HasTimestamp
			a, b, _ := strings.Cut(f[i+1], "/")
			o.TSVal, o.TSEcr = uint32(s.number(a)), uint32(s.number(b))
		case "sack":
			o.Has |= wire.HasSACK
			a, b, _ := strings.Cut(f[i+1], "-")
			o.SACK[o.NSACK] = wire.Range{Start: s.open.ISS.Add(s.number(a)), End: s.open.ISS.Add(s.number(b))}
			o.NSACK++
		case "e0b", "ceb", "e1b":
			s.parseCounter(o, f[i], f[i+1])
		}
		i++
	}
}

// show writes a segment of ours as stories do.
func (s *story) show(seg *wire.Segment) string {
	var b strings.Builder
	counts := s.tcb != nil && s.tcb.acc != nil && seg.Flags&wire.SYN == 0
	for _, x := range storyFlags {
		if seg.Flags&x.flag != 0 && !(counts && x.flag&aceBits != 0) {
			b.WriteByte(x.letter)
		}
	}
	if counts {
		fmt.Fprint(&b, ace(seg.Flags))
	}
	fmt.Fprintf(&b, " %d", seg.Seq.Sub(s.open.ISS))
	if n := seg.Payload.Len(); n > 0 {
		fmt.Fprintf(&b, "+%d", n)
	}
	if seg.Flags&wire.ACK != 0 {
		fmt.Fprintf(&b, " ack %d", seg.Ack.Sub(s.irs))
	}
	fmt.Fprintf(&b, " win %d", seg.Window)
	if seg.Flags&wire.URG != 0 {
		fmt.Fprintf(&b, " urg %d", seg.Urgent)
	}
	if seg.ECN != 0 {
		fmt.Fprintf(&b, " ecn %d", seg.ECN)
	}
	if o := s.showOptions(&seg.Options); o != "" {
		fmt.Fprintf(&b, " <%s>", o)
	}
	return b.String()
}

func (s *story) showOptions(o *wire.Options) string {
	var f []string
	add := func(bit wire.OptionSet, format string, a ...any) {
		if o.Has&bit != 0 {
			f = append(f, fmt.Sprintf(format, a...))
		}
	}
	add(wire.HasMSS, "mss %d", o.MSS)
	add(wire.HasScale, "ws %d", o.Scale)
	add(wire.HasSACKPermitted, "sackOK")
	add(wire.HasTimestamp, "ts %d/%d", o.TSVal, o.TSEcr)
	add(wire.HasFastOpen, "fo:%x", o.Cookie.B[:o.Cookie.Len])
	if o.Has&wire.HasSACK != 0 {
		for _, r := range o.SACK[:o.NSACK] {
			f = append(f, fmt.Sprintf("sack %d-%d", r.Start.Sub(s.irs), r.End.Sub(s.irs)))
		}
	}
	if o.Has&(wire.HasAccECN0|wire.HasAccECN1) != 0 {
		f = append(f, showCounters(o)...)
	}
	return strings.Join(f, " ")
}

// showCounters writes an AccECN option: the first counter tells its kind.
func showCounters(o *wire.Options) []string {
	c := o.AccECN
	f := []string{fmt.Sprint("e0b ", c.E0B), fmt.Sprint("ceb ", c.CEB), fmt.Sprint("e1b ", c.E1B)}
	if o.Has&wire.HasAccECN1 != 0 {
		f[0], f[2] = f[2], f[0]
	}
	return f[:c.N]
}

func (s *story) parseCounter(o *wire.Options, name, value string) {
	c, n := &o.AccECN, uint32(s.number(value))
	switch name {
	case "e0b":
		c.E0B = n
	case "ceb":
		c.CEB = n
	case "e1b":
		c.E1B = n
	}
	if c.N == 0 && name == "e1b" {
		o.Has |= wire.HasAccECN1
	} else if c.N == 0 {
		o.Has |= wire.HasAccECN0
	}
	c.N++
}

// matches compares a segment with an expectation, which may leave out PSH, the
// window, the urgent pointer and the options.
func (s *story) matches(seg *wire.Segment, want string) bool {
	got := s.show(seg)
	wantHead, wantOpts, hasOpts := strings.Cut(want, "<")
	gotHead, gotOpts, _ := strings.Cut(got, "<")
	if hasOpts && strings.TrimSuffix(gotOpts, ">") != strings.TrimSuffix(wantOpts, ">") {
		return false
	}
	w, g := strings.Fields(wantHead), strings.Fields(gotHead)
	if !strings.Contains(w[0], "P") {
		g[0] = strings.Replace(g[0], "P", "", 1)
	}
	if w[0] != g[0] || w[1] != g[1] {
		return false
	}
	for i := 2; i+1 < len(w); i += 2 {
		if w[i] == "ecn" && w[i+1] == "0" && seg.ECN == 0 {
			continue // not written
		}
		if !hasPair(g[2:], w[i], w[i+1]) {
			return false
		}
	}
	return true
}

func hasPair(f []string, key, value string) bool {
	for i := 0; i+1 < len(f); i += 2 {
		if f[i] == key && f[i+1] == value {
			return true
		}
	}
	return false
}

// sprintf keeps scenarios short.
func sprintf(format string, a ...any) string { return fmt.Sprintf(format, a...) }
