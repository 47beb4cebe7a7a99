package octet

import (
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// An Observer sees every packet that enters or leaves a host, for traces and captures.
//
// It is called with no lock held, possibly by several goroutines at once, and on
// the path of the packet: what it does slowly, the network does slowly.
type Observer interface {
	// Packet shows one packet. It must not be changed or kept: who wants to
	// keep octets copies them.
	Packet(o Observation)
}

// An Observation is one packet at one interface.
type Observation struct {
	Time      mono.Time
	Interface string
	Out       bool // it leaves the host; otherwise it has arrived
	Packet    *link.Packet
}
