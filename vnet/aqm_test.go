package vnet

import (
	"math"
	"testing"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// A bottleneck serves a queue at a rate, as a path does, and remembers the waits.
type bottleneck struct {
	link.Queue
	rate    int64 // bits a second
	now     mono.Time
	free    mono.Time
	index   map[uint64]uint64
	onTake  func(q *link.Queued, wait time.Duration)
	dropped map[uint64]int // by flow
	taken   map[uint64]int
	marked  map[uint64]int
	drops   []mono.Time
}

func newBottleneck(d link.Discipline, rate int64) *bottleneck {
	return &bottleneck{
		Queue: d.NewQueue(), rate: rate, now: mono.Time(time.Second), index: map[uint64]uint64{},
		dropped: map[uint64]int{}, taken: map[uint64]int{}, marked: map[uint64]int{},
	}
}

func (b *bottleneck) drop(q *link.Queued) {
	b.dropped[q.Flow]++
	b.drops = append(b.drops, b.now)
}

// put adds a packet of a flow with the ECN codepoint.
func (b *bottleneck) put(flow uint64, size int, ecn uint8) {
	q := &link.Queued{Flow: flow, Index: b.index[flow], Size: size, Since: b.now}
	b.index[flow]++
	head := q.SetHead(20)
	head[0], head[1], head[9] = 0x45, ecn, 17
	b.Put(b.now, q, b.drop)
}

// advance serves the queue until the given time.
func (b *bottleneck) advance(d time.Duration) {
	until := b.now.Add(d)
	for max(b.free, b.now) <= until {
		at := max(b.free, b.now)
		b.now = at
		q := b.Take(at, b.drop)
		if q == nil {
			break
		}
		b.taken[q.Flow]++
		if q.Marked {
			b.marked[q.Flow]++
		}
		if b.onTake != nil {
			b.onTake(q, at.Sub(q.Since))
		}
		b.free = at.Add(time.Duration(int64(q.Size) * 8 * int64(time.Second) / b.rate))
	}
	b.now = until
}

// overload offers so many times the rate in packets of 1,000 octets for a while.
func (b *bottleneck) overload(times float64, d time.Duration, flow uint64, ecn uint8) {
	gap := time.Duration(float64(8000*int64(time.Second)/b.rate) / times)
	for end := b.now.Add(d); b.now < end; {
		b.put(flow, 1000, ecn)
		b.advance(gap)
	}
}

const tenMbit = 10_000_000 // a packet of 1,000 octets takes 800 µs

// A queue that was short within each interval is left alone, however long now and
// then (RFC 8289 §3.2: a good queue is one that goes away).
func TestCoDelLeavesBurstsAlone(t *testing.T) {
	b := newBottleneck(CoDel{}, tenMbit)
	for range 100 {
		for range 60 { // 48 ms
			b.put(1, 1000, link.NotECT)
		}
		b.advance(99 * time.Millisecond)
	}
	if b.dropped[1] != 0 {
		t.Errorf("%d packets of bursts were dropped", b.dropped[1])
	}
}

// Under lasting overload the first drop comes one interval after the wait was too
// long, and then drops follow after interval/√2, interval/√3 … (RFC 8289 §3.3).
func TestCoDelLaw(t *testing.T) {
	b := newBottleneck(CoDel{}, tenMbit)
	b.overload(2, 2*time.Second, 1, link.NotECT)
	if len(b.drops) < 20 {
		t.Fatalf("only %d drops in 2 s of overload", len(b.drops))
	}
	// The wait passes 5 ms after 10 ms of double load.
	if first := b.drops[0].Sub(mono.Time(time.Second)); first < 105*time.Millisecond || first > 115*time.Millisecond {
		t.Errorf("the first drop came after %v", first)
	}
	for i := 1; i < 20; i++ {
		want := float64(100*time.Millisecond) / math.Sqrt(float64(i))
		got := float64(b.drops[i].Sub(b.drops[i-1]))
		if math.Abs(got-want) > float64(time.Millisecond) { // one packet's time
			t.Errorf("drop %d came %v after the one before, want %v", i, time.Duration(got), time.Duration(want))
		}
	}
}

func TestCoDelMarks(t *testing.T) {
	b := newBottleneck(CoDel{}, tenMbit)
	b.overload(1.5, time.Second, 1, link.ECT0)
	if b.dropped[1] != 0 || b.marked[1] < 5 {
		t.Errorf("%d dropped, %d marked of a flow that knows marks", b.dropped[1], b.marked[1])
	}
	plain := newBottleneck(CoDel{}, tenMbit)
	plain.overload(1.5, time.Second, 1, link.NotECT)
	if plain.dropped[1] != b.marked[1] {
		t.Errorf("%d dropped of a flow that knows no marks, want as many as were marked of the other: %d", plain.dropped[1], b.marked[1])
	}
}

// Greedy flows get the same number of octets whatever the size of their packets, and
// a flow with a packet now and then waits for one packet of another at most.
func TestFQCoDelShares(t *testing.T) {
	b := newBottleneck(FQCoDel{}, tenMbit)
	octets := map[uint64]int{}
	var worst time.Duration
	b.onTake = func(q *link.Queued, wait time.Duration) {
		octets[q.Flow] += q.Size
		if q.Flow == 3 {
			worst = max(worst, wait)
		}
	}
	for i := range 5000 {
		b.put(1, 1400, link.NotECT)
		for range 7 {
			b.put(2, 200, link.NotECT)
		}
		if i%20 == 19 {
			b.put(3, 100, link.NotECT)
		}
		b.advance(time.Millisecond)
	}
	if r := float64(octets[1]) / float64(octets[2]); r < 0.97 || r > 1.03 {
		t.Errorf("two greedy flows had %d and %d octets", octets[1], octets[2])
	}
	if limit := 2 * 1400 * 8 * time.Second / tenMbit; worst > limit || b.taken[3] < 245 {
		t.Errorf("a sparse flow waited %v at worst (want at most %v) and had %d packets of 250", worst, limit, b.taken[3])
	}
	if b.dropped[3] != 0 {
		t.Errorf("%d packets of the sparse flow were dropped", b.dropped[3])
	}
}

// When there is no room, the flow with the longest queue pays.
func TestFQCoDelDropsFromTheFattest(t *testing.T) {
	b := newBottleneck(FQCoDel{Limit: 50_000}, tenMbit)
	for range 5 {
		b.put(1, 1000, link.NotECT)
	}
	for range 500 {
		b.put(2, 1000, link.NotECT)
	}
	if _, octets := b.Backlog(); octets > 50_000 || b.dropped[1] != 0 || b.dropped[2] < 455 || b.dropped[2] > 519 {
		t.Errorf("backlog %d octets; dropped %v", octets, b.dropped)
	}
	b.advance(time.Second)
	if n, octets := b.Backlog(); n != 0 || octets != 0 {
		t.Errorf("left in an empty queue: %d packets, %d octets", n, octets)
	}
}

// With a quarter too much the controller settles where a fifth is dropped and the
// wait is what was asked for (RFC 8033 §4.2).
func TestPIESettles(t *testing.T) {
	b := newBottleneck(PIE{}, tenMbit)
	b.overload(1.25, 60*time.Second, 1, link.NotECT)
	sent, lost := b.index[1], b.dropped[1]
	var sum time.Duration
	var n int
	b.onTake = func(_ *link.Queued, wait time.Duration) { sum += wait; n++ }
	b.overload(1.25, 60*time.Second, 1, link.NotECT)
	share := float64(b.dropped[1]-lost) / float64(b.index[1]-sent)
	if share < 0.19 || share > 0.21 {
		t.Errorf("%.3f of the packets were dropped, want 0.2", share)
	}
	if mean := sum / time.Duration(n); mean < 10*time.Millisecond || mean > 20*time.Millisecond {
		t.Errorf("the mean wait is %v, want about 15ms", mean)
	}
	first := b.drops[0].Sub(mono.Time(time.Second))
	if first < 150*time.Millisecond {
		t.Errorf("dropped after %v, within the burst that is allowed", first)
	}
}

// Marks instead of drops, as long as a tenth of the packets would do (RFC 8033 §5.1):
// a flow that does not slow down for marks is dropped in the end.
func TestPIEMarks(t *testing.T) {
	b := newBottleneck(PIE{}, tenMbit)
	q := b.Queue.(*pie)
	for q.p < pieMarkTop && b.now < mono.Time(time.Minute) {
		if b.dropped[1] != 0 {
			t.Fatalf("dropped while the probability is %.3f", q.p)
		}
		b.overload(1.2, 10*time.Millisecond, 1, link.ECT0)
	}
	if b.marked[1] == 0 {
		t.Error("nothing was marked")
	}
	b.overload(1.2, 10*time.Second, 1, link.ECT0)
	if b.dropped[1] == 0 {
		t.Errorf("nothing was dropped with a probability of %.3f", q.p)
	}
}

// A queue that has been long forgets it once it is empty.
func TestPIEForgets(t *testing.T) {
	b := newBottleneck(PIE{}, tenMbit)
	b.overload(2, 10*time.Second, 1, link.NotECT)
	b.advance(time.Hour)
	before := b.dropped[1]
	for range 50 {
		b.put(1, 1000, link.NotECT)
	}
	if b.dropped[1] != before {
		t.Error("a burst was punished for a queue of an hour ago")
	}
}

// Beside a classic flow that fills its queue, scalable packets wait for no more than
// a few packets, and are marked with twice the root of what the others lose.
func TestDualPI2(t *testing.T) {
	b := newBottleneck(DualPI2{}, tenMbit)
	var low, classic, worst time.Duration
	counting := false
	b.onTake = func(q *link.Queued, wait time.Duration) {
		switch {
		case !counting:
		case q.Flow == 2:
			low += wait
			worst = max(worst, wait)
		default:
			classic += wait
		}
	}
	run := func(d time.Duration) {
		for end := b.now.Add(d); b.now < end; {
			b.put(2, 1000, link.ECT1) // a fifth of the rate
			for range 9 {             // nine tenths
				b.put(1, 1000/2, link.NotECT)
				b.advance(4 * time.Millisecond / 9)
			}
		}
	}
	run(60 * time.Second)
	taken1, taken2, dropped, sent, marked := b.taken[1], b.taken[2], b.dropped[1], b.index[1], b.marked[2]
	counting = true
	run(60 * time.Second)
	taken1, taken2 = b.taken[1]-taken1, b.taken[2]-taken2
	lost := float64(b.dropped[1]-dropped) / float64(b.index[1]-sent)
	told := float64(b.marked[2]-marked) / float64(taken2)
	if mean := low / time.Duration(taken2); mean > 2*time.Millisecond || b.dropped[2] != 0 {
		t.Errorf("scalable packets waited %v on average, %v at worst; %d dropped", mean, worst, b.dropped[2])
	}
	if mean := classic / time.Duration(taken1); mean < 8*time.Millisecond || mean > 25*time.Millisecond {
		t.Errorf("classic packets waited %v on average, want about 15ms", mean)
	}
	if want := min(1, 2*math.Sqrt(lost)); lost < 0.05 || math.Abs(told-want) > 0.1 {
		t.Errorf("%.3f of the classic packets were dropped and %.3f of the others marked, want %.3f", lost, told, want)
	}
}

// Neither queue starves the other, and a full one drops what comes.
func TestDualPI2Overload(t *testing.T) {
	b := newBottleneck(DualPI2{Limit: 100_000}, tenMbit)
	for range 20_000 {
		b.put(1, 1000, link.NotECT)
		b.put(2, 1000, link.ECT1)
		b.advance(400 * time.Microsecond)
		if _, octets := b.Backlog(); octets > 100_000 {
			t.Fatalf("%d octets wait, the limit is 100,000", octets)
		}
	}
	share := float64(b.taken[1]) / float64(b.taken[1]+b.taken[2])
	if share < 0.08 || share > 0.6 {
		t.Errorf("the classic flow had %.2f of the rate", share)
	}
}

// What goes in comes out or is dropped, once, from every queue.
func TestDisciplinesConserve(t *testing.T) {
	for _, d := range []link.Discipline{link.DropTail(50_000), CoDel{Limit: 50_000}, FQCoDel{Limit: 50_000, Queues: 3}, PIE{Limit: 50_000}, DualPI2{Limit: 50_000}} {
		b := newBottleneck(d, tenMbit)
		put := 0
		for i := range uint64(20_000) {
			draw := mix(i)
			b.put(draw%5, int(60+draw>>8%1440), uint8(draw>>20&3))
			put++
			if draw>>30&1 == 0 {
				b.advance(time.Duration(draw >> 32 % 2_000_000))
			}
		}
		b.advance(time.Minute)
		got := 0
		for f := range uint64(5) {
			got += b.taken[f] + b.dropped[f]
		}
		if n, octets := b.Backlog(); got != put || n != 0 || octets != 0 {
			t.Errorf("%T: %d put, %d taken or dropped, %d packets of %d octets left", d, put, got, n, octets)
		}
	}
}

func TestDisciplinesCheck(t *testing.T) {
	for _, d := range []interface{ Check() error }{
		CoDel{Limit: -1}, CoDel{Target: -1}, CoDel{Interval: 2 * time.Hour}, FQCoDel{Queues: -1}, FQCoDel{Queues: 1 << 20},
		FQCoDel{Quantum: -1}, FQCoDel{Limit: -1}, PIE{Target: -1}, PIE{Limit: -1}, DualPI2{Target: -1}, DualPI2{Limit: -1},
	} {
		if d.Check() == nil {
			t.Errorf("%+v passes", d)
		}
	}
	for _, d := range []interface{ Check() error }{CoDel{}, FQCoDel{}, PIE{}, DualPI2{}} {
		if err := d.Check(); err != nil {
			t.Errorf("%T: %v", d, err)
		}
	}
}
