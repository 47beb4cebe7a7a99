package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/wire"
)

// A sendQueue gives back what was written, whatever pieces it is asked for, and
// across the end of the sequence space.
func TestSendQueueHoldsTheStream(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	base := wire.Seq(0xffff_f000)
	q := sendQueue{una: base, end: base}
	stream := pattern(1 << 20)
	written, acked := 0, 0
	for written < len(stream) || acked < written {
		if written < len(stream) {
			written += q.write(stream[written:min(len(stream), written+r.IntN(40_000))], 200_000, 1448)
		}
		for range 5 {
			if written == acked {
				break
			}
			i := acked + r.IntN(written-acked)
			n := 1 + r.IntN(min(written-i, chunk.MaxSize))
			v := q.view(base.Add(i), n)
			if !bytes.Equal(v.B, stream[i:i+n]) {
				t.Fatalf("octets %d to %d came out wrong", i, i+n)
			}
			v.Release()
		}
		acked += min(written-acked, r.IntN(60_000))
		q.acked(base.Add(acked))
		if err := brokenQueue(&q); err != nil {
			t.Fatal(err)
		}
	}
	if q.chunks.len() != 0 || q.len() != 0 {
		t.Errorf("%d chunks and %d octets are left of nothing", q.chunks.len(), q.len())
	}
}

// The limit is kept to the octet.
func TestSendQueueLimit(t *testing.T) {
	var q sendQueue
	if n := q.write(make([]byte, 1000), 600, 100); n != 600 {
		t.Errorf("%d octets were taken, want 600", n)
	}
	if n := q.write(make([]byte, 1000), 600, 100); n != 0 {
		t.Errorf("%d more octets were taken", n)
	}
	if n := q.write(make([]byte, 1000), 100, 100); n != 0 {
		t.Errorf("%d octets were taken beyond a limit that shrank", n)
	}
}

// Full segments of a bulk transfer share chunks: hardly any is gathered.
func TestSendQueueAlignsSegments(t *testing.T) {
	const mss = 1448
	var q sendQueue
	q.write(make([]byte, 1<<20), 1<<20, mss)
	copies := 0
	for at := 0; at+mss <= q.len(); at += mss {
		if q.contiguous(wire.Seq(at), mss) < mss {
			copies++
		}
	}
	if copies > 1 {
		t.Errorf("%d of %d segments lie in two chunks", copies, q.len()/mss)
	}
}
