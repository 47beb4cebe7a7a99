package tcp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// twin is the obvious way to reassemble: one bool for each octet.
type twin struct{ have []bool }

func (w *twin) insert(i, j int) {
	for ; i < j; i++ {
		w.have[i] = true
	}
}

func (w *twin) runs() (out []wire.Range) {
	for i := 0; i < len(w.have); i++ {
		if !w.have[i] {
			continue
		}
		j := i
		for j < len(w.have) && w.have[j] {
			j++
		}
		out = append(out, wire.Range{Start: wire.Seq(i), End: wire.Seq(j)})
		i = j
	}
	return out
}

func allSpans(a *reassembly, base wire.Seq) (out []wire.Range) {
	for _, leaf := range a.spans.leaves {
		for _, s := range leaf.at[:leaf.n] {
			out = append(out, wire.Range{Start: s.Start - base, End: s.End - base})
		}
	}
	return out
}

// checkReassembly compares every count with what is there.
func checkReassembly(t *testing.T, a *reassembly) {
	t.Helper()
	octets, used, n := 0, 0, 0
	for l, leaf := range a.spans.leaves {
		if leaf.n == 0 || a.spans.first[l] != leaf.at[0].Start {
			t.Fatalf("leaf %d has %d spans and begins at %d, not %d", l, leaf.n, leaf.at[0].Start, a.spans.first[l])
		}
		for _, s := range leaf.at[:leaf.n] {
			n++
			at := s.Start
			for i := s.head; i != 0; i = a.frag(i).next {
				used++
				octets += a.frag(i).view.Len()
				at = at.Add(a.frag(i).view.Len())
			}
			if at != s.End {
				t.Fatalf("the fragments of %v end at %d", s.Range, at)
			}
		}
	}
	if octets != a.octets || used != a.used || n != a.spans.n {
		t.Fatalf("there are %d octets, %d fragments, %d spans; counted %d, %d, %d", octets, used, n, a.octets, a.used, a.spans.n)
	}
}

// FuzzReassembly compares a reassembly with a naive twin: each pair of octets of
// the input is one segment.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte{10, 3, 20, 3, 13, 7, 0, 10}, uint32(0xfffffff0))
	f.Add([]byte{5, 1, 3, 1, 1, 1, 0, 6}, uint32(0))
	f.Add([]byte{9, 1, 7, 1, 5, 1, 3, 1, 1, 1, 0, 200}, uint32(1<<31-3))
	f.Fuzz(func(t *testing.T, ops []byte, base32 uint32) {
		const size = 600
		base := wire.Seq(base32)
		stream := pattern(size)
		w := twin{make([]bool, size)}
		a := newReassembly()
		for i := 0; i+1 < len(ops); i += 2 {
			from := 1 + int(ops[i])
			n := 1 + int(ops[i+1])
			v := chunk.Copy(stream[from : from+n])
			if i%3 == 0 {
				v = chunk.Borrow(stream[from : from+n])
			}
			if !a.insert(v, base.Add(from), 1<<20) {
				t.Fatal("refused within the limit")
			}
			v.Release()
			w.insert(from, from+n)
			checkReassembly(t, a)
			if got, want := fmt.Sprint(allSpans(a, base)), fmt.Sprint(w.runs()); got != want {
				t.Fatalf("after %v: spans %v, want %v", ops[:i+2], got, want)
			}
			var blocks [maxBlocks]wire.Range
			k := a.blocks(blocks[:])
			if k == 0 || !base.Add(from).In(blocks[0].Start, blocks[0].Len()) {
				t.Fatalf("the first of %d blocks does not hold what came last", k)
			}
		}
		checkDelivery(t, a, &w, stream, base)
	})
}

// checkDelivery fills the gaps one by one and compares what comes out.
func checkDelivery(t *testing.T, a *reassembly, w *twin, stream []byte, base wire.Seq) {
	var q recvQueue
	var got []byte
	nxt := 0
	out := make([]byte, len(stream))
	for _, r := range w.runs() {
		got = append(got, stream[nxt:r.Start]...)
		if end := a.take(base.Add(int(r.Start)), &q); end != base+r.End {
			t.Fatalf("taken up to %d, want %d", end-base, r.End)
		}
		got = append(got, out[:q.read(out)]...)
		nxt = int(r.End)
	}
	if !bytes.Equal(got, stream[:nxt]) {
		t.Fatal("other octets came out than went in")
	}
	if a.spans.n != 0 || a.octets != 0 || a.used != 0 || a.kept != 0 || a.copied != 0 {
		t.Fatalf("something is left: %+v", a)
	}
}

// RFC 2018 §4: "the first SACK block MUST specify the contiguous block of data
// containing the segment which triggered this ACK", then "the most recently
// reported".
func TestRFC2018_NewestBlockFirst(t *testing.T) {
	a := newReassembly()
	for _, at := range []int{100, 300, 500, 700, 900} {
		a.insert(chunk.Borrow(make([]byte, 100)), wire.Seq(at), 1<<20)
	}
	a.insert(chunk.Borrow(make([]byte, 100)), 400, 1<<20) // joins 300 and 500
	var b [maxBlocks]wire.Range
	n := a.blocks(b[:])
	want := "[300:600 900:1000 700:800]"
	if got := fmt.Sprint(b[:n]); got != want {
		t.Errorf("blocks %v, want %v", got, want)
	}
}

// A thousand segments of one octet may not cost a thousand chunks.
func TestReassemblyBoundsOverhead(t *testing.T) {
	const limit = 256 << 10
	a := newReassembly()
	refused := 0
	for i := range 100_000 {
		v := chunk.New(2048).Grow(1)
		if !a.insert(chunk.Borrow(v), wire.Seq(2*i+1), limit) {
			refused++
		}
		if a.cost() > limit {
			t.Fatalf("%d segments cost %d octets", i, a.cost())
		}
	}
	if refused == 0 {
		t.Error("no segment was refused")
	}
}

// Whatever comes in whatever pieces and however full it is, the limit holds.
func TestReassemblyKeepsToItsLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	stream := pattern(1 << 16)
	for range 300 {
		a, limit := newReassembly(), 4000+r.IntN(60_000)
		largest := 1 + r.IntN(4000)
		refused := 0
		for i := 0; i < 2000 && refused < 20; i++ {
			n := 1 + r.IntN(largest)
			at := 1 + r.IntN(40_000-n)
			v := chunk.Copy(stream[at : at+n])
			if r.IntN(3) == 0 {
				v = chunk.Borrow(stream[at : at+n])
			}
			if !a.insert(v, wire.Seq(at), limit) {
				refused++
			}
			if a.cost() > limit {
				t.Fatalf("%d spans of %d octets cost %d, the limit is %d", a.spans.n, a.octets, a.cost(), limit)
			}
		}
		checkReassembly(t, a)
	}
}

// Chunks of which hardly anything is left are copied together when room gets scarce.
func TestReassemblyCompacts(t *testing.T) {
	a := newReassembly()
	var q recvQueue
	at := wire.Seq(0)
	for range 2000 {
		a.insert(chunk.Borrow(make([]byte, 200)), at+1, 1<<30)
		at += 300
		a.insert(chunk.Borrow(make([]byte, 1)), at+(1<<25), 1<<30)
		a.take(at-299, &q)
		q.drop()
	}
	before := a.cost()
	limit := before - before/4
	if !a.insert(chunk.Borrow(make([]byte, 1)), 1<<29, limit) {
		t.Errorf("%d octets of payload still cost %d, limit %d", a.octets, a.cost(), limit)
	}
	checkReassembly(t, a)
}

func BenchmarkReassembly(b *testing.B) {
	for _, o := range arrivals {
		for _, n := range []int{100, 1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", o.name, n), func(b *testing.B) {
				one := chunk.Borrow(make([]byte, 1))
				a := newReassembly()
				for i := range b.N {
					if i%n == 0 {
						b.StopTimer()
						a.drop()
						b.StartTimer()
					}
					a.insert(one, wire.Seq(2*o.at(i%n, n)+1), 1<<40)
				}
			})
		}
	}
}
