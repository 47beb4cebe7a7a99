// Package talk holds the conversations of the command: a server that answers, and a
// client that sends and prints what comes back. They run over any octet.Network, and
// the end of the input ends the sending half only, for UDP and TCP alike.
package talk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// MaxDatagram is the most octets of data in one UDP datagram over IPv4: 65,535 less
// 20 of IP and 8 of UDP header.
const MaxDatagram = 65507

// listenFailure says what to do about an endpoint that cannot be listened on.
func listenFailure(at quantity.Endpoint, err error) error {
	cause := outcome.Cause(err)
	switch code := outcome.Of(err); {
	case outcome.InUse(err):
		return outcome.Failf(outcome.Usage, "stop the program that listens there, or choose another port (0: any free one)", "cannot listen at %s: %s", at, cause)
	case code == outcome.NotPermitted:
		return outcome.Failf(code, "choose a port from 1024, or run it with the capability CAP_NET_BIND_SERVICE", "cannot listen at %s: %s", at, cause)
	case code == outcome.NoName:
		return outcome.Failf(code, "use an address of this machine or localhost", "cannot listen at %s: %s", at, cause)
	default:
		return outcome.Failf(code, "use an address of this machine (octet if -a lists them)", "cannot listen at %s: %s", at, cause)
	}
}

// callFailure says what to do about a call to an endpoint that failed.
func callFailure(to quantity.Endpoint, err error) error {
	var own *outcome.Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	code, cause, do := outcome.Of(err), outcome.Cause(err), ""
	switch code {
	case outcome.Refused:
		do = refusedHint(to, err)
	case outcome.Timeout:
		do = "give it longer with --wait 30s, or check the address"
	case outcome.Unreachable:
		do = "no way leads there: see the interfaces with octet if -a"
	case outcome.NoName:
		do = "check the name, or write an address"
	case outcome.NotPermitted:
		do = "this user or a firewall rule does not allow it"
	}
	return &outcome.Error{Code: code, What: "no conversation with " + to.String() + ": " + cause, Do: do, Err: err}
}

func refusedHint(to quantity.Endpoint, err error) string {
	ip, _ := netip.ParseAddr(to.Host)
	switch {
	case !errors.Is(err, syscall.ECONNREFUSED):
		return "the other side broke the connection off"
	case to.Host == "localhost" || ip.IsLoopback():
		return "nothing listens there: start a server with octet serve " + to.String()
	}
	return "nothing listens there: check the port"
}

// addresses looks up the host of an endpoint and returns it with each of its
// addresses that the endpoint's family allows, in the resolver's order.
func addresses(ctx context.Context, n octet.Network, to quantity.Endpoint) ([]quantity.Endpoint, error) {
	if _, err := netip.ParseAddr(to.Host); err == nil {
		return []quantity.Endpoint{to}, nil
	}
	names, err := n.LookupHost(ctx, to.Host)
	if err != nil {
		return nil, err
	}
	var all []quantity.Endpoint
	for _, s := range names {
		a, err := netip.ParseAddr(s)
		if err != nil || strings.HasSuffix(to.Network, "4") && !a.Is4() || strings.HasSuffix(to.Network, "6") && a.Is4() {
			continue
		}
		all = append(all, quantity.Endpoint{Network: to.Network, Host: s, Port: to.Port})
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no suitable address", Name: to.Host, IsNotFound: true}
	}
	return all, nil
}

// pyAddr writes an address as Python's socket module gives it: ('127.0.0.1', 49731),
// and for IPv6 with flow label and scope: ('::1', 49731, 0, 0).
func pyAddr(a net.Addr) string {
	p := addrPort(a)
	if ip := p.Addr(); ip.Is4() {
		return fmt.Sprintf("('%s', %d)", ip, p.Port())
	}
	scope := 0
	if in, err := net.InterfaceByName(p.Addr().Zone()); err == nil {
		scope = in.Index
	}
	return fmt.Sprintf("('%s', %d, 0, %d)", p.Addr(), p.Port(), scope)
}

// addrPort returns the address of a UDP or TCP socket, an IPv4 one never in IPv6's clothes.
func addrPort(a net.Addr) netip.AddrPort {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
