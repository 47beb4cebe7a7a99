package octet

import (
	"net"
	"testing"
)

// The addresses that sockets get are those that package net gives on the kernel.
func TestLocalAddressesAreThoseOfPackageNet(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("the kernel has no IPv6 loopback to compare with:", err)
	} else {
		l.Close()
	}
	h := newHost(t)
	for _, digit := range []string{"", "4", "6"} {
		for _, address := range []string{"", ":0", "0.0.0.0:0", "[::]:0", "127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"} {
			got, want := boundTo(h, digit, address), boundTo(System(), digit, address)
			if got != want {
				t.Errorf("%q on tcp%s and udp%s: %s, package net says %s", address, digit, digit, got, want)
			}
		}
	}
}

// boundTo says to what a listener and a datagram socket are bound, their ports aside.
func boundTo(n Network, digit, address string) string {
	host := func(a net.Addr) string {
		s, _, _ := net.SplitHostPort(a.String())
		return s
	}
	out := ""
	l, err := n.Listen("tcp"+digit, address)
	if err != nil {
		out += "error "
	} else {
		out += host(l.Addr()) + " "
		l.Close()
	}
	p, err := n.ListenPacket("udp"+digit, address)
	if err != nil {
		return out + "error"
	}
	defer p.Close()
	return out + host(p.LocalAddr())
}

// A listener on all addresses takes both IP versions, unless its network says which.
func TestListenerOnAllAddresses(t *testing.T) {
	for network, want := range map[string][2]bool{"tcp": {true, true}, "tcp4": {true, false}, "tcp6": {false, true}} {
		h := newHost(t)
		l, err := h.Listen(network, ":80")
		if err != nil {
			t.Fatal(err)
		}
		for i, address := range []string{"127.0.0.1:80", "[::1]:80"} {
			c, err := h.Dial("tcp", address)
			if (err == nil) != want[i] {
				t.Errorf("%s: dial %s: %v", network, address, err)
			}
			if err == nil {
				c.Close()
			}
		}
		l.Close()
	}
}
