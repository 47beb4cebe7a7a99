package link

import "encoding/binary"

// A framing is what a file puts before each packet.
type framing interface {
	// accept reads the prefix of a packet that came, whose Data nobody shares yet,
	// and sets its NoSum and SegmentSize.
	accept(prefix []byte, p *Packet) verdict
	// describe writes the prefix of a packet that leaves, and may change the packet.
	// It reports false for one that cannot leave.
	describe(prefix []byte, p *Packet) bool
}

// A verdict is what is to be done with a packet that came.
type verdict uint8

const (
	dropIt verdict = iota
	passIt
	cutIt // into the datagrams that it holds
)

// plainFraming is no header at all: packets come and go as they are.
type plainFraming struct{ ethernet bool }

func (plainFraming) accept([]byte, *Packet) verdict { return passIt }

func (f plainFraming) describe(_ []byte, p *Packet) bool {
	seal(p, f.ethernet)
	return p.SegmentSize == 0
}

// virtioFraming puts a virtio header before packets.
type virtioFraming struct{ ethernet bool }

func (f virtioFraming) accept(prefix []byte, p *Packet) verdict {
	v := parseVirtio((*[virtioLen]byte)(prefix))
	switch {
	case !v.accept(p, f.ethernet):
		return dropIt
	case v.kind&^virtioECN == virtioUDP && p.SegmentSize != 0:
		return cutIt
	}
	return passIt
}

func (f virtioFraming) describe(prefix []byte, p *Packet) bool {
	v, ok := describe(p, f.ethernet)
	v.put((*[virtioLen]byte)(prefix))
	return ok
}

// utunFraming puts the address family before each packet, as macOS does.
type utunFraming struct{ inet, inet6 uint32 }

// utunPrefix is the length of that.
const utunPrefix = 4

func (utunFraming) accept([]byte, *Packet) verdict { return passIt }

func (f utunFraming) describe(prefix []byte, p *Packet) bool {
	seal(p, false)
	b := p.Head()
	if len(b) == 0 {
		b = p.Data.B
	}
	family := f.inet
	if len(b) > 0 && b[0]>>4 == 6 {
		family = f.inet6
	}
	binary.BigEndian.PutUint32(prefix, family)
	return p.SegmentSize == 0
}
