package cc

import (
	"testing"
	"time"
	"unsafe"

	"github.com/octet-net/octet/mono"
)

// names are the controls that every common test runs over.
var names = []string{"newreno", "cubic", "bbr", "prague"}

func TestNames(t *testing.T) {
	for _, name := range names {
		c, err := New(name, Params{})
		if err != nil {
			t.Fatal(err)
		}
		if c.Name() != name || c.State().Name != name {
			t.Errorf("New(%q).Name() = %q, State().Name = %q", name, c.Name(), c.State().Name)
		}
	}
	if c, err := New("", Params{}); err != nil || c.Name() != "cubic" {
		t.Errorf("the default is %v, %v; want cubic", c, err)
	}
	if _, err := New("vegas", Params{}); err == nil {
		t.Error(`New("vegas") gave no error`)
	}
}

func TestSizes(t *testing.T) {
	for name, c := range map[string]struct{ size, most uintptr }{
		"newreno": {unsafe.Sizeof(Reno{}), 96},
		"cubic":   {unsafe.Sizeof(Cubic{}), 208},
	} {
		t.Logf("%s: %d octets", name, c.size)
		if c.size > c.most {
			t.Errorf("%s has %d octets of state, at most %d are allowed", name, c.size, c.most)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	for _, name := range names {
		s := tell(t, name, Params{})
		got := testing.AllocsPerRun(100, func() {
			s.now = s.now.Add(ms)
			s.c.Sent(s.now, seg, 2*seg, 0)
			s.ack(seg)
			s.lose(2 * seg)
			s.ack(seg)
			s.recovered()
			s.timeout(1, 2*seg)
			s.c.Undo(s.now)
			s.c.PacingRate()
			s.c.State()
		})
		if got != 0 {
			t.Errorf("%s allocates %g times", name, got)
		}
	}
}

func BenchmarkAcked(b *testing.B) {
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			c, err := New(name, Params{MSS: 1448})
			if err != nil {
				b.Fatal(err)
			}
			c.Lost(Event{Inflight: 14480})
			c.Recovered(0)
			a := Ack{Octets: 2896, RTT: 20 * ms, SRTT: 20 * ms, MinRTT: 20 * ms, Inflight: 10000, Prior: 12896, CwndLtd: true}
			a.Rate = RateSample{Delivered: 10000, Interval: 20 * ms, TxInFlight: 10000}
			b.ReportAllocs()
			for i := range b.N {
				a.Now = mono.Time(i) * 1000
				a.Rate.Total += 2896
				a.Rate.PriorTotal = a.Rate.Total - 10000
				a.Round = i%8 == 0
				c.Acked(a)
			}
		})
	}
}

// RFC 7661 §4.4.3: a window that was not used for five minutes goes down by half,
// ssthresh remembers three quarters of it.
func TestUnusedWindowDecays(t *testing.T) {
	for _, name := range []string{"newreno", "cubic"} {
		s := tell(t, name, Params{})
		for range 3 {
			s.round()
		}
		s.lose(80 * seg) // so that ssthresh is known
		s.recovered()
		s.round()
		w, ssthresh := s.c.Window(), s.c.State().Ssthresh
		// Short of five minutes nothing happens.
		s.now = s.now.Add(4 * time.Minute)
		s.c.Sent(s.now, seg, seg, 4*time.Minute)
		s.wantWindow(w)
		a := s.base(seg)
		a.CwndLtd, a.Round = false, true
		s.c.Acked(a)
		s.wantWindow(w)
		// A trickle that uses less than half of it does not validate the window.
		for range 61 {
			s.now = s.now.Add(time.Second)
			a := s.base(seg)
			a.CwndLtd, a.Round = false, true
			s.c.Acked(a)
		}
		s.wantWindow(w / 2)
		s.wantSsthresh(max(ssthresh, w/4*3))
		// For ever unused, it ends at the initial window and not below.
		s.now = s.now.Add(24 * time.Hour)
		s.c.Sent(s.now, seg, seg, 24*time.Hour)
		s.wantWindow(10 * seg)
	}
}

// RFC 7661 §4.4.1: a sender that fills its window again is validated again.
func TestUsedWindowStays(t *testing.T) {
	s := tell(t, "newreno", Params{})
	s.round()
	s.lose(20 * seg)
	s.recovered()
	s.rtt = time.Second
	for range 310 {
		s.round()
	}
	if s.now < mono.Time(5*time.Minute) {
		t.Fatalf("only %v have passed", s.now)
	}
	w := s.c.Window()
	s.now = s.now.Add(4 * time.Minute)
	s.c.Sent(s.now, seg, seg, 4*time.Minute)
	s.round()
	s.round()
	s.now = s.now.Add(4 * time.Minute)
	s.c.Sent(s.now, seg, seg, 4*time.Minute)
	if got := s.c.Window(); got < w {
		t.Errorf("window fell from %d to %d", w, got)
	}
}

// RFC 7661 §4.4.2: the response to a loss starts from what was really used.
func TestLossWhileIdling(t *testing.T) {
	s := tell(t, "newreno", Params{})
	for range 3 {
		s.round()
	}
	s.wantWindow(80 * seg)
	// The application pauses: a loss finds one segment in flight, but 40 went
	// through within a round trip a moment ago.
	s.lose(seg)
	s.wantSsthresh(20 * seg)
	// After a loss nothing is known any more: only FlightSize counts.
	s.recovered()
	s.lose(8 * seg)
	s.wantSsthresh(4 * seg)
}
