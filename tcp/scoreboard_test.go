package tcp

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// naive is a scoreboard that keeps every octet on its own, so that it can hardly be wrong.
type naive struct {
	una   wire.Seq
	oct   []naiveOctet
	sends uint32
}

type naiveOctet struct {
	first                         bool // begins a record
	sent                          mono.Time
	order                         uint32
	sacked, lost, again, repeated bool
	counted                       bool
}

func (n *naive) nxt() wire.Seq { return n.una.Add(len(n.oct)) }

// records calls f for each record, as the range of indices of its octets.
func (n *naive) records(f func(from, to int)) {
	for i := 0; i < len(n.oct); {
		j := i + 1
		for j < len(n.oct) && !n.oct[j].first {
			j++
		}
		f(i, j)
		i = j
	}
}

func (n *naive) push(now mono.Time, octets, mss int) {
	n.sends++
	for ; octets > 0; octets -= mss {
		k := min(octets, mss)
		begins := !n.join(now, k, mss)
		for i := range k {
			n.oct = append(n.oct, naiveOctet{first: i == 0 && begins, sent: now, order: n.sends})
		}
	}
}

// join lets the last record take up k more octets if there are more records than
// such small ones are worth, and nothing is known of it yet.
func (n *naive) join(now mono.Time, k, mss int) bool {
	count, last := 0, 0
	n.records(func(i, j int) { count, last = count+1, i })
	if count < weighRecords || count*recordSize <= len(n.oct) {
		return false
	}
	o := n.oct[last]
	if o.sacked || o.lost || o.repeated || o.counted || len(n.oct)-last+k > mss {
		return false
	}
	for i := last; i < len(n.oct); i++ {
		n.oct[i].sent, n.oct[i].order = now, n.sends
	}
	return true
}

func (n *naive) ack(octets int) (delivered int) {
	for _, o := range n.oct[:octets] {
		if !o.sacked && !o.counted {
			delivered++
		}
	}
	n.oct = n.oct[octets:]
	n.una = n.una.Add(octets)
	if len(n.oct) > 0 {
		n.oct[0].first = true
	}
	return delivered
}

func (n *naive) sack(from, to int) (delivered int) {
	n.records(func(i, j int) {
		if i < from || j > to || n.oct[i].sacked {
			return
		}
		for k := i; k < j; k++ {
			o := &n.oct[k]
			if !o.counted {
				delivered++
			}
			o.sacked, o.counted, o.lost, o.again = true, true, false, false
		}
	})
	return delivered
}

// lose marks record [i, j) lost and returns its octets.
func (n *naive) loseRecord(i, j int) int {
	for k := i; k < j; k++ {
		n.oct[k].lost, n.oct[k].again = true, false
	}
	return j - i
}

func (n *naive) waiting(i int) bool { o := n.oct[i]; return o.lost && !o.again && !o.sacked }

func (n *naive) lose(bound moment, cut mono.Time) (lost int, wait mono.Time) {
	wait = mono.Never
	n.records(func(i, j int) {
		o := n.oct[i]
		m := moment{o.sent, o.order, n.una.Add(j)}
		switch {
		case o.sacked || n.waiting(i) || !m.before(bound):
		case o.sent > cut:
			wait = min(wait, o.sent)
		default:
			lost += n.loseRecord(i, j)
		}
	})
	return lost, wait
}

func (n *naive) timeout(cut mono.Time) (lost int) {
	reneged := len(n.oct) > 0 && n.oct[0].sacked
	n.records(func(i, j int) {
		for k := i; k < j; k++ {
			n.oct[k].sacked = n.oct[k].sacked && !reneged
		}
		if !n.oct[i].sacked && !n.waiting(i) && (i == 0 || reneged || n.oct[i].sent <= cut) {
			lost += n.loseRecord(i, j)
		}
	})
	return lost
}

func (n *naive) forgive() {
	for i := range n.oct {
		if o := &n.oct[i]; n.waiting(i) {
			o.lost, o.again = false, o.repeated
		}
	}
}

func (n *naive) repeat(now mono.Time, from, to int) (octets int) {
	n.sends++
	n.oct[from].first = true
	if to < len(n.oct) {
		n.oct[to].first = true
	}
	for k := from; k < to; k++ {
		if o := &n.oct[k]; !o.sacked {
			o.again, o.repeated, o.sent, o.order = true, true, now, n.sends
			octets++
		}
	}
	return octets
}

func (n *naive) resize(mss int) (lost int) {
	n.records(func(i, j int) {
		for k := i; k < j; k += mss {
			n.oct[k].first = true
		}
		if j-i > mss && !n.oct[i].sacked && !n.waiting(i) {
			lost += n.loseRecord(i, j)
		}
	})
	return lost
}

// counts returns what the scoreboard counts.
func (n *naive) counts() (pipe, sacked, lost, repeats, sackedRecords int) {
	for _, o := range n.oct {
		if !o.sacked && !o.lost {
			pipe++
		}
		if o.again {
			pipe++
			repeats++
		}
		if o.sacked {
			sacked++
			if o.first {
				sackedRecords++
			}
		}
		if o.lost {
			lost++
		}
	}
	return pipe, sacked, lost, repeats, sackedRecords
}

// A pair runs the same operations on both.
type boardPair struct {
	t   testing.TB
	s   scoreboard
	n   naive
	now mono.Time
	mss int
	log []string
}

func newBoardPair(t testing.TB) *boardPair {
	const start = wire.Seq(0xffffff00) // so that sequence numbers wrap soon
	p := &boardPair{t: t, mss: 7}
	p.s.una, p.s.nxt, p.n.una = start, start, start
	return p
}

func (p *boardPair) failf(format string, a ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\nafter %v", fmt.Sprintf(format, a...), p.log)
}

func (p *boardPair) logf(format string, a ...any) { p.log = append(p.log, fmt.Sprintf(format, a...)) }

func (p *boardPair) same(what string, got, want int) {
	p.t.Helper()
	if got != want {
		p.failf("%s = %d, want %d", what, got, want)
	}
}

// step runs one operation that three octets choose.
func (p *boardPair) step(op, a, b byte) {
	p.t.Helper()
	live := len(p.n.oct)
	h := newHarvest(p.now, mono.Never, 0)
	h.fack = p.s.una
	switch op % 10 {
	case 0, 1:
		n := int(a)%40 + 1
		p.logf("push %d", n)
		p.s.push(p.now, p.s.nxt.Add(n), p.mss, stamp{})
		p.n.push(p.now, n, p.mss)
	case 2:
		n := int(a) % (live + 1)
		p.logf("ack %d", n)
		p.s.ack(p.s.una.Add(n), &h)
		p.same("delivered", h.octets, p.n.ack(n))
	case 3, 4:
		from, to := int(a)%(live+1), int(b)%(live+1)
		if from < to {
			p.logf("sack %d-%d", from, to)
			p.s.sack(wire.Range{Start: p.s.una.Add(from), End: p.s.una.Add(to)}, &h)
			p.same("delivered", h.octets, p.n.sack(from, to))
		}
	case 5:
		p.lose(moment{p.now - mono.Time(a%8), p.s.sends - uint32(a)/8, p.s.una.Add(int(b))}, p.now-mono.Time(b%8))
	case 6, 7:
		p.repeat(int(a)%20+1, b)
	case 8:
		p.rare(a, b)
	case 9:
		p.logf("wait %d", a%4)
		p.now += mono.Time(a % 4)
	}
	p.check()
}

func (p *boardPair) lose(bound moment, cut mono.Time) {
	p.logf("lose before %v/%d/%d, cut %v", bound.at, bound.order, bound.end.Sub(p.s.una), cut)
	lost, wait := p.s.lose(bound, cut)
	wantLost, wantWait := p.n.lose(bound, cut)
	p.same("lost", lost, wantLost)
	if wait != wantWait {
		p.failf("wait = %v, want %v", wait, wantWait)
	}
}

// repeat sends again what the scoreboard offers, or the last record.
func (p *boardPair) repeat(limit int, b byte) {
	w, ok := p.s.next(limit)
	p.checkNext(w, ok, limit)
	if !ok && p.s.count() > 0 && b%2 == 0 {
		w, ok = p.s.span(p.s.last-1), true
	}
	if !ok {
		return
	}
	from, to := w.Start.Sub(p.n.una), w.End.Sub(p.n.una)
	p.logf("repeat %d-%d", from, to)
	p.same("repeated", p.s.repeat(p.now, w, stamp{}), p.n.repeat(p.now, from, to))
}

func (p *boardPair) checkNext(w wire.Range, ok bool, limit int) {
	p.t.Helper()
	any := false
	for i := range p.n.oct {
		any = any || p.n.waiting(i)
	}
	if any != ok {
		p.failf("next offers something: %v, want %v", ok, any)
	}
	if !ok {
		return
	}
	from, to := w.Start.Sub(p.n.una), w.End.Sub(p.n.una)
	if from < 0 || to > len(p.n.oct) || to <= from || to-from > limit {
		p.failf("next(%d) = %d-%d of %d", limit, from, to, len(p.n.oct))
	}
	for i := from; i < to; i++ {
		if !p.n.waiting(i) {
			p.failf("next(%d) = %d-%d, but %d does not wait", limit, from, to, i)
		}
	}
	if !p.n.oct[from].first {
		p.failf("next(%d) = %d-%d begins within a record", limit, from, to)
	}
}

// rare does what happens once in a while.
func (p *boardPair) rare(a, b byte) {
	switch a % 5 {
	case 0:
		cut := p.now - mono.Time(b%8)
		p.logf("timeout, cut %v", cut)
		p.same("lost", p.s.timeout(cut), p.n.timeout(cut))
	case 1:
		p.logf("forgive")
		p.s.forgive()
		p.n.forgive()
	case 2:
		p.mss = int(b)%12 + 1
		p.logf("resize %d", p.mss)
		p.same("lost", p.s.resize(p.mss), p.n.resize(p.mss))
	case 3:
		p.logf("lose head")
		want := 0
		if len(p.n.oct) > 0 && !p.n.oct[0].sacked && !p.n.waiting(0) {
			j := 1
			for j < len(p.n.oct) && !p.n.oct[j].first {
				j++
			}
			want = p.n.loseRecord(0, j)
		}
		p.same("lost", p.s.loseHead(), want)
	case 4:
		if p.s.count() == 0 {
			p.logf("trim")
			p.s.trim()
		}
	}
}

// check compares the counts and looks at what must hold of the records alone.
func (p *boardPair) check() {
	p.t.Helper()
	pipe, sacked, lost, repeats, sackedRecords := p.n.counts()
	p.same("una", int(p.s.una), int(p.n.una))
	p.same("nxt", int(p.s.nxt), int(p.n.nxt()))
	p.same("pipe", p.s.pipe(), pipe)
	p.same("sacked", p.s.sacked, sacked)
	p.same("lost", p.s.lost, lost)
	p.same("repeats", p.s.repeats, repeats)
	p.same("sackedRecords", p.s.sackedRecords, sackedRecords)
	at := p.s.una
	for n := p.s.first; n != p.s.last; n++ {
		r, w := p.s.at(n), p.s.span(n)
		if w.Start != at || !w.Start.Less(w.End) {
			p.failf("record %d is %d-%d, want start %d", n, w.Start, w.End, at)
		}
		at = w.End
		if n < p.s.fresh && !r.has(markSacked|markLost|markRepeated) {
			p.failf("record %d before fresh %d has bits %b", n, p.s.fresh, r.bits)
		}
		if marks(r.bits)&(markRepeated|markSacked|markLost|markAgain) == markRepeated {
			p.failf("nobody looks after record %d, which was repeated", n)
		}
		if r.has(markSacked) && (r.skip() == 0 || n+uint64(r.skip()) > p.s.last) {
			p.failf("record %d skips %d of %d", n, r.skip(), p.s.last)
		}
		for _, seq := range []wire.Seq{w.Start, w.End.Add(-1)} {
			if got := p.s.find(seq); got != n {
				p.failf("find(%d) = %d, want %d", seq, got, n)
			}
		}
	}
	if at != p.s.nxt {
		p.failf("records end at %d, want %d", at, p.s.nxt)
	}
}

func (p *boardPair) run(ops []byte) {
	p.t.Helper()
	for ; len(ops) >= 3; ops = ops[3:] {
		p.step(ops[0], ops[1], ops[2])
	}
}

func FuzzScoreboard(f *testing.F) {
	f.Add([]byte{0, 39, 0, 3, 20, 30, 5, 0, 0, 6, 9, 1, 2, 10, 0})
	f.Add([]byte{0, 39, 0, 9, 3, 0, 8, 0, 0, 6, 9, 0, 6, 9, 0, 8, 1, 0, 2, 39, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 450 {
			t.Skip("long programs only repeat short ones")
		}
		newBoardPair(t).run(ops)
	})
}

// A scoreboard counts what keeping every octet on its own counts, for programs
// drawn from a fixed seed.
func TestScoreboardAgreesWithNaiveTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		p := newBoardPair(t)
		for range 100 {
			p.step(byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()))
		}
	}
}

func TestScoreboardRecordSize(t *testing.T) {
	if n := unsafe.Sizeof(record{}) + unsafe.Sizeof(trip{}); n != recordSize {
		t.Errorf("a record takes %d octets, want %d", n, recordSize)
	}
}
