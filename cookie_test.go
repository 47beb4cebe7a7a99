package octet

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// flooded fills the half-open connections of the listener at port 80 of the victim
// with SYNs of hosts that are not there.
func flooded(t testing.TB, h *Host, f *forge, now mono.Time, from, n uint32) {
	t.Helper()
	keep := f.keep
	f.keep = false
	for i := from; i < from+n; i++ {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000|i)
		f.say(now, netip.AddrFrom4(a), victim, wire.Segment{SrcPort: 1000 + uint16(i%50000), DstPort: 80, Seq: wire.Seq(i), Flags: wire.SYN, Window: 1000})
	}
	f.keep = keep
}

// throughFlood connects the peer, with all options, and returns the SYN-ACK and the ACK.
func (f *forge) throughFlood(t testing.TB, now mono.Time, port uint16) (synAck, ack wire.Segment) {
	t.Helper()
	f.heard = nil
	o := wire.Options{Has: wire.HasMSS | wire.HasScale | wire.HasSACKPermitted | wire.HasTimestamp, MSS: 1460, Scale: 3, TSVal: 77}
	f.say(now, peer, victim, wire.Segment{SrcPort: port, DstPort: 80, Seq: 999, Flags: wire.SYN, Window: 65535, Options: o})
	list := f.answers(t)
	if len(list) != 1 || list[0].Flags != wire.SYN|wire.ACK {
		t.Fatalf("SYN answered by %+v", list)
	}
	ack = wire.Segment{
		SrcPort: port, DstPort: 80, Seq: 1000, Ack: list[0].Seq + 1, Flags: wire.ACK, Window: 1000,
		Options: wire.Options{Has: wire.HasTimestamp, TSVal: 78, TSEcr: list[0].Options.TSVal},
	}
	return list[0], ack
}

// T-39: a million guesses at a flooded listener open nothing, nor does a cookie
// that is too old, of another tuple, or changed. The genuine one does, once.
func TestThreat_T39_SYNCookieForgery(t *testing.T) {
	line, h, f, check := besieged(t, WithSeed(39))
	if err := h.AddRouteThrough(netip.MustParsePrefix("0.0.0.0/0"), 2); err != nil {
		t.Fatal(err)
	}
	l := listening(t, h, "192.0.2.1:80", 16)
	stray := wire.Segment{SrcPort: 9, DstPort: 80, Seq: 1000, Ack: 1, Flags: wire.ACK}
	f.say(line.Now(), peer, victim, stray)
	if list := f.answers(t); len(list) != 1 || list[0].Flags != wire.RST {
		t.Errorf("an ACK before the flood is answered by %+v", list)
	}
	flooded(t, h, f, line.Now(), 0, 16)
	_, ack := f.throughFlood(t, line.Now(), 5000)
	guesses := uint32(1 << 20)
	if testing.Short() || raceEnabled {
		guesses = 1 << 15
	}
	f.keep = false
	f.count = 0
	for i := range guesses { // in all the room that an attacker has
		g := ack
		g.Ack, g.Options.TSEcr = wire.Seq(i*0x9e3779b1), ack.Options.TSEcr^i&63
		if g.Ack != ack.Ack {
			f.say(line.Now(), peer, victim, g)
		}
	}
	if n := h.Stats().CookiesUsed; n != 0 {
		t.Fatalf("%d guesses opened a connection", n)
	}
	if f.count < int(guesses)-1 {
		t.Errorf("%d resets for %d guesses", f.count, guesses)
	}
	f.keep = true
	for what, change := range map[string]func(s *wire.Segment){
		"another port":      func(s *wire.Segment) { s.SrcPort++ },
		"another MSS":       func(s *wire.Segment) { s.Ack = (s.Ack-1)&(1<<29-1) + 1 | (s.Ack-1)&^(1<<29-1) ^ 1<<31 },
		"another scale":     func(s *wire.Segment) { s.Options.TSEcr ^= 1 },
		"no timestamp":      func(s *wire.Segment) { s.Options = wire.Options{} },
		"a number of later": func(s *wire.Segment) { s.Seq++ },
	} {
		bad := ack
		change(&bad)
		f.say(line.Now(), peer, victim, bad)
		if list := f.answers(t); len(list) != 1 || list[0].Flags&wire.RST == 0 || h.Stats().CookiesUsed != 0 {
			t.Errorf("%s: answered by %+v", what, list)
		}
	}
	f.say(line.Now(), peer, victim, ack)
	s := accepted(t, l)
	if i := s.Info(); !i.SACK || !i.Timestamps || i.SendScale != 3 || i.PeerMSS != 1460 {
		t.Errorf("the genuine cookie became %+v", i)
	}
	check()

	_, old := f.throughFlood(t, line.Now(), 5001)
	line.Advance(line.Now().Add(10 * time.Second))
	flooded(t, h, f, line.Now(), 1000, 100) // cookies are given still
	line.Advance(line.Now().Add(119 * time.Second))
	flooded(t, h, f, line.Now(), 2000, 100)
	f.heard = nil
	f.say(line.Now(), peer, victim, old)
	if list := f.answers(t); len(list) == 0 || list[len(list)-1].Flags&wire.RST == 0 || h.Stats().CookiesUsed != 1 {
		t.Errorf("a cookie of 129 s is answered by %+v", list)
	}
	_, ack = f.throughFlood(t, line.Now(), 5002)
	l.Close()
	f.heard = nil
	f.say(line.Now(), peer, victim, ack)
	if list := f.answers(t); len(list) != 1 || list[0].Flags&wire.RST == 0 {
		t.Errorf("a cookie for a listener that is gone is answered by %+v", list)
	}
}

// T-39: a listener that is not flooded looks at no cookie, and keeps a record of
// every SYN as always.
func TestThreat_T39_CookiesOnlyInAFlood(t *testing.T) {
	line, h, f, _ := besieged(t)
	l := listening(t, h, "192.0.2.1:80", 16)
	handshake(t, line, f, l, 5000)
	if s := h.Stats(); s.CookiesSent != 0 || s.CookiesUsed != 0 {
		t.Errorf("%d cookies sent, %d used", s.CookiesSent, s.CookiesUsed)
	}
}

// A full accept queue has no room for what a cookie would become: the SYN is
// dropped, and so is the ACK of an older cookie, whose text comes again.
func TestCookiesHeedTheAcceptQueue(t *testing.T) {
	line, h, f, _ := besieged(t)
	if err := h.AddRouteThrough(netip.MustParsePrefix("0.0.0.0/0"), 2); err != nil {
		t.Fatal(err)
	}
	l := listening(t, h, "192.0.2.1:80", 1)
	flooded(t, h, f, line.Now(), 0, 16)
	_, first := f.throughFlood(t, line.Now(), 5000)
	_, second := f.throughFlood(t, line.Now(), 5001)
	f.say(line.Now(), peer, victim, first)
	f.say(line.Now(), peer, victim, second)
	sent := h.Stats().CookiesSent
	f.say(line.Now(), peer, victim, wire.Segment{SrcPort: 5002, DstPort: 80, Flags: wire.SYN, Window: 1000})
	if list := f.answers(t); len(list) != 0 || h.Stats().CookiesSent != sent {
		t.Errorf("beyond the accept queue: %+v", list)
	}
	accepted(t, l)
	f.say(line.Now(), peer, victim, second)
	accepted(t, l)
}

// T-50: legitimate clients connect and are served through a flood of a million
// SYNs, which costs no more memory than the half-open connections may take.
func TestThreat_T50_ClientsConnectInAFlood(t *testing.T) {
	const backlog = 128
	line, h, f, check := besieged(t)
	if err := h.AddRouteThrough(netip.MustParsePrefix("0.0.0.0/0"), 2); err != nil {
		t.Fatal(err)
	}
	l := listening(t, h, "192.0.2.1:80", backlog)
	flood := uint32(1_000_000)
	if testing.Short() || raceEnabled {
		flood = 50_000
	}
	const clients = 100
	before := memory()
	for i := range uint32(clients) {
		flooded(t, h, f, line.Now(), i*flood/clients, flood/clients)
		_, ack := f.throughFlood(t, line.Now(), uint16(5000+i))
		ack.Flags |= wire.PSH
		ack.Payload = payload(100)
		f.say(line.Now(), peer, victim, ack)
		s := accepted(t, l)
		if n, err := s.Recv(make([]byte, 200)); n != 100 || err != nil {
			t.Fatalf("client %d: %d octets, %v", i, n, err)
		}
		s.Abort()
		f.heard = nil
	}
	s := h.Stats()
	if s.HalfOpen > backlog || s.CookiesUsed != clients || s.Drops[DropHalfOpen] != 0 {
		t.Errorf("%d half-open connections, %d cookies used, %d SYNs dropped", s.HalfOpen, s.CookiesUsed, s.Drops[DropHalfOpen])
	}
	if grown := memory() - before; grown > backlog*16<<10 {
		t.Errorf("memory grew by %d octets", grown)
	}
	check()
}
