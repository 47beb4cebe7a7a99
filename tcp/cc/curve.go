package cc

import (
	"math"
	"time"

	"github.com/octet-net/octet/mono"
)

// A curve is one congestion avoidance stage of CUBIC (RFC 9438 §4.1.2). Windows are
// octets, K is seconds:
//
//	                              ╱   convex: looking for more
//	W_max ─ ─ ─ ─ ─ ─ ─ ─ ___────╱
//	               ___───
//	            ╱             concave: back to where it was full
//	          ╱
//	cwnd_epoch
//	          ├──── K ────────┤     → t
type curve struct {
	max   float64   // W_max; 0 while it is undefined
	k     float64   // K
	est   float64   // W_est
	part  float64   // of an octet that the window has grown and cannot show
	epoch mono.Time // t_epoch
	prior int32     // cwnd_prior
	on    bool      // the stage has begun
}

// begin is RFC 9438 §4.2, equation 2: K = cubic root of (W_max - cwnd_epoch)/C.
func (c *curve) begin(now mono.Time, cwnd, mss int32) {
	c.on, c.epoch, c.part = true, now, 0
	c.est = float64(cwnd)
	if c.max <= c.est {
		// W_max undefined, or less than what the slow start after a timeout reached.
		c.max, c.k = c.est, 0
		return
	}
	c.k = cbrt((c.max - c.est) / (cubicC * float64(mss)))
}

// at is W_cubic(t), equation 1.
func (c *curve) at(t float64, mss int32) float64 {
	d := t - c.k
	return float64(cubicC*float64(mss)*d*d*d) + c.max
}

// next returns the window after n more octets were acknowledged.
func (c *curve) next(now mono.Time, srtt time.Duration, n, cwnd, mss int32) int32 {
	t := seconds(max(now.Sub(c.epoch), 0))
	w := float64(cwnd)
	c.friendly(float64(n), w, mss)
	if est := min(c.est, maxWindow); c.at(t, mss) < c.est {
		// §4.3, the Reno-friendly region: "cwnd SHOULD be set to W_est", but never
		// faster than slow start, if the window was cut back while W_est was not.
		return max(cwnd, min(int32(est), cwnd+n))
	}
	// §4.4 and §4.5: (target - cwnd)/cwnd for each segment acknowledged, target being
	// the curve a round trip from now, at least cwnd and at most 1.5 * cwnd.
	target := min(max(c.at(t+seconds(srtt), mss), w), 1.5*w)
	c.part += float64((target - w) / w * min(float64(n), w))
	whole := math.Floor(c.part)
	c.part -= whole
	return cwnd + int32(whole)
}

// friendly advances W_est, §4.3 equation 4. α is 1 once W_est has come to where the
// window was before the last reduction.
func (c *curve) friendly(n, cwnd float64, mss int32) {
	alpha := cubicAIMD
	if c.est >= float64(c.prior) {
		alpha = 1
	}
	c.est = min(c.est+float64(alpha*float64(mss)*(min(n, cwnd)/cwnd)), maxWindow)
}

// congested is fast convergence, §4.7: whoever was reduced below its last maximum
// gives more room to others. Always on, as a flow cannot know that it is alone.
func (c *curve) congested(cwnd int32) {
	w := float64(cwnd)
	if w < c.max {
		c.max = w * (1 + cubicLoss/100.0) / 2
	} else {
		c.max = w
	}
	c.prior = cwnd
	c.on = false
}

// shift takes d out of the elapsed time.
func (c *curve) shift(d time.Duration) {
	if c.on {
		c.epoch = c.epoch.Add(d)
	}
}

func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// cbrt is the cube root of x >= 0. math.Cbrt may be compiled with fused operations
// on some machines and without on others; this one gives the same bits everywhere.
func cbrt(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	_, exp := math.Frexp(x)
	r := math.Ldexp(1, (exp+2)/3)
	for range 8 { // Newton from above: the error squares each time, from at most 2 times too large
		r = (float64(2*r) + x/float64(r*r)) / 3
	}
	return r
}
