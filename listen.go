package octet

import (
	"cmp"
	"context"
	"net"
	"net/netip"
)

// Listen accepts TCP connections at an address, like net.Listen. The listener is a *TCPListener.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	c := ListenConfig{Host: h}
	return c.Listen(context.Background(), network, address)
}

// A ListenConfig says more about how to listen than Host.Listen: see net.ListenConfig.
type ListenConfig struct {
	Host    *Host
	Backlog int // how many connections are held ready for Accept; Profile.Backlog if zero
	// FastOpen takes octets that come with the SYN of a client which proves by a
	// cookie that it is where it says (TCP Fast Open, RFC 7413), and gives a cookie
	// to those who ask. Accept then returns before the handshake is done, and what is
	// written goes out without waiting for it. In rare cases the octets of such a SYN
	// come twice, on two connections: what a client says first must do no harm if it
	// is said twice.
	FastOpen bool
}

// Listen accepts TCP connections at an address. The listener is a *TCPListener. The
// context ends nothing but a Listen that has not begun.
func (c *ListenConfig) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	h := c.Host
	if err := ctx.Err(); err != nil {
		return nil, opErr("listen", network, nil, nil, contextError(err))
	}
	a, err := h.localAddr(network, address, "tcp")
	if err != nil {
		return nil, err
	}
	s, err := c.listenTCP(network, a)
	if err != nil {
		return nil, opErr("listen", network, nil, tcpAddr(a), err)
	}
	return &TCPListener{s}, nil
}

func (c *ListenConfig) listenTCP(network string, a netip.AddrPort) (*Socket, error) {
	s, err := c.Host.Socket(network)
	if err != nil {
		return nil, err
	}
	if err := s.SetReuseAddr(true); err != nil {
		return nil, err
	}
	if c.FastOpen {
		if err := s.SetFastOpen(true); err != nil {
			return nil, err
		}
	}
	if err := s.Bind(a); err != nil {
		return nil, sysErr("bind", err)
	}
	if err := s.Listen(cmp.Or(c.Backlog, c.Host.profile.Backlog)); err != nil {
		s.Abort()
		return nil, sysErr("listen", err)
	}
	return s, nil
}

// ListenPacket receives UDP datagrams at an address, like net.ListenPacket. What
// it returns is a *UDPConn.
func (h *Host) ListenPacket(network, address string) (net.PacketConn, error) {
	a, err := h.localAddr(network, address, "udp")
	if err != nil {
		return nil, err
	}
	c, err := h.newUDP(network, a, netip.AddrPort{})
	if err != nil {
		return nil, opErr("listen", network, nil, udpAddr(a), err)
	}
	return c, nil
}
