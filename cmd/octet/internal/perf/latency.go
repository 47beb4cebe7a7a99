package perf

import (
	"math"
	"math/bits"
	"time"
)

// Latencies counts times in classes that are a thirty-second wide, so that any
// number of them needs the same memory and each is known to three per cent.
type latencies struct {
	classes  [64 * perDoubling]int64
	n        int64
	sum      time.Duration
	min, max time.Duration
}

const perDoubling = 32

// classOf returns the class of a time: those below perDoubling nanoseconds are exact.
func classOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < perDoubling {
		return int(v)
	}
	shift := bits.Len64(v) - 6 // 32 to 63 are left
	return (shift+1)*perDoubling + int(v>>shift) - perDoubling
}

// upper returns the longest time of a class.
func upper(class int) time.Duration {
	if class < perDoubling {
		return time.Duration(class)
	}
	shift := class/perDoubling - 1
	return time.Duration((uint64(class%perDoubling)+perDoubling+1)<<shift - 1)
}

func (l *latencies) add(d time.Duration) {
	if l.n == 0 || d < l.min {
		l.min = d
	}
	l.max = max(l.max, d)
	l.n++
	l.sum += d
	l.classes[classOf(d)]++
}

// merge adds all of another's.
func (l *latencies) merge(o *latencies) {
	if o.n == 0 {
		return
	}
	if l.n == 0 || o.min < l.min {
		l.min = o.min
	}
	l.max = max(l.max, o.max)
	l.n += o.n
	l.sum += o.sum
	for i, n := range o.classes {
		l.classes[i] += n
	}
}

// quantile returns the time that a share of all do not exceed.
func (l *latencies) quantile(share float64) time.Duration {
	rank := int64(math.Ceil(share * float64(l.n)))
	for class, n := range l.classes {
		if rank -= n; rank <= 0 && n > 0 {
			return min(max(upper(class), l.min), l.max)
		}
	}
	return l.max
}

func (l *latencies) mean() time.Duration {
	if l.n == 0 {
		return 0
	}
	return l.sum / time.Duration(l.n)
}
