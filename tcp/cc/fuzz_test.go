package cc

import (
	"math"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// odd are amounts that a broken owner or a hostile peer may bring about.
var odd = [...]int{0, 1, -1, 2, 3, 10, 100, 536, 1000, 1460, 2920, 14600, 65535, 1 << 20,
	1 << 30, maxWindow, math.MaxInt32, math.MaxInt, math.MinInt, -1460}

// A script reads arbitrary calls from arbitrary octets.
type script struct {
	data []byte
	now  mono.Time
}

func (s *script) octet() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *script) amount() int {
	if b := int(s.octet()); b < len(odd) {
		return odd[b]
	} else {
		return b * 100
	}
}

// wait is from 0 to hours, in powers of two.
func (s *script) wait() time.Duration {
	b := s.octet()
	return time.Duration(b&7) << (b >> 3 & 31) * 100
}

func (s *script) ack() Ack {
	flags := s.octet()
	return Ack{
		Now: s.now, Octets: s.amount(), RTT: s.wait(), SRTT: s.wait(), RTO: s.wait(), MinRTT: s.wait(),
		Inflight: s.amount(), Prior: s.amount(), Lost: s.amount(), ECE: s.amount(),
		InRecovery: flags&1 != 0, CwndLtd: flags&2 != 0, Round: flags&4 != 0,
		Loss: LossSample{TxInFlight: s.amount(), Since: s.amount(), AppLimited: flags&8 != 0},
		Rate: RateSample{
			Delivered: s.amount(), Interval: s.wait(), AppLimited: flags&16 != 0, TxInFlight: s.amount(),
			LostSince: s.amount(), Total: uint64(s.amount()), PriorTotal: uint64(s.amount()),
		},
	}
}

// play makes one call and says how far the window may have grown.
func (s *script) play(c Control, mss *int) (most int) {
	before := c.Window()
	s.now = s.now.Add(s.wait())
	switch s.octet() % 8 {
	case 0:
		c.Sent(s.now, s.amount(), s.amount(), s.wait())
		return maxWindow // BBR may leave probe rtt
	case 1:
		c.Lost(Event{Now: s.now, Inflight: s.amount(), Lost: s.amount(), ECN: s.octet()&1 != 0})
		return max(before, *mss)
	case 2:
		c.TimedOut(s.now, s.amount(), s.amount())
		return *mss
	case 3:
		c.Recovered(s.now)
		return maxWindow // BBR restores
	case 4:
		c.Undo(s.now)
		return maxWindow
	case 5:
		*mss = min(max(s.amount(), 1), maxMSS)
		c.SetMSS(*mss)
		return maxWindow // the initial window follows
	}
	a := s.ack()
	c.Acked(a)
	if c.Name() == "bbr" {
		return maxWindow
	}
	return before + min(max(a.Octets, 0), maxWindow) + *mss // NewReno adds whole segments
}

// FuzzControl calls every control in any order with any numbers. Whatever happens,
// the window stays between one segment and what TCP can offer, an acknowledgement
// adds no more than it acknowledged and a segment, and equal calls have equal effects.
func FuzzControl(f *testing.F) {
	f.Add([]byte("\x01\x06some acknowledgements \x07\x09 and \x02 losses"))
	f.Add([]byte{0, 6, 2, 8, 20, 20, 20, 20, 9, 9, 0, 0, 9, 9, 1, 20, 9, 9, 19, 18, 3, 2, 1, 8, 1, 4, 3, 7, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range names {
			p := Params{MSS: 1000, Seed: 5}
			if len(data) > 0 {
				p.IdleRestart, p.Unpaced, p.NoSACK = data[0]&1 != 0, data[0]&2 != 0, data[0]&4 != 0
			}
			c, twin := newWith(t, name, p), newWith(t, name, p)
			s, u := &script{data: data}, &script{data: data}
			mss, same := 1000, 1000
			for len(s.data) > 0 {
				most := s.play(c, &mss)
				u.play(twin, &same)
				check(t, c, mss, most)
				if c.State() != twin.State() {
					t.Fatalf("%s: equal calls led to %+v and %+v", name, c.State(), twin.State())
				}
			}
		}
	})
}

func newWith(t *testing.T, name string, p Params) Control {
	c, err := New(name, p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func check(t *testing.T, c Control, mss, most int) {
	t.Helper()
	s := c.State()
	if s.Cwnd != c.Window() || s.Cwnd < mss || s.Cwnd > maxWindow {
		t.Fatalf("%s: window %d, state %+v, segments of %d", s.Name, c.Window(), s, mss)
	}
	if s.Cwnd > max(most, mss) {
		t.Fatalf("%s: window %d, more than %d", s.Name, s.Cwnd, most)
	}
	if s.Ssthresh != 0 && s.Ssthresh < 2*mss {
		t.Fatalf("%s: ssthresh %d with segments of %d", s.Name, s.Ssthresh, mss)
	}
}

// FuzzPacer: whatever it is told, a paced sender never leaves faster than its rate
// but for two quanta, and always leaves some day.
func FuzzPacer(f *testing.F) {
	f.Add(uint64(1000), 1000, []byte{1, 2, 3})
	f.Add(uint64(math.MaxUint64), math.MaxInt, []byte{255, 0, 7})
	f.Fuzz(func(t *testing.T, rate uint64, mss int, data []byte) {
		var p Pacer
		s := script{data: data}
		for len(s.data) > 0 {
			s.now = s.now.Add(s.wait())
			p.Sent(s.now, s.amount(), rate, mss)
			if due := p.Due(); due != mono.Never && !p.Ready(max(due, s.now)) {
				t.Fatalf("not ready at %v, when it is due", due)
			}
		}
	})
}
