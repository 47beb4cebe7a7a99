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
	// decays as RFC 7661 says, which suits a sender that paces.
	IdleRestart bool
	// Seed decides the random draws of BBR: equal seeds, equal draws.
	Seed uint64
}

// New returns a Control by its name: "newreno" (or "reno"), and "" for the default.
// Each call returns one for a single connection.
func New(name string, p Params) (Control, error) {
	switch name {
	case "newreno", "reno", "":
		return NewReno(p), nil
	}
	return nil, fmt.Errorf("cc: no congestion control is called %q", name)
}

// Bounds that keep every product of a window and a time inside 64 bits.
const (
	defaultMSS = 536
	minMSS     = 1
	maxMSS     = 1 << 17
	// maxWindow is the largest window that TCP can offer (RFC 7323 §2.3): to have
	// more in flight is impossible, so no window grows past it.
	maxWindow = 1 << 30
)

func (p Params) mss() int {
	if p.MSS == 0 {
		return defaultMSS
	}
	return min(max(p.MSS, minMSS), maxMSS)
}

func (p Params) initialWindow() int {
	if p.InitialWindow <= 0 {
		return 10
	}
	return min(p.InitialWindow, 1<<10)
}
