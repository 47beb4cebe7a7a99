package tcp

import (
	"testing"

	"github.com/octet-net/octet/tcp/cc"
)

// A crawler is a congestion control whose rate is next to nothing.
type crawler struct{ tapeControl }

func (c *crawler) PacingRate() uint64 { return 1 }

// However slow the pace, a segment leaves within a timeout of the one before.
func TestPaceHoldsNoLongerThanATimeout(t *testing.T) {
	s := talking(t, func(s *story) {
		s.cfg.Pacing = true
		s.cfg.NewControl = func(cc.Params) cc.Control { return &crawler{tapeControl{window: 1 << 20}} }
	})
	s.send(5000).out("A 1+1000").out("A 1001+1000").quiet() // a quantum
	d := s.rto()                                            // at the rate it would be half an hour
	s.in("A 1 ack 2001").later(d, "A 2001+1000").out("A 3001+1000").quiet()
	d = s.rto()
	s.in("A 1 ack 4001").later(d, "PA 4001+1000").quiet()
}
