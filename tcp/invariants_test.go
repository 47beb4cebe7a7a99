package tcp

import (
	"fmt"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// broken returns what is wrong with a TCB, nil if nothing is. Whatever the
// network and the user do, these hold after every call, once Output has nothing left.
func broken(t *TCB, now mono.Time) error {
	for _, f := range []func(*TCB, mono.Time) error{brokenState, brokenSend, brokenReceive, brokenTimers} {
		if err := f(t, now); err != nil {
			return fmt.Errorf("%v: %w", t.state, err)
		}
	}
	return nil
}

func brokenState(t *TCB, now mono.Time) error {
	var seg wire.Segment
	switch {
	case t.counts.Illegal != 0:
		return fmt.Errorf("%d transitions are not in the table of states", t.counts.Illegal)
	case t.Deadline() > now && t.Output(now, &seg):
		return fmt.Errorf("Output said that it was done, and then gave %s", segString(&seg))
	case t.state == Closed && (t.snd.queue.len() > 0 || t.rcv.early != nil):
		return fmt.Errorf("a closed connection holds what it cannot use")
	case t.state != Closed && t.reason != 0:
		return fmt.Errorf("it ended with %v", t.reason)
	case t.passed.has(Established) && t.cc == nil:
		return fmt.Errorf("there is no congestion control")
	}
	return nil
}

func brokenSend(t *TCB, now mono.Time) error {
	s := &t.snd
	if t.state == Closed || t.state == TimeWaiting {
		return nil
	}
	last := s.queue.end
	if s.finSent {
		last = last.Add(1)
	}
	switch {
	case s.nxt.Less(s.una):
		return fmt.Errorf("SND.NXT %d before SND.UNA %d", s.nxt, s.una)
	case last.Less(s.nxt):
		return fmt.Errorf("SND.NXT %d beyond the end %d", s.nxt, last)
	case s.finSent && !s.fin:
		return fmt.Errorf("a FIN was sent that nobody wanted")
	case s.mss <= 0 || s.wnd < 0 || s.maxWnd < s.wnd:
		return fmt.Errorf("MSS %d, window %d of %d", s.mss, s.wnd, s.maxWnd)
	}
	if t.cc == nil {
		return nil
	}
	if got, want := t.loss.outstanding(), s.nxt.Sub(s.una); got != want {
		return fmt.Errorf("loss thinks that %d octets are outstanding, not %d", got, want)
	}
	if n := t.loss.inflight(); n < 0 || n > 2*t.loss.outstanding() { // each may be there twice
		return fmt.Errorf("%d octets in flight of %d outstanding", n, t.loss.outstanding())
	}
	if w := t.cc.Window(); w <= 0 {
		return fmt.Errorf("congestion window is %d", w)
	}
	return brokenQueue(&s.queue)
}

func brokenQueue(q *sendQueue) error {
	at := q.una
	for i := range q.chunks.len() {
		c := q.chunks.at(i)
		if i == 0 && at.Less(c.at) || i > 0 && c.at != at {
			return fmt.Errorf("chunk %d begins at %d, want %d", i, c.at, at)
		}
		at = c.at.Add(c.c.Len())
		if at.LessEq(q.una) {
			return fmt.Errorf("chunk %d holds nothing that is needed", i)
		}
	}
	if at != q.end {
		return fmt.Errorf("the chunks end at %d, the queue at %d", at, q.end)
	}
	return nil
}

func brokenReceive(t *TCB, now mono.Time) error {
	r := &t.rcv
	if t.state == SynSent {
		return nil
	}
	n := 0
	for i := range r.queue.views.len() {
		n += r.queue.views.at(i).Len()
	}
	switch {
	case r.edge.Less(r.nxt):
		return fmt.Errorf("RCV.NXT %d beyond the window's edge %d", r.nxt, r.edge)
	case n != r.queue.n:
		return fmt.Errorf("%d octets wait for the user, counted %d", n, r.queue.n)
	case r.gotFIN && (!r.hasFIN || r.nxt != r.finAt.Add(1)):
		return fmt.Errorf("the FIN at %d was taken, RCV.NXT is %d", r.finAt, r.nxt)
	case (t.Ready()&HasUrgent != 0) != (t.Urgent() > 0) || r.urgent && r.edge.Add(65535).Less(r.up):
		return fmt.Errorf("urgent data ends at %d, the window %d to %d", r.up, r.nxt, r.edge)
	case r.early == nil:
		return nil
	case r.early.spans.n == 0:
		return fmt.Errorf("an empty reassembly is kept")
	}
	if first := r.early.spans.at(place{}).Start; first.LessEq(r.nxt) && t.state != Closed {
		return fmt.Errorf("%d waits out of order, RCV.NXT is %d", first, r.nxt)
	}
	if end := r.early.spans.end(); r.edge.Less(end) {
		return fmt.Errorf("octets up to %d are kept, beyond the edge %d", end, r.edge)
	}
	return nil
}

// brokenTimers checks that nothing can be forgotten: what is not finished has a timer.
func brokenTimers(t *TCB, now mono.Time) error {
	d := t.Deadline()
	waits := t.state == SynSent || t.state == SynReceived || t.state == TimeWaiting ||
		t.cc != nil && t.state != Closed && (t.snd.una != t.snd.nxt || t.snd.unsent()) ||
		t.out.unacked > 0 || t.user.orphan && t.state == FinWait2
	if waits && d == mono.Never {
		return fmt.Errorf("something is to be done and no timer is set: %+v", t.Info())
	}
	if t.state == Closed && d != mono.Never {
		return fmt.Errorf("a closed connection waits for %v", d)
	}
	return nil
}
