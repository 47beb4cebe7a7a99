package bench

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// Octet returns our stack: a host's loopback, or two hosts joined by a pipe of
// packets with checksums.
func Octet() Stack {
	return Stack{Name: "octet", Open: func(m Medium) (*Network, error) {
		if m == Packets {
			return twoHosts()
		}
		h := octet.NewHost()
		n := Between(h, h, "127.0.0.1:0")
		n.Inside, n.Close = true, h.Close
		return n, nil
	}}
}

func twoHosts() (*Network, error) {
	line := timeline.New()
	a := octet.NewHost(octet.WithTimeline(line), octet.WithName("a"))
	b := octet.NewHost(octet.WithTimeline(line), octet.WithName("b"))
	closeAll := func() error {
		err := errors.Join(a.Close(), b.Close())
		line.Close()
		return err
	}
	x, y := link.NewPipe(line, link.PipeOptions{})
	_, errA := a.Attach(x, netip.MustParsePrefix("192.0.2.1/24"))
	_, errB := b.Attach(y, netip.MustParsePrefix("192.0.2.2/24"))
	if err := errors.Join(errA, errB); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	n := Between(a, b, "192.0.2.2:0")
	n.Inside, n.Close = true, closeAll
	return n, nil
}

// Kernel returns the stack of the operating system: its loopback.
func Kernel() Stack {
	return Stack{Name: "kernel", Open: func(m Medium) (*Network, error) {
		if m == Packets {
			return nil, ErrNone
		}
		return Between(octet.System(), octet.System(), "127.0.0.1:0"), nil
	}}
}

// Between returns the network of a client and a server that listens at address.
func Between(client, server octet.Network, address string) *Network {
	return &Network{
		Listen: func() (net.Listener, error) { return server.Listen("tcp", address) },
		Dial: func(a net.Addr) (net.Conn, error) {
			return client.DialContext(context.Background(), "tcp", a.String())
		},
		Datagrams: func() (net.Conn, net.PacketConn, error) {
			to, err := server.ListenPacket("udp", address)
			if err != nil {
				return nil, nil, err
			}
			from, err := client.DialContext(context.Background(), "udp", to.LocalAddr().String())
			if err != nil {
				return nil, nil, errors.Join(err, to.Close())
			}
			return from, to, nil
		},
		Close: func() error { return nil },
	}
}

// Pipe returns net.Pipe, which has no protocol at all: what the language and the
// machine leave to a stack. With packets it carries no more than one at a time.
func Pipe() Stack {
	return Stack{Name: "pipe", Open: func(m Medium) (*Network, error) {
		return &Network{
			Pair: func() (client, server net.Conn, err error) {
				client, server = net.Pipe()
				if m == Packets {
					client, server = inPackets{client}, inPackets{server}
				}
				return client, server, nil
			},
			Inside: true,
			Close:  func() error { return nil },
		}, nil
	}}
}

// inPackets writes no more at once than a packet of 1500 octets carries, headers
// of 52 octets taken off.
type inPackets struct{ net.Conn }

func (c inPackets) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		var k int
		k, err = c.Conn.Write(p[n:min(len(p), n+1448)])
		n += k
	}
	return n, err
}
