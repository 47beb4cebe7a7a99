package link

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/octet-net/octet/timeline"
)

// Numbers of the pcapng format (draft-ietf-opsawg-pcapng) and of tcpdump.org's
// registry of link types.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockSimple     = 3
	blockStatistics = 5
	blockPacket     = 6
	blockSecrets    = 10

	byteOrderMagic = 0x1a2b3c4d
	secretsTLS     = 0x544c534b // a key log as of NSS: "TLSK"

	optionEnd         = 0
	optionComment     = 1
	optionApplication = 4  // of a section
	optionName        = 2  // of an interface
	optionResolution  = 9  // of an interface: of its times, as a power of ten
	optionOffset      = 14 // of an interface: seconds to add to its times
	optionFlags       = 2  // of a packet
	optionStart       = 2  // of statistics
	optionEndTime     = 3
	optionReceived    = 4
	optionMissed      = 5

	flagInbound  = 1
	flagOutbound = 2
)

// CaptureOptions says how a Capture writes.
type CaptureOptions struct {
	Snap        int    // octets kept of each packet; 262,144 if zero
	Application string // who writes; octet if empty
	Live        bool   // write each packet at once, for somebody who reads along
}

// snapDefault is what capture tools call unlimited.
const snapDefault = 262144

// captureBuffer is how many octets are collected before they are written.
const captureBuffer = 64 << 10

// A Capture writes the packets that it observes to a pcapng file, with the names
// of their devices, times in nanoseconds, and what became of them as a comment. A
// checksum that was left to the link is filled in, with a comment that says so.
//
// It may observe any number of devices at once. Errors of the writer are kept:
// after the first nothing more is written, and Flush and Close return it.
type Capture struct {
	w    io.Writer
	line *timeline.Timeline
	opt  CaptureOptions

	writing sync.Mutex // held while w is written to, taken before mu

	mu         sync.Mutex
	buf, spare []byte
	interfaces []captureInterface
	err        error
	closed     bool
}

type captureInterface struct {
	name     string
	ethernet bool
	seen     uint64
}

// NewCapture returns a Capture that writes to w; times are those of the timeline.
func NewCapture(w io.Writer, line *timeline.Timeline, o CaptureOptions) *Capture {
	o.Snap = cmp.Or(o.Snap, snapDefault)
	c := &Capture{w: w, line: line, opt: o}
	b := beginBlock(nil, blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = append(b, 1, 0, 0, 0)                        // version 1.0
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1) // length of the section: unknown
	b = appendOption(b, optionApplication, cmp.Or(o.Application, "octet"))
	c.buf = endBlock(endOptions(b), 0)
	return c
}

// Observe records a packet.
func (c *Capture) Observe(s *Sighting) {
	p, comment := *s.Packet, string(s.Fate)
	if p.NoSum {
		p.Data = p.Data.Own()
		seal(&p, s.Ethernet)
		defer p.Data.Release()
		comment = join(comment, "checksum filled in by the capture")
	}
	if p.SegmentSize != 0 {
		comment = join(comment, fmt.Sprintf("segments of %d octets in one", p.SegmentSize))
	}
	c.mu.Lock()
	if !c.closed && c.err == nil {
		c.record(s, &p, comment)
	}
	full := len(c.buf) >= captureBuffer
	c.mu.Unlock()
	if full || c.opt.Live {
		c.write()
	}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// record appends a packet. The caller holds c.mu.
func (c *Capture) record(s *Sighting, p *Packet, comment string) {
	id := c.find(s.Device, s.Ethernet)
	at := uint64(c.line.Wall(s.At).UnixNano())
	at0 := len(c.buf)
	b := beginBlock(c.buf, blockPacket)
	for _, v := range []uint32{
		uint32(id), uint32(at >> 32), uint32(at), uint32(min(p.Len(), c.opt.Snap)), uint32(p.Len()),
	} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	start := len(b)
	b = p.AppendTo(b)
	b = pad(b[:min(len(b), start+c.opt.Snap)])
	flags := [4]byte{flagInbound}
	if s.Outgoing {
		flags[0] = flagOutbound
	}
	b = appendOption(b, optionFlags, string(flags[:]))
	if comment != "" {
		b = appendOption(b, optionComment, comment)
	}
	c.buf = endBlock(endOptions(b), at0)
}

// find returns the number of an interface, which it describes first if it is new.
func (c *Capture) find(name string, ethernet bool) int {
	for i := range c.interfaces {
		if f := &c.interfaces[i]; f.name == name && f.ethernet == ethernet {
			f.seen++
			return i
		}
	}
	c.interfaces = append(c.interfaces, captureInterface{name, ethernet, 1})
	at := len(c.buf)
	b := beginBlock(c.buf, blockInterface)
	kind := LinkRaw
	if ethernet {
		kind = LinkEthernet
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(kind))
	b = append(b, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(c.opt.Snap))
	b = appendOption(b, optionName, name)
	b = appendOption(b, optionResolution, "\x09")
	c.buf = endBlock(endOptions(b), at)
	return len(c.interfaces) - 1
}

// KeyLog returns a writer for the KeyLogWriter of a tls.Config: the keys become
// part of the capture, so that readers can decrypt it.
func (c *Capture) KeyLog() io.Writer { return captureKeys{c} }

type captureKeys struct{ c *Capture }

func (k captureKeys) Write(line []byte) (int, error) {
	c := k.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.err != nil {
		return 0, cmp.Or(c.err, errCaptureClosed)
	}
	at := len(c.buf)
	b := beginBlock(c.buf, blockSecrets)
	b = binary.LittleEndian.AppendUint32(b, secretsTLS)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(line)))
	c.buf = endBlock(pad(append(b, line...)), at)
	return len(line), nil
}

var errCaptureClosed = errors.New("link: capture is closed")

// Flush writes what is buffered and returns the first error there was.
func (c *Capture) Flush() error {
	c.write()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close writes the statistics and all that is buffered. It leaves the writer
// open. Packets that come later are ignored.
func (c *Capture) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		c.statistics()
	}
	c.mu.Unlock()
	return c.Flush()
}

// statistics appends how many packets each interface saw.
func (c *Capture) statistics() {
	now := uint64(c.line.Wall(c.line.Now()).UnixNano())
	for i, f := range c.interfaces {
		at := len(c.buf)
		b := beginBlock(c.buf, blockStatistics)
		for _, v := range []uint32{uint32(i), uint32(now >> 32), uint32(now)} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], f.seen)
		b = appendOption(b, optionReceived, string(n[:]))
		c.buf = endBlock(endOptions(b), at)
	}
}

// write writes what is buffered. Who comes meanwhile waits: what is not yet
// written does not grow without end.
func (c *Capture) write() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	b, failed := c.buf, c.err != nil
	c.buf = c.spare[:0]
	c.mu.Unlock()
	var err error
	if len(b) > 0 && !failed {
		_, err = c.w.Write(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spare = b
	if err != nil {
		c.err = fmt.Errorf("link: capture: %w", err)
	}
}

// beginBlock appends the header of a block; endBlock fills in its length.
func beginBlock(b []byte, kind uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, kind)
	return append(b, 0, 0, 0, 0)
}

// endBlock closes the block that begins at octet at.
func endBlock(b []byte, at int) []byte {
	n := uint32(len(b) - at + 4)
	binary.LittleEndian.PutUint32(b[at+4:], n)
	return binary.LittleEndian.AppendUint32(b, n)
}

// appendOption appends an option; all but the numbers among them are UTF-8.
func appendOption(b []byte, code uint16, value string) []byte {
	value = value[:min(len(value), 1<<16-1)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

func endOptions(b []byte) []byte { return append(b, optionEnd, 0, 0, 0) }

// pad fills b up to a multiple of four octets. Every block begins at one.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
