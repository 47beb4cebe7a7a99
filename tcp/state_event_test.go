package tcp

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-net/octet/mono"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// reach returns a story whose TCB is in a state, brought there by packets and
// calls. In each of them the next number of the peer is 1 and what we sent is
// acknowledged, but for a SYN or FIN whose acknowledgement is the next event.
// Where the peer's FIN came it had the number 1, so its next is 2.
var reach = []struct {
	name string
	to   func(t testing.TB) *story
}{
	{"SYN-SENT", func(t testing.TB) *story { return newStory(t).active() }},
	{"SYN-RECEIVED after Accept", func(t testing.TB) *story { return newStory(t).passive("S 0") }},
	{"SYN-RECEIVED after Connect", func(t testing.TB) *story { return newStory(t).active().in("S 0") }},
	{"ESTABLISHED", func(t testing.TB) *story { return talking(t) }},
	{"FIN-WAIT-1", func(t testing.TB) *story { return talking(t).do((*TCB).Shutdown) }},
	{"FIN-WAIT-2", func(t testing.TB) *story { return talking(t).do((*TCB).Shutdown).in("A 1 ack 2") }},
	{"CLOSE-WAIT", func(t testing.TB) *story { return talking(t).in("FA 1 ack 1") }},
	{"CLOSING", func(t testing.TB) *story { return talking(t).do((*TCB).Shutdown).in("FA 1 ack 1") }},
	{"LAST-ACK", func(t testing.TB) *story { return talking(t).in("FA 1 ack 1").do((*TCB).Shutdown) }},
	{"TIME-WAIT", func(t testing.TB) *story { return talking(t).do((*TCB).Shutdown).in("FA 1 ack 2") }},
	{"CLOSED", func(t testing.TB) *story { return talking(t).in("RA 1 ack 1") }},
}

// events are what can happen to each state. %d is the peer's next number, %e the
// number after all that we sent.
var events = []struct {
	name string
	do   func(s *story, next, sent int)
}{
	{"RST at RCV.NXT", func(s *story, next, sent int) { s.in(fmt.Sprintf("RA %d ack %d", next, sent)) }},
	{"RST in the window", func(s *story, next, sent int) { s.in(fmt.Sprintf("RA %d ack %d", next+100, sent)) }},
	{"RST out of the window", func(s *story, next, sent int) { s.in(fmt.Sprintf("RA %d ack %d", next-100, sent)) }},
	{"RST without ACK at RCV.NXT", func(s *story, next, sent int) { s.in(fmt.Sprintf("R %d", next)) }},
	{"SYN again", func(s *story, next, sent int) { s.in("S 0") }},
	{"SYN in the window", func(s *story, next, sent int) { s.in(fmt.Sprintf("S %d", next+100)) }},
	{"SYN out of the window", func(s *story, next, sent int) { s.in(fmt.Sprintf("S %d", next-1000)) }},
	{"SYN-ACK of our SYN", func(s *story, next, sent int) { s.in("SA 0 ack 1") }},
	{"SYN-ACK of something else", func(s *story, next, sent int) { s.in("SA 0 ack 777") }},
	{"ACK of all", func(s *story, next, sent int) { s.in(fmt.Sprintf("A %d ack %d", next, sent)) }},
	{"ACK of the future", func(s *story, next, sent int) { s.in(fmt.Sprintf("A %d ack %d", next, sent+100)) }},
	{"ACK of the distant past", func(s *story, next, sent int) { s.in(fmt.Sprintf("A %d ack %d", next, sent-100_000)) }},
	{"ACK out of the window", func(s *story, next, sent int) { s.in(fmt.Sprintf("A %d ack %d", next-1000, sent)) }},
	{"text", func(s *story, next, sent int) { s.in(fmt.Sprintf("PA %d+10 ack %d", next, sent)) }},
	{"text without ACK", func(s *story, next, sent int) { s.in(fmt.Sprintf("P %d+10", next)) }},
	{"text after a gap", func(s *story, next, sent int) { s.in(fmt.Sprintf("PA %d+10 ack %d", next+10, sent)) }},
	{"text out of the window", func(s *story, next, sent int) { s.in(fmt.Sprintf("PA %d+10 ack %d", next+1_000_000, sent)) }},
	{"FIN", func(s *story, next, sent int) { s.in(fmt.Sprintf("FA %d ack %d", next, sent)) }},
	{"FIN with text", func(s *story, next, sent int) { s.in(fmt.Sprintf("FPA %d+10 ack %d", next, sent)) }},
	{"FIN again", func(s *story, next, sent int) { s.in(fmt.Sprintf("FA %d ack %d", next-1, sent)) }},
	{"FIN that acknowledges nothing new", func(s *story, next, sent int) { s.in(fmt.Sprintf("FA %d ack 1", next)) }},
	{"Send", func(s *story, next, sent int) {
		s.do(func(t *TCB, now mono.Time) { t.Send(now, make([]byte, 10)) })
	}},
	{"Shutdown", func(s *story, next, sent int) { s.do((*TCB).Shutdown) }},
	{"Close", func(s *story, next, sent int) { s.do((*TCB).Close) }},
	{"Abort", func(s *story, next, sent int) { s.do((*TCB).Abort) }},
}

// TestStateEvent compares what every event does in every state with a table that
// was read beside RFC 9293 §3.10, line by line.
func TestStateEvent(t *testing.T) {
	var b strings.Builder
	for _, r := range reach {
		fmt.Fprintf(&b, "%s\n", r.name)
		for _, e := range events {
			s := r.to(t)
			s.ignore()
			next := s.tcb.rcv.nxt.Sub(s.irs)
			if s.tcb.passed.has(SynSent) && s.tcb.State() == SynSent {
				next = 1
			}
			e.do(s, next, s.tcb.snd.nxt.Sub(s.open.ISS))
			fmt.Fprintf(&b, "\t%-34s %s\n", e.name, outcome(s))
		}
	}
	golden(t, "states.txt", b.String())
}

// outcome describes the state, the error, and what was sent.
func outcome(s *story) string {
	out := s.tcb.State().String()
	if err := s.tcb.Err(); err != nil {
		out += " (" + err.Error() + ")"
	}
	for i := range s.outs {
		out += ", " + s.show(&s.outs[i])
	}
	return out
}

// golden compares text with a file in testdata, and rewrites that with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s:%d (-update rewrites the file)\n got %s\nwant %s", path, i+1, g[i], w[i])
		}
	}
	if len(g) != len(w) {
		t.Errorf("%s has %d lines, want %d", path, len(w), len(g))
	}
}
