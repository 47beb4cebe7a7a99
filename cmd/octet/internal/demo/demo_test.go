package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// tcp runs the demonstration in virtual time.
func tcp(t *testing.T, o TCPOptions, verbose int, check func(sum TCPSummary, out string, err error)) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		sum, err := TCP(t.Context(), report.New(&out, io.Discard, report.Options{Verbose: verbose}), o)
		check(sum, out.String(), err)
	})
}

func TestTCPArrivesWhateverTheWireDoes(t *testing.T) {
	for name, f := range map[string]Faults{
		"nothing": {},
		"loses":   {Loss: 0.1},
		"doubles": {Duplicate: 0.5},
		"holds":   {Reorder: 0.3, Delay: 10 * time.Millisecond},
		"damages": {Corrupt: 0.05},
		"slow":    {Rate: 10e6, Delay: 50 * time.Millisecond},
		"all":     {Loss: 0.02, Duplicate: 0.01, Reorder: 0.05, Corrupt: 0.001, Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			tcp(t, TCPOptions{Size: 1e6, Faults: f, Seed: 7}, 0, func(sum TCPSummary, out string, err error) {
				if err != nil {
					t.Fatal(err)
				}
				if !sum.Equal || sum.Octets != 1e6 || sum.ClientSum != sum.ServerSum || sum.Answer != reply || sum.Packets < 700 {
					t.Errorf("summary %+v", sum)
				}
				for _, want := range []string{"SYN\n", "SYN ACK\n", "FIN", "both │ have SHA-256 " + sum.ClientSum, "client │ TCP ", "server → client: carried "} {
					if !strings.Contains(out, want) {
						t.Errorf("%q is missing in\n%s", want, out)
					}
				}
				for what, is := range map[string]bool{
					"lost": f.Loss > 0, "doubled": f.Duplicate > 0, "held back": f.Reorder > 0, "damaged": f.Corrupt > 0, "bad checksum": f.Corrupt > 0,
				} {
					if strings.Contains(out, what) != is {
						t.Errorf("%q is told: %v, want %v", what, !is, is)
					}
				}
			})
		})
	}
}

// The same seed gives the same data and the same fates, another one others.
func TestTCPSeed(t *testing.T) {
	run := func(seed uint64) (sum TCPSummary, wire string) {
		tcp(t, TCPOptions{Size: 3e5, Faults: Faults{Loss: 0.05, Delay: time.Millisecond}, Seed: seed}, 0, func(s TCPSummary, out string, err error) {
			if err != nil {
				t.Fatal(err)
			}
			sum, wire = s, strings.Join(regexp.MustCompile(`carried .*`).FindAllString(out, -1), "; ")
		})
		return sum, wire
	}
	a, wireA := run(1)
	b, wireB := run(1)
	c, wireC := run(2)
	if a.ClientSum != b.ClientSum || wireA != wireB {
		t.Errorf("one seed: %s and %s, %s and %s", a.ClientSum, b.ClientSum, wireA, wireB)
	}
	if a.ClientSum == c.ClientSum || wireA == wireC {
		t.Errorf("two seeds: %s and %s, %s and %s", a.ClientSum, c.ClientSum, wireA, wireC)
	}
}

func TestTCPBreaksOff(t *testing.T) {
	tcp(t, TCPOptions{Size: 1e6, Faults: Faults{Loss: 1}}, 0, func(sum TCPSummary, out string, err error) {
		if outcome.Of(err) != outcome.Timeout || !strings.Contains(fmt.Sprint(err), "no connection to the server") || sum.Equal {
			t.Errorf("over a dead wire: %v, %+v", err, sum)
		}
	})
	tcp(t, TCPOptions{Size: 1e6, Faults: Faults{Delay: 1e6 * time.Hour}}, 0, func(_ TCPSummary, _ string, err error) {
		if outcome.Of(err) != outcome.Usage || !strings.Contains(fmt.Sprint(err), "Delay") {
			t.Errorf("over a wire that cannot be: %v", err)
		}
	})
}

func TestTCPIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		sum, err := TCP(ctx, report.New(io.Discard, io.Discard, report.Options{}), TCPOptions{Size: 1e9, Faults: Faults{Rate: 1e6}})
		if !errors.Is(err, context.Canceled) || sum.Octets == 0 || sum.Equal || !strings.Contains(sum.String(), "octets arrived") {
			t.Errorf("%v, %+v", err, sum)
		}
	})
}

// The capture has what both hosts sent, each packet once, and nothing damaged.
func TestTCPCapture(t *testing.T) {
	var file bytes.Buffer
	tcp(t, TCPOptions{Size: 1e5, Faults: Faults{Corrupt: 0.1, Duplicate: 0.1}, Seed: 1, Capture: &file}, 0, func(sum TCPSummary, _ string, err error) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := link.NewCaptureReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; ; n++ {
			c, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			o := wire.Plain(c.Data)
			var h wire.IP
			if wire.ParseIP(&o, &h) != wire.OK || c.Direction != 'o' || c.Interface != clientName && c.Interface != serverName {
				t.Errorf("packet %d: %s", n, wire.Line(wire.Plain(c.Data), 0))
			}
			o.Pull(int(h.HeaderLen))
			if h.Verify(&o) != wire.OK {
				t.Errorf("packet %d has a bad checksum", n)
			}
		}
		if n != sum.Packets {
			t.Errorf("%d packets captured, %d sent", n, sum.Packets)
		}
	})
}

func TestUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		sum, err := UDP(t.Context(), report.New(&out, io.Discard, report.Options{}), false)
		if err != nil || sum != (UDPSummary{2, reply}) || strings.Count(out.String(), "\n") != 7 {
			t.Errorf("%+v, %v:\n%s", sum, err, &out)
		}
	})
}

func TestBothEndTogether(t *testing.T) {
	odd := errors.New("odd")
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	listens := func(ctx context.Context, ready func()) error { ready(); return waits(ctx) }
	for name, c := range map[string]struct {
		server func(context.Context, func()) error
		client func(context.Context) error
	}{
		"the server fails before it listens": {func(context.Context, func()) error { return odd }, waits},
		"the server fails":                   {func(_ context.Context, ready func()) error { ready(); return odd }, waits},
		"the client fails":                   {listens, func(context.Context) error { return odd }},
	} {
		if err := both(t.Context(), c.server, c.client); err != odd {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := both(ctx, listens, waits); err != context.Canceled {
		t.Errorf("interrupted: %v", err)
	}
}

// segment returns a packet of the conversation.
func segment(fromClient bool, flags wire.Flags) *link.Packet {
	h := wire.IP{Src: clientPrefix.Addr(), Dst: serverPrefix.Addr(), Proto: wire.ProtoTCP, TTL: 64, Len: 40}
	s := wire.Segment{SrcPort: 50000, DstPort: 6789, Flags: flags}
	if !fromClient {
		h.Src, h.Dst, s.SrcPort, s.DstPort = h.Dst, h.Src, s.DstPort, s.SrcPort
	}
	b := make([]byte, 40)
	wire.PutIP(b, &h)
	wire.PutTCP(b[20:], &s)
	h.Seal(b[20:], nil)
	return &link.Packet{Data: chunk.Borrow(b)}
}

func TestTraceShowsBeginningAndEnd(t *testing.T) {
	show := func(all bool) []string {
		var out bytes.Buffer
		r := &trace{report: report.New(&out, io.Discard, report.Options{}), all: all}
		send := func(n int, fromClient bool, flags wire.Flags) {
			for range n {
				r.Observe(&link.Sighting{Outgoing: true, Device: "x", Packet: segment(fromClient, flags)})
				r.Observe(&link.Sighting{Device: "x", Packet: segment(fromClient, flags)}) // it arrives
			}
		}
		send(1, true, wire.SYN)
		send(1, false, wire.SYN|wire.ACK)
		send(1000, true, wire.ACK)
		faultTrace{r}.Observe(&link.Sighting{Fate: link.Lost, Packet: segment(true, wire.ACK)})
		send(1, true, wire.FIN|wire.ACK)
		faultTrace{r}.Observe(&link.Sighting{Fate: link.Lost, Packet: segment(true, wire.FIN|wire.ACK)})
		send(100, false, wire.ACK)
		send(1, false, wire.FIN|wire.ACK)
		send(1, true, wire.ACK)
		r.finish()
		send(1, true, wire.RST) // what the end of the program does is no part of it
		if n := r.count(); n != 1105 {
			t.Errorf("%d packets counted", n)
		}
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
	got := show(false)
	for _, want := range []string{"… 996 more (-v shows all)", "#1003 ", "… 95 more (-v shows all)", "#1104 ", "#1105 "} {
		if !strings.Contains(strings.Join(got, "\n")+" ", want) {
			t.Errorf("%q is not shown:\n%s", want, strings.Join(got, "\n"))
		}
	}
	if n := len(got); n != shownEnding+2+2+1 { // numbered, last two, two gaps, one fate
		t.Errorf("%d lines:\n%s", n, strings.Join(got, "\n"))
	}
	if n := len(show(true)); n != 1105+2 {
		t.Errorf("%d lines with everything", n)
	}
}
