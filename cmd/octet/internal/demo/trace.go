package demo

import (
	"sync"

	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/talk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/wire"
)

// How many packets a trace shows besides those that open and close connections.
const (
	shownFirst  = 6  // from the first one on
	shownEnding = 12 // up to here, what follows the end of one stream
	shownMost   = 40 // in all
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
	hidden int     // since the last one shown
	ended  [2]bool // a FIN was sent from the lower, from the higher port
	over   bool    // nothing more is to be shown
}

// Events are the objects that the demonstrations write.
var Events = report.Join(talk.ClientEvents, talk.ServerEvents, report.Events{
	"packet": {packetBody{}}, "fault": {faultBody{}}, "wire": {wireBody{}}, "tcp": {tcpBody{}},
})

// faultBody is what a wire did to a packet, in the JSON output.
type faultBody struct {
	Fate   string `json:"fate" jsonschema:"lost, duplicated, corrupted, held back, queue full"`
	Octets int    `json:"octets"`
	Line   string `json:"line" jsonschema:"the packet in one line"`
}

// packetBody is one packet in the JSON output.
type packetBody struct {
	Number int    `json:"number" jsonschema:"of the packets that were sent, from 1"`
	Host   string `json:"host" jsonschema:"who sent it"`
	Octets int    `json:"octets"`
	Layers string `json:"layers" jsonschema:"each layer with the octets it takes"`
	Line   string `json:"line" jsonschema:"the packet in one line"`
}

// Observe shows a packet that a host sends; what arrives was sent by the other.
func (t *trace) Observe(s *link.Sighting) {
	if s.Outgoing {
		t.sent(s.Device, s.Packet)
	}
}

// A faultTrace shows what a wire does to the packets that a trace shows.
type faultTrace struct{ *trace }

// Observe shows the fate of a packet.
func (t faultTrace) Observe(s *link.Sighting) {
	o := wire.Octets{Head: s.Packet.Head(), Data: s.Packet.Data}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || !t.all && t.seen > shownFirst && !opensOrEnds(segmentOf(o)) {
		return
	}
	line := wire.Line(o, t.form)
	t.report.Printf("%s: %s\n", s.Fate, line)
	t.report.Event("fault", faultBody{string(s.Fate), s.Packet.Len(), line})
}

// outgoing shows what hosts send to a trace and a capture. What they receive is
// left out: each packet is captured once, before the wire can damage it.
type outgoing struct {
	trace   *trace
	capture *link.Capture
}

// Observe passes on what is sent.
func (o outgoing) Observe(s *link.Sighting) {
	if s.Outgoing {
		o.capture.Observe(s)
		o.trace.Observe(s)
	}
}

func (t *trace) sent(host string, p *link.Packet) {
	o := wire.Octets{Head: p.Head(), Data: p.Data}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
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
	s := segmentOf(o)
	if s.Flags&wire.FIN != 0 {
		t.ended[boolIndex(s.SrcPort > s.DstPort)] = true
	}
	one, both := t.ended[0] || t.ended[1], t.ended[0] && t.ended[1]
	return t.seen <= shownFirst || one && t.shown < shownEnding || (both || opensOrEnds(s)) && t.shown < shownMost
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// opensOrEnds reports whether a segment opens, ends or resets a stream.
func opensOrEnds(s wire.Segment) bool { return s.Flags&(wire.SYN|wire.FIN|wire.RST) != 0 }

// segmentOf returns the TCP segment in a packet, or none.
func segmentOf(o wire.Octets) wire.Segment {
	var h wire.IP
	var s wire.Segment
	if wire.ParseIP(&o, &h) != wire.OK || h.Proto != wire.ProtoTCP || h.Offset != 0 {
		return s
	}
	o.Pull(int(h.HeaderLen))
	if wire.ParseTCP(&o, &s) != wire.OK {
		return wire.Segment{}
	}
	return s
}

// skip says how many packets were not shown.
func (t *trace) skip() {
	if t.hidden > 0 {
		t.report.Printf("… %s more (-v shows all)\n", quantity.Group(t.hidden))
		t.hidden = 0
	}
}

// finish says how many packets were not shown after the last one that was.
func (t *trace) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.skip()
	t.over = true
}

// count returns how many packets were sent.
func (t *trace) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen
}
