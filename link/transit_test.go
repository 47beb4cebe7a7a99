package link

import (
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

func TestWireFaultsWithinBinomialBounds(t *testing.T) {
	const n, p = 40_000, 0.05
	line := timeline.NewManual()
	w, dev, _ := newWire(t, line, 7, Path{
		Loss: Random(p), Duplicate: p, Corrupt: p, Reorder: p, Delay: time.Millisecond,
	})
	for k := range uint64(n) {
		dev.Send(udp(uint16(k%16), k, 60))
		if k%64 == 0 {
			line.Advance(line.Now() + 100_000)
		}
	}
	line.Advance(mono.Time(time.Minute))
	s := w.Stats(0)
	checkConserved(t, s)
	for _, c := range []struct {
		name   string
		got    uint64
		trials float64
	}{
		{"lost", s.Lost, n},
		{"duplicated", s.Duplicated, n * (1 - p)},
		{"corrupted", s.Corrupted, n * (1 - p) * (1 + p)},
		{"reordered", s.Reordered, n * (1 - p) * (1 + p)},
	} {
		mean, sigma := c.trials*p, math.Sqrt(c.trials*p*(1-p))
		if math.Abs(float64(c.got)-mean) > 4*sigma {
			t.Errorf("%s: %d of %.0f, want %.0f ± %.0f", c.name, c.got, c.trials, mean, 4*sigma)
		}
	}
}

// What happens to a flow's packets does not change when other flows send too
// (the draw is from a hash, not from a stream that packets share).
func TestWireFaultsOfAFlowAreItsOwn(t *testing.T) {
	run := func(others int) []uint64 {
		line := timeline.NewManual()
		_, dev, l := newWire(t, line, 3, Path{
			Loss: GilbertElliott{ToBad: 0.1, ToGood: 0.3, LossBad: 0.8}, Duplicate: 0.1, Reorder: 0.1,
			Jitter: Jitter{Exponential, 5 * time.Millisecond},
		})
		for k := range uint64(500) {
			for o := range others {
				dev.Send(udp(uint16(100+o), k, 40))
			}
			dev.Send(udp(1, k, 40))
			line.Advance(line.Now() + mono.Time(time.Millisecond))
		}
		line.Advance(mono.Time(time.Hour))
		return counts(l.ks(1), 500)
	}
	alone := run(0)
	if slices.Max(alone) != 2 || slices.Min(alone) != 0 {
		t.Fatalf("nothing was lost or doubled: %v", alone)
	}
	for _, others := range []int{1, 5} {
		if !slices.Equal(run(others), alone) {
			t.Errorf("with %d other flows, other packets of the flow were lost or doubled", others)
		}
	}
}

// counts returns how often each number below n is in ks.
func counts(ks []uint64, n int) []uint64 {
	c := make([]uint64, n)
	for _, k := range ks {
		c[k]++
	}
	return c
}

// The trace of a run is the same however the goroutines that send race.
func TestWireTraceRepeatsWithRacingSenders(t *testing.T) {
	var first []came
	for run := range 20 {
		synctest.Test(t, func(t *testing.T) {
			line := timeline.New()
			_, dev, l := newWire(t, line, 42, Path{
				Rate: 50_000_000, Delay: 5 * time.Millisecond, Jitter: Jitter{Normal, time.Millisecond},
				Loss: Random(0.05), Duplicate: 0.05, Reorder: 0.1, Queue: DropTail(20_000),
			})
			var wg sync.WaitGroup
			for flow := range uint16(8) {
				wg.Go(func() {
					for k := range uint64(50) {
						dev.Send(udp(flow, k, 500))
						dev.Flush()
						if k%5 == 4 {
							time.Sleep(time.Duration(flow%3+1) * 1_234_567)
						}
					}
				})
			}
			wg.Wait()
			time.Sleep(10 * time.Second)
			if run == 0 {
				first = l.all()
				return
			}
			if !slices.Equal(l.all(), first) {
				t.Fatalf("run %d differs at packet %d", run, firstDifference(l.all(), first))
			}
		})
	}
	if len(first) < 300 {
		t.Errorf("only %d packets came", len(first))
	}
}

func firstDifference(a, b []came) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestWireCorruptsACopyByOneBit(t *testing.T) {
	line := timeline.NewManual()
	w, err := NewWire(line, WireOptions{Paths: [2]Path{{Corrupt: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	sent := udp(1, 99, 300)
	kept := sent.Data.Share()
	want := sent.AppendTo(nil)
	var got []byte
	w.End(1).Attach(receiverFunc(func(_ mono.Time, p *Packet) {
		if len(p.Head()) != 0 {
			t.Error("a corrupted packet still has headers apart")
		}
		got = p.AppendTo(nil)
	}))
	w.End(0).Send(sent)
	line.Advance(mono.Time(time.Second))
	if len(got) != len(want) {
		t.Fatalf("%d octets came, want %d", len(got), len(want))
	}
	flips := 0
	for i := range got {
		for x := got[i] ^ want[i]; x != 0; x &= x - 1 {
			flips++
		}
	}
	if flips != 1 {
		t.Errorf("%d bits differ, want 1", flips)
	}
	if !slices.Equal(kept.B, want[28:]) {
		t.Error("the data that the sender shares was changed")
	}
}

func TestWireHoldsBackWhatItReorders(t *testing.T) {
	line := timeline.NewManual()
	w, dev, l := newWire(t, line, 5, Path{Reorder: 0.2, HoldBack: 3 * time.Millisecond})
	for k := range uint64(200) {
		dev.Send(udp(1, k, 40))
		line.Advance(line.Now() + mono.Time(time.Millisecond))
	}
	line.Advance(mono.Time(time.Minute))
	late := uint64(0)
	for _, c := range l.all() {
		switch delay := c.at - mono.Time(c.k)*mono.Time(time.Millisecond); delay {
		case 3_000_000:
			late++
		case 1000:
		default:
			t.Errorf("packet %d travelled %v", c.k, delay)
		}
	}
	if s := w.Stats(0); late != s.Reordered || late < 20 || len(l.all()) != 200 {
		t.Errorf("%d of %d packets came late, %d counted as reordered", late, len(l.all()), s.Reordered)
	}
}

func TestWireSteadyStateDoesNotAllocate(t *testing.T) {
	line := timeline.NewManual()
	w, err := NewWire(line, WireOptions{Paths: [2]Path{{Rate: 1e9, Loss: Random(0.1), Duplicate: 0.1, Reorder: 0.1}}})
	if err != nil {
		t.Fatal(err)
	}
	w.End(1).Attach(receiverBatch(func([]Packet) {}))
	dev, model := w.End(0), udp(1, 0, 1000)
	var p Packet
	n := testing.AllocsPerRun(1000, func() {
		for range 10 {
			p = *model
			p.Data = p.Data.Share()
			dev.Send(&p)
		}
		line.Advance(line.Now() + mono.Time(time.Millisecond))
	})
	if n != 0 {
		t.Errorf("%v allocations for ten packets", n)
	}
}
