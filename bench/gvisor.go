package main

import (
	"errors"
	"fmt"
	"net"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"github.com/octet-net/octet/internal/bench"
)

// gvisor returns gVisor's netstack: its loopback, which has no MTU to speak of, or
// two stacks joined by its pipe, with packets of 1500 octets. Its options are those
// that make it fastest for these works.
func gvisor() bench.Stack {
	return bench.Stack{Name: "gVisor", Open: func(m bench.Medium) (*bench.Network, error) {
		if m == bench.Packets {
			return gvisorPair()
		}
		s, err := gvisorStack(loopback.New(), tcpip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if err != nil {
			return nil, err
		}
		return gvisorNetwork(s, s, tcpip.AddrFrom4([4]byte{127, 0, 0, 1})), nil
	}}
}

func gvisorPair() (*bench.Network, error) {
	here, there := tcpip.AddrFrom4([4]byte{192, 0, 2, 1}), tcpip.AddrFrom4([4]byte{192, 0, 2, 2})
	x, y := pipe.New("\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02", 1500)
	a, err := gvisorStack(x, here)
	if err != nil {
		return nil, err
	}
	b, err := gvisorStack(y, there)
	if err != nil {
		a.Destroy()
		return nil, err
	}
	// The pipe has no ARP: each end is told the other's address.
	a.AddStaticNeighbor(nic, ipv4.ProtocolNumber, there, "\x02\x00\x00\x00\x00\x02")
	b.AddStaticNeighbor(nic, ipv4.ProtocolNumber, here, "\x02\x00\x00\x00\x00\x01")
	return gvisorNetwork(a, b, there), nil
}

const nic = tcpip.NICID(1)

// gvisorStack returns a stack with one interface and one address.
func gvisorStack(link stack.LinkEndpoint, addr tcpip.Address) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
		HandleLocal:        false,
	})
	sack := tcpip.TCPSACKEnabled(true)
	err := s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack)
	if err == nil {
		err = s.CreateNIC(nic, link)
	}
	if err == nil {
		err = s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol:          ipv4.ProtocolNumber,
			AddressWithPrefix: tcpip.AddressWithPrefix{Address: addr, PrefixLen: 24},
		}, stack.AddressProperties{})
	}
	if err != nil {
		s.Destroy()
		return nil, fmt.Errorf("gVisor: %v", err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: addr.WithPrefix().Subnet(), NIC: nic}, {Destination: everything(), NIC: nic}})
	return s, nil
}

func everything() tcpip.Subnet {
	zero := tcpip.AddrFrom4([4]byte{})
	s, err := tcpip.NewSubnet(zero, tcpip.MaskFromBytes(zero.AsSlice()))
	if err != nil {
		panic("bug: " + err.Error())
	}
	return s
}

func gvisorNetwork(client, server *stack.Stack, addr tcpip.Address) *bench.Network {
	full := func(a net.Addr) (tcpip.FullAddress, error) {
		switch a := a.(type) {
		case *net.TCPAddr:
			return tcpip.FullAddress{NIC: nic, Addr: addr, Port: uint16(a.Port)}, nil
		case *net.UDPAddr:
			return tcpip.FullAddress{NIC: nic, Addr: addr, Port: uint16(a.Port)}, nil
		}
		return tcpip.FullAddress{}, fmt.Errorf("an address of type %T", a)
	}
	return &bench.Network{
		Listen: func() (net.Listener, error) {
			return gonet.ListenTCP(server, tcpip.FullAddress{NIC: nic, Addr: addr}, ipv4.ProtocolNumber)
		},
		Dial: func(a net.Addr) (net.Conn, error) {
			to, err := full(a)
			if err != nil {
				return nil, err
			}
			return gonet.DialTCP(client, to, ipv4.ProtocolNumber)
		},
		Datagrams: func() (net.Conn, net.PacketConn, error) {
			to, err := gonet.DialUDP(server, &tcpip.FullAddress{NIC: nic, Addr: addr}, nil, ipv4.ProtocolNumber)
			if err != nil {
				return nil, nil, err
			}
			peer, err := full(to.LocalAddr())
			if err != nil {
				return nil, nil, err
			}
			from, err := gonet.DialUDP(client, nil, &peer, ipv4.ProtocolNumber)
			if err != nil {
				return nil, nil, errors.Join(err, to.Close())
			}
			return from, to, nil
		},
		Inside: true,
		Close: func() error {
			for _, s := range []*stack.Stack{client, server} {
				s.Close()
				s.Wait()
			}
			return nil
		},
	}
}
