package sim

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/vnet"
)

// What a simulation is made of, as in packages vnet and link.
type (
	Path           = vnet.Path
	Asymmetric     = vnet.Asymmetric
	Switch         = vnet.Switch
	Cable          = vnet.Cable
	Link           = vnet.Link
	Node           = vnet.Node
	Packet         = vnet.Packet
	Verdict        = vnet.Verdict
	Jitter         = link.Jitter
	Random         = link.Random
	Every          = link.Every
	List           = link.List
	Mask           = link.Mask
	GilbertElliott = link.GilbertElliott
	DropTail       = link.DropTail
	CoDel          = vnet.CoDel
	FQCoDel        = vnet.FQCoDel
	PIE            = vnet.PIE
	DualPI2        = vnet.DualPI2
	Router         = vnet.Router
	NAT            = vnet.NAT
	NATConfig      = vnet.NATConfig
	Firewall       = vnet.Firewall
	FirewallConfig = vnet.FirewallConfig
)

// Parts of rules (Net.OnPacket), options and the like, as in packages vnet and link.
var (
	Any, TCP, UDP, ICMP = vnet.Any, vnet.TCP, vnet.UDP, vnet.ICMP
	If, Delay           = vnet.If, vnet.Delay
	Pass, Drop, Twice   = vnet.Pass, vnet.Drop, vnet.Twice
	Prefix, Address     = vnet.Prefix, vnet.Address
	Profile, SendBuffer = vnet.Profile, vnet.SendBuffer
	Set                 = vnet.Set
	// Kinds of NAT as they are often called.
	FullCone, RestrictedCone  = vnet.FullCone, vnet.RestrictedCone
	PortRestricted, Symmetric = vnet.PortRestricted, vnet.Symmetric
)

// Directions of a link and kinds of jitter.
const (
	Up          = vnet.Up
	Down        = vnet.Down
	Uniform     = link.Uniform
	Normal      = link.Normal
	Exponential = link.Exponential
	Pareto      = link.Pareto
)

// A Net is the network of a simulation: that of package vnet, whose mistakes end
// the test, with the time of the test and the goroutines of its hosts.
type Net struct {
	*vnet.Net
	t        *testing.T
	watchdog *watchdog
	bubble   string
	id       string // tells its goroutines from those of other runs
	start    time.Time

	mu       sync.Mutex
	changed  sync.Cond // of running
	running  int       // goroutines of Host.Go
	ran      int       // functions of At
	hosts    []*Host
	events   []*timeline.Event
	finished bool
	netstat  string // at the end of a run that failed
	trace    vnet.Trace
}

var runs atomic.Uint64

func newNet(t *testing.T, v *vnet.Net, w *watchdog) *Net {
	n := &Net{
		Net: v, t: t, watchdog: w, bubble: w.bubble, start: time.Now(), id: fmt.Sprint(runs.Add(1)),
	}
	n.changed.L = &n.mu
	v.Tap(w)
	return n
}

// fatal ends the test in the line of the caller if there is an error.
func (n *Net) fatal(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// Switch makes a switch (vnet.Net.Switch).
func (n *Net) Switch(name string, list ...vnet.PlaceOption) *Switch {
	n.t.Helper()
	s, err := n.Net.Switch(name, list...)
	n.fatal(err)
	return s
}

// Cable makes a cable (vnet.Net.Cable).
func (n *Net) Cable(name string, list ...vnet.PlaceOption) *Cable {
	n.t.Helper()
	c, err := n.Net.Cable(name, list...)
	n.fatal(err)
	return c
}

// Join would join two switches (vnet.Net.Join).
func (n *Net) Join(a, b *Switch) {
	n.t.Helper()
	n.fatal(n.Net.Join(a, b))
}

// Host makes a host (vnet.Net.Host).
func (n *Net) Host(name string, list ...vnet.HostOption) *Host {
	n.t.Helper()
	v, err := n.Net.Host(name, list...)
	n.fatal(err)
	h := &Host{Host: v, net: n}
	number(h)
	n.mu.Lock()
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	return h
}

// Router makes a router (vnet.Net.Router).
func (n *Net) Router(name string, list ...vnet.HostOption) *Router {
	n.t.Helper()
	r, err := n.Net.Router(name, list...)
	n.fatal(err)
	return r
}

// NAT makes a NAT (vnet.Net.NAT).
func (n *Net) NAT(name string, inside, outside vnet.HostOption, c NATConfig) *NAT {
	n.t.Helper()
	x, err := n.Net.NAT(name, inside, outside, c)
	n.fatal(err)
	return x
}

// Firewall makes a firewall (vnet.Net.Firewall).
func (n *Net) Firewall(name string, inside, outside vnet.HostOption, c FirewallConfig) *Firewall {
	n.t.Helper()
	x, err := n.Net.Firewall(name, inside, outside, c)
	n.fatal(err)
	return x
}

// Partition lets no packet pass between two sides (vnet.Net.Partition).
func (n *Net) Partition(a, b []Node) {
	n.t.Helper()
	n.fatal(n.Net.Partition(a, b))
}

// PartitionOneWay lets no packet pass from one side to the other.
func (n *Net) PartitionOneWay(from, to []Node) {
	n.t.Helper()
	n.fatal(n.Net.PartitionOneWay(from, to))
}

// Now returns how long the simulation has run.
func (n *Net) Now() time.Duration { return time.Since(n.start) }

// At calls f when the simulation has run for d, between two packets. While f does
// not wait the network stands still; if it waits the network goes on beside it.
func (n *Net) At(d time.Duration, f func()) {
	e := new(timeline.Event)
	n.mu.Lock()
	n.events = append(n.events, e)
	key := uint64(len(n.events))
	n.mu.Unlock()
	e.Init(n.Timeline(), key, func(mono.Time) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
			n.mu.Lock() // what f wrote can be read after Run
			n.ran++
			n.mu.Unlock()
		}()
		select {
		case <-done:
		case <-time.After(1):
		}
	})
	e.Set(mono.Time(d))
}

// Run lets time pass until every goroutine of Host.Go has returned, at most so
// long, and reports whether they have.
func (n *Net) Run(most time.Duration) bool {
	expired := false
	timer := time.AfterFunc(most, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		expired = true
		n.changed.Broadcast()
	})
	defer timer.Stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.running > 0 && !expired {
		n.changed.Wait()
	}
	return n.running == 0
}

// Settle lets time pass until no packet is on its way and none follows within a
// microsecond, at most an hour, and reports whether that came. Programs and timers
// of TCP may go on later.
func (n *Net) Settle() bool {
	quiet := 0
	for end := time.Now().Add(time.Hour); time.Now().Before(end); {
		if n.InFlight() == 0 {
			quiet++
		} else {
			quiet = 0
		}
		if quiet == 3 {
			return true
		}
		time.Sleep(2 * timeline.Grid)
		if next := n.Timeline().Next(); quiet == 0 && next > n.Timeline().Now() && next != mono.Never {
			time.Sleep(next.Sub(n.Timeline().Now()))
		}
	}
	return false
}

// finish ends the simulation, inside its bubble: it closes the network, gives
// goroutines time to end and names those that do not.
func (n *Net) finish() {
	n.trace = n.Trace()
	if n.t.Failed() {
		n.netstat = n.Netstat()
	}
	if err := n.Close(); err != nil {
		n.t.Errorf("sim: closing the network: %v", err)
	}
	var left string
	for _, wait := range []time.Duration{time.Microsecond, time.Second, time.Minute, time.Hour} {
		time.Sleep(wait)
		if left = blocked(n.bubble); left == "" {
			break
		}
	}
	n.finished = true
	forget(n.hosts)
	if left != "" {
		n.t.Errorf("sim: goroutines remain an hour after the network was closed:\n%s", left)
	}
	n.Timeline().Close()
}

// Netstat lists the sockets of every host.
func (n *Net) Netstat() string {
	var b strings.Builder
	for _, h := range n.Hosts() {
		for _, c := range h.Conns() {
			fmt.Fprintf(&b, "%-10s %-4s %-12s %-24s %-24s %6d %6d\n", h.Name(), c.Network, c.State, c.Local, remote(c.Remote.IsValid(), c.Remote.String()), c.ReceiveQueue, c.SendQueue)
		}
	}
	if b.Len() == 0 {
		return "no sockets\n"
	}
	return fmt.Sprintf("%-10s %-4s %-12s %-24s %-24s %6s %6s\n", "host", "", "state", "local", "remote", "recv-q", "send-q") + b.String()
}

func remote(valid bool, s string) string {
	if !valid {
		return "*"
	}
	return s
}
