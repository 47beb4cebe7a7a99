package link

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// numbered returns a packet of n octets whose first eight are k.
func numbered(k uint64, n int) *Packet {
	p := new(Packet)
	binary.BigEndian.PutUint64(p.SetHead(8), k)
	p.Data = chunk.Copy(make([]byte, n-8))
	return p
}

func number(p *Packet) uint64 { return binary.BigEndian.Uint64(p.Head()) }

// receiverFunc is a Receiver that calls itself for each packet.
type receiverFunc func(now mono.Time, p *Packet)

func (f receiverFunc) Receive(now mono.Time, batch []Packet) {
	for i := range batch {
		f(now, &batch[i])
	}
}

func TestLoopbackKeepsOrder(t *testing.T) {
	l := NewLoopback(timeline.NewManual())
	var got []uint64
	l.Attach(receiverFunc(func(_ mono.Time, p *Packet) { got = append(got, number(p)) }))
	for k := range uint64(1000) {
		l.Send(numbered(k, 100))
		if k%7 == 0 {
			l.Flush()
		}
	}
	l.Flush()
	for k := range uint64(1000) {
		if got[k] != k {
			t.Fatalf("packet %d came as number %d", got[k], k)
		}
	}
	want := Stats{Sent: 1000, SentOctets: 100_000, Received: 1000, ReceivedOctets: 100_000}
	if s := l.Stats(); s != want {
		t.Errorf("counted %+v, want %+v", s, want)
	}
}

// A Receiver that answers each packet must not deepen the stack: its answers are
// delivered by the loop that called it.
func TestLoopbackDoesNotRecurse(t *testing.T) {
	l := NewLoopback(timeline.NewManual())
	depth, deepest, left := 0, 0, 100_000
	l.Attach(receiverFunc(func(_ mono.Time, p *Packet) {
		depth++
		deepest = max(deepest, depth)
		if left--; left > 0 {
			l.Send(numbered(number(p)+1, 64))
			l.Flush()
		}
		depth--
	}))
	l.Send(numbered(0, 64))
	l.Flush()
	if deepest != 1 || left != 0 {
		t.Errorf("Receive was entered %d deep, with %d answers to go; want 1 and none", deepest, left)
	}
}

func TestLoopbackDeliversEachOnceWithManySenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLoopback(timeline.New())
		const senders, each = 8, 2000
		next := make([]uint64, senders)
		var inside atomic.Int32
		l.Attach(receiverFunc(func(_ mono.Time, p *Packet) {
			if inside.Add(1) != 1 {
				t.Error("two goroutines deliver at once")
			}
			if s, k := number(p)>>32, number(p)&0xffffffff; next[s] != k {
				t.Errorf("sender %d: packet %d came in place of %d", s, k, next[s])
			} else {
				next[s]++
			}
			inside.Add(-1)
		}))
		for s := range uint64(senders) {
			go func() {
				for k := range uint64(each) {
					l.Send(numbered(s<<32|k, 64))
					l.Flush()
				}
			}()
		}
		time.Sleep(time.Second) // the rest is with the timeline
		if s := l.Stats(); s.Received != senders*each || s.SendDropped != 0 {
			t.Errorf("counted %+v", s)
		}
	})
}
