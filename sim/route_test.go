//go:build octet_net

package sim_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
)

// A server and a client that know nothing of virtual hosts run on two of them.
func TestUnmodifiedPrograms(t *testing.T) {
	server := func() {
		http.ListenAndServe(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hello %s", r.RemoteAddr)
		}))
	}
	client := func() (string, error) {
		defer http.DefaultClient.CloseIdleConnections()
		resp, err := http.Get("http://server/")
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	sim.Test(t, func(t *testing.T, n *sim.Net) {
		lan := n.Switch("lan", sim.Path{Delay: 20 * time.Millisecond})
		srv, a := n.Host("server", lan), n.Host("alice", lan)
		srv.Background(server)
		a.Go(func() {
			time.Sleep(time.Millisecond) // the server listens
			got, err := client()
			if err != nil || !strings.HasPrefix(got, "hello 10.1.") {
				t.Errorf("http.Get: %q, %v", got, err)
			}
			if _, err := net.ListenUDP("udp", nil); err == nil || !strings.Contains(err.Error(), "net.ListenPacket instead") {
				t.Errorf("net.ListenUDP: %v", err)
			}
			if _, err := net.Dial("tcp", "nobody:80"); err == nil || !strings.Contains(err.Error(), "no such host") {
				t.Errorf("net.Dial of an unknown name: %v", err)
			}
		})
		if !n.Run(time.Minute) {
			t.Error("the client is not done")
		}
		if n.Now() < 80*time.Millisecond { // two round trips
			t.Errorf("it took %v: the packets did not go over the network", n.Now())
		}
	})
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Errorf("outside the simulation the system listens: %v", err)
	} else {
		l.Close()
	}
}
