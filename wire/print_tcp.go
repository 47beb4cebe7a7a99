package wire

import (
	"encoding/hex"
	"strconv"
)

// flagNames are the names of the control bits, in the order people read them.
var flagNames = [...]struct {
	bit  Flags
	name string
}{
	{SYN, "SYN"}, {FIN, "FIN"}, {RST, "RST"}, {PSH, "PSH"}, {ACK, "ACK"}, {URG, "URG"},
	{ECE, "ECE"}, {CWR, "CWR"}, {AE, "AE"},
}

// String returns the names of the bits that are set: SYN ACK. Of none it is "no flags".
func (f Flags) String() string { return string(f.appendTo(nil)) }

func (f Flags) appendTo(b []byte) []byte {
	at := len(b)
	for _, n := range flagNames {
		if f&n.bit != 0 {
			if len(b) > at {
				b = append(b, ' ')
			}
			b = append(b, n.name...)
		}
	}
	if len(b) == at {
		b = append(b, "no flags"...)
	}
	return b
}

// String returns a segment in one line, without its ports: its flags, the sequence
// numbers of its payload, and its options.
//
//	SYN seq 100 win 65535 <mss 1460, sackOK, ts 7 0, scale 7>
//	PSH ACK seq 101:111 ack 5 win 501 <ts 8 7>
func (s Segment) String() string {
	b := s.Flags.appendTo(make([]byte, 0, 96))
	b = appendNumber(append(b, " seq "...), uint32(s.Seq))
	if n := s.Payload.Len(); n > 0 {
		start := s.Seq
		if s.Flags&SYN != 0 {
			start++
		}
		b = appendNumber(append(b, ':'), uint32(start.Add(n)))
	}
	if s.Flags&ACK != 0 {
		b = appendNumber(append(b, " ack "...), uint32(s.Ack))
	}
	b = appendNumber(append(b, " win "...), uint32(s.Window))
	if s.Flags&URG != 0 {
		b = appendNumber(append(b, " urg "...), uint32(s.Urgent))
	}
	if s.Options.Has != 0 {
		b = s.Options.appendTo(append(b, " <"...))
		b = append(b, '>')
	}
	return string(b)
}

func appendNumber(b []byte, n uint32) []byte { return strconv.AppendUint(b, uint64(n), 10) }

// String returns the options in one line: mss 1460, sackOK, ts 7 0, scale 7.
func (p Options) String() string { return string(p.appendTo(nil)) }

func (p *Options) appendTo(b []byte) []byte {
	at := len(b)
	item := func(has OptionSet, name string, numbers ...uint32) {
		if p.Has&has == 0 {
			return
		}
		if len(b) > at {
			b = append(b, ", "...)
		}
		b = append(b, name...)
		for _, n := range numbers {
			b = appendNumber(append(b, ' '), n)
		}
	}
	item(HasMSS, "mss", uint32(p.MSS))
	item(HasSACKPermitted, "sackOK")
	item(HasTimestamp, "ts", p.TSVal, p.TSEcr)
	item(HasScale, "scale", uint32(p.Scale))
	if p.Has&HasFastOpen != 0 {
		item(HasFastOpen, "fast open")
		b = p.Cookie.appendTo(b)
	}
	if p.Has&HasSACK != 0 {
		item(HasSACK, "sack")
		for _, r := range p.SACK[:min(int(p.NSACK), len(p.SACK))] {
			b = appendNumber(append(b, ' '), uint32(r.Start))
			b = appendNumber(append(b, ':'), uint32(r.End))
		}
	}
	n := min(int(p.AccECN.N), 3)
	e := p.AccECN
	item(HasAccECN0, "accecn0", []uint32{e.E0B, e.CEB, e.E1B}[:n]...)
	item(HasAccECN1, "accecn1", []uint32{e.E1B, e.CEB, e.E0B}[:n]...)
	return b
}

func (c *Cookie) appendTo(b []byte) []byte {
	if c.Len == 0 {
		return append(b, " request"...)
	}
	return hex.AppendEncode(append(b, ' '), c.B[:c.size()])
}

// String returns the ends of the range, start:end.
func (r Range) String() string {
	b := appendNumber(nil, uint32(r.Start))
	return string(appendNumber(append(b, ':'), uint32(r.End)))
}
