package octet

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/ip"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

func TestPing(t *testing.T) {
	alice, _ := twoHosts(t, ethernet)
	for _, a := range []string{"127.0.0.1", "::1", "192.0.2.1", "192.0.2.2", "2001:db8::2"} {
		for _, n := range []int{0, 1, 56, 1472, 20_000} {
			data := bytes.Repeat([]byte{7, byte(n)}, n)[:n]
			p, err := alice.Ping(t.Context(), addr(a), Ping{Data: data})
			if err != nil || p.From != addr(a) || !bytes.Equal(p.Data, data) || p.HopLimit != 64 || p.RTT < 0 {
				t.Errorf("%s, %d octets: %v, %v", a, n, p, err)
			}
		}
	}
	if len(alice.pings.byKey) != 0 {
		t.Error("pings are left")
	}
}

// What ICMP says of the request is the error: that the host does not answer, that
// the hop limit was not enough, that it is too big.
func TestPingThatIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob := twoHosts(t, ethernet)
		defer alice.Timeline().Close()
		x, y := link.NewPipe(bob.Timeline(), link.PipeOptions{MTU: 1280})
		attach(t, bob, x, "198.51.100.1/24", "2001:db8:1::1/64")
		carol := newHost(t, WithTimeline(bob.Timeline()))
		attach(t, carol, y, "198.51.100.2/24", "2001:db8:1::2/64")
		for _, v := range []struct{ far, via, target, silent string }{
			{"198.51.100.0/24", "192.0.2.2", "198.51.100.2", "192.0.2.77"},
			{"2001:db8:1::/64", "2001:db8::2", "2001:db8:1::2", "2001:db8::77"},
		} {
			if err := errors.Join(alice.AddRoute(netip.MustParsePrefix(v.far), addr(v.via)), bob.SetForwarding(true)); err != nil {
				t.Fatal(err)
			}
			all := netip.PrefixFrom(addr(v.target), 0).Masked()
			back := addr(v.target).Prev() // .1 is the router
			if err := carol.AddRoute(all, back); err != nil {
				t.Fatal(err)
			}
			if p, err := alice.Ping(t.Context(), addr(v.target), Ping{}); err != nil || p.HopLimit != 63 {
				t.Errorf("%+v, %v", p, err)
			}
			for name, c := range map[string]struct {
				to   string
				ping Ping
				kind ip.NoticeKind
				from string
				is   error
			}{
				"silent":  {v.silent, Ping{}, ip.HostUnreachable, "", syscall.EHOSTUNREACH},
				"one hop": {v.target, Ping{HopLimit: 1}, ip.TimeExceeded, v.via, syscall.EHOSTUNREACH},
				"too big": {v.target, Ping{Data: make([]byte, 1400), Whole: true}, ip.TooBig, v.via, syscall.EMSGSIZE},
			} {
				_, err := alice.Ping(t.Context(), addr(c.to), c.ping)
				var n *NoticeError
				if !errors.As(err, &n) || n.Kind != c.kind || c.from != "" && n.From != addr(c.from) || !errors.Is(err, c.is) {
					t.Errorf("%s: %s: %v", v.target, name, err)
				}
			}
			if _, err := alice.Ping(t.Context(), addr(v.target), Ping{Data: make([]byte, 1400), Whole: true}); !errors.Is(err, syscall.EMSGSIZE) {
				t.Errorf("once the path is known: %v", err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := alice.Ping(ctx, addr("192.0.2.78"), Ping{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		time.AfterFunc(time.Second, func() { alice.Close() })
		if _, err := alice.Ping(t.Context(), addr("192.0.2.79"), Ping{}); err == nil {
			t.Error("no error from a host that was closed")
		}
	})
}

// An echo reply that nobody waits for is answered by nothing at all.
func TestUnaskedEchoReplyIsIgnored(t *testing.T) {
	line := timeline.NewManual()
	h := newHost(t, WithTimeline(line))
	f := new(forge)
	attach(t, h, f, "192.0.2.1/24")
	said := f.count
	b := make([]byte, wire.IPv4Len+wire.ICMPLen)
	head := wire.IP{Src: addr("192.0.2.2"), Dst: addr("192.0.2.1"), Proto: wire.ProtoICMPv4, TTL: 64, Len: len(b)}
	wire.PutIP(b, &head)
	wire.PutICMP(b[wire.IPv4Len:], &wire.ICMP{Type: wire.ICMPv4EchoReply, Rest: 1})
	head.Seal(b[wire.IPv4Len:], nil)
	f.to.Receive(line.Now(), []link.Packet{{Data: chunk.Copy(b)}})
	if n := f.count - said; n != 0 {
		t.Errorf("the host said %d things", n)
	}
}
