package explain

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// A Packet is a packet of a capture, or one given in hexadecimal.
type Packet struct {
	Number    int      `json:"number"`
	At        int64    `json:"at_us" jsonschema:"since the first packet"`
	Interface string   `json:"interface,omitempty"`
	Direction string   `json:"direction,omitempty" jsonschema:"in or out, if the capture says"`
	Octets    int      `json:"octets" jsonschema:"of the packet as it was"`
	Captured  int      `json:"captured_octets"`
	Layers    string   `json:"layers,omitempty" jsonschema:"each layer with the octets it takes"`
	Line      string   `json:"line" jsonschema:"the packet in one line"`
	Comments  []string `json:"comments,omitempty"`
	Fields    []Field  `json:"fields,omitempty"`

	text string // the fields for people
}

// A Field is one thing that a packet says.
type Field struct {
	Layer  string `json:"layer"`
	At     int    `json:"at_octet"`
	Octets int    `json:"octets"`
	Name   string `json:"name"`
	Value  string `json:"value"`
	Note   string `json:"note,omitempty"`
}

// Text returns the fields of the packet as lines, if they were asked for.
func (p *Packet) Text() string { return p.text }

// OnePacket explains the octets of an IP packet or Ethernet frame. It reports false if
// they begin with neither.
func OnePacket(b []byte) (*Packet, bool) {
	form, ok := formOf(b)
	if !ok {
		return nil, false
	}
	p := &Packet{Number: 1, Octets: len(b), Captured: len(b)}
	p.read(b, form, true)
	return p, true
}

// read fills in what the octets say.
func (p *Packet) read(b []byte, form wire.Form, fields bool) {
	o := wire.Plain(b)
	p.Layers, p.Line = wire.Layers(o, form), wire.Line(o, form|wire.Long)
	if !fields {
		return
	}
	p.text = wire.ExplainText(o, form)
	for _, f := range wire.Explain(o, form) {
		p.Fields = append(p.Fields, Field{f.Layer, f.At, f.Len, f.Name, f.Value, f.Note})
	}
}

// formOf guesses what octets without a capture around them are: an IP packet whose
// length fits, else a frame of a known type, else whatever has a version of IP.
func formOf(b []byte) (wire.Form, bool) {
	if len(b) < 20 {
		return 0, false
	}
	version := b[0] >> 4
	length := int(binary.BigEndian.Uint16(b[2:]))
	if version == 6 {
		length = int(binary.BigEndian.Uint16(b[4:])) + 40
	}
	known := false
	switch wire.EtherType(binary.BigEndian.Uint16(b[12:])) {
	case wire.EtherIPv4, wire.EtherIPv6, wire.EtherARP, 0x8100:
		known = true
	}
	switch isIP := version == 4 && b[0]&15 >= 5 || version == 6; {
	case isIP && length >= 20 && length <= len(b):
		return 0, true
	case known:
		return wire.Framed, true
	default:
		return 0, isIP
	}
}

// IsCapture reports whether octets begin as a pcapng or pcap file does.
func IsCapture(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch binary.BigEndian.Uint32(b) {
	case 0x0a0d0d0a, 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1:
		return true
	}
	return false
}

// Capture explains each packet of a capture file, with its fields if they are asked
// for. It returns what is wrong with the file; the packets before that are told.
func Capture(r io.Reader, fields bool, told func(*Packet) error) error {
	in, err := link.NewCaptureReader(r)
	if err != nil {
		return err
	}
	var first time.Time
	for number := 1; ; number++ {
		c, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if number == 1 {
			first = c.Time
		}
		if err := told(captured(c, number, first, fields)); err != nil {
			return err
		}
	}
}

func captured(c *link.Captured, number int, first time.Time, fields bool) *Packet {
	p := &Packet{
		Number: number, At: c.Time.Sub(first).Microseconds(), Interface: c.Interface,
		Octets: c.Length, Captured: len(c.Data), Comments: c.Comments,
		Direction: map[byte]string{'i': "in", 'o': "out"}[c.Direction],
	}
	b, ethernet, ok := c.IP()
	switch {
	case !ok:
		p.Line = "a packet of link type " + strconv.Itoa(int(c.Link)) + ", which octet does not know"
	case ethernet:
		p.read(b, wire.Framed, fields)
	default:
		p.read(b, 0, fields)
	}
	return p
}

// Hex returns the octets that a text gives in hexadecimal: plain, with blanks or
// colons between them, or as tcpdump -x, xxd and hexdump -C print them, with an
// offset before each line and characters behind. It reports false if the text is
// something else.
func Hex(text string) ([]byte, bool) {
	var all []byte
	for line := range strings.SplitSeq(text, "\n") {
		digits := strings.NewReplacer(" ", "", "\t", "", "\r", "", ":", "").Replace(withoutMargins(line, len(all)))
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, false
		}
		all = append(all, b...)
	}
	return all, len(all) > 0
}

// withoutMargins takes off a line of a dump the offset before its octets, which must
// be as many as were before, and the characters behind: after two blanks where the
// offset has a colon, else between bars.
func withoutMargins(line string, at int) string {
	line = strings.TrimSpace(line)
	word, rest, found := strings.Cut(line, " ")
	digits, colon := strings.CutSuffix(word, ":")
	digits = strings.TrimPrefix(digits, "0x")
	offset, err := strconv.ParseUint(digits, 16, 32)
	switch rest = strings.TrimSpace(rest); {
	case err != nil || len(digits) < 4 || int(offset) != at:
		return line
	case colon:
		octets, _, _ := strings.Cut(rest, "  ")
		return octets
	case len(digits) == 8 && (!found || strings.Contains(line, "  ")):
		octets, _, _ := strings.Cut(rest, "|")
		return octets
	}
	return line
}
