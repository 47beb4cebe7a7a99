package link

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// One caller delivers its share and leaves; the timeline does the rest.
func TestFlushDoesItsShareAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 10 * share
		l := NewLoopback(timeline.New())
		var left atomic.Int64
		left.Store(all)
		l.Attach(receiverFunc(func(_ mono.Time, p *Packet) {
			if left.Add(-1) > 0 { // each packet causes another, as a peer without end would
				l.Send(numbered(0, 64))
				l.Flush()
			}
		}))
		l.Send(numbered(0, 64))
		l.Flush()
		if did := all - left.Load(); did != share {
			t.Errorf("one Flush delivered %d packets, want %d", did, share)
		}
		l.Flush()
		if did := all - left.Load(); did != 2*share {
			t.Errorf("the next Flush went on to %d packets, want %d", did, 2*share)
		}
		time.Sleep(time.Second) // nobody calls: the timeline does it
		if left.Load() != 0 {
			t.Errorf("%d packets are left", left.Load())
		}
	})
}

func TestPipeDeliversBothWaysWithoutRecursion(t *testing.T) {
	a, b := NewPipe(timeline.NewManual(), PipeOptions{})
	depth, deepest := 0, 0
	answer := func(from Device) Receiver {
		return receiverFunc(func(_ mono.Time, p *Packet) {
			depth++
			deepest = max(deepest, depth)
			if k := number(p); k < 10_000 {
				from.Send(numbered(k+1, 100))
				from.Flush()
			}
			depth--
		})
	}
	a.Attach(answer(a))
	b.Attach(answer(b))
	a.Send(numbered(0, 100))
	a.Flush()
	if deepest != 1 {
		t.Errorf("Receive was entered %d deep", deepest)
	}
	if s := b.Stats(); s.Received != 5001 || s.Sent != 5000 || a.Stats().Received != 5000 {
		t.Errorf("b counted %+v", s)
	}
}

func TestPipeLimits(t *testing.T) {
	for _, c := range []struct {
		name    string
		options PipeOptions
		size    int
		segment uint16
		passes  bool
	}{
		{"default MTU", PipeOptions{}, 1500, 0, true},
		{"over the default MTU", PipeOptions{}, 1501, 0, false},
		{"frame", PipeOptions{Ethernet: true}, 1514, 0, true},
		{"frame over the MTU", PipeOptions{Ethernet: true}, 1515, 0, false},
		{"largest frame", PipeOptions{Ethernet: true, MTU: 1 << 20}, MTUMax, 0, true},
		{"segments that cannot be cut", PipeOptions{}, 3000, 1000, false},
		{"segments", PipeOptions{Segments: true}, 60000, 1000, true},
		{"long packet without segments", PipeOptions{Segments: true}, 60000, 0, false},
	} {
		a, b := NewPipe(timeline.NewManual(), c.options)
		var got *Packet
		b.Attach(receiverFunc(func(_ mono.Time, p *Packet) { got = p }))
		p := numbered(1, c.size)
		p.SegmentSize = c.segment
		a.Send(p)
		a.Flush()
		if passed := got != nil; passed != c.passes {
			t.Errorf("%s: passed is %v", c.name, passed)
		}
		if s := a.Stats(); s.Sent+s.SendDropped != 1 || (s.Sent == 1) != c.passes {
			t.Errorf("%s: counted %+v", c.name, s)
		}
		if c.passes && got.SegmentSize != c.segment {
			t.Errorf("%s: segment size %d became %d", c.name, c.segment, got.SegmentSize)
		}
	}
}

func TestPipeWithoutNoSumFillsInTheChecksum(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		a, b := NewPipe(timeline.NewManual(), PipeOptions{NoSum: allowed})
		var noSum, good bool
		b.Attach(receiverFunc(func(_ mono.Time, p *Packet) {
			noSum, good = p.NoSum, sumIsRight(t, p, false)
		}))
		a.Send(&Packet{NoSum: true, Data: chunk.Copy(segment(false, 100))})
		a.Flush()
		if noSum != allowed || good == allowed {
			t.Errorf("NoSum allowed %v: received NoSum %v, checksum right %v", allowed, noSum, good)
		}
	}
}

func TestFullLaneDropsAndCounts(t *testing.T) {
	l := NewLoopback(timeline.NewManual())
	got := 0
	l.Attach(receiverFunc(func(mono.Time, *Packet) { got++ }))
	for k := range uint64(laneMax + 10) {
		l.Send(numbered(k, 8))
	}
	if s := l.Stats(); s.SendDropped != 10 || s.Sent != laneMax {
		t.Errorf("counted %+v", s)
	}
	big := chunk.Copy(make([]byte, 60_000))
	l.Flush()
	for range laneOctets/60_000 + 5 {
		l.Send(&Packet{Data: big.Share()})
	}
	if s := l.Stats(); s.SendDropped != 15 {
		t.Errorf("%d dropped by octets, want 5", s.SendDropped-10)
	}
	l.Flush()
	if want := laneMax + laneOctets/60_000; got != want {
		t.Errorf("%d delivered, want %d", got, want)
	}
}

func TestIdleQueueGivesMemoryBack(t *testing.T) {
	l := NewLoopback(timeline.NewManual())
	l.Attach(receiverFunc(func(mono.Time, *Packet) {}))
	for k := range uint64(10_000) {
		l.Send(numbered(k, 8))
	}
	l.Flush()
	for range 3 * keepDrains {
		l.Send(numbered(0, 8))
		l.Flush()
	}
	if lane := &l.drain.lanes[0]; cap(lane.in)+cap(lane.out) > 2*keepCap {
		t.Errorf("an idle queue keeps room for %d packets", cap(lane.in)+cap(lane.out))
	}
}

func TestCloseDropsWhatComesIn(t *testing.T) {
	a, b := NewPipe(timeline.NewManual(), PipeOptions{})
	toA, toB := 0, 0
	a.Attach(receiverFunc(func(mono.Time, *Packet) { toA++ }))
	b.Attach(receiverFunc(func(mono.Time, *Packet) { toB++ }))
	a.Send(numbered(1, 100)) // the last words of a
	b.Send(numbered(1, 100))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a.Send(numbered(2, 100))
	b.Send(numbered(2, 100))
	b.Flush()
	if toA != 0 || toB != 1 {
		t.Errorf("a received %d packets after its Close and b %d, want none and the one sent before", toA, toB)
	}
	if s := a.Stats(); s.SendDropped != 1 || s.Sent != 1 {
		t.Errorf("a counted %+v", s)
	}
	if s := b.Stats(); s.SendDropped != 2 {
		t.Errorf("b counted %+v", s)
	}
}

// A device may be closed by its own Receiver, with packets of the batch still to come.
func TestCloseFromReceive(t *testing.T) {
	l := NewLoopback(timeline.NewManual())
	batches := 0
	l.Attach(receiverBatch(func([]Packet) {
		batches++
		l.Close()
	}))
	for k := range uint64(3 * batchMax) {
		l.Send(numbered(k, 64))
	}
	l.Flush()
	if batches != 1 {
		t.Errorf("%d batches came, want the one that closed the device", batches)
	}
	lane := &l.drain.lanes[0]
	if lane.waiting() != 0 || lane.octets != 0 {
		t.Errorf("%d packets with %d octets wait", lane.waiting(), lane.octets)
	}
}

type receiverBatch func([]Packet)

func (f receiverBatch) Receive(_ mono.Time, batch []Packet) { f(batch) }

func TestPanicInReceiveLeavesTheLinkUsable(t *testing.T) {
	l := NewLoopback(timeline.NewManual())
	got := 0
	l.Attach(receiverFunc(func(mono.Time, *Packet) {
		if got++; got == 1 {
			panic("a user's mistake")
		}
	}))
	l.Send(numbered(0, 64))
	func() {
		defer func() { _ = recover() }()
		l.Flush()
	}()
	l.Send(numbered(1, 64))
	l.Flush()
	if got != 2 {
		t.Errorf("%d packets delivered", got)
	}
}

func TestPipeWithSendersAtBothEnds(t *testing.T) {
	a, b := NewPipe(timeline.New(), PipeOptions{MTU: 9000})
	const senders, each = 4, 2000
	var wg sync.WaitGroup
	wg.Add(2 * senders * each)
	for _, d := range []Device{a, b} {
		next := make([]uint64, senders) // written by the only drainer
		d.Attach(receiverFunc(func(_ mono.Time, p *Packet) {
			if s, k := number(p)>>32, number(p)&0xffffffff; next[s] != k {
				t.Errorf("sender %d: packet %d came in place of %d", s, k, next[s])
			} else {
				next[s]++
			}
			wg.Done()
		}))
		for s := range uint64(senders) {
			go func() {
				for k := range uint64(each) {
					d.Send(numbered(s<<32|k, 64))
					d.Flush()
				}
			}()
		}
	}
	wg.Wait()
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	line := timeline.NewManual()
	a, b := NewPipe(line, PipeOptions{})
	lo := NewLoopback(line)
	for name, d := range map[string]Device{"loopback": lo, "pipe": a} {
		sink := receiverFunc(func(mono.Time, *Packet) {})
		if d == Device(a) {
			b.Attach(sink)
		} else {
			d.Attach(sink)
		}
		data := chunk.Copy(make([]byte, 1400))
		var p Packet
		n := testing.AllocsPerRun(1000, func() {
			for range 10 {
				p.Data = data.Share()
				p.SetHead(40)
				d.Send(&p)
			}
			d.Flush()
		})
		if n != 0 {
			t.Errorf("%s: %v allocations for ten packets", name, n)
		}
	}
}
