package perf

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// serve starts a server on a host of ours and returns both and its address.
func serve(t *testing.T) (*octet.Host, *Server, string) {
	t.Helper()
	h := octet.NewHost()
	l, err := h.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Net: h}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Serve(ctx, l); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		all.Wait()
		h.Close()
	})
	return h, s, l.Addr().String()
}

// measure has a plan done and returns the figures and what was said.
func measure(t *testing.T, n octet.Network, address string, p Plan) (Summary, string) {
	t.Helper()
	var said bytes.Buffer
	if p.Time == 0 {
		p.Time = 100 * time.Millisecond
	}
	p.Streams = max(p.Streams, 1)
	if p.Length == 0 {
		p.Length = 1000
	}
	c := Client{Plan: p, Net: n, Address: address, Interval: 20 * time.Millisecond, Report: report.New(&said, &said, report.Options{})}
	if err := c.Run(context.Background()); err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return c.Summary(), said.String()
}

// Every octet that is sent arrives and is counted at both ends.
func TestStreams(t *testing.T) {
	h, s, at := serve(t)
	for _, p := range []Plan{
		{}, {Reverse: true}, {Streams: 5}, {Streams: 5, Reverse: true}, {Length: 1}, {Length: MaxLength, Reverse: true}, {Rate: 1e7},
	} {
		p.Work = Stream
		sum, said := measure(t, h, at, p)
		if sum.Sent == 0 || sum.Sent != sum.Received || sum.Retransmits == nil {
			t.Errorf("%+v: %+v", p, sum)
		}
		if !strings.Contains(said, " segments again\n") || !strings.Contains(said, "bit/s  receiver\n") {
			t.Errorf("%+v: said %q", p, said)
		}
	}
	if n := len(s.sessions); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// A stream of so many octets has as many, whatever the length of a write.
func TestSize(t *testing.T) {
	h, _, at := serve(t)
	for _, p := range []Plan{{Size: 1}, {Size: 123_457}, {Size: 1e6, Streams: 4}, {Size: 77_777, Reverse: true}} {
		p.Work, p.Time = Stream, MaxTime
		if sum, _ := measure(t, h, at, p); sum.Received != p.Size {
			t.Errorf("%+v: received %d", p, sum.Received)
		}
	}
}

// No more leaves in the time than the rate allows.
func TestRate(t *testing.T) {
	h, _, at := serve(t)
	for _, p := range []Plan{{Streams: 3}, {UDP: true}, {UDP: true, Reverse: true}} {
		p.Work, p.Rate, p.Length = Stream, 8e6, 500
		sum, _ := measure(t, h, at, p)
		// Each stream may be one write ahead.
		if most := int64(1e6*0.1) + int64(3*p.Length); sum.Sent == 0 || sum.Sent > most {
			t.Errorf("%+v: sent %d octets, the most are %d", p, sum.Sent, most)
		}
	}
}

func TestRequests(t *testing.T) {
	h, _, at := serve(t)
	for _, p := range []Plan{{Length: 64}, {Streams: 3, Length: 1}, {UDP: true, Length: 64}, {UDP: true, Streams: 3, Length: 60000}} {
		p.Work = Requests
		sum, said := measure(t, h, at, p)
		x := sum.Times
		if sum.Turns == 0 || x.Min <= 0 || x.P50 < x.Min || x.P99 < x.P50 || x.P999 < x.P99 || x.Max < x.P999 || x.Mean < x.Min || x.Mean > x.Max {
			t.Errorf("%+v: %+v %+v", p, sum, x)
		}
		if !strings.Contains(said, " requests, ") || !strings.Contains(said, "latency  min ") {
			t.Errorf("%+v: said %q", p, said)
		}
	}
}

func TestConnects(t *testing.T) {
	h, _, at := serve(t)
	if sum, said := measure(t, h, at, Plan{Work: Connects, Streams: 3}); sum.Turns == 0 || !strings.Contains(said, " connections, ") {
		t.Errorf("%+v, said %q", sum, said)
	}
}

// What was sent and did not come is lost, what came before an earlier one is not.
func TestDatagramsAreCounted(t *testing.T) {
	var d datagrams
	for _, number := range []uint64{1, 2, 5, 4, 6, 6, 9} {
		b := make([]byte, MinDatagram)
		putDatagram(b, number, time.Duration(number)*time.Millisecond)
		if !d.receive(b, time.Hour+time.Duration(number)*time.Millisecond) {
			t.Errorf("number %d is refused", number)
		}
	}
	if d.receive(make([]byte, MinDatagram), 0) || d.receive(make([]byte, MinDatagram-1), 0) {
		t.Error("what has no number is taken")
	}
	d.end(10)
	if d.Received != 7 || d.Late != 1 || d.Lost != 3 || d.Twice != 0 || d.Jitter != 0 {
		t.Errorf("%+v", d)
	}
	b := make([]byte, MinDatagram)
	putDatagram(b, 10, 10*time.Millisecond)
	d.receive(b, time.Hour+26*time.Millisecond)
	if d.Jitter != time.Millisecond { // RFC 3550 §6.4.1: a sixteenth of the sixteen that it is late
		t.Errorf("jitter %v", d.Jitter)
	}
}

func TestDatagrams(t *testing.T) {
	h, _, at := serve(t)
	for _, reverse := range []bool{false, true} {
		sum, said := measure(t, h, at, Plan{Work: Stream, UDP: true, Rate: 1e7, Reverse: reverse})
		got := sum.Received / 1000
		if sum.Packets == 0 || got+sum.Lost != sum.Packets || !strings.Contains(said, "late, jitter") {
			t.Errorf("%+v, said %q", sum, said)
		}
	}
}

// What goes wrong is said with what to do.
func TestFailures(t *testing.T) {
	h, _, at := serve(t)
	plain, err := h.Listen("tcp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := plain.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 welcome\r\n"))
			c.Close()
		}
	}()
	for _, c := range []struct {
		address string
		plan    Plan
		code    outcome.Code
		says    string
	}{
		{"127.0.0.1:1", Plan{Work: Stream, Streams: 1, Length: 1, Time: 1}, outcome.Refused, "connection refused; start a server there: octet perf --server"},
		{"nobody:1", Plan{Work: Stream, Streams: 1, Length: 1, Time: 1}, outcome.NoName, "no such host; check the name"},
		{"127.0.0.1:9", Plan{Work: Stream, Streams: 1, Length: 1, Time: 1}, outcome.Usage, "no octet perf server of this version"},
		{at, Plan{Work: Stream, Streams: MaxStreams + 1, Length: 1, Time: 1}, outcome.No, "the server refuses: numbers out of range"},
		{at, Plan{Work: "coffee", Streams: 1, Length: 1, Time: 1}, outcome.No, `the server refuses: work "coffee" is not known here`},
	} {
		client := Client{Plan: c.plan, Net: h, Address: c.address, Interval: time.Second, Report: report.New(io.Discard, io.Discard, report.Options{})}
		if err := client.Run(context.Background()); outcome.Of(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %+v: %v, want %q", c.address, c.plan, err, c.says)
		}
	}
}

// An interrupt ends the measurement, with the figures so far.
func TestInterrupt(t *testing.T) {
	h, s, at := serve(t)
	for _, p := range []Plan{
		{Work: Stream}, {Work: Stream, Reverse: true}, {Work: Requests}, {Work: Connects}, {Work: Stream, UDP: true, Rate: 1e6}, {Work: Stream, UDP: true, Reverse: true, Rate: 1e6},
	} {
		p.Streams, p.Length, p.Time = 2, 1000, MaxTime
		ctx, cancel := context.WithCancel(context.Background())
		c := Client{Plan: p, Net: h, Address: at, Interval: 10 * time.Millisecond, Report: report.New(writerFunc(func(b []byte) (int, error) {
			if bytes.Contains(b, []byte(" sec ")) { // it has begun
				cancel()
			}
			return len(b), nil
		}), io.Discard, report.Options{})}
		if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%+v: %v", p, err)
		}
		cancel()
	}
	if n := len(s.sessions); n > 1 { // the server may not have noticed the end of the last one
		t.Errorf("%d sessions are left", n)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A server bears with whatever strangers send.
func FuzzServer(f *testing.F) {
	f.Add([]byte("c{\"v\":1,\"work\":\"stream\",\"streams\":1,\"length\":1,\"time_ns\":1}\n{}\n"))
	f.Add([]byte("c{\"v\":1,\"work\":\"requests\",\"udp\":true,\"streams\":1,\"length\":16,\"time_ns\":1}\n{\"packets\":-1}\n"))
	f.Add(append([]byte("d"), make([]byte, idSize)...))
	f.Add(binary.BigEndian.AppendUint64([]byte("c"), 1<<63))
	h := octet.NewHost()
	f.Cleanup(func() { h.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Server{Net: h, sessions: map[[idSize]byte]*session{}}
		near, far := net.Pipe()
		go func() {
			far.Write(b)
			far.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			io.Copy(io.Discard, far)
			far.Close()
		}()
		s.serve(context.Background(), tcpLike{near})
		near.Close()
		if len(s.sessions) != 0 {
			t.Error("a session is left")
		}
	})
}

// tcpLike gives a pipe the addresses of a connection.
type tcpLike struct{ net.Conn }

func (tcpLike) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: Port} }
func (tcpLike) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
