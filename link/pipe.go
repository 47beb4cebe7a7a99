package link

import (
	"cmp"

	"github.com/octet-net/octet/timeline"
)

// PipeOptions says what a Pipe is like. The zero value is a bare IP link with an
// MTU of 1500 that carries full checksums.
type PipeOptions struct {
	Names    [2]string  // of the two devices; pipe0 and pipe1 if empty
	MAC      [2][6]byte // with Ethernet only
	MTU      int        // octets of an IP packet; 1500 if zero, at most MTUMax
	Ethernet bool       // carry Ethernet frames
	NoSum    bool       // let packets leave without transport checksum
	Segments bool       // let one Packet carry the payload of many segments
}

// etherHeader is the length of an Ethernet header (no tag).
const etherHeader = 14

// DefaultMTU is the MTU of links that are not told another: that of Ethernet (RFC 894).
const DefaultMTU = 1500

// segmentsMax is the largest payload of a Packet on a link that carries the
// payload of several segments at once: with the longest headers, an IP packet of MTUMax.
const segmentsMax = MTUMax - HeadRoom

// A pipe joins two devices back to back in memory: what one sends the other
// receives, at once, in order, with no impairment.
type pipe struct {
	drain drain
	ends  [2]pipeEnd
}

type pipeEnd struct {
	pipe *pipe
	side int // sends into lane side, receives from the other
	info Info
	size int // octets of the largest packet or frame
}

// NewPipe returns the two ends of a pipe. Both directions are delivered by one
// caller of Flush at a time, so that an exchange never recurses however long it is.
func NewPipe(line *timeline.Timeline, o PipeOptions) (a, b Counted) {
	p := new(pipe)
	p.drain.init(line, 0, 2)
	for i := range p.ends {
		info := Info{
			Name:     cmp.Or(o.Names[i], [2]string{"pipe0", "pipe1"}[i]),
			MTU:      clampMTU(o.MTU, o.Ethernet),
			MAC:      o.MAC[i],
			Ethernet: o.Ethernet,
			NoSum:    o.NoSum,
		}
		if o.Segments {
			info.Segments = segmentsMax
		}
		p.ends[i] = pipeEnd{pipe: p, side: i, info: info, size: frameSize(info)}
	}
	return &p.ends[0], &p.ends[1]
}

// clampMTU gives a zero MTU its default and holds frames within 65535 octets.
func clampMTU(mtu int, ethernet bool) int {
	most := MTUMax
	if ethernet {
		most -= etherHeader
	}
	return min(cmp.Or(mtu, DefaultMTU), most)
}

// frameSize returns the length of the largest packet or frame with one segment.
func frameSize(i Info) int {
	if i.Ethernet {
		return i.MTU + etherHeader
	}
	return i.MTU
}

func (e *pipeEnd) Attach(r Receiver) { e.pipe.drain.attach(1-e.side, r) }

func (e *pipeEnd) Send(p *Packet) {
	if !p.Complete(&e.info, e.send) {
		e.pipe.drain.refuse(e.side)
	}
}

func (e *pipeEnd) send(p *Packet) {
	size := e.size
	if p.SegmentSize != 0 {
		size = MTUMax
	}
	e.pipe.drain.send(e.side, p, size)
}

func (e *pipeEnd) Flush()       { e.pipe.drain.flush() }
func (e *pipeEnd) Info() Info   { return e.info }
func (e *pipeEnd) Stats() Stats { return e.pipe.drain.stats(e.side, 1-e.side) }

func (e *pipeEnd) Close() error {
	e.pipe.drain.close(e.side, 1-e.side)
	return nil
}
