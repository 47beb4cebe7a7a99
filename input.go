package octet

import (
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

// Receive takes packets that have arrived at the device. It is the way of all
// input: wire checks the packet, ip judges it, a table finds the socket, and the
// socket's machine is told. Packets for one connection that follow one another
// are all told to it before it answers (RFC 9293 MUST-58, MUST-59).
func (n *nic) Receive(now mono.Time, batch []link.Packet) {
	h := n.host
	if h.closed.Load() {
		return
	}
	e := h.beginAt(now)
	defer e.end()
	for i := range batch {
		e.take(n, &batch[i])
	}
}

// take processes one packet.
func (e *event) take(n *nic, p *link.Packet) {
	a := &e.arrived
	*a = ip.Packet{
		Octets:    wire.Octets{Head: p.Head(), Data: p.Data},
		Interface: n.id, NoSum: p.NoSum, SegmentSize: p.SegmentSize,
	}
	p.Data = chunk.View{}
	if (!n.info.Ethernet || n.unframe(a)) && !e.quick(n, a) {
		e.judge(n, a)
	}
	a.Data.Release()
	a.Head = nil
}

// takeLooped processes a copy for ourselves of a packet that we have sent to many.
func (e *event) takeLooped(n *nic, p *link.Packet) {
	a := &e.arrived
	*a = ip.Packet{
		Octets:    wire.Octets{Head: p.Head(), Data: p.Data},
		Interface: n.id, Looped: true, NoSum: p.NoSum,
	}
	e.judge(n, a)
	a.Data.Release()
	a.Head = nil
}

// unframe takes the Ethernet header off. It returns false for a frame that is
// nothing for us.
func (n *nic) unframe(a *ip.Packet) bool {
	var f wire.Ethernet
	if wire.ParseEthernet(&a.Octets, &f) != wire.OK || f.VLAN() != 0 {
		n.host.count(DropFrame)
		return false
	}
	switch {
	case f.Dst == n.info.MAC:
		a.Link = ip.Unicast
	case f.Dst == wire.BroadcastMAC():
		a.Link = ip.Broadcast
	case f.Dst.IsMulticast():
		a.Link = ip.Multicasting
	default:
		n.host.count(DropFrame) // for somebody else: the link floods, or listens to everything
		return false
	}
	a.Pull(f.Size())
	a.Ether, a.MAC = f.Type, f.Src
	return true
}

// quick is the short way of the packets that are most: TCP for a connection that
// is there, whose path leads through the interface by which the packet came. The
// connection was made from addresses that ip has judged, and ip's tables have not
// changed since, so the verdict is known. It returns false, with nothing changed,
// for all others.
func (e *event) quick(n *nic, a *ip.Packet) bool {
	o := a.Octets
	h := &e.head
	if a.Link != ip.Unicast || wire.ParseIP(&o, h) != wire.OK || h.Proto != wire.ProtoTCP ||
		h.IsFragment() || len(h.Extra) != 0 {
		return false
	}
	o.Pull(int(h.HeaderLen))
	k, ok := tupleIn(h.Dst, h.Src, &o, n)
	if !ok {
		return false
	}
	s := e.sock
	if s == nil || s.tuple != k || !s.entered {
		if s = e.host.conns.get(&k); s == nil {
			return false
		}
		e.enter(s)
	}
	if s.nic != n || s.path.Generation != e.host.ip.generation() || !s.entered || s.tuple != k {
		e.leave()
		return false
	}
	a.Data = chunk.View{} // o has it now
	if !a.NoSum && h.Verify(&o) != wire.OK || wire.ParseTCP(&o, &e.in) != wire.OK {
		e.host.count(DropSegment)
		o.Data.Release()
		return true
	}
	e.in.ECN, e.in.Piece = h.ECN(), a.SegmentSize
	s.arrive(e)
	return true
}

// tupleIn reads the ports of a segment and returns the tuple of its connection.
func tupleIn(local, remote netip.Addr, o *wire.Octets, n *nic) (tuple, bool) {
	b := o.Front()
	if len(b) < wire.TCPLen {
		return tuple{}, false
	}
	from := netip.AddrPortFrom(remote, uint16(b[0])<<8|uint16(b[1]))
	to := netip.AddrPortFrom(local, uint16(b[2])<<8|uint16(b[3]))
	return tupleOf(to, from, uint32(n.id)), true
}

// judge asks ip what becomes of a packet, and does it.
func (e *event) judge(n *nic, a *ip.Packet) {
	e.leave()
	l, v := &e.host.ip, &e.verdict
	var to receiver
	if l.tables.Load().Deliver(a, v) { // most packets need no more than the tables
		to = e.parse(&v.Datagram)
	} else {
		l.mu.Lock()
		l.node.Arrive(e.now, a, v)
		if v.Kind == ip.Deliver {
			to = e.parse(&v.Datagram) // the headers are the node's until its next call
			if to.refusal != 0 {
				l.node.Unreachable(e.now, &v.Datagram, to.refusal)
				to = receiver{}
			}
		}
		l.settle(e)
		l.mu.Unlock()
	}
	switch {
	case v.Kind == ip.Inform:
		e.inform(&v.Notice)
	case to.refusal != 0:
		l.unreachable(e, &v.Datagram, to.refusal)
	case to.tcp:
		e.segment(n)
	case to.udp != nil:
		to.udp.receive(e)
	case to.group:
		e.deliverToGroup()
	}
	e.in.Payload.Release()
	v.Datagram.Data.Release()
	v.Datagram.Header, v.Datagram.Head = nil, nil
}

// A receiver is who a datagram is for: at most one field is set.
type receiver struct {
	tcp     bool // some connection or listener
	udp     *UDPConn
	group   bool          // every UDP socket that is bound so as to receive it
	refusal ip.NoticeKind // nobody: what to answer
}

// parse reads the transport header of a datagram into e.head and e.in, which then
// also has the payload, and finds out who it is for.
func (e *event) parse(d *ip.Datagram) receiver {
	h, o := &e.head, d.Octets
	*h = d.IP
	if !d.NoSum && h.Verify(&o) != wire.OK {
		e.host.count(DropSegment)
		return receiver{}
	}
	switch h.Proto {
	case wire.ProtoTCP:
		if wire.ParseTCP(&o, &e.in) != wire.OK {
			e.host.count(DropSegment)
			return receiver{}
		}
		d.Data = chunk.View{} // the segment has it now
		e.in.ECN, e.in.Piece = h.ECN(), d.SegmentSize
		return receiver{tcp: true}
	case wire.ProtoUDP:
		return e.parseUDP(d, &o)
	case wire.ProtoICMPv4, wire.ProtoICMPv6:
		e.echoed(&o)
		return receiver{}
	}
	return receiver{refusal: ip.ProtoUnreachable}
}

// parseUDP leaves ports and payload in e.in, as of a segment.
func (e *event) parseUDP(d *ip.Datagram, o *wire.Octets) receiver {
	var u wire.UDP
	if wire.ParseUDP(o, &u) != wire.OK || u.DstPort == 0 {
		e.host.count(DropDatagram)
		return receiver{}
	}
	e.in = wire.Segment{SrcPort: u.SrcPort, DstPort: u.DstPort}
	to := receiver{group: d.Cast != ip.Unicast}
	if !to.group {
		if to.udp = e.host.findUDP(e.dstPort(), e.srcPort(), d.Interface); to.udp == nil {
			e.host.count(DropNoListener)
			return receiver{refusal: ip.PortUnreachable}
		}
	}
	e.in.Payload, d.Data = u.Payload, chunk.View{}
	return to
}

func (e *event) srcPort() netip.AddrPort { return netip.AddrPortFrom(e.head.Src, e.in.SrcPort) }
func (e *event) dstPort() netip.AddrPort { return netip.AddrPortFrom(e.head.Dst, e.in.DstPort) }

// segment finds what a TCP segment belongs to: a connection, one in TIME-WAIT, a
// listener, or nothing (RFC 9293 §3.10.7).
func (e *event) segment(n *nic) {
	h := e.host
	if e.verdict.Datagram.Cast != ip.Unicast || e.in.SrcPort == 0 || e.in.DstPort == 0 {
		h.count(DropSegment) // MUST-57, MUST-63
		return
	}
	k := tupleOf(e.dstPort(), e.srcPort(), uint32(n.id))
	if s := h.conns.get(&k); s != nil {
		e.enter(s)
		if s.entered && s.tuple == k {
			s.arrive(e)
			return
		}
		e.leave()
	}
	iss := h.initialSeq(&k, e.now)
	verdict, old, reopens := h.waits.arrive(e.now, &k, &e.in, &e.out)
	switch {
	case !reopens:
	case verdict == tcp.Reply:
		e.answer()
		return
	case verdict == tcp.Ignore:
		h.count(DropTimeWait)
		return
	default: // a SYN takes the place of the old connection
		iss = old.NextISS(iss)
	}
	b := h.ports.find(wire.ProtoTCP, e.dstPort(), uint32(n.id))
	if b == nil {
		h.count(DropNoListener)
		if tcp.Reset(&e.in, &e.out) {
			e.answerFor(h.ports.holder(e.dstPort(), uint32(n.id)))
		}
		return
	}
	b.listen.Load().arrive(e, &k, iss, reopens)
}

// arrive tells a connection of the segment in e.in, and releases what it leaves
// of the payload.
func (s *Socket) arrive(e *event) {
	if e.ln != nil && s.parent.Load() == e.ln && e.ln.full(&e.in) {
		e.host.count(DropBacklog)
	} else {
		if !s.admits(e.in.Payload.Len()) {
			e.host.count(DropMemory)
			e.in.Payload.Release()
			e.in.Flags &^= wire.FIN | wire.PSH | wire.URG
		}
		s.tcb.Arrive(e.now, &e.in)
		s.vouch(e)
	}
	e.in.Payload.Release()
	if s.tcb.AnswersNow() {
		e.leave()
	}
}

// refuse answers a segment for no connection with a reset (RFC 9293 §3.10.7.1).
func (e *event) refuse() {
	if tcp.Reset(&e.in, &e.out) {
		e.answer()
	}
}

// answer sends e.out, which no connection stands for, back to where e.in came from.
func (e *event) answer() { e.answerFor(nil) }

// answerFor does so with the hop limit and the service class of the socket that
// holds the port, if one does.
func (e *event) answerFor(s *Socket) {
	var o socketOptions
	if s != nil {
		s.mu.Lock()
		o = s.options
		s.mu.Unlock()
	}
	seg := &e.out
	seg.SrcPort, seg.DstPort = e.in.DstPort, e.in.SrcPort
	head := wire.IP{Src: e.head.Dst, Dst: e.head.Src, Proto: wire.ProtoTCP}
	t := e.scratch[:seg.HeaderLen()]
	wire.PutTCP(t, seg)
	head.Seal(t, nil)
	l := &e.host.ip
	path, err := l.route(e.now, head.Dst, head.Src, 0)
	if err == nil {
		e.outward = ip.Outgoing{
			Path: path, Src: head.Src, Dst: head.Dst, Proto: wire.ProtoTCP,
			TTL: o.hopLimit, TOS: o.tos&^3 | seg.ECN, DF: true, Octets: wire.Octets{Head: t},
		}
		err = l.send(e)
	}
	if err != nil {
		e.host.count(DropNoRoute)
	}
}

// inform takes an ICMP error to the socket that sent what it quotes.
// The connection that caused it hears of it (MUST-54).
func (e *event) inform(n *ip.Notice) {
	local := netip.AddrPortFrom(n.Src, n.SrcPort)
	remote := netip.AddrPortFrom(n.Dst, n.DstPort)
	switch {
	case n.Proto == wire.ProtoUDP:
		e.informUDP(n, local, remote)
		return
	case n.Proto == wire.ProtoICMPv4 || n.Proto == wire.ProtoICMPv6:
		e.informPing(n)
		return
	case n.Proto != wire.ProtoTCP || !n.HasSeq:
		return
	}
	k := tupleOf(local, remote, uint32(n.Interface))
	s := e.host.conns.get(&k)
	kind, ok := tcpNotice(n.Kind)
	if s == nil || !ok {
		return
	}
	e.enter(s)
	if !s.entered || s.tuple != k {
		return
	}
	before := s.tcb.MSS()
	s.tcb.Unreachable(e.now, tcp.Notice{Kind: kind, Seq: n.Seq, Size: noticeSize(n), Own: n.Own})
	if kind == tcp.NoticePacketTooBig && s.tcb.MSS() < before { // it was believed
		e.host.ip.lowerMTU(e, n.Dst, n.MTU)
	}
}

// noticeSize returns what a told MTU leaves for TCP options and payload.
func noticeSize(n *ip.Notice) int {
	if n.MTU == 0 {
		return 0
	}
	return n.MTU - ipHeaders(n.Dst) - tcpHeader
}

// tcpNotice translates; ok is false for kinds that say nothing to TCP.
func tcpNotice(k ip.NoticeKind) (kind tcp.NoticeKind, ok bool) {
	switch k {
	case ip.NetUnreachable:
		return tcp.NoticeNetUnreachable, true
	case ip.HostUnreachable:
		return tcp.NoticeHostUnreachable, true
	case ip.ProtoUnreachable:
		return tcp.NoticeProtocolUnreachable, true
	case ip.PortUnreachable:
		return tcp.NoticePortUnreachable, true
	case ip.Prohibited:
		return tcp.NoticeProhibited, true
	case ip.TooBig:
		return tcp.NoticePacketTooBig, true
	case ip.TimeExceeded, ip.ReassemblyFailed:
		return tcp.NoticeTimeExceeded, true
	case ip.ParameterProblem:
		return tcp.NoticeParameterProblem, true
	}
	return 0, false
}
