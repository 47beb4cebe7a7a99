package link

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// What one direction of a wire may hold, queue and flight together, however long
// its delay is.
const (
	transitMax    = 1 << 18
	transitOctets = 256 << 20
	spareMax      = 1 << 10 // Queued kept for reuse
)

// path is one direction of a Wire.
type path struct {
	key      sipKey
	line     *timeline.Timeline
	event    timeline.Event
	ethernet bool
	name     string   // of the wire
	forth    bool     // this is the direction from end 0 to end 1
	observer Observer // may be nil
	gate     Gate     // may be nil
	judge    Judge    // may be nil
	onDrop   func(*Queued)
	batch    []Packet   // of tick alone
	told     []sighting // of tick alone

	mu      sync.Mutex
	cfg     Path
	to      Receiver
	refuses bool      // the sending device is closed
	closed  bool      // the receiving device is closed
	armed   mono.Time // when event runs; Never if it is not set
	flows   flows
	fresh   []*Queued // sent, not in the queue yet
	due     []*Queued // of start alone
	queue   Queue
	free    mono.Time // when the transmitter is free
	carry   int64     // part of a nanosecond by which free is too early, in 1/Rate
	last    mono.Time // latest arrival so far of a packet in order
	flight  flight
	seen    []sighting // to be told
	chance  Chance     // of the packet in hand
	spare   *Queued    // free ones
	spares  int
	octets  int // held in all
	count   PathStats
}

// sighting is one that is told once the lock is free.
type sighting struct {
	q    *Queued
	fate Fate
	gone bool // q is to be released
}

func (p *path) init(line *timeline.Timeline, key sipKey, cfg Path, ethernet bool) {
	p.key, p.line, p.ethernet = key, line, ethernet
	p.armed = mono.Never
	p.onDrop = func(q *Queued) {
		p.count.QueueDropped++
		p.lose(q, QueueFull)
	}
	p.event.Init(line, key.sum(nil), p.tick)
	p.set(cfg)
}

// set changes the values. What waits moves into the new queue.
func (p *path) set(cfg Path) {
	now := p.line.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.queue; old == nil || cfg.Queue != p.cfg.Queue {
		p.queue = newQueue(cfg.Queue)
		for old != nil {
			q := old.Take(now, p.onDrop)
			if q == nil {
				break
			}
			p.queue.Put(now, q, p.onDrop)
		}
	}
	p.cfg, p.carry, p.last = cfg, 0, 0
}

func newQueue(d Discipline) Queue {
	if d == nil {
		d = DropTail(0)
	}
	return d.NewQueue()
}

func (p *path) attach(r Receiver) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = r
}

func (p *path) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
}

func (p *path) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

func (p *path) mtu() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return clampMTU(p.cfg.MTU, p.ethernet)
}

func (p *path) stats() PathStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, backlog := p.queue.Backlog()
	s := p.count
	s.Backlog = uint64(backlog)
	return s
}

// send takes a packet, in pieces where it has several segments.
func (p *path) send(pkt *Packet) {
	if !pkt.Complete(&Info{Ethernet: p.ethernet}, p.sendOne) {
		p.mu.Lock()
		p.count.Refused++
		p.mu.Unlock()
	}
}

// sendOne takes a packet. It starts on its way when the microsecond is over.
func (p *path) sendOne(pkt *Packet) {
	flow := flowOf(p.key, pkt, p.ethernet)
	p.mu.Lock()
	defer p.mu.Unlock()
	size := pkt.Len()
	if p.refuses || size > p.frame(clampMTU(p.cfg.MTU, p.ethernet)) {
		p.count.Refused++
		pkt.Data.Release()
		return
	}
	p.count.Sent++
	p.count.SentOctets += uint64(size)
	if p.count.InFlight >= transitMax || p.octets+size > transitOctets {
		p.count.QueueDropped++
		pkt.Data.Release()
		return
	}
	q := p.hold(pkt, size)
	q.Flow, q.flow, q.ethernet = flow, p.flows.get(flow), p.ethernet
	q.Index = q.flow.sent
	q.flow.sent++
	q.Since = gridUp(p.line.Now())
	p.fresh = append(p.fresh, q)
	p.arm(q.Since + 1)
}

// frame returns the length of the largest frame or packet for an MTU.
func (p *path) frame(mtu int) int {
	if p.ethernet {
		return mtu + etherHeader
	}
	return mtu
}

// hold moves a packet into a Queued.
func (p *path) hold(pkt *Packet, size int) *Queued {
	q := p.spare
	if q != nil {
		p.spare = q.next
		p.spares--
	} else {
		q = new(Queued)
	}
	q.next = nil
	q.Packet, q.Size, q.Marked, q.extra = *pkt, size, false, 0
	pkt.Data = chunk.View{}
	p.count.InFlight++
	p.octets += size
	return q
}

// let ends what hold began. The Data has gone elsewhere or is released.
func (p *path) let(q *Queued) {
	q.Data.Release()
	p.count.InFlight--
	p.octets -= q.Size
	if p.spares < spareMax {
		q.next, p.spare = p.spare, q
		p.spares++
	}
}

// lose lets a packet go whose fate was counted.
func (p *path) lose(q *Queued, why Fate) {
	if p.observer == nil {
		p.let(q)
		return
	}
	p.seen = append(p.seen, sighting{q, why, true})
}

// see notes what was done to a packet that goes on.
func (p *path) see(q *Queued, what Fate) {
	if p.observer != nil {
		p.seen = append(p.seen, sighting{q, what, false})
	}
}

// gridUp returns the first point of the timeline's grid not before t.
func gridUp(t mono.Time) mono.Time {
	const g = mono.Time(timeline.Grid)
	if t > mono.Never-g {
		return mono.Never
	}
	return (t + g - 1) / g * g
}

// arm makes event run at the latest at t.
func (p *path) arm(t mono.Time) {
	if t < p.armed {
		p.armed = t
		p.event.SetExact(t)
	}
}

// tick is what the event calls: it does all that is due.
func (p *path) tick(now mono.Time) {
	p.mu.Lock()
	p.armed = mono.Never
	p.start(now)
	p.serve(now)
	p.tell(now)
	for p.flight.next() <= now {
		p.deliver(now)
	}
	if len(p.fresh) > 0 {
		p.arm(p.fresh[0].Since + 1)
	}
	if n, _ := p.queue.Backlog(); n > 0 {
		p.arm(gridUp(p.free))
	}
	p.arm(p.flight.next())
	p.mu.Unlock()
}

// start queues what was sent in the microseconds that are over, in an order that
// does not depend on who was first.
func (p *path) start(now mono.Time) {
	n := 0
	for n < len(p.fresh) && p.fresh[n].Since < now {
		n++
	}
	p.due = append(p.due[:0], p.fresh[:n]...)
	p.fresh = slices.Delete(p.fresh, 0, n)
	slices.SortFunc(p.due, func(a, b *Queued) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Index, b.Index))
	})
	for _, q := range p.due {
		p.serve(q.Since)
		if waiting, _ := p.queue.Backlog(); waiting == 0 {
			p.free = max(p.free, q.Since)
		}
		p.admit(q)
	}
	clear(p.due)
}

// serve transmits what can begin until the given moment.
func (p *path) serve(until mono.Time) {
	for p.free <= until {
		q := p.queue.Take(p.free, p.onDrop)
		if q == nil {
			return
		}
		if q.Marked {
			p.count.Marked++
		}
		p.free = p.free.Add(p.transmission(q.Size))
		p.travel(q, p.free)
	}
}

// transmission returns how long so many octets take. What division leaves over
// goes to the next packet, so that a rate is met exactly over time.
func (p *path) transmission(octets int) time.Duration {
	if p.cfg.Rate == 0 {
		return 0
	}
	n := int64(octets)*8*int64(time.Second) + p.carry
	p.carry = n % p.cfg.Rate
	return time.Duration(n / p.cfg.Rate)
}

// travel decides what becomes of a packet that was transmitted at the moment end.
func (p *path) travel(q *Queued, end mono.Time) {
	c := &p.chance
	*c = Chance{Index: q.Index, State: &q.flow.loss, key: p.key, flow: q.Flow}
	if hole := p.cfg.BlackHole; hole > 0 && q.Size > p.frame(hole) {
		p.count.BlackHoled++
		p.lose(q, BlackHoled)
		return
	}
	if p.decide(q, Lost, p.cfg.Loss != nil && p.cfg.Loss.Lost(c)) {
		p.count.Lost++
		p.lose(q, Lost)
		return
	}
	if d := p.cfg.Duplicate; p.decide(q, Duplicated, d > 0 && happens(c.draw(faultDuplicate, 0), d)) {
		p.count.Duplicated++
		second := p.double(q)
		p.fly(q, c, 0, end)
		p.fly(second, c, 1, end)
		return
	}
	p.fly(q, c, 0, end)
}

// fly puts a packet, or the second copy of one, in flight.
func (p *path) fly(q *Queued, c *Chance, copied int, end mono.Time) {
	if d := p.cfg.Corrupt; p.decide(q, Corrupted, d > 0 && happens(c.draw(faultCorrupt, copied), d)) {
		p.count.Corrupted++
		corrupt(&q.Packet, c.draw(faultCorruptBit, copied))
		p.see(q, Corrupted)
	}
	at := end.Add(p.cfg.Delay)
	if p.cfg.Jitter.Spread > 0 {
		at = at.Add(p.cfg.Jitter.Of(c.draw(faultJitter, copied)))
	}
	if d := p.cfg.Reorder; p.decide(q, HeldBack, d > 0 && happens(c.draw(faultReorder, copied), d)) {
		p.count.Reordered++
		at = at.Add(cmp.Or(p.cfg.HoldBack, DefaultHoldBack))
		p.see(q, HeldBack)
	} else if q.extra > 0 {
		at = at.Add(q.extra)
	} else {
		at = max(at, p.last)
		p.last = at
	}
	p.flight.add(gridUp(max(at, q.Since+1)), q)
}

// corrupt turns over one bit of a packet. The data may be shared with the
// sender's queue, so it turns it over in a copy, whose head is empty: nobody
// shall rely on headers that are no longer what the stack built.
func corrupt(p *Packet, draw uint64) {
	n := p.Len()
	if n == 0 {
		return
	}
	c := chunk.New(n)
	b := p.AppendTo(c.Grow(n)[:0])
	bit := draw % uint64(8*n)
	b[bit/8] ^= 1 << (bit % 8)
	p.Data.Release()
	*p = Packet{Data: c.View(0, n)}
	c.Release()
}

// tell shows the observer what was noted, with the lock released meanwhile.
func (p *path) tell(now mono.Time) {
	if len(p.seen) == 0 {
		return
	}
	p.seen, p.told = p.told[:0], p.seen
	p.mu.Unlock()
	for _, s := range p.told {
		p.observer.Observe(&Sighting{
			At: now, Device: p.name, Outgoing: p.forth, Ethernet: p.ethernet,
			Fate: s.fate, Packet: &s.q.Packet,
		})
	}
	p.mu.Lock()
	for i, s := range p.told {
		if s.gone {
			p.let(s.q)
		}
		p.told[i] = sighting{}
	}
}

// deliver hands over the packets that have arrived, with the lock released meanwhile.
func (p *path) deliver(now mono.Time) {
	to := p.to
	if p.closed {
		to = nil
	}
	for len(p.batch) < batchMax && p.flight.next() <= now {
		q := p.flight.pop()
		if to == nil {
			p.count.Undelivered++
			p.let(q)
			continue
		}
		p.count.Delivered++
		p.count.DeliveredOctets += uint64(q.Size)
		p.batch = append(p.batch, q.Packet)
		q.Data = chunk.View{}
		p.let(q)
	}
	if len(p.batch) == 0 {
		return
	}
	p.mu.Unlock()
	to.Receive(now, p.batch)
	for i := range p.batch {
		p.batch[i].Data.Release()
	}
	p.mu.Lock()
	p.batch = p.batch[:0]
}
