package octet

import (
	"math"
	"net"
	"net/netip"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/tcp"
)

// Info is a copy of everything that can be observed in a connection.
type Info struct {
	tcp.Info
	Local, Remote netip.AddrPort
	Interface     string // through which it leads
	PathMTU       int    // octets
}

// Info returns the copy. Before Connect its TCP part is zero.
func (s *Socket) Info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := Info{Local: s.local, Remote: s.remote, PathMTU: s.path.MTU}
	if s.nic != nil {
		i.Interface = s.nic.name
	}
	if s.tcb != nil {
		i.Info = s.tcb.Info()
	}
	return i
}

// LocalAddr returns the address and port of this side.
func (s *Socket) LocalAddr() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nic
	if n == nil && s.binding != nil {
		n = s.host.ip.nic(ip.ID(s.binding.on))
	}
	return withZone(s.local, n)
}

// RemoteAddr returns the address and port of the peer; not valid before Connect.
func (s *Socket) RemoteAddr() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return withZone(s.remote, s.nic)
}

// set changes an option of a socket that is not closed.
func (s *Socket) set(f func(*Socket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return f(s)
}

// option changes one of those options that accepted connections inherit.
func (s *Socket) option(f func(*socketOptions)) error {
	return s.set(func(s *Socket) error {
		f(&s.options)
		return nil
	})
}

// tune changes a policy of the connection: by change while there is none, by
// live afterwards. What must leave because of it leaves.
func (s *Socket) tune(change func(*tcp.Config), live func(e *event, t *tcp.TCB)) error {
	e := s.host.begin()
	defer e.end()
	e.enter(s)
	if s.closed {
		return net.ErrClosed
	}
	if s.tcb != nil {
		live(e, s.tcb)
		return nil
	}
	c := *s.config // others may use the same one
	change(&c)
	s.config = &c
	return nil
}

// SetNoDelay says whether small segments are sent at once (true, the default) or
// wait while data is unacknowledged: the Nagle algorithm (RFC 9293 §3.7.4, MUST-17).
func (s *Socket) SetNoDelay(on bool) error {
	return s.tune(func(c *tcp.Config) { c.Nagle = !on }, func(e *event, t *tcp.TCB) { t.SetNoDelay(e.now, on) })
}

// SetKeepAlive says when an idle peer is asked whether it is still there; the
// zero KeepAlive never asks, which is the default (RFC 9293 §3.8.4, MUST-25).
func (s *Socket) SetKeepAlive(k tcp.KeepAlive) error {
	return s.tune(func(c *tcp.Config) { c.KeepAlive = k }, func(e *event, t *tcp.TCB) { t.SetKeepAlive(e.now, k) })
}

// SetUserTimeout says how long data may stay unacknowledged before the
// connection fails with syscall.ETIMEDOUT; 0 leaves it to the count of
// retransmissions (MUST-21, RFC 5482).
func (s *Socket) SetUserTimeout(d time.Duration) error {
	d = max(d, 0)
	return s.tune(func(c *tcp.Config) { c.UserTimeout = d }, func(e *event, t *tcp.TCB) { t.SetUserTimeout(e.now, d) })
}

// SetSendBuffer fixes the size of the send buffer in octets. Without it the
// buffer grows as the connection needs.
func (s *Socket) SetSendBuffer(octets int) error {
	n := max(octets, minBuffer)
	return s.tune(func(c *tcp.Config) { c.SendBuffer = tcp.Buffer{Initial: n, Max: n} },
		func(e *event, t *tcp.TCB) { t.SetSendBuffer(e.now, n) })
}

// SetReceiveBuffer fixes the size of the receive buffer in octets. Above 65,535
// octets it has its full effect only if it is set before Connect or Listen,
// because the scale of the window is settled by the handshake (RFC 7323 §2.2).
func (s *Socket) SetReceiveBuffer(octets int) error {
	n := max(octets, minBuffer)
	return s.tune(func(c *tcp.Config) { c.ReceiveBuffer = tcp.Buffer{Initial: n, Max: n} },
		func(e *event, t *tcp.TCB) { t.SetReceiveBuffer(e.now, n) })
}

// minBuffer is the smallest buffer: room for a few small segments.
const minBuffer = 2048

// SetLinger says how long the host goes on with a connection after Close: zero
// resets it at once, below zero, the default, leaves it to TCP.
func (s *Socket) SetLinger(d time.Duration) error {
	return s.option(func(o *socketOptions) { o.linger = lingerOf(d) })
}

// SetFastOpen turns TCP Fast Open (RFC 7413) on or off: of a socket that connects
// before Connect, of one that listens at any time. See Dialer.FastOpen and
// ListenConfig.FastOpen.
func (s *Socket) SetFastOpen(on bool) error {
	return s.option(func(o *socketOptions) { o.fastOpen = on })
}

// SetReuseAddr lets the address be bound while other sockets that agree hold it,
// as long as only one of them listens. Host.Listen sets it.
func (s *Socket) SetReuseAddr(on bool) error {
	return s.option(func(o *socketOptions) { o.reuse = on })
}

// SetOnlyIPv6 keeps a socket of IPv6 from speaking IPv4; before Bind.
func (s *Socket) SetOnlyIPv6(on bool) error {
	return s.option(func(o *socketOptions) { o.only6 = on })
}

// SetHopLimit sets the TTL or hop limit of what is sent; 0 returns to that of the
// host (MUST-49).
func (s *Socket) SetHopLimit(n uint8) error {
	return s.option(func(o *socketOptions) { o.hopLimit = n })
}

// SetTOS sets the traffic class of what is sent. Its two low bits are TCP's own
// (ECN) and are ignored (MUST-48).
// It may change while the connection lives (SHLD-21), and IP carries it unchanged (SHLD-22).
func (s *Socket) SetTOS(tos uint8) error {
	return s.option(func(o *socketOptions) { o.tos = tos &^ 3 })
}

// SoftError returns the last ICMP error that did not end the connection, as a
// syscall.Errno, and forgets it; nil if there was none (MUST-47).
// Who does not ask is not told (SHLD-20); who asks learns it (SHLD-25).
func (s *Socket) SoftError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tcb == nil {
		return nil
	}
	return errnoOf(s.tcb.SoftErr())
}

// Urgent returns how many octets are to be read up to the end of urgent data, 0
// if there is none (RFC 9293 §3.8.5, MUST-33).
func (s *Socket) Urgent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tcb == nil {
		return 0
	}
	return s.tcb.Urgent()
}

// lingerOf returns a linger time in whole milliseconds, no shorter than asked for.
func lingerOf(d time.Duration) int32 {
	switch {
	case d < 0:
		return -1
	case d > math.MaxInt32*time.Millisecond:
		return math.MaxInt32
	}
	return int32((d + time.Millisecond - 1) / time.Millisecond)
}
