package tcp

import (
	"runtime/debug"
	"testing"
	"time"
	"unsafe"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A hop is a pair without a wire: what one end says the other hears 10 µs later, and
// nothing is allocated for it.
type hop struct {
	now  mono.Time
	end  [2]*TCB
	buf  []byte
	n    int // segments
	lose int // each so manieth segment with octets is lost; 0: none
	data int // segments with octets
	lost int
}

func newHop(t testing.TB, change ...func(p *pair)) *hop {
	p := established(t, change...)
	p.transfer(client, pattern(1<<20), time.Minute) // windows and queues have their size
	p.pass(time.Second)
	return &hop{now: p.now, end: p.end, buf: make([]byte, 64<<10)}
}

// settle carries segments to and fro until nobody has more to say.
func (h *hop) settle() {
	for again := true; again; {
		again = false
		for i := range h.end {
			var seg wire.Segment
			for h.end[i].Output(h.now, &seg) {
				again = true
				h.carry(1-i, &seg)
			}
			h.now = h.now.Add(10 * time.Microsecond)
		}
	}
}

func (h *hop) carry(to int, seg *wire.Segment) {
	h.n++
	if seg.Payload.Len() > 0 {
		h.data++
	}
	if h.lose != 0 && seg.Payload.Len() > 0 && h.data%h.lose == 0 {
		h.lost++
	} else {
		h.end[to].Arrive(h.now, seg)
	}
	seg.Payload.Release()
}

// move sends n octets from one end to the other, which takes them as they come.
func (h *hop) move(from int, n int) {
	sender, taker := h.end[from], h.end[1-from]
	for sent, got := 0, 0; got < n; {
		k := sender.Send(h.now, h.buf[sent:n])
		h.settle()
		m := taker.Receive(h.now, h.buf)
		if sent, got = sent+k, got+m; k == 0 && m == 0 {
			h.wait()
		}
	}
	h.settle()
}

// wait passes the time until the next timer.
func (h *hop) wait() {
	h.now = max(h.now, min(h.end[0].Deadline(), h.end[1].Deadline()))
	for _, e := range h.end {
		if e.Deadline() <= h.now {
			e.Expire(h.now)
		}
	}
	h.settle()
}

// allocations returns how many allocations 100 calls of f make once a connection
// runs. The collector rests meanwhile, as it empties the pools of chunks.
func (h *hop) allocations(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range 50 {
		f()
	}
	h.n, h.lost = 0, 0
	return int(testing.AllocsPerRun(1, func() {
		for range 100 {
			f()
		}
	}))
}

// No segment allocates once a connection runs. A gap costs the receiver what it keeps
// early octets in, which goes when the gap is filled: that is an allocation or a few
// for each loss, however many segments come behind it.
func TestNoAllocationPerSegment(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	for _, c := range []struct {
		name    string
		mss     int
		n       int
		lose    int
		perLoss int
	}{
		{"data and acknowledgements", 1460, 64 << 10, 0, 0},
		{"large segments", 65483, 64 << 10, 0, 0},
		{"to and fro", 1460, 64, 0, 0},
		{"a loss in 101 segments", 1460, 64 << 10, 101, 4},
		{"a loss in 1009 segments", 1460, 64 << 10, 1009, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHop(t, func(p *pair) {
				for i := range p.open {
					p.open[i].RecvMSS, p.open[i].SendMSS = c.mss, c.mss
				}
			})
			h.lose = c.lose
			got := h.allocations(func() {
				h.move(client, c.n)
				h.move(server, c.n)
			})
			t.Logf("%d allocations in %d segments, %d lost", got, h.n, h.lost)
			if got > c.perLoss*h.lost {
				t.Errorf("%d allocations in %d segments, of which %d were lost", got, h.n, h.lost)
			}
			if again := h.end[client].Info().Counts.FastRecoveries; (again > 0) != (c.lose > 0) {
				t.Errorf("there were %d recoveries", again)
			}
		})
	}
}

// An idle connection is small and holds no buffer.
func TestIdleConnectionIsSmall(t *testing.T) {
	h := newHop(t)
	for i, e := range h.end {
		if e.snd.queue.chunks.len() != 0 || e.rcv.queue.fill != nil || e.rcv.queue.views.len() != 0 || e.rcv.early != nil {
			t.Errorf("end %d holds a buffer while it is idle", i)
		}
		if d := e.Deadline(); d != mono.Never && d < h.now {
			t.Errorf("end %d waits for the past", i)
		}
	}
	if n := unsafe.Sizeof(TCB{}); n > 1536 {
		t.Errorf("a TCB has %d octets", n)
	}
}

// A stream in one direction, and its acknowledgements.
func BenchmarkStream(b *testing.B) {
	for _, mss := range []int{1460, 65483} {
		b.Run(sprintf("mss%d", mss), func(b *testing.B) {
			h := newHop(b, func(p *pair) {
				for i := range p.open {
					p.open[i].RecvMSS, p.open[i].SendMSS = mss, mss
				}
			})
			b.SetBytes(64 << 10)
			b.ReportAllocs()
			h.n = 0
			for b.Loop() {
				h.move(client, 64<<10)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(h.n), "ns/segment")
		})
	}
}

// Small requests and answers.
func BenchmarkPingPong(b *testing.B) {
	h := newHop(b)
	b.ReportAllocs()
	for b.Loop() {
		h.move(client, 64)
		h.move(server, 64)
	}
}
