package reach

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// patience bounds a hang, nothing else.
const patience = 20 * time.Second

// lentHost returns a host and the same as another process has it, and what ends the
// serving process.
func lentHost(t *testing.T) (*octet.Host, *remote, func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	h := octet.NewHost(octet.WithHosts("alice", netip.MustParseAddr("127.0.0.7")))
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { Serve(ctx, l, Own(h)) })
	end := func() {
		cancel()
		h.Close()
		all.Wait()
	}
	t.Cleanup(end)
	return h, &remote{path: path}, end
}

// The connections of another process behave as those of package net, but for what
// Close does to the data that is on its way.
func TestRemoteConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		_, r, end := lentHost(t)
		l, err := r.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		accepted := make(chan error, 1)
		go func() {
			var err error
			c2, err = l.Accept()
			accepted <- err
		}()
		c1, err = r.DialContext(context.Background(), "tcp", l.Addr().String())
		if err = errors.Join(err, <-accepted); err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() {
			c1.Close()
			c2.Close()
			l.Close()
			end()
		}, nil
	})
}

// Half a connection can be closed while the other half goes on, and both sides are
// who they say.
func TestRemoteHalfClose(t *testing.T) {
	h, r, _ := lentHost(t)
	l, err := h.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789"), 100_000)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		p, err := io.ReadAll(c) // its end comes before the answer
		if err == nil {
			c.Write(append([]byte(c.RemoteAddr().String()+" "), p...))
		}
	}()
	c, err := r.DialContext(context.Background(), "tcp", "localhost:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if n, err := c.Write(sent); n != len(sent) || err != nil {
		t.Fatal(n, err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if want := c.LocalAddr().String() + " " + string(sent); err != nil || string(got) != want {
		t.Errorf("%d octets came back: %v", len(got), err)
	}
	if c.RemoteAddr().String() != "127.0.0.1:80" {
		t.Errorf("the peer is %v", c.RemoteAddr())
	}
}

// Errors of another process are the same to programs.
func TestRemoteErrors(t *testing.T) {
	h, r, _ := lentHost(t)
	ctx := context.Background()
	for _, network := range []octet.Network{h, r} {
		_, err := network.DialContext(ctx, "tcp", "127.0.0.1:9")
		if want := "dial tcp 127.0.0.1:9: connect: connection refused"; !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != want {
			t.Errorf("a closed port: %v, want %s", err, want)
		}
		_, err = network.DialContext(ctx, "tcp", "bob:9")
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound || err.Error() != "dial tcp: lookup bob: no such host" {
			t.Errorf("an unknown name: %v", err)
		}
		_, err = network.Listen("tcp", "192.0.2.1:80")
		if want := "listen tcp 192.0.2.1:80: bind: cannot assign requested address"; !errors.Is(err, syscall.EADDRNOTAVAIL) || err.Error() != want {
			t.Errorf("another's address: %v, want %s", err, want)
		}
		early, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := network.DialContext(early, "tcp", "127.0.0.1:9"); outcome.Of(err) != outcome.Interrupted {
			t.Errorf("a dial that was given up: %v", err)
		}
	}
}

// A reset reaches the other process as a reset.
func TestRemoteReset(t *testing.T) {
	h, r, _ := lentHost(t)
	l, err := h.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.DialContext(context.Background(), "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	far.(*octet.TCPConn).SetLinger(0)
	far.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) || !strings.HasPrefix(err.Error(), "read tcp 127.0.0.1:") {
		t.Errorf("after a reset Read says %v", err)
	}
}

func TestRemoteDatagrams(t *testing.T) {
	_, r, _ := lentHost(t)
	pc, err := r.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c, err := r.DialContext(context.Background(), "udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pc.SetDeadline(time.Now().Add(patience))
	c.SetDeadline(time.Now().Add(patience))
	b := make([]byte, 65535)
	for _, size := range []int{0, 1, 1500, 65507} {
		if _, err := c.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		n, from, err := pc.ReadFrom(b)
		if n != size || err != nil || from.String() != c.LocalAddr().String() {
			t.Fatalf("of %d octets came %d from %v: %v", size, n, from, err)
		}
		if _, err := pc.WriteTo(b[:n], from); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(b); n != size || err != nil {
			t.Fatalf("of %d octets came back %d: %v", size, n, err)
		}
	}
	pc.Close()
	for err == nil { // until the stack has closed the socket
		if _, err = c.Write([]byte("x")); err == nil {
			_, err = c.Read(b)
		}
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a closed port says %v", err)
	}
}

// What can be seen of a network, another process sees too.
func TestRemoteSight(t *testing.T) {
	h, r, end := lentHost(t)
	ctx := context.Background()
	if _, err := h.Listen("tcp", "127.0.0.1:80"); err != nil {
		t.Fatal(err)
	}
	list, err := r.Interfaces()
	if err != nil || len(list) != 1 || list[0].Name != "lo" || list[0].Flags&net.FlagUp == 0 || list[0].Addrs[0].String() != "127.0.0.1/8" {
		t.Errorf("interfaces %v, %v", list, err)
	}
	routes, err := r.Routes()
	if err != nil || len(routes) != 2 || routes[0].Text() != "127.0.0.0/8 dev lo" {
		t.Errorf("routes %v, %v", routes, err)
	}
	conns, err := r.Conns()
	if err != nil || len(conns) != 1 || conns[0].State != "LISTEN" || conns[0].Local != "127.0.0.1:80" {
		t.Errorf("connections %v, %v", conns, err)
	}
	if list, err := r.Neighbours(); err != nil || len(list) != 0 {
		t.Errorf("neighbours %v, %v", list, err)
	}
	if list, err := r.Counters(); err != nil || len(list) < 20 {
		t.Errorf("counters %v, %v", list, err)
	}
	if list, err := r.LookupHost(ctx, "alice"); err != nil || len(list) != 1 || list[0] != "127.0.0.7" {
		t.Errorf("alice has %v, %v", list, err)
	}
	e, err := r.Ping(ctx, netip.MustParseAddr("127.0.0.1"), sight.Ping{Size: 100})
	if err != nil || e.From.String() != "127.0.0.1" || e.HopLimit != 64 || e.Kind != sight.Answered {
		t.Errorf("ping %+v, %v", e, err)
	}
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := r.Capture(soon, "", io.Discard); err == nil || !strings.Contains(err.Error(), "a fresh stack has no packets to watch; use --on kernel") {
		t.Errorf("a capture of nothing: %v", err)
	}
	end()
	if _, err := r.Routes(); err == nil {
		t.Error("there are routes although the network is gone")
	}
}

// What the other side sends is checked.
func FuzzPipe(f *testing.F) {
	f.Add([]byte("d\x00\x00\x00\x03abce\x00\x00\x00\x00"))
	f.Add([]byte("x\x00\x00\x00\x10{\"text\":\"x y z\"}"))
	f.Add([]byte("j\xff\xff\xff\xff"))
	f.Add([]byte("d\x00\x00\x00\x0b\x0a[::1]:5353"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(p *pipe) error{
			func(p *pipe) error { _, err := p.read(make([]byte, 10)); return err },
			func(p *pipe) error { return p.readJSON(new(request)) },
			func(p *pipe) error {
				b, err := p.content(frameData)
				if err == nil {
					addressed(b)
				}
				return err
			},
		} {
			ours, theirs := net.Pipe()
			go func() {
				theirs.Write(b)
				theirs.Close()
			}()
			p := newPipe(ours)
			for read(p) == nil {
			}
			ours.Close()
		}
	})
}
