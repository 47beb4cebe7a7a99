package wire

import "encoding/binary"

// The TCP options that octet speaks, by kind (IANA's registry).
const (
	kindEnd           = 0
	kindNoOperation   = 1
	kindMSS           = 2
	kindScale         = 3
	kindSACKPermitted = 4
	kindSACK          = 5
	kindTimestamp     = 8
	kindFastOpen      = 34
	kindAccECN0       = 172
	kindAccECN1       = 174
)

// maxScale is the largest shift of a window (RFC 7323 §2.3).
const maxScale = 14

// timestampWord begins the option block of nearly every segment: two NOPs, then
// the timestamps option (RFC 7323 appendix A).
const timestampWord = kindNoOperation<<24 | kindNoOperation<<16 | kindTimestamp<<8 | 10

// parse decodes an option block.
// Options may stand in any segment (MUST-5) and begin at any octet (MUST-64). End of
// list, no-operation and MSS are understood like the others (MUST-4).
func (p *Options) parse(b []byte) {
	if len(b) == 12 && binary.BigEndian.Uint32(b) == timestampWord {
		p.Has = HasTimestamp
		p.TSVal, p.TSEcr = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
		return
	}
	for len(b) > 0 {
		kind, body, n := nextTCPOption(b)
		if n == 0 || !p.read(kind, body) {
			// RFC 9293 §3.1, MUST-7: an illegal length harms nothing but the
			// options from there on.
			return
		}
		b = b[n:]
	}
}

// nextTCPOption returns the first option of b and how many octets it takes: none
// where the list ends or the option has an illegal length.
func nextTCPOption(b []byte) (kind byte, body []byte, n int) {
	switch kind = b[0]; {
	case kind == kindEnd:
		return kind, nil, 0
	case kind == kindNoOperation:
		return kind, nil, 1
	case len(b) < 2 || b[1] < 2 || int(b[1]) > len(b):
		return kind, nil, 0
	}
	n = int(b[1])
	return kind, b[2:n:n], n
}

// read decodes one option. It reports false if its length is not one that the kind
// can have. An option that comes twice counts as it stands last.
func (p *Options) read(kind byte, body []byte) bool {
	switch kind {
	case kindMSS:
		return p.readMSS(body)
	case kindScale:
		return p.readScale(body)
	case kindSACKPermitted:
		if len(body) != 0 {
			return false
		}
		p.Has |= HasSACKPermitted
	case kindSACK:
		return p.readSACK(body)
	case kindTimestamp:
		if len(body) != 8 {
			return false
		}
		p.Has |= HasTimestamp
		p.TSVal, p.TSEcr = binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	case kindFastOpen:
		p.readCookie(body)
	case kindAccECN0, kindAccECN1:
		p.readAccECN(kind, body)
	}
	return true // MUST-6: unknown kinds are ignored
}

func (p *Options) readMSS(body []byte) bool {
	if len(body) != 2 {
		return false
	}
	p.Has |= HasMSS
	p.MSS = binary.BigEndian.Uint16(body)
	return true
}

func (p *Options) readScale(body []byte) bool {
	if len(body) != 1 {
		return false
	}
	p.Has |= HasScale
	p.Scale = min(body[0], maxScale) // RFC 7323 §2.3: use 14 for more
	return true
}

func (p *Options) readSACK(body []byte) bool {
	if len(body) == 0 || len(body)%8 != 0 || len(body) > 8*len(p.SACK) {
		return false
	}
	p.Has |= HasSACK
	p.NSACK = uint8(len(body) / 8)
	for i := range p.NSACK {
		r := body[8*i:]
		p.SACK[i] = Range{Seq(binary.BigEndian.Uint32(r)), Seq(binary.BigEndian.Uint32(r[4:]))}
	}
	clear(p.SACK[p.NSACK:])
	return true
}

// readCookie reads a Fast Open option. RFC 7413 §4.1.1: one of invalid length is
// ignored, by itself.
func (p *Options) readCookie(body []byte) {
	if n := len(body); n != 0 && (n < 4 || n > 16 || n%2 != 0) {
		return
	}
	p.Has |= HasFastOpen
	p.Cookie = Cookie{Len: uint8(len(body))}
	copy(p.Cookie.B[:], body)
}

// readAccECN reads the counters of an AccECN option. RFC 9768 §3.2.3: the length
// says how many; what is not a whole field, or a fourth, is ignored.
func (p *Options) readAccECN(kind byte, body []byte) {
	var f [3]uint32
	n := min(len(body)/3, len(f))
	for i := range n {
		f[i] = uint32(body[3*i])<<16 | uint32(body[3*i+1])<<8 | uint32(body[3*i+2])
	}
	p.Has &^= HasAccECN0 | HasAccECN1
	if kind == kindAccECN0 {
		p.Has |= HasAccECN0
		p.AccECN = AccECN{uint8(n), f[0], f[1], f[2]}
	} else {
		p.Has |= HasAccECN1
		p.AccECN = AccECN{uint8(n), f[2], f[1], f[0]}
	}
}
