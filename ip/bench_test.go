package ip

import (
	"slices"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// packet builds an IP packet of a header and what follows it, which is sealed if
// it is of a protocol with a checksum.
func packet(h wire.IP, payload []byte) []byte {
	if len(h.Extra) == 0 {
		h.Next = h.Proto
	}
	if h.TTL == 0 {
		h.TTL = 64
	}
	h.Len = h.Size() + len(payload)
	b := make([]byte, h.Size(), h.Len)
	wire.PutIP(b, &h)
	payload = slices.Clone(payload)
	if h.Offset == 0 && h.Flags&wire.MoreFragments == 0 && len(payload) >= 8 {
		h.Seal(payload, nil)
	}
	return append(b, payload...)
}

// from and to make the header of a packet.
func between(src, dst string, proto wire.Proto) wire.IP {
	return wire.IP{Src: addr(src), Dst: addr(dst), Proto: proto}
}

// udp returns a datagram with a payload, without its checksum.
func udp(src, dst uint16, payload string) []byte {
	b := make([]byte, 8, 8+len(payload))
	wire.PutUDP(b, &wire.UDP{SrcPort: src, DstPort: dst, Payload: chunk.Borrow([]byte(payload))})
	return append(b, payload...)
}

// icmp returns an ICMP message.
func icmp(kind, code uint8, rest uint32, body []byte) []byte {
	b := make([]byte, 8, 8+len(body))
	wire.PutICMP(b, &wire.ICMP{Type: kind, Code: code, Rest: rest})
	return append(b, body...)
}

// arrive hands a packet in and returns the verdict.
func (b *bench) arrive(now mono.Time, in ID, octets []byte) Verdict {
	b.t.Helper()
	var v Verdict
	p := Packet{Octets: wire.Plain(octets), Interface: in}
	if len(octets) <= chunk.MaxSize {
		p.Data = p.Data.Own()
	}
	b.Arrive(now, &p, &v)
	p.Data.Release()
	return v
}

// want hands a packet in and checks what becomes of it: the kind, and the reason of a drop.
func (b *bench) want(now mono.Time, in ID, octets []byte, kind Kind, why Reason) Verdict {
	b.t.Helper()
	v := b.arrive(now, in, octets)
	if v.Kind != kind || v.Reason != why {
		b.t.Errorf("%v (%v), want %v (%v)", v.Kind, v.Reason, kind, why)
	}
	return v
}

// A sent packet is one that came out of Output, parsed.
type sent struct {
	Packet
	ip     wire.IP
	octets []byte // all of it
	body   []byte // what follows the IP headers
}

// output takes everything out of the node.
func (b *bench) output(now mono.Time) []sent {
	b.t.Helper()
	var all []sent
	for {
		var s sent
		if !b.Output(now, &s.Packet) {
			return all
		}
		s.octets = s.Octets.AppendTo(nil)
		s.Head = slices.Clone(s.Head)
		if s.Ether != wire.EtherARP {
			b.check(&s)
		}
		all = append(all, s)
	}
}

// one takes the only packet there is out of the node.
func (b *bench) one(now mono.Time) sent {
	b.t.Helper()
	all := b.output(now)
	if len(all) != 1 {
		b.t.Fatalf("sends %d packets, want one", len(all))
	}
	return all[0]
}

// none checks that there is nothing to send.
func (b *bench) none(now mono.Time) {
	b.t.Helper()
	if all := b.output(now); len(all) != 0 {
		b.t.Errorf("sends %d packets, want none: %x", len(all), all[0].octets)
	}
}

// check parses a packet that is sent. What others sent and we only forward may be
// wrong behind the fixed header.
func (b *bench) check(s *sent) {
	b.t.Helper()
	o := wire.Plain(s.octets)
	fault := wire.ParseIP(&o, &s.ip)
	_, ours := b.Tables().Local(s.ip.Src)
	if s.ip.Len != len(s.octets) || fault != wire.OK && (ours || !s.ip.Is6()) {
		b.t.Fatalf("sends a packet that is wrong: %v, %x", fault, s.octets)
	}
	s.body = s.octets[s.ip.HeaderLen:]
	o.Pull(int(s.ip.HeaderLen))
	if ours && !s.ip.IsFragment() && !s.NoSum && s.ip.Verify(&o) != wire.OK {
		b.t.Errorf("sends a wrong checksum: %x", s.octets)
	}
}
