package link

// Stats counts what passed a device since it was made. A packet that a device
// cuts or coalesces (Packet.SegmentSize) counts once.
type Stats struct {
	Sent           uint64 // packets taken by Send and not dropped there
	SentOctets     uint64
	SendDropped    uint64 // packets that Send could not take, or that found nobody at the other end
	Received       uint64 // packets handed to the Receiver
	ReceivedOctets uint64
	ReceiveDropped uint64 // packets that came in unusable or found no room
	Errors         uint64 // failures of the device itself, in either direction
}

// Counted is a Device that counts. All devices of this package do.
type Counted interface {
	Device
	Stats() Stats
}
