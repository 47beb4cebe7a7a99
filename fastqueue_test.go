package octet

import (
	"io"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// fastServer returns a host that listens with Fast Open, and a forge that plays clients.
func fastServer(t testing.TB, pending int) (line *timeline.Timeline, h *Host, f *forge, l *Socket, check func()) {
	t.Helper()
	p := Linux()
	p.FastOpenPending = pending
	line, h, f, check = besieged(t, WithProfile(p))
	l = listening(t, h, "192.0.2.1:80", 64)
	if err := l.SetFastOpen(true); err != nil {
		t.Fatal(err)
	}
	return line, h, f, l, check
}

// syn has a client send a SYN with ten octets and returns the SYN-ACK.
func (f *forge) syn(t testing.TB, now mono.Time, from netip.Addr, port uint16, o wire.Options) wire.Segment {
	t.Helper()
	f.heard = nil
	f.say(now, from, victim, wire.Segment{SrcPort: port, DstPort: 80, Seq: 999, Flags: wire.SYN, Window: 65535, Options: o, Payload: payload(10)})
	list := f.answers(t)
	if len(list) != 1 || list[0].Flags != wire.SYN|wire.ACK {
		t.Fatalf("SYN answered by %+v", list)
	}
	return list[0]
}

// ack has a client acknowledge a SYN-ACK.
func (f *forge) ack(now mono.Time, from netip.Addr, synAck wire.Segment) {
	f.say(now, from, victim, wire.Segment{SrcPort: synAck.DstPort, DstPort: 80, Seq: synAck.Ack, Ack: synAck.Seq.Add(1), Flags: wire.ACK, Window: 65535})
}

// ticket has a client ask for a cookie.
func (f *forge) ticket(t testing.TB, now mono.Time, from netip.Addr, port uint16) wire.Options {
	t.Helper()
	a := f.syn(t, now, from, port, wire.Options{Has: wire.HasFastOpen})
	if a.Ack != 1000 || a.Options.Has&wire.HasFastOpen == 0 || a.Options.Cookie.Len == 0 {
		t.Fatalf("%+v, want a cookie and no octets taken", a)
	}
	return wire.Options{Has: wire.HasFastOpen, Cookie: a.Options.Cookie}
}

const (
	taken    wire.Seq = 1010 // acknowledges the octets of forge.syn
	notTaken wire.Seq = 1000
)

// RFC 7413 §4.2.2: the program gets a connection whose cookie is good, its octets, and
// may answer, before the handshake is done; others as ever.
func TestRFC7413_4_2_2_AcceptBeforeTheHandshake(t *testing.T) {
	line, h, f, l, check := fastServer(t, 10)
	good := f.ticket(t, line.Now(), peer, 1)
	if _, err := l.Accept(); err != syscall.EAGAIN {
		t.Fatalf("accept of one that asks for a cookie: %v", err)
	}
	a := f.syn(t, line.Now(), peer, 2, good)
	if a.Ack != taken || a.Options.Has&wire.HasFastOpen != 0 {
		t.Errorf("answered by %+v", a)
	}
	s := accepted(t, l)
	b := make([]byte, 20)
	if n, err := s.Recv(b); n != 10 || err != nil || state(s) != "SYN-RECEIVED" {
		t.Errorf("%d octets, %v, in %s", n, err, state(s))
	}
	if n, err := s.Send([]byte("answer")); n != 6 || err != nil {
		t.Errorf("sent %d octets: %v", n, err)
	}
	if list := f.answers(t); len(list) != 1 || string(list[0].Payload.B) != "answer" || list[0].Seq != a.Seq+1 {
		t.Errorf("the answer is %+v", list)
	}
	if n := h.Stats(); n.HalfOpen != 1 || n.FastOpen.Accepted != 1 { // who asked is one
		t.Errorf("%+v", n)
	}
	f.ack(line.Now(), peer, a)
	if state(s) != "ESTABLISHED" {
		t.Errorf("after the ACK: %s", state(s))
	}
	check()

	// Without the option, or with Fast Open off, the octets wait.
	if a := f.syn(t, line.Now(), peer, 3, wire.Options{}); a.Ack != notTaken || a.Options.Has&wire.HasFastOpen != 0 {
		t.Errorf("without the option: %+v", a)
	}
	l.SetFastOpen(false)
	for port, o := range map[uint16]wire.Options{4: good, 5: {Has: wire.HasFastOpen}} {
		if a := f.syn(t, line.Now(), peer, port, o); a.Ack != notTaken || a.Options.Has&wire.HasFastOpen != 0 {
			t.Errorf("turned off: %+v", a)
		}
	}
}

// RFC 7413 §4.1.2: a cookie is good for one address, for a while; where it is not,
// the client is given one that is. A forged one opens nothing early.
func TestRFC7413_4_1_2_CookiesOfOthers(t *testing.T) {
	line, h, f, _, check := fastServer(t, 10)
	good := f.ticket(t, line.Now(), peer, 1)
	other := netip.MustParseAddr("192.0.2.67")
	a := f.syn(t, line.Now(), other, 1, good)
	if a.Ack != notTaken || a.Options.Cookie == good.Cookie || a.Options.Cookie.Len == 0 {
		t.Errorf("the cookie of another: %+v", a)
	}
	theirs := wire.Options{Has: wire.HasFastOpen, Cookie: a.Options.Cookie}
	if a := f.syn(t, line.Now(), other, 2, theirs); a.Ack != taken {
		t.Errorf("their own: %+v", a)
	}
	forged := good
	forged.Cookie.B[3] ^= 1
	if a := f.syn(t, line.Now(), peer, 2, forged); a.Ack != notTaken || a.Options.Cookie != good.Cookie {
		t.Errorf("a forged one: %+v", a)
	}
	if s := h.Stats().FastOpen; s.BadCookies != 2 || s.Accepted != 1 || s.Given != 3 {
		t.Errorf("%+v", s)
	}
	line.Advance(line.Now().Add(13 * time.Hour))
	if a := f.syn(t, line.Now(), peer, 3, good); a.Ack != taken || a.Options.Cookie == good.Cookie || a.Options.Cookie.Len == 0 {
		t.Errorf("after 13 hours: %+v, want the octets taken and another cookie", a)
	}
	line.Advance(line.Now().Add(12 * time.Hour))
	if a := f.syn(t, line.Now(), peer, 4, good); a.Ack != notTaken {
		t.Errorf("after 25 hours: %+v", a)
	}
	check()
}

// RFC 7413 §5.1: who has a cookie, and forges the addresses of those behind it, cannot
// have more than so many connections opened early; beyond them handshakes are done
// as ever. The limit counts also those that were reset, for as long as they would
// have lasted: a forged reset makes no room.
func TestRFC7413_5_1_Flood(t *testing.T) {
	const limit = 20
	line, h, f, l, check := fastServer(t, limit)
	good := f.ticket(t, line.Now(), peer, 1)
	before := memory()
	early := map[uint16]wire.Segment{}
	for port := uint16(100); port < 160; port++ {
		a := f.syn(t, line.Now(), peer, port, good)
		if a.Ack == taken {
			early[port] = a
			accepted(t, l)
		} else if a.Options.Has&wire.HasFastOpen != 0 {
			t.Errorf("beyond the limit: %+v", a)
		}
	}
	if n := h.Stats().FastOpen; len(early) != limit || n.Accepted != limit || n.Overflows != 40 {
		t.Fatalf("%d were opened early: %+v", len(early), n)
	}
	if grown := memory() - before; grown > 60*16<<10 {
		t.Errorf("memory grew by %d octets", grown)
	}
	fast := func(port uint16) bool {
		a := f.syn(t, line.Now(), peer, port, good)
		if a.Ack == taken {
			f.ack(line.Now(), peer, a)
			accepted(t, l)
		}
		f.say(line.Now(), peer, victim, wire.Segment{SrcPort: port, DstPort: 80, Seq: a.Ack, Flags: wire.RST})
		return a.Ack == taken
	}
	for port := range early {
		f.say(line.Now(), peer, victim, wire.Segment{SrcPort: port, DstPort: 80, Seq: taken, Flags: wire.RST})
	}
	if fast(200) {
		t.Error("resets have made room")
	}
	line.Advance(line.Now().Add(59 * time.Second))
	if fast(201) {
		t.Error("resets have made room after 59 s")
	}
	line.Advance(line.Now().Add(2 * time.Second))
	if !fast(202) {
		t.Error("resets still count after a minute")
	}
	for port := uint16(300); port < 300+3*limit; port++ { // a handshake that is done makes room at once
		if !fast(port) {
			t.Fatal("no room although every handshake was done")
		}
	}
	check()
}

// A listener that is flooded by SYNs answers all of them by SYN cookies, which have
// no place for a Fast Open.
func TestThreat_T39_NoFastOpenInAFlood(t *testing.T) {
	line, h, f, _, check := fastServer(t, 10)
	good := f.ticket(t, line.Now(), peer, 1)
	if err := h.AddRouteThrough(netip.MustParsePrefix("0.0.0.0/0"), 2); err != nil {
		t.Fatal(err)
	}
	flooded(t, h, f, line.Now(), 0, 64)
	a := f.syn(t, line.Now(), peer, 2, good)
	if a.Ack != notTaken || a.Options.Has&wire.HasFastOpen != 0 || h.Stats().CookiesSent == 0 {
		t.Errorf("%+v", a)
	}
	check()
}

// T-48: a SYN with a good cookie from an address that has moved on: what is sent to
// it is bounded, and ends with its reset.
func TestThreat_T48_FastOpenReflection(t *testing.T) {
	line, h, f, l, check := fastServer(t, 10)
	good := f.ticket(t, line.Now(), peer, 1)
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 1, DstPort: 80, Seq: 1000, Flags: wire.RST})
	f.syn(t, line.Now(), peer, 2, good)
	s := accepted(t, l)
	if n, err := s.Send(make([]byte, 100_000)); n != 100_000 || err != nil {
		t.Fatal(n, err)
	}
	segments, octets := 0, 0
	for range 5 {
		line.Advance(line.Now().Add(time.Minute))
		for _, a := range f.answers(t) {
			segments++
			octets += a.Payload.Len()
		}
	}
	if octets > 10*536 || segments > 10+5 { // a peer that names no MSS is sent 536 octets
		t.Errorf("%d segments with %d octets were sent to somebody who never answered", segments, octets)
	}
	b := make([]byte, 20)
	s.Recv(b)
	if _, err := s.Recv(b); err != syscall.ETIMEDOUT {
		t.Errorf("the program hears %v", err)
	}
	if n := h.Stats(); n.HalfOpen != 0 || n.Connections != 2 { // those of the bystander
		t.Errorf("%+v remain", n)
	}
	// A reset ends it at once, and the program learns of it.
	a := f.syn(t, line.Now(), peer, 3, good)
	s = accepted(t, l)
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 3, DstPort: 80, Seq: a.Ack, Flags: wire.RST})
	s.Recv(b)
	if _, err := s.Recv(b); err != syscall.ECONNRESET {
		t.Errorf("the program hears %v", err)
	}
	check()
}

// RFC 7413 §6.1: a SYN that the network repeats after its connection has ended is one
// more connection, with the same octets: why Fast Open is off by default.
func TestRFC7413_6_1_DuplicateSYN(t *testing.T) {
	if p := Linux(); p.FastOpen {
		t.Error("Fast Open is on by default")
	}
	line, _, f, l, _ := fastServer(t, 10)
	good := f.ticket(t, line.Now(), peer, 1)
	for range 2 {
		a := f.syn(t, line.Now(), peer, 2, good)
		s := accepted(t, l)
		if n, err := s.Recv(make([]byte, 20)); n != 10 || err != nil {
			t.Fatalf("%d octets, %v", n, err)
		}
		f.ack(line.Now(), peer, a)
		f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 2, DstPort: 80, Seq: taken, Ack: a.Seq + 1, Flags: wire.RST | wire.ACK})
		if state(s) != "CLOSED" {
			t.Fatal(state(s))
		}
	}
}

// Closing the listener or the host resets who waits in it; the count returns to nothing.
func TestFastOpenListenerCloses(t *testing.T) {
	line, _, f, l, check := fastServer(t, 10)
	good := f.ticket(t, line.Now(), peer, 1)
	a := f.syn(t, line.Now(), peer, 2, good)
	queue := &l.listen.fast
	if queue.pending != 1 {
		t.Errorf("%d pending", queue.pending)
	}
	f.answers(t)
	l.Close()
	resets := 0
	for _, x := range f.answers(t) {
		if x.DstPort == 2 && x.Flags&wire.RST != 0 && x.Seq == a.Seq+1 {
			resets++
		}
	}
	if resets != 1 || queue.pending != 0 {
		t.Errorf("%d resets, %d pending", resets, queue.pending)
	}
	check()
}

// A ListenConfig is Host.Listen with more to say.
func TestListenConfig(t *testing.T) {
	h := newHost(t)
	c := ListenConfig{Host: h, Backlog: 1, FastOpen: true}
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := Dialer{Host: h, FastOpen: true}
	for i := range 2 {
		a, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, a, "hello")
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		mustRead(t, b, "hello")
		want := []tcp.FastOpenOutcome{tcp.FastOpenGiven, tcp.FastOpenTaken}[i]
		if got := b.(*TCPConn).Info().FastOpen.Outcome; got != want {
			t.Errorf("connection %d: %v, want %v", i, got, want)
		}
		a.Close()
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%v, want the end", err)
		}
		b.Close()
	}
}
