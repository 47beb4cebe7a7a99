package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/perf"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// The ports of the services (RFC 862, RFC 9110 §4.2.1).
const (
	echoPort = 7
	httpPort = 80
)

// maxConnections is how many connections one port has at a time; others wait in the
// backlog of its listener.
const maxConnections = 16384

// A service is something to visit on a stack.
type service struct {
	name, scheme string
	port         uint16
	hint         string // a command to try, of the URL and the host
	run          func(*Run, context.Context, service) (serve func(), err error)
}

var services = []service{
	{"http", "http", httpPort, "curl %[1]s", (*Run).http},
	{"echo", "tcp", echoPort, "octet send %[1]s Hello", (*Run).echo},
	{"echo", "udp", echoPort, "octet send %[1]s Hello", (*Run).echoDatagrams},
	{"perf", "tcp", perf.Port, "octet perf %[2]v", (*Run).perf},
}

func (s service) at(a netip.Addr) string { return hostPort(s.scheme, a, s.port) }
func (s service) address() string        { return ":" + strconv.Itoa(int(s.port)) }
func (s service) failed(err error) error { return listenFailure(s.scheme, s.port, err) }

// try returns a command to try.
func (s service) try(host netip.Addr) string { return fmt.Sprintf(s.hint, s.at(host), host) }

func listenFailure(scheme string, port uint16, err error) error {
	return outcome.Failf(outcome.Usage, "leave one of them out", "cannot listen at %s port %d of the stack: %s", scheme, port, outcome.Cause(err))
}

// begin starts all that was asked for. The services end with the context and the
// sockets of the stack.
func (u *Run) begin(run context.Context, end context.CancelCauseFunc) (*sync.WaitGroup, error) {
	var all sync.WaitGroup
	start := func(serve func(), err error) error {
		if err == nil {
			all.Go(serve)
		}
		return err
	}
	if u.Serve {
		for _, s := range services {
			if err := start(s.run(u, run, s)); err != nil {
				return &all, err
			}
		}
	}
	for _, f := range u.Forwards {
		if err := start(u.forward(run, f)); err != nil {
			return &all, err
		}
	}
	return &all, nil
}

// streams listens at a port and has each connection handled, until the context ends.
func (u *Run) streams(run context.Context, port uint16, handle func(net.Conn)) (func(), error) {
	l, err := u.stack.Host.Listen("tcp", ":"+strconv.Itoa(int(port)))
	if err != nil {
		return nil, listenFailure("tcp", port, err)
	}
	return func() {
		defer l.Close()
		defer context.AfterFunc(run, func() { l.Close() })()
		var all sync.WaitGroup
		defer all.Wait()
		room := make(chan struct{}, maxConnections)
		for {
			room <- struct{}{}
			c, err := l.Accept()
			if err != nil {
				return // the listener or the stack is closed: nothing else ends Accept here
			}
			all.Go(func() {
				defer func() { <-room }()
				defer c.Close()
				defer context.AfterFunc(run, func() { c.Close() })()
				handle(c)
			})
		}
	}, nil
}

// echo sends back what comes (RFC 862).
func (u *Run) echo(run context.Context, s service) (func(), error) {
	return u.streams(run, s.port, func(c net.Conn) {
		if _, err := io.Copy(c, c); err != nil {
			u.Report.Detailf("echo to %v: %s", c.RemoteAddr(), outcome.Cause(err))
		}
	})
}

func (u *Run) echoDatagrams(run context.Context, s service) (func(), error) {
	pc, err := u.stack.Host.ListenPacket("udp", s.address())
	if err != nil {
		return nil, s.failed(err)
	}
	return func() {
		defer pc.Close()
		defer context.AfterFunc(run, func() { pc.Close() })()
		p := make([]byte, 65535)
		for {
			n, from, err := pc.ReadFrom(p)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && !servicePort(from) {
				_, err = pc.WriteTo(p[:n], from)
			}
			if err != nil {
				u.Report.Detailf("echo to %v: %s", from, outcome.Cause(err))
			}
		}
	}, nil
}

// servicePort reports whether a datagram came from a port at which servers are: two
// that answer one another would never end (T-68).
func servicePort(a net.Addr) bool {
	u, ok := a.(*net.UDPAddr)
	return ok && u.Port < 1024
}

// perf measures with who asks.
func (u *Run) perf(run context.Context, s service) (func(), error) {
	l, err := u.stack.Host.Listen("tcp", s.address())
	if err != nil {
		return nil, s.failed(err)
	}
	server := perf.Server{Net: u.stack.Host, Report: u.Report}
	return func() {
		if err := server.Serve(run, l); err != nil && run.Err() == nil && !errors.Is(err, net.ErrClosed) {
			u.Report.Tellf("perf: %v", err)
		}
	}, nil
}

// http serves a page about the stack, and as many octets as somebody asks for.
func (u *Run) http(run context.Context, s service) (func(), error) {
	l, err := u.stack.Host.Listen("tcp", s.address())
	if err != nil {
		return nil, s.failed(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", u.page)
	mux.HandleFunc("GET /octets/{size}", sendOctets)
	mux.HandleFunc("POST /octets", takeOctets)
	server := http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: log.New(detail{u}, "", 0),
	}
	return func() {
		defer context.AfterFunc(run, func() { server.Close() })()
		if err := server.Serve(l); err != nil && run.Err() == nil && !errors.Is(err, net.ErrClosed) {
			u.Report.Tellf("http: %v", err)
		}
		server.Close()
	}, nil
}

// detail writes what an HTTP server has to say.
type detail struct{ u *Run }

func (d detail) Write(p []byte) (int, error) {
	d.u.Report.Detailf("%s", p[:max(len(p)-1, 0)])
	return len(p), nil
}

// page says who talks with whom, and shows the sockets of the stack.
func (u *Run) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	fmt.Fprintf(w, "This is octet, a TCP/IP stack in user space, on %s.\nYou are %s and have reached %v.\n\n", u.Device, r.RemoteAddr, local)
	fmt.Fprintf(w, "GET /octets/1MB sends so many octets; POST /octets counts those that come.\n\n")
	for _, c := range u.stack.Host.Conns() {
		fmt.Fprintf(w, "%-4s %-12s %v %v\n", c.Network, c.State, c.Local, c.Remote)
	}
}

// sendOctets sends zeros.
func sendOctets(w http.ResponseWriter, r *http.Request) {
	n, err := quantity.Size(r.PathValue("size"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	p := make([]byte, 64<<10)
	for n > 0 {
		k, err := w.Write(p[:min(int64(len(p)), n)])
		if err != nil {
			return // the visitor has gone
		}
		n -= int64(k)
	}
}

// takeOctets counts what comes.
func takeOctets(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the visitor has gone
	}
	fmt.Fprintf(w, "%d octets\n", n)
}
