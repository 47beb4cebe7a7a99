package octet

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/octet-net/octet/wire"
)

// A portTable says who is bound to which port of a host, and finds the listener
// or the unconnected datagram socket of a packet.
type portTable struct {
	key   [16]byte // of the draw of ephemeral ports
	drawn atomic.Uint64

	mu   sync.RWMutex
	byNo map[portNo][]*binding // guarded by mu; the order is that of binding
}

type portNo struct {
	proto wire.Proto
	port  uint16
}

// A binding is the hold of one socket on a local address and port.
type binding struct {
	proto  wire.Proto
	local  netip.AddrPort           // with the unspecified address for all addresses
	dual   bool                     // [::] that takes IPv4 as well
	reuse  bool                     // may share address and port with others that may, unless both listen
	listen atomic.Pointer[listener] // set when the socket listens
	udp    *UDPConn
	tcp    *Socket
	on     uint32 // interface, where the address is link-local
}

// overlaps reports whether a packet could be for both bindings.
func (b *binding) overlaps(c *binding) bool {
	x, y := b.local.Addr(), c.local.Addr()
	switch {
	case x == y:
		return b.on == c.on
	case x.Is4() == y.Is4():
		return x.IsUnspecified() || y.IsUnspecified()
	case x.Is4():
		return c.dual && y.IsUnspecified()
	}
	return b.dual && x.IsUnspecified()
}

// open reports whether the socket takes packets from everybody.
func (b *binding) open() bool {
	return b.listen.Load() != nil || b.udp != nil && !b.udp.remote.IsValid()
}

// conflicts reports whether b cannot be beside c, which is there. A listener holds
// its port for itself; so does everybody who has not agreed to share.
func (b *binding) conflicts(c *binding) bool {
	return b.overlaps(c) && (!b.reuse || !c.reuse || c.listen.Load() != nil)
}

// takes reports how well a binding fits a packet to an address: 0 not at all, up
// to 3 for exactly.
func (b *binding) takes(dst netip.Addr, on uint32) int {
	a := b.local.Addr()
	switch {
	case a == dst:
		if b.on != 0 && b.on != on {
			return 0
		}
		return 3
	case !a.IsUnspecified():
		return 0
	case a.Is4() == dst.Is4():
		return 2
	case dst.Is4() && b.dual:
		return 1
	}
	return 0
}

// bind enters a binding, with a port drawn at random if it names none.
func (t *portTable) bind(b *binding, first, last uint16) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b.local.Port() != 0 {
		return t.enter(b)
	}
	n := uint32(last-first) + 1
	for i, at := uint32(0), t.draw(nil, n); i < n; i, at = i+1, (at+1)%n {
		b.local = netip.AddrPortFrom(b.local.Addr(), first+uint16(at))
		if t.enter(b) == nil {
			return nil
		}
	}
	b.local = netip.AddrPortFrom(b.local.Addr(), 0)
	return syscall.EADDRINUSE
}

func (t *portTable) enter(b *binding) error {
	no := portNo{b.proto, b.local.Port()}
	for _, c := range t.byNo[no] {
		if b.conflicts(c) {
			return syscall.EADDRINUSE
		}
	}
	if t.byNo == nil {
		t.byNo = make(map[portNo][]*binding)
	}
	t.byNo[no] = append(t.byNo[no], b)
	return nil
}

// listen makes a binding that of a listener.
func (t *portTable) listen(b *binding, l *listener) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.byNo[portNo{b.proto, b.local.Port()}] {
		if c.listen.Load() != nil && b.overlaps(c) {
			return syscall.EADDRINUSE
		}
	}
	b.listen.Store(l)
	return nil
}

// mayConnectFrom reports whether a connection may take the local port of k: not
// if a socket holds it that does not share, nor if the connection would be to itself.
func (t *portTable) mayConnectFrom(k *tuple) bool {
	if k.localPort == k.remotePort && k.local == k.remote {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byNo[portNo{wire.ProtoTCP, k.localPort}]) == 0
}

// release gives a binding up.
func (t *portTable) release(b *binding) {
	if b == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	no := portNo{b.proto, b.local.Port()}
	list := t.byNo[no]
	for i, c := range list {
		if c != b {
			continue
		}
		if len(list) == 1 {
			delete(t.byNo, no)
			return
		}
		fresh := make([]*binding, 0, len(list)-1) // readers may still go through the old one
		t.byNo[no] = append(append(fresh, list[:i]...), list[i+1:]...)
		return
	}
}

// find returns the best binding for a packet to an address: its own before that
// of all addresses, of those that receive from everybody.
func (t *portTable) find(proto wire.Proto, dst netip.AddrPort, on uint32) *binding {
	return t.best(proto, dst, on, (*binding).open)
}

// holder returns the TCP socket that holds an address and port, whatever it does there.
func (t *portTable) holder(dst netip.AddrPort, on uint32) *Socket {
	b := t.best(wire.ProtoTCP, dst, on, func(b *binding) bool { return b.tcp != nil })
	if b == nil {
		return nil
	}
	return b.tcp
}

func (t *portTable) best(proto wire.Proto, dst netip.AddrPort, on uint32, fits func(*binding) bool) *binding {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var best *binding
	most := 0
	for _, b := range t.byNo[portNo{proto, dst.Port()}] {
		if !fits(b) {
			continue
		}
		if n := b.takes(dst.Addr(), on); n > most {
			best, most = b, n
		}
	}
	return best
}

// all returns every binding, in the order of ports.
func (t *portTable) all() (list []*binding) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, l := range t.byNo {
		list = append(list, l...)
	}
	slices.SortStableFunc(list, func(a, b *binding) int {
		return cmp.Or(cmp.Compare(a.local.Port(), b.local.Port()), cmp.Compare(a.proto, b.proto))
	})
	return list
}

// each calls f for every binding of a port.
func (t *portTable) each(proto wire.Proto, port uint16, f func(*binding)) {
	t.mu.RLock()
	list := t.byNo[portNo{proto, port}]
	t.mu.RUnlock()
	for _, b := range list {
		f(b)
	}
}

// draw returns a number below n that nobody outside can guess: a keyed hash of
// what the port is for and of how many were drawn before. RFC 6056 §3.1 and
// §3.3.1 ask for unpredictable and evenly spread; that a port does not come back
// while the peer may remember it is seen to by the tables of connections.
func (t *portTable) draw(purpose []byte, n uint32) uint32 {
	msg := binary.BigEndian.AppendUint64(append(make([]byte, 0, 64), t.key[:]...), t.drawn.Add(1))
	sum := sha256.Sum256(append(msg, purpose...))
	return uint32(binary.BigEndian.Uint64(sum[:]) % uint64(n))
}
