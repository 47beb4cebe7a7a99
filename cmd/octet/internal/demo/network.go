package demo

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// The two hosts, in the network for documentation (RFC 5737).
const (
	clientName, serverName = "client", "server"
)

var (
	clientPrefix = netip.MustParsePrefix("192.0.2.1/24")
	serverPrefix = netip.MustParsePrefix("192.0.2.2/24")
)

// Faults say what the wire does to packets, in both directions alike.
type Faults struct {
	Loss, Duplicate, Reorder, Corrupt float64 // probabilities
	Delay                             time.Duration
	Rate                              int64 // bits a second; zero means no limit
}

// Any reports whether the wire does anything at all.
func (f Faults) Any() bool { return f != Faults{} }

func (f Faults) path() link.Path {
	return link.Path{
		Loss: link.Random(f.Loss), Duplicate: f.Duplicate, Reorder: f.Reorder, Corrupt: f.Corrupt,
		Delay: f.Delay, Rate: f.Rate,
	}
}

// A network is two hosts joined by a wire.
type network struct {
	line           *timeline.Timeline
	wire           *link.Wire
	client, server *octet.Host
}

// newNetwork joins two hosts by a wire with these faults. Everything random in it
// comes from the seed.
func newNetwork(f Faults, seed uint64, onWire link.Observer, onHost func(*timeline.Timeline) link.Observer) (*network, error) {
	n := &network{line: timeline.New()}
	var err error
	n.wire, err = link.NewWire(n.line, link.WireOptions{
		Name: "wire", Seed: seed, Ends: [2]string{clientName, serverName}, Paths: [2]link.Path{f.path(), f.path()}, Observer: onWire,
	})
	if err != nil {
		n.line.Close()
		return nil, err
	}
	seen := onHost(n.line)
	host := func(name string, end int, p netip.Prefix) *octet.Host {
		h := octet.NewHost(octet.WithName(name), octet.WithTimeline(n.line), octet.WithSeed(seed), octet.WithObserver(seen),
			octet.WithHosts(serverName, serverPrefix.Addr()), octet.WithHosts(clientName, clientPrefix.Addr()))
		_, aerr := h.Attach(n.wire.End(end), p)
		err = cmp.Or(err, aerr)
		return h
	}
	n.client, n.server = host(clientName, 0, clientPrefix), host(serverName, 1, serverPrefix)
	if err != nil {
		return nil, cmp.Or(err, n.close())
	}
	return n, nil
}

// settle waits until no connection is left that must still be terminated, so that
// the end of the conversation is seen; but not long, since its last segment may be
// lost again and again.
func (n *network) settle() {
	const wait = 2 * time.Second
	look, end := time.NewTicker(time.Millisecond), time.After(wait)
	defer look.Stop()
	for n.server.Stats().Connections > 0 || n.client.Stats().Connections > 0 {
		select {
		case <-look.C:
		case <-end:
			return
		}
	}
}

// close ends the hosts, if they have not been closed, and the wire.
func (n *network) close() error {
	var first error
	for _, h := range []*octet.Host{n.client, n.server} {
		if err := h.Close(); !errors.Is(err, net.ErrClosed) {
			first = cmp.Or(first, err)
		}
	}
	first = cmp.Or(first, n.wire.Close())
	n.line.Close()
	return first
}
