package octet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Dial is DialContext without a context.
func (h *Host) Dial(network, address string) (net.Conn, error) {
	return h.DialContext(context.Background(), network, address)
}

// DialContext connects to an address, like net.Dialer.DialContext. The
// connection is a *TCPConn or a *UDPConn. Of a name with several addresses, those
// of both IP versions are tried side by side (RFC 8305).
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := Dialer{Host: h}
	return d.DialContext(ctx, network, address)
}

// A Dialer says more about how to connect than Host.DialContext: see net.Dialer.
type Dialer struct {
	Host      *Host
	LocalAddr netip.AddrPort // to connect from; zero lets the host choose
	Timeout   time.Duration  // of the whole Dial; 0 means none but that of TCP itself
	// FallbackDelay is how long an address of one IP version is tried before one
	// of the other begins beside it (RFC 8305 §5): 300 ms if zero, never if negative.
	FallbackDelay time.Duration
	// KeepAlive is for the new connection. Unlike that of package net it is off
	// unless enabled here.
	KeepAlive net.KeepAliveConfig
	// FastOpen lets the first octets go with the SYN (TCP Fast Open, RFC 7413), if
	// the server has allowed that earlier, by a cookie which the host keeps; a Dial
	// to any other asks for one and is like any Dial.
	//
	// A Dial to a server whose cookie is known returns at once, and its connection
	// opens with the first Write, or after Profile.FastOpenWait without one. Why it
	// cannot be opened is then what Read or Write return, and no other address is
	// tried. The server may get the octets of that first Write twice, in rare cases:
	// let them be a request that may be repeated, such as a GET or the beginning of TLS.
	FastOpen bool
}

// DialContext connects to an address.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Timeout)
		defer cancel()
	}
	c, err := d.dial(ctx, network, address)
	if err == nil {
		return c, nil
	}
	var op *net.OpError
	if !errors.As(err, &op) {
		err = opErr("dial", network, nil, nil, err)
	}
	return nil, err
}

func (d *Dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if _, err := kindOf(network); err != nil {
		return nil, err
	}
	list, err := d.Host.remoteAddrs(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if list, err = d.usable(list); err != nil {
		return nil, err
	}
	if network[:3] == "udp" || d.FallbackDelay < 0 || len(list) == 1 {
		return d.each(ctx, network, list)
	}
	first, second := partition(list)
	return d.race(ctx, network, first, second)
}

// usable drops addresses of another IP version than the local one.
func (d *Dialer) usable(list []netip.AddrPort) ([]netip.AddrPort, error) {
	local := d.LocalAddr.Addr()
	if !local.IsValid() || local.IsUnspecified() {
		return list, nil
	}
	var fit []netip.AddrPort
	for _, a := range list {
		if a.Addr().Is4() == local.Is4() {
			fit = append(fit, a)
		}
	}
	if len(fit) == 0 {
		return nil, &net.AddrError{Err: "mismatched local address type", Addr: local.String()}
	}
	return fit, nil
}

// partition splits addresses by IP version; that of the first one comes first.
func partition(list []netip.AddrPort) (first, second []netip.AddrPort) {
	for _, a := range list {
		if a.Addr().Is4() == list[0].Addr().Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	return first, second
}

// race tries the addresses of one IP version, and those of the other beside them
// once the first ones have failed or taken too long. The loser is closed.
func (d *Dialer) race(ctx context.Context, network string, first, second []netip.AddrPort) (net.Conn, error) {
	if len(second) == 0 {
		return d.each(ctx, network, first)
	}
	type result struct {
		conn    net.Conn
		err     error
		primary bool
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result, 2)
	start := func(primary bool, list []netip.AddrPort) {
		go func() {
			c, err := d.each(ctx, network, list)
			results <- result{c, err, primary}
		}()
	}
	start(true, first)
	delay := d.FallbackDelay
	if delay == 0 {
		delay = 300 * time.Millisecond
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()

	var failure error
	running, fallback := 1, false
	for running > 0 {
		select {
		case <-timer.C:
			if !fallback {
				fallback, running = true, running+1
				start(false, second)
			}
		case r := <-results:
			running--
			if r.err == nil {
				cancel()
				for ; running > 0; running-- { // the other ends at once, having been cancelled
					if r := <-results; r.err == nil {
						r.conn.Close()
					}
				}
				return r.conn, nil
			}
			if r.primary || failure == nil {
				failure = r.err // that of the preferred version is reported
			}
			if !fallback {
				fallback, running = true, running+1
				start(false, second)
			}
		}
	}
	return nil, failure
}

// each tries addresses one after another, each with its share of the time that
// is left, and reports the error of the first.
func (d *Dialer) each(ctx context.Context, network string, list []netip.AddrPort) (net.Conn, error) {
	var first error
	for i, a := range list {
		if err := ctx.Err(); err != nil {
			if first == nil {
				first = opErr("dial", network, d.source(network), dialAddr(network, a), contextError(err))
			}
			break
		}
		c, err := d.one(ctx, network, a, len(list)-i)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// one tries one address, of which remaining are left.
func (d *Dialer) one(ctx context.Context, network string, a netip.AddrPort, remaining int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && remaining > 1 {
		left := time.Until(deadline)
		share := max(left/time.Duration(remaining), min(left, 2*time.Second)) // as package net does
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	var c net.Conn
	var err error
	if network[:3] == "udp" {
		c, err = d.udp(network, a)
	} else {
		c, err = d.tcp(ctx, network, a)
	}
	if err != nil {
		return nil, opErr("dial", network, d.source(network), dialAddr(network, a), err)
	}
	return c, nil
}

func (d *Dialer) tcp(ctx context.Context, network string, a netip.AddrPort) (net.Conn, error) {
	s, err := d.Host.Socket(network)
	if err != nil {
		return nil, err
	}
	if err := d.open(ctx, s, a); err != nil {
		s.Abort()
		return nil, err
	}
	return &TCPConn{s}, nil
}

func (d *Dialer) open(ctx context.Context, s *Socket, a netip.AddrPort) error {
	if d.LocalAddr.IsValid() {
		if err := s.Bind(d.LocalAddr); err != nil {
			return sysErr("bind", err)
		}
	}
	if d.KeepAlive.Enable {
		if err := s.SetKeepAlive(keepAlive(d.KeepAlive)); err != nil {
			return err
		}
	}
	if d.FastOpen {
		if err := s.SetFastOpen(true); err != nil {
			return err
		}
	}
	return s.dial(ctx, a)
}

func (d *Dialer) udp(network string, a netip.AddrPort) (net.Conn, error) {
	c, err := d.Host.newUDP(network, d.LocalAddr, a)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// source returns the local address that was asked for, for errors.
func (d *Dialer) source(network string) net.Addr { return dialAddr(network, d.LocalAddr) }

func dialAddr(network string, a netip.AddrPort) net.Addr {
	if network[:3] == "udp" {
		return udpAddr(a)
	}
	return tcpAddr(a)
}
