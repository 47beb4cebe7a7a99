package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
)

// A shop is the example of docs/simulation.md: a service that counts orders. It
// has a bug.
type shop struct{ orders atomic.Int64 }

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	fmt.Fprintf(w, "order %d", s.orders.Add(1))
}

// buy orders once. It tries again where no answer comes in time.
func buy(c *http.Client, url string) error {
	var err error
	for range 5 {
		var resp *http.Response
		if resp, err = c.Post(url, "text/plain", strings.NewReader("one teapot")); err == nil {
			return resp.Body.Close()
		}
	}
	return err
}

func TestFailsShop(t *testing.T) {
	onlyAsChild(t)
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan", sim.Path{Delay: 20 * time.Millisecond, Loss: sim.Random(0.03)})
		server, customer := n.Host("shop", lan), n.Host("customer", lan)
		s := new(shop)
		server.Serve(":80", s)
		client := customer.HTTPClient()
		client.Timeout = 250 * time.Millisecond
		const want = 25
		customer.Go(func() {
			for range want {
				if err := buy(client, "http://shop/"); err != nil {
					t.Error(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		n.Run(time.Minute)
		if got := s.orders.Load(); got != want {
			t.Errorf("%d orders, want %d", got, want)
		}
	})
}

// The bug of the shop is found by a sweep, repeats with its seed, and shrinks to few
// faults, as docs/simulation.md tells.
func TestShop(t *testing.T) {
	out, _ := failing(t, "TestFailsShop", "-sim.seed=1", "-sim.seeds=100")
	contains(t, out, `\d+ orders, want 25`, `number \d+ of 100, failed`, `the runs are the same packet by packet`)
	seed := regexp.MustCompile(`-sim.seed=(0x[0-9a-f]+)`).FindStringSubmatch(out)[1]
	out, dir := failing(t, "TestFailsShop", "-sim.seed="+seed, "-sim.shrink")
	b, err := os.ReadFile(filepath.Join(dir, "testdata", "sim", "TestFailsShop.min.faults"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	k := strings.Count(string(b), "\nlose ")
	if k < 1 || k > 3 {
		t.Errorf("it shrank to %d faults:\n%s", k, b)
	}
	t.Logf("seed %s, %d faults:\n%s", seed, k, b)
}
