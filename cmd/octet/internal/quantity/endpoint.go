package quantity

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// An Endpoint is where a program listens or whom it calls: udp://localhost:6789.
type Endpoint struct {
	Network string // udp, udp4, udp6, tcp, tcp4, tcp6, as package net names them
	Host    string // a name or an address without brackets; empty means every address of a server
	Port    uint16 // zero lets a server have any free port
}

// Datagrams reports whether the endpoint speaks UDP.
func (e Endpoint) Datagrams() bool { return strings.HasPrefix(e.Network, "udp") }

// Address returns host:port as package net wants it.
func (e Endpoint) Address() string { return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port))) }

// String returns the endpoint as it is written.
func (e Endpoint) String() string { return e.Network + "://" + e.Address() }

// ParseServer reads the endpoint of a server, which may leave out the host and let
// the port be zero.
func ParseServer(s string) (Endpoint, error) { return parseEndpoint(s) }

// ParseClient reads the endpoint that a client calls: it names a host and a port.
func ParseClient(s string) (Endpoint, error) {
	e, err := parseEndpoint(s)
	switch {
	case err != nil:
		return e, err
	case e.Host == "":
		return e, fmt.Errorf("address %q names no host: write %s://localhost:%d", s, e.Network, e.Port)
	case e.Port == 0:
		return e, fmt.Errorf("address %q has port 0, which nothing can listen on: write a port from 1 to 65535", s)
	}
	return e, nil
}

func parseEndpoint(s string) (Endpoint, error) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return Endpoint{}, fmt.Errorf("address %q does not say udp:// or tcp://: write it as udp://localhost:6789", s)
	}
	switch scheme {
	case "udp", "udp4", "udp6", "tcp", "tcp4", "tcp6":
	default:
		return Endpoint{}, fmt.Errorf("address %q begins with %q: only udp:// and tcp:// are known", s, scheme+"://")
	}
	if i := strings.IndexAny(rest, "/?#@"); i >= 0 {
		return Endpoint{}, fmt.Errorf("address %q goes on after the port with %q: write %s://HOST:PORT alone", s, rest[i:], scheme)
	}
	e := Endpoint{Network: scheme}
	var err error
	if e.Host, e.Port, err = hostPort(s, rest); err != nil {
		return Endpoint{}, err
	}
	return e, e.checkFamily(s)
}

// hostPort divides HOST:PORT; s is the whole address, for the errors.
func hostPort(s, rest string) (string, uint16, error) {
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 || strings.HasSuffix(rest, "]") {
		return "", 0, fmt.Errorf("address %q has no port: write it with one, such as localhost:6789", s)
	}
	host, port := rest[:colon], rest[colon+1:]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		if a, err := netip.ParseAddr(inner); !closed || err != nil || !a.Is6() {
			return "", 0, fmt.Errorf("address %q has no IPv6 address in its brackets: write it as [::1]:6789", s)
		}
		host = inner
	} else if strings.Contains(host, ":") {
		return "", 0, fmt.Errorf("address %q has an IPv6 address without brackets: write it as %q", s, "["+host+"]:"+port)
	} else if err := checkName(s, host); err != nil {
		return "", 0, err
	}
	n, err := Port(port)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: %w", s, err)
	}
	return host, n, nil
}

// Port reads a port number from 0 to 65535, in plain digits.
func Port(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || len(s) > 5 {
		return 0, fmt.Errorf("port %q is not a number from 0 to 65535", s)
	}
	return uint16(n), nil
}

// checkName refuses what can be neither a host name (RFC 1123 §2.1, with the
// underscore that people use) nor an IPv4 address.
func checkName(s, host string) error {
	if len(host) > 253 {
		return fmt.Errorf("host name of %d characters is too long: the most is 253 (RFC 1035)", len(host))
	}
	digits := host != ""
	for _, c := range host {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_' || c > 0x7f
		digit := '0' <= c && c <= '9' || c == '.'
		if !letter && !digit {
			return fmt.Errorf("address %q has %q in its host name: write a name such as localhost or an address such as 127.0.0.1", s, c)
		}
		digits = digits && digit
	}
	if digits {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("address %q has a malformed IPv4 address %q: write four numbers from 0 to 255, such as 127.0.0.1", s, host)
		}
	}
	return nil
}

// checkFamily refuses udp4 with an IPv6 address and the like.
func (e Endpoint) checkFamily(s string) error {
	a, err := netip.ParseAddr(e.Host)
	if err != nil {
		return nil // a name, or every address: the family chooses
	}
	if v := e.Network[3:]; v == "4" && !a.Is4() || v == "6" && a.Is4() {
		return fmt.Errorf("address %q asks for IPv%s but %q is not: write %s://", s, v, e.Host, e.Network[:3])
	}
	return nil
}
