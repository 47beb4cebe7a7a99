package tcp

import (
	"testing"
	"time"
	"unsafe"

	"github.com/octet-net/octet/wire"
)

// waited returns the record of a story that came to TIME-WAIT: the peer's next
// number is 2, ours is 2.
func waited(t testing.TB, rest string, change ...func(s *story)) (*story, TimeWait) {
	t.Helper()
	s := newStory(t, change...).active().ignore().in("SA 0 ack 1 " + rest)
	s.do((*TCB).Shutdown).ignore()
	ts := ""
	if s.tcb.opt.ts {
		ts = " <ts 1000/0>"
	}
	s.in("FA 1 ack 2" + ts).ignore().is(TimeWaiting)
	return s, s.tcb.TimeWait()
}

func TestTimeWaitIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(TimeWait{}); n > 128 {
		t.Errorf("a record has %d octets, want at most 128", n)
	}
}

// The record decides as RFC 9293 §3.10.7.4, RFC 1337 and RFC 6191 say.
func TestTimeWaitVerdicts(t *testing.T) {
	plain, stamped := "<mss 1000>", "<mss 1000 ts 1000/1000>"
	for _, c := range []struct {
		name, options, in string
		want              Verdict
	}{
		{"RFC 1337: a reset is ignored", plain, "RA 2 ack 2", Ignore},
		{"RFC 1337: also one in the window", plain, "RA 100 ack 2", Ignore},
		{"the FIN again", plain, "FA 1 ack 2", Reply},
		{"an ACK of our FIN", plain, "A 2 ack 2", Ignore},
		{"old text", plain, "PA 0+2 ack 2", Reply},
		{"text without ACK", plain, "P 2+2", Ignore},
		{"RFC 9293 MAY-2: a SYN beyond what came", plain, "S 3", Reopen},
		{"an old SYN", plain, "S 0", Reply},
		{"a SYN-ACK", plain, "SA 100 ack 2", Reply},
		{"RFC 6191: a SYN with a later timestamp", stamped, "S 0 <ts 1001/0>", Reopen},
		{"RFC 6191: a SYN with an older timestamp", stamped, "S 100 <ts 999/0>", Reply},
		{"RFC 6191: the same timestamp, a later number", stamped, "S 100 <ts 1000/0>", Reopen},
		{"RFC 6191: the same timestamp, an older number", stamped, "S 0 <ts 1000/0>", Reply},
		{"RFC 6191: no timestamp, a later number", stamped, "S 100", Reopen},
		{"an old FIN with an old timestamp", stamped, "FA 1 ack 2 <ts 500/0>", Reply},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w := waited(t, c.options)
			in := s.parse(c.in)
			var out wire.Segment
			if got := w.Arrive(s.now.Add(time.Second), &in, &out); got != c.want {
				t.Fatalf("verdict %d, want %d", got, c.want)
			}
			if c.want == Reply && !s.matches(&out, "A 2 ack 2") {
				t.Errorf("the answer is %s", s.show(&out))
			}
		})
	}
}

// A SYN that may reopen needs a number beyond everything that was sent.
func TestTimeWaitNextISS(t *testing.T) {
	s, w := waited(t, "<mss 1000>")
	last := s.open.ISS.Add(2)
	if got := w.NextISS(last.Add(-1000)); !last.Less(got) {
		t.Errorf("number %d is not beyond %d", got, last)
	}
	if far := last.Add(1 << 20); w.NextISS(far) != far {
		t.Error("a number that is good was changed")
	}
}

// Without ReuseOnSYN a SYN is challenged, whatever it says.
func TestTimeWaitWithoutReuse(t *testing.T) {
	s, w := waited(t, "<mss 1000>", func(s *story) { s.cfg.ReuseOnSYN = false })
	in := s.parse("S 1000")
	var out wire.Segment
	if got := w.Arrive(s.now, &in, &out); got != Reply {
		t.Errorf("verdict %d, want an ACK", got)
	}
}

// Only the FIN restarts the time; other answers are limited.
func TestTimeWaitLimitsAnswers(t *testing.T) {
	s, w := waited(t, "<mss 1000>")
	var out wire.Segment
	replies := 0
	until := w.Deadline()
	for i := range 1000 {
		in := s.parse("PA 0+2 ack 2")
		if w.Arrive(s.now.Add(time.Duration(i)*time.Millisecond), &in, &out) == Reply {
			replies++
		}
	}
	if replies != 2 {
		t.Errorf("%d answers in a second, want 2", replies)
	}
	if w.Deadline() != until {
		t.Error("something else than a FIN restarted the time")
	}
	in := s.parse("FA 1 ack 2")
	w.Arrive(s.now.Add(time.Second), &in, &out)
	if got := w.Deadline(); got != s.now.Add(time.Second+2*s.cfg.MSL) {
		t.Errorf("the FIN set the end to %v", got)
	}
}
