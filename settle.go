package octet

import (
	"net/netip"
	"syscall"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/wire"
)

// settle draws the consequences of what happened to a connection: sends what
// must leave, moves it where its state belongs, sets its timer, and wakes those
// who can go on. The event holds the lock of the socket.
func (s *Socket) settle(e *event) {
	t := s.tcb
	if t == nil {
		return
	}
	if !s.entered {
		s.account(e)
		return
	}
	s.account(e)
	if s.path.Generation != s.host.ip.generation() {
		_ = s.refreshPath(e) // segments must fit the path; transmit says if there is none
	}
	for t.Output(e.now, &e.out) {
		s.transmit(e)
	}
	if s.fast != nil {
		s.settleFast(e)
	}
	ready := t.Ready()
	if ready&tcp.Connected != 0 && s.parent.Load() != nil {
		s.established(e)
		ready = t.Ready()
	}
	switch {
	case ready&tcp.Dead != 0:
		s.retire()
		s.fail(t.Err())
	case t.State() == tcp.TimeWaiting:
		s.host.waits.add(&s.tuple, t.TimeWait())
		s.retire()
	default:
		s.arm()
	}
	if !s.entered {
		s.account(e)
	}
	s.announce(e, ready)
}

// established hands a connection whose handshake is done, or need not be, to the
// accept queue.
func (s *Socket) established(e *event) {
	if e.ln.closed {
		e.ln.dropHalf(s)
		s.closed = true
		s.tcb.Abort(e.now)
		for s.tcb.Output(e.now, &e.out) {
			s.transmit(e)
		}
		return
	}
	e.ln.push(e, s)
}

// retire takes the connection out of the host's tables: no packet and no timer
// will come for it any more. What it has received can still be read.
func (s *Socket) retire() {
	s.entered = false
	s.host.conns.remove(&s.tuple, s)
	if l := s.parent.Load(); l != nil {
		l.dropHalf(s)
	}
	s.release()
	s.timer.Clear()
	s.armed = mono.Never
	if s.orphan {
		s.orphan = false
		s.host.orphans.Add(-1)
	}
}

// release gives the port up.
func (s *Socket) release() {
	s.host.ports.release(s.binding)
	s.binding = nil
}

// fail notes why the connection ended, for SO_ERROR and for the next calls.
func (s *Socket) fail(err error) {
	reason, ok := err.(tcp.Reason)
	if !ok || s.closed {
		return
	}
	if s.end == 0 { // or the interface is gone
		s.end = errno(tcpErrno(reason))
	}
	if s.sawFIN && reason == tcp.ReasonReset && s.host.profile.BrokenPipe {
		s.end = errno(syscall.EPIPE)
	}
	s.pending = s.end != 0
	s.readErr, s.writeErr = true, true
}

// arm sets the timer if the deadline has come nearer. One that moved away costs
// nothing until the timer runs and finds nothing to do.
func (s *Socket) arm() {
	d := s.tcb.Deadline()
	if s.orphan {
		d = min(d, s.lingerUntil)
	}
	if d < s.armed {
		s.armed = d
		s.timer.Set(d)
	}
}

// announce wakes who waits for what is ready now, and tells who wants to know.
func (s *Socket) announce(e *event, t tcp.Ready) {
	r := s.readinessOf(t)
	if r&(ReadEnd|Failed) == ReadEnd && !s.readShut {
		s.sawFIN = true
	}
	if r&(CanRead|ReadEnd|Failed) != 0 {
		e.reads = s.reads.call()
	}
	if r&(CanWrite|WriteEnd|Failed) != 0 {
		e.writes = s.writes.call()
	}
	if r != s.ready {
		s.ready = r
		e.tell(s.notify, r)
	}
}

// opening gathers what a new connection gets from outside.
func (s *Socket) opening(iss wire.Seq) tcp.Opening {
	name := s.tuple.bytes()
	o := s.host.opening(name[:], s.remote.Addr(), s.nic, &s.path)
	o.ISS = iss
	return o
}

// opening gathers all but the initial sequence number, for a connection that
// need not have a socket yet.
func (h *Host) opening(name []byte, remote netip.Addr, n *nic, path *ip.Path) tcp.Opening {
	headers := ipHeaders(remote) + tcpHeader
	o := tcp.Opening{
		TSOffset:   tcp.TimestampOffset(h.secret.ts, name),
		RecvMSS:    n.mtu() - headers,
		SendMSS:    path.MTU - headers,
		DefaultMSS: 536,
		Batch:      n.info.Segments,
	}
	if remote.Is6() {
		o.DefaultMSS = 1220
	}
	if path.Flags.Has(ip.Loopback) {
		o.SendMSS = min(o.SendMSS, wholeChunks)
	}
	return o
}

// initialSeq returns the sequence number that a connection begins with (RFC 6528).
func (h *Host) initialSeq(k *tuple, now mono.Time) wire.Seq {
	name := k.bytes()
	return tcp.ISN(h.secret.isn, now, name[:])
}

// wholeChunks is the segment size over loopback: half a chunk of payload and the
// timestamp option. Segments then are parts of chunks, and never a copy of the end
// of one and the beginning of the next.
const wholeChunks = chunk.MaxSize/2 + 12

const tcpHeader = 20

func ipHeaders(a netip.Addr) int {
	if a.Is4() {
		return 20
	}
	return 40
}

// transmit sends the segment in e.out.
func (s *Socket) transmit(e *event) {
	seg := &e.out
	seg.SrcPort, seg.DstPort = s.local.Port(), s.remote.Port()
	if err := s.refreshPath(e); err != nil {
		s.host.count(DropNoRoute)
		seg.Payload.Release()
		return
	}
	if s.label == 0 && s.remote.Addr().Is6() {
		s.label = s.host.ip.flowLabel(s.local, s.remote)
	}
	n := s.nic
	head := wire.IP{
		Src: s.local.Addr(), Dst: s.remote.Addr(), Proto: wire.ProtoTCP,
		TTL: s.hopLimit(), TOS: s.options.tos&^3 | seg.ECN, Flags: wire.DontFragment, Label: s.label,
	}
	putTCP(&e.packet, &head, seg, n.info.NoSum)
	if mss := s.tcb.SegmentSize(); e.packet.Data.Len() > mss && n.info.Segments > 0 {
		e.packet.SegmentSize = uint16(mss)
	}
	if n.info.Ethernet && !s.frame(e, n) {
		return
	}
	e.send(n)
}

// putTCP makes a packet of a segment, whose payload moves to it.
func putTCP(p *link.Packet, head *wire.IP, seg *wire.Segment, noSum bool) {
	n := head.Size()
	t := seg.HeaderLen()
	b := p.SetHead(n + t)
	head.Len = n + t + seg.Payload.Len()
	wire.PutIP(b, head)
	wire.PutTCP(b[n:], seg)
	if !noSum {
		head.Seal(b[n:], seg.Payload.B)
	}
	p.NoSum, p.SegmentSize = noSum, 0
	p.Data, seg.Payload = seg.Payload, p.Data
}

// frame puts an Ethernet header before e.packet. While the neighbour is not
// known the ip.Node keeps the packet, and it returns false.
func (s *Socket) frame(e *event, n *nic) bool {
	if s.hop == nil {
		s.hop = new(hop)
	}
	if s.hop.until <= e.now {
		mac, until, ok := e.host.ip.resolve(e, n, &s.path)
		if !ok {
			return false
		}
		s.hop.mac, s.hop.until = mac, until
	}
	n.frame(&e.packet, s.hop.mac, etherType(s.remote.Addr()))
	return true
}

func (s *Socket) hopLimit() uint8 {
	if s.options.hopLimit != 0 {
		return s.options.hopLimit
	}
	return s.host.profile.HopLimit
}

// findPath asks how to reach the remote address, from the local one if it is
// fixed, and through the interface (0: any). It fixes the local address (MUST-44, MUST-45).
func (s *Socket) findPath(e *event, through ip.ID) error {
	h := s.host
	src := s.local.Addr()
	if src.IsUnspecified() {
		src = netip.Addr{}
	}
	path, err := h.ip.route(e.now, s.remote.Addr(), src, through)
	if err != nil {
		return err
	}
	n := h.ip.nic(path.Interface)
	if n == nil {
		return ip.ErrNoInterface
	}
	s.path, s.nic = path, n
	if s.hop != nil {
		s.hop.until = 0
	}
	s.local = netip.AddrPortFrom(path.Source, s.local.Port())
	return nil
}

// refreshPath asks again when addresses, routes or what is known of path MTUs
// have changed.
func (s *Socket) refreshPath(e *event) error {
	if s.path.Generation == s.host.ip.generation() {
		return nil
	}
	mtu := s.path.MTU
	defer func() {
		if s.path.MTU != mtu {
			s.tcb.SetPathMSS(e.now, s.path.MTU-ipHeaders(s.remote.Addr())-tcpHeader)
		}
	}()
	return s.findPath(e, ip.ID(s.tuple.zone))
}
