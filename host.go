package octet

import (
	"cmp"
	"encoding/binary"
	"net"
	"sync/atomic"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// A Host is one host of ours: interfaces, addresses, routes, and the sockets on
// them. It satisfies Network. All methods may be called by many goroutines.
type Host struct {
	name     string
	line     *timeline.Timeline
	ownsLine bool
	profile  Profile
	secret   secret
	observer link.Observer
	names    names

	addressTests *bool // nil: as link.Info.Outside says
	watchers     watchers
	pings        pings

	closed  atomic.Bool
	made    atomic.Uint64 // sockets and the like, for their keys
	keyBase uint64

	budget budget

	ip    ipLayer
	ports portTable
	conns table[*Socket]
	udps  table[*UDPConn] // those that are connected
	waits timeWaits

	halfOpen atomic.Int64
	orphans  atomic.Int64
	drops    [NumDrops]atomic.Uint64

	cookiesSent, cookiesUsed atomic.Uint64 // SYN cookies

	fast      fastMemory
	fastStats fastStats
}

var _ Network = (*Host)(nil)

// NewHost returns a host with a loopback interface, lo, that has 127.0.0.1/8 and
// ::1/128, and the name localhost. Attach gives it others. Close ends it.
func NewHost(list ...Option) *Host {
	o := options{profile: Linux()}
	for _, set := range list {
		set(&o)
	}
	h := &Host{
		name:     cmp.Or(o.name, "localhost"),
		line:     o.line,
		profile:  o.profile,
		observer: o.observer,

		addressTests: o.addressTests,
	}
	if h.line == nil {
		h.line, h.ownsLine = timeline.New(), true
	}
	h.secret = newSecret(h.name, o.seed)
	h.keyBase = uint64(binary.BigEndian.Uint32(h.secret.misc[:])) << 32
	h.ports.key = h.secret.port
	h.fast.most = h.profile.FastOpenPaths
	h.budget.limit = int64(h.profile.Memory)
	h.conns.init()
	h.udps.init()
	h.names.init(h, &o)
	h.ip.init(h)
	h.waits.init(h.line, h.nextKey(), h.profile.TimeWaits)
	h.waits.budget = &h.budget
	if _, err := h.Attach(link.NewLoopback(h.line)); err != nil {
		panic("bug: a host without loopback: " + err.Error())
	}
	return h
}

// nextKey returns what orders one event of the host among those of a moment: the
// hosts of a network by their names, and a host's own in the order of their making.
func (h *Host) nextKey() uint64 { return h.keyBase | h.made.Add(1)&0xffffffff }

// Name returns the name that WithName gave the host, or localhost.
func (h *Host) Name() string { return h.name }

// Timeline returns the clock of the host.
func (h *Host) Timeline() *timeline.Timeline { return h.line }

// Profile returns a copy of the policies of the host.
func (h *Host) Profile() Profile { return h.profile }

// Close ends the host: its connections are reset, and every Read, Write, Accept
// and Dial returns net.ErrClosed. Its devices are closed. No goroutine, timer or
// packet of the host remains. A second Close returns net.ErrClosed.
func (h *Host) Close() error {
	if h.closed.Swap(true) {
		return net.ErrClosed
	}
	h.Abort()
	h.waits.close()
	h.pings.close()
	err := h.ip.close()
	h.watchers.put(Change{Kind: HostClosed})
	h.watchers.tell()
	if h.ownsLine {
		h.line.Close()
	}
	return err
}

// Abort ends every socket of the host, as the end of all its programs would:
// connections are reset, listeners close, and every Read, Write, Accept and Dial
// returns net.ErrClosed. The host itself goes on.
func (h *Host) Abort() {
	for _, b := range h.ports.all() {
		if b.udp != nil {
			b.udp.Close() // or the program was faster
		} else if l := b.listen.Load(); l != nil {
			l.sock.Close()
		}
	}
	for _, s := range h.conns.all((*Socket).key) {
		s.kill()
	}
}
