package vnet

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
)

// recordDefault is how many octets of packets are kept.
const recordDefault = 8 << 20

// stepsMax is how many packets can be compared with another run.
const stepsMax = 1 << 20

// A Trace is a summary of all packets that entered a network, in their order.
type Trace struct {
	Packets uint64
	// Hash is over the time, place and octets of every packet. Two runs with the
	// same Hash were the same.
	Hash uint64
	// Shape is over times, places and lengths alone: runs whose contents differ,
	// by the random numbers of TLS perhaps, may agree in it.
	Shape uint64
	// Steps hold the moment of each packet and the Hash up to it, of the first
	// 1,048,576.
	Steps []Step
}

// A Step is one packet of a Trace.
type Step struct {
	At   mono.Time
	Hash uint64
}

// Diverge returns the index of the first packet in which two traces differ, and
// false if they do not.
func (t *Trace) Diverge(o *Trace) (int, bool) {
	for i := range min(len(t.Steps), len(o.Steps)) {
		if t.Steps[i] != o.Steps[i] {
			return i, true
		}
	}
	if t.Hash != o.Hash || t.Packets != o.Packets {
		return min(len(t.Steps), len(o.Steps)), true
	}
	return 0, false
}

// Trace returns the summary.
func (n *Net) Trace() Trace {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.trace.Trace
	t.Steps = append([]Step(nil), t.Steps...)
	return t
}

// trace is what a Net keeps of its packets: the summary, and the latest of them in
// two halves, of which the older is forgotten when the younger is full.
type trace struct {
	Trace
	half       int
	young, old recording
}

type recording struct {
	list []record
	mem  []byte
}

func (r *recording) clone() recording {
	return recording{slices.Clone(r.list), slices.Clone(r.mem)}
}

// A record is a packet as it entered, or what a link did to one.
type record struct {
	at       mono.Time
	link     string
	down     bool
	fate     link.Fate
	index    uint64 // of the packet in the trace
	from, to int    // in mem
}

func (t *trace) init(octets int) { t.half = max(octets, 0) / 2 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mix spreads a number over 64 bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// enter adds a packet.
func (t *trace) enter(name string, d Direction, e *link.Entering) {
	p := e.Packet
	sum := crc32.Update(crc32.Checksum(p.Head(), castagnoli), castagnoli, p.Data.B)
	place := crc32.Checksum([]byte(name), castagnoli)
	where := uint64(e.At)<<1 ^ uint64(place)<<32 ^ uint64(d)
	t.Shape = mix(mix(t.Shape^where) ^ uint64(p.Len()))
	t.Hash = mix(mix(t.Hash^where) ^ uint64(p.Len())<<32 ^ uint64(sum))
	if len(t.Steps) < stepsMax {
		t.Steps = append(t.Steps, Step{e.At, t.Hash})
	}
	t.keep(record{at: e.At, link: name, down: d == Down, index: t.Packets}, p)
	t.Packets++
}

// fate adds what a link did.
func (t *trace) fate(name string, s *link.Sighting) {
	t.keep(record{at: s.At, link: name, down: !s.Outgoing, fate: s.Fate, index: t.Packets}, s.Packet)
}

func (t *trace) keep(r record, p *link.Packet) {
	if t.half == 0 {
		return
	}
	y := &t.young
	if len(y.mem) > 0 && len(y.mem)+p.Len() > t.half {
		t.old, t.young = t.young, recording{t.old.list[:0], t.old.mem[:0]}
	}
	r.from = len(y.mem)
	y.mem = p.AppendTo(y.mem)
	r.to = len(y.mem)
	y.list = append(y.list, r)
}

// each calls f for the packets that are kept, the oldest first.
func (t *trace) each(f func(r *record, octets []byte)) {
	for _, g := range []*recording{&t.old, &t.young} {
		for i := range g.list {
			r := &g.list[i]
			f(r, g.mem[r.from:r.to])
		}
	}
}

// String prints a record without its packet.
func (r *record) String() string {
	arrow := " ↑ "
	if r.down {
		arrow = " ↓ "
	}
	s := ticks(r.at) + " " + r.link + arrow
	if r.fate != "" {
		s += strings.ToUpper(string(r.fate)) + " "
	}
	return s
}

// Recent prints the latest packets, at most so many, one on a line, with what
// links did to them.
func (n *Net) Recent(most int) []string {
	var lines []string
	n.mu.Lock()
	defer n.mu.Unlock()
	total := len(n.trace.old.list) + len(n.trace.young.list)
	i := 0
	n.trace.each(func(r *record, b []byte) {
		if i++; i > total-most {
			lines = append(lines, r.String()+frameLine(b))
		}
	})
	return lines
}

// Line prints the packet with an index in the trace, or says that it is not kept.
func (n *Net) Line(index int) string {
	s := "a packet that is not kept any more"
	n.mu.Lock()
	defer n.mu.Unlock()
	if uint64(index) >= n.trace.Packets {
		return "no packet"
	}
	n.trace.each(func(r *record, b []byte) {
		if r.fate == "" && r.index == uint64(index) {
			s = r.String() + frameLine(b)
		}
	})
	return s
}

// Capture writes the latest packets that are kept to w as a pcapng file, with
// their virtual times. A run that is repeated exactly gives the same octets.
func (n *Net) Capture(w io.Writer) error {
	c := link.NewCapture(w, n.line, link.CaptureOptions{})
	n.mu.Lock()
	kept := trace{young: n.trace.young.clone(), old: n.trace.old.clone()}
	n.mu.Unlock()
	kept.each(func(r *record, b []byte) {
		p := link.Packet{Data: chunk.Borrow(b)}
		c.Observe(&link.Sighting{At: r.at, Device: r.link, Outgoing: !r.down, Ethernet: true, Fate: r.fate, Packet: &p})
	})
	return c.Flush()
}

// Chance returns a random number of the run for a purpose of the caller's own.
func (n *Net) Chance(purpose string, index int) uint64 {
	b := binary.BigEndian.AppendUint64(nil, n.options.Seed)
	x := mix(n.options.Seed)
	for _, c := range append(b, purpose...) {
		x = mix(x ^ uint64(c))
	}
	return mix(x ^ uint64(index))
}
