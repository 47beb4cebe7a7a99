package talk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// The waits of a client that was not told otherwise.
const (
	connectWait = 10 * time.Second // for a TCP connection
	answerWait  = 5 * time.Second  // for the answer to a datagram
)

// A Client calls a server, sends, and prints what comes back.
type Client struct {
	Net    octet.Network
	To     quantity.Endpoint
	Report *report.Reporter
	Save   io.Writer // where the answer goes besides the report; nil: nowhere

	Wait      time.Duration // the longest silence; zero means the default
	Forever   bool          // no limit at all
	Max       int           // most octets that one read takes
	Hold      bool          // the end of the input does not end the sending half
	QuitOnEOF bool          // the end of the input ends the conversation
	Size      int64         // octets of input if known, for the progress line

	inputEnded atomic.Bool

	mu              sync.Mutex // guards what follows
	sum             ClientSummary
	sentSum, gotSum hash.Hash // nil before a connection is there
	lastOctet       byte
}

// ClientSummary is what a client's end object says.
type ClientSummary struct {
	Sent     int64  `json:"sent_octets"`
	Received int64  `json:"received_octets"`
	SentSum  string `json:"sent_sha256,omitempty"`
	GotSum   string `json:"received_sha256,omitempty"`
	RTT      int64  `json:"rtt_us,omitempty" jsonschema:"from a datagram to its answer"`
}

// Summary returns what was sent and received.
func (c *Client) Summary() ClientSummary {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sum
	if c.sentSum != nil {
		s.SentSum, s.GotSum = hex.EncodeToString(c.sentSum.Sum(nil)), hex.EncodeToString(c.gotSum.Sum(nil))
	}
	return s
}

// ClientEvents are the objects that a client writes.
var ClientEvents = report.Events{
	"connected": {connectedBody{}}, "sent": {octetsBody{}}, "received": {report.Data{}},
}

type connectedBody struct {
	Network string `json:"network"`
	Local   string `json:"local"`
	Peer    string `json:"peer"`
}

type octetsBody struct {
	Octets int `json:"octets"`
}

func (c *Client) began(conn net.Conn) {
	c.mu.Lock()
	c.sentSum, c.gotSum = sha256.New(), sha256.New()
	c.mu.Unlock()
	local, peer := addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr())
	c.Report.Detailf("%s: %s → %s", c.To.Network, local, peer)
	c.Report.Event("connected", connectedBody{c.To.Network, local.String(), peer.String()})
}

// String writes the summary for people.
func (s ClientSummary) String() string {
	return fmt.Sprintf("sent %s octets, received %s", quantity.Group(s.Sent), quantity.Group(s.Received))
}

// Ask sends one datagram and waits for the answer. A name that stands for several
// addresses is tried one address after another, as long as they refuse.
func (c *Client) Ask(ctx context.Context, payload []byte) error {
	all, err := addresses(ctx, c.Net, c.To)
	if err != nil {
		return callFailure(c.To, err)
	}
	for _, to := range all {
		err = c.askOne(ctx, to, payload)
		if outcome.Of(err) != outcome.Refused && outcome.Of(err) != outcome.Unreachable {
			break
		}
		c.Report.Detailf("%s: %s", to, outcome.Cause(err))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return callFailure(c.To, err)
	}
	return nil
}

func (c *Client) askOne(ctx context.Context, to quantity.Endpoint, payload []byte) error {
	conn, err := c.Net.DialContext(ctx, to.Network, to.Address())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c.began(conn)
	begun := time.Now()
	if err := c.send(conn, payload); err != nil || c.QuitOnEOF {
		return err
	}
	for first := true; first || c.Hold; first = false {
		if err := c.limit(conn, answerWait); err != nil {
			return err
		}
		p := make([]byte, c.Max)
		n, err := conn.Read(p)
		switch {
		case err != nil && !first && outcome.Of(err) == outcome.Timeout:
			return nil // --hold listened on until it was silent
		case err != nil:
			return err
		case first:
			c.setRTT(time.Since(begun))
		}
		if err := c.received(p[:n]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) setRTT(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.RTT = d.Microseconds()
}

// limit sets how long the next read may wait.
func (c *Client) limit(conn net.Conn, byDefault time.Duration) error {
	wait := c.Wait
	if wait == 0 {
		wait = byDefault
	}
	if c.Forever || wait == 0 {
		return nil
	}
	return conn.SetReadDeadline(time.Now().Add(wait))
}

func (c *Client) send(conn net.Conn, p []byte) error {
	n, err := conn.Write(p)
	c.mu.Lock()
	c.sum.Sent += int64(n)
	c.sentSum.Write(p[:n])
	c.mu.Unlock()
	if err == nil {
		c.Report.Event("sent", octetsBody{n})
	}
	return err
}

// received prints octets that came back.
func (c *Client) received(p []byte) error {
	c.mu.Lock()
	c.sum.Received += int64(len(p))
	c.gotSum.Write(p)
	if len(p) > 0 {
		c.lastOctet = p[len(p)-1]
	}
	c.mu.Unlock()
	if c.Save != nil {
		if _, err := c.Save.Write(p); err != nil {
			return outcome.Failf(outcome.Usage, "", "cannot save the answer: %w", err)
		}
		c.Report.Event("received", octetsBody{len(p)})
		return nil
	}
	c.Report.Raw(p)
	c.Report.Event("received", report.DataOf(p))
	return c.Report.Err()
}

// EndLine ends the last line of the answer, for a person who looks at a terminal.
func (c *Client) EndLine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sum.Received > 0 && c.lastOctet != '\n' && c.Save == nil {
		c.Report.Raw([]byte("\n"))
	}
}

// Converse sends what it reads from in and prints what comes back, both at once,
// until both sides have ended. With datagrams, each read of in is one.
//
// A read of in cannot be given up, so that one may still wait when Converse returns
// early.
func (c *Client) Converse(ctx context.Context, in io.Reader) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return callFailure(c.To, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c.began(conn)
	sent, got := make(chan error, 1), make(chan error, 1)
	go func() { sent <- c.sendAll(conn, in) }()
	go func() { got <- c.receiveAll(conn) }()
	err = c.await(ctx, sent, got)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return callFailure(c.To, err)
	}
	return nil
}

// dial connects, in a limited time. A UDP socket gets the first address of the name.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	to := c.To
	if to.Datagrams() {
		all, err := addresses(ctx, c.Net, to)
		if err != nil {
			return nil, err
		}
		to = all[0]
	}
	wait := c.Wait
	if wait == 0 {
		wait = connectWait
	}
	if !c.Forever {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	return c.Net.DialContext(ctx, to.Network, to.Address())
}

// await waits until both halves have ended, or one of them failed.
func (c *Client) await(ctx context.Context, sent, got chan error) error {
	for sent != nil || got != nil {
		select {
		case err := <-sent:
			if err != nil || c.QuitOnEOF {
				return err
			}
			sent = nil
		case err := <-got:
			if err != nil {
				return err
			}
			if sent != nil && !c.inputEnded.Load() {
				c.Report.Notef("the other side has ended its stream; the end of your input (Ctrl-D) ends yours")
			}
			got = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// sendAll sends the input and then, unless told to hold, the end of the stream.
func (c *Client) sendAll(conn net.Conn, in io.Reader) error {
	progress := c.Report.Progress("sending", c.Size)
	defer progress.Done()
	p := make([]byte, c.sendSize())
	for done := int64(0); ; {
		n, err := in.Read(p)
		if n > 0 {
			if err := c.send(conn, p[:n]); err != nil {
				return err
			}
			done += int64(n)
			progress.Set(done)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return outcome.Failf(outcome.Usage, "", "cannot read the input: %w", err)
		}
	}
	c.inputEnded.Store(true)
	if half, ok := conn.(interface{ CloseWrite() error }); ok && !c.Hold {
		if err := half.CloseWrite(); err != nil {
			return err
		}
	}
	return c.limit(conn, 0)
}

func (c *Client) sendSize() int {
	if c.To.Datagrams() {
		return min(c.Max, MaxDatagram)
	}
	return 64 << 10
}

// receiveAll prints what comes until the stream ends or, once the input has ended,
// until it was silent for as long as was asked for.
func (c *Client) receiveAll(conn net.Conn) error {
	p := make([]byte, c.Max)
	for gotAny := false; ; {
		n, err := conn.Read(p)
		if n > 0 || err == nil {
			gotAny = true
			if err := c.received(p[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded) && c.To.Datagrams() && gotAny:
			return nil // datagrams have no end: silence after an answer is one
		case err != nil:
			return err
		}
		if c.inputEnded.Load() {
			if err := c.limit(conn, 0); err != nil {
				return err
			}
		}
	}
}
