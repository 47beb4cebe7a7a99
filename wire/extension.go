package wire

import "encoding/binary"

// Limits on what an IPv6 packet may carry before its transport header. RFC 8504
// §5.3 lets a host set them, with these defaults for options and padding.
const (
	maxExtensions = 8
	maxOptions    = 8 // besides padding, in one header
	maxPadding    = 7 // octets of padding in a row
)

// The options of hop-by-hop and destination headers that octet knows. All others
// are treated by the two highest bits of their type, jumbo payloads too.
const (
	optionPad1        = 0
	optionPadN        = 1
	optionRouterAlert = 5
)

// FragmentLen is the length of an IPv6 fragment header, in octets.
const FragmentLen = 8

// isExtension reports whether p is a header that octet reads on its way to the transport.
func isExtension(p Proto) bool {
	return p == ProtoHopByHop || p == ProtoDestOptions || p == ProtoRouting || p == ProtoFragment
}

// readExtensions walks the headers that follow the fixed one. b is the piece of the
// packet that holds them; count is how many were read before.
func (h *IP) readExtensions(b []byte, count int) Fault {
	for ; isExtension(h.Proto); count++ {
		if count == maxExtensions {
			return TooManyHeaders
		}
		if h.Proto == ProtoHopByHop && count > 0 {
			return HeaderOrder
		}
		at := int(h.HeaderLen)
		n, f := h.readExtension(b, at)
		if f != OK {
			return f
		}
		h.Proto, h.At = Proto(b[at]), uint16(at)
		h.HeaderLen = uint16(at + n)
		h.Extra = b[IPv6Len : at+n : at+n]
		if h.IsFragment() {
			return h.checkFirst(b, count+1)
		}
	}
	return OK
}

// readExtension checks the header h.Proto that begins at b[at] and returns its length.
func (h *IP) readExtension(b []byte, at int) (int, Fault) {
	n := extensionLen(h.Proto, b[at:])
	if n == 0 {
		return 0, Truncated
	}
	if h.Proto == ProtoFragment {
		return n, h.readFragmentHeader(b, at)
	}
	if h.Proto == ProtoRouting {
		// RFC 8200 §4.4: with no segments left it is ignored, of whatever type.
		if b[at+3] != 0 {
			h.At = uint16(at + 2)
			return 0, UnknownRouting
		}
		return n, OK
	}
	return n, h.readOptions6(b[:at+n], at+2)
}

// readOptions6 checks the options of a hop-by-hop or destination header, b[at:].
func (h *IP) readOptions6(b []byte, at int) Fault {
	options, padding := 0, 0
	for at < len(b) {
		n := 1
		if b[at] != optionPad1 {
			if at+2 > len(b) || at+2+int(b[at+1]) > len(b) {
				h.At = uint16(at)
				return BadOption
			}
			n = 2 + int(b[at+1])
		}
		if b[at] == optionPad1 || b[at] == optionPadN {
			padding += n
		} else {
			options, padding = options+1, 0
			if f := h.judgeOption(b[at]); f != OK {
				h.At = uint16(at)
				return f
			}
		}
		if options > maxOptions || padding > maxPadding {
			return TooManyHeaders
		}
		at += n
	}
	return OK
}

// judgeOption says what is to be done about an option of this type: RFC 8200 §4.2,
// the two highest bits.
func (h *IP) judgeOption(kind byte) Fault {
	if kind == optionRouterAlert {
		h.Flags |= RouterAlert
		return OK
	}
	switch kind >> 6 {
	case 0:
		return OK
	case 1:
		return UnwantedOption
	case 3:
		if h.Dst.IsMulticast() {
			return UnwantedOption
		}
	}
	return UnknownOption
}

// readFragmentHeader reads the fragment header at b[at] (RFC 8200 §4.5).
func (h *IP) readFragmentHeader(b []byte, at int) Fault {
	if h.Flags&Fragmented != 0 {
		return HeaderOrder
	}
	h.readFragmentFields(b[at:])
	f := h.checkFragment(h.Len-at-FragmentLen, at-IPv6Len)
	switch f {
	case FragmentLength:
		h.At = 4 // the payload length
	case FragmentRange:
		h.At = uint16(at + 2)
	}
	return f
}

func (h *IP) readFragmentFields(b []byte) {
	v := binary.BigEndian.Uint16(b[2:])
	h.Flags |= Fragmented
	h.Offset, h.ID = v&^7, binary.BigEndian.Uint32(b[4:])
	if v&1 != 0 {
		h.Flags |= MoreFragments
	}
}

// checkFirst checks that a first fragment holds all headers up to and with that of
// the transport (RFC 7112 §5). It leaves h as it is.
func (h *IP) checkFirst(b []byte, count int) Fault {
	if h.Offset != 0 {
		return OK
	}
	rest := *h
	rest.Offset, rest.Flags = 0, Fragmented
	switch f := rest.readExtensions(b, count); {
	case f == Truncated:
		h.At = 0
		return HeaderChain
	case f != OK:
		h.At = rest.At
		return f
	}
	if len(b)-int(rest.HeaderLen) < leastHeader(rest.Proto) {
		h.At = 0
		return HeaderChain
	}
	return OK
}

// leastHeader returns the length of the shortest header of a transport.
func leastHeader(p Proto) int {
	switch p {
	case ProtoTCP:
		return TCPLen
	case ProtoUDP, ProtoICMPv6:
		return UDPLen
	case ProtoNone:
		return 0
	}
	return 1
}

// PutFragment writes the IPv6 fragment header of a piece that begins offset octets
// into what is fragmented, to the first 8 octets of b. It belongs at the end of
// the Extra of the fragment's IP, and ProtoFragment into the header before it.
func PutFragment(b []byte, next Proto, offset int, more bool, id uint32) {
	b = b[:FragmentLen]
	v := uint16(offset) &^ 7
	if more {
		v |= 1
	}
	b[0], b[1] = byte(next), 0
	binary.BigEndian.PutUint16(b[2:], v)
	binary.BigEndian.PutUint32(b[4:], id)
}
