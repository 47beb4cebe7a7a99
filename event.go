package octet

import (
	"sync"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// An event is one thing that happens to a host: packets that arrive, a call of a
// program, a timer. It has one moment, holds the lock of at most one socket (and
// of the listener that the socket still belongs to), and collects what must be
// done when no lock is held any more: packets to deliver and programs to tell.
//
// An event lives from Host.begin to end. It is also the memory that the path of a
// packet needs, so that no packet costs an allocation.
type event struct {
	host *Host
	now  mono.Time
	sock *Socket   // whose lock is held
	ln   *listener // whose lock is held with it

	in, out wire.Segment
	head    wire.IP
	packet  link.Packet
	arrived ip.Packet
	verdict ip.Verdict
	outward ip.Outgoing

	scratch [64]byte // of a transport header

	reads, writes waking // of sock, once its lock is given up

	relief bool // memory was given back for which others wait

	nics  []*nic // whose devices hold something to deliver
	calls []call
	loops []looped

	changed bool // watchers are to be told
}

// A call tells a program of a change.
type call struct {
	f     func(Ready)
	ready Ready
}

// A looped packet is a copy for ourselves of one that goes to many.
type looped struct {
	on     *nic
	packet link.Packet
}

// events holds plain memory between events: nothing in it belongs to a host.
var events = sync.Pool{New: func() any { return new(event) }}

// begin starts an event at the present moment.
func (h *Host) begin() *event { return h.beginAt(h.line.Now()) }

func (h *Host) beginAt(now mono.Time) *event {
	e := events.Get().(*event)
	e.host, e.now = h, now
	return e
}

// adopt starts an event that holds the lock of a socket already.
func (h *Host) adopt(s *Socket) *event {
	e := h.begin()
	e.sock = s
	e.follow()
	return e
}

// enter takes the lock of a socket, after giving up that of another, and with it
// the lock of its listener while there is one to consult.
func (e *event) enter(s *Socket) {
	if e.sock == s {
		return
	}
	e.leave()
	if ln := s.parent.Load(); ln != nil {
		ln.mu.Lock()
		e.ln = ln
	}
	s.mu.Lock()
	e.sock = s
	e.follow()
}

// follow moves the moment of the event behind those of the socket's events before
// it: one that began later may have been faster to the lock, and the time of a
// connection must never go back.
func (e *event) follow() {
	e.now = max(e.now, e.sock.latest)
	e.sock.latest = e.now
}

// leave lets the socket draw the consequences of what happened and gives up its lock.
func (e *event) leave() {
	s := e.sock
	if s == nil {
		return
	}
	s.settle(e)
	e.sock = nil
	s.mu.Unlock()
	if e.ln != nil {
		e.ln.mu.Unlock()
		e.ln = nil
	}
	e.reads.do()
	e.writes.do()
	e.reads, e.writes = waking{}, waking{}
}

// end finishes the event: with no lock held it delivers and tells.
func (e *event) end() {
	e.leave()
	for i := 0; i < len(e.loops); i++ { // taking one in may make another
		l := e.loops[i]
		e.takeLooped(l.on, &l.packet)
		e.leave()
	}
	clear(e.loops)
	e.feed()
	for _, n := range e.nics {
		n.dev.Flush()
	}
	for _, c := range e.calls {
		c.f(c.ready)
	}
	if e.changed {
		e.changed = false
		e.host.watchers.tell()
	}
	clear(e.nics)
	clear(e.calls)
	e.nics, e.calls, e.loops = e.nics[:0], e.calls[:0], e.loops[:0]
	e.host, e.head.Extra = nil, nil
	events.Put(e)
}

// send queues e.packet on an interface, to be delivered when the event ends. It
// takes over the data.
func (e *event) send(n *nic) {
	n.dev.Send(&e.packet)
	e.packet.Data = chunk.View{}
	for _, o := range e.nics {
		if o == n {
			return
		}
	}
	e.nics = append(e.nics, n)
}

// loop keeps e.packet, whose data it takes over, to be taken in when the event ends.
func (e *event) loop(n *nic) {
	e.loops = append(e.loops, looped{n, e.packet})
	e.packet.Data = chunk.View{}
}

// tell has a program told of a change when the event ends.
func (e *event) tell(f func(Ready), r Ready) {
	if f != nil {
		e.calls = append(e.calls, call{f, r})
	}
}
