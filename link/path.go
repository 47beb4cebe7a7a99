package link

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// A Path says what one direction of a Wire does to packets. The zero Path is a
// perfect one with an MTU of 1500.
//
// A packet takes these steps: it waits in the Queue for the transmitter, which
// needs its length / Rate for it; then it may be lost, doubled or corrupted; then it
// travels for Delay and Jitter, and longer if it is to be overtaken. A path keeps
// the order of packets but for those that Reorder picks.
//
// What happens to a packet depends only on the seed and name of the wire, the
// flow, and how many packets of that flow went before: never on other flows.
type Path struct {
	MTU       int           // octets of an IP packet that the sender's device allows; DefaultMTU if zero
	BlackHole int           // longer IP packets vanish without a word; no such limit if zero
	Rate      int64         // bits a second, of packets or frames as they are; without limit if zero
	Delay     time.Duration // from the end of transmission to arrival
	Jitter    Jitter        // added to Delay
	Queue     Discipline    // of packets that wait for the transmitter; DropTail(0) if nil
	Loss      Loss          // none if nil
	Duplicate float64       // probability that a packet arrives twice
	Corrupt   float64       // probability that one bit of a packet is turned over
	Reorder   float64       // probability that a packet is held back
	HoldBack  time.Duration // how long; DefaultHoldBack if zero
}

// DefaultHoldBack is how much later a reordered packet arrives.
const DefaultHoldBack = time.Millisecond

// Check says what is wrong with the values of a Path, or nil.
func (p *Path) Check() error {
	for _, c := range []struct {
		name  string
		value float64
		most  float64
	}{
		{"MTU", float64(p.MTU), MTUMax},
		{"BlackHole", float64(p.BlackHole), MTUMax},
		{"Rate", float64(p.Rate), 1e15},
		{"Delay", p.Delay.Seconds(), maxDelay.Seconds()},
		{"Jitter", p.Jitter.Spread.Seconds(), maxDelay.Seconds()},
		{"HoldBack", p.HoldBack.Seconds(), maxDelay.Seconds()},
		{"Duplicate", p.Duplicate, 1},
		{"Corrupt", p.Corrupt, 1},
		{"Reorder", p.Reorder, 1},
	} {
		if math.IsNaN(c.value) || c.value < 0 || c.value > c.most {
			return fmt.Errorf("link: path: %s of %v is not between 0 and %v", c.name, c.value, c.most)
		}
	}
	if p.Queue != nil && !reflect.TypeOf(p.Queue).Comparable() {
		return fmt.Errorf("link: path: queue of type %T cannot be compared", p.Queue)
	}
	for _, part := range []any{p.Loss, p.Queue, p.Jitter} {
		if c, ok := part.(interface{ Check() error }); ok {
			if err := c.Check(); err != nil {
				return fmt.Errorf("link: path: %w", err)
			}
		}
	}
	return nil
}

// maxDelay bounds times, so that sums of them cannot overflow.
const maxDelay = 365 * 24 * time.Hour

// Jitter is a time that differs from packet to packet. It is a delay of its own:
// it never makes a packet earlier than Path.Delay says.
type Jitter struct {
	Kind   JitterKind
	Spread time.Duration
}

// A JitterKind is the distribution of a Jitter.
type JitterKind uint8

const (
	Uniform     JitterKind = iota // between 0 and Spread
	Normal                        // the absolute value of a normal distribution with standard deviation Spread, at most 6 Spread
	Exponential                   // with mean Spread, at most 44 Spread
	Pareto                        // of the second kind with shape 2 and mean Spread, at most 255 Spread: one in ten thousand is above 99 Spread
)

// Check says what is wrong with the values, or nil.
func (j Jitter) Check() error {
	if j.Kind > Pareto {
		return fmt.Errorf("jitter of unknown kind %d", j.Kind)
	}
	return nil
}

// Of returns the time for a random number. Integers, and floating point numbers
// only where each step is rounded exactly, keep it the same on every machine.
func (j Jitter) Of(draw uint64) time.Duration {
	switch {
	case j.Spread <= 0:
		return 0
	case j.Kind == Normal:
		return scale(j.Spread, normal(draw))
	case j.Kind == Exponential:
		return scale(j.Spread, exponential(draw))
	case j.Kind == Pareto:
		return scale(j.Spread, pareto(draw))
	}
	return scale(j.Spread, draw>>32)
}

// scale returns d times a number with 32 binary places.
func scale(d time.Duration, x uint64) time.Duration {
	whole, part := uint64(d)>>32, uint64(d)&math.MaxUint32
	return time.Duration(whole*x + part*(x&math.MaxUint32)>>32 + part*(x>>32))
}

// normal turns a random number into |z|, z of the standard normal distribution,
// with 32 binary places: twelve uniform numbers of 16 bits have variance 1.
func normal(draw uint64) uint64 {
	sum := int64(-6 << 16)
	for i := range uint64(3) {
		for x := mix(draw + i); x != 0; x >>= 16 {
			sum += int64(x & 0xffff)
		}
	}
	return uint64(max(sum, -sum)) << 16
}

// exponential turns a random number u into -ln(u / 2⁶⁴), with 32 binary places.
func exponential(draw uint64) uint64 {
	const ln2 = 2977044472 // ln 2 with 32 binary places
	bits := 64<<32 - log2(max(draw, 1))
	return bits>>32*ln2 + bits&math.MaxUint32*ln2>>32
}

// pareto turns a random number u into (u / 2⁶⁴)^-½ - 1, with 32 binary places.
// IEEE 754 rounds the root, the quotient and the difference exactly.
func pareto(draw uint64) uint64 {
	u := float64(draw>>11+1) / (1 << 53)
	x := float64(1/math.Sqrt(u)) - 1
	return uint64(min(x, 255) * (1 << 32))
}
