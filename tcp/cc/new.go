package cc

import "fmt"

// Params is what a Control is built from. The zero value is usable.
type Params struct {
	// MSS is the payload of a full segment in octets; SetMSS changes it later.
	// 0 means 536, the send MSS of a peer that named none (RFC 9293 §3.7.1 MUST-15).
	MSS int
	// InitialWindow is in segments; 0 means 10 (RFC 6928).
	InitialWindow int
	// IdleRestart shrinks the window to the initial one when nothing was in flight
	// for longer than an RTO (RFC 5681 §4.1). Without it the window is kept and
	// decays as RFC 7661 says; that asks for pacing, so Unpaced implies IdleRestart.
	IdleRestart bool
	// Unpaced tells that the owner does not heed PacingRate: then an acknowledgement
	// widens the window by eight segments at most in slow start (RFC 9406 §4.2).
	Unpaced bool
	// NoSACK tells BBR that the peer acknowledges nothing selectively: then it sees
	// one loss in a round trip at most and takes it for many.
	NoSACK bool
	// Seed decides the random draws of BBR: equal seeds, equal draws.
	Seed uint64
}

// New returns a Control by its name: "cubic" (also "", the default), "newreno"
// (also "reno"), "bbr" or "prague". Each call returns one for a single connection.
// These are the controls of the standards track (MAY-18).
func New(name string, p Params) (Control, error) {
	switch name {
	case "cubic", "":
		return NewCubic(p), nil
	case "newreno", "reno":
		return NewReno(p), nil
	case "bbr":
		return NewBBR(p), nil
	case "prague":
		return NewPrague(p), nil
	}
	return nil, fmt.Errorf("cc: no congestion control is called %q", name)
}

const (
	defaultMSS = 536
	maxMSS     = 1 << 17
	// maxWindow is the largest window that a segment can offer (RFC 7323 §2.3), so no
	// window grows past it. Two of them fit in an int32.
	maxWindow = 65535 << 14
)

func (p Params) mss() int {
	if p.MSS == 0 {
		return defaultMSS
	}
	return p.MSS
}

func (p Params) initialWindow() int16 {
	if p.InitialWindow <= 0 {
		return 10
	}
	return int16(min(p.InitialWindow, 1<<10))
}

// initialWindow is RFC 6928 §2: min (10*MSS, max (2*MSS, 14600)), for any number of segments.
func initialWindow(segments, mss int32) int32 {
	return min(segments*mss, max(2*mss, segments*1460))
}

// amount takes octets from outside: whatever comes, it is no more than a window.
func amount(octets int) int32 { return int32(min(max(octets, 0), maxWindow)) }

// scale returns percent of octets, rounded down.
func scale(octets int32, percent int) int32 {
	return int32(int64(octets) * int64(percent) / 100)
}
