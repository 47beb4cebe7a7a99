package octet

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// An address is used only when nobody else on the link turns out to have it
// (RFC 5227 §2.1.1, RFC 4862 §5.4).
func TestAddressesAreTestedFirst(t *testing.T) {
	line, hosts, gates := neighbours(t, WithAddressTests(true))
	h := hosts[0]
	var told changes
	defer told.watch(h)()
	if _, err := h.Listen("tcp", "192.0.2.1:80"); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("listen at a tentative address: %v, want EADDRNOTAVAIL", err)
	}
	if _, err := h.Dial("udp", "192.0.2.2:80"); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("dial from one: %v, want EADDRNOTAVAIL", err)
	}
	for _, a := range h.Addresses(2) {
		if a.State != ip.Tentative {
			t.Errorf("%v is %v", a.Prefix, a.State)
		}
	}
	after(line, 2*time.Second)
	if len(told) != 2 || !strings.Contains(told[0]+told[1], "fe80::1") { // IPv6 takes less than IPv4
		t.Errorf("after two seconds: %q", []string(told))
	}
	after(line, 5*time.Second)
	if len(told) != 3 || told[2] != "pipe0: address ready 192.0.2.1" {
		t.Errorf("after seven seconds: %q", []string(told))
	}
	if n := gates[0].asked.Load(); n < 5 {
		t.Errorf("asked %d times, want three probes of ARP and two of NDP", n)
	}
	connecting(t, h, "192.0.2.2:80")
}

// An address that somebody has is not used, the host says who has it, and goes on.
func TestAddressThatIsTaken(t *testing.T) {
	for _, a := range []string{"192.0.2.2/24", "2001:db8::2/64"} {
		line, hosts, _ := neighbours(t)
		h := hosts[0]
		yes := true
		h.addressTests = &yes
		var told changes
		defer told.watch(h)()
		p := netip.MustParsePrefix(a)
		if err := h.AddAddress(2, p); err != nil {
			t.Fatal(err)
		}
		after(line, 8*time.Second)
		told.want(t, "pipe0: address taken "+p.Addr().String()+" by 02:00:00:00:00:02")
		err := h.AwaitAddresses(t.Context())
		var taken *AddressError
		if !errors.As(err, &taken) || len(taken.Taken) != 1 || taken.Taken[0] != p.Addr() {
			t.Errorf("%v", err)
		}
		if _, ok := h.ip.tables.Load().Local(p.Addr()); ok {
			t.Error("it is used all the same")
		}
	}
}

func TestAwaitAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline.New()
		defer line.Close()
		h := newHost(t, WithTimeline(line), WithAddressTests(true))
		if err := h.AwaitAddresses(t.Context()); err != nil { // those of loopback are
			t.Error(err)
		}
		x, _ := link.NewPipe(line, ethernet)
		attach(t, h, x, "192.0.2.1/24")
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.AwaitAddresses(hurry); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after a second: %v", err)
		}
		start := time.Now()
		if err := h.AwaitAddresses(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d < 3*time.Second || d > 7*time.Second {
			t.Errorf("it took %v more", d)
		}
		listen(t, h, "192.0.2.1:80")
		attach(t, h, first(link.NewPipe(line, ethernet)), "198.51.100.1/24")
		time.AfterFunc(time.Second, func() { h.Close() })
		if err := h.AwaitAddresses(t.Context()); err == nil {
			t.Error("no error from a host that was closed")
		}
	})
}

func first(a, _ link.Counted) link.Device { return a }
