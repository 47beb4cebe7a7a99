package tcp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

const (
	segment = 1000 // octets; stories count in segments
	ms      = time.Millisecond
)

// A lossStory tells a sender's tale: segments leave, time passes, acknowledgements
// arrive. Segment i is the octets [at(i), at(i+1)).
type lossStory struct {
	t      *testing.T
	now    mono.Time
	l      loss
	cc     tapeControl
	policy lossPolicy
	base   wire.Seq
	last   verdict
	fresh  bool // more waits to be sent
	stamps bool // acknowledgements echo timestamps
	echo   mono.Time
}

// newLossStory begins with SACK and a window of 10 segments. The first round trip
// of rtt is sampled, as the handshake would.
func newLossStory(t *testing.T, rtt time.Duration) *lossStory {
	s := &lossStory{t: t, policy: defaultLossPolicy(), base: 0xffff_f000, now: mono.Time(time.Second)}
	s.cc.window = 10 * segment
	s.l.reset(&s.policy, s.base, segment, true)
	s.l.rise()
	if rtt > 0 {
		s.l.rtt.sample(s.now, rtt, 1)
	}
	return s
}

func (s *lossStory) at(i int) wire.Seq { return s.base.Add(i * segment) }

// number is which segment seq begins.
func (s *lossStory) number(seq wire.Seq) int { return seq.Sub(s.base) / segment }

func (s *lossStory) advance(d time.Duration) { s.now = s.now.Add(d) }

// send sends n new segments whatever the window says.
func (s *lossStory) send(n int) {
	s.l.rise()
	s.l.sent(s.now, s.l.board.nxt, s.l.board.nxt.Add(n*segment), sentNew)
}

// fill sends as many new segments as the window allows and returns how many.
func (s *lossStory) fill() (n int) {
	for s.l.allowance(s.cc.window) >= segment {
		s.send(1)
		n++
	}
	return n
}

// again sends what is lost as far as the window allows and says which segments.
func (s *lossStory) again() string {
	var list []string
	for {
		r, ok := s.l.nextLost(segment)
		if !ok || s.l.allowance(s.cc.window) < r.Len() {
			return strings.Join(list, " ")
		}
		s.l.sent(s.now, r.Start, r.End, sentAgain)
		list = append(list, fmt.Sprint(s.number(r.Start)))
	}
}

func (s *lossStory) wantAgain(want string) {
	s.t.Helper()
	if got := s.again(); got != want {
		s.t.Errorf("at %v: sent again %q, want %q", s.now, got, want)
	}
}

// probe sends the tail loss probe that is due: again, or new.
func (s *lossStory) probe(fresh bool) {
	s.t.Helper()
	if !s.l.probing() {
		s.t.Errorf("at %v: no probe is due", s.now)
		return
	}
	if fresh {
		s.l.sent(s.now, s.l.board.nxt, s.l.board.nxt.Add(segment), sentProbe)
		return
	}
	r := s.l.probe()
	s.l.sent(s.now, r.Start, r.End, sentProbe)
}

// ack lets an acknowledgement arrive that wants segment n next and holds the
// segments of each pair of blocks, [a, b).
func (s *lossStory) ack(n int, blocks ...int) {
	s.t.Helper()
	in := ackIn{ack: s.at(n), echo: mono.Never, dup: s.at(n) == s.l.board.una, fresh: s.fresh}
	if s.stamps {
		in.echo = s.echo
	}
	for i := 0; i < len(blocks); i += 2 {
		in.sack = append(in.sack, wire.Range{Start: s.at(blocks[i]), End: s.at(blocks[i+1])})
	}
	s.take(s.l.ack(s.now, in))
}

func (s *lossStory) take(v verdict) {
	s.t.Helper()
	s.last = v
	s.l.tell(s.now, &s.cc, &s.last)
	checkLoss(s.t, &s.l)
}

// expire lets time pass until the timer is due, which must be of a kind, and d away.
func (s *lossStory) expire(kind timerKind, d time.Duration) {
	s.t.Helper()
	s.wantTimer(kind, d)
	if at, _ := s.l.deadline(); at != mono.Never {
		s.now = at
	}
	s.take(s.l.expire(s.now))
}

func (s *lossStory) wantTimer(kind timerKind, d time.Duration) {
	s.t.Helper()
	at, k := s.l.deadline()
	if k != kind || kind != timerNone && at.Sub(s.now) != d {
		s.t.Errorf("at %v: timer of kind %d in %v, want kind %d in %v", s.now, k, at.Sub(s.now), kind, d)
	}
}

// wantCalls compares what the congestion control was told since the last time.
func (s *lossStory) wantCalls(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.cc.calls, want) {
		s.t.Errorf("at %v: control was told %q, want %q", s.now, s.cc.calls, want)
	}
	s.cc.calls = nil
}

func (s *lossStory) wantInflight(segments int) {
	s.t.Helper()
	if got := s.l.inflight(); got != segments*segment {
		s.t.Errorf("at %v: %d octets in flight, want %d segments", s.now, got, segments)
	}
}

// checkLoss looks at what must always hold.
func checkLoss(t testing.TB, l *loss) {
	t.Helper()
	if l.inFlight == nil {
		return // at rest
	}
	b := &l.board
	var sacked, lost, repeats int
	for n := b.first; n != b.last; n++ {
		r, octets := b.at(n), b.len(n)
		if r.has(markSacked) {
			sacked += octets
		}
		if r.has(markLost) {
			lost += octets
		}
		if r.has(markAgain) {
			repeats += octets
		}
	}
	if sacked != b.sacked || lost != b.lost || repeats != b.repeats {
		t.Fatalf("counts sacked %d lost %d again %d, records have %d %d %d", b.sacked, b.lost, b.repeats, sacked, lost, repeats)
	}
	if l.inflight() < 0 || l.inflight() > 2*l.outstanding() {
		t.Fatalf("in flight %d of %d", l.inflight(), l.outstanding())
	}
	if at, _ := l.deadline(); at == mono.Never && b.count() > 0 {
		t.Fatal("something is outstanding and no timer runs")
	}
	if l.episode == steady && l.prr.on {
		t.Fatal("proportional rate reduction outside of an episode")
	}
}

// A tapeControl halves its window and writes down what it is told.
type tapeControl struct {
	window, saved int
	calls         []string
	acks          []cc.Ack
}

func (c *tapeControl) note(s string)                           { c.calls = append(c.calls, s) }
func (c *tapeControl) Name() string                            { return "tape" }
func (c *tapeControl) Window() int                             { return c.window }
func (c *tapeControl) PacingRate() uint64                      { return 0 }
func (c *tapeControl) SetMSS(int)                              {}
func (c *tapeControl) State() cc.State                         { return cc.State{} }
func (c *tapeControl) Sent(mono.Time, int, int, time.Duration) {}
func (c *tapeControl) Acked(a cc.Ack)                          { c.acks = append(c.acks, a) }
func (c *tapeControl) Recovered(mono.Time)                     { c.note("recovered") }
func (c *tapeControl) Undo(mono.Time)                          { c.note("undo"); c.window = c.saved }
func (c *tapeControl) TimedOut(_ mono.Time, backoff, inflight int) {
	c.note(fmt.Sprintf("timed out %d", backoff))
	if backoff == 1 {
		c.saved = c.window
	}
	c.window = segment
}

func (c *tapeControl) Lost(e cc.Event) {
	if e.ECN {
		c.note("marked")
	} else {
		c.note("lost")
	}
	c.saved, c.window = c.window, c.window/2
}

// One lost segment, the ordinary case.
func TestRFC8985_LossOfOneSegment(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)

	// RFC 8985 §6.2 step 4: "the number of segments sacked … reached DupThresh":
	// until then the reordering window is a quarter of the minimum RTT.
	s.ack(0, 1, 2)
	s.wantTimer(timerReorder, 25*ms)
	s.ack(0, 1, 3)
	s.wantCalls()
	s.wantAgain("")

	// "… if in Fast or RTO recovery or RACK.segs_sacked >= DupThresh: return 0".
	s.ack(0, 1, 4)
	s.wantCalls("lost")
	s.wantAgain("0")

	// RFC 6675 §5: the episode ends when everything in flight at its begin is acknowledged.
	s.ack(0, 1, 10)
	s.advance(100 * ms)
	s.ack(10)
	s.wantCalls("recovered")
	s.wantInflight(0)
	if s.l.recovering() {
		t.Error("still recovering after everything was acknowledged")
	}
}

// A lost retransmission is found without a timeout, unlike by RFC 6675.
func TestRFC8985_LossOfRetransmission(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 1, 4)
	s.wantAgain("0")
	s.advance(10 * ms)
	s.ack(0, 1, 10)
	s.send(2) // 10 and 11, sent after the repetition of 0

	// RFC 8985 §6.2: a segment sent before one that was delivered is lost once
	// RACK.rtt and the window have passed, whatever its sequence number.
	s.advance(100 * ms)
	s.ack(0, 1, 11)
	s.wantAgain("0")
	s.wantCalls("lost")
	s.advance(100 * ms)
	s.ack(12)
	s.wantCalls("recovered")
}

// Segments that overtake each other within a quarter of the round trip are not lost.
func TestRFC8985_ReorderingCausesNoRetransmission(t *testing.T) {
	s := newLossStory(t, 100*ms)
	for i := 0; i < 40; i += 4 {
		s.send(4)
		s.advance(100 * ms)
		// Segment i arrives 20 ms late, after two others.
		s.ack(i, i+1, i+2)
		s.ack(i, i+1, i+3)
		s.wantTimer(timerReorder, 25*ms)
		s.advance(20 * ms)
		s.ack(i + 3)
		s.ack(i + 4)
		s.wantAgain("")
	}
	s.wantCalls()

	// RFC 8985 §6.2 step 3: reordering was seen, so three sacked segments prove
	// nothing any more.
	s.send(10)
	s.advance(100 * ms)
	s.ack(40, 41, 49)
	s.wantCalls()
	s.expire(timerReorder, 25*ms)
	s.wantCalls("lost")
	s.wantAgain("40")
}

// The first to time out marks everything that is overdue; the rest waits.
func TestRFC8985_ReorderTimerWaitsForEach(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.l.rack.reordered = true
	for range 5 {
		s.send(1)
		s.advance(2 * ms)
	}
	s.advance(92 * ms) // 100 ms since the last but one
	s.ack(0, 4, 5)     // sent 94 ms ago
	// Segment i was sent 2i ms after the first, and overdue 94 ms and a quarter later.
	s.wantTimer(timerReorder, (94-102)*ms+94*ms/4)
	for i := range 4 {
		s.take(s.l.expire(s.now)) // not due: changes nothing
		at, _ := s.l.deadline()
		s.expire(timerReorder, at.Sub(s.now))
		if want := (i + 1) * segment; s.l.board.lost != want {
			t.Errorf("after expiry %d: %d octets lost, want %d", i, s.l.board.lost, want)
		}
	}
	s.wantCalls("lost")
}

// Each loss is told to the congestion control once, and once as an episode.
func TestLossTellsControlEachLossOnce(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.ack(0, 3, 10) // 0, 1 and 2 are lost
	s.again()
	s.advance(100 * ms)
	s.ack(10)
	total := 0
	for _, a := range s.cc.acks {
		total += a.Lost
	}
	if total != 3*segment {
		t.Errorf("Acked was told of %d lost octets, want %d", total, 3*segment)
	}
	s.wantCalls("lost", "recovered")
}

// The control's view of one acknowledgement.
func TestLossFillsAck(t *testing.T) {
	s := newLossStory(t, 0)
	s.send(4)
	s.advance(40 * ms)
	s.ack(2)
	want := cc.Ack{
		Now: s.now, Octets: 2 * segment, RTT: 40 * ms, SRTT: 40 * ms, MinRTT: 40 * ms, RTO: 240 * ms,
		Inflight: 2 * segment, Prior: 4 * segment, Round: true,
		Rate: cc.RateSample{Delivered: 2 * segment, Interval: 40 * ms, TxInFlight: 4 * segment, Total: 2 * segment},
	}
	if got := s.cc.acks[0]; got != want {
		t.Errorf("Acked(%+v)\nwant  (%+v)", got, want)
	}
}

// marked acknowledges n segments and tells of a mark.
func (s *lossStory) marked(n int) {
	v := s.l.ack(s.now, ackIn{ack: s.at(n), echo: mono.Never})
	s.l.mark(&v)
	s.take(v)
}

// A mark of the network reduces the window once for each window of data.
func TestRFC3168_OneReductionAWindow(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	echo := func(n int) {
		s.marked(n)
	}
	// RFC 3168 §6.1.2: "TCP should not react to congestion indications more than
	// once every window of data".
	echo(2)
	echo(4)
	s.wantCalls("marked")
	s.send(4)
	echo(8)
	echo(10)
	s.wantCalls("recovered")
	// Beyond the window is what carried CWR: an echo with its ACK is another one.
	echo(11)
	s.wantCalls("marked")
}

// A loss during the reduction for a mark reduces no more.
func TestRFC3168_LossAfterMark(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(10)
	s.advance(100 * ms)
	s.marked(1)
	s.ack(1, 2, 6)
	s.wantCalls("marked")
	s.wantAgain("1")
	s.advance(100 * ms)
	s.ack(10)
	s.wantCalls("recovered")
}

// Memory comes back after a second without anything in flight.
func TestLossGivesMemoryBack(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.send(1000)
	s.advance(100 * ms)
	s.ack(1000)
	s.expire(timerTrim, time.Second)
	if s.l.inFlight != nil {
		t.Error("a connection at rest kept the memory of its flights")
	}
	s.wantTimer(timerNone, 0)
	s.send(3)
	s.ack(1003)
	s.wantTimer(timerTrim, time.Second)
}

// Acknowledgements of one time let out new octets and repetitions: those that lie
// below were sent last all the same.
func TestRFC8985_6_2_OrderAtOneTime(t *testing.T) {
	s := newLossStory(t, 100*ms)
	s.cc.window = 20 * segment
	s.send(10)
	s.advance(100 * ms)
	s.ack(1)
	s.ack(1, 2, 10)
	s.send(1) // 10
	s.wantAgain("1")
	// A round trip later 10 is acknowledged before the repetition of 1 is.
	s.advance(100 * ms)
	s.ack(1, 2, 11)
	s.wantAgain("")
	s.ack(11)
	s.wantCalls("lost", "recovered")
}
