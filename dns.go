package octet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// The stub resolver of a host asks the servers of WithDNS for addresses. It is an
// ordinary program on the host's own sockets. net.Resolver could do it, but reads
// the hosts file of the operating system, and keeps a channel in a variable of its
// package, which ends the second testing/synctest bubble that looks a name up.

// The numbers of RFC 1035 §3.2, §4.1.1 and RFC 3596 §2.1 that it needs.
const (
	dnsTypeA     = 1
	dnsTypeAAAA  = 28
	dnsTypeOPT   = 41
	dnsClassIN   = 1
	dnsHeaderLen = 12

	dnsResponse  = 1 << 15
	dnsTruncated = 1 << 9
	dnsRecurse   = 1 << 8
	dnsRcodeMask = 15
	dnsNoError   = 0
	dnsNXDomain  = 3

	dnsPort     = 53
	dnsMaxUDP   = 1232            // octets that we say we take: no path cuts them (RFC 9715 §3.1)
	dnsTimeout  = 5 * time.Second // of one try
	dnsAttempts = 2               // tries of each server
)

// errDNS says that a message is not a proper answer to our question.
var errDNS = errors.New("cannot unmarshal DNS message")

// lookupDNS asks the servers for the addresses of a name, one server after another.
func (h *Host) lookupDNS(ctx context.Context, name string) ([]netip.Addr, error) {
	q, ok := newQuestion(name)
	if !ok {
		return nil, notFound(name)
	}
	servers, _ := h.NameServers()
	last := notFound(name) // should the last server have gone meanwhile
	for range dnsAttempts {
		for _, server := range servers {
			list, err := h.ask(ctx, server, q)
			if err == nil || isFinal(err) {
				return list, err
			}
			last = dnsError(err, name, server)
			if ctx.Err() != nil {
				return nil, last
			}
		}
	}
	return nil, last
}

// isFinal reports whether an answer says that there is no such name: no other
// server is asked then.
func isFinal(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

func dnsError(err error, name string, server netip.AddrPort) error {
	var e *net.DNSError
	if errors.As(err, &e) {
		return err
	}
	e = &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: name, Server: server.String()}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		e.Err, e.IsTimeout = "i/o timeout", true
	}
	e.IsTemporary = true
	return e
}

// A question asks for the A and the AAAA records of a name.
type question struct {
	name  string
	qname []byte // as RFC 1035 §3.1 writes it
}

// newQuestion writes a name in labels; ok is false if it cannot be a name (RFC 1035 §2.3.4).
func newQuestion(name string) (q question, ok bool) {
	q.name = name
	for _, label := range strings.Split(strings.TrimSuffix(name, "."), ".") {
		if len(label) == 0 || len(label) > 63 {
			return q, false
		}
		q.qname = append(append(q.qname, byte(len(label))), label...)
	}
	q.qname = append(q.qname, 0)
	return q, len(q.qname) <= 255
}

// message writes the question for one type (RFC 1035 §4.1, RFC 6891 §6.1.2).
func (q question) message(id, kind uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	for _, v := range [...]uint16{dnsRecurse, 1, 0, 0, 1} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	b = append(b, q.qname...)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, dnsClassIN)
	b = append(b, 0) // the root: OPT
	b = binary.BigEndian.AppendUint16(b, dnsTypeOPT)
	b = binary.BigEndian.AppendUint16(b, dnsMaxUDP)
	return append(b, 0, 0, 0, 0, 0, 0)
}

// ask asks one server for both types at once, from a port drawn for this question,
// and again over TCP where the answer was too long.
func (h *Host) ask(ctx context.Context, server netip.AddrPort, q question) ([]netip.Addr, error) {
	c, err := h.newUDP("udp", netip.AddrPort{}, server)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(dnsTimeout))
	defer context.AfterFunc(ctx, func() { c.Close() })()
	var open []*inquiry
	var list []netip.Addr
	for _, kind := range [...]uint16{dnsTypeA, dnsTypeAAAA} {
		i := &inquiry{q: q, kind: kind, id: uint16(h.ports.draw(q.qname, 1<<16))}
		open = append(open, i)
		if _, err := c.Write(q.message(i.id, kind)); err != nil {
			return nil, err
		}
	}
	buf := make([]byte, dnsMaxUDP)
	for waiting := len(open); waiting > 0; {
		n, err := c.Read(buf)
		if err != nil {
			return nil, cmpErr(contextError(ctx.Err()), err)
		}
		i := answered(open, buf[:n])
		if i == nil {
			continue // not what we asked: a forger must not end our waiting (T-14)
		}
		waiting--
		more, err := i.addresses(buf[:n])
		if err == errTruncated {
			more, err = h.askTCP(ctx, server, i)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	if len(list) == 0 {
		return nil, notFound(q.name)
	}
	return list, nil
}

// cmpErr returns the first error that there is.
func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// answered returns which of the open inquiries a message answers, and closes it.
func answered(open []*inquiry, b []byte) *inquiry {
	for _, i := range open {
		if !i.done && i.isAnswer(b) {
			i.done = true
			return i
		}
	}
	return nil
}

// askTCP asks again where the whole answer fits (RFC 7766 §5, §8).
func (h *Host) askTCP(ctx context.Context, server netip.AddrPort, i *inquiry) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	c, err := h.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	m := i.q.message(i.id, i.kind)
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	if !i.isAnswer(b) {
		return nil, errDNS
	}
	return i.addresses(b)
}

// An inquiry is a question for one type that was sent.
type inquiry struct {
	q    question
	kind uint16
	id   uint16
	done bool
}

var errTruncated = errors.New("truncated answer")

// isAnswer reports whether a message answers the inquiry: its id and its question
// are ours (RFC 5452 §9.1).
func (i *inquiry) isAnswer(b []byte) bool {
	end := dnsHeaderLen + len(i.q.qname) + 4
	if len(b) < end || binary.BigEndian.Uint16(b) != i.id || binary.BigEndian.Uint16(b[2:])&dnsResponse == 0 ||
		binary.BigEndian.Uint16(b[4:]) != 1 {
		return false
	}
	return bytes.EqualFold(b[dnsHeaderLen:end-4], i.q.qname) && binary.BigEndian.Uint16(b[end-4:]) == i.kind
}

// addresses returns the addresses of an answer. Names in it are passed over and
// never followed, so nothing in it can make us go round in circles.
func (i *inquiry) addresses(b []byte) (list []netip.Addr, err error) {
	flags, records := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[6:])
	switch {
	case flags&dnsRcodeMask == dnsNXDomain:
		return nil, notFound(i.q.name)
	case flags&dnsRcodeMask != dnsNoError:
		return nil, &net.DNSError{Err: "server misbehaving", Name: i.q.name, IsTemporary: true}
	case flags&dnsTruncated != 0:
		return nil, errTruncated
	}
	b = b[dnsHeaderLen+len(i.q.qname)+4:]
	for range records {
		n := nameLen(b)
		if n == 0 || len(b) < n+10 {
			return nil, errDNS
		}
		kind, class, size := binary.BigEndian.Uint16(b[n:]), binary.BigEndian.Uint16(b[n+2:]), int(binary.BigEndian.Uint16(b[n+8:]))
		if b = b[n+10:]; len(b) < size {
			return nil, errDNS
		}
		if a, ok := netip.AddrFromSlice(b[:size]); ok && kind == i.kind && class == dnsClassIN && a.Is4() == (kind == dnsTypeA) {
			list = append(list, a)
		}
		b = b[size:]
	}
	return list, nil
}

// nameLen returns how many octets a name takes where it stands, 0 if it is none:
// labels, ended by the root or by a pointer (RFC 1035 §4.1.4).
func nameLen(b []byte) int {
	for n := 0; n < len(b) && n < 255; {
		switch size := int(b[n]); {
		case size == 0:
			return n + 1
		case size >= 0xc0:
			return n + 2
		case size > 63:
			return 0
		default:
			n += 1 + size
		}
	}
	return 0
}
