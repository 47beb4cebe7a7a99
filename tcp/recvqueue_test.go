package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/octet-net/octet/chunk"
)

// What arrives comes out in order, whether its views were kept, joined or copied,
// and little octets never hold much memory.
func TestRecvQueueHoldsTheStream(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	stream := pattern(1 << 20)
	var q recvQueue
	var got []byte
	in := 0
	for in < len(stream) || q.n > 0 {
		if in < len(stream) {
			in += pushSome(&q, stream[in:], r)
		}
		if held := memory(&q); held > wasteful*q.n+2*chunk.MaxSize {
			t.Fatalf("%d octets hold %d of memory", q.n, held)
		}
		b := make([]byte, r.IntN(3000))
		peeked := make([]byte, len(b))
		k := q.peek(peeked, 0)
		n := q.read(b)
		if n != k || !bytes.Equal(b[:n], peeked[:k]) {
			t.Fatal("Peek shows other octets than Receive gives")
		}
		got = append(got, b[:n]...)
	}
	if !bytes.Equal(got, stream) {
		t.Error("other octets came out than went in")
	}
	if q.fill != nil || q.views.len() != 0 {
		t.Error("an empty queue holds memory")
	}
}

// pushSome gives one arrival of a kind by chance to q: lent, owned, a few octets
// of a large chunk, or several views of one chunk in a row.
func pushSome(q *recvQueue, b []byte, r *rand.Rand) int {
	n := min(len(b), 1+r.IntN(2000))
	switch r.IntN(4) {
	case 0:
		v := chunk.Borrow(b[:n])
		q.push(&v)
	case 1:
		v := chunk.Copy(b[:n])
		q.push(&v)
	case 2:
		n = min(n, 10)
		c := chunk.New(chunk.MaxSize)
		c.Append(b[:n])
		v := c.View(0, n)
		c.Release()
		q.push(&v)
	case 3:
		c := chunk.New(n)
		c.Append(b[:n])
		for i := 0; i < n; i += 300 {
			v := c.View(i, min(n, i+300))
			q.push(&v)
		}
		c.Release()
	}
	return n
}

// memory returns the octets that the views keep alive; neighbours in one chunk count once.
func memory(q *recvQueue) (n int) {
	for i := range q.views.len() {
		n += q.views.at(i).Cost()
	}
	return n
}
