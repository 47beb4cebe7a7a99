package perf

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// A Server measures with whoever asks.
type Server struct {
	Net    octet.Network
	Report *report.Reporter // told of each measurement, as a detail; may be nil

	mu       sync.Mutex
	sessions map[[idSize]byte]*session
}

// helloTime is how long who connects may take to say what for.
const helloTime = 10 * time.Second

// Serve serves connections of the listener until the context ends, and closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.sessions = map[[idSize]byte]*session{}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(run, func() { l.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			cancel()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return err
		}
		all.Go(func() {
			defer c.Close()
			defer context.AfterFunc(run, func() { c.Close() })()
			s.serve(run, c)
		})
	}
}

// serve finds out what a connection is for, and does it. What goes wrong on one
// concerns nobody else, and its client sees it.
func (s *Server) serve(ctx context.Context, c net.Conn) {
	c.SetReadDeadline(time.Now().Add(helloTime))
	var kind [1]byte
	if _, err := io.ReadFull(c, kind[:]); err != nil {
		return
	}
	switch kind[0] {
	case forControl:
		if err := s.control(ctx, newControl(c)); err != nil && s.Report != nil {
			s.Report.Detailf("perf with %v: %v", c.RemoteAddr(), err)
		}
	case forData:
		var id [idSize]byte
		if _, err := io.ReadFull(c, id[:]); err != nil {
			return
		}
		c.SetReadDeadline(time.Time{})
		s.mu.Lock()
		x := s.sessions[id]
		s.mu.Unlock()
		if x != nil {
			x.data(c)
		}
	}
}

// A session is one measurement.
type session struct {
	plan  Plan
	ctx   context.Context
	peer  netip.Addr
	meter meter
	free  chan struct{} // a token for each stream that may still come
	ended chan struct{} // a token for each that has ended
}

// control holds one measurement from its plan to its result.
func (s *Server) control(ctx context.Context, c control) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &session{ctx: ctx, peer: addrPort(c.RemoteAddr()).Addr()}
	if err := c.hear(&x.plan); err != nil {
		return err
	}
	if err := x.plan.check(); err != nil {
		return errors.Join(err, c.say(welcome{Error: err.Error()}))
	}
	id, err := s.enter(x)
	if err != nil {
		return errors.Join(err, c.say(welcome{Error: err.Error()}))
	}
	defer s.leave(id)
	w := welcome{ID: hex.EncodeToString(id[:])}
	if x.plan.UDP {
		host, _, err := net.SplitHostPort(c.LocalAddr().String())
		if err != nil {
			return err
		}
		pc, err := s.Net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			return errors.Join(err, c.say(welcome{Error: err.Error()}))
		}
		defer pc.Close()
		defer context.AfterFunc(ctx, func() { pc.Close() })()
		w.Port = int(addrPort(pc.LocalAddr()).Port())
		go x.datagrams(pc)
	}
	if err := c.say(w); err != nil {
		return err
	}
	c.SetReadDeadline(time.Now().Add(x.plan.Time + resultTime))
	return x.conclude(c, cancel)
}

// enter gives a session its identifier.
func (s *Server) enter(x *session) (id [idSize]byte, err error) {
	rand.Read(id[:])
	x.free, x.ended = make(chan struct{}, x.plan.Streams), make(chan struct{}, x.plan.Streams)
	for range x.plan.Streams {
		x.free <- struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= maxSessions {
		return id, errors.New("the server is busy with others")
	}
	s.sessions[id] = x
	return id, nil
}

func (s *Server) leave(id [idSize]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}

// conclude waits for the client's word that it is done, and tells what was counted.
func (x *session) conclude(c control, cancel func()) error {
	var d done
	if err := c.hear(&d); err != nil {
		return err // it has gone
	}
	go func() { // it may still go
		if _, err := c.in.Peek(1); err != nil {
			cancel()
		}
	}()
	switch {
	case x.plan.UDP && !x.plan.Reverse:
		x.meter.settle(x.ctx)
	case !x.plan.UDP && x.plan.Work != Connects:
		x.await()
	}
	cancel()
	r := x.meter.result()
	r.Datagrams.end(d.Packets)
	return c.say(r)
}

// await waits for the streams, which the client has ended.
func (x *session) await() {
	late := time.NewTimer(resultTime)
	defer late.Stop()
	for range x.plan.Streams {
		select {
		case <-x.ended:
		case <-x.ctx.Done():
			return
		case <-late.C:
			return
		}
	}
}

// data serves one stream.
func (x *session) data(c net.Conn) {
	defer context.AfterFunc(x.ctx, func() { c.Close() })()
	if x.plan.Work == Connects {
		c.SetDeadline(time.Now().Add(helloTime))
		var one [1]byte
		if _, err := io.ReadFull(c, one[:]); err == nil {
			c.Write(one[:]) // the client sees whether it came
		}
		return
	}
	select {
	case <-x.free:
	default:
		return // more than were planned
	}
	defer func() { x.ended <- struct{}{} }()
	switch {
	case x.plan.Work == Requests:
		answer(c, x.plan.Length)
	case x.plan.Reverse:
		x.meter.send(x.ctx, c, &x.plan)
	default:
		x.meter.receive(c, x.plan.Length)
	}
}

// answer sends each message back.
func answer(c net.Conn, length int) {
	b := make([]byte, length)
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// datagrams receives, answers or sends datagrams until the session ends. Those of
// strangers are ignored.
func (x *session) datagrams(pc net.PacketConn) {
	b := make([]byte, MaxDatagram+1)
	sends := false
	for {
		n, from, err := pc.ReadFrom(b)
		switch {
		case errors.Is(err, net.ErrClosed) || x.ctx.Err() != nil:
			return
		case err != nil || addrPort(from).Addr() != x.peer: // an earlier answer found its client gone
		case x.plan.Work == Requests:
			pc.WriteTo(b[:n], from) // a loss is what the client counts
		case x.plan.Reverse && !sends:
			sends = true
			go x.meter.sendDatagrams(x.ctx, func(b []byte) error { _, err := pc.WriteTo(b, from); return err }, &x.plan)
		case !x.plan.Reverse:
			x.meter.receiveDatagram(b[:n])
		}
	}
}
