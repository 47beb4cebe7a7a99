package sim

import (
	"context"
	"net/http"
	"runtime/pprof"
	"sync"

	"github.com/octet-net/octet/vnet"
)

// The labels of the goroutines of a host, which all that they start inherit.
const (
	labelHost = "octet.host"
	labelRun  = "octet.run"
)

// A Host is a host of a simulation.
type Host struct {
	*vnet.Host
	net    *Net
	number uint64 // that its goroutines carry under octet test
}

// numbered are the hosts of all simulations that run, by their numbers.
var numbered struct {
	sync.Mutex
	last  uint64
	hosts map[uint64]*Host
}

// number gives a host its number until the simulation ends.
func number(h *Host) {
	numbered.Lock()
	defer numbered.Unlock()
	if numbered.hosts == nil {
		numbered.hosts = map[uint64]*Host{}
	}
	numbered.last++
	h.number = numbered.last
	numbered.hosts[h.number] = h
}

// forget takes the numbers of hosts back.
func forget(hosts []*Host) {
	numbered.Lock()
	defer numbered.Unlock()
	for _, h := range hosts {
		delete(numbered.hosts, h.number)
	}
}

// Go runs f as a program of the host, which Net.Run waits for.
func (h *Host) Go(f func()) {
	n := h.net
	n.mu.Lock()
	n.running++
	n.mu.Unlock()
	h.Background(func() {
		defer func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.running--
			n.changed.Broadcast()
		}()
		f()
	})
}

// Background runs f as a program of the host that Net.Run does not wait for, such
// as a server.
func (h *Host) Background(f func()) {
	labels := pprof.Labels(labelHost, h.Name(), labelRun, h.net.id)
	go pprof.Do(context.Background(), labels, func(context.Context) {
		enter(h)
		f()
	})
}

// Serve is http.Serve of a handler at an address such as ":80", in the background.
// A failure to listen ends the test.
func (h *Host) Serve(address string, handler http.Handler) *http.Server {
	h.net.t.Helper()
	l, err := h.Listen("tcp", address)
	h.net.fatal(err)
	s := &http.Server{Handler: handler}
	h.Background(func() { _ = s.Serve(l) }) // it ends when the host does
	return s
}

// HTTPClient returns a client whose connections come from the host. They are its
// own, and end with the simulation.
func (h *Host) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: h.DialContext, ForceAttemptHTTP2: true}}
}
