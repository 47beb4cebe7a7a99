package demo

import (
	"sync"

	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/talk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// How many packets a trace shows besides those that open and close connections.
const (
	shownFirst = 6  // from the first one on
	shownMost  = 40 // in all
)

// A trace shows the packets that hosts send, with their layers. Of a long
// conversation it shows the beginning and the end: how connections are made and
// terminated.
type trace struct {
	report *report.Reporter
	all    bool      // show every packet
	form   wire.Form // how to print one

	mu     sync.Mutex
	seen   int
	shown  int
	hidden int // since the last one shown
	ended  int // FINs in either direction
}

// Events are the objects that the demonstrations write.
var Events = report.Join(talk.ClientEvents, talk.ServerEvents, report.Events{"packet": {packetBody{}}})

// packetBody is one packet in the JSON output.
type packetBody struct {
	Number int    `json:"number" jsonschema:"of the packets that were sent, from 1"`
	Host   string `json:"host" jsonschema:"who sent it"`
	Octets int    `json:"octets"`
	Layers string `json:"layers" jsonschema:"each layer with the octets it takes"`
	Line   string `json:"line" jsonschema:"the packet in one line"`
}

// of returns the observer of one host.
func (t *trace) of(host string) link.Observer { return &hostTrace{t, host} }

type hostTrace struct {
	*trace
	host string
}

// Observe shows a packet that the host sends; what arrives was sent by the other.
func (t *hostTrace) Observe(s *link.Sighting) {
	if s.Outgoing {
		t.sent(t.host, s.Packet)
	}
}

func (t *trace) sent(host string, p *link.Packet) {
	o := wire.Octets{Head: p.Head(), Data: p.Data}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	if !t.all && !t.worth(o) {
		t.hidden++
		return
	}
	t.skip()
	t.shown++
	line := wire.Line(o, t.form)
	t.report.Printf("#%d %s\n", t.seen, line)
	t.report.Event("packet", packetBody{t.seen, host, p.Len(), wire.Layers(o, t.form), line})
}

// worth reports whether a packet is among those to be shown: the first ones, those
// that begin or end a stream, and what follows the end of both.
func (t *trace) worth(o wire.Octets) bool {
	var h wire.IP
	var s wire.Segment
	if wire.ParseIP(&o, &h) == wire.OK && h.Proto == wire.ProtoTCP {
		o.Pull(int(h.HeaderLen))
		if wire.ParseTCP(&o, &s) == wire.OK && s.Flags&wire.FIN != 0 {
			t.ended++
		}
	}
	return t.seen <= shownFirst || t.shown < shownMost && (s.Flags&(wire.SYN|wire.FIN|wire.RST) != 0 || t.ended > 1)
}

// skip says how many packets were not shown.
func (t *trace) skip() {
	if t.hidden > 0 {
		t.report.Printf("… %d more (-v shows all)\n", t.hidden)
		t.hidden = 0
	}
}

// finish says how many packets were not shown after the last one that was.
func (t *trace) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.skip()
}
