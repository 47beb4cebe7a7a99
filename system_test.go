package octet

import (
	"net/netip"
	"slices"
	"testing"
)

func TestSystemInterfaces(t *testing.T) {
	list, err := System().Interfaces()
	if err != nil {
		t.Skip("the system does not tell its interfaces:", err)
	}
	if !slices.ContainsFunc(list, func(i Interface) bool {
		return slices.Contains(i.Addrs, netip.MustParsePrefix("127.0.0.1/8"))
	}) {
		t.Errorf("no interface has 127.0.0.1/8: %+v", list)
	}
}

// The same program runs on both networks.
func TestNetworksAreAlike(t *testing.T) {
	for name, n := range map[string]Network{"system": System(), "host": newHost(t)} {
		t.Run(name, func(t *testing.T) {
			l, err := n.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Skip("no loopback:", err)
			}
			defer l.Close()
			c, err := n.DialContext(t.Context(), "tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			mustWrite(t, c, "Hello")
			mustRead(t, s, "Hello")
			p, err := n.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if list, err := n.LookupHost(t.Context(), "127.0.0.1"); err != nil || !slices.Equal(list, []string{"127.0.0.1"}) {
				t.Errorf("looked up %v, %v", list, err)
			}
			if n.Resolver() == nil {
				t.Error("there is no resolver")
			}
		})
	}
}
