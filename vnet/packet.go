package vnet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A Packet is what a rule sees of one that a host sends. It must not be kept.
type Packet struct {
	At       mono.Time
	From, To string         // names of hosts; To is empty for an address that no host has
	Src, Dst netip.AddrPort // the ports of TCP and UDP, else 0
	Proto    wire.Proto     // 0 for a frame that is no IP packet
	Flags    wire.Flags     // of TCP
	Seq, Ack wire.Seq       // of TCP
	Payload  int            // octets that TCP or UDP carries
	Len      int            // octets of the frame

	data *link.Packet
}

// Octets returns a copy of the frame.
func (p *Packet) Octets() []byte { return p.data.AppendTo(nil) }

// String prints the packet on one line.
func (p *Packet) String() string {
	return wire.Line(wire.Octets{Head: p.data.Head(), Data: chunk.Borrow(p.data.Data.B)}, wire.Framed|wire.Long)
}

// short names the packet: its ends, and what it is about.
func (p *Packet) short() string {
	if p.Proto == 0 {
		return fmt.Sprintf("a frame of %d octets", p.Len)
	}
	s := fmt.Sprintf("%v %v → %v", p.Proto, p.Src, p.Dst)
	if p.Proto == wire.ProtoTCP {
		s += fmt.Sprintf(" %v seq %d", p.Flags, p.Seq)
	}
	return fmt.Sprintf("%s, %d octets", s, p.Payload)
}

// read fills p in from a frame. It reads what it can and trusts nothing.
func (p *Packet) read(f *link.Packet) {
	*p = Packet{Len: f.Len(), data: f}
	var first [link.HeadRoom]byte // headers may lie in both parts
	b := begin(f, &first)
	rest := f.Len() - len(b)
	if len(b) < 14+20 {
		return
	}
	kind := wire.EtherType(binary.BigEndian.Uint16(b[12:]))
	b = b[14:]
	at, end := 0, 0
	var src, dst netip.Addr
	switch {
	case kind == wire.EtherIPv4 && b[0]>>4 == 4:
		src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		at, end = int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		p.Proto = wire.Proto(b[9])
		if binary.BigEndian.Uint16(b[6:])&0x1fff != 0 { // a later fragment has no ports
			at = len(b)
		}
	case kind == wire.EtherIPv6 && len(b) >= wire.IPv6Len && b[0]>>4 == 6:
		src, dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		at, end = wire.IPv6Len, wire.IPv6Len+int(binary.BigEndian.Uint16(b[4:]))
		p.Proto = wire.Proto(b[6])
	default:
		return
	}
	end = min(end, len(b)+rest)
	p.readPorts(b, at, end)
	p.Src, p.Dst = netip.AddrPortFrom(src, p.Src.Port()), netip.AddrPortFrom(dst, p.Dst.Port())
}

// begin returns the first octets of a frame in one piece.
func begin(f *link.Packet, to *[link.HeadRoom]byte) []byte {
	n := copy(to[:], f.Head())
	n += copy(to[n:], f.Data.B)
	return to[:n]
}

// readPorts reads the transport header at octet at of b; the packet ends at octet end.
func (p *Packet) readPorts(b []byte, at, end int) {
	if p.Proto != wire.ProtoTCP && p.Proto != wire.ProtoUDP || len(b) < at+8 {
		return
	}
	t := b[at:]
	p.Src = netip.AddrPortFrom(netip.Addr{}, binary.BigEndian.Uint16(t))
	p.Dst = netip.AddrPortFrom(netip.Addr{}, binary.BigEndian.Uint16(t[2:]))
	if p.Proto == wire.ProtoUDP {
		p.Payload = max(0, end-at-wire.UDPLen)
		return
	}
	if len(t) < wire.TCPLen {
		return
	}
	p.Seq, p.Ack = wire.Seq(binary.BigEndian.Uint32(t[4:])), wire.Seq(binary.BigEndian.Uint32(t[8:]))
	p.Flags = wire.Flags(t[13])
	p.Payload = max(0, end-at-int(t[12]>>4)*4)
}

// A Verdict is what a rule makes of a packet; the zero Verdict lets it go on. The
// verdicts of several rules add up.
type Verdict = link.Passage

// Verdicts.
var (
	Pass  = Verdict{}
	Drop  = Verdict{Stop: true}
	Twice = Verdict{Twice: true}
)

// Delay lets a packet travel so much longer, so that others may overtake it.
func Delay(d time.Duration) Verdict { return Verdict{Delay: d} }

// A rule is a function with an identity.
type rule struct{ f func(*Packet) Verdict }

// OnPacket has f say what becomes of each packet that a host sends (not of those
// that routers forward), until stop is called. f is called with no lock held, in
// the order in which packets start, never twice at once; it must not wait.
func (n *Net) OnPacket(f func(p *Packet) Verdict) (stop func()) {
	return add(&n.mu, &n.rules, &rule{f})
}

// add appends to a list that is read without a lock, and returns what takes it out.
func add[T comparable](mu *sync.Mutex, list *atomic.Pointer[[]T], x T) (stop func()) {
	change := func(f func([]T) []T) {
		mu.Lock()
		defer mu.Unlock()
		l := f(slices.Clone(*list.Load()))
		list.Store(&l)
	}
	change(func(l []T) []T { return append(l, x) })
	return func() {
		change(func(l []T) []T { return slices.DeleteFunc(l, func(y T) bool { return y == x }) })
	}
}

// A Match says whether a packet is meant. Its methods narrow it.
type Match func(p *Packet) bool

// What every match begins with.
var (
	Any  Match = func(*Packet) bool { return true }
	TCP  Match = func(p *Packet) bool { return p.Proto == wire.ProtoTCP }
	UDP  Match = func(p *Packet) bool { return p.Proto == wire.ProtoUDP }
	ICMP Match = func(p *Packet) bool { return p.Proto == wire.ProtoICMPv4 || p.Proto == wire.ProtoICMPv6 }
)

// If makes a rule: the verdict for packets that match.
func If(m Match, v Verdict) func(*Packet) Verdict {
	return func(p *Packet) Verdict {
		if m(p) {
			return v
		}
		return Pass
	}
}

// And narrows a match by another.
func (m Match) And(o Match) Match { return func(p *Packet) bool { return m(p) && o(p) } }

// SYN keeps segments that open a connection, and their answers out (SYN without ACK).
func (m Match) SYN() Match {
	return m.And(func(p *Packet) bool { return p.Flags.Has(wire.SYN) && !p.Flags.Has(wire.ACK) })
}

// SYNACK keeps the answers to SYNs.
func (m Match) SYNACK() Match {
	return m.And(func(p *Packet) bool { return p.Flags.Has(wire.SYN | wire.ACK) })
}

// FIN keeps segments that end a direction.
func (m Match) FIN() Match { return m.And(func(p *Packet) bool { return p.Flags.Has(wire.FIN) }) }

// RST keeps resets.
func (m Match) RST() Match { return m.And(func(p *Packet) bool { return p.Flags.Has(wire.RST) }) }

// Data keeps packets that carry something.
func (m Match) Data() Match { return m.And(func(p *Packet) bool { return p.Payload > 0 }) }

// From keeps packets of a host.
func (m Match) From(host string) Match {
	return m.And(func(p *Packet) bool { return p.From == host })
}

// To keeps packets to a host.
func (m Match) To(host string) Match { return m.And(func(p *Packet) bool { return p.To == host }) }

// Port keeps packets from or to a port.
func (m Match) Port(port uint16) Match {
	return m.And(func(p *Packet) bool { return p.Src.Port() == port || p.Dst.Port() == port })
}

// Nth keeps the k-th packet that matches so far, counted from 1. A match with a
// count is for one rule.
func (m Match) Nth(k int) Match {
	count := 0
	return m.And(func(*Packet) bool {
		count++
		return count == k
	})
}
