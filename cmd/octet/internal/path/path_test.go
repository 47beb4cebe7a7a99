package path

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// A way is a network in which each router takes a millisecond and packets of a size.
type way struct {
	routers []router
	closed  string // what the last router says of the host; empty: it is there
}

type router struct {
	addr   netip.Addr
	mtu    int  // of the link behind it
	silent bool // about packets whose time is over
	hole   bool // about packets that are too big
}

var host = netip.MustParseAddr("192.0.2.99")

func (w *way) Ping(ctx context.Context, _ netip.Addr, p sight.Ping) (sight.Echo, error) {
	size := p.Size + 28
	for k, r := range w.routers {
		e := sight.Echo{From: r.addr, RTT: time.Duration(k+1) * time.Millisecond}
		switch {
		case k == 0 && !r.addr.IsValid():
		case p.HopLimit <= k:
			if r.silent {
				return silence(ctx)
			}
			e.Kind = sight.Expired
			return e, nil
		}
		if size > r.mtu && r.hole {
			return silence(ctx)
		}
		if size > r.mtu {
			e.Kind, e.MTU, e.Notice = sight.TooBig, r.mtu, "packet too big"
			return e, nil
		}
	}
	e := sight.Echo{From: host, RTT: time.Duration(len(w.routers)) * time.Millisecond}
	if w.closed != "" {
		e.From, e.Kind, e.Notice = w.routers[len(w.routers)-1].addr, sight.Unreachable, w.closed
	}
	return e, nil
}

func silence(ctx context.Context) (sight.Echo, error) {
	<-ctx.Done()
	return sight.Echo{}, ctx.Err()
}

// follow follows a way whose first router is this host itself.
func follow(t *testing.T, w *way, hops int) (said string, sum Summary, err error) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		r := Run{Net: w, Name: "host", To: host, Hops: hops, Probes: 2, Wait: time.Second, Report: report.New(&b, &b, report.Options{})}
		err = r.Run(t.Context())
		said, sum = b.String(), r.Summary()
	})
	return
}

func addr(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }

func TestFollow(t *testing.T) {
	said, sum, err := follow(t, &way{routers: []router{{mtu: 1500}, {addr: addr(1), mtu: 1500}, {addr: addr(2), mtu: 1400}, {addr: addr(3), mtu: 9000, silent: true}}}, 30)
	const want = `path to host (192.0.2.99), 30 hops at most
 1  this host: MTU 1,500
 1  192.0.2.1  2.000 ms  2.000 ms
 2  192.0.2.2  3.000 ms  3.000 ms
 3  192.0.2.2: MTU 1,400
 3  *  *
 4  192.0.2.99  4.000 ms  4.000 ms
4 hops, path MTU 1,400
`
	if said != want || err != nil || !sum.Reached || sum.Hops != 4 || sum.MTU != 1400 {
		t.Errorf("said\n%s%+v, %v, want\n%s", said, sum, err, want)
	}
}

// Where large packets vanish without a word, small ones find the rest of the way.
func TestBlackHole(t *testing.T) {
	said, sum, err := follow(t, &way{routers: []router{{mtu: 1500}, {addr: addr(1), mtu: 1400, hole: true}, {addr: addr(2), mtu: 1500}}}, 30)
	const want = `path to host (192.0.2.99), 30 hops at most
 1  this host: MTU 1,500
 1  192.0.2.1  2.000 ms  2.000 ms
 2  packets of 1,500 octets vanish here without a word: small ones go on
 2  192.0.2.2  3.000 ms  3.000 ms
 3  192.0.2.99  3.000 ms  3.000 ms
3 hops, path MTU unknown: less than 1,500
`
	if said != want || err != nil || !sum.Reached || sum.MTU != 0 {
		t.Errorf("said\n%s%+v, %v, want\n%s", said, sum, err, want)
	}
}

func TestNotReached(t *testing.T) {
	w := &way{routers: []router{{mtu: 1500}, {addr: addr(1), mtu: 1500}, {addr: addr(2), mtu: 1500}}, closed: "host unreachable"}
	said, sum, err := follow(t, w, 30)
	if outcome.Of(err) != outcome.Unreachable || sum.Reached || !strings.Contains(said, " 3  192.0.2.2  3.000 ms  3.000 ms  host unreachable\n") {
		t.Errorf("said\n%s%+v, %v", said, sum, err)
	}
	said, sum, err = follow(t, w, 2)
	if outcome.Of(err) != outcome.No || sum.Hops != 2 || !strings.HasSuffix(said, "2 hops, path MTU 1,500\n") {
		t.Errorf("said\n%s%+v, %v", said, sum, err)
	}
}

// A router that names an MTU again and again, or ever smaller ones, does not keep us.
func TestLyingRouter(t *testing.T) {
	mtu, told := 1500, 0
	liar := pinger(func(context.Context) (sight.Echo, error) {
		if told++; told > 3 {
			mtu--
		}
		return sight.Echo{From: addr(1), Kind: sight.TooBig, MTU: mtu}, nil
	})
	var b bytes.Buffer
	r := Run{Net: liar, Name: "host", To: host, Hops: 3, Probes: 2, Wait: time.Second, Report: report.New(&b, &b, report.Options{})}
	if err := r.Run(t.Context()); outcome.Of(err) != outcome.No || told > 100 || strings.Count(b.String(), "MTU 1,500") != 1 {
		t.Errorf("said\n%s%v", &b, err)
	}
}

// What is wrong here ends it.
func TestFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		code outcome.Code
	}{
		{outcome.Failf(outcome.NotPermitted, "be root", "not permitted"), outcome.NotPermitted},
		{errors.New("no socket"), outcome.Usage},
	} {
		r := Run{Net: pinger(func(context.Context) (sight.Echo, error) { return sight.Echo{}, c.err }), To: host, Hops: 3, Probes: 2, Wait: time.Second, Report: report.New(new(bytes.Buffer), new(bytes.Buffer), report.Options{})}
		if err := r.Run(t.Context()); outcome.Of(err) != c.code {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}

type pinger func(context.Context) (sight.Echo, error)

func (f pinger) Ping(ctx context.Context, _ netip.Addr, _ sight.Ping) (sight.Echo, error) {
	return f(ctx)
}
