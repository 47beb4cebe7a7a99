package tcp

import (
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// Short transfers over paths that lose 8 % of everything, both ways. Half of them take
// the round trips that slow start and repairs take. What makes some take long is
// that the SYN was lost (RFC 6298 §2.1: a second), or that a repetition, or all of a
// small flight, was: no timeout may become longer than it must. Where segments
// and their acknowledgements are lost and none is late, the smoothed round trip
// stays near the path's.
func TestShortTransfersUnderLoss(t *testing.T) {
	for _, c := range []struct {
		rtt                  time.Duration
		size                 int
		median, nearly, most time.Duration
	}{
		{2 * ms, 64_000, 30 * ms, 2500 * ms, 4 * time.Second},
		{20 * ms, 64_000, 200 * ms, 2500 * ms, 4 * time.Second},
		{100 * ms, 64_000, time.Second, 3500 * ms, 5 * time.Second},
		{20 * ms, 300_000, 1300 * ms, 4 * time.Second, 7 * time.Second},
	} {
		var took []time.Duration
		for seed := range uint64(500) {
			d, srtt := transfer(t, c.rtt, c.size, seed)
			took = append(took, d)
			if srtt > 3*c.rtt+10*ms {
				t.Errorf("%v, %d octets, seed %d: SRTT = %v", c.rtt, c.size, seed, srtt)
			}
		}
		slices.Sort(took)
		if median, nearly, most := took[250], took[495], took[499]; median > c.median || nearly > c.nearly || most > c.most {
			t.Errorf("%v, %d octets: median %v, 99 %% %v, all %v; want %v, %v and %v", c.rtt, c.size,
				median, nearly, most, c.median, c.nearly, c.most)
		}
	}
}

// transfer sends size octets over a path that loses 8 % both ways. It returns how long
// that took and the smoothed round trip at its end.
func transfer(t *testing.T, rtt time.Duration, size int, seed uint64) (took, srtt time.Duration) {
	t.Helper()
	n := &network{wirePath: wirePath{rate: 125_000_000, delay: rtt / 2, buffer: 1 << 30, loss: 0.08, back: 0.08, seed: seed}}
	f := n.add("cubic", 0)
	f.size = size
	for f.done == 0 {
		n.run(n.now.Add(time.Second))
		if n.now > mono.Time(time.Minute) {
			t.Fatalf("%v, seed %d: %d of %d octets arrived in a minute", rtt, seed, f.octets, size)
		}
	}
	return f.done.Sub(0), f.end[client].Info().SRTT
}
