package link

import (
	"net/netip"
	"sync"
	"testing"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// An echoer is a host in a hundred lines, of the kind that answers: UDP and
// echo requests with themselves, TCP with acknowledgements and the payload back.
// It keeps the headers apart from the data, as our stack does.
type echoer struct {
	t *testing.T
	d Device

	mu     sync.Mutex
	mac    [6]byte // of the kernel's side, learnt
	conn   echoTCP
	got    int // packets
	large  int // of more than one segment
	noSum  int
	longer int // than the MTU
}

// echoTCP is one connection that sends back what it receives. It keeps within the
// window of the peer, and repeats nothing: nothing is lost on the way.
type echoTCP struct {
	nxt, peer wire.Seq
	edge      wire.Seq // how far the peer's window goes; what arrives late does not draw it back
	scale     uint8
	pending   []byte // received and not sent back
	end       bool   // after these comes our FIN
}

func (e *echoer) Receive(_ mono.Time, batch []Packet) {
	e.mu.Lock()
	for i := range batch {
		e.receive(&batch[i])
	}
	e.mu.Unlock()
	e.d.Flush()
}

func (e *echoer) receive(p *Packet) {
	o := wire.Octets{Head: p.Head(), Data: chunk.Borrow(p.Data.B)}
	info := e.d.Info()
	if info.Ethernet {
		var f wire.Ethernet
		if wire.ParseEthernet(&o, &f) != wire.OK {
			return
		}
		if f.Type == wire.EtherARP {
			e.answerARP(&o)
			return
		}
		e.mac = f.Src
		o.Pull(f.Size())
	}
	var h wire.IP
	if wire.ParseIP(&o, &h) != wire.OK || h.Dst.IsMulticast() && h.Proto != wire.ProtoICMPv6 {
		return
	}
	o.Pull(int(h.HeaderLen))
	if !p.NoSum && h.Verify(&o) != wire.OK {
		e.t.Errorf("a packet of %v from the kernel has a wrong checksum", h.Proto)
	}
	e.note(p, &h, o.Len(), info.MTU)
	switch h.Proto {
	case wire.ProtoUDP:
		var u wire.UDP
		if wire.ParseUDP(&o, &u) == wire.OK {
			u.SrcPort, u.DstPort = u.DstPort, u.SrcPort
			head := make([]byte, wire.UDPLen)
			wire.PutUDP(head, &u)
			e.send(&h, head, u.Payload.Own(), 0)
		}
	case wire.ProtoTCP:
		var s wire.Segment
		if wire.ParseTCP(&o, &s) == wire.OK {
			e.tcp(&h, &s)
		}
	case wire.ProtoICMPv6:
		e.solicited(&h, &o)
	}
}

func (e *echoer) note(p *Packet, h *wire.IP, n, mtu int) {
	e.got++
	if p.SegmentSize != 0 {
		e.large++
	}
	if p.NoSum {
		e.noSum++
	}
	if int(h.HeaderLen)+n > mtu && p.SegmentSize == 0 {
		e.longer++
	}
}

// send answers h with a transport packet.
func (e *echoer) send(h *wire.IP, transport []byte, payload chunk.View, segment uint16) {
	back := wire.IP{Src: h.Dst, Dst: h.Src, Proto: h.Proto, TTL: 255, Flags: wire.DontFragment}
	e.put(back, transport, payload, segment)
}

func (e *echoer) put(back wire.IP, transport []byte, payload chunk.View, segment uint16) {
	back.Len = back.Size() + len(transport) + payload.Len()
	p := Packet{Data: payload, SegmentSize: segment, NoSum: e.d.Info().NoSum}
	if !p.NoSum {
		back.Seal(transport, payload.B)
	}
	copy(p.SetHead(len(transport)), transport)
	wire.PutIP(p.Push(back.Size()), &back)
	if info := e.d.Info(); info.Ethernet {
		f := wire.Ethernet{Dst: e.mac, Src: info.MAC, Type: wire.EtherIPv4}
		if back.Is6() {
			f.Type = wire.EtherIPv6
		}
		wire.PutEthernet(p.Push(etherHeader), &f)
	}
	e.d.Send(&p)
}

// tcp accepts a connection, sends back what comes and closes when the peer does.
func (e *echoer) tcp(h *wire.IP, s *wire.Segment) {
	c := &e.conn
	if s.Flags.Has(wire.SYN) {
		*c = echoTCP{nxt: 1001, edge: 1001, peer: s.Seq + 1, scale: s.Options.Scale}
		answer := wire.Segment{SrcPort: s.DstPort, DstPort: s.SrcPort, Seq: 1000, Ack: c.peer, Flags: wire.SYN | wire.ACK, Window: 65535}
		answer.Options = wire.Options{Has: wire.HasMSS | wire.HasScale, MSS: 1440, Scale: 7}
		e.segment(h, &answer, nil)
		return
	}
	c.edge = wire.MaxSeq(c.edge, s.Ack.Add(int(s.Window)<<c.scale))
	if s.Seq == c.peer && s.Len() > 0 {
		c.peer = c.peer.Add(s.Len())
		c.pending = append(c.pending, s.Payload.B...)
		c.end = c.end || s.Flags.Has(wire.FIN)
	}
	room := c.edge.Sub(c.nxt)
	answer := wire.Segment{SrcPort: s.DstPort, DstPort: s.SrcPort, Ack: c.peer, Flags: wire.ACK, Window: 65535}
	sent := 0
	for len(c.pending) > 0 && room > 0 || c.end && len(c.pending) == 0 {
		n := min(len(c.pending), room, 40_000)
		answer.Seq = c.nxt
		if c.end && n == len(c.pending) {
			answer.Flags |= wire.FIN
			c.nxt++
			c.end = false
		}
		e.segment(h, &answer, c.pending[:n])
		c.nxt, c.pending, room, sent = c.nxt.Add(n), c.pending[n:], room-n, sent+1
	}
	if sent == 0 && s.Len() > 0 {
		answer.Seq = c.nxt
		e.segment(h, &answer, nil)
	}
}

func (e *echoer) segment(h *wire.IP, s *wire.Segment, payload []byte) {
	head := make([]byte, s.HeaderLen())
	wire.PutTCP(head, s)
	size := uint16(0)
	if len(payload) > 1400 {
		size = 1400
	}
	e.send(h, head, chunk.Copy(payload), size)
}

func (e *echoer) answerARP(o *wire.Octets) {
	o.Pull(etherHeader)
	var a wire.ARP
	if wire.ParseARP(o, &a) != wire.OK || a.Op != wire.ARPRequest || a.Target != netip.MustParseAddr("192.0.2.2") {
		return
	}
	e.mac = a.SenderMAC
	mac := wire.MAC(e.d.Info().MAC)
	back := wire.ARP{Op: wire.ARPReply, SenderMAC: mac, Sender: a.Target, TargetMAC: a.SenderMAC, Target: a.Sender}
	var p Packet
	wire.PutARP(p.SetHead(wire.ARPLen), &back)
	wire.PutEthernet(p.Push(etherHeader), &wire.Ethernet{Dst: a.SenderMAC, Src: mac, Type: wire.EtherARP})
	e.d.Send(&p)
}

// solicited answers a neighbour solicitation for 2001:db8::2, and echo requests.
func (e *echoer) solicited(h *wire.IP, o *wire.Octets) {
	var m wire.ICMP
	if wire.ParseICMP(o, &m) != wire.OK {
		return
	}
	ours := netip.MustParseAddr("2001:db8::2")
	switch {
	case m.Type == wire.ICMPv6NeighborSolicit && m.Body.Len() >= 16 && netip.AddrFrom16([16]byte(m.Body.B[:16])) == ours:
		head := make([]byte, wire.ICMPLen+16+8)
		wire.PutICMP(head, &wire.ICMP{Type: wire.ICMPv6NeighborAdvert, Rest: 0x60000000})
		copy(head[8:], m.Body.B[:16])
		mac := e.d.Info().MAC
		copy(head[24:], append([]byte{2, 1}, mac[:]...))
		back := wire.IP{Src: ours, Dst: h.Src, Proto: wire.ProtoICMPv6, TTL: 255}
		e.put(back, head, chunk.View{}, 0)
	case m.Type == wire.ICMPv6Echo && h.Dst == ours:
		m.Type = wire.ICMPv6EchoReply
		head := make([]byte, wire.ICMPLen)
		wire.PutICMP(head, &m)
		e.send(h, head, m.Body.Own(), 0)
	}
}
