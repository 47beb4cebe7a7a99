package packetdrill

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/octet-net/octet/wire"
)

// theirISN is where the sequence numbers of the script's own packets begin on the
// wire: near the top, so that every script also crosses zero.
const theirISN = 1<<32 - 20_000

// A flow maps between the numbers of a script, which begin at zero, and those on
// the wire.
type flow struct {
	local, remote netip.AddrPort
	ours          uint32 // initial sequence number of the host under test
	known         bool   // ours has been seen

	cookie []byte // of Fast Open, as the host gave it last

	clock          bool // a timestamp of the host has been seen
	script0, wire0 uint32
	echoes         map[uint32]uint32 // script's TS val of the host → that on the wire
}

// learn takes the initial sequence number from a SYN of the host.
func (f *flow) learn(seg []byte) {
	if flagsOf(seg).Has(wire.SYN) {
		f.ours, f.known = binary.BigEndian.Uint32(seg[4:]), true
	}
}

func flagsOf(seg []byte) wire.Flags {
	return wire.Flags(binary.BigEndian.Uint16(seg[12:]) & 0x1ff)
}

// inject returns the octets of the segment that a script sends to the host.
func (f *flow) inject(ip IPFields, t *TCP) ([]byte, error) {
	if t.Window < 0 {
		return nil, fmt.Errorf("a segment to the host needs its window: add win 65535")
	}
	options, err := f.putOptions(t.Options)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 20, 60)
	binary.BigEndian.PutUint16(head, f.remote.Port())
	binary.BigEndian.PutUint16(head[2:], f.local.Port())
	seq := t.Start
	if !t.Absolute {
		seq += theirISN
	}
	binary.BigEndian.PutUint32(head[4:], seq)
	if t.Flags.Has(wire.ACK) || t.Ack != 0 {
		binary.BigEndian.PutUint32(head[8:], uint32(t.Ack)+f.ours)
	}
	head = append(head, options...)
	binary.BigEndian.PutUint16(head[12:], uint16(len(head)/4)<<12|uint16(t.Flags))
	binary.BigEndian.PutUint16(head[14:], uint16(t.Window))
	binary.BigEndian.PutUint16(head[18:], uint16(max(t.Urgent, 0)))
	payload := make([]byte, t.Len)
	for i := range payload {
		payload[i] = byte(t.Start + uint32(i))
	}
	return f.packet(ip, wire.ProtoTCP, head, payload), nil
}

// packet puts an IP header before a transport packet from the far end.
func (f *flow) packet(ip IPFields, proto wire.Proto, head, payload []byte) []byte {
	h := wire.IP{Src: f.remote.Addr(), Dst: f.local.Addr(), Proto: proto, Next: proto, TTL: 64, Flags: wire.DontFragment}
	if ip.TOS >= 0 {
		h.TOS = uint8(ip.TOS)
	}
	if ip.ECN >= 0 {
		h.TOS = h.TOS&^3 | uint8(ip.ECN)
	}
	if ip.TTL >= 0 {
		h.TTL = uint8(ip.TTL)
	}
	n := h.Size()
	h.Len = n + len(head) + len(payload)
	b := make([]byte, n, h.Len)
	wire.PutIP(b, &h)
	h.Seal(head, payload)
	return append(append(b, head...), payload...)
}

// putOptions writes options exactly as the script gives them, padded to a word.
func (f *flow) putOptions(list []TCPOption) ([]byte, error) {
	var b []byte
	for _, o := range list {
		b = append(b, f.putOption(o)...)
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	if len(b) > wire.MaxTCPOptions {
		return nil, fmt.Errorf("the options take %d octets, a header has room for 40", len(b))
	}
	return b, nil
}

func (f *flow) putOption(o TCPOption) []byte {
	switch o.Kind {
	case OptEOL:
		return []byte{0}
	case OptNOP:
		return []byte{1}
	case OptMSS:
		return binary.BigEndian.AppendUint16([]byte{2, 4}, uint16(o.Value))
	case OptScale:
		return []byte{3, 3, byte(o.Value)}
	case OptSACKPermitted:
		return []byte{4, 2}
	case OptSACK:
		b := []byte{5, byte(2 + 8*len(o.Blocks))}
		for _, x := range o.Blocks { // what the far end has of ours
			b = binary.BigEndian.AppendUint32(b, x[0]+f.ours)
			b = binary.BigEndian.AppendUint32(b, x[1]+f.ours)
		}
		return b
	case OptTimestamp:
		b := binary.BigEndian.AppendUint32([]byte{8, 10}, o.Value)
		return binary.BigEndian.AppendUint32(b, f.echo(o))
	case OptFastOpen:
		if o.Ignore {
			o.Data = f.cookie
		}
		return append([]byte{34, byte(2 + len(o.Data))}, o.Data...)
	}
	return append([]byte{o.Code, byte(2 + len(o.Data))}, o.Data...)
}

// echo maps the TS ecr of a script to the wire: by the packet that carried the
// value, else by its distance from the first.
func (f *flow) echo(o TCPOption) uint32 {
	if o.Absolute {
		return o.Echo
	}
	if v, ok := f.echoes[o.Echo]; ok {
		return v
	}
	if f.clock && o.Echo != 0 {
		return o.Echo - f.script0 + f.wire0
	}
	return o.Echo
}

// A sighting is a packet that the host sent, in the numbers of the script.
type sighting struct {
	at   time.Duration // since the start of the script
	ip   wire.IP
	tcp  *TCP   // nil if it is none
	text string // of a packet that is no TCP
}

// see reads a packet of the host. want is what the script expects there, from
// which the first timestamp is mapped.
func (f *flow) see(packet []byte, want *TCP) (*sighting, error) {
	o := wire.Plain(packet)
	s := &sighting{}
	if fault := wire.ParseIP(&o, &s.ip); fault != wire.OK {
		return nil, fmt.Errorf("the host sent a packet that is not valid: %v", fault)
	}
	o.Pull(int(s.ip.HeaderLen))
	if fault := s.ip.Verify(&o); fault != wire.OK {
		return nil, fmt.Errorf("the host sent a packet that is not valid: %v", fault)
	}
	if s.ip.Proto != wire.ProtoTCP {
		s.text = fmt.Sprintf("%v, %d octets", s.ip.Proto, o.Len())
		return s, nil
	}
	seg := o.Front()
	f.learn(seg)
	n := int(seg[12]>>4) * 4
	s.tcp = &TCP{
		Flags:  flagsOf(seg),
		Start:  binary.BigEndian.Uint32(seg[4:]) - f.ours,
		Len:    o.Len() - n,
		Window: int(binary.BigEndian.Uint16(seg[14:])),
		Urgent: -1,
	}
	if want != nil && want.Absolute {
		s.tcp.Start, s.tcp.Absolute = binary.BigEndian.Uint32(seg[4:]), true
	}
	if s.tcp.Flags.Has(wire.ACK) {
		s.tcp.Ack = int64(binary.BigEndian.Uint32(seg[8:]) - theirISN)
	}
	if s.tcp.Flags.Has(wire.URG) {
		s.tcp.Urgent = int(binary.BigEndian.Uint16(seg[18:]))
	}
	s.tcp.Options = f.readOptions(seg[20:n], want)
	return s, nil
}

// readOptions decodes options of the host, whatever they are.
func (f *flow) readOptions(b []byte, want *TCP) (list []TCPOption) {
	for len(b) > 0 {
		n := 1
		if b[0] > 1 {
			if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
				return append(list, TCPOption{Kind: OptUnknown, Code: b[0]})
			}
			n = int(b[1])
		}
		list = append(list, f.readOption(b[:n], want))
		b = b[n:]
	}
	return list
}

func (f *flow) readOption(b []byte, want *TCP) TCPOption {
	switch {
	case b[0] == 0:
		return TCPOption{Kind: OptEOL}
	case b[0] == 1:
		return TCPOption{Kind: OptNOP}
	case b[0] == 2 && len(b) == 4:
		return TCPOption{Kind: OptMSS, Value: uint32(binary.BigEndian.Uint16(b[2:]))}
	case b[0] == 3 && len(b) == 3:
		return TCPOption{Kind: OptScale, Value: uint32(b[2])}
	case b[0] == 4 && len(b) == 2:
		return TCPOption{Kind: OptSACKPermitted}
	case b[0] == 5 && len(b)%8 == 2:
		o := TCPOption{Kind: OptSACK}
		for b = b[2:]; len(b) >= 8; b = b[8:] { // what the host has of the far end's
			o.Blocks = append(o.Blocks, [2]uint32{binary.BigEndian.Uint32(b) - theirISN, binary.BigEndian.Uint32(b[4:]) - theirISN})
		}
		return o
	case b[0] == 8 && len(b) == 10:
		return f.readTimestamp(binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:]), want)
	case b[0] == kindAccECN0 || b[0] == kindAccECN1:
		return TCPOption{Kind: OptAccECN, Code: b[0], Data: append([]byte(nil), b[2:]...)}
	case b[0] == 34:
		f.cookie = append([]byte(nil), b[2:]...)
		return TCPOption{Kind: OptFastOpen, Data: f.cookie}
	}
	return TCPOption{Kind: OptUnknown, Code: b[0], Data: append([]byte(nil), b[2:]...)}
}

// readTimestamp maps the host's clock: its first value stands for the first that
// the script expects.
func (f *flow) readTimestamp(val, ecr uint32, want *TCP) TCPOption {
	wanted := findOption(want, OptTimestamp)
	if !f.clock && wanted != nil {
		f.clock, f.script0, f.wire0 = true, wanted.Value, val
	}
	if wanted != nil {
		if f.echoes == nil {
			f.echoes = map[uint32]uint32{}
		}
		f.echoes[wanted.Value] = val
	}
	return TCPOption{Kind: OptTimestamp, Value: val - f.wire0 + f.script0, Echo: ecr}
}

// String prints the packet as a line of a script.
func (s *sighting) String() string {
	k := Packet{Out: true, IP: IPFields{TOS: int(s.ip.TOS), ECN: -1, TTL: int(s.ip.TTL)}, TCP: s.tcp}
	if s.tcp == nil {
		return secs(s.at) + " > " + s.text
	}
	return secs(s.at) + " " + k.String()
}
