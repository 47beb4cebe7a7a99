package talk

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// inBubble runs a test in virtual time with a fresh host of ours.
func inBubble(t *testing.T, f func(t *testing.T, h *octet.Host)) {
	synctest.Test(t, func(t *testing.T) {
		h := octet.NewHost(octet.WithHosts("twin", netip.IPv6Loopback(), netip.MustParseAddr("127.0.0.1")))
		f(t, h)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
}

func at(t *testing.T, url string) quantity.Endpoint {
	t.Helper()
	e, err := quantity.ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A writer that may be read while it is written to.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running starts a server and returns how to wait for its end, and its output.
func running(t *testing.T, ctx context.Context, s *Server) (wait func() error, out, notes *lines) {
	t.Helper()
	out, notes = new(lines), new(lines)
	s.Report = report.New(out, notes, report.Options{})
	s.Max = max(s.Max, 4096)
	ready, end := make(chan struct{}), make(chan error, 1)
	s.Ready = func() { close(ready) }
	go func() { end <- s.Run(ctx) }()
	select {
	case <-ready:
	case err := <-end:
		t.Fatalf("the server does not listen: %v", err)
	}
	return func() error { return <-end }, out, notes
}

// client returns a client whose answer is saved in the buffer.
func client(n octet.Network, to quantity.Endpoint) (*Client, *bytes.Buffer) {
	b := new(bytes.Buffer)
	return &Client{Net: n, To: to, Report: report.New(new(lines), new(lines), report.Options{}), Save: b, Max: 65535}, b
}

func wantCode(t *testing.T, err error, want outcome.Code) {
	t.Helper()
	if got := outcome.Of(err); got != want {
		t.Errorf("error %v has code %v, want %v", err, got, want)
	}
}

func TestPyAddr(t *testing.T) {
	lo, err := net.InterfaceByIndex(1)
	if err != nil {
		t.Skip("there is no interface 1 here")
	}
	for _, c := range []struct {
		addr net.Addr
		want string
	}{
		{&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 49731}, "('127.0.0.1', 49731)"},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 1}, "('10.0.0.1', 1)"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 2}, "('::1', 2, 0, 0)"},
		{&net.UDPAddr{IP: net.ParseIP("fe80::1"), Zone: lo.Name, Port: 3}, "('fe80::1%" + lo.Name + "', 3, 0, 1)"},
	} {
		if got := pyAddr(c.addr); got != c.want {
			t.Errorf("%v: %s, want %s", c.addr, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	inBubble(t, func(t *testing.T, h *octet.Host) {
		for url, want := range map[string]string{
			"udp://twin:1":      "[udp://[::1]:1 udp://127.0.0.1:1]",
			"udp4://twin:1":     "[udp4://127.0.0.1:1]",
			"udp6://twin:1":     "[udp6://[::1]:1]",
			"udp://192.0.2.1:1": "[udp://192.0.2.1:1]",
		} {
			all, err := addresses(t.Context(), h, at(t, url))
			var got []string
			for _, a := range all {
				got = append(got, a.String())
			}
			if s := "[" + strings.Join(got, " ") + "]"; err != nil || s != want {
				t.Errorf("%s: %s, %v, want %s", url, s, err, want)
			}
		}
		_, err := addresses(t.Context(), h, at(t, "udp://nobody:1"))
		wantCode(t, err, outcome.NoName)
	})
}

// Every failure says what to do about it.
func TestCallFailure(t *testing.T) {
	local, far := at(t, "tcp://localhost:6789"), at(t, "tcp://192.0.2.1:6789")
	for _, c := range []struct {
		to   quantity.Endpoint
		err  error
		code outcome.Code
		do   string
	}{
		{local, syscall.ECONNREFUSED, outcome.Refused, "start a server with octet serve tcp://localhost:6789"},
		{far, syscall.ECONNREFUSED, outcome.Refused, "check the port"},
		{far, syscall.ECONNRESET, outcome.Refused, "broke the connection off"},
		{far, syscall.EHOSTUNREACH, outcome.Unreachable, "octet if -a"},
		{far, syscall.ETIMEDOUT, outcome.Timeout, "--wait 30s"},
		{far, syscall.EACCES, outcome.NotPermitted, "firewall"},
		{far, &net.DNSError{Err: "no such host", IsNotFound: true}, outcome.NoName, "check the name"},
	} {
		err := callFailure(c.to, c.err)
		wantCode(t, err, c.code)
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.do) {
			t.Errorf("%v is told as %q, want %q in it", c.err, err, c.do)
		}
	}
	if err := callFailure(far, context.Canceled); err != context.Canceled {
		t.Errorf("an interrupt is told as %v", err)
	}
}

func TestListenFailure(t *testing.T) {
	e := at(t, "tcp://127.0.0.1:80")
	for _, c := range []struct {
		err  error
		code outcome.Code
		do   string
	}{
		{syscall.EADDRINUSE, outcome.Usage, "choose another port"},
		{syscall.EACCES, outcome.NotPermitted, "CAP_NET_BIND_SERVICE"},
		{syscall.EADDRNOTAVAIL, outcome.Usage, "octet if -a lists them"},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, outcome.NoName, "localhost"},
	} {
		err := listenFailure(e, c.err)
		wantCode(t, err, c.code)
		if !strings.Contains(err.Error(), c.do) {
			t.Errorf("%v is told as %q, want %q in it", c.err, err, c.do)
		}
	}
}

// elapsed checks how much virtual time has passed.
func elapsed(t *testing.T, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since).Round(10 * time.Millisecond); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}
