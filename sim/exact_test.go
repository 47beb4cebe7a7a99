//go:build octet_exact

package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
)

// Eight goroutines of one host share a transport and race for its connections, so
// that only the runtime decides who sends what when. Each run prints its trace,
// which a caller compares across processes.
func TestExactRace(t *testing.T) {
	for range 3 {
		sim.Test(t, func(t *testing.T, n *sim.Net) {
			lan := n.Switch("lan", sim.Path{Delay: 5 * time.Millisecond, Loss: sim.Random(0.02)})
			srv, a := n.Host("server", lan), n.Host("alice", lan)
			srv.Serve(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(3 * time.Millisecond)
				fmt.Fprintf(w, "hello %s", r.URL.Path)
			}))
			client := a.HTTPClient()
			a.Go(func() {
				var group sync.WaitGroup
				defer group.Wait()
				for i := range 8 {
					group.Go(func() {
						for j := range 5 {
							resp, err := client.Get(fmt.Sprintf("http://server/%d/%d", i, j))
							if err != nil {
								t.Errorf("request %d of %d: %v", j, i, err)
								return
							}
							if _, err := io.Copy(io.Discard, resp.Body); err != nil {
								t.Error(err)
							}
							resp.Body.Close()
						}
					})
				}
			})
			if !n.Run(time.Minute) {
				t.Error("the clients are not done")
			}
			fmt.Printf("trace %016x of %d packets\n", n.Trace().Hash, n.Trace().Packets)
		})
	}
}

// Goroutines that yield take turns with others that hand a token on, while the rest
// of the process works now and then. Who comes when is the bubble's own affair.
func TestExactYield(t *testing.T) {
	var done atomic.Bool
	defer done.Store(true)
	go func() {
		for !done.Load() {
			time.Sleep(20 * time.Microsecond)
		}
	}()
	for range 3 {
		sim.Test(t, func(t *testing.T, n *sim.Net) {
			order := uint64(0)
			var group sync.WaitGroup
			for i := range 4 {
				token := make(chan bool)
				turn := func(f func()) {
					group.Go(func() {
						for range 1000 {
							f()
							order = order*31 + uint64(i)
						}
					})
				}
				turn(runtime.Gosched)
				turn(func() { token <- true })
				turn(func() { <-token })
			}
			group.Wait()
			fmt.Printf("trace %016x\n", order)
		})
	}
}
