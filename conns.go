package octet

import (
	"cmp"
	"net/netip"
	"slices"
)

// A Conn is one row of Host.Conns: a socket, or what is left of one.
type Conn struct {
	Network       string // tcp or udp
	State         string // of TCP: LISTEN, or as RFC 9293 §3.3.2 calls it
	Local, Remote netip.AddrPort
	ReceiveQueue  int // octets that wait to be read; of a listener, connections that wait for Accept
	SendQueue     int // octets that the peer has not acknowledged; of a listener, the backlog

	// Info is what can be seen of a TCP connection; nil for all others.
	Info *Info
}

// Conns lists the sockets of the host, TCP first, in the order of their local and
// remote addresses.
func (h *Host) Conns() []Conn {
	var list []Conn
	for _, s := range h.conns.all((*Socket).key) {
		i := s.Info()
		list = append(list, Conn{
			Network: "tcp", State: i.State.String(), Local: i.Local, Remote: i.Remote,
			ReceiveQueue: i.ReceiveQueued, SendQueue: i.SendQueued, Info: &i,
		})
	}
	for _, k := range h.waits.tuples() {
		local, remote := k.ends()
		list = append(list, Conn{Network: "tcp", State: "TIME-WAIT", Local: local, Remote: remote})
	}
	for _, b := range h.ports.all() {
		if c, ok := b.row(); ok {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Conn) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), a.Local.Compare(b.Local), a.Remote.Compare(b.Remote))
	})
	return list
}

// row returns the row of a listener or a datagram socket.
func (b *binding) row() (Conn, bool) {
	if l := b.listen.Load(); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return Conn{Network: "tcp", State: "LISTEN", Local: b.local, ReceiveQueue: l.waitingForAccept(), SendQueue: l.backlog}, true
	}
	if u := b.udp; u != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		return Conn{Network: "udp", Local: b.local, Remote: u.remote, ReceiveQueue: u.cost}, true
	}
	return Conn{}, false
}

// ends returns the addresses of a tuple.
func (k *tuple) ends() (local, remote netip.AddrPort) {
	return netip.AddrPortFrom(netip.AddrFrom16(k.local).Unmap(), k.localPort),
		netip.AddrPortFrom(netip.AddrFrom16(k.remote).Unmap(), k.remotePort)
}
