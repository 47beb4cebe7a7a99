package link

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// udp returns an IPv4 packet of n octets from port flow, whose last eight are k.
// Its headers are in the head, as those of our own stack are.
func udp(flow uint16, k uint64, n int) *Packet {
	p := new(Packet)
	h := p.SetHead(28)
	clear(h)
	h[0], h[8], h[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(h[2:], uint16(n))
	copy(h[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint16(h[10:], wire.Sum(0).Add(h[:20]).Checksum())
	binary.BigEndian.PutUint16(h[20:], flow)
	binary.BigEndian.PutUint16(h[22:], 9)
	binary.BigEndian.PutUint16(h[24:], uint16(n-20))
	b := make([]byte, n-28)
	binary.BigEndian.PutUint64(b[len(b)-8:], k)
	p.Data = chunk.Copy(b)
	return p
}

// came is one packet as the far end saw it.
type came struct {
	at   mono.Time
	flow uint16
	k    uint64
}

// A listener notes what arrives.
type listener struct {
	mu  sync.Mutex
	got []came
}

func (l *listener) Receive(now mono.Time, batch []Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range batch {
		b := batch[i].AppendTo(nil)
		l.got = append(l.got, came{now, binary.BigEndian.Uint16(b[20:]), binary.BigEndian.Uint64(b[len(b)-8:])})
	}
}

// all returns what has come so far.
func (l *listener) all() []came {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got)
}

// ks returns the numbers of a flow's packets that have come.
func (l *listener) ks(flow uint16) []uint64 {
	var ks []uint64
	for _, c := range l.all() {
		if c.flow == flow {
			ks = append(ks, c.k)
		}
	}
	return ks
}

// newWire returns a wire with one path, the device that sends into it and what listens at the other.
func newWire(t *testing.T, line *timeline.Timeline, seed uint64, p Path) (*Wire, Device, *listener) {
	t.Helper()
	w, err := NewWire(line, WireOptions{Seed: seed, Paths: [2]Path{p}})
	if err != nil {
		t.Fatal(err)
	}
	l := new(listener)
	w.End(1).Attach(l)
	return w, w.End(0), l
}

// checkConserved checks that each packet that was sent is somewhere.
func checkConserved(t *testing.T, s PathStats) {
	t.Helper()
	in := s.Sent + s.Duplicated
	out := s.Delivered + s.Lost + s.QueueDropped + s.BlackHoled + s.Undelivered + s.InFlight
	if in != out {
		t.Errorf("%d packets went in, %d are accounted for: %+v", in, out, s)
	}
}

func TestPerfectWireKeepsOrderAndLosesNothing(t *testing.T) {
	line := timeline.NewManual()
	w, dev, l := newWire(t, line, 1, Path{})
	for k := range uint64(1000) {
		dev.Send(udp(1, k, 100))
		if k%10 == 9 {
			line.Advance(line.Now() + 333)
		}
	}
	line.Advance(mono.Time(time.Second))
	if !slices.IsSorted(l.ks(1)) || len(l.all()) != 1000 {
		t.Errorf("%d packets came, in order: %v", len(l.all()), slices.IsSorted(l.ks(1)))
	}
	checkConserved(t, w.Stats(0))
	if s := w.Stats(0); s.Delivered != 1000 || s.DeliveredOctets != 100_000 || s.InFlight != 0 {
		t.Errorf("counted %+v", s)
	}
}

// A path of 8 Mbit/s needs 1 ms for 1000 octets, and then its delay.
func TestWireRateAndDelayAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		_, dev, l := newWire(t, line, 1, Path{Rate: 8_000_000, Delay: 50 * time.Millisecond})
		for k := range uint64(5) {
			dev.Send(udp(1, k, 1000))
		}
		time.Sleep(time.Second)
		for i, c := range l.all() {
			if want := mono.Time(time.Duration(51+i) * time.Millisecond); c.at != want || c.k != uint64(i) {
				t.Errorf("packet %d came as number %d at %v, want %v", c.k, i, c.at, want)
			}
		}
		if len(l.all()) != 5 {
			t.Errorf("%d packets came", len(l.all()))
		}
	})
}

// A rate whose packets take no whole number of nanoseconds is met over time.
func TestWireRateHasNoDrift(t *testing.T) {
	line := timeline.NewManual()
	_, dev, l := newWire(t, line, 1, Path{Rate: 7_000_003, Queue: DropTail(10 << 20)})
	const n = 10_000
	for k := range uint64(n) {
		dev.Send(udp(1, k, 100))
	}
	line.Advance(mono.Time(time.Hour))
	exact := float64(n) * 800 / 7_000_003 * 1e9
	if at := float64(l.all()[n-1].at); math.Abs(at-exact) > 1001 {
		t.Errorf("the last packet came at %v ns, want %v and at most a microsecond more", at, exact)
	}
}

func TestWireQueueLimit(t *testing.T) {
	line := timeline.NewManual()
	w, dev, l := newWire(t, line, 1, Path{Rate: 8_000_000, Queue: DropTail(3000)})
	for k := range uint64(10) {
		dev.Send(udp(1, k, 1000))
	}
	line.Advance(1001)
	if s := w.Stats(0); s.Backlog != 3000 || s.QueueDropped != 6 {
		t.Errorf("%d octets wait and %d packets were dropped, want 3000 beside the one in transmission, and 6", s.Backlog, s.QueueDropped)
	}
	checkConserved(t, w.Stats(0))
	line.Advance(mono.Time(time.Second))
	if want := []uint64{0, 1, 2, 3}; !slices.Equal(l.ks(1), want) {
		t.Errorf("%v came, want %v: the tail is dropped", l.ks(1), want)
	}
}

func TestWireChangesAtRunTime(t *testing.T) {
	line := timeline.NewManual()
	w, dev, l := newWire(t, line, 1, Path{Delay: 10 * time.Millisecond})
	send := func(k uint64, n int) {
		dev.Send(udp(1, k, n))
		line.Advance(line.Now() + mono.Time(time.Second))
	}
	set := func(p Path) {
		t.Helper()
		if err := w.SetPath(0, p); err != nil {
			t.Fatal(err)
		}
	}
	send(0, 100)
	set(Path{Delay: 20 * time.Millisecond, MTU: 600})
	send(1, 100)
	send(2, 601) // longer than the MTU
	set(Path{BlackHole: 500})
	send(3, 500)
	send(4, 501)
	set(Path{Loss: Random(1)})
	send(5, 100)
	if want := []uint64{0, 1, 3}; !slices.Equal(l.ks(1), want) {
		t.Errorf("%v came, want %v", l.ks(1), want)
	}
	if d := l.all()[1].at - mono.Time(time.Second); d != mono.Time(20*time.Millisecond) {
		t.Errorf("delay after the change is %v", d)
	}
	s := w.Stats(0)
	checkConserved(t, s)
	if s.Refused != 1 || s.BlackHoled != 1 || s.Lost != 1 {
		t.Errorf("counted %+v", s)
	}
	set(Path{Delay: time.Hour})
	dev.Send(udp(1, 6, 100))
	line.Advance(line.Now() + mono.Time(time.Millisecond))
	set(Path{})
	send(7, 100)
	if ks := l.ks(1); !slices.Equal(ks, []uint64{0, 1, 3, 7}) {
		t.Errorf("%v came: a packet on the new route waits for one on the old", ks)
	}
	if err := w.SetPath(0, Path{Duplicate: 1.5}); err == nil {
		t.Error("a probability of 1.5 was taken")
	}
}

func TestWireMovesItsQueueToANewDiscipline(t *testing.T) {
	line := timeline.NewManual()
	w, dev, l := newWire(t, line, 1, Path{Rate: 8000})
	for k := range uint64(10) {
		dev.Send(udp(1, k, 1000))
	}
	line.Advance(mono.Time(1500 * time.Millisecond)) // one has left, one is being transmitted
	if err := w.SetPath(0, Path{Rate: 8_000_000, Queue: DropTail(5000)}); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(0); s.Backlog != 5000 || s.QueueDropped != 3 {
		t.Errorf("%d octets wait, %d packets dropped, want 5000 and 3", s.Backlog, s.QueueDropped)
	}
	line.Advance(mono.Time(time.Minute))
	if want := []uint64{0, 1, 2, 3, 4, 5, 6}; !slices.Equal(l.ks(1), want) {
		t.Errorf("%v came, want %v", l.ks(1), want)
	}
	if at := l.all()[6].at; at != mono.Time(2005*time.Millisecond) {
		t.Errorf("the last came at %v, want 2.005s: the new rate holds for what waited", at)
	}
}

func TestWireCloseDropsWhatArrives(t *testing.T) {
	line := timeline.NewManual()
	w, dev, l := newWire(t, line, 1, Path{Delay: time.Second})
	dev.Send(udp(1, 0, 100))
	line.Advance(1001)
	if err := w.End(1).Close(); err != nil {
		t.Fatal(err)
	}
	line.Advance(mono.Time(time.Minute))
	if err := dev.Close(); err != nil {
		t.Fatal(err)
	}
	dev.Send(udp(1, 1, 100))
	s := w.Stats(0)
	checkConserved(t, s)
	if len(l.all()) != 0 || s.Undelivered != 1 || s.Refused != 1 || line.Len() != 0 {
		t.Errorf("%d packets came to a closed device; %d events wait; %+v", len(l.all()), line.Len(), s)
	}
}

func TestWireObserverSeesWhatIsDone(t *testing.T) {
	line := timeline.NewManual()
	seen := make(map[Fate]uint64)
	w, err := NewWire(line, WireOptions{
		Paths: [2]Path{{Loss: Random(0.2), Duplicate: 0.2, Corrupt: 0.2, Reorder: 0.2, Rate: 1_000_000, Queue: DropTail(2000)}},
		Observer: observerFunc(func(s *Sighting) {
			if s.Packet.Len() != 100 || s.Device != "wire0" || !s.Outgoing {
				t.Errorf("saw %d octets on %s", s.Packet.Len(), s.Device)
			}
			seen[s.Fate]++
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.End(1).Attach(new(listener))
	for k := range uint64(1000) {
		w.End(0).Send(udp(1, k, 100))
		line.Advance(line.Now() + mono.Time(700*time.Microsecond))
	}
	line.Advance(mono.Time(time.Minute))
	s := w.Stats(0)
	checkConserved(t, s)
	for fate, n := range map[Fate]uint64{
		Lost: s.Lost, Duplicated: s.Duplicated, Corrupted: s.Corrupted, HeldBack: s.Reordered, QueueFull: s.QueueDropped,
	} {
		if n == 0 || seen[fate] != n {
			t.Errorf("%s: %d seen, %d counted", fate, seen[fate], n)
		}
	}
}

type observerFunc func(*Sighting)

func (f observerFunc) Observe(s *Sighting) { f(s) }

// bubbled counts the goroutines that live in a bubble: those outside belong to
// other tests.
func bubbled() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "synctest bubble")
}

func TestWireOwnsNoGoroutine(t *testing.T) {
	for _, settled := range []bool{false, true} { // closed with packets on the way, and without
		synctest.Test(t, func(t *testing.T) {
			before := bubbled()
			line := timeline.New()
			w, dev, l := newWire(t, line, 1, Path{Delay: time.Hour})
			for k := range uint64(100) {
				dev.Send(udp(1, k, 100))
			}
			if settled {
				time.Sleep(2 * time.Hour)
				if len(l.all()) != 100 {
					t.Errorf("%d packets came", len(l.all()))
				}
			}
			w.Close()
			synctest.Wait()
			if n := bubbled(); n > before {
				t.Errorf("%d goroutines more than at the start", n-before)
			}
		})
	}
}

func TestWireInRealTimeWithManySenders(t *testing.T) {
	line := timeline.New()
	defer line.Close()
	w, err := NewWire(line, WireOptions{Paths: [2]Path{
		{Rate: 1e9, Queue: DropTail(10 << 20), Reorder: 0.1, HoldBack: 50 * time.Microsecond},
		{Delay: time.Millisecond, Jitter: Jitter{Uniform, time.Millisecond}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const senders, each = 4, 500
	var answers, wg sync.WaitGroup
	answers.Add(senders * each)
	w.End(1).Attach(receiverFunc(func(_ mono.Time, p *Packet) { // sends everything back
		w.End(1).Send(p)
		w.End(1).Flush()
	}))
	w.End(0).Attach(receiverFunc(func(mono.Time, *Packet) { answers.Done() }))
	for s := range uint16(senders) {
		wg.Go(func() {
			for k := range uint64(each) {
				w.End(0).Send(udp(s, k, 200))
				w.End(0).Flush()
				checkConserved(t, w.Stats(0))
				checkConserved(t, w.Stats(1))
			}
		})
	}
	wg.Wait()
	answers.Wait()
	if s := w.Stats(0); s.Delivered != senders*each || s.Reordered == 0 {
		t.Errorf("counted %+v", s)
	}
}

func ExampleWire() {
	line := timeline.NewManual()
	w, err := NewWire(line, WireOptions{
		Name: "dsl", Seed: 7,
		Paths: [2]Path{
			{Rate: 1_000_000, Delay: 20 * time.Millisecond, Loss: Random(0.01)},
			{Rate: 16_000_000, Delay: 20 * time.Millisecond, Loss: Random(0.01)},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	w.End(1).Attach(receiverFunc(func(now mono.Time, p *Packet) {
		fmt.Println(p.Len(), "octets after", now)
	}))
	w.End(0).Send(udp(1, 0, 1250))
	line.Advance(mono.Time(time.Second))
	fmt.Println(w.Stats(0).Delivered, "delivered")
	// Output:
	// 1250 octets after 30ms
	// 1 delivered
}
