package octet

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// serveDNS answers questions at 127.0.0.1:53 of a host, by UDP and TCP: each
// message is what f makes of the answer to it.
func serveDNS(t *testing.T, h *Host, records map[string][]netip.Addr, f func(udp bool, b []byte) [][]byte) {
	u, l := listenUDP(t, h, "127.0.0.1:53"), listen(t, h, "127.0.0.1:53")
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := u.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			for _, b := range f(true, dnsAnswer(t, records, buf[:n])) {
				u.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var n [2]byte
			io.ReadFull(c, n[:])
			q := make([]byte, binary.BigEndian.Uint16(n[:]))
			io.ReadFull(c, q)
			for _, b := range f(false, dnsAnswer(t, records, q)) {
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
			}
			c.Close()
		}
	}()
}

// dnsAnswer is the answer of a server that knows some records.
func dnsAnswer(t *testing.T, records map[string][]netip.Addr, q []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(q); err != nil {
		t.Errorf("the question %x: %v", q, err)
		return nil
	}
	name := m.Questions[0].Name
	list, known := records[strings.ToLower(name.String())]
	m.Response, m.Additionals = true, nil
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	alias := dnsmessage.MustNewName("alias.example.")
	add := func(n dnsmessage.Name, body dnsmessage.ResourceBody) {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: 60}, Body: body})
	}
	if known {
		add(name, &dnsmessage.CNAMEResource{CNAME: alias})
	}
	for _, a := range list {
		switch kind := m.Questions[0].Type; {
		case a.Is4() && kind == dnsmessage.TypeA:
			add(alias, &dnsmessage.AResource{A: a.As4()})
		case a.Is6() && kind == dnsmessage.TypeAAAA:
			add(alias, &dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	b, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return b
}

var someRecords = map[string][]netip.Addr{
	"server.example.": {addr("192.0.2.7"), addr("192.0.2.8"), addr("2001:db8::7")},
	"four.example.":   {addr("192.0.2.4")},
	"empty.example.":  {},
}

// once is a server that answers as it should.
func once(_ bool, b []byte) [][]byte { return [][]byte{b} }

// Twice, because net.Resolver fails in the second bubble of a process.
func TestDNSInBubbles(t *testing.T) {
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, WithDNS(netip.MustParseAddrPort("127.0.0.1:53")))
			serveDNS(t, h, someRecords, once)
			list, err := h.LookupHost(t.Context(), "Server.Example")
			slices.Sort(list)
			if want := []string{"192.0.2.7", "192.0.2.8", "2001:db8::7"}; err != nil || !slices.Equal(list, want) {
				t.Errorf("%v, %v; want %v", list, err, want)
			}
			for _, name := range []string{"nobody.example", "empty.example", strings.Repeat("x.", 130), "a..b", strings.Repeat("x", 64)} {
				_, err := h.LookupHost(t.Context(), name)
				var dns *net.DNSError
				if !errors.As(err, &dns) || !dns.IsNotFound || dns.Name != name {
					t.Errorf("%.20s: %v, want not found", name, err)
				}
			}
			h.Close()
		})
	}
}

// An answer that does not fit is asked for again over TCP.
func TestDNSTruncated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, WithDNS(netip.MustParseAddrPort("127.0.0.1:53")))
		var many []netip.Addr
		for i := range 200 {
			many = append(many, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
		}
		serveDNS(t, h, map[string][]netip.Addr{"many.example.": many}, func(udp bool, b []byte) [][]byte {
			if udp {
				b[2] |= dnsTruncated >> 8
				b = b[:min(len(b), 512)]
			}
			return [][]byte{b}
		})
		list, err := h.LookupHost(t.Context(), "many.example")
		if len(list) != len(many) || err != nil {
			t.Errorf("%d addresses, %v; want %d", len(list), err, len(many))
		}
		h.Close()
	})
}

// T-14: answers that are not ours are passed over, and we go on waiting for the
// right one; what is broken is an error and no more.
func TestThreat_T14_DNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, WithDNS(netip.MustParseAddrPort("127.0.0.1:53")))
		serveDNS(t, h, someRecords, func(_ bool, b []byte) [][]byte {
			forged := func(change func(b []byte)) []byte {
				c := slices.Clone(b)
				for i := len(c) - 4; i < len(c); i++ {
					c[i] = 6 // the address of the forger
				}
				change(c)
				return c
			}
			return [][]byte{
				{}, b[:11],
				forged(func(c []byte) { c[0]++ }),              // another id
				forged(func(c []byte) { c[2] &^= 0x80 }),       // a question
				forged(func(c []byte) { c[dnsHeaderLen+1]++ }), // another name
				forged(func(c []byte) { c[5] = 0 }),            // no question
				b,
			}
		})
		list, err := h.LookupHost(t.Context(), "four.example")
		if err != nil || !slices.Equal(list, []string{"192.0.2.4"}) {
			t.Errorf("%v, %v; want 192.0.2.4", list, err)
		}
		h.Close()
	})
	q, _ := newQuestion("four.example")
	i := inquiry{q: q, kind: dnsTypeA, id: 7}
	whole := dnsAnswer(t, someRecords, q.message(7, dnsTypeA))
	if list, err := i.addresses(whole); len(list) != 1 || err != nil {
		t.Fatalf("%v, %v", list, err)
	}
	for n := range whole {
		if b := whole[:n]; i.isAnswer(b) {
			if list, err := i.addresses(b); err == nil {
				t.Errorf("cut to %d octets it still says %v", n, list)
			}
		}
	}
}

func FuzzDNS(f *testing.F) {
	q, _ := newQuestion("a.b")
	i := inquiry{q: q, kind: dnsTypeA, id: 7}
	ok := append(q.message(7, dnsTypeA)[:dnsHeaderLen+len(q.qname)+4], 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4)
	ok[2], ok[7], ok[11] = 0x80, 1, 0
	f.Add(ok)
	f.Fuzz(func(t *testing.T, b []byte) {
		if i.isAnswer(b) {
			i.addresses(b)
		}
	})
}

// A server that does not answer is asked again, then the next one is.
func TestDNSTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, WithDNS(netip.MustParseAddrPort("127.0.0.2:53"), netip.MustParseAddrPort("127.0.0.1:53")))
		silent := listenUDP(t, h, "127.0.0.2:53")
		serveDNS(t, h, someRecords, once)
		start := time.Now()
		if _, err := h.LookupHost(t.Context(), "four.example"); err != nil || time.Since(start) != dnsTimeout {
			t.Errorf("%v after %v, want the answer of the second server after 5 s", err, time.Since(start))
		}
		silent.Close() // refuses now: the second is asked at once
		start = time.Now()
		if _, err := h.LookupHost(t.Context(), "four.example"); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v, want the answer of the second server at once", err, time.Since(start))
		}
		h.Close()

		alone := newHost(t, WithDNS(netip.MustParseAddrPort("127.0.0.1:53")))
		listenUDP(t, alone, "127.0.0.1:53")
		start = time.Now()
		_, err := alone.LookupHost(t.Context(), "four.example")
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsTimeout || time.Since(start) != dnsAttempts*dnsTimeout {
			t.Errorf("%v after %v, want a timeout", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := alone.LookupHost(ctx, "four.example"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want the end of the context", err, time.Since(start))
		}
		alone.Close()
	})
}

// Package net's own resolver works over a host too, outside of bubbles.
func TestResolver(t *testing.T) {
	h := newHost(t, WithDNS(netip.MustParseAddrPort("127.0.0.1:53")))
	serveDNS(t, h, someRecords, once)
	list, err := h.Resolver().LookupHost(t.Context(), "four.example.")
	if err != nil || !slices.Equal(list, []string{"192.0.2.4"}) {
		t.Errorf("%v, %v; want 192.0.2.4", list, err)
	}
}
