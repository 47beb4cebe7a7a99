// Package bench measures network stacks side by side: the same work over each of
// them, in turns, in one process, so that what the machine does beside it hits all
// alike. Only ratios of one run mean anything.
//
// Every work counts the octets that arrive and compares contents: a stack that
// loses, repeats or changes any fails, however fast it was.
package bench

import (
	"errors"
	"net"
	"time"
)

// A Medium is what carries the packets of a stack.
type Medium uint8

// The media.
const (
	Loopback Medium = iota // as large packets as the stack likes, no checksums needed
	Packets                // packets of 1500 octets, each with its checksums
)

// A Stack is one that is measured. Open makes a fresh network for one
// measurement, or returns ErrNone where the stack has no such medium.
type Stack struct {
	Name string // in tables: octet, kernel, pipe
	Open func(Medium) (*Network, error)
}

// A Network gives a work what it runs on. Functions that are nil say that the
// stack cannot do it.
type Network struct {
	Listen    func() (net.Listener, error)
	Dial      func(net.Addr) (net.Conn, error)
	Pair      func() (client, server net.Conn, err error) // both ends of a connection
	Datagrams func() (from net.Conn, to net.PacketConn, err error)
	Inside    bool // the memory of both ends is that of this process
	Close     func() error
}

// ErrNone says that a stack does not offer what a work needs.
var ErrNone = errors.New("this stack cannot do it")

// A Work is what is done to each stack.
type Work struct {
	Name   string // for the command line: ping-pong
	Title  string // for tables: ping-pong of 64 octets
	Unit   string // of a figure
	Less   bool   // the smaller figure is the better
	Medium Medium
	run    func(n *Network, span time.Duration) (float64, error)
}

// Works returns all works, in the order of tables.
func Works() []Work {
	return []Work{
		{Name: "stream", Title: "one stream", Unit: "MB/s", run: streams(1)},
		{Name: "streams", Title: "four streams", Unit: "MB/s", run: streams(4)},
		{Name: "stream1500", Title: "one stream, 1500-octet packets", Unit: "MB/s", Medium: Packets, run: streams(1)},
		{Name: "streams1500", Title: "four streams, 1500-octet packets", Unit: "MB/s", Medium: Packets, run: streams(4)},
		{Name: "ping-pong", Title: "ping-pong of 64 octets", Unit: "µs", Less: true, run: pingPong},
		{Name: "connect", Title: "connect, 1 octet each way, close", Unit: "/s", run: connects},
		{Name: "udp", Title: "UDP, 512 octets, received", Unit: "/s", run: datagrams},
		{Name: "idle", Title: "idle connection, each end", Unit: "octets", Less: true, run: idle},
	}
}

// measure does the work once on a fresh network of the stack.
func (w *Work) measure(s *Stack, span time.Duration) (figure float64, err error) {
	n, err := s.Open(w.Medium)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	return w.run(n, span)
}

// pair returns both ends of a new connection.
func (n *Network) pair() (client, server net.Conn, err error) {
	if n.Pair != nil {
		return n.Pair()
	}
	l, err := n.Listen()
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	return n.dial(l)
}

// dial connects to a listener that nobody else connects to.
func (n *Network) dial(l net.Listener) (client, server net.Conn, err error) {
	client, err = n.Dial(l.Addr())
	if err != nil {
		return nil, nil, err
	}
	server, err = l.Accept()
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return client, server, nil
}
