package perf

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A meter counts what passes one end, of all streams together.
type meter struct {
	octets  atomic.Int64
	packets atomic.Int64
	first   atomic.Int64 // when something passed first, in nanoseconds since start; 0: never
	last    atomic.Int64

	mu          sync.Mutex
	got         datagrams
	retransmits int64
	counted     bool
}

// start is where the times of this process are counted from.
var start = time.Now()

func now() time.Duration { return time.Since(start) }

// pass counts octets.
func (m *meter) pass(n int) {
	at := int64(now())
	m.first.CompareAndSwap(0, at)
	m.last.Store(at)
	m.octets.Add(int64(n))
}

func (m *meter) elapsed() time.Duration { return time.Duration(m.last.Load() - m.first.Load()) }

func (m *meter) result() result {
	m.mu.Lock()
	defer m.mu.Unlock()
	return result{
		Octets: m.octets.Load(), Packets: m.packets.Load(), Elapsed: m.elapsed(), Retransmits: m.retransmits, Counted: m.counted, Datagrams: m.got,
	}
}

// receive counts a stream to its end.
func (m *meter) receive(c net.Conn, length int) error {
	b := make([]byte, max(length, 64<<10))
	for {
		n, err := c.Read(b)
		if n > 0 {
			m.pass(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// send sends a stream as planned, then its end.
func (m *meter) send(ctx context.Context, c net.Conn, p *Plan) error {
	b := make([]byte, p.Length)
	pace := newPace(p)
	c.SetWriteDeadline(pace.end)
	defer context.AfterFunc(ctx, func() { c.SetWriteDeadline(time.Unix(1, 0)) })()
	var err error
	for err == nil && pace.wait(ctx) {
		var n int
		n, err = c.Write(b[:pace.portion(len(b))])
		pace.passed(n)
		m.pass(n)
	}
	if late, ok := err.(interface{ Timeout() bool }); ok && late.Timeout() {
		err = nil
	}
	c.SetWriteDeadline(time.Time{})
	m.count(c)
	return errors.Join(err, c.(interface{ CloseWrite() error }).CloseWrite())
}

// count adds the segments that a connection had to send again, where that is known.
func (m *meter) count(c net.Conn) {
	if n, ok := retransmits(c); ok {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.retransmits += n
		m.counted = true
	}
}

// sendDatagrams sends datagrams as planned.
func (m *meter) sendDatagrams(ctx context.Context, send func([]byte) error, p *Plan) error {
	b := make([]byte, p.Length)
	pace := newPace(p)
	for pace.wait(ctx) {
		putDatagram(b, uint64(m.packets.Add(1)), now())
		err := send(b)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		pace.passed(len(b))
		if err != nil { // no room, or the other side said something: this one is lost
			continue
		}
		m.pass(len(b))
	}
	return nil
}

// receiveDatagram counts one.
func (m *meter) receiveDatagram(b []byte) {
	m.mu.Lock()
	ours := m.got.receive(b, now())
	m.mu.Unlock()
	if ours {
		m.pass(len(b))
	}
}

// quiet is how long nothing must have come before nothing more is expected.
const quiet = 200 * time.Millisecond

// settle waits until the datagrams that are on their way have come.
func (m *meter) settle(ctx context.Context) {
	look := time.NewTicker(quiet)
	defer look.Stop()
	for before := int64(-1); m.octets.Load() != before; {
		before = m.octets.Load()
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// A pace says when the next octets of one stream may leave.
type pace struct {
	begun, end time.Time
	rate       float64 // octets a second; 0: no limit
	size, sent int64
}

func newPace(p *Plan) *pace {
	now := time.Now()
	x := &pace{begun: now, end: now.Add(p.Time), rate: float64(p.Rate) / 8 / float64(p.Streams)}
	if p.UDP {
		x.rate = float64(p.Rate) / 8
	}
	if x.size = p.Size / int64(p.Streams); p.Size > 0 {
		x.size = max(x.size, 1)
	}
	return x
}

// wait waits until something may leave. It reports false when all is over.
func (p *pace) wait(ctx context.Context) bool {
	if p.size > 0 && p.sent >= p.size {
		return false
	}
	at := time.Now()
	if p.rate > 0 {
		due := p.begun.Add(time.Duration(float64(p.sent) / p.rate * float64(time.Second)))
		if d := due.Sub(at); d > 0 {
			t := time.NewTimer(min(d, p.end.Sub(at)))
			defer t.Stop()
			select {
			case <-t.C:
			case <-ctx.Done():
			}
			at = time.Now()
		}
	}
	return ctx.Err() == nil && at.Before(p.end)
}

// portion returns how many octets may leave at once.
func (p *pace) portion(n int) int {
	if p.size > 0 {
		n = int(min(int64(n), p.size-p.sent))
	}
	return n
}

func (p *pace) passed(n int) { p.sent += int64(n) }

// addrPort returns an address of package net as a value, one of IPv4 as such.
func addrPort(a net.Addr) netip.AddrPort {
	var p netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		p = a.AddrPort()
	case *net.UDPAddr:
		p = a.AddrPort()
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
