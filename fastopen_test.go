package octet

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// far returns two hosts that are 10 ms from each other.
func far(t *testing.T, change ...func(*Profile)) (alice, bob *Host) {
	t.Helper()
	line := timeline.New()
	path := link.Path{Delay: 10 * time.Millisecond}
	w, err := link.NewWire(line, link.WireOptions{Paths: [2]link.Path{path, path}})
	if err != nil {
		t.Fatal(err)
	}
	p := Linux()
	for _, f := range change {
		f(&p)
	}
	alice = newHost(t, WithName("alice"), WithTimeline(line), WithProfile(p), WithHosts("bob", addr("192.0.2.2")))
	bob = newHost(t, WithName("bob"), WithTimeline(line), WithProfile(p))
	attach(t, alice, w.End(0), "192.0.2.1/24", "2001:db8::1/64")
	attach(t, bob, w.End(1), "192.0.2.2/24", "2001:db8::2/64")
	return alice, bob
}

// roundTrips returns how many round trips of 20 ms, to a tenth, something takes.
func roundTrips(f func()) float64 {
	start := time.Now()
	f()
	return float64(time.Since(start)/(2*time.Millisecond)) / 10
}

// answering accepts, and answers what it is told first, until the listener is closed.
func answering(t *testing.T, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 100)
		n, err := c.Read(b)
		if err != nil {
			t.Error(err)
		}
		mustWrite(t, c, "you said "+string(b[:n]))
		c.Close()
	}
}

// RFC 7413 §3: the first connection asks for a cookie; the next ones send their
// question with the SYN, and are answered after one round trip instead of two.
func TestRFC7413_3_SavesARoundTrip(t *testing.T) {
	for _, address := range []string{"192.0.2.2:80", "[2001:db8::2]:80"} {
		synctest.Test(t, func(t *testing.T) {
			alice, bob := far(t)
			listener := ListenConfig{Host: bob, FastOpen: true}
			l, err := listener.Listen(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go answering(t, l)
			d := Dialer{Host: alice, FastOpen: true}
			ask := func() *TCPConn {
				c, err := d.DialContext(t.Context(), "tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, c, "hello")
				mustRead(t, c, "you said hello")
				if _, err := c.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("%v, want the end", err)
				}
				c.Close()
				return c.(*TCPConn)
			}
			if n := roundTrips(func() { ask() }); n != 2 {
				t.Errorf("the first connection took %.1f round trips", n)
			}
			for range 3 {
				if n := roundTrips(func() {
					if i := ask().Info(); i.FastOpen.Outcome != tcp.FastOpenTaken || i.FastOpen.Taken != 5 {
						t.Errorf("Fast Open: %+v", i.FastOpen)
					}
				}); n != 1 {
					t.Errorf("a later connection took %.1f round trips", n)
				}
			}
			a, b := alice.Stats().FastOpen, bob.Stats().FastOpen
			if a != (FastOpenStats{Asked: 1, Got: 1, Sent: 3, Taken: 3}) || b != (FastOpenStats{Given: 1, Accepted: 3}) {
				t.Errorf("alice counted %+v, bob %+v", a, b)
			}
		})
	}
}

// The programs of net/http, which read before they write, gain without knowing it.
func TestFastOpenHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob := far(t, func(p *Profile) { p.FastOpen = true })
		l := listen(t, bob, "192.0.2.2:80")
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })}
		go srv.Serve(l)
		defer srv.Close()
		c := http.Client{Transport: &http.Transport{DialContext: alice.DialContext, DisableKeepAlives: true}}
		for i, want := range []float64{2, 1, 1} {
			if n := roundTrips(func() {
				r, err := c.Get("http://bob/")
				if err != nil {
					t.Fatal(err)
				}
				mustRead(t, r.Body, "hello")
				r.Body.Close()
			}); n != want {
				t.Errorf("request %d took %.1f round trips, want %v", i+1, n, want)
			}
		}
	})
}

// A server that speaks first costs Profile.FastOpenWait and no more.
func TestFastOpenToAServerThatSpeaksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob := far(t, func(p *Profile) { p.FastOpen, p.FastOpenWait = true, 5*time.Millisecond })
		l := listen(t, bob, "192.0.2.2:22")
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				mustWrite(t, c, "SSH")
				c.Close()
			}
		}()
		for i, want := range []float64{1.5, 1.2} { // with a cookie the server need not wait for the handshake
			if n := roundTrips(func() {
				c, err := alice.Dial("tcp", "192.0.2.2:22")
				if err != nil {
					t.Fatal(err)
				}
				mustRead(t, c, "SSH")
				c.Close()
			}); n != want && (i > 0 || n != 2) {
				t.Errorf("connection %d took %.1f round trips, want %v", i+1, n, want)
			}
		}
	})
}

// What goes wrong with a connection that Dial has returned already is told by the
// next Read or Write, as net programs know it.
func TestFastOpenErrorsComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob := far(t, func(p *Profile) { p.FastOpen = true; p.TCP.SynRetries = 1 })
		l := listen(t, bob, "192.0.2.2:80")
		dial := func() net.Conn {
			t.Helper()
			c, err := alice.Dial("tcp", "192.0.2.2:80")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		dial().Close()
		l.Close()
		time.Sleep(time.Second)

		c := dial() // nobody listens any more
		mustWrite(t, c, "hello")
		_, err := c.Read(make([]byte, 1))
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "read" || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Read: %v, want a refusal", err)
		}
		c.Close()
		c = dial()
		time.Sleep(time.Second)
		if _, err := c.Write([]byte("hello")); !errors.As(err, &op) || op.Op != "write" || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Write: %v, want a refusal", err)
		}
		c.Close()

		c = dial() // nobody answers
		bob.Close()
		c.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: %v, want that the deadline is over", err)
		}
		c.SetReadDeadline(time.Time{})
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("Read: %v, want a timeout", err)
		}
		c.Close()
		if n := alice.Stats().FastOpen.Lost; n != 1 {
			t.Errorf("%d were lost, want 1", n)
		}
	})
}

// What was written is delivered although Close follows at once.
func TestFastOpenWriteAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, bob := far(t, func(p *Profile) { p.FastOpen = true })
		l := listen(t, bob, "192.0.2.2:80")
		for range 3 {
			c, err := alice.Dial("tcp", "192.0.2.2:80")
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Repeat("hello ", 1000)
			mustWrite(t, c, said)
			c.Close()
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(s); string(b) != said || err != nil {
				t.Errorf("%d octets, %v", len(b), err)
			}
			s.Close()
		}
	})
}

// A connection that is closed before its SYN has left leaves nothing behind.
func TestFastOpenClosedBeforeItsSYN(t *testing.T) {
	line, h, f := client(t)
	f.cookie(t, line, h, 80)
	for _, end := range []func(*Socket) error{(*Socket).Close, (*Socket).Abort} {
		s := fastSocket(t, h)
		if err := s.Connect(server80); err != nil {
			t.Fatalf("connect: %v", err)
		}
		if err := s.Connect(server80); err != syscall.EISCONN {
			t.Errorf("connect again: %v", err)
		}
		if r := s.Ready(); r != CanWrite {
			t.Errorf("ready %b", r)
		}
		end(s)
		if n, k := len(f.answers(t)), h.Stats().Connections; n != 0 || k != 0 {
			t.Errorf("%d segments, %d connections", n, k)
		}
	}
}

var server80 = netip.AddrPortFrom(peer, 80)

// client returns a host with a forge beside it that plays the server.
func client(t testing.TB, o ...Option) (*timeline.Timeline, *Host, *forge) {
	line, h := manual(t, o...)
	f := &forge{keep: true}
	attach(t, h, f, "192.0.2.1/24", "192.0.2.10/24")
	return line, h, f
}

func fastSocket(t testing.TB, h *Host) *Socket {
	t.Helper()
	s := newSocket(t, h, "tcp4")
	if err := s.SetFastOpen(true); err != nil {
		t.Fatal(err)
	}
	return s
}

// opens has the host open a connection to a port of the peer, with octets if it
// can, and returns its SYN.
func (f *forge) opens(t testing.TB, h *Host, port uint16) (*Socket, wire.Segment) {
	t.Helper()
	s := fastSocket(t, h)
	if err := s.Connect(netip.AddrPortFrom(peer, port)); err == nil {
		if n, err := s.Send(make([]byte, 2000)); n != 2000 || err != nil {
			t.Fatalf("sent %d octets: %v", n, err)
		}
	} else if err != syscall.EINPROGRESS {
		t.Fatal(err)
	}
	list := f.answers(t)
	if len(list) != 1 || list[0].Flags&^wire.PSH != wire.SYN {
		t.Fatalf("connect sent %+v, want a SYN", list)
	}
	return s, list[0]
}

// synAck has the peer answer a SYN, taking so many of its octets.
func (f *forge) synAck(line *timeline.Timeline, syn wire.Segment, taken int, o wire.Options) {
	f.say(line.Now(), peer, victim, wire.Segment{
		SrcPort: syn.DstPort, DstPort: syn.SrcPort, Seq: 5000, Ack: syn.Seq.Add(1 + taken),
		Flags: wire.SYN | wire.ACK, Window: 65535, Options: o,
	})
}

func cookieOption(b byte) wire.Options {
	return wire.Options{
		Has: wire.HasFastOpen | wire.HasMSS, MSS: 1200,
		Cookie: wire.Cookie{Len: 8, B: [16]byte{b, b, b, b, b, b, b, b}},
	}
}

// cookie has the host get a cookie of ones from a port of the peer.
func (f *forge) cookie(t testing.TB, line *timeline.Timeline, h *Host, port uint16) {
	t.Helper()
	s, syn := f.opens(t, h, port)
	if syn.Options.Has&wire.HasFastOpen == 0 || syn.Options.Cookie.Len != 0 || syn.Payload.Len() != 0 {
		t.Fatalf("%+v, want a question for a cookie", syn)
	}
	f.synAck(line, syn, 0, cookieOption(1))
	s.Abort()
	f.answers(t)
}

// RFC 7413 §4.1.3: "the client should cache at most one (most recently received)
// cookie per client and server IP address pair", and the MSS that came with it.
func TestRFC7413_4_1_3_CookieCache(t *testing.T) {
	line, h, f := client(t)
	f.cookie(t, line, h, 80)
	shows := func(port uint16, b byte, octets int) wire.Segment {
		t.Helper()
		_, syn := f.opens(t, h, port)
		if syn.Options.Cookie != cookieOption(b).Cookie || syn.Payload.Len() != octets {
			t.Fatalf("%+v, want the cookie of %d and %d octets", syn, b, octets)
		}
		return syn
	}
	const options = 32
	shows(80, 1, 1200-options)
	syn := shows(443, 1, 1200-options) // a cookie serves all ports
	o := cookieOption(2)
	o.MSS = 9000
	f.synAck(line, syn, 0, o) // another takes its place
	f.answers(t)
	shows(80, 2, 1460-options) // not larger than SYNs usually are

	// Another address of ours has none.
	s := fastSocket(t, h)
	if err := s.Bind(netip.MustParseAddrPort("192.0.2.10:0")); err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(server80); err != syscall.EINPROGRESS {
		t.Errorf("connect from another address: %v", err)
	}
	if list := f.answers(t); len(list) != 1 || list[0].Options.Cookie.Len != 0 {
		t.Errorf("connect from another address: %+v", list)
	}
	// Nor has who does not ask for Fast Open.
	connecting(t, h, server80.String())
	if list := f.answers(t); len(list) != 1 || list[0].Options.Has&wire.HasFastOpen != 0 {
		t.Errorf("without Fast Open: %+v", list)
	}
	// It is not kept for ever.
	line.Advance(line.Now().Add(25 * time.Hour))
	f.answers(t)
	if _, syn := f.opens(t, h, 80); syn.Options.Cookie.Len != 0 || syn.Options.Has&wire.HasFastOpen == 0 {
		t.Errorf("after a day: %+v, want a question", syn)
	}
}

// RFC 7413 §4.1.3.1: "The client MUST cache negative responses from the server in
// order to avoid potential connection failures": no cookie and no octets taken, no
// answer but to a plain SYN, none at all.
func TestRFC7413_4_1_3_1_NegativeCache(t *testing.T) {
	plain := wire.Options{Has: wire.HasMSS, MSS: 1200}
	for _, c := range []struct {
		name    string
		bad     func(t *testing.T, line *timeline.Timeline, f *forge, s *Socket, syn wire.Segment)
		forgets bool // the cookie too
	}{
		{"octets not taken", func(t *testing.T, line *timeline.Timeline, f *forge, s *Socket, syn wire.Segment) {
			f.synAck(line, syn, 0, plain)
		}, true},
		{"only a plain SYN passes", func(t *testing.T, line *timeline.Timeline, f *forge, s *Socket, syn wire.Segment) {
			line.Advance(line.Now().Add(time.Second))
			if list := f.answers(t); len(list) != 1 || list[0].Payload.Len() != 0 || list[0].Options.Has&wire.HasFastOpen != 0 {
				t.Fatalf("%+v, want a plain SYN", list)
			}
			f.synAck(line, syn, 0, plain)
		}, false},
		{"no answer", func(t *testing.T, line *timeline.Timeline, f *forge, s *Socket, syn wire.Segment) {
			err := error(nil)
			for range 300 { // it counts from the very end
				if err = s.Error(); err != nil {
					break
				}
				line.Advance(line.Now().Add(time.Second))
			}
			if err != syscall.ETIMEDOUT {
				t.Fatalf("%v, want a timeout", err)
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			line, h, f := client(t)
			f.cookie(t, line, h, 80)
			for pause := 4 * time.Minute; pause <= 16*time.Minute; pause *= 2 {
				s, syn := f.opens(t, h, 80)
				c.bad(t, line, f, s, syn)
				s.Abort()
				f.answers(t)
				f.tries(t, line, h, 80, false, false)
				f.tries(t, line, h, 443, true, !c.forgets) // another port is another service
				line.Advance(line.Now().Add(pause - time.Second))
				f.answers(t)
				f.tries(t, line, h, 80, false, false)
				line.Advance(line.Now().Add(2 * time.Second))
				f.answers(t)
				f.tries(t, line, h, 80, true, !c.forgets)
				if c.forgets { // so that the octets are tried again
					f.cookieAgain(t, line, h)
				}
			}
		})
	}
}

// tries checks how a connection to a port is opened now: with Fast Open, with a cookie.
func (f *forge) tries(t *testing.T, line *timeline.Timeline, h *Host, port uint16, fast, cookie bool) {
	t.Helper()
	s, syn := f.opens(t, h, port)
	if got := syn.Options.Has&wire.HasFastOpen != 0; got != fast || syn.Options.Cookie.Len > 0 != cookie || syn.Payload.Len() > 0 != cookie {
		t.Errorf("port %d after %v: %+v; want Fast Open %v, a cookie %v", port, line.Now(), syn, fast, cookie)
	}
	s.Abort()
	f.answers(t)
}

// cookieAgain gives the host a cookie at another port, which leaves the failures of 80 alone.
func (f *forge) cookieAgain(t *testing.T, line *timeline.Timeline, h *Host) {
	f.cookie(t, line, h, 8080)
}

// A refusal says nothing of Fast Open.
func TestFastOpenAfterARefusal(t *testing.T) {
	line, h, f := client(t)
	f.cookie(t, line, h, 80)
	s, syn := f.opens(t, h, 80)
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 80, DstPort: syn.SrcPort, Ack: syn.Seq.Add(1 + syn.Payload.Len()), Flags: wire.RST | wire.ACK})
	if err := s.Error(); err != syscall.ECONNREFUSED {
		t.Errorf("%v, want a refusal", err)
	}
	f.tries(t, line, h, 80, true, true)
}

// What a host remembers of servers is bounded: what was not used for longest goes.
func TestFastMemoryIsBounded(t *testing.T) {
	m := fastMemory{most: 10}
	path := func(i int) fastPath { return fastPath{remote: [16]byte{byte(i), byte(i >> 8)}, port: 80} }
	got := tcp.FastOpening{Cookie: cookieOption(1).Cookie, Outcome: tcp.FastOpenGiven}
	m.learn(0, path(0), &got, 1000)
	for i := range 1000 {
		if i > 0 {
			m.learn(0, path(i), &got, 1000)
		}
		m.learn(0, path(i), &tcp.FastOpening{Outcome: tcp.FastOpenLost}, 0)
		if n := m.used.Len(); n > 10 || n != len(m.byPath) {
			t.Fatalf("%d records, %d in the table", n, len(m.byPath))
		}
		if i == 0 {
			m.learn(0, path(0), &got, 1000) // which ends the failure
		}
		m.recall(0, path(0)) // is in use
	}
	for i, want := range map[int]bool{0: true, 1: false, 990: false} {
		if f := m.recall(0, path(i)); f.Cookie.Len > 0 != want {
			t.Errorf("path %d has the cookie %+v", i, f.Cookie)
		}
	}
	if f := m.recall(0, path(999)); f.On {
		t.Error("the last failure is forgotten")
	}
}
