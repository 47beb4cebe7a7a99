package dns

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// A Lookup asks for the records of a name.
type Lookup struct {
	Net     octet.Network
	Name    string   // or an address, whose name is asked for
	Types   []string // none: addresses, or the name of an address
	Servers []netip.AddrPort
	TCP     bool          // not by datagrams
	Wait    time.Duration // for each answer
	Report  *report.Reporter

	sum Summary
}

// attempts is how often each server is asked.
const attempts = 2

// Events are the objects of the JSON output, besides start and end.
var Events = report.Events{"answer": {answerBody{}}, "record": {Record{}}}

type answerBody struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Server    string `json:"server"`
	Network   string `json:"network" jsonschema:"udp or tcp"`
	Code      string `json:"rcode"`
	Authority bool   `json:"authoritative"`
	Took      int64  `json:"took_us"`
}

// A Summary says what was found.
type Summary struct {
	Records int `json:"records"`
}

// Summary returns what was found so far.
func (l *Lookup) Summary() Summary { return l.sum }

// Run asks. It fails if there is no such name, or no record of it.
func (l *Lookup) Run(ctx context.Context) error {
	name, kinds := l.Name, l.Types
	if a, err := netip.ParseAddr(name); err == nil {
		name = reverseName(a.Unmap())
		if len(kinds) == 0 {
			kinds = []string{"PTR"}
		}
	}
	if len(kinds) == 0 {
		kinds = []string{"A", "AAAA"}
	}
	if !strings.HasSuffix(name, ".") {
		name += "."
	}
	for _, kind := range kinds {
		if err := l.one(ctx, name, kind); err != nil {
			return err
		}
	}
	if l.sum.Records == 0 {
		return outcome.Failf(outcome.No, "ask for another with --type", "%s has no record of type %s", l.Name, strings.Join(kinds, " or "))
	}
	return l.Report.Err()
}

// one asks for the records of one type.
func (l *Lookup) one(ctx context.Context, name, kind string) error {
	q, err := query(uint16(rand.Uint32()), name, types[kind])
	if err != nil {
		return &outcome.Error{Code: outcome.Usage, What: err.Error()}
	}
	r, body, err := l.ask(ctx, q)
	if err != nil {
		return err
	}
	body.Name, body.Type = name, kind
	l.Report.Event("answer", body)
	l.Report.Detailf("%s over %s says %s to %s %s in %.3f ms", body.Server, body.Network, body.Code, name, kind, float64(body.Took)/1000)
	switch body.Code {
	case "NOERROR":
	case "NXDOMAIN":
		return outcome.Failf(outcome.NoName, "check the name", "%s says that there is no name %s", body.Server, name)
	case "REFUSED":
		return outcome.Failf(outcome.Refused, "ask another with --server", "%s refuses to answer", body.Server)
	default:
		return outcome.Failf(outcome.No, "ask another with --server", "%s cannot answer: %s", body.Server, body.Code)
	}
	for i := range r.records {
		l.sum.Records++
		l.Report.Printf("%s\n", r.records[i].Text())
		l.Report.Event("record", r.records[i])
	}
	return nil
}

// ask asks one server after another, until one answers.
func (l *Lookup) ask(ctx context.Context, q []byte) (*reply, answerBody, error) {
	var last error
	for range attempts {
		for _, server := range l.Servers {
			begun := time.Now()
			network := "udp"
			if l.TCP {
				network = "tcp"
			}
			r, err := l.exchange(ctx, network, server, q)
			if err == nil && r.truncated && !l.TCP { // RFC 7766 §5
				network = "tcp"
				r, err = l.exchange(ctx, network, server, q)
			}
			if err == nil {
				return r, answerBody{Server: server.String(), Network: network, Code: codeName(r.code), Authority: r.authority, Took: time.Since(begun).Microseconds()}, nil
			}
			if ctx.Err() != nil {
				return nil, answerBody{}, ctx.Err()
			}
			last = failure(server, err)
			l.Report.Detailf("%v", last)
		}
	}
	return nil, answerBody{}, last
}

// failure says what to do about a server that does not answer.
func failure(server netip.AddrPort, err error) error {
	do := "ask another with --server"
	if errors.Is(err, errMessage) {
		return outcome.Failf(outcome.No, do, "%v answers with %w", server, err)
	}
	return outcome.Failf(outcome.Of(err), do, "%v does not answer: %s", server, outcome.Cause(err))
}

// exchange asks one server once, over udp or tcp.
func (l *Lookup) exchange(ctx context.Context, network string, server netip.AddrPort, q []byte) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Wait)
	defer cancel()
	c, err := l.Net.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	receive := receiveDatagram
	if network == "tcp" {
		q, receive = append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...), receiveStream
	}
	if _, err := c.Write(q); err != nil {
		return nil, err
	}
	if network == "tcp" {
		q = q[2:]
	}
	for {
		b, err := receive(c)
		if err != nil {
			return nil, cmp.Or(ctx.Err(), err)
		}
		if isReply(b, q) {
			return parse(b, len(q)-11-headerLen)
		}
		if network == "tcp" {
			return nil, errMessage
		}
	}
}

func receiveDatagram(c net.Conn) ([]byte, error) {
	b := make([]byte, 65535)
	n, err := c.Read(b)
	return b[:n], err
}

// receiveStream reads a message with its length before it (RFC 1035 §4.2.2).
func receiveStream(c net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, fmt.Errorf("no whole answer: %w", err)
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(c, b)
	return b, err
}
