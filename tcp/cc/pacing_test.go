package cc

import (
	"math"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// pace sends segments of mss as soon as p lets them, for d, and returns the octets
// that left and the largest burst: what left at one moment.
func pace(p *Pacer, rate uint64, mss int, d, late time.Duration) (total int64, burst int) {
	for now := mono.Time(0); now < mono.Time(d); {
		n := 0
		for p.Ready(now) {
			p.Sent(now, mss, rate, mss)
			n += mss
		}
		total, burst = total+int64(n), max(burst, n)
		now = p.Due().Add(late)
	}
	return total, burst
}

func TestPacerKeepsTheRate(t *testing.T) {
	for _, c := range []struct {
		name  string
		rate  uint64
		mss   int
		late  time.Duration
		burst int
	}{
		{"slow", 10_000, 1000, 0, 2000},
		{"a millisecond at once", 10_000_000, 1000, 0, 10_000},
		{"fast", 10_000_000_000, 1000, 0, 66_000},
		{"a segment larger than the quantum", 1_000_000_000, 65_000, 0, 130_000},
		// A timer that is late by less than a quantum costs nothing.
		{"late", 10_000_000, 1000, 900 * time.Microsecond, 20_000},
	} {
		var p Pacer
		total, burst := pace(&p, c.rate, c.mss, time.Second, c.late)
		if want := float64(c.rate); math.Abs(float64(total)-want) > want/100+float64(2*c.burst) {
			t.Errorf("%s: %d octets in a second, want %g", c.name, total, want)
		}
		if burst > c.burst {
			t.Errorf("%s: %d octets at once, want %d at most", c.name, burst, c.burst)
		}
	}
}

func TestPacerOwesNothingAfterIdle(t *testing.T) {
	var p Pacer
	pace(&p, 1_000_000, 1000, time.Second, 0)
	now := mono.Time(time.Hour)
	n := 0
	for p.Ready(now) {
		p.Sent(now, 1000, 1_000_000, 1000)
		n++
	}
	// One quantum (two segments) of its own and one made up for.
	if n > 4 {
		t.Errorf("%d segments at once after an idle hour", n)
	}
}

func TestPacerUnpaced(t *testing.T) {
	var p Pacer
	for range 1000 {
		if !p.Ready(5) {
			t.Fatal("an unpaced sender waits")
		}
		p.Sent(5, 1000, 0, 1000)
	}
	// A sender that becomes unpaced waits no longer.
	p.Sent(5, 1<<30, 1, 1000)
	if p.Ready(6) || p.Due() <= 6 {
		t.Errorf("Ready after a gigabyte at 1 octet/s, due %v", p.Due())
	}
	p.Sent(7, 1000, 0, 1000)
	if !p.Ready(7) {
		t.Error("an unpaced sender waits for its paced past")
	}
}

func TestPacerNotAfter(t *testing.T) {
	var p Pacer
	p.Sent(5, 2000, 1, 1000)
	p.NotAfter(100)
	if p.Ready(99) || !p.Ready(100) {
		t.Errorf("due %v, want 100", p.Due())
	}
	// One that is sooner stays.
	p.Sent(100, 2000, 1_000_000, 1000)
	p.NotAfter(mono.Time(time.Hour))
	if got := p.Due(); got > mono.Time(time.Second) {
		t.Errorf("due %v, want it as the rate says", got)
	}
}

func TestPacingRate(t *testing.T) {
	s := tell(t, "newreno", Params{})
	// Nothing is known of the round trip: unpaced.
	if got := s.c.PacingRate(); got != 0 {
		t.Errorf("rate before any sample = %d", got)
	}
	// Slow start: 200 % of a window a round trip.
	s.ack(seg)
	if got, want := s.c.PacingRate(), uint64(2*11*seg*10); got != want {
		t.Errorf("rate in slow start = %d, want %d", got, want)
	}
	// Congestion avoidance: 120 %.
	s.lose(20 * seg)
	if got, want := s.c.PacingRate(), uint64(11*seg/2*12); got != want {
		t.Errorf("rate in congestion avoidance = %d, want %d", got, want)
	}
}

func TestMulDiv(t *testing.T) {
	for _, c := range []struct{ a, b, c, want uint64 }{
		{6, 7, 2, 21},
		{1 << 60, 1 << 20, 1 << 30, 1 << 50},
		{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64},
		{math.MaxUint64, 2, 1, math.MaxUint64},
	} {
		if got := mulDiv(c.a, c.b, c.c); got != c.want {
			t.Errorf("%d*%d/%d = %d, want %d", c.a, c.b, c.c, got, c.want)
		}
	}
}
