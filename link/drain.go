package link

import (
	"sync"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// The bounds of a queue in memory, and of the work that one Flush does.
const (
	// share is how many packets one Flush delivers, its own and those that
	// others queue meanwhile, before it leaves the rest to the next Flush or to
	// the timeline (docs/decisions/0002-drainers.md).
	share = 512

	// batchMax is how many packets a Receiver gets at once: enough to spread
	// the cost of a call, few enough to stay in the cache.
	batchMax = 64

	// laneMax is how many packets may wait, and laneOctets how many octets they
	// may hold together; further ones are dropped and counted.
	laneMax    = 1 << 14
	laneOctets = 64 << 20

	// A queue that has grown beyond keepCap packets is given back to the
	// collector when keepDrains drains in a row needed less than a quarter of it.
	keepCap    = 64
	keepDrains = 64
)

// A lane is one direction of a link in memory: packets that wait, in order, for
// one Receiver. Everything in it is guarded by the lock of its drain, but for
// what the drainer holds: to and from.Receive run without the lock.
type lane struct {
	to      Receiver
	refuses bool     // the sender is closed: nothing more is queued
	closed  bool     // the receiver is closed: nothing more is delivered
	in      []Packet // appended by Send
	out     []Packet // being delivered, from place at on
	at      int
	octets  int // in and out together
	peak    int // most packets that waited since the memory was last looked at
	calm    int // drains since then
	sent    tally
	arrived tally
	dropped uint64
}

type tally struct{ packets, octets uint64 }

func (t *tally) add(octets int) {
	t.packets++
	t.octets += uint64(octets)
}

// put queues a packet, or drops it where there is no room or it is longer than
// size octets. It takes over the data.
func (l *lane) put(p *Packet, size int) {
	n := p.Len()
	if n > size || l.refuses || l.closed || l.waiting() >= laneMax || l.octets+n > laneOctets {
		l.drop(p)
		return
	}
	l.in = append(l.in, *p)
	p.Data = chunk.View{}
	l.octets += n
	l.sent.add(n)
	l.peak = max(l.peak, l.waiting())
}

func (l *lane) drop(p *Packet) {
	p.Data.Release()
	l.dropped++
}

func (l *lane) waiting() int { return len(l.in) + len(l.out) - l.at }

// take returns the next packets to deliver, at most batchMax of them. They stay
// where they are until done is called.
func (l *lane) take() []Packet {
	if l.at == len(l.out) {
		l.in, l.out = l.out[:0], l.in
		l.at = 0
	}
	return l.out[l.at:min(l.at+batchMax, len(l.out))]
}

// done accounts for a batch that was delivered, or dropped because nobody receives.
func (l *lane) done(batch tally, delivered bool) {
	l.at += int(batch.packets)
	l.octets -= int(batch.octets)
	if delivered {
		l.arrived.packets += batch.packets
		l.arrived.octets += batch.octets
	} else {
		l.dropped += batch.packets
	}
	if l.waiting() == 0 {
		l.shrink()
	}
}

// shrink gives memory back that has not been needed for a while.
func (l *lane) shrink() {
	if l.calm++; l.calm < keepDrains {
		return
	}
	if most := max(cap(l.in), cap(l.out)); most > keepCap && l.peak < most/4 {
		l.in, l.out, l.at = nil, nil, 0
	}
	l.calm, l.peak = 0, 0
}

// shut drops what waits and ends delivery, but for the first busy packets, which
// are with the Receiver already.
func (l *lane) shut(busy int) {
	l.closed = true
	for i := range l.in {
		l.octets -= l.in[i].Len()
		l.drop(&l.in[i])
	}
	for i := l.at + busy; i < len(l.out); i++ {
		l.octets -= l.out[i].Len()
		l.drop(&l.out[i])
	}
	l.in, l.out = l.in[:0], l.out[:l.at+busy]
}

// A drain delivers what the lanes of one link hold. Whoever calls flush first
// becomes the only drainer and goes on until nothing waits or it has done its
// share; others return at once. So packets of one link are delivered one after
// another, in order, with no lock held, and a Receiver that sends in turn does
// not recurse: its packets are next in the loop that called it.
type drain struct {
	line *timeline.Timeline
	rest timeline.Event // goes on where a caller has done its share

	mu    sync.Mutex
	busy  bool // somebody delivers
	held  int  // packets of the batch that is being delivered
	turn  int  // lane that is served
	lanes []lane
}

func (d *drain) init(line *timeline.Timeline, key uint64, lanes int) {
	d.line, d.lanes = line, make([]lane, lanes)
	d.rest.Init(line, key, func(mono.Time) { d.flush() })
}

// flush delivers what waits. See the type for who does how much of it.
func (d *drain) flush() {
	d.mu.Lock()
	if d.busy {
		d.mu.Unlock()
		return
	}
	d.busy = true
	defer d.leave()
	for did := 0; ; {
		l := d.next()
		if l == nil {
			return
		}
		if did >= share && !d.line.Manual() {
			d.rest.Set(d.line.Now() + 1) // whoever calls meanwhile comes first
			return
		}
		did += d.deliver(l)
	}
}

func (d *drain) leave() {
	d.busy = false
	d.mu.Unlock()
}

// next returns a lane that holds packets. Lanes take turns.
func (d *drain) next() *lane {
	for range d.lanes {
		d.turn = (d.turn + 1) % len(d.lanes)
		if l := &d.lanes[d.turn]; l.waiting() > 0 {
			return l
		}
	}
	return nil
}

// deliver hands one batch over, with the lock released meanwhile, and returns
// how many packets it had.
func (d *drain) deliver(l *lane) int {
	batch := l.take()
	var size tally
	for i := range batch {
		size.add(batch[i].Len())
	}
	to := l.to
	if l.closed {
		to = nil
	}
	d.held = len(batch)
	d.mu.Unlock()
	defer func() { // also when Receive panics: the link stays usable
		for i := range batch {
			batch[i].Data.Release()
		}
		d.mu.Lock()
		d.held = 0
		l.done(size, to != nil)
	}()
	if to != nil {
		to.Receive(d.line.Now(), batch)
	}
	return len(batch)
}

// attach names who receives from lane i.
func (d *drain) attach(i int, r Receiver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lanes[i].to = r
}

// send queues a packet of at most size octets in lane i.
func (d *drain) send(i int, p *Packet, size int) {
	d.mu.Lock()
	d.lanes[i].put(p, size)
	d.mu.Unlock()
}

// refuse counts a packet that cannot be sent in lane i.
func (d *drain) refuse(i int) {
	d.mu.Lock()
	d.lanes[i].dropped++
	d.mu.Unlock()
}

// close ends a device that sends into lane out and receives from lane in. What it
// has sent is still delivered, unless to itself.
func (d *drain) close(out, in int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lanes[out].refuses = true
	busy := 0
	if in == d.turn {
		busy = d.held
	}
	d.lanes[in].shut(busy)
}

// stats returns the counts of a device that sends into lane out and receives from lane in.
func (d *drain) stats(out, in int) Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, i := &d.lanes[out], &d.lanes[in]
	return Stats{
		Sent: o.sent.packets, SentOctets: o.sent.octets, SendDropped: o.dropped,
		Received: i.arrived.packets, ReceivedOctets: i.arrived.octets,
	}
}
