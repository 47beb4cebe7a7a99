package demo

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/talk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// TCPOptions say what the TCP demonstration does.
type TCPOptions struct {
	Kernel  bool // over the operating system's loopback
	Size    int64
	Faults  Faults
	Seed    uint64
	Capture io.Writer // a pcapng file of what both hosts send; nil: none
}

// TCPSummary is what the end object of the TCP demonstration says.
type TCPSummary struct {
	Equal     bool   `json:"equal"`
	Octets    int64  `json:"octets"`
	ClientSum string `json:"client_sha256"`
	ServerSum string `json:"server_sha256"`
	Answer    string `json:"answer"`
	Packets   int    `json:"packets,omitempty"`
	Transfer  int64  `json:"transfer_us"`
	Speed     int64  `json:"octets_per_s"`
}

// String writes the summary for people.
func (s TCPSummary) String() string {
	return quantity.Group(s.Octets) + " octets arrived"
}

// TCP lets a client send a file of made-up data to a server, which answers, and
// compares what was sent with what arrived. The two are hosts of ours, joined by a
// wire with the given faults, unless the kernel is to carry it.
func TCP(ctx context.Context, r *report.Reporter, o TCPOptions) (TCPSummary, error) {
	if o.Kernel {
		c := &transfer{report: r, size: o.Size, seed: o.Seed, host: "localhost", client: octet.System(), server: octet.System()}
		return c.judge(c.run(ctx))
	}
	t := &trace{report: r.Labelled("wire"), all: r.Verbose > 0}
	if r.Verbose > 1 {
		t.form = wire.Long
	}
	var capture *link.Capture
	n, err := newNetwork(o.Faults, o.Seed, faultTrace{t}, func(line *timeline.Timeline) link.Observer {
		if o.Capture == nil {
			return t
		}
		capture = link.NewCapture(o.Capture, line, link.CaptureOptions{})
		return outgoing{t, capture}
	})
	if err != nil {
		return TCPSummary{}, outcome.Failf(outcome.Usage, "", "%w", err)
	}
	c := &transfer{report: r, size: o.Size, seed: o.Seed, host: serverName, client: n.client, server: n.server}
	err = c.run(ctx)
	if err == nil {
		n.settle()
	}
	t.finish()
	sum, err := c.judge(err)
	sum.Packets = t.count()
	if err == nil {
		c.tell(n)
	}
	err = cmp.Or(err, n.close())
	if capture != nil {
		err = cmp.Or(err, capture.Close())
	}
	return sum, err
}

// A transfer is a file sent from a client to a server and the answer to it.
type transfer struct {
	report         *report.Reporter
	size           int64
	seed           uint64
	host           string // that the client calls
	client, server octet.Network

	clientSum, serverSum []byte
	answer               []byte
	begun                time.Time
	took                 time.Duration
	arrived              atomic.Int64
	info                 [2]func() octet.Info // of the client and the server, if they tell
}

func (c *transfer) summary() TCPSummary {
	s := TCPSummary{
		Octets: c.arrived.Load(), ClientSum: hex.EncodeToString(c.clientSum), ServerSum: hex.EncodeToString(c.serverSum),
		Answer: string(c.answer), Transfer: c.took.Microseconds(),
	}
	s.Equal = s.ClientSum == s.ServerSum && s.ClientSum != ""
	if c.took > 0 {
		s.Speed = int64(float64(s.Octets) / c.took.Seconds())
	}
	return s
}

// run holds the conversation.
func (c *transfer) run(ctx context.Context) error { return both(ctx, c.serve, c.send) }

// judge says what came of the conversation, unless it broke off.
func (c *transfer) judge(err error) (TCPSummary, error) {
	s := c.summary()
	switch {
	case err != nil:
		return s, err
	case !s.Equal:
		return s, outcome.Failf(outcome.No, "", "what arrived differs from what was sent: SHA-256 %s and %s", s.ServerSum, s.ClientSum)
	}
	c.report.Labelled("both").Printf("have SHA-256 %s: %s octets in %s, %s/s\n",
		s.ClientSum, quantity.Group(s.Octets), c.took.Round(time.Millisecond), quantity.Bytes(s.Speed))
	return s, heard(c.answer)
}

// data returns the octets of the file: the same for the same seed.
func (c *transfer) data() io.Reader {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], c.seed)
	return io.LimitReader(rand.NewChaCha8(seed), c.size)
}

// block is how many octets the programs read and write at once.
const block = 64 << 10

// serve takes in one stream, answers and ends its own.
func (c *transfer) serve(ctx context.Context, ready func()) error {
	say := c.report.Labelled(serverName)
	l, err := c.server.Listen("tcp", c.address())
	if err != nil {
		return outcome.Failf(outcome.Of(err), "stop the program that listens there", "cannot listen at %s: %s", c.address(), outcome.Cause(err))
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	talk.Announce(say, "tcp", l.Addr())
	ready()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c.observe(1, conn)
	progress := c.report.Progress("received", c.size)
	defer progress.Done()
	sum := sha256.New()
	if _, err := io.CopyBuffer(counter{sum, &c.arrived, progress}, reader{conn}, make([]byte, block)); err != nil {
		return broken("the server's connection broke off", err)
	}
	c.serverSum = sum.Sum(nil)
	progress.Done()
	talk.AnnounceStream(say, conn.RemoteAddr(), c.arrived.Load(), c.serverSum)
	if _, err := conn.Write([]byte(reply)); err != nil {
		return err
	}
	return closeWrite(conn)
}

// send sends the file, ends its stream and reads the answer to its end.
func (c *transfer) send(ctx context.Context) error {
	say := c.report.Labelled(clientName)
	say.Printf("sends %s octets to %s\n", quantity.Group(c.size), c.address())
	c.begun = time.Now()
	conn, err := c.client.DialContext(ctx, "tcp", c.address())
	if err != nil {
		return broken("no connection to the server", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c.observe(0, conn)
	sum := sha256.New()
	if _, err := io.CopyBuffer(writer{conn}, io.TeeReader(c.data(), sum), make([]byte, block)); err != nil {
		return broken("the client's connection broke off", err)
	}
	c.clientSum = sum.Sum(nil)
	if err := closeWrite(conn); err != nil {
		return err
	}
	if c.answer, err = io.ReadAll(io.LimitReader(conn, maxSize)); err != nil {
		return broken("the answer does not arrive", err)
	}
	c.took = time.Since(c.begun)
	say.Printf("got %s\n", report.PyBytes(c.answer))
	return nil
}

func (c *transfer) address() string { return net.JoinHostPort(c.host, "6789") }

// observe keeps how to ask one side of the connection what it did.
func (c *transfer) observe(side int, conn net.Conn) {
	if own, ok := conn.(*octet.TCPConn); ok {
		c.info[side] = own.Info
	}
}

// broken says what went wrong between the two.
func broken(what string, err error) error {
	return &outcome.Error{Code: outcome.Of(err), What: what + ": " + outcome.Cause(err), Do: "try a wire that loses less", Err: err}
}

func closeWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("bug: %T cannot end its stream", conn)
	}
	return half.CloseWrite()
}

// reader and writer hide what else a connection can, so that data passes through
// Read and Write in blocks and can be summed on its way.
type (
	reader struct{ io.Reader }
	writer struct{ io.Writer }
)

// A counter sums and counts what is written to it.
type counter struct {
	hash.Hash
	n        *atomic.Int64
	progress *report.Progress
}

func (c counter) Write(p []byte) (int, error) {
	c.progress.Set(c.n.Add(int64(len(p))))
	return c.Hash.Write(p)
}
