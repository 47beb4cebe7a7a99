package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// A network is senders and receivers, each a TCB, on the two sides of one
// bottleneck. What the senders send waits in a queue that drops its tail, and
// travels; what the receivers send back travels only:
//
//	sender ──► loss ──► buffer ──► rate ──► delay ──► receiver
//	sender ◄──────────────────────────────── delay ◄── receiver
//
// Time is virtual and chance is a hash of a counter, so a run repeats.
type network struct {
	wirePath
	now   mono.Time
	free  mono.Time // when the line has sent all that is in the queue
	sent  uint64    // segments that came to the bottleneck
	flows []*netFlow
	air   [2][]netFlight                 // what travels, by the side where it arrives, in the order of arrival
	due   []mono.Time                    // the deadlines of the ends: that of end i of flow f at 2f+i
	sink  [64 << 10]byte                 // what users read
	lie   func(n int, seg *wire.Segment) // what becomes of the n-th segment of receivers; may be nil
	lies  int
}

// A wirePath is what a network does to segments.
type wirePath struct {
	rate   int           // of the line, in octets a second
	delay  time.Duration // one way
	buffer int           // octets that wait for the line
	mark   time.Duration // segments of ECN-capable flows are marked from this queueing delay on; 0: never
	ecn    ECN           // what flows ask for where segments are marked; at least ClassicECN
	loss   float64       // part of the segments with data that chance takes
	back   float64       // part of the others, those of the receiver among them, that chance takes
	late   float64       // part of the segments that travel for half as long again
	seed   uint64
}

// A netFlow is one connection and what it did.
type netFlow struct {
	end    [2]*TCB
	cfg    [2]Config
	starts mono.Time
	octets uint64        // that the receiver's user took
	size   int           // octets that the sender's user sends before it closes; 0: without end
	waited time.Duration // in the queue, all segments together
	passed uint64        // segments that went through the queue
	lost   uint64        // segments that the queue had no room for, or chance took
	given  int           // octets that the sender's user has sent
	done   mono.Time     // when the receiver's user had them all
}

type netFlight struct {
	at   mono.Time
	flow int
	seg  wire.Segment
}

// headers are the octets of IPv4 and TCP without options.
const headers = 40

// add lets a connection under a control begin at a time. It sends without end.
func (n *network) add(control string, starts mono.Time) *netFlow {
	f := &netFlow{cfg: [2]Config{Linux(), Linux()}, starts: starts}
	f.cfg[client].NewControl = func(p cc.Params) cc.Control {
		p.Seed += uint64(starts)
		c, err := cc.New(control, p)
		if err != nil {
			panic("bug: " + err.Error())
		}
		return c
	}
	if n.mark > 0 {
		f.cfg[client].ECN = max(n.ecn, ClassicECN)
		f.cfg[server].AcceptECN = AccurateECN
	}
	n.flows = append(n.flows, f)
	n.due = append(n.due, starts, mono.Never)
	return f
}

// netOpening is what an end of flow f begins with.
func netOpening(f, end int) Opening {
	return Opening{ISS: wire.Seq(1e6*f + 1000*(end+1)), RecvMSS: 1460, SendMSS: 1460, DefaultMSS: 536}
}

// run lets everything happen that happens before a time.
func (n *network) run(until mono.Time) {
	for {
		at, end := mono.Never, -1
		for i, d := range n.due {
			if d < at {
				at, end = d, i
			}
		}
		to := -1
		for i := range n.air {
			if len(n.air[i]) > 0 && n.air[i][0].at <= at {
				at, to = n.air[i][0].at, i
			}
		}
		if at >= until {
			n.now = until
			return
		}
		n.now = max(n.now, at)
		if to >= 0 {
			n.arrive(to)
		} else {
			n.expire(end/2, end%2)
		}
	}
}

func (n *network) arrive(to int) {
	a := n.air[to][0]
	n.air[to] = n.air[to][1:]
	f := n.flows[a.flow]
	if f.end[to] == nil {
		f.end[to] = Accept(n.now, &f.cfg[to], netOpening(a.flow, to), &a.seg)
	} else {
		f.end[to].Arrive(n.now, &a.seg)
	}
	a.seg.Payload.Release()
	n.serve(a.flow, to)
}

func (n *network) expire(flow, end int) {
	f := n.flows[flow]
	if f.end[end] == nil {
		f.end[end] = Connect(n.now, &f.cfg[end], netOpening(flow, end))
	} else {
		f.end[end].Expire(n.now)
	}
	n.serve(flow, end)
}

var netText [64 << 10]byte

// serve does what the user of an end does, and puts on the wire what it says then.
func (n *network) serve(flow, end int) {
	f := n.flows[flow]
	t := f.end[end]
	if end == client {
		f.pour(n.now)
	}
	for end == server && t.Ready()&Readable != 0 {
		f.octets += uint64(t.Receive(n.now, n.sink[:]))
		if f.done == 0 && f.octets == uint64(f.size) {
			f.done = n.now
		}
	}
	for seg := (wire.Segment{}); t.Output(n.now, &seg); {
		n.send(flow, end, &seg)
	}
	n.due[2*flow+end] = t.Deadline()
}

// pour lets the sender's user send what it can.
func (f *netFlow) pour(now mono.Time) {
	t := f.end[client]
	if f.size == 0 {
		for t.Ready()&Writable != 0 && t.Send(now, netText[:]) > 0 {
		}
		return
	}
	for f.size > f.given {
		n := t.Send(now, netText[:min(f.size-f.given, len(netText))])
		if f.given += n; n == 0 {
			return
		}
		if f.given == f.size {
			t.Shutdown(now)
		}
	}
}

// send carries a segment to the other side.
func (n *network) send(flow, from int, seg *wire.Segment) {
	if from == server {
		if n.lie != nil && seg.Flags&wire.SYN == 0 {
			n.lies++
			n.lie(n.lies, seg)
		}
		if n.back > 0 {
			n.sent++
			if n.chance(1) < n.back {
				return
			}
		}
		n.put(client, netFlight{n.now.Add(n.delay), flow, *seg})
		return
	}
	f := n.flows[flow]
	size := headers + seg.Payload.Len()
	if f.end[client].opt.ts {
		size += 12
	}
	n.sent++
	wait := max(n.free.Sub(n.now), 0)
	full := int(wait.Seconds()*float64(n.rate))+size > n.buffer
	loss := n.loss
	if seg.Payload.Len() == 0 {
		loss = n.back
	}
	if full || n.chance(1) < loss {
		f.lost++
		seg.Payload.Release()
		return
	}
	if n.mark > 0 && seg.ECN != 0 && wait > n.mark {
		seg.ECN = ce
	}
	f.passed++
	f.waited += wait
	n.free = max(n.free, n.now).Add(time.Duration(int64(size) * int64(time.Second) / int64(n.rate)))
	at := n.free.Add(n.delay)
	if n.chance(2) < n.late {
		at = at.Add(n.delay / 2)
	}
	n.put(server, netFlight{at, flow, *seg})
}

func (n *network) put(to int, a netFlight) {
	air := append(n.air[to], a)
	i := len(air) - 1
	for ; i > 0 && air[i-1].at > a.at; i-- {
		air[i] = air[i-1]
	}
	air[i] = a
	n.air[to] = air
}

// chance returns a number from 0 to 1 that depends on the seed, the segment and
// what it is asked for (the finalizer of SplitMix64).
func (n *network) chance(what uint64) float64 {
	x := n.sent*3 + what + n.seed*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

// use returns which part of the line a flow had over d, headers not counted.
func (n *network) use(f *netFlow, d time.Duration) float64 {
	return 100 * float64(f.octets) / (float64(n.rate) * d.Seconds())
}

// queueing returns the mean time that a segment of f waited for the line.
func (f *netFlow) queueing() time.Duration { return f.waited / time.Duration(max(f.passed, 1)) }

// bdp returns what fits on the wire both ways, in octets, times a factor.
func (w *wirePath) bdp(factor float64) int {
	return max(int(factor*float64(w.rate)*2*w.delay.Seconds()), 3000)
}

// TestNetworkRepeats: equal networks do the same, whatever is random in them.
func TestNetworkRepeats(t *testing.T) {
	var first Counts
	for i := range 2 {
		n := &network{wirePath: wirePath{rate: 1e6, delay: 10 * time.Millisecond, buffer: 30_000, loss: 0.01, late: 0.01, seed: 4}}
		f := n.add("bbr", 0)
		n.run(mono.Time(5 * time.Second))
		if i == 0 {
			first = f.end[client].Info().Counts
		} else if again := f.end[client].Info().Counts; again != first {
			t.Errorf("the second run differs:\n%+v\n%+v", first, again)
		}
		if f.octets == 0 || first.Retransmits == 0 {
			t.Errorf("%d octets arrived, %d segments were sent again", f.octets, first.Retransmits)
		}
	}
}
