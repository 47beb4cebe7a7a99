package recipes

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
	"github.com/octet-net/octet/vnet"
)

const (
	uploads    = 8
	uploadSize = 1 << 20
)

// uploadServer answers each request with the sum of what was uploaded.
func uploadServer(t *testing.T, srv *sim.Host, certificate tls.Certificate) {
	s := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog:  log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sum := sha256.New()
			if _, err := io.Copy(sum, r.Body); err != nil {
				t.Errorf("server: %s: %v", r.URL.Path, err)
			}
			fmt.Fprintf(w, "%s %x", r.Proto, sum.Sum(nil))
		}),
	}
	l := listen(t, srv, ":443")
	srv.Background(func() { _ = s.ServeTLS(l, "", "") }) // it ends when the host does
}

// upload sends a body of its own by the client and checks the answer.
func upload(t *testing.T, client *http.Client, i int) {
	body := strings.Repeat(string(rune('a'+i)), uploadSize)
	resp, err := client.Post("https://server/"+fmt.Sprint(i), "text/plain", strings.NewReader(body))
	if err != nil {
		t.Errorf("upload %d: %v", i, err)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	sum := sha256.Sum256([]byte(body))
	if want := "HTTP/2.0 " + hex.EncodeToString(sum[:]); err != nil || string(answer) != want {
		t.Errorf("upload %d: %q, %v, want %q", i, answer, err, want)
	}
}

// parallelUploads shares one connection of HTTP/2 among eight uploads, over a link
// of 20 Mbit/s that loses one packet in two hundred.
func parallelUploads(options ...vnet.HostOption) func(*testing.T, *sim.Net) []*sim.Host {
	return func(t *testing.T, n *sim.Net) []*sim.Host {
		lan := n.Switch("lan", sim.Path{Delay: 20 * time.Millisecond, Rate: 20e6, Loss: sim.Random(0.005)})
		at := append([]vnet.HostOption{lan}, options...)
		srv, a := n.Host("server", at...), n.Host("alice", at...)
		certificate, pool := identity(t, "server")
		uploadServer(t, srv, certificate)
		var connections atomic.Int32
		transport := &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				connections.Add(1)
				return a.DialContext(ctx, network, address)
			},
			TLSClientConfig:   &tls.Config{RootCAs: pool},
			ForceAttemptHTTP2: true, // which a DialContext of one's own else turns off
		}
		client := &http.Client{Transport: transport}
		a.Go(func() {
			upload(t, client, 0) // makes the connection, which the others then share
			var group sync.WaitGroup
			for i := range uploads {
				group.Go(func() { upload(t, client, i) })
			}
			group.Wait()
		})
		if !n.Run(time.Minute) {
			t.Error("the uploads are not done")
		}
		if c := connections.Load(); c != 1 {
			t.Errorf("%d connections were made, want 1", c)
		}
		return []*sim.Host{srv, a}
	}
}

// HTTP/2 over TLS, in plain go test. Its transport holds a sync.Mutex while it writes,
// and a Write that waited for room would stop the virtual clock: so the hosts' send
// buffers have no limit, which is the default. The windows of HTTP/2 itself hold the
// uploads back all the same.
func TestHTTP2(t *testing.T) { twice(t, parallelUploads()) }
