package tcp

import (
	"bytes"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A duel is a pair whose wire, users and bystanders are played by a script of
// octets. What it may do is bounded, so that every script ends soon.
type duel struct {
	*pair
	script []byte
	user   [2]duelist
	mask   uint64 // which of the first 64 segments the wire loses
	always bool   // ... and of every 64 that follow, until it heals
	mtu    int    // larger segments never pass; 0: all do
	most   int    // octets that each user sends
	steps  int    // of the wire
	lost   int    // segments that the wire lost
	healed bool
	buf    [16 << 10]byte

	expired  mono.Time // when timers were due last
	expiries int       // and how often at that moment

	// What an attacker, or a user, did:
	injected bool // octets of his may be in a stream: streams are not compared any more
	lied     bool // he spoke for a peer: the windows that the ends believe in may differ
	cut      bool // he ended something: the streams need not become whole
}

// A duelist is what is known of one end.
type duelist struct {
	sent, got int      // octets that its user gave to Send, and took
	deaf      bool     // its user reads no more
	edge      wire.Seq // right edge of its window, as it was offered last
	right     wire.Seq // and the furthest that it was offered itself
	limit     [2]int   // largest size that its send and its receive buffer had
	opened    bool     // edge and right are valid
}

const (
	mostActs      = 400    // steps of a script
	mostSteps     = 2000   // steps of the wire before it heals
	mostHealSteps = 10_000 // and after
)

// next takes an octet of the script, 0 at its end.
func (d *duel) next() int {
	if len(d.script) == 0 {
		return 0
	}
	b := d.script[0]
	d.script = d.script[1:]
	return int(b)
}

// duelStream is what every user sends, from its begin, round and round.
var duelStream = pattern(1 << 16)

// streamAt returns n octets of the stream from octet at on, or fewer.
func streamAt(at, n int) []byte {
	at %= len(duelStream)
	return duelStream[at:min(at+n, len(duelStream))]
}

// duelSteps are what a script can do; its octets choose among them.
var duelSteps = []func(d *duel, i int){
	(*duel).stepWire, (*duel).stepWire, (*duel).stepWire, (*duel).stepWire, (*duel).stepWire,
	(*duel).stepSend, (*duel).stepSend, (*duel).stepSend,
	(*duel).stepRead, (*duel).stepRead,
	(*duel).stepLose, (*duel).stepRepeat, (*duel).stepSwap,
	(*duel).stepPass, (*duel).stepPass,
	(*duel).stepShutdown,
	(*duel).stepSet,
	(*duel).stepNotice,
	(*duel).stepForge, (*duel).stepForge,
	(*duel).stepBreak,
}

// act does one step of the script.
func (d *duel) act() {
	op := d.next()
	i := op >> 7
	if d.end[i] == nil {
		i = client
	}
	duelSteps[op&127%len(duelSteps)](d, i)
	d.settle()
}

// settle lets both ends say what they have to, and checks them.
func (d *duel) settle() {
	for i, e := range d.end {
		if e != nil {
			d.drain(i)
		}
	}
	d.verify()
}

func (d *duel) stepWire(i int) {
	for range 1 + d.next()&15 {
		d.advance()
	}
}

// advance does what happens next on the wire or by a timer; false if nothing does.
func (d *duel) advance() bool {
	if d.steps++; !d.healed && d.steps > mostSteps {
		return false
	}
	at := d.pair.next()
	arrival := len(d.air) > 0 && d.air[0].at <= max(d.now, at)
	if arrival && d.end[d.air[0].to] != nil && d.end[d.air[0].to].State() == Closed {
		d.refuse()
		return true
	}
	if !d.step() {
		return false
	}
	d.hurry(arrival)
	d.verify()
	return true
}

// hurry checks that timers come to rest: after a few calls of Expire at one moment
// nothing is due any more.
func (d *duel) hurry(arrival bool) {
	if arrival || d.now != d.expired {
		d.expired, d.expiries = d.now, 0
		return
	}
	if d.expiries++; d.expiries > 8 {
		d.t.Fatalf("at %v timers do not rest: %+v and %+v", d.now, d.end[0].timers, d.end[1].timers)
	}
}

// refuse answers the next segment as a host does that knows no such connection.
func (d *duel) refuse() {
	f := d.air[0]
	d.air = append(d.air[:0], d.air[1:]...)
	d.now = max(d.now, f.at)
	var answer wire.Segment
	if Reset(&f.seg, &answer) {
		d.put(flight{d.now.Add(d.delay), 1 - f.to, answer})
	}
	f.seg.Payload.Release()
}

func (d *duel) stepSend(i int) {
	n := d.next()
	d.write(i, n*n, n&1 != 0 && n > 250)
}

func (d *duel) write(i, n int, urgent bool) {
	e, u := d.end[i], &d.user[i]
	b := streamAt(u.sent, min(n, d.most-u.sent))
	if urgent {
		u.sent += e.SendUrgent(d.now, b)
	} else {
		u.sent += e.Send(d.now, b)
	}
}

func (d *duel) stepRead(i int) {
	n := d.next()
	if n&1 != 0 {
		d.compare(i, n, d.buf[:d.end[i].Peek(d.buf[:n], n)])
	}
	d.receive(i, 1+n*n)
}

// receive lets the user of an end take up to n octets.
func (d *duel) receive(i, n int) {
	for n > 0 {
		k := d.end[i].Receive(d.now, d.buf[:min(n, len(d.buf))])
		if k == 0 {
			return
		}
		d.compare(i, 0, d.buf[:k])
		d.user[i].got += k
		n -= k
	}
}

// compare checks octets that an end received, from skip octets after what its user took.
func (d *duel) compare(i, skip int, b []byte) {
	for at := d.user[i].got + skip; len(b) > 0 && !d.injected; {
		want := streamAt(at, len(b))
		if at+len(b) > d.user[1-i].sent || !bytes.Equal(b[:len(want)], want) {
			d.t.Fatalf("end %d received other octets than were sent, from %d on", i, at)
		}
		b, at = b[len(want):], at+len(want)
	}
}

func (d *duel) stepLose(i int) {
	if len(d.air) > 0 {
		k := d.next() % len(d.air)
		d.air[k].seg.Payload.Release()
		d.air = append(d.air[:k], d.air[k+1:]...)
		d.lost++
	}
}

func (d *duel) stepRepeat(i int) {
	if len(d.air) > 0 {
		f := d.air[d.next()%len(d.air)]
		f.seg.Payload = f.seg.Payload.Share()
		f.at = d.now.Add(time.Duration(d.next()) * time.Millisecond)
		d.put(f)
	}
}

func (d *duel) stepSwap(i int) {
	if n := len(d.air); n > 1 {
		a, b := &d.air[d.next()%n], &d.air[d.next()%n]
		a.seg, b.seg = b.seg, a.seg
		a.to, b.to = b.to, a.to
	}
}

// stepPass lets time pass: up to a minute as it should, or up to 45 days in which
// nobody looks at the clock, as when a machine sleeps.
func (d *duel) stepPass(i int) {
	n, m := d.next(), d.next()
	if m >= 8 {
		until := d.now.Add(time.Duration(n*n) * time.Millisecond)
		for range 100 {
			if d.pair.next() > until || !d.advance() {
				break
			}
		}
		return
	}
	jump := time.Duration(n*n) * [...]time.Duration{time.Microsecond, time.Millisecond, time.Second, time.Minute}[m%4]
	if jump > time.Minute { // no segment lives that long
		d.lost += len(d.air)
		for k := range d.air {
			d.air[k].seg.Payload.Release()
		}
		d.air = d.air[:0]
	}
	d.now = d.now.Add(jump)
}

func (d *duel) stepShutdown(i int) {
	if d.next()%4 == 0 {
		d.end[i].Shutdown(d.now)
	}
}

func (d *duel) stepSet(i int) {
	e := d.end[i]
	switch x := d.next(); x % 6 {
	case 0:
		e.SetNoDelay(d.now, x&64 != 0)
	case 1:
		e.SetReceiveBuffer(d.now, 1+x*x)
	case 2:
		e.SetSendBuffer(d.now, x*x)
	case 3:
		e.SetKeepAlive(d.now, KeepAlive{time.Duration(x) * time.Second, time.Second, 20 + x})
	case 4:
		e.SetPathMSS(d.now, 100+x*x)
	case 5:
		e.SetUserTimeout(d.now, time.Duration(x)*time.Minute)
	}
}

// stepNotice lets a router tell something of what is in flight, or was.
func (d *duel) stepNotice(i int) {
	e := d.end[i]
	n := Notice{Kind: NoticeKind(d.next() % (notices + 1)), Seq: e.snd.una.Add(d.next() - 10), Size: d.next() * 8}
	if e.State() == SynSent {
		d.cut = true // it may end the attempt
	}
	e.Unreachable(d.now, n)
}

// stepBreak lets a user give up.
func (d *duel) stepBreak(i int) {
	switch d.next() % 16 {
	case 0:
		d.cut = true
		d.end[i].Abort(d.now)
	case 1:
		d.cut = true
		d.end[i].Close(d.now)
	case 2:
		d.user[i].deaf = true
		d.end[i].CloseRead(d.now)
	}
}

// on is what the wire does to a segment.
func (d *duel) on(n, from int, seg *wire.Segment) fate {
	if d.healed {
		return fate{lost: d.tooLarge(from, seg)}
	}
	if seg.ECN == ect0 && n%7 == 0 {
		seg.ECN = ce
	}
	f := fate{lost: (n <= 64 || d.always) && d.mask>>((n-1)%64)&1 != 0 || d.tooLarge(from, seg)}
	if f.lost {
		d.lost++
	}
	return f
}

// tooLarge reports whether the packets that the device makes of a segment do not pass.
func (d *duel) tooLarge(from int, seg *wire.Segment) bool {
	e := d.end[from]
	if d.mtu == 0 || e == nil || seg.Payload.Len() == 0 {
		return false
	}
	return min(seg.Payload.Len(), e.SegmentSize())+seg.Options.Size() > d.mtu
}
