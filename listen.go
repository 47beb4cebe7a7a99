package octet

import (
	"net"
	"net/netip"
)

// Listen accepts TCP connections at an address, like net.Listen. The listener is a *TCPListener.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	a, err := h.localAddr(network, address, "tcp")
	if err != nil {
		return nil, err
	}
	s, err := h.listenTCP(network, a)
	if err != nil {
		return nil, opErr("listen", network, nil, tcpAddr(a), err)
	}
	return &TCPListener{s}, nil
}

func (h *Host) listenTCP(network string, a netip.AddrPort) (*Socket, error) {
	s, err := h.Socket(network)
	if err != nil {
		return nil, err
	}
	if err := s.SetReuseAddr(true); err != nil {
		return nil, err
	}
	if err := s.Bind(a); err != nil {
		return nil, sysErr("bind", err)
	}
	if err := s.Listen(h.profile.Backlog); err != nil {
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
