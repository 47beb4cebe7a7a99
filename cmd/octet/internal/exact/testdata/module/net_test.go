//go:build octet_net

package exact

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
)

// An unmodified http.Get on a host reaches the router, and nothing else does.
func TestRoute(t *testing.T) {
	refused := errors.New("the router's own error")
	var asked []string
	ask := func(what string) bool {
		if synctest.OctetHost() == 0 {
			return false
		}
		asked = append(asked, what)
		return true
	}
	net.OctetRoute = &net.OctetRouter{
		Dial: func(_ context.Context, _ net.Addr, network, address string) (net.Conn, error, bool) {
			return nil, refused, ask("dial " + network + " " + address)
		},
		Listen: func(_ context.Context, network, address string) (net.Listener, error, bool) {
			return nil, refused, ask("listen " + network + " " + address)
		},
		ListenPacket: func(_ context.Context, network, address string) (net.PacketConn, error, bool) {
			return nil, refused, ask("packets " + network + " " + address)
		},
		Lookup: func(_ context.Context, network, host string) ([]netip.Addr, error, bool) {
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil, ask("look up " + host)
		},
		Refuse: func(call string) error {
			if ask("refuse " + call) {
				return refused
			}
			return nil
		},
	}
	defer func() { net.OctetRoute = nil }()

	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatalf("without a host the system listens: %v", err)
	}
	l.Close()
	if asked != nil {
		t.Fatalf("the router was asked without a host: %v", asked)
	}
	synctest.Test(t, func(t *testing.T) {
		done := make(chan bool)
		go func() {
			defer close(done)
			synctest.OctetSetHost(1)
			if _, err := http.Get("http://server.test/"); !errors.Is(err, refused) {
				t.Errorf("http.Get: %v", err)
			}
			if _, err := net.Listen("tcp", ":80"); !errors.Is(err, refused) {
				t.Errorf("net.Listen: %v", err)
			}
			if _, err := net.ListenPacket("udp", ":53"); !errors.Is(err, refused) {
				t.Errorf("net.ListenPacket: %v", err)
			}
			if _, err := net.ListenUDP("udp", nil); !errors.Is(err, refused) {
				t.Errorf("net.ListenUDP: %v", err)
			}
			if found, err := net.LookupHost("server.test"); err != nil || len(found) != 1 || found[0] != "10.0.0.1" {
				t.Errorf("net.LookupHost: %v, %v", found, err)
			}
		}()
		<-done
	})
	want := []string{"dial tcp server.test:80", "listen tcp :80", "packets udp :53", "refuse listen", "look up server.test"}
	if len(asked) != len(want) {
		t.Fatalf("asked %q, want %q", asked, want)
	}
	for i := range want {
		if asked[i] != want[i] {
			t.Errorf("asked %q, want %q", asked[i], want[i])
		}
	}
}
