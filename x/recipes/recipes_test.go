// Package recipes runs programs of others, as they are, on virtual hosts: each test
// is the recipe for one of them, with what must be given to it in place of the
// operating system's network, and what in it needs care where time is virtual.
//
// Each runs twice and tells what it took and whether the second run repeated the
// first. Plain go test repeats what chance does to each flow; where goroutines of one
// host race, the packets may come in another order. Under octet test two processes
// are the same packet by packet, and that is then checked.
package recipes

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/octet-net/octet/sim"
	"github.com/octet-net/octet/vnet"
)

// figures are what one run took.
type figures struct {
	trace       vnet.Trace
	virtual     time.Duration
	retransmits uint64
	lost        uint64
	stopped     uint64
}

// measure reads the figures of a run between some hosts.
func measure(n *sim.Net, hosts ...*sim.Host) (f figures) {
	f.trace, f.virtual = n.Trace(), n.Now()
	for _, a := range hosts {
		for _, b := range hosts {
			s := n.Stats(a, b)
			f.retransmits += s.Retransmits
			f.lost += s.Lost
			f.stopped += s.Stopped
		}
	}
	return f
}

// twice runs a recipe two times with one seed and reports both runs. f returns the
// hosts that its figures are of.
func twice(t *testing.T, f func(t *testing.T, n *sim.Net) []*sim.Host, options ...sim.Option) {
	t.Helper()
	if elsewhere(t) {
		return
	}
	var both [2]figures
	for i := range both {
		began := time.Now()
		sim.Test(t, func(t *testing.T, n *sim.Net) {
			seedChance(n)
			both[i] = measure(n, f(t, n)...)
			if both[i].lost == 0 {
				t.Error("no packet was lost: this run shows nothing")
			}
		}, options...)
		g := &both[i]
		t.Logf("virtual %v, real %v, %d packets, %d retransmitted, %d lost, %d stopped, trace %016x, shape %016x",
			g.virtual, time.Since(began).Round(100*time.Microsecond), g.trace.Packets, g.retransmits, g.lost, g.stopped, g.trace.Hash, g.trace.Shape)
		if t.Failed() {
			return
		}
	}
	a, b := &both[0].trace, &both[1].trace
	if at, differs := a.Diverge(b); !differs {
		t.Log("the second run repeated the first packet by packet")
	} else if a.Shape == b.Shape {
		t.Log("the second run repeated the times, places and lengths of the first, not its octets")
	} else {
		t.Logf("the second run was another from packet %d on: goroutines raced, or the process remembered something of the first", at)
	}
}

// listen is Host.Listen, whose failure ends the test.
func listen(t *testing.T, h *sim.Host, address string) net.Listener {
	t.Helper()
	l, err := h.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// identity makes a certificate of a host that is valid in the bubble, whose year is
// 2000, and the pool by which clients trust it.
func identity(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}, pool
}
