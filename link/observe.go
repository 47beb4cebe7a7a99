package link

import "github.com/octet-net/octet/mono"

// A Fate is what became of a packet; empty if it went on as it was.
type Fate string

// What becomes of packets on a Wire.
const (
	Lost        Fate = "lost"
	QueueFull   Fate = "queue full"
	BlackHoled  Fate = "black hole"
	Undelivered Fate = "undelivered"
	Duplicated  Fate = "duplicated"
	Corrupted   Fate = "corrupted"
	HeldBack    Fate = "held back"
	Stopped     Fate = "stopped" // by a Gate
)

// A Sighting is what an Observer is told of one packet.
type Sighting struct {
	At       mono.Time
	Device   string  // name of the device it passed, or of the Wire that did something to it
	Outgoing bool    // it was sent by the device, or went from end 0 of the Wire to end 1
	Ethernet bool    // it is an Ethernet frame; otherwise a bare IP packet
	Fate     Fate    // why it went no further, or what was done to it
	Packet   *Packet // not to be changed, nor kept after the call
}

// An Observer is told of packets. It is called with no lock held, by one
// goroutine at a time for each Tap or direction of a Wire, and must not send.
type Observer interface {
	Observe(s *Sighting)
}
