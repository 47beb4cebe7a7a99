package tcp

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A pair is two connections joined by a wire with a delay, in virtual time.
// Everything it does follows from its fields, so a failure repeats.
type pair struct {
	t     testing.TB
	now   mono.Time
	delay time.Duration
	end   [2]*TCB
	open  [2]Opening
	cfg   [2]Config
	air   []flight // segments on the wire, in the order of their arrival
	count int      // segments sent so far
	// fate says what the wire does to the n-th segment; nil delivers all.
	fate func(n int, from int, seg *wire.Segment) fate
	// seen is told of every segment as it leaves.
	seen func(from int, seg *wire.Segment)
	// check is called after every step.
	check func()
}

// A fate is what happens to a segment on the wire.
type fate struct {
	lost  bool
	extra time.Duration // later than its neighbours
	twice bool
}

type flight struct {
	at  mono.Time
	to  int
	seg wire.Segment
}

const (
	client = 0
	server = 1
)

// newPair returns a pair that has done nothing yet: the client is in SYN-SENT.
func newPair(t testing.TB, change ...func(p *pair)) *pair {
	p := &pair{t: t, delay: 10 * time.Millisecond, now: 1}
	p.cfg = [2]Config{Linux(), Linux()}
	for i := range p.open {
		p.open[i] = Opening{ISS: wire.Seq(1000 * (i + 1)), RecvMSS: 1460, SendMSS: 1460, DefaultMSS: 536}
	}
	for _, f := range change {
		f(p)
	}
	p.end[client] = Connect(p.now, &p.cfg[client], p.open[client])
	p.drain(client)
	return p
}

// established returns a pair whose handshake is done.
func established(t testing.TB, change ...func(p *pair)) *pair {
	p := newPair(t, change...)
	p.run(p.now.Add(4*p.delay), func() bool {
		return p.end[server] != nil && p.end[server].State() == Established && p.end[client].State() == Established
	})
	if p.end[server] == nil || p.end[server].State() != Established {
		t.Fatal("the handshake did not end")
	}
	return p
}

// drain puts on the wire everything that an end has to say.
func (p *pair) drain(i int) {
	var seg wire.Segment
	for n := 0; p.end[i].Output(p.now, &seg); n++ {
		if n > 1e6 {
			p.t.Fatalf("end %d does not stop sending: %v", i, segString(&seg))
		}
		p.send(i, &seg)
	}
	if p.check != nil {
		p.check()
	}
}

func (p *pair) send(from int, seg *wire.Segment) {
	p.count++
	if p.seen != nil {
		p.seen(from, seg)
	}
	var f fate
	if p.fate != nil {
		f = p.fate(p.count, from, seg)
	}
	if f.twice {
		again := *seg
		again.Payload = seg.Payload.Share()
		p.put(flight{p.now.Add(p.delay), 1 - from, again})
	}
	if f.lost {
		seg.Payload.Release()
		return
	}
	p.put(flight{p.now.Add(p.delay + f.extra), 1 - from, *seg})
}

func (p *pair) put(f flight) {
	i := len(p.air)
	for i > 0 && f.at < p.air[i-1].at {
		i--
	}
	p.air = append(p.air, flight{})
	copy(p.air[i+1:], p.air[i:])
	p.air[i] = f
}

// next returns when something happens next.
func (p *pair) next() mono.Time {
	at := mono.Never
	if len(p.air) > 0 {
		at = p.air[0].at
	}
	for _, e := range p.end {
		if e != nil {
			at = min(at, e.Deadline())
		}
	}
	return at
}

// step does what happens next, and returns false if nothing will.
func (p *pair) step() bool {
	at := p.next()
	if at == mono.Never {
		return false
	}
	p.now = max(p.now, at)
	if len(p.air) > 0 && p.air[0].at <= p.now {
		f := p.air[0]
		p.air = append(p.air[:0], p.air[1:]...)
		p.arrive(f.to, &f.seg)
		return true
	}
	for i, e := range p.end {
		if e != nil && e.Deadline() <= p.now {
			e.Expire(p.now)
			p.drain(i)
		}
	}
	return true
}

func (p *pair) arrive(to int, seg *wire.Segment) {
	e := p.end[to]
	if e == nil {
		if seg.Flags&(wire.SYN|wire.ACK|wire.RST) != wire.SYN {
			return
		}
		p.end[to] = Accept(p.now, &p.cfg[to], p.open[to], seg)
	} else {
		e.Arrive(p.now, seg)
	}
	seg.Payload.Release()
	p.drain(to)
}

// run steps until the condition holds, or the time has come, or nothing happens any more.
func (p *pair) run(until mono.Time, stop func() bool) {
	for n := 0; !stop(); n++ {
		if at := p.next(); at > until {
			p.now = max(p.now, until)
			return
		}
		if n > 5e6 {
			p.t.Fatalf("at %v still busy: %v and %v", p.now, p.end[0].State(), p.end[1].State())
		}
		p.step()
	}
}

// pass lets time pass.
func (p *pair) pass(d time.Duration) { p.run(p.now.Add(d), func() bool { return false }) }

// write gives octets to an end, and returns how many it took.
func (p *pair) write(i int, b []byte) int {
	n := p.end[i].Send(p.now, b)
	p.drain(i)
	return n
}

// read takes all that an end has ready.
func (p *pair) read(i int) []byte {
	var out []byte
	b := make([]byte, 64<<10)
	for {
		n := p.end[i].Receive(p.now, b)
		if n == 0 {
			break
		}
		out = append(out, b[:n]...)
	}
	p.drain(i)
	return out
}

// transfer moves data from one end to the other, which reads all the time, and
// returns what arrived within d.
func (p *pair) transfer(from int, data []byte, d time.Duration) []byte {
	var got []byte
	until := p.now.Add(d)
	want := len(data)
	data = data[p.write(from, data):]
	p.run(until, func() bool {
		if len(data) > 0 && p.end[from].Ready()&Writable != 0 {
			data = data[p.write(from, data):]
		}
		if p.end[1-from].Ready()&Readable != 0 {
			got = append(got, p.read(1-from)...)
		}
		return len(got) >= want
	})
	return got
}

func segString(s *wire.Segment) string {
	return fmt.Sprintf("seq %d ack %d flags %s win %d len %d opts %+v", s.Seq, s.Ack, s.Flags, s.Window, s.Payload.Len(), s.Options)
}

// pattern returns n octets in which any displacement shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func TestPairHandshakeDataAndClose(t *testing.T) {
	p := established(t)
	data := pattern(300_000)
	if got := p.transfer(client, data, time.Minute); !bytes.Equal(got, data) {
		t.Fatalf("%d of %d octets arrived, or other ones", len(got), len(data))
	}
	if got := p.transfer(server, data, time.Minute); !bytes.Equal(got, data) {
		t.Fatalf("%d of %d octets arrived back, or other ones", len(got), len(data))
	}
	p.end[client].Shutdown(p.now)
	p.drain(client)
	p.pass(time.Second)
	if c, s := p.end[client].State(), p.end[server].State(); c != FinWait2 || s != CloseWait {
		t.Fatalf("after the client's FIN: %v and %v", c, s)
	}
	p.end[server].Shutdown(p.now)
	p.drain(server)
	p.pass(time.Second)
	if c, s := p.end[client].State(), p.end[server].State(); c != TimeWaiting || s != Closed {
		t.Fatalf("after the server's FIN: %v and %v", c, s)
	}
	p.pass(2 * time.Minute)
	if c := p.end[client].State(); c != Closed {
		t.Fatalf("after TIME-WAIT: %v", c)
	}
	for i, e := range p.end {
		if err := e.Err(); err != nil {
			t.Errorf("end %d closed with %v", i, err)
		}
	}
}

func TestPairUnderLoss(t *testing.T) {
	p := established(t)
	p.fate = func(n, from int, seg *wire.Segment) fate {
		h := uint32(n) * 2654435761 >> 16
		return fate{lost: h%50 == 0, twice: h%41 == 0, extra: time.Duration(h%97/96) * 7 * time.Millisecond}
	}
	data := pattern(2_000_000)
	if got := p.transfer(client, data, 10*time.Minute); !bytes.Equal(got, data) {
		t.Fatalf("%d of %d octets arrived by %v, or other ones", len(got), len(data), p.now)
	}
	t.Logf("%v: %+v", p.now, p.end[client].Info())
}
