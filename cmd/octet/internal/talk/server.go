package talk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

const (
	// maxConnections is how many TCP connections a server holds at once; the
	// others wait in the listener's queue.
	maxConnections = 1000
	// lingerTime is how long a server reads on in silence after its answer,
	// so that the answer is not lost in the reset that unread octets would cause.
	lingerTime = 5 * time.Second
	// acceptTries is how often in a row accepting may fail before the server gives up.
	acceptTries = 10
)

// A Server prints what it is told and answers, as the server of the first example
// of any book on sockets does.
type Server struct {
	Net    octet.Network
	At     quantity.Endpoint
	Report *report.Reporter
	Save   io.Writer // where what arrives goes instead of the report; nil: nowhere

	Answer bool   // answer with Reply: each datagram, or the first octets of a connection
	Reply  []byte // what to answer
	Echo   bool   // answer with what came
	Max    int    // most octets that one read takes
	Count  int    // datagrams or connections to serve; zero means without end
	Ready  func() // called once it listens; may be nil

	mu  sync.Mutex
	sum ServerSummary
}

// ServerSummary is what a server's end object says.
type ServerSummary struct {
	Messages    int64 `json:"messages"`
	Connections int64 `json:"connections,omitempty"`
	Received    int64 `json:"received_octets"`
	Sent        int64 `json:"sent_octets"`
}

// String writes the summary for people.
func (s ServerSummary) String() string {
	return fmt.Sprintf("received %s messages, %s octets; sent %s octets", quantity.Group(s.Messages), quantity.Group(s.Received), quantity.Group(s.Sent))
}

// Summary returns what was received and sent so far.
func (s *Server) Summary() ServerSummary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

func (s *Server) count(change func(*ServerSummary)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.sum)
}

// clock writes a time as the server's lines do.
func clock(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

// ServerEvents are the objects that a server writes.
var ServerEvents = report.Events{
	"listening": {listeningBody{}}, "connection": {peerBody{}}, "message": {peerBody{}, report.Data{}},
	"answer": {peerBody{}, octetsBody{}}, "closed": {peerBody{}, closedBody{}},
}

type listeningBody struct {
	Network string `json:"network"`
	Local   string `json:"local"`
}

type peerBody struct {
	Peer string `json:"peer"`
}

// Run listens and serves until Count is reached or the context ends.
func (s *Server) Run(ctx context.Context) error {
	if s.At.Datagrams() {
		return s.runDatagrams(ctx)
	}
	return s.runStreams(ctx)
}

// Announce says that a server listens.
func Announce(r *report.Reporter, network string, at net.Addr) {
	local := addrPort(at).String()
	if !r.Quiet {
		r.Printf("Starting the server at %s\n", clock(time.Now()))
		r.Printf("Waiting for a client to call.\n")
	}
	r.Event("listening", listeningBody{network, local})
}

// AnnounceStream says what a client sent in one connection.
func AnnounceStream(r *report.Reporter, from net.Addr, octets int64, sum []byte) {
	r.Printf("At %s %s sent %s octets, SHA-256 %x\n", clock(time.Now()), pyAddr(from), quantity.Group(octets), sum)
	r.Event("closed", peerBody{addrPort(from).String()}, closedBody{octets, hex.EncodeToString(sum)})
}

func (s *Server) listening(at net.Addr) {
	Announce(s.Report, s.At.Network, at)
	say := s.Report.Detailf
	if s.At.Port == 0 { // nobody knows it otherwise
		say = s.Report.Tellf
	}
	say("listening at %s://%s", s.At.Network, addrPort(at))
	if s.Ready != nil {
		s.Ready()
	}
}

// said reports octets that a client sent.
func (s *Server) said(from net.Addr, p []byte) error {
	s.count(func(t *ServerSummary) { t.Messages++; t.Received += int64(len(p)) })
	peer := peerBody{addrPort(from).String()}
	if s.Save != nil {
		if _, err := s.Save.Write(p); err != nil {
			return outcome.Failf(outcome.Usage, "", "cannot save what arrives: %w", err)
		}
		s.Report.Event("message", peer, octetsBody{len(p)})
		return nil
	}
	s.Report.Printf("At %s %s said %s\n", clock(time.Now()), pyAddr(from), report.PyBytes(p))
	s.Report.Event("message", peer, report.DataOf(p))
	return s.written()
}

// written returns why results cannot be written any more.
func (s *Server) written() error {
	if err := s.Report.Err(); err != nil {
		return outcome.Failf(outcome.Usage, "", "cannot write the result: %w", err)
	}
	return nil
}

func (s *Server) answered(to net.Addr, n int) {
	s.count(func(t *ServerSummary) { t.Sent += int64(n) })
	s.Report.Event("answer", peerBody{addrPort(to).String()}, octetsBody{n})
}

func (s *Server) runDatagrams(ctx context.Context) error {
	pc, err := s.Net.ListenPacket(s.At.Network, s.At.Address())
	if err != nil {
		return listenFailure(s.At, err)
	}
	defer pc.Close()
	defer context.AfterFunc(ctx, func() { pc.Close() })()
	s.listening(pc.LocalAddr())
	p := make([]byte, s.Max)
	for served := 0; s.Count == 0 || served < s.Count; {
		n, from, err := pc.ReadFrom(p)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && outcome.Of(err) == outcome.Refused:
			continue // an earlier answer found its client gone: Windows says so here
		case err != nil:
			return outcome.Failf(outcome.Of(err), "", "cannot receive at %s: %w", s.At, err)
		}
		if err := s.said(from, p[:n]); err != nil {
			return err
		}
		s.answerDatagram(pc, from, p[:n])
		served++
	}
	return nil
}

// answerDatagram answers one client; that it cannot be reached is no reason to leave the others.
func (s *Server) answerDatagram(pc net.PacketConn, to net.Addr, said []byte) {
	reply := s.Reply
	if s.Echo {
		reply = said
	} else if !s.Answer {
		return
	}
	n, err := pc.WriteTo(reply, to)
	if err != nil {
		s.Report.Notef("cannot answer %s: %s", addrPort(to), outcome.Cause(err))
		return
	}
	s.answered(to, n)
}

func (s *Server) runStreams(ctx context.Context) error {
	l, err := s.Net.Listen(s.At.Network, s.At.Address())
	if err != nil {
		return listenFailure(s.At, err)
	}
	defer l.Close()
	run, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer context.AfterFunc(run, func() { l.Close() })()
	s.listening(l.Addr())
	s.acceptAll(run, fail, l)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(run)
}

// acceptAll serves connections until the last one has ended. A failure that
// concerns more than one of them ends run.
func (s *Server) acceptAll(run context.Context, fail context.CancelCauseFunc, l net.Listener) {
	var all sync.WaitGroup
	defer all.Wait()
	room := make(chan struct{}, maxConnections)
	for served := 0; s.Count == 0 || served < s.Count; served++ {
		room <- struct{}{}
		conn, err := accept(run, l)
		if err != nil {
			fail(err)
			return
		}
		all.Go(func() {
			defer func() { <-room }()
			if err := s.serve(run, conn); err != nil {
				fail(err)
			}
		})
	}
}

// accept waits for the next connection. Failures that pass, such as no free file
// descriptor, are waited out.
func accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	for try := 1; ; try++ {
		conn, err := l.Accept()
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, net.ErrClosed) || try == acceptTries:
			return nil, outcome.Failf(outcome.Of(err), "", "cannot accept connections: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try) * 20 * time.Millisecond):
		}
	}
}

// serve holds one connection to its end. Its failures concern no other and are
// noted, unless they are this machine's or leave what is saved incomplete.
func (s *Server) serve(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s.count(func(t *ServerSummary) { t.Connections++ })
	peer := conn.RemoteAddr()
	s.Report.Event("connection", peerBody{addrPort(peer).String()})
	octets, sum, err := s.hear(conn)
	var local *outcome.Error
	switch {
	case errors.As(err, &local):
		return err
	case err != nil && s.Save != nil:
		return outcome.Failf(outcome.Of(err), "nothing was saved", "%s broke off after %s octets: %s", addrPort(peer), quantity.Group(octets), outcome.Cause(err))
	case err != nil && ctx.Err() == nil:
		s.Report.Notef("%s: %s", addrPort(peer), outcome.Cause(err))
	}
	if s.Save != nil {
		AnnounceStream(s.Report, peer, octets, sum)
		return nil
	}
	s.Report.Detailf("%s ended after %s octets, SHA-256 %x", addrPort(peer), quantity.Group(octets), sum)
	s.Report.Event("closed", peerBody{addrPort(peer).String()}, closedBody{octets, hex.EncodeToString(sum)})
	return nil
}

type closedBody struct {
	Octets int64  `json:"octets"`
	Sum    string `json:"sha256"`
}

// hear reads a connection to its end, answers the first octets with the reply and
// the end of the stream, or everything with itself.
func (s *Server) hear(conn net.Conn) (octets int64, sum []byte, err error) {
	hash := sha256.New()
	p := make([]byte, s.Max)
	progress := s.Report.Progress("received", 0)
	defer progress.Done()
	for first := true; ; first = false {
		n, err := conn.Read(p)
		octets += int64(n)
		hash.Write(p[:n])
		if s.Save != nil {
			progress.Set(octets)
		}
		if n > 0 {
			if err := s.said(conn.RemoteAddr(), p[:n]); err != nil {
				return octets, nil, err
			}
			if err := s.answerStream(conn, p[:n], first); err != nil {
				return octets, nil, err
			}
		}
		if err != nil {
			if s.passes(err) {
				err = nil
			}
			return octets, hash.Sum(nil), err
		}
	}
}

// passes reports whether err is an expected end of reading: the client's, or the
// silence after the answer.
func (s *Server) passes(err error) bool {
	return errors.Is(err, io.EOF) || s.Answer && outcome.Of(err) == outcome.Timeout
}

func (s *Server) answerStream(conn net.Conn, said []byte, first bool) error {
	switch {
	case s.Echo:
		n, err := conn.Write(said)
		s.answered(conn.RemoteAddr(), n)
		return err
	case !s.Answer:
		return nil
	case first:
		n, err := conn.Write(s.Reply)
		s.answered(conn.RemoteAddr(), n)
		if err != nil {
			return err
		}
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			if err := half.CloseWrite(); err != nil {
				return err
			}
		}
	}
	return conn.SetReadDeadline(time.Now().Add(lingerTime))
}
