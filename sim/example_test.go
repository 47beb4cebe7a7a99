package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
)

// A web server and a client on two hosts, 50 ms apart, on a network that loses one
// packet in a hundred, and that is cut between two and five seconds.
func Example() {
	test := func(t *testing.T) { // TestHello in a file of tests
		sim.Test(t, func(t *testing.T, n *sim.Net) {
			lan := n.Switch("lan", sim.Path{Delay: 50 * time.Millisecond, Loss: sim.Random(0.01)})
			srv, alice := n.Host("server", lan), n.Host("alice", lan)
			srv.Serve(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "hello")
			}))
			client := alice.HTTPClient()
			alice.Go(func() {
				for range 10 {
					resp, err := client.Get("http://server/")
					if err != nil {
						t.Error(err)
						return
					}
					if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil {
						t.Errorf("%q, %v", b, err)
					}
					resp.Body.Close()
					time.Sleep(time.Second)
				}
			})
			n.At(2*time.Second, func() { n.Partition(sim.Set(alice), sim.Set(srv)) })
			n.At(5*time.Second, n.Heal)
			n.Run(time.Minute)
			if n.Stats(alice, srv).Stopped == 0 {
				t.Error("the partition stopped nothing: the test tests nothing")
			}
		})
	}
	_ = test
}
