package cc

import (
	"time"

	"github.com/octet-net/octet/mono"
)

// The model is the smallest network in which congestion controls can be compared:
// flows that always have data, one bottleneck with a rate and a tail-drop queue in
// octets, a delay, and losses that follow from a hash of (seed, flow, packet), so
// that one flow's fate does not depend on another's. A packet is sent, waits in the
// queue, and its acknowledgement comes back a round trip later; nothing is reordered.
// A loss is known when three later packets were acknowledged. There is no receiver:
// octets that arrive count, whatever their place in the stream.
type model struct {
	path
	now   mono.Time
	busy  mono.Time // the bottleneck has sent all it has by then
	flows []*flow
	acks  []ack // on their way, oldest first: one bottleneck and one delay keep them in order
}

type path struct {
	rate   uint64        // octets a second
	rtt    time.Duration // without a queue
	buffer int           // octets, besides the packet being sent
	loss   float64       // probability
	every  int           // if not 0, exactly every so manieth packet is lost
	mark   int           // queue in octets above which packets are marked; 0: never
	batch  time.Duration // acknowledgements arrive together, so far apart; 0: one by one
	seed   uint64
}

// An ack is an acknowledgement that arrives at a time.
type ack struct {
	at     mono.Time
	flow   int
	packet int
	ce     bool
}

// add starts a flow at a time.
func (m *model) add(c Control, start mono.Time) *flow {
	f := &flow{model: m, c: c, id: len(m.flows), rto: time.Second, wake: start}
	m.flows = append(m.flows, f)
	return f
}

// run advances the model to end.
func (m *model) run(end mono.Time) {
	for {
		f := m.flows[0]
		for _, g := range m.flows[1:] {
			if g.wake < f.wake {
				f = g
			}
		}
		if len(m.acks) > 0 && m.acks[0].at <= f.wake {
			if m.acks[0].at > end {
				break
			}
			a := m.acks[0]
			m.acks = m.acks[1:]
			m.now, f = a.at, m.flows[a.flow]
			f.acked(a.packet, a.ce)
			if len(m.acks) > 0 && m.acks[0].at == a.at && m.acks[0].flow == a.flow {
				continue // what arrives at once is read at once
			}
		} else if f.wake <= end {
			m.now = max(m.now, f.wake)
		} else {
			break
		}
		f.step()
	}
	m.now = end
}

// deliver takes a packet of f to the bottleneck.
func (m *model) deliver(f *flow, packet int) {
	if m.drops(f, packet) {
		return
	}
	queue := 0
	if m.busy > m.now {
		queue = int(mulDiv(uint64(m.busy.Sub(m.now)), m.rate, uint64(time.Second)))
	}
	if queue > m.buffer {
		return
	}
	m.busy = max(m.busy, m.now).Add(span(seg, m.rate))
	ce := m.mark > 0 && queue > m.mark
	at := m.busy.Add(m.rtt)
	if m.batch > 0 {
		at += mono.Time(m.batch) - at%mono.Time(m.batch)
	}
	m.acks = append(m.acks, ack{at: at, flow: f.id, packet: packet, ce: ce})
}

func (m *model) drops(f *flow, packet int) bool {
	if m.every > 0 {
		return packet%m.every == m.every-1
	}
	h := mix(m.seed ^ mix(uint64(f.id)<<32+uint64(packet)+1))
	return float64(h>>11)/(1<<53) < m.loss
}

// A packet is what the draft of BBR keeps of it (§4.1.2.1).
type packet struct {
	sent          mono.Time
	firstSent     mono.Time
	deliveredTime mono.Time
	delivered     uint64
	lost          uint64
	tx            int
	appLimited    bool
	done          bool
}

// A flow is a sender with data without end, or with an application that writes a
// segment at a time.
type flow struct {
	*model
	c      Control
	id     int
	pace   Pacer
	wake   mono.Time     // a look at the flow is due then; Never: none
	every  time.Duration // the application writes a segment so often; 0: always
	write  mono.Time     // its next segment comes then
	paused bool          // the application writes nothing
	bubble uint64        // C.app_limited of the draft

	packets []packet
	base    int // the number of packets[0]
	head    int // all before it are acknowledged or lost
	next    int
	out     int // packets in flight

	delivered     uint64 // octets
	lost          uint64
	marked        uint64
	deliveredTime mono.Time
	firstSent     mono.Time

	recover  int // the episode ends when all packets before it are resolved
	episode  bool
	round    int // the round ends when this packet is acknowledged
	limited  [2]bool
	newLost  int
	srtt     time.Duration
	minRTT   time.Duration
	rto      time.Duration
	backoff  int
	progress mono.Time
	sumRTT   time.Duration
	samples  int64
}

func (f *flow) inflight() int { return f.out * seg }

func (f *flow) packet(n int) *packet { return &f.packets[n-f.base] }

// step is what a TCB does when something happened: timers, then output.
func (f *flow) step() {
	f.expire()
	for f.inflight()+seg <= f.c.Window() {
		if f.paused || f.write > f.now {
			f.bubble = max(f.delivered+uint64(f.inflight()), 1)
			f.wake = f.timeout()
			if !f.paused {
				f.wake = min(f.wake, f.write)
			}
			return
		}
		if !f.pace.Ready(f.now) {
			f.wake = min(f.pace.Due(), f.timeout())
			return
		}
		f.transmit()
	}
	f.limited[0] = true
	f.wake = f.timeout()
}

func (f *flow) timeout() mono.Time {
	if f.out == 0 {
		return mono.Never
	}
	return f.progress.Add(f.rto << f.backoff)
}

func (f *flow) transmit() {
	var idle time.Duration
	if f.out == 0 {
		if f.delivered > 0 {
			idle = f.now.Sub(f.progress)
		}
		f.firstSent, f.deliveredTime, f.progress = f.now, f.now, f.now
	}
	f.out++
	f.write = max(f.write, f.now.Add(-f.every)).Add(f.every)
	f.c.Sent(f.now, seg, f.inflight(), idle)
	f.pace.Sent(f.now, seg, f.c.PacingRate(), seg)
	f.packets = append(f.packets, packet{
		sent: f.now, firstSent: f.firstSent, deliveredTime: f.deliveredTime,
		delivered: f.delivered, lost: f.lost, tx: f.inflight(), appLimited: f.bubble > 0,
	})
	f.deliver(f, f.next)
	f.next++
}

// acked takes the acknowledgement of packet n.
func (f *flow) acked(n int, ce bool) {
	f.trim()
	if n < f.base || f.packet(n).done {
		return // given up before, by a timeout
	}
	p := f.packet(n)
	prior := f.inflight()
	p.done = true
	f.out--
	f.delivered += seg
	f.deliveredTime, f.progress, f.backoff = f.now, f.now, 0
	f.measure(f.now.Sub(p.sent))
	a := Ack{
		Now: f.now, Octets: seg, RTT: f.now.Sub(p.sent), SRTT: f.srtt, RTO: f.rto, MinRTT: f.minRTT, Prior: prior,
		Rate: RateSample{
			Delivered: int(f.delivered - p.delivered), Interval: max(p.sent.Sub(p.firstSent), f.now.Sub(p.deliveredTime)),
			AppLimited: p.appLimited, TxInFlight: p.tx, Total: f.delivered, PriorTotal: p.delivered,
		},
	}
	if f.delivered > f.bubble {
		f.bubble = 0
	}
	f.firstSent = p.sent
	f.detect(n, &a)
	a.Rate.LostSince = int(f.lost - p.lost)
	if ce {
		a.ECE = seg
		f.marked += seg
		f.congested(true)
	}
	a.Lost, f.newLost = f.newLost, 0
	a.Inflight, a.InRecovery = f.inflight(), f.episode
	if n >= f.round {
		a.Round, f.round = true, f.next
		f.limited[1], f.limited[0] = f.limited[0], false
	}
	a.CwndLtd = f.limited[0] || f.limited[1]
	if f.episode && f.head >= f.recover {
		f.episode = false
		f.c.Recovered(f.now)
		a.InRecovery = false
	}
	f.c.Acked(a)
}

// trim forgets packets that nobody asks about any more.
func (f *flow) trim() {
	if done := f.head - f.base; done > 1<<14 {
		f.packets = append(f.packets[:0], f.packets[done:]...)
		f.base = f.head
	}
}

func (f *flow) measure(rtt time.Duration) {
	if f.srtt == 0 {
		f.srtt, f.minRTT = rtt, rtt
	}
	f.srtt += (rtt - f.srtt) / 8
	f.minRTT = min(f.minRTT, rtt)
	f.rto = f.srtt*2 + 200*ms
	f.sumRTT += rtt
	f.samples++
}

// detect marks what is three packets behind n as lost.
func (f *flow) detect(n int, a *Ack) {
	for f.head < n {
		p := f.packet(f.head)
		if !p.done {
			if n-f.head < 3 {
				return
			}
			f.drop(p)
			a.Loss = LossSample{TxInFlight: p.tx, Since: int(f.lost - p.lost), AppLimited: p.appLimited}
			f.congested(false)
		}
		f.head++
	}
	if f.head == n {
		f.head++
	}
}

func (f *flow) drop(p *packet) {
	p.done = true
	f.out--
	f.lost += seg
	f.newLost += seg
}

// congested begins an episode unless one is going on.
func (f *flow) congested(mark bool) {
	if f.episode {
		return
	}
	f.episode, f.recover = true, f.next
	f.c.Lost(Event{Now: f.now, Inflight: (f.next - f.head) * seg, Lost: f.newLost, ECN: mark})
}

// expire gives up all that is in flight when nothing was heard for an RTO.
func (f *flow) expire() {
	if f.out == 0 || f.now < f.timeout() {
		return
	}
	f.backoff = min(f.backoff+1, 8)
	f.c.TimedOut(f.now, f.backoff, (f.next-f.head)*seg)
	for ; f.head < f.next; f.head++ {
		if p := f.packet(f.head); !p.done {
			f.drop(p)
		}
	}
	f.episode, f.recover, f.progress = true, f.next, f.now
}
