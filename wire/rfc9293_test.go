package wire

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// sealedWith returns a TCP segment with raw options, sealed for the IPv4 header.
func sealedWith(options []byte, payload string) (IP, []byte) {
	for len(options)%4 != 0 {
		options = append(options, 0)
	}
	b := make([]byte, TCPLen, TCPLen+len(options)+len(payload))
	PutTCP(b, &Segment{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: ACK, Window: 5})
	b[12] = byte(TCPLen+len(options)) / 4 << 4
	b = append(append(b, options...), payload...)
	h := IP{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), Proto: ProtoTCP}
	h.Seal(b, nil)
	return h, b
}

// "The receiver MUST check it": every changed bit of a segment is noticed.
func TestRFC9293_MUST3_ChecksumIsChecked(t *testing.T) {
	h, b := sealedWith([]byte{2, 4, 5, 0xb4}, "some text")
	o := Plain(b)
	if f := h.Verify(&o); f != OK {
		t.Fatalf("a good segment fails: %v", f)
	}
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		o := Plain(b)
		if f := h.Verify(&o); f != BadChecksum {
			t.Errorf("bit %d changed: %v", bit, f)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	h.Dst = netip.MustParseAddr("192.0.2.3")
	o = Plain(b)
	if f := h.Verify(&o); f != BadChecksum {
		t.Errorf("for another destination: %v", f)
	}
}

// "A TCP implementation MUST support (end of option list, no-operation, maximum segment size)".
func TestRFC9293_MUST4_BasicOptions(t *testing.T) {
	_, b := sealedWith([]byte{1, 1, 2, 4, 0x05, 0xb4, 0, 3, 3, 7}, "")
	o := Plain(b)
	var s Segment
	if f := ParseTCP(&o, &s); f != OK {
		t.Fatal(f)
	}
	if s.Options.Has != HasMSS || s.Options.MSS != 1460 {
		t.Errorf("options %+v: want the MSS of 1460, and nothing from behind the end of the list", s.Options)
	}
}

// "TCP implementations MUST be prepared to handle an illegal option length (e.g., zero)".
func TestRFC9293_MUST7_IllegalLengths(t *testing.T) {
	for kind := 2; kind < 256; kind++ {
		for _, length := range []byte{0, 1, 39, 40, 255} {
			_, b := sealedWith([]byte{2, 4, 1, 0, byte(kind), length, 0, 0}, "text")
			o := Plain(b)
			var s Segment
			if f := ParseTCP(&o, &s); f != OK || string(s.Payload.B) != "text" || s.Options.MSS != 256 {
				t.Errorf("kind %d length %d: %v, payload %q, options %+v", kind, length, f, s.Payload.B, s.Options)
			}
		}
	}
}

// allOptions are the combinations of options that octet sends.
var allOptions = []Options{
	{Has: HasMSS, MSS: 1460},
	{Has: HasMSS | HasScale, MSS: 1460, Scale: 7},
	{Has: HasMSS | HasScale | HasSACKPermitted | HasTimestamp, MSS: 1460, Scale: 7, TSVal: 1, TSEcr: 2},
	{Has: HasTimestamp | HasSACK, TSVal: 1, TSEcr: 2, NSACK: 3, SACK: [4]Range{{1, 2}, {3, 4}, {5, 6}}},
	{Has: HasSACK, NSACK: 4, SACK: [4]Range{{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
	{Has: HasFastOpen, Cookie: Cookie{Len: 8}},
	{Has: HasMSS | HasFastOpen, MSS: 1, Cookie: Cookie{Len: 5}},
}

// "all options ... MUST have length fields" but end of list and no-operation.
func TestRFC9293_MUST68_LengthsAreWritten(t *testing.T) {
	for _, o := range allOptions {
		b := make([]byte, 60)
		s := Segment{Options: o}
		PutTCP(b, &s)
		for rest := b[TCPLen:s.HeaderLen()]; len(rest) > 0 && rest[0] != 0; {
			n := 1
			if rest[0] != 1 {
				if n = int(rest[1]); n < 2 || n > len(rest) {
					t.Fatalf("%+v: option %d has the length %d", o, rest[0], n)
				}
			}
			rest = rest[n:]
		}
	}
}

// "The content of the header beyond the End of Option List option MUST be header padding of zeros."
func TestRFC9293_MUST69_PaddingIsZero(t *testing.T) {
	for _, o := range allOptions {
		b := make([]byte, 60)
		for i := range b {
			b[i] = 0xff
		}
		s := Segment{Options: o}
		PutTCP(b, &s)
		ended := false
		for i := TCPLen; i < s.HeaderLen(); {
			switch {
			case ended && b[i] != 0:
				t.Fatalf("%+v: octet %d behind the end of the list is %#x", o, i, b[i])
			case ended || b[i] == 1:
				i++
			case b[i] == 0:
				ended = true
				i++
			default:
				i += int(b[i+1])
			}
		}
		if n := int(binary.BigEndian.Uint16(b[12:])>>12) * 4; n != s.HeaderLen() {
			t.Errorf("%+v: data offset %d, header %d", o, n, s.HeaderLen())
		}
	}
}

// "a TCP implementation MUST ignore [IP] options that it does not understand".
func TestRFC9293_MUST50_UnknownIPOptions(t *testing.T) {
	h := IP{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), Proto: ProtoTCP, TTL: 9,
		Extra: []byte{1, 0x9e, 6, 1, 2, 3, 4, 0}}
	_, tcp := sealedWith(nil, "text")
	h.Len = h.Size() + len(tcp)
	b := make([]byte, h.Size(), h.Len)
	PutIP(b, &h)
	o := Plain(append(b, tcp...))
	var got IP
	if f := ParseIP(&o, &got); f != OK || got.Flags != 0 {
		t.Fatalf("a packet with an unknown option: %v, flags %b", f, got.Flags)
	}
	o.Pull(int(got.HeaderLen))
	var s Segment
	if f := ParseTCP(&o, &s); f != OK || string(s.Payload.B) != "text" {
		t.Errorf("its segment: %v, %q", f, s.Payload.B)
	}
}
