package vnet

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// Options say what a Net is like. The zero value is a network in the time of
// package time with seed 0.
type Options struct {
	Seed    uint64             // everything random comes from it
	Line    *timeline.Timeline // New makes one, and Close ends it, if nil
	Profile *octet.Profile     // policies of the hosts; octet.Linux() if nil
	WireARP bool               // neighbours are found by ARP and NDP over the links
	Record  int                // octets of the latest packets kept for Capture and Recent; 8 MiB if zero, none if negative
	Replay  *Schedule          // faults of an earlier run, instead of chance
}

// A Net is a network in memory. All its methods may be called by many goroutines.
type Net struct {
	options Options
	line    *timeline.Timeline
	ownLine bool
	bubble  string
	made    string // where

	rules atomic.Pointer[[]*rule]
	taps  atomic.Pointer[[]link.Observer]
	enter Packet // of gates alone: the timeline runs one at a time

	mu     sync.Mutex // a leaf: nothing is called with it
	closed bool
	names  map[string]string // what has the name, and where it was made
	nodes  []*node
	byName map[string]*node // hosts and the like, by canonical name
	byAddr map[netip.Addr]*node
	lans   []*lan
	links  []*Link
	macs   uint32
	cuts   map[pairKey]int
	pairs  map[pairKey]*PairStats
	flows  map[uint64]*flowState
	trace  trace
	judge  judge
}

// New returns an empty network.
func New(o Options) *Net {
	n := &Net{
		options: o, line: o.Line, bubble: bubble(), made: where(),
		names: map[string]string{}, byName: map[string]*node{}, byAddr: map[netip.Addr]*node{},
		cuts: map[pairKey]int{}, pairs: map[pairKey]*PairStats{}, flows: map[uint64]*flowState{},
	}
	if n.line == nil {
		n.line, n.ownLine = timeline.New(), true
	}
	n.rules.Store(new([]*rule))
	n.taps.Store(new([]link.Observer))
	n.trace.init(cmp.Or(o.Record, recordDefault))
	n.judge.init(o.Replay)
	return n
}

// Seed returns the seed.
func (n *Net) Seed() uint64 { return n.options.Seed }

// Timeline returns the clock of the network.
func (n *Net) Timeline() *timeline.Timeline { return n.line }

// Close ends the network and its hosts: connections are reset and every call that
// waits returns net.ErrClosed.
func (n *Net) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return net.ErrClosed
	}
	n.closed = true
	nodes := slices.Clone(n.nodes)
	n.mu.Unlock()
	var errs []error
	for _, x := range nodes {
		if x.cancel != nil {
			x.cancel()
		}
		if err := x.stack.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("%s: %w", x.name, err))
		}
	}
	if n.ownLine {
		n.line.Close()
	}
	return errors.Join(errs...)
}

// errorf returns an error that begins with the line of the caller.
func errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", where(), fmt.Errorf(format, args...))
}

// check says whether the caller may use the network: a network belongs to the
// testing/synctest bubble it was made in, whose timers and waiting goroutines
// another must not touch; the runtime would end the process.
func (n *Net) check() error {
	if b := bubble(); b != n.bubble {
		return errorf("the network made at %s belongs to %s and is used in %s", n.made, bubbleName(n.bubble), bubbleName(b))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errorf("the network made at %s is closed", n.made)
	}
	return nil
}

func bubbleName(b string) string {
	if b == "" {
		return "no synctest bubble"
	}
	return "synctest bubble " + b
}

// claim takes a name for a part of the network.
func (n *Net) claim(what, name string) error {
	if name == "" || strings.ContainsAny(name, " \t\n/>|,") {
		return errorf("%s %q: a name has at least one character and none of space, /, >, | and comma", what, name)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return errorf("%s %q: an address is no name", what, name)
	}
	key := canonical(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if first, taken := n.names[key]; taken {
		return errorf("%s %q: the name is that of the %s", what, name, first)
	}
	n.names[key] = what + " made at " + where()
	return nil
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// lookup resolves the names of the network's hosts for its hosts.
func (n *Net) lookup(name string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x := n.byName[name]; x != nil {
		return slices.Clone(x.addrs), nil
	}
	known := make([]string, 0, len(n.byName))
	for _, x := range n.nodes {
		known = append(known, x.name)
	}
	const most = 12
	if len(known) > most {
		known = append(known[:most], fmt.Sprintf("and %d more", len(known)-most))
	}
	return nil, &net.DNSError{
		Err: "no such host in the network made at " + n.made + ", which has " + strings.Join(known, ", "), Name: name, IsNotFound: true,
	}
}

// nextMAC returns a locally administered address nobody else has. n.mu is held.
func (n *Net) nextMAC() wire.MAC {
	n.macs++
	return wire.MAC{2, 0, byte(n.macs >> 24), byte(n.macs >> 16), byte(n.macs >> 8), byte(n.macs)}
}

// InFlight returns how many packets are on links: sent and neither arrived nor lost.
func (n *Net) InFlight() int {
	sum := 0
	for _, l := range n.Links() {
		for _, d := range []Direction{Up, Down} {
			sum += int(l.Stats(d).InFlight)
		}
	}
	return sum
}

// Links returns the links in the order of their making.
func (n *Net) Links() []*Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.links)
}

// Hosts returns the hosts, routers included, in the order of their making.
func (n *Net) Hosts() []*octet.Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []*octet.Host
	for _, x := range n.nodes {
		list = append(list, x.stack)
	}
	return list
}
