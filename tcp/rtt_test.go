package tcp

import (
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

func TestRFC6298_FirstMeasurement(t *testing.T) {
	p := lossPolicy{InitialRTO: time.Second, MaxRTO: time.Minute}
	var r rtt
	// §2.1: "Until a round-trip time (RTT) measurement has been made …, the
	// sender SHOULD set RTO <- 1 second".
	wantDuration(t, "RTO", r.rto(&p), time.Second)
	// §2.2: "SRTT <- R, RTTVAR <- R/2, RTO <- SRTT + max (G, K*RTTVAR)".
	r.sample(0, 100*ms, 1)
	wantDuration(t, "SRTT", r.srtt, 100*ms)
	wantDuration(t, "RTTVAR", r.rttvar, 50*ms)
	wantDuration(t, "RTO", r.rto(&p), 300*ms)
}

func TestRFC6298_SubsequentMeasurements(t *testing.T) {
	var r rtt
	r.sample(0, 80*ms, 1)
	// §2.3: "RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|" before
	// "SRTT <- (1 - alpha) * SRTT + alpha * R'".
	r.sample(0, 160*ms, 1)
	wantDuration(t, "RTTVAR", r.rttvar, 40*ms*3/4+80*ms/4)
	wantDuration(t, "SRTT", r.srtt, 90*ms)
}

func TestRFC6298_Bounds(t *testing.T) {
	for _, c := range []struct {
		name    string
		policy  lossPolicy
		sample  time.Duration
		backoff int
		want    time.Duration
	}{
		{"§2.4 minimum of a second, beyond the round trip", lossPolicy{MinRTO: time.Second, MaxRTO: time.Minute}, 10 * ms, 0, 1010 * ms},
		{"variance above the minimum", lossPolicy{MinRTO: 20 * ms, MaxRTO: time.Minute}, 100 * ms, 0, 300 * ms},
		{"§2 granularity", lossPolicy{MaxRTO: time.Minute}, 4, 0, clockGrain + 4},
		{"§2.5 maximum", lossPolicy{MaxRTO: time.Minute}, 40 * time.Second, 0, time.Minute},
		{"§5.5 back off the timer", lossPolicy{MaxRTO: time.Minute}, 100 * ms, 3, 2400 * ms},
		{"§5.5 up to the maximum", lossPolicy{MaxRTO: time.Minute}, 100 * ms, 200, time.Minute},
	} {
		var r rtt
		r.sample(0, c.sample, 1)
		for range c.backoff {
			r.backOff()
		}
		wantDuration(t, c.name, r.rto(&c.policy), c.want)
	}
}

func TestRFC6298_BackoffEndsWithMeasurement(t *testing.T) {
	p := lossPolicy{MaxRTO: time.Minute}
	var r rtt
	r.sample(0, 100*ms, 1)
	r.backOff()
	wantDuration(t, "backed off", r.rto(&p), 600*ms)
	// §5: "… once a new RTT measurement is obtained …, the computations … are
	// performed, including the computation of RTO, which may result in
	// 'collapsing' RTO back down".
	r.sample(0, 100*ms, 1)
	wantDuration(t, "collapsed", r.rto(&p), 100*ms+4*(50*ms*3/4))
}

func TestRTTAfterLostSYN(t *testing.T) {
	p := lossPolicy{InitialRTO: time.Second, MaxRTO: time.Minute}
	var r rtt
	r.backOff()
	r.synTimedOut()
	wantDuration(t, "while the SYN is sent again", r.rto(&p), 6*time.Second)
	// §5.7: "the RTO MUST be re-initialized to 3 seconds when data transmission begins".
	r.opened()
	wantDuration(t, "data", r.rto(&p), 3*time.Second)
	r.sample(0, 100*ms, 1)
	wantDuration(t, "sampled", r.rto(&p), 300*ms)
}

func TestRFC7323_ManySamplesInARoundTrip(t *testing.T) {
	var once, often rtt
	once.sample(0, 100*ms, 1)
	often.sample(0, 100*ms, 1)
	// Appendix G: of 20 samples of one flight each weighs a twentieth: the history
	// is as long as with one sample.
	once.sample(0, 200*ms, 1)
	for range 20 {
		often.sample(0, 200*ms, 20)
	}
	if d := (once.srtt - often.srtt).Abs(); d > ms {
		t.Errorf("SRTT %v after 20 samples of one flight, %v after one", often.srtt, once.srtt)
	}
}

// However many segments an acknowledgement covers, a round trip of them has the weight
// of one sample.
func TestRFC7323_StretchAcknowledgements(t *testing.T) {
	for _, each := range []int{1, 2, 10, 40} {
		s := newLossStory(t, 100*ms)
		s.send(40)
		s.advance(200 * ms)
		for n := each; n <= 40; n += each {
			s.ack(n)
			s.send(each)
		}
		// RFC 6298 §2.3 with one sample: 100 + 100/8 ms.
		if got := s.l.rtt.srtt; got < 110*ms || got > 113*ms {
			t.Errorf("acknowledgements of %d segments each: SRTT = %v", each, got)
		}
	}
}

func TestMinFilterForgets(t *testing.T) {
	var f minFilter
	f.take(0, 50*ms)
	f.take(mono.Time(time.Second), 80*ms)
	wantDuration(t, "at once", f.value(), 50*ms)
	f.take(mono.Time(minRTTSpan*6/10), 70*ms)
	wantDuration(t, "within the span", f.value(), 50*ms)
	f.take(mono.Time(minRTTSpan*12/10), 90*ms)
	wantDuration(t, "a span later", f.value(), 70*ms)
	f.take(mono.Time(minRTTSpan*4), 90*ms)
	wantDuration(t, "long after", f.value(), 90*ms)
}

// Round trips of zero, as between two ends in one moment of virtual time, are measured.
func TestRTTOfNothing(t *testing.T) {
	p := defaultLossPolicy()
	var r rtt
	r.sample(0, 0, 1)
	if !r.measured() || r.minimum() <= 0 {
		t.Error("a round trip of 0 left no trace")
	}
	wantDuration(t, "RTO", r.rto(&p), p.MinRTO+leastRTT)
}

func wantDuration(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
