package octet

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// The conformance test of golang.org/x/net for every net.Conn. A hundred runs
// under the race detector: go test -race -count 100 -run NetTest .
func TestNetTestTCP(t *testing.T) {
	for _, c := range []struct{ name, address string }{
		{"IPv4", "127.0.0.1:0"}, {"IPv6", "[::1]:0"}, {"both", ":0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				h := NewHost()
				return connected(h, h, c.address)
			})
		})
	}
}

func TestNetTestTCPOverPipe(t *testing.T) {
	for _, o := range []struct {
		name string
		link.PipeOptions
	}{
		{"bare", link.PipeOptions{}},
		{"small packets", link.PipeOptions{MTU: 576}},
		{"large segments", link.PipeOptions{NoSum: true, Segments: true}},
	} {
		t.Run(o.name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				a, b := twoHosts(t, o.PipeOptions)
				return connected(a, b, "192.0.2.1:80")
			})
		})
	}
}

// connected returns both ends of a connection, and what closes them and their hosts.
func connected(server, client *Host, address string) (a, b net.Conn, stop func(), err error) {
	l, err := server.Listen("tcp", address)
	if err != nil {
		return nil, nil, nil, err
	}
	defer l.Close()
	if b, err = client.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, nil, err
	}
	if a, err = l.Accept(); err != nil {
		return nil, nil, nil, err
	}
	return a, b, func() {
		a.Close()
		b.Close()
		server.Close()
		client.Close()
	}, nil
}

// The same over a wire that loses, doubles and reorders, in real time.
func TestNetTestTCPOverBadWire(t *testing.T) {
	seed := uint64(0)
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		seed++
		path := link.Path{Delay: 100 * time.Microsecond, Loss: link.Random(0.01), Duplicate: 0.01, Reorder: 0.02, HoldBack: time.Millisecond}
		line := timeline.New()
		w, err := link.NewWire(line, link.WireOptions{Seed: seed, Paths: [2]link.Path{path, path}})
		if err != nil {
			return nil, nil, nil, err
		}
		a, b := newHost(t, WithTimeline(line)), newHost(t, WithTimeline(line))
		attach(t, a, w.End(0), "192.0.2.1/24")
		attach(t, b, w.End(1), "192.0.2.2/24")
		return connected(a, b, "192.0.2.1:80")
	})
}
