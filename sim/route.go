//go:build octet_net

package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing/synctest"
)

// With octet test -net what a goroutine of a host asks package net leads to that
// host. A goroutine of no host has the operating system as ever.
func init() {
	net.OctetRoute = &net.OctetRouter{
		Dial:         routeDial,
		Listen:       routeListen,
		ListenPacket: routeListenPacket,
		Lookup:       routeLookup,
		Refuse: func(call string) error {
			if h := here(); h != nil {
				return fmt.Errorf("a program on the virtual host %s cannot have a socket of the operating system: "+
					"%s with net.Dial, net.Listen or net.ListenPacket instead", h.Name(), call)
			}
			return nil
		},
	}
}

// here returns the host that the calling goroutine runs on, nil if none.
func here() *Host { return hostOf(synctest.OctetHost()) }

// hostOf returns the host with a number, nil if there is none any more.
func hostOf(number uint64) *Host {
	numbered.Lock()
	defer numbered.Unlock()
	return numbered.hosts[number]
}

func routed(network string) *Host {
	if strings.HasPrefix(network, "unix") {
		return nil
	}
	return here()
}

func routeDial(ctx context.Context, local net.Addr, network, address string) (net.Conn, error, bool) {
	h := routed(network)
	if h == nil {
		return nil, nil, false
	}
	if local != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Source: local, Err: fmt.Errorf("on the virtual host %s a Dialer has no LocalAddr", h.Name())}, true
	}
	c, err := h.DialContext(ctx, network, address)
	return c, err, true
}

func routeListen(_ context.Context, network, address string) (net.Listener, error, bool) {
	h := routed(network)
	if h == nil {
		return nil, nil, false
	}
	l, err := h.Listen(network, address)
	return l, err, true
}

func routeListenPacket(_ context.Context, network, address string) (net.PacketConn, error, bool) {
	h := routed(network)
	if h == nil {
		return nil, nil, false
	}
	c, err := h.ListenPacket(network, address)
	return c, err, true
}

func routeLookup(ctx context.Context, network, host string) ([]netip.Addr, error, bool) {
	h := here()
	if h == nil {
		return nil, nil, false
	}
	texts, err := h.LookupHost(ctx, host)
	if err != nil {
		return nil, err, true
	}
	var addrs []netip.Addr
	for _, s := range texts {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, err, true
		}
		if (network == "ip4" || strings.HasSuffix(network, "4")) && !a.Is4() || strings.HasSuffix(network, "6") && a.Is4() {
			continue
		}
		addrs = append(addrs, a)
	}
	return addrs, nil, true
}
