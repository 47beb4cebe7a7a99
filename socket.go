package octet

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// A Socket is a TCP socket that never blocks: the calls of the BSD interface,
// with syscall.EAGAIN and syscall.EINPROGRESS where they would have to wait, and
// with readiness (Ready, Notify) to know when to call again. TCPConn and
// TCPListener are made of it.
//
// Errors are bare syscall.Errno values, io.EOF, and net.ErrClosed after Close.
type Socket struct {
	host   *Host
	parent atomic.Pointer[listener]

	mu      sync.Mutex
	tcb     *tcp.TCB  // nil before Connect
	listen  *listener // set by Listen
	binding *binding  // hold on a port of our own; accepted connections have none
	config  *tcp.Config

	local, remote netip.AddrPort
	tuple         tuple
	network       version // which addresses it takes
	entered       bool    // in the table of connections
	closed        bool    // by the program
	orphan        bool    // counted as closed by the program and not yet by the peer
	place         int32   // among the half-open ones of its listener

	path ip.Path
	nic  *nic
	hop  *hop // nil before the first frame

	timer timeline.Event
	armed mono.Time // when timer will run, Never if it is not set

	lingerUntil mono.Time // after Close
	latest      mono.Time // moment of its latest event

	reads, writes *side // nil where nobody has waited: see side
	notify        func(Ready)
	ready         Ready
	writing       bool // a Write is under way, whose octets must stay together

	readErr   bool // end was not yet returned by a Read …
	writeErr  bool // … and by a Write
	sawFIN    bool // all that the peer had to say has arrived
	readShut  bool
	writeShut bool
	pending   bool   // SO_ERROR: end was not yet told to the program
	end       errno  // why the connection ended; 0 for no error
	held      int32  // octets that the budget counts
	label     uint32 // IPv6 flow label
	options   socketOptions
	fast      *fastOpening // until the handshake of a Fast Open is over, else nil
}

// socketOptions are what accepted connections inherit from their listener.
type socketOptions struct {
	hopLimit uint8
	tos      uint8
	reuse    bool
	only6    bool
	fastOpen bool  // RFC 7413
	linger   int32 // how long after Close, in milliseconds; below zero for ever
}

// A hop is what a connection over Ethernet knows of the neighbour that takes its packets.
type hop struct {
	mac      [6]byte
	progress uint32    // of the connection, as last told to the ip.Node …
	until    mono.Time // when to ask for mac again
	vouchAt  mono.Time // … which is told again no sooner
}

// Socket returns a new TCP socket. The network is "tcp4", "tcp6", or "tcp" for a
// socket of IPv6 that speaks IPv4 as well.
func (h *Host) Socket(network string) (*Socket, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	if h.closed.Load() {
		return nil, net.ErrClosed
	}
	return h.newSocket(versionOf(network)), nil
}

func (h *Host) newSocket(network version) *Socket {
	s := &Socket{host: h, network: network, config: &h.profile.TCP, armed: mono.Never, lingerUntil: mono.Never}
	s.options.linger, s.options.fastOpen = -1, h.profile.FastOpen
	s.timer.Init(h.line, h.nextKey(), s.expire)
	return s
}

// key orders the sockets of the host by when they were made.
func (s *Socket) key() uint64 { return s.timer.Key() }

// side returns one of reads and writes, which it makes if need be. s.mu is held.
func (s *Socket) side(w **side) *side {
	if *w == nil {
		*w = new(side)
		(*w).init(&s.mu, s.key())
	}
	return *w
}

// A version says which addresses a socket takes, as the network of package net.
type version uint8

const (
	dualStack version = iota // tcp
	only4                    // tcp4
	only6                    // tcp6
)

// versionOf returns the version of tcp, tcp4 or tcp6.
func versionOf(network string) version {
	switch network[3:] {
	case "4":
		return only4
	case "6":
		return only6
	}
	return dualStack
}

func (v version) String() string { return [...]string{"tcp", "tcp4", "tcp6"}[v] }

// An errno is a syscall.Errno in less memory.
type errno uint32

// inherit takes over what an accepted connection has from its listener.
func (s *Socket) inherit(from *Socket) {
	s.config, s.options = from.config, from.options
}

// Bind gives the socket a local address and port. The unspecified address stands
// for all of the host; port 0 lets the host choose one.
// It serves Connect as well as Listen (MUST-43).
func (s *Socket) Bind(a netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bind(a)
}

func (s *Socket) bind(a netip.AddrPort) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.binding != nil || s.tcb != nil:
		return syscall.EINVAL
	}
	b, err := s.host.newBinding(wire.ProtoTCP, a, s.network.String())
	if err != nil {
		return err
	}
	b.reuse, b.tcp = s.options.reuse, s
	b.dual = b.dual && !s.options.only6
	if err := s.host.ports.bind(b, s.host.profile.FirstPort, s.host.profile.LastPort); err != nil {
		return err
	}
	s.binding, s.local = b, b.local
	return nil
}

// Listen makes the socket accept connections: as many as the backlog says may
// wait for Accept, at least one. A socket without an address gets one first.
// It leaves connections alone (MUST-41); others may listen at the same port of another
// address (MUST-42).
func (s *Socket) Listen(backlog int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case s.tcb != nil:
		return syscall.EINVAL
	case s.listen != nil: // only the backlog changes; the listener's lock is an outer one
		return syscall.EINVAL
	}
	if s.binding == nil {
		if err := s.bind(netip.AddrPortFrom(s.unspecified(), 0)); err != nil {
			return err
		}
	}
	l := &listener{host: s.host, sock: s, backlog: max(1, backlog), notify: s.notify}
	l.accepts.init(&l.mu, s.key())
	if err := s.host.ports.listen(s.binding, l); err != nil {
		return err
	}
	s.listen = l
	if s.host.closed.Load() { // after it has looked for listeners to close
		l.closed = true
		s.release()
		return net.ErrClosed
	}
	return nil
}

func (s *Socket) unspecified() netip.Addr {
	if s.network == only4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// Accept returns the next connection of a listening socket, or syscall.EAGAIN.
func (s *Socket) Accept() (*Socket, error) {
	s.mu.Lock()
	l, closed := s.listen, s.closed
	s.mu.Unlock()
	if l == nil {
		if closed {
			return nil, net.ErrClosed
		}
		return nil, syscall.EINVAL
	}
	return l.accept(false)
}

// Connect begins to open a connection to a. It returns syscall.EINPROGRESS, and
// the socket becomes writable when the handshake has succeeded, or failed: Error
// then says why. It returns nil where a Fast Open lets octets go with the SYN: the
// socket is writable at once. Any other error means that nothing was begun.
func (s *Socket) Connect(a netip.AddrPort) error {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	if err := s.connect(e, a); err != nil {
		return err
	}
	if s.tcb.Ready()&tcp.Connected != 0 {
		return nil
	}
	return syscall.EINPROGRESS
}

// connect sends the SYN when the event leaves the socket.
func (s *Socket) connect(e *event, a netip.AddrPort) error {
	switch {
	case s.closed || s.host.closed.Load():
		return net.ErrClosed
	case s.listen != nil:
		return syscall.EISCONN
	case s.tcb != nil:
		return s.connecting()
	}
	a, on, err := s.destination(a)
	if err != nil {
		return err
	}
	s.remote = a
	if err := s.findPath(e, on); err != nil {
		return errnoOf(err)
	}
	if s.path.Cast != ip.Unicast { // MUST-46
		return syscall.ENETUNREACH
	}
	if b := &s.host.budget; b.on() && b.room(0) < connectionCost {
		return syscall.ENOBUFS
	}
	iss, err := s.pickTuple(e.now)
	switch {
	case err != nil && s.host.closed.Load():
		return net.ErrClosed
	case err != nil:
		return err
	}
	o := s.opening(iss)
	s.openFast(e.now, &o)
	s.tcb = tcp.Connect(e.now, s.config, o)
	return nil
}

// connecting is what a second Connect says.
func (s *Socket) connecting() error {
	switch {
	case s.tcb.Ready()&tcp.Connected != 0:
		return syscall.EISCONN
	case s.tcb.Ready()&tcp.Dead != 0:
		return syscall.ECONNABORTED
	}
	return syscall.EALREADY
}

// destination checks where a socket may connect to, and through which interface
// if the address says so. The unspecified address is this host.
func (s *Socket) destination(a netip.AddrPort) (netip.AddrPort, ip.ID, error) {
	addr, on, err := s.host.splitZone(a.Addr().Unmap())
	switch {
	case err != nil:
		return a, 0, err
	case !addr.IsValid():
		return a, 0, syscall.EADDRNOTAVAIL
	case a.Port() == 0: // nobody can listen there
		return a, 0, syscall.ECONNREFUSED
	case !fits(s.network.String(), addr):
		return a, 0, syscall.EAFNOSUPPORT
	case addr.IsUnspecified():
		addr = loopbackLike(addr)
	}
	return netip.AddrPortFrom(addr, a.Port()), on, nil
}

// Close ends the socket. A connection goes on in the background until what was
// written has been delivered (RFC 9293 §3.6); with data unread, or with a linger
// time of zero, it is reset. Close never waits.
func (s *Socket) Close() error {
	e := s.host.begin()
	defer e.end()
	return s.close(e)
}

func (s *Socket) close(e *event) error {
	e.enter(s)
	if s.closed {
		return net.ErrClosed
	}
	s.shut()
	l := s.listen
	switch {
	case l != nil:
		s.host.ports.release(s.binding)
		s.binding = nil
	case s.tcb == nil:
		s.release()
	default:
		s.closeConnection(e)
	}
	e.leave()
	if l != nil {
		l.close(e)
	}
	return nil
}

// shut ends the calls of programs.
func (s *Socket) shut() {
	s.closed = true
	s.notify = nil
	s.reads.stop()
	s.writes.stop()
}

// Abort ends the socket at once: a connection is reset, and nothing of it goes
// on in the background. Otherwise it is Close.
func (s *Socket) Abort() error {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	if !s.closed {
		s.abort(e)
	}
	return s.close(e)
}

// kill ends a connection because its host ends.
func (s *Socket) kill() {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	s.abort(e)
	s.shut()
}

// closeConnection hands the connection over to the host. Its linger time, if it
// has one, is the longest that the rest may take.
func (s *Socket) closeConnection(e *event) {
	if s.options.linger == 0 {
		s.tcb.Abort(e.now)
		return
	}
	s.tcb.Close(e.now)
	if s.tcb.Ready()&tcp.Dead != 0 || !s.entered {
		return
	}
	if s.host.orphans.Add(1) > int64(s.host.profile.Orphans) {
		s.host.count(DropOrphan)
		s.tcb.Abort(e.now)
	}
	s.orphan = true
	if s.options.linger > 0 {
		s.lingerUntil = e.now.Add(time.Duration(s.options.linger) * time.Millisecond)
	}
}

// abort resets the connection; the event sends the reset when it leaves.
func (s *Socket) abort(e *event) {
	if s.tcb != nil {
		s.tcb.Abort(e.now)
	}
}

// expire is what the timer calls.
func (s *Socket) expire(now mono.Time) {
	e := s.host.beginAt(now)
	defer e.end()
	e.enter(s)
	s.armed = mono.Never
	if s.tcb == nil || !s.entered {
		return
	}
	if s.orphan && s.lingerUntil.Due(e.now) {
		s.tcb.Abort(e.now)
	} else if s.tcb.Deadline().Due(e.now) {
		s.tcb.Expire(e.now)
		s.doubt(e)
	}
}
