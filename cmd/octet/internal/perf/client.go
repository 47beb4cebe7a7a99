package perf

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// A Client has something measured with a server.
type Client struct {
	Plan
	Net      octet.Network
	Address  string        // host:port of the server
	Interval time.Duration // between two lines
	Report   *report.Reporter

	control control
	welcome welcome
	meter   meter
	turns   atomic.Int64 // requests answered, or connections made
	failed  atomic.Int64 // that were not
	mu      sync.Mutex
	times   latencies
	begun   time.Time
	sum     Summary
}

// dialTime is how long a connection to the server may take.
const dialTime = 10 * time.Second

// resultTime is how long the server may take to say what it has counted, after all
// that was sent has reached it.
const resultTime = 30 * time.Second

// Run measures, tells how it goes, and returns with what went wrong. Summary has the
// figures, also after an interrupt.
func (c *Client) Run(ctx context.Context) error {
	c.Version = version
	c.sum = Summary{Work: string(c.Work), Streams: c.Streams, UDP: c.UDP, Reverse: c.Reverse}
	if err := c.meet(ctx); err != nil {
		return c.failure(err)
	}
	defer c.control.Close()
	conns, err := c.connect(ctx)
	defer closeAll(conns)
	if err != nil {
		return c.failure(err)
	}
	c.announce()
	c.begun = time.Now()
	stop := c.follow()
	err = c.work(ctx, conns)
	c.sum.elapsed = time.Since(c.begun)
	stop()
	if err == nil {
		err = c.conclude(conns)
	}
	c.sum.fill(c)
	c.Report.Printf("%s", c.sum.text())
	return cmp.Or(ctx.Err(), c.failure(err))
}

func closeAll(conns []net.Conn) {
	for _, x := range conns {
		x.Close()
	}
}

// failure says what to do about a measurement that failed.
func (c *Client) failure(err error) error {
	var own *outcome.Error
	if err == nil || errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	do := ""
	switch outcome.Of(err) {
	case outcome.Refused:
		do = "start a server there: octet perf --server"
	case outcome.Timeout, outcome.Unreachable:
		do = "check the address"
	case outcome.NoName:
		do = "check the name, or write an address"
	}
	return outcome.Failf(outcome.Of(err), do, "no measurement with %s: %s", c.Address, outcome.Cause(err))
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return c.Net.DialContext(ctx, network, address)
}

// meet tells the server the plan.
func (c *Client) meet(ctx context.Context) error {
	conn, err := c.dial(ctx, "tcp", c.Address)
	if err != nil {
		return err
	}
	c.control = newControl(conn)
	conn.SetDeadline(time.Now().Add(dialTime))
	if _, err = conn.Write([]byte{forControl}); err == nil {
		err = c.control.say(c.Plan)
	}
	if err == nil {
		err = c.control.hear(&c.welcome)
	}
	if errors.Is(err, io.EOF) {
		err = errLanguage
	}
	if err == nil && c.welcome.Error != "" {
		err = outcome.Failf(outcome.No, "", "the server refuses: %s", c.welcome.Error)
	}
	if err != nil {
		conn.Close()
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// connect opens the streams.
func (c *Client) connect(ctx context.Context) (conns []net.Conn, err error) {
	n := c.Streams
	if c.UDP && c.Work == Stream {
		n = 1
	}
	if c.Work == Connects {
		return nil, nil
	}
	for range n {
		x, err := c.join(ctx)
		if err != nil {
			return conns, err
		}
		conns = append(conns, x)
	}
	return conns, nil
}

// join opens one stream.
func (c *Client) join(ctx context.Context) (net.Conn, error) {
	if c.UDP {
		host, _, err := net.SplitHostPort(c.control.RemoteAddr().String())
		if err != nil {
			return nil, err
		}
		return c.dial(ctx, "udp", net.JoinHostPort(host, strconv.Itoa(c.welcome.Port)))
	}
	id, err := c.welcome.id()
	if err != nil {
		return nil, err
	}
	x, err := c.dial(ctx, "tcp", c.control.RemoteAddr().String())
	if err != nil {
		return nil, err
	}
	if _, err := x.Write(append([]byte{forData}, id[:]...)); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// work does what is planned, on all streams at once.
func (c *Client) work(ctx context.Context, conns []net.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, c.Time)
	defer cancel()
	errs := make(chan error, c.Streams)
	one := c.stream
	switch {
	case c.Work == Connects:
		conns = make([]net.Conn, c.Streams)
		one = func(ctx context.Context, _ net.Conn) error { return c.connects(ctx) }
	case c.Work == Requests:
		one = c.requests
	case c.UDP:
		one = c.datagrams
	}
	for _, x := range conns {
		go func() { errs <- one(ctx, x) }()
	}
	var first error
	for range conns {
		if err := <-errs; err != nil && first == nil {
			first = err
			cancel()
		}
	}
	return first
}

// stream sends or receives one stream.
func (c *Client) stream(ctx context.Context, x net.Conn) error {
	if !c.Reverse {
		return c.meter.send(ctx, x, &c.Plan)
	}
	// The server ends it in time. If it does not, or the user wants no more, we do.
	late := time.AfterFunc(c.Time+resultTime, func() { x.Close() })
	defer late.Stop()
	defer context.AfterFunc(ctx, func() {
		if ctx.Err() == context.Canceled {
			x.Close()
		}
	})()
	err := c.meter.receive(x, c.Length)
	if ctx.Err() == context.Canceled {
		return nil
	}
	return err
}

// datagrams sends or receives datagrams.
func (c *Client) datagrams(ctx context.Context, x net.Conn) error {
	if !c.Reverse {
		return c.meter.sendDatagrams(ctx, func(b []byte) error { _, err := x.Write(b); return err }, &c.Plan)
	}
	defer context.AfterFunc(ctx, func() { x.SetReadDeadline(time.Now().Add(quiet)) })()
	opened := make([]byte, MinDatagram)
	b := make([]byte, MaxDatagram+1)
	for {
		if c.meter.octets.Load() == 0 { // opens the way, until something comes
			if _, err := x.Write(opened); err != nil && outcome.Of(err) != outcome.Refused {
				return err
			}
			if ctx.Err() == nil {
				x.SetReadDeadline(time.Now().Add(quiet))
			}
		}
		n, err := x.Read(b)
		switch {
		case err == nil:
			if c.meter.octets.Load() == 0 && ctx.Err() == nil {
				x.SetReadDeadline(time.Time{})
			}
			c.meter.receiveDatagram(b[:n])
		case ctx.Err() != nil:
			return nil
		case outcome.Of(err) != outcome.Timeout:
			return err
		}
	}
}

// replyTime is how long a request over UDP waits for its answer.
const replyTime = 200 * time.Millisecond

// requests sends messages and waits for each to come back.
func (c *Client) requests(ctx context.Context, x net.Conn) error {
	defer context.AfterFunc(ctx, func() { x.SetDeadline(time.Unix(1, 0)) })()
	b, back := make([]byte, c.Length), make([]byte, max(c.Length, MinDatagram))
	var times latencies
	defer c.keep(&times)
	pace := newPace(&c.Plan)
	for number := uint64(1); pace.wait(ctx); number++ {
		at := now()
		err := c.exchange(x, b, back, number)
		switch {
		case over(ctx):
			return nil
		case err == errUnanswered:
			c.failed.Add(1)
		case err != nil:
			return err
		default:
			times.add(now() - at)
			c.turns.Add(1)
			c.meter.pass(len(b))
		}
		pace.passed(len(b))
	}
	return nil
}

// over reports whether the time is over: sockets may know it before their context does.
func over(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(end)
}

var errUnanswered = errors.New("no answer came in time")

// exchange sends one message and waits for its answer.
func (c *Client) exchange(x net.Conn, b, back []byte, number uint64) error {
	if !c.UDP {
		if _, err := x.Write(b); err != nil {
			return err
		}
		_, err := io.ReadFull(x, back[:len(b)])
		return err
	}
	putDatagram(b, number, 0)
	if _, err := x.Write(b); err != nil {
		return err
	}
	late := time.Now().Add(replyTime)
	for {
		x.SetReadDeadline(late)
		n, err := x.Read(back)
		if outcome.Of(err) == outcome.Timeout {
			return errUnanswered
		}
		if err != nil {
			return err
		}
		if n == len(b) && string(back[:8]) == string(b[:8]) { // not the late answer to another
			return nil
		}
	}
}

// connects makes connections, one after another, with an octet each way.
func (c *Client) connects(ctx context.Context) error {
	var times latencies
	defer c.keep(&times)
	pace := newPace(&c.Plan)
	for pace.wait(ctx) {
		at := now()
		if err := c.once(ctx); over(ctx) {
			return nil
		} else if err != nil {
			return err
		}
		times.add(now() - at)
		c.turns.Add(1)
		c.meter.pass(1)
		pace.passed(1)
	}
	return nil
}

// keep adds the times of one stream to those of all.
func (c *Client) keep(times *latencies) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times.merge(times)
}

// once makes one connection.
func (c *Client) once(ctx context.Context) error {
	x, err := c.join(ctx)
	if err != nil {
		return err
	}
	defer x.Close()
	defer context.AfterFunc(ctx, func() { x.SetDeadline(time.Unix(1, 0)) })()
	one := []byte{1}
	if _, err := x.Write(one); err != nil {
		return err
	}
	if _, err := io.ReadFull(x, one); err != nil {
		return err
	}
	n, err := x.Read(one) // the server closes first
	switch {
	case n > 0:
		return errLanguage
	case err == io.EOF:
		return nil
	}
	return err
}

// conclude asks the server what it has counted.
func (c *Client) conclude(conns []net.Conn) error {
	if c.Work == Requests {
		closeAll(conns) // which ends the streams
	}
	c.control.SetDeadline(time.Now().Add(resultTime))
	if err := c.control.say(done{Packets: c.meter.packets.Load(), Octets: c.meter.octets.Load()}); err != nil {
		return err
	}
	return c.control.hear(&c.sum.far)
}
