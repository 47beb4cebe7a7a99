package quantity

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A Forward is a port whose connections lead elsewhere: 8080=localhost:80.
type Forward struct {
	Port uint16 // that is listened at
	Host string // a name or an address without brackets
	To   uint16 // the port there
}

// Address returns where connections lead, as package net wants it.
func (f Forward) Address() string { return net.JoinHostPort(f.Host, strconv.Itoa(int(f.To))) }

// String returns the forward as it is written.
func (f Forward) String() string { return fmt.Sprintf("%d=%s", f.Port, f.Address()) }

// ParseForward reads PORT=HOST:PORT. The two ports are not zero and the host is named.
func ParseForward(s string) (Forward, error) {
	port, to, found := strings.Cut(s, "=")
	if !found {
		return Forward{}, fmt.Errorf("forward %q does not say where to: write it as 8080=localhost:80", s)
	}
	f := Forward{}
	var err error
	if f.Port, err = Port(port); err != nil {
		return Forward{}, fmt.Errorf("forward %q: %w", s, err)
	}
	if f.Host, f.To, err = hostPort(to, to); err != nil {
		return Forward{}, err
	}
	switch {
	case f.Host == "":
		return Forward{}, fmt.Errorf("forward %q names no host: write it as %d=localhost:%d", s, f.Port, f.To)
	case f.Port == 0 || f.To == 0:
		return Forward{}, fmt.Errorf("forward %q has port 0, which nothing can listen on: write a port from 1 to 65535", s)
	}
	return f, nil
}
