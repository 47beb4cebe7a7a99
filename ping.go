package octet

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// A Ping says what an echo request of Host.Ping is like. The zero value is one of
// no data.
type Ping struct {
	Data     []byte // what the peer is to send back
	HopLimit uint8  // TTL or hop limit; that of the host if zero
	Whole    bool   // never in fragments: syscall.EMSGSIZE if it is too big for the path
}

// A Pong is the answer to a Ping.
type Pong struct {
	From     netip.Addr // the peer
	HopLimit uint8      // that the answer had left
	Data     []byte
	RTT      time.Duration
}

// A NoticeError says that an ICMP error came in answer: that a router on the way,
// or this host itself, cannot deliver the packet.
type NoticeError struct {
	Kind ip.NoticeKind
	From netip.Addr // who says so
	MTU  int        // with ip.TooBig, in octets
	RTT  time.Duration
}

// Error says it in words.
func (e *NoticeError) Error() string { return e.Kind.String() + ", says " + e.From.String() }

// Unwrap returns what a connected socket would say.
func (e *NoticeError) Unwrap() error {
	switch e.Kind {
	case ip.NetUnreachable:
		return syscall.ENETUNREACH
	case ip.TooBig:
		return syscall.EMSGSIZE
	case ip.ProtoUnreachable:
		return syscall.ENOPROTOOPT
	case ip.PortUnreachable:
		return syscall.ECONNREFUSED
	case ip.ParameterProblem:
		return syscall.EPROTO
	}
	return syscall.EHOSTUNREACH
}

// Ping sends an ICMP echo request to an address and waits for the answer, until
// the context ends. An ICMP error in answer is a *NoticeError.
func (h *Host) Ping(ctx context.Context, dst netip.Addr, p Ping) (Pong, error) {
	pong, err := h.ping(ctx, dst, p)
	var op *net.OpError
	if err != nil && !errors.As(err, &op) {
		err = opErr("ping", "ip", nil, &net.IPAddr{IP: dst.AsSlice(), Zone: dst.Zone()}, err)
	}
	return pong, err
}

func (h *Host) ping(ctx context.Context, dst netip.Addr, p Ping) (Pong, error) {
	if h.closed.Load() {
		return Pong{}, net.ErrClosed
	}
	to, on, err := h.splitZone(dst.Unmap())
	if err != nil {
		return Pong{}, err
	}
	w := h.pings.add(to, func() uint32 { return h.ports.draw([]byte("echo"), math.MaxUint32) })
	defer h.pings.remove(w)
	if h.closed.Load() { // after it has looked for pings to end
		return Pong{}, net.ErrClosed
	}
	if err := h.sendEcho(w, on, p); err != nil {
		return Pong{}, errnoOf(err)
	}
	select {
	case x := <-w.answer:
		return x.pong, x.err
	case <-ctx.Done():
		return Pong{}, contextError(ctx.Err())
	}
}

// sendEcho sends the echo request of w.
func (h *Host) sendEcho(w *pinging, on ip.ID, p Ping) error {
	e := h.begin()
	defer e.end()
	path, err := h.ip.route(e.now, w.to, netip.Addr{}, on)
	if err != nil {
		return err
	}
	w.at = e.now
	m := wire.ICMP{Type: wire.ICMPv4Echo, Rest: w.key}
	head := wire.IP{Src: path.Source, Dst: w.to, Proto: wire.ProtoICMPv4}
	if w.to.Is6() {
		m.Type, head.Proto = wire.ICMPv6Echo, wire.ProtoICMPv6
	}
	b := e.scratch[:wire.ICMPLen]
	wire.PutICMP(b, &m)
	head.Seal(b, p.Data)
	e.outward = ip.Outgoing{
		Path: path, Src: head.Src, Dst: head.Dst, Proto: head.Proto,
		TTL: cmp.Or(p.HopLimit, h.profile.HopLimit), DF: p.Whole,
		Octets: wire.Octets{Head: b, Data: chunk.Copy(p.Data)},
	}
	return h.ip.send(e)
}

// A pinging is a Ping that waits for its answer.
type pinging struct {
	key    uint32 // identifier and sequence number
	to     netip.Addr
	at     mono.Time
	answer chan ponged // holds one
}

type ponged struct {
	pong Pong
	err  error
}

// Pings are all that wait.
type pings struct {
	mu    sync.Mutex
	byKey map[uint32]*pinging
}

// add makes one with a key that is drawn.
func (x *pings) add(to netip.Addr, draw func() uint32) *pinging {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byKey == nil {
		x.byKey = map[uint32]*pinging{}
	}
	w := &pinging{to: to, answer: make(chan ponged, 1)}
	for {
		if w.key = draw(); x.byKey[w.key] == nil {
			x.byKey[w.key] = w
			return w
		}
	}
}

func (x *pings) remove(w *pinging) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.byKey, w.key)
}

// close ends those that wait.
func (x *pings) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range x.byKey {
		w.end(ponged{err: net.ErrClosed})
	}
}

// end gives the answer, unless there is one already.
func (w *pinging) end(p ponged) {
	select {
	case w.answer <- p:
	default:
	}
}

// find returns who waits for an echo of the key to or from the address.
func (x *pings) find(key uint32, peer netip.Addr) *pinging {
	x.mu.Lock()
	defer x.mu.Unlock()
	if w := x.byKey[key]; w != nil && (w.to == peer || w.to.IsMulticast()) {
		return w
	}
	return nil
}

// echoed takes an echo reply, the only message of ICMP that ip delivers. One that
// nobody waits for is dropped without a word.
func (e *event) echoed(o *wire.Octets) {
	var m wire.ICMP
	if wire.ParseICMP(o, &m) != wire.OK {
		return
	}
	if w := e.host.pings.find(m.Rest, e.head.Src); w != nil {
		w.end(ponged{pong: Pong{
			From: e.head.Src, HopLimit: e.head.TTL, Data: append([]byte(nil), m.Body.B...), RTT: e.now.Sub(w.at),
		}})
	}
}

// informPing tells a Ping what ICMP says of its request.
func (e *event) informPing(n *ip.Notice) {
	if w := e.host.pings.find(uint32(n.Seq), n.Dst); w != nil && n.HasSeq {
		if n.Kind == ip.TooBig {
			e.host.ip.lowerMTU(e, n.Dst, n.MTU)
		}
		w.end(ponged{err: &NoticeError{Kind: n.Kind, From: n.From, MTU: n.MTU, RTT: e.now.Sub(w.at)}})
	}
}
