package link

import "crypto/rand"

// TUNOptions says which device OpenTUN opens. The zero value is a new TUN device
// with a name that the system chooses.
type TUNOptions struct {
	Name string  // of the interface; may hold one %d for a number that is free (Linux)
	TAP  bool    // carry Ethernet frames (Linux)
	MAC  [6]byte // of the host on our side of a TAP; random if zero
	MTU  int     // set on the interface if not zero
	Up   bool    // bring the interface up

	// Queues is how many goroutines read, each from a queue of its own (Linux); 1 if zero.
	Queues int

	// NoOffload leaves checksums to each sender and lets no packet be longer than
	// the MTU: for a kernel whose virtio header is not to be trusted.
	NoOffload bool

	// Changed is told of a new MTU and of the device's end: see PortOptions.
	Changed func(info Info, ended error)
}

// PacketOptions says how OpenPacket stands on an Ethernet interface.
type PacketOptions struct {
	Interface string  // its name
	MAC       [6]byte // of our host; random if zero

	// NoOffload receives and sends each frame as it is on the wire. Without it the
	// interface may hand over several as one.
	NoOffload bool

	// Changed is told of a new MTU and of the device's end: see PortOptions.
	Changed func(info Info, ended error)
}

// randomMAC returns an address for one host that nobody has been assigned (bit 1
// of the first octet; IEEE 802 §8.4).
func randomMAC() (mac [6]byte) {
	rand.Read(mac[:])
	mac[0] = mac[0]&^1 | 2
	return mac
}
