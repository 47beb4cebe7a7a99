package octet

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/octet-net/octet/ip"
)

// ChangeKind says what happened to the configuration of a host.
type ChangeKind uint8

// The kinds of changes.
const (
	AddressReady       ChangeKind = iota + 1 // nobody else on the link has the address: it can be used
	AddressTaken                             // MAC had it first: it is not used
	AddressConflict                          // MAC uses an address of ours, which we keep and defend (RFC 5227 §2.4)
	AddressDeprecated                        // it is not for new connections any more
	AddressGone                              // its lifetime has ended
	RouterFound                              // a router offers itself as the default
	RouterGone                               // it does so no more
	NameServersChanged                       // what routers announce: see Host.NameServers
	MTUChanged                               // to MTU
	DeviceEnded                              // by itself, for the reason Err: the interface and its addresses are gone
	HostClosed                               // nothing follows
)

var changeNames = [...]string{
	"changed", "address ready", "address taken", "address conflict", "address deprecated", "address gone",
	"router found", "router gone", "name servers changed", "MTU changed", "device ended", "host closed",
}

// String returns the kind in words.
func (k ChangeKind) String() string { return changeNames[int(k)%len(changeNames)] }

// A Change is one thing that happened to the configuration of a host without, or
// some time after, a call of a program.
type Change struct {
	Kind      ChangeKind
	Interface int    // its index
	Name      string // and its name
	Addr      netip.Addr
	MAC       net.HardwareAddr // with AddressTaken and AddressConflict: who has the address
	MTU       int              // with MTUChanged
	Err       error            // with DeviceEnded
}

// String says it in one line.
func (c Change) String() string {
	s := c.Kind.String()
	if c.Name != "" {
		s = c.Name + ": " + s
	}
	if c.Addr.IsValid() {
		s += " " + c.Addr.String()
	}
	if c.MAC != nil {
		s += " by " + c.MAC.String()
	}
	if c.MTU != 0 {
		s += fmt.Sprintf(" to %d", c.MTU)
	}
	if c.Err != nil {
		s += ": " + c.Err.Error()
	}
	return s
}

// changeKinds translates those of package ip.
var changeKinds = map[ip.EventKind]ChangeKind{
	ip.AddressReady: AddressReady, ip.AddressTaken: AddressTaken, ip.AddressConflict: AddressConflict,
	ip.AddressDeprecated: AddressDeprecated, ip.AddressGone: AddressGone,
	ip.RouterFound: RouterFound, ip.RouterGone: RouterGone, ip.NameServers: NameServersChanged,
}

// Watch has f told of every Change from now on, one after another, until stop is
// called. f is called with no lock held by whoever brought the change about: it
// must not wait, but may call the host.
func (h *Host) Watch(f func(Change)) (stop func()) {
	w := &h.watchers
	own := &f
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list[:len(w.list):len(w.list)], own)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		var rest []*func(Change)
		for _, x := range w.list {
			if x != own {
				rest = append(rest, x)
			}
		}
		w.list = rest
	}
}

// maxChanges bounds how many changes wait to be told, while whoever tells them is
// busy; the oldest go first.
const maxChanges = 256

// Watchers are the functions that are told of changes, and what they have not
// been told yet.
type watchers struct {
	mu    sync.Mutex
	list  []*func(Change) // never changed, only replaced
	queue []Change
	busy  bool // somebody tells
}

// put queues a change. It is a leaf of the locks.
func (w *watchers) put(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) == 0 {
		return
	}
	if len(w.queue) >= maxChanges {
		w.queue = w.queue[1:]
	}
	w.queue = append(w.queue, c)
}

// tell tells what waits, in order, unless somebody does so already. The caller
// holds no lock.
func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return
	}
	w.busy = true
	defer func() { w.busy = false }() // also where a watcher panics
	for len(w.queue) > 0 {
		c, list := w.queue[0], w.list
		w.queue = w.queue[1:]
		w.each(c, list)
	}
	w.queue = nil
}

// each tells one change with the lock given up meanwhile.
func (w *watchers) each(c Change, list []*func(Change)) {
	w.mu.Unlock()
	defer w.mu.Lock()
	for _, f := range list {
		(*f)(c)
	}
}

// news queues a change to be told when the event ends.
func (e *event) news(c Change) {
	e.host.watchers.put(c)
	e.changed = true
}

// report takes the news of the ip.Node. l.mu is held.
func (l *ipLayer) report(e *event) {
	for {
		x, ok := l.node.Event()
		if !ok {
			return
		}
		c := Change{Kind: changeKinds[x.Kind], Interface: int(x.Interface), Addr: x.Addr}
		if i, ok := l.node.Tables().Interface(x.Interface); ok {
			c.Name = i.Name
		}
		if x.Kind == ip.AddressTaken || x.Kind == ip.AddressConflict {
			c.MAC = net.HardwareAddr(x.MAC[:])
		}
		e.news(c)
	}
}
