// Package link moves packets to and from a network: loopback, pipes and wires in
// memory, devices, capture. It takes no protocol decision.
package link

import (
	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
)

// HeadRoom is how many octets of headers a Packet can carry apart from its data:
// Ethernet 14, IPv6 40, a fragment header 8 and TCP 60 fit.
const HeadRoom = 128

// A Packet is one packet on a link: octets of headers followed by octets of data.
//
// A packet that our own stack built holds all headers up to and with the
// transport header in its head and only payload in Data, which may be shared with
// the sender's retransmission queue and so is never written to. A packet from
// elsewhere has an empty head and lies whole in Data.
//
// Whoever holds a Packet in a queue owns the reference of its Data.
type Packet struct {
	Data chunk.View

	// NoSum says that the transport checksum was left out because the link
	// does not corrupt: the receiver need not check it, and a device that
	// sends the packet outside must compute it.
	NoSum bool

	// SegmentSize is not zero for a packet larger than the MTU that the device
	// cuts into TCP segments with this many octets of payload each.
	SegmentSize uint16

	start, end uint8 // head[start:end] are the headers
	head       [HeadRoom]byte
}

// Head returns the header octets.
func (p *Packet) Head() []byte { return p.head[p.start:p.end] }

// SetHead makes room for n octets of headers at the end of the head room, so that
// others can be Pushed before them, and returns them for the caller to fill.
func (p *Packet) SetHead(n int) []byte {
	p.start, p.end = uint8(HeadRoom-n), HeadRoom
	return p.head[p.start:p.end]
}

// Push makes room for n more octets before the head and returns them.
func (p *Packet) Push(n int) []byte {
	p.start -= uint8(n)
	return p.head[p.start : int(p.start)+n]
}

// Pull drops n octets from the front of the packet, wherever they lie.
func (p *Packet) Pull(n int) {
	k := min(n, int(p.end-p.start))
	p.start += uint8(k)
	if n > k {
		p.Data.Trim(n-k, p.Data.Len())
	}
}

// Len returns the length of the packet in octets.
func (p *Packet) Len() int { return int(p.end-p.start) + p.Data.Len() }

// AppendTo appends the octets of the packet to b, one after another.
func (p *Packet) AppendTo(b []byte) []byte {
	return append(append(b, p.Head()...), p.Data.B...)
}

// A Receiver is told of packets that arrived. It takes over the Data of each (and
// clears it, or leaves it for the caller to Release), but not the slice. It is
// called with no lock held and may send and Flush on any device.
type Receiver interface {
	Receive(now mono.Time, batch []Packet)
}

// A Device is one end of a link, with the queue of what is to leave through it.
//
// Send and Flush are separate so that a connection can queue what it must send
// while it holds its lock (two events can then never swap their output) and have
// it delivered after the lock is released.
type Device interface {
	// Attach names who receives. It is called once, before any packet flows.
	Attach(Receiver)
	// Send queues a packet, whose Data it takes over. It never blocks or delivers.
	Send(*Packet)
	// Flush delivers what is queued, unless somebody is doing so already.
	// The caller holds no lock.
	Flush()
	// Info says what the device is.
	Info() Info
	// Close ends the device: nothing is received afterwards and what is sent is dropped.
	Close() error
}

// A Changing device tells when its Info has changed, and when it has ended by
// itself. PortDevice is one.
type Changing interface {
	Device
	// OnChange names who is told, with the reason if the device has ended. It is
	// called once, before Attach; f is called with no lock held and may Close the device.
	OnChange(f func(info Info, ended error))
}

// Info describes a device. The MTU may change while the device is used.
type Info struct {
	Name     string // as an interface is called: lo, eth0, tun0
	MTU      int    // octets of an IP packet
	MAC      [6]byte
	Ethernet bool // packets are Ethernet frames; otherwise bare IP packets
	Loopback bool
	Outside  bool // other programs or machines are behind it, who may not know of us
	NoSum    bool // packets may leave without transport checksum (Packet.NoSum)
	Segments int  // largest TCP payload of one Packet (Packet.SegmentSize), zero if none above the MTU
}
