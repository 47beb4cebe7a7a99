// Package mono is the time of a stack: nanoseconds since it began.
//
// A value of this type never goes back and knows nothing of calendars, so the
// pure rooms can be told the time without owning a clock.
package mono

import (
	"math"
	"time"
)

// Time is a moment, in nanoseconds since the stack began.
type Time int64

// Never is later than every moment: the deadline of a timer that is not set.
const Never Time = math.MaxInt64

// Add returns the moment d after t. It saturates at Never, and Never stays Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	u := t + Time(d)
	if d > 0 && u < t {
		return Never
	}
	return u
}

// Sub returns how long after u the moment t is.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t < u }

// Due reports whether a deadline t has been reached at now.
func (t Time) Due(now Time) bool { return t <= now }

// String prints the time in seconds since the stack began, or "never".
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return time.Duration(t).String()
}
