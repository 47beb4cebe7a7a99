package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
	"github.com/octet-net/octet/vnet"
)

// threeHosts is a server and two clients on a network that loses one packet in a
// hundred and takes 50 ms; one client is cut off from 2 s to 5 s.
func threeHosts(t *testing.T, n *sim.Net) int64 {
	var requests atomic.Int64
	lan := n.Switch("lan", sim.Path{Delay: 50 * time.Millisecond, Loss: sim.Random(0.01)})
	srv, a, b := n.Host("server", lan), n.Host("alice", lan), n.Host("bob", lan)
	srv.Serve(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("server: %v", err)
		}
		fmt.Fprintf(w, "hello %s, you sent %d octets", r.URL.Path[1:], len(body))
	}))
	for _, h := range []*sim.Host{a, b} {
		client := h.HTTPClient()
		h.Go(func() {
			for i := range 20 {
				resp, err := client.Get("http://server/" + h.Name())
				if err != nil {
					t.Errorf("%s, request %d: %v", h.Name(), i, err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if want := "hello " + h.Name() + ", you sent 0 octets"; err != nil || string(body) != want {
					t.Errorf("%s: %q, %v", h.Name(), body, err)
				}
				requests.Add(1)
				time.Sleep(250 * time.Millisecond)
			}
		})
	}
	n.At(2*time.Second, func() { n.Partition(sim.Set(b), sim.Set(srv)) })
	n.At(5*time.Second, n.Heal)
	if !n.Run(time.Minute) {
		t.Error("the clients are not done")
	}
	if s := n.Stats(b, srv); s.Stopped == 0 || s.Retransmits == 0 {
		t.Errorf("the partition stopped nothing: %+v", s)
	}
	return requests.Load()
}

func TestThreeHosts(t *testing.T) {
	began := time.Now()
	var first vnet.Trace
	for i := range 50 {
		sim.Test(t, func(t *testing.T, n *sim.Net) {
			if got := threeHosts(t, n); got != 40 {
				t.Errorf("%d requests were answered, want 40", got)
			}
			trace := n.Trace()
			if i == 0 {
				first = trace
				t.Logf("%d packets, trace %016x, virtual time %v", trace.Packets, trace.Hash, n.Now())
				return
			}
			if at, differs := first.Diverge(&trace); differs {
				t.Errorf("run %d differs from the first in packet %d: %s", i, at, n.Line(at))
			}
		})
	}
	t.Logf("%v of real time for each run", time.Since(began)/50)
}
