package link

import "github.com/octet-net/octet/timeline"

// MTUMax is the largest MTU of a link in memory: what the length field of IPv4
// can say (RFC 791 §3.1).
const MTUMax = 65535

// A Loopback is a device whose packets come back to its own Receiver, in order
// and without loss. It leaves out transport checksums and has the largest MTU.
type Loopback struct {
	drain drain
}

// NewLoopback returns a loopback device, called lo. The timeline stamps what is
// received and takes over where one caller of Flush has done its share.
func NewLoopback(line *timeline.Timeline) *Loopback {
	l := new(Loopback)
	l.drain.init(line, 0, 1)
	return l
}

// Attach names who receives.
func (l *Loopback) Attach(r Receiver) { l.drain.attach(0, r) }

// Send queues a packet; one that is longer than the MTU is dropped.
func (l *Loopback) Send(p *Packet) { l.drain.send(0, p, MTUMax) }

// Flush delivers what is queued, unless somebody is doing so already.
func (l *Loopback) Flush() { l.drain.flush() }

// Info says that this is a loopback.
func (l *Loopback) Info() Info {
	return Info{Name: "lo", MTU: MTUMax, Loopback: true, NoSum: true}
}

// Stats returns the counts.
func (l *Loopback) Stats() Stats { return l.drain.stats(0, 0) }

// Close drops what waits and all that is sent later. It returns nil.
func (l *Loopback) Close() error {
	l.drain.close(0, 0)
	return nil
}
