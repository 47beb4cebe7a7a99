package cc

import (
	"math/bits"
	"time"
)

// windowRate returns percent of a window a round trip, in octets a second; 0 if
// the round trip is unknown.
func windowRate(octets int32, rtt time.Duration, percent uint64) uint64 {
	if rtt <= 0 || octets <= 0 {
		return 0
	}
	return max(mulDiv(uint64(octets)*percent/100, uint64(time.Second), uint64(rtt)), 1)
}

// mulDiv returns a*b/c by way of 128 bits, and the largest value if it overflows.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 1<<64 - 1
	}
	q, _ := bits.Div64(hi, lo, c)
	return q
}
