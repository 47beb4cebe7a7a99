package cc

import (
	"math/bits"
	"time"

	"github.com/octet-net/octet/mono"
)

// A Pacer spreads what a window allows over the time it should take. It lets a
// quantum leave at once, then waits until the rate has made up for it, so that fast
// connections need few timers. The zero value is ready.
//
//	quantum  │▊▊▊▊         ▊▊▊▊         ▊▊▊▊
//	         └──┴──────────┴──┴─────────┴──┴──→ now
//	            due┘          due┘
type Pacer struct {
	due  mono.Time // when the next quantum may begin
	left int       // octets that may still leave of the one begun
}

// Ready reports whether a segment may leave now.
func (p *Pacer) Ready(now mono.Time) bool { return p.left > 0 || p.due.Due(now) }

// Due returns the time from which Ready holds; it is in the past if it holds already.
func (p *Pacer) Due() mono.Time {
	if p.left > 0 {
		return 0
	}
	return p.due
}

// Sent tells that octets left at now, at a rate in octets a second (0: unpaced).
// mss is the size of a full segment in octets.
func (p *Pacer) Sent(now mono.Time, octets int, rate uint64, mss int) {
	if rate == 0 {
		*p = Pacer{due: now}
		return
	}
	quantum := Quantum(rate, mss)
	if p.due.Due(now) {
		p.left = quantum
	}
	p.left -= min(max(octets, 0), quantum)
	// A late timer is made up for by one quantum at most: what was not sent for
	// longer than that is lost to the application, not owed to it.
	start := max(p.due, now.Add(-span(quantum, rate)))
	p.due = start.Add(span(octets, rate))
}

// NotAfter lets the next quantum begin at a given time at the latest, whatever the
// rate says.
func (p *Pacer) NotAfter(at mono.Time) { p.due = min(p.due, at) }

// Quantum returns how many octets may leave at once: a millisecond's worth, at least
// two segments and at most 64 KiB or one segment (draft-ietf-ccwg-bbr §5.6.3).
func Quantum(rate uint64, mss int) int {
	q := int(min(rate/1000, 1<<16))
	mss = min(max(mss, 1), maxMSS)
	if mss > 1<<15 {
		return max(q, mss)
	}
	return max(q, 2*mss)
}

// span is how long octets take at a rate.
func span(octets int, rate uint64) time.Duration {
	d := mulDiv(uint64(max(octets, 0)), uint64(time.Second), rate)
	return time.Duration(min(d, 1<<62))
}

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
