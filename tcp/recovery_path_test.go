package tcp

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// A lossPath is a sender's loss part, a path and a peer that acknowledges as RFC
// 2018 and RFC 2883 say, all in virtual time.
type lossPath struct {
	t      testing.TB
	l      loss
	policy lossPolicy
	cc     cc.Control
	now    mono.Time
	delay  time.Duration
	more   int // segments not sent yet

	wire []packet // by time of arrival
	peer peer
	lose func(n int) bool          // whether the nth packet of octets is lost
	late func(n int) time.Duration // how much later than delay it arrives
	ack  func(n int) bool          // whether the nth acknowledgement is lost

	sent, repeated, acks     int
	timeouts, probes, undone int
	bytes                    int
}

// A packet is octets on their way to the peer, or an acknowledgement on its way back.
type packet struct {
	at  mono.Time
	w   wire.Range
	ack bool
	in  ackIn
}

// A peer holds what arrived out of order, the newest first.
type peer struct {
	next wire.Seq
	held []wire.Range
}

// take takes w in and returns the acknowledgement.
func (p *peer) take(w wire.Range, sack bool) ackIn {
	in := ackIn{echo: mono.Never, dup: true}
	if sack && (w.End.LessEq(p.next) || slices.ContainsFunc(p.held, func(h wire.Range) bool { return within(w, h) })) {
		in.sack = append(in.sack, w)
	}
	for i := 0; i < len(p.held); {
		if h := p.held[i]; w.Start.LessEq(h.End) && h.Start.LessEq(w.End) {
			w = wire.Range{Start: wire.MinSeq(w.Start, h.Start), End: wire.MaxSeq(w.End, h.End)}
			p.held = slices.Delete(p.held, i, i+1)
			continue
		}
		i++
	}
	if w.Start.LessEq(p.next) {
		p.next = wire.MaxSeq(p.next, w.End)
	} else {
		p.held = slices.Insert(p.held, 0, w)
	}
	if sack {
		in.sack = append(in.sack, p.held[:min(len(p.held), 3)]...)
	}
	in.ack = p.next
	return in
}

func newLossPath(t testing.TB, segments int, sack bool) *lossPath {
	const start = wire.Seq(0xffff_0000)
	p := &lossPath{t: t, policy: defaultLossPolicy(), delay: 50 * ms, more: segments, bytes: segments * segment}
	p.cc = cc.NewReno(cc.Params{MSS: segment})
	p.l.reset(&p.policy, start, segment, sack)
	p.l.rise()
	p.l.rtt.sample(0, 2*p.delay, 1)
	p.peer.next = start
	never := func(int) bool { return false }
	p.lose, p.ack, p.late = never, never, func(int) time.Duration { return 0 }
	return p
}

// run goes on until everything is acknowledged, for at most limit of virtual time.
func (p *lossPath) run(limit time.Duration) {
	p.t.Helper()
	p.output()
	for p.more > 0 || p.l.outstanding() > 0 {
		at, _ := p.l.deadline()
		if len(p.wire) > 0 && p.wire[0].at <= at {
			p.now = p.wire[0].at
			p.deliver()
		} else {
			if at == mono.Never || at < p.now {
				p.t.Fatalf("at %v: deadline %v, nothing on the wire, %d outstanding", p.now, at, p.l.outstanding())
			}
			p.now = at
			p.expire()
		}
		checkLoss(p.t, &p.l)
		p.output()
		if p.now.Sub(0) > limit {
			p.t.Fatalf("at %v: %d segments not sent, %d octets outstanding, %d lost", p.now, p.more, p.l.outstanding(), p.l.board.lost)
		}
	}
}

func (p *lossPath) deliver() {
	k := p.wire[0]
	p.wire = p.wire[1:]
	if !k.ack {
		in := p.peer.take(k.w, p.l.sack)
		p.acks++
		if !p.ack(p.acks) {
			p.put(packet{at: p.now.Add(p.delay), ack: true, in: in})
		}
		return
	}
	if k.in.ack.Less(p.l.board.una) {
		return // RFC 9293 §3.10.7.4: a duplicate that is ignored
	}
	k.in.dup = k.in.ack == p.l.board.una
	k.in.fresh = p.more > 0
	v := p.l.ack(p.now, k.in)
	v.cc.CwndLtd = true
	if v.spurious {
		p.undone++
	}
	p.l.tell(p.now, p.cc, &v)
}

func (p *lossPath) expire() {
	v := p.l.expire(p.now)
	switch v.timer {
	case timerRTO:
		p.timeouts++
	case timerTLP:
		p.probes++
	}
	p.l.tell(p.now, p.cc, &v)
	if at, _ := p.l.deadline(); at <= p.now {
		p.t.Fatalf("at %v: expired and due again at %v", p.now, at)
	}
}

// output sends what may be sent, as a TCB would.
func (p *lossPath) output() {
	for {
		b := &p.l.board
		r, lost := p.l.nextLost(segment)
		room := p.l.allowance(p.cc.Window())
		switch {
		case lost && room >= r.Len():
			p.send(r, sentAgain)
		case p.l.probing() && p.more > 0:
			p.send(wire.Range{Start: b.nxt, End: b.nxt.Add(segment)}, sentProbe)
		case p.l.probing():
			p.send(p.l.probe(), sentProbe)
		case p.more > 0 && room >= segment && !lost:
			p.send(wire.Range{Start: b.nxt, End: b.nxt.Add(segment)}, sentNew)
		default:
			return
		}
	}
}

func (p *lossPath) send(w wire.Range, kind sentKind) {
	if w.Start == p.l.board.nxt {
		p.more--
	} else {
		p.repeated++
	}
	p.l.sent(p.now, w.Start, w.End, kind)
	p.sent++
	if !p.lose(p.sent) {
		p.put(packet{at: p.now.Add(p.delay + p.late(p.sent)), w: w})
	}
}

func (p *lossPath) put(k packet) {
	i := len(p.wire)
	for i > 0 && k.at < p.wire[i-1].at {
		i--
	}
	p.wire = slices.Insert(p.wire, i, k)
}

// Whatever is lost, everything arrives, and with SACK nothing is sent again that
// was not lost, unless acknowledgements are.
func TestLossPathDeliversEverything(t *testing.T) {
	for _, c := range []struct {
		name       string
		sack       bool
		loss, acks float64
		spare      float64 // repetitions for each loss
	}{
		{"1 % loss", true, 0.01, 0, 1},
		{"10 % loss", true, 0.10, 0, 1},
		{"30 % loss", true, 0.30, 0, 1},
		{"10 % loss both ways", true, 0.10, 0.10, 1.1},
		{"half of the acknowledgements", true, 0.01, 0.5, 1.5},
		{"1 % loss, no SACK", false, 0.01, 0, 1.3},
		{"10 % loss both ways, no SACK", false, 0.10, 0.10, 1.3},
	} {
		lost, repeated := 0, 0
		for seed := range uint64(10) {
			r := rand.New(rand.NewPCG(seed, 7))
			p := newLossPath(t, 2000, c.sack)
			p.lose = func(int) bool {
				gone := r.Float64() < c.loss
				if gone {
					lost++
				}
				return gone
			}
			p.ack = func(int) bool { return r.Float64() < c.acks }
			p.run(time.Hour)
			repeated += p.repeated
		}
		t.Logf("%s: %d lost, %d sent again", c.name, lost, repeated)
		if float64(repeated) > c.spare*float64(lost) {
			t.Errorf("%s: %d segments sent again for %d lost", c.name, repeated, lost)
		}
	}
}

// Reordering within a quarter of the round trip is tolerated once it was seen.
func TestRFC8985_ReorderingPath(t *testing.T) {
	p := newLossPath(t, 5000, true)
	r := rand.New(rand.NewPCG(3, 4))
	p.late = func(int) time.Duration { return time.Duration(r.Int64N(int64(20 * ms))) }
	p.run(time.Hour)
	if p.repeated > 20 || p.timeouts > 0 {
		t.Errorf("%d of 5000 segments sent again, %d timeouts, though none was lost", p.repeated, p.timeouts)
	}
}

// The last k segments of a transfer are lost. They are repaired without a timeout:
// the probe repeats one, and its SACK shows at once that all others are lost.
// Proportional rate reduction lets them leave: as nothing is in flight, one in the
// first round trip, two in the second, four in the third (RFC 9937 §6.2, SSRB).
func TestRFC8985_TailLossPath(t *testing.T) {
	const segments = 30
	for k := 1; k <= 8; k++ {
		p := newLossPath(t, segments, true)
		var last mono.Time
		p.lose = func(n int) bool {
			if n == segments {
				last = p.now
			}
			return n > segments-k && n <= segments
		}
		p.run(time.Minute)
		if p.timeouts > 0 || p.probes != 1 || p.repeated != k {
			t.Errorf("%d segments of the tail lost: %d timeouts, %d probes, %d segments sent again", k, p.timeouts, p.probes, p.repeated)
		}
		// One round trip to the last acknowledgement of the flight, two to the probe,
		// one to its acknowledgement. RFC 8985 §7.2: a flight of one segment
		// waits for a delayed ACK besides, but not longer than the timeout.
		want := time.Duration(4+bits.Len(uint(k-1))) * 2 * p.delay
		if k == 1 {
			want += p.policy.MinRTO - 2*p.delay
		}
		if d := p.now.Sub(last); d > want {
			t.Errorf("%d segments of the tail lost: repaired after %v, want %v", k, d, want)
		}
	}
}

// The path stops for a second and loses nothing: the timeout is undone, and
// at most the first few segments are sent in vain.
func TestRFC5682_StallingPath(t *testing.T) {
	p := newLossPath(t, 2000, true)
	p.late = func(n int) time.Duration {
		if p.now > mono.Time(300*ms) && p.now < mono.Time(1300*ms) {
			return 1300*ms - p.now.Sub(0)
		}
		return 0
	}
	p.run(time.Hour)
	if p.timeouts == 0 {
		t.Fatal("no timeout: the path did not stall for long enough")
	}
	if p.undone == 0 || p.repeated > 10 {
		t.Errorf("%d timeouts, %d undone, %d segments sent again though none was lost", p.timeouts, p.undone, p.repeated)
	}
}
