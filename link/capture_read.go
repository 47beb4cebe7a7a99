package link

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"
)

// A LinkType says what the packets of a captured interface begin with
// (tcpdump.org's registry).
type LinkType uint16

// The link types that Captured.IP can read.
const (
	LinkNull     LinkType = 0 // four octets of address family, then IP
	LinkEthernet LinkType = 1
	LinkRawBSD   LinkType = 12 // IP, in files of some systems
	LinkRaw      LinkType = 101
	LinkLoop     LinkType = 108 // as LinkNull, in network order
	LinkLinuxSLL LinkType = 113 // "any" on Linux: 16 octets
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkSLL2     LinkType = 276 // "any" on Linux: 20 octets
)

// A Captured is one packet of a capture file.
type Captured struct {
	Time      time.Time
	Interface string // name, or a number if it has none
	Link      LinkType
	Direction byte // 'i' inbound, 'o' outbound, 0 if the file does not say
	Length    int  // of the packet as it was; Data may hold less
	Data      []byte
	Comments  []string
}

// IP returns the IP packet, or the Ethernet frame, that Data holds without what
// some link types put before it, and reports whether there is one.
func (c *Captured) IP() (b []byte, ethernet, ok bool) {
	skip := 0
	switch c.Link {
	case LinkEthernet:
		return c.Data, true, true
	case LinkRaw, LinkRawBSD, LinkIPv4, LinkIPv6:
	case LinkNull, LinkLoop:
		skip = 4
	case LinkLinuxSLL:
		skip = 16
	case LinkSLL2:
		skip = 20
	default:
		return nil, false, false
	}
	if len(c.Data) < skip {
		return nil, false, false
	}
	return c.Data[skip:], false, true
}

// The largest block that a reader keeps, and how many interfaces: no file makes it
// take more memory.
const (
	blockMax      = 1 << 20
	interfacesMax = 1 << 12
)

// ErrFormat is what reading a file that is no capture, or a broken one, returns
// (errors.Is).
var ErrFormat = errors.New("not a capture file that octet can read")

func badFormat(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// A CaptureReader reads the packets of a pcapng or pcap file of either byte order.
type CaptureReader struct {
	r          *bufio.Reader
	order      binary.ByteOrder
	next       func() (*Captured, error)
	interfaces []source
	buf        []byte
}

// source is an interface of the section that is read.
type source struct {
	name       string
	link       LinkType
	snap       uint32
	resolution byte  // if_tsresol
	offset     int64 // seconds
}

// NewCaptureReader returns a reader of r, whose first octets it checks.
func NewCaptureReader(r io.Reader) (*CaptureReader, error) {
	c := &CaptureReader{r: bufio.NewReader(r)}
	magic, err := c.r.Peek(4)
	if err != nil {
		return nil, badFormat("it has no four octets")
	}
	if binary.LittleEndian.Uint32(magic) == blockSection {
		c.next = c.nextBlock
		return c, nil
	}
	if err := c.beginPcap(magic); err != nil {
		return nil, err
	}
	c.next = c.nextRecord
	return c, nil
}

// Next returns the next packet, whose Data is valid until the call after. At the
// end of the file it returns io.EOF.
func (c *CaptureReader) Next() (*Captured, error) { return c.next() }

// read fills the buffer with n octets.
func (c *CaptureReader) read(n int) ([]byte, error) {
	if n > cap(c.buf) {
		c.buf = make([]byte, max(n, 4096))
	}
	b := c.buf[:n]
	if _, err := io.ReadFull(c.r, b); err != nil {
		return nil, broken(err)
	}
	return b, nil
}

// broken turns an end in the middle of something into a broken file.
func broken(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return badFormat("it is cut off")
	}
	return err
}

// nextBlock reads blocks of pcapng until one holds a packet.
func (c *CaptureReader) nextBlock() (*Captured, error) {
	for {
		if _, err := c.r.Peek(1); err == io.EOF {
			return nil, io.EOF
		}
		kind, body, err := c.block()
		if err != nil {
			return nil, err
		}
		switch kind {
		case blockInterface:
			err = c.describe(body)
		case blockPacket:
			return c.enhanced(body)
		case blockSimple:
			return c.simple(body)
		}
		if err != nil {
			return nil, err
		}
	}
}

// block reads one block and returns what lies between its two lengths. Of kinds
// that are not read it returns nothing.
func (c *CaptureReader) block() (kind uint32, body []byte, err error) {
	head, err := c.r.Peek(12)
	if err != nil {
		return 0, nil, broken(err)
	}
	if binary.LittleEndian.Uint32(head) == blockSection {
		if err := c.beginSection(head); err != nil {
			return 0, nil, err
		}
	}
	kind = c.order.Uint32(head)
	n := c.order.Uint32(head[4:])
	if n < 12 || n%4 != 0 {
		return 0, nil, badFormat("a block of %d octets", n)
	}
	if kind != blockInterface && kind != blockPacket && kind != blockSimple {
		_, err := io.CopyN(io.Discard, c.r, int64(n))
		if err != nil {
			err = broken(err)
		}
		return kind, nil, err
	}
	if n > blockMax {
		return 0, nil, badFormat("a block of %d octets, more than %d", n, blockMax)
	}
	b, err := c.read(int(n))
	if err != nil {
		return 0, nil, err
	}
	if end := c.order.Uint32(b[n-4:]); end != n {
		return 0, nil, badFormat("a block of %d octets ends as one of %d", n, end)
	}
	return kind, b[8 : n-4], nil
}

// beginSection takes the byte order from the head of a section. Its interfaces
// are its own.
func (c *CaptureReader) beginSection(head []byte) error {
	switch {
	case binary.LittleEndian.Uint32(head[8:]) == byteOrderMagic:
		c.order = binary.LittleEndian
	case binary.BigEndian.Uint32(head[8:]) == byteOrderMagic:
		c.order = binary.BigEndian
	default:
		return badFormat("a section of unknown byte order")
	}
	c.interfaces = c.interfaces[:0]
	return nil
}

func (c *CaptureReader) describe(b []byte) error {
	if len(b) < 8 || len(c.interfaces) >= interfacesMax {
		return badFormat("interface %d cannot be described in %d octets", len(c.interfaces), len(b))
	}
	s := source{
		name: fmt.Sprint(len(c.interfaces)), link: LinkType(c.order.Uint16(b)), snap: c.order.Uint32(b[4:]), resolution: 6,
	}
	err := c.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optionName && len(v) > 0:
			s.name = string(v)
		case code == optionResolution && len(v) >= 1:
			s.resolution = v[0]
		case code == optionOffset && len(v) >= 8:
			s.offset = int64(c.order.Uint64(v))
		}
	})
	c.interfaces = append(c.interfaces, s)
	return err
}

// options calls f for each option in b.
func (c *CaptureReader) options(b []byte, f func(code uint16, v []byte)) error {
	for len(b) >= 4 {
		code, n := c.order.Uint16(b), int(c.order.Uint16(b[2:]))
		if code == optionEnd {
			return nil
		}
		b = b[4:]
		if n > len(b) {
			return badFormat("an option of %d octets in a block with %d left", n, len(b))
		}
		f(code, b[:n])
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// enhanced reads an Enhanced Packet Block.
func (c *CaptureReader) enhanced(b []byte) (*Captured, error) {
	if len(b) < 20 {
		return nil, badFormat("a packet block of %d octets", len(b))
	}
	id, kept := c.order.Uint32(b), int64(c.order.Uint32(b[12:]))
	if uint64(id) >= uint64(len(c.interfaces)) || kept > int64(len(b)-20) {
		return nil, badFormat("a packet of %d octets on interface %d of %d", kept, id, len(c.interfaces))
	}
	s := &c.interfaces[id]
	p := &Captured{
		Time:      s.time(uint64(c.order.Uint32(b[4:]))<<32 | uint64(c.order.Uint32(b[8:]))),
		Interface: s.name,
		Link:      s.link,
		Length:    int(c.order.Uint32(b[16:])),
		Data:      b[20 : 20+kept : 20+kept],
	}
	rest := b[min(20+(kept+3)&^3, int64(len(b))):]
	return p, c.options(rest, func(code uint16, v []byte) {
		switch {
		case code == optionComment:
			p.Comments = append(p.Comments, string(v))
		case code == optionFlags && len(v) == 4:
			p.Direction = [4]byte{0, 'i', 'o', 0}[c.order.Uint32(v)&3]
		}
	})
}

// simple reads a Simple Packet Block: it has neither time nor interface.
func (c *CaptureReader) simple(b []byte) (*Captured, error) {
	if len(b) < 4 || len(c.interfaces) == 0 {
		return nil, badFormat("a simple packet block of %d octets", len(b))
	}
	s, n := &c.interfaces[0], c.order.Uint32(b)
	kept := min(uint64(n), uint64(len(b)-4))
	if s.snap != 0 {
		kept = min(kept, uint64(s.snap))
	}
	return &Captured{Interface: s.name, Link: s.link, Length: int(n), Data: b[4 : 4+kept : 4+kept]}, nil
}

// time turns a number of the file into a time. Numbers out of all reason give the
// zero Time.
func (s *source) time(v uint64) time.Time {
	unit := uint64(1) // fractions of a second
	if s.resolution&0x80 != 0 {
		if s.resolution&0x7f > 63 {
			return time.Time{}
		}
		unit <<= s.resolution & 0x7f
	} else {
		for range s.resolution {
			hi, lo := bits.Mul64(unit, 10)
			if hi != 0 {
				return time.Time{}
			}
			unit = lo
		}
	}
	seconds := v / unit
	hi, lo := bits.Mul64(v%unit, uint64(time.Second))
	nanos, _ := bits.Div64(hi, lo, unit)
	if seconds > math.MaxInt64/4 || s.offset > math.MaxInt64/4 || s.offset < -math.MaxInt64/4 {
		return time.Time{}
	}
	return time.Unix(int64(seconds)+s.offset, int64(nanos)).UTC()
}

// beginPcap reads the header of a file of the old format.
func (c *CaptureReader) beginPcap(magic []byte) error {
	s := source{name: "0", resolution: 6}
	switch {
	case binary.LittleEndian.Uint32(magic) == 0xa1b2c3d4:
		c.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic) == 0xa1b2c3d4:
		c.order = binary.BigEndian
	case binary.LittleEndian.Uint32(magic) == 0xa1b23c4d:
		c.order, s.resolution = binary.LittleEndian, 9
	case binary.BigEndian.Uint32(magic) == 0xa1b23c4d:
		c.order, s.resolution = binary.BigEndian, 9
	default:
		return badFormat("it begins with %x", magic)
	}
	b, err := c.read(24)
	if err != nil {
		return err
	}
	s.link = LinkType(c.order.Uint32(b[20:]) & 0xffff) // the rest speaks of frame check sequences
	c.interfaces = []source{s}
	return nil
}

// nextRecord reads a packet of the old format.
func (c *CaptureReader) nextRecord() (*Captured, error) {
	if _, err := c.r.Peek(1); err == io.EOF {
		return nil, io.EOF
	}
	b, err := c.read(16)
	if err != nil {
		return nil, err
	}
	s := &c.interfaces[0]
	seconds, part := c.order.Uint32(b), int64(c.order.Uint32(b[4:]))
	kept, length := c.order.Uint32(b[8:]), int(c.order.Uint32(b[12:]))
	if s.resolution == 6 {
		part *= 1000
	}
	if kept > blockMax {
		return nil, badFormat("a packet of %d octets, more than %d", kept, blockMax)
	}
	data, err := c.read(int(kept))
	if err != nil {
		return nil, err
	}
	return &Captured{
		Time: time.Unix(int64(seconds), part).UTC(), Interface: s.name, Link: s.link, Length: length, Data: data,
	}, nil
}
