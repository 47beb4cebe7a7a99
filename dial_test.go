package octet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// eyeballs returns a client that knows the name server by both IP versions, and
// the wire and the server that it leads to.
func eyeballs(t *testing.T) (client, server *Host, w *link.Wire) {
	server6, server4 := addr("2001:db8::2"), addr("192.0.2.2")
	line := timeline.New()
	w, err := link.NewWire(line, link.WireOptions{Paths: [2]link.Path{{Delay: 10 * time.Millisecond}, {Delay: 10 * time.Millisecond}}})
	if err != nil {
		t.Fatal(err)
	}
	client = newHost(t, WithTimeline(line), WithHosts("server", server6, server4))
	server = newHost(t, WithTimeline(line))
	attach(t, client, w.End(0), "192.0.2.1/24", "2001:db8::1/64")
	attach(t, server, w.End(1), "192.0.2.2/24") // and 2001:db8::2 answers nothing
	return client, server, w
}

// RFC 8305 §5: when the preferred address does not answer, the other is tried
// beside it after a while, and wins.
func TestRFC8305_SecondVersionBesideSilentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := eyeballs(t)
		listen(t, server, ":80")
		start := time.Now()
		c, err := client.Dial("tcp", "server:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if a := c.RemoteAddr().String(); a != "192.0.2.2:80" {
			t.Errorf("connected to %s", a)
		}
		if d := time.Since(start); d < 300*time.Millisecond || d > 400*time.Millisecond {
			t.Errorf("after %v, want the delay of 300 ms and a handshake", d)
		}
	})
}

// When the preferred address refuses, the other is tried at once.
func TestRFC8305_SecondVersionAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := eyeballs(t)
		if err := server.AddAddress(2, netip.MustParsePrefix("2001:db8::2/64")); err != nil {
			t.Fatal(err)
		}
		listen(t, server, "192.0.2.2:80")
		start := time.Now()
		c, err := client.Dial("tcp", "server:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if d := time.Since(start); d > 100*time.Millisecond {
			t.Errorf("connected after %v, want no waiting", d)
		}
	})
}

// When both fail, the error is that of the preferred address.
func TestRFC8305_ErrorOfThePreferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := eyeballs(t)
		if err := server.AddAddress(2, netip.MustParsePrefix("2001:db8::2/64")); err != nil {
			t.Fatal(err)
		}
		_, err := client.Dial("tcp", "server:80")
		var op *net.OpError
		if !errors.As(err, &op) || op.Addr.String() != "[2001:db8::2]:80" || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v, want the refusal of 2001:db8::2", err)
		}
	})
}

func TestDialContextEndsWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, _ := eyeballs(t)
		for _, address := range []string{"server:80", "[2001:db8::2]:80"} {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, err := client.DialContext(ctx, "tcp6", address)
			cancel()
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
				t.Errorf("%v after %v, want a timeout after 2 s", err, time.Since(start))
			}
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err = client.DialContext(ctx, "tcp6", address)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want that it was canceled", err)
			}
			if s := client.Stats(); s.Connections != 0 {
				t.Errorf("%d connections remain", s.Connections)
			}
		}
	})
}

func TestDialerOptions(t *testing.T) {
	h := newHost(t)
	l := listen(t, h, "127.0.0.1:0")
	d := Dialer{
		Host: h, LocalAddr: netip.MustParseAddrPort("127.0.0.9:5555"), Timeout: time.Minute,
		KeepAlive: net.KeepAliveConfig{Enable: true},
	}
	c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if a := c.LocalAddr().String(); a != "127.0.0.9:5555" {
		t.Errorf("connected from %s", a)
	}
	if k := c.(*TCPConn).s.config.KeepAlive; k.Idle != 15*time.Second || k.Count != 9 {
		t.Errorf("keep-alive is %+v", k)
	}
	if _, err := d.DialContext(t.Context(), "tcp", l.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the same again: %v, want EADDRINUSE", err)
	}
	d.LocalAddr = netip.MustParseAddrPort("[::1]:0")
	if _, err := d.DialContext(t.Context(), "tcp", l.Addr().String()); err == nil {
		t.Error("connected from IPv6 to IPv4")
	}
}

func TestDialUnknownName(t *testing.T) {
	h := newHost(t)
	for _, network := range []string{"tcp", "udp"} {
		_, err := h.Dial(network, "nobody.example:80")
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound || dns.Name != "nobody.example" {
			t.Errorf("%s: %v, want a DNSError that says not found", network, err)
		}
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			t.Errorf("%s: %v is no OpError of dial", network, err)
		}
	}
	if _, err := h.Listen("tcp", "nobody.example:80"); err == nil {
		t.Error("listened at an unknown name")
	}
}

// The unspecified address, or none, is this host.
func TestDialUnspecified(t *testing.T) {
	h := newHost(t)
	l := listen(t, h, ":8080")
	for address, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", "[::]:8080": "[::1]:8080", "localhost:8080": "127.0.0.1:8080",
	} {
		c, err := h.Dial("tcp", address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := c.RemoteAddr().String(); got != want {
			t.Errorf("%s leads to %s, want %s", address, got, want)
		}
		c.Close()
	}
	l.Close()
}
