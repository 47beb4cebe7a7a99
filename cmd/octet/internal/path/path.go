// Package path finds the routers on the way to a host, one by one, by packets that may
// pass fewer of them than there are, and how large a packet each part of the way takes.
package path

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// A Run is one way that is followed.
type Run struct {
	Net    sight.Pinger
	Name   string // as it was asked for
	To     netip.Addr
	Hops   int           // most routers
	Probes int           // packets to each
	Wait   time.Duration // for each answer
	Report *report.Reporter

	mtu   int  // octets of an IP packet that may still pass
	small bool // larger ones vanish without a word
	sum   Summary
}

// Events are the objects of the JSON output, besides start and end.
var Events = report.Events{"hop": {hopBody{}}, "mtu": {mtuBody{}}}

type hopBody struct {
	Hop    int      `json:"hop"`
	From   []string `json:"from" jsonschema:"who answered, each once"`
	RTT    []int64  `json:"rtt_us"`
	Lost   int      `json:"lost" jsonschema:"packets that nobody answered"`
	Notice string   `json:"notice,omitempty" jsonschema:"why the way ends there"`
}

type mtuBody struct {
	Hop  int    `json:"hop"`
	From string `json:"from,omitempty"`
	MTU  int    `json:"mtu" jsonschema:"octets of the largest IP packet that the next link takes; 0 if larger ones vanish without a word"`
}

// A Summary says what was found.
type Summary struct {
	To      string `json:"to"`
	Reached bool   `json:"reached"`
	Hops    int    `json:"hops" jsonschema:"to the host, or as far as it was followed"`
	MTU     int    `json:"pmtu" jsonschema:"octets of the largest IP packet that passes as far as that; 0 if nobody says"`
}

// Summary returns what was found so far.
func (r *Run) Summary() Summary { return r.sum }

// headers are the octets of IP and ICMP header before the data.
func (r *Run) headers() int {
	if r.To.Is4() {
		return 28
	}
	return 48
}

// firstMTU is more than links of Ethernet take. Where the first link takes less, the
// network says so itself.
const firstMTU = 65535

// Run follows the way to its end. It fails if the host is not reached.
func (r *Run) Run(ctx context.Context) error {
	r.mtu, r.sum.To = firstMTU, r.To.String()
	name := r.Name
	if name != r.sum.To {
		name += " (" + r.sum.To + ")"
	}
	r.Report.Printf("path to %s, %d hops at most\n", name, r.Hops)
	for r.sum.Hops = 1; r.sum.Hops <= r.Hops; r.sum.Hops++ {
		h, err := r.hop(ctx, r.sum.Hops)
		if err != nil {
			return r.failure(ctx, err)
		}
		r.tell(h)
		if h.end {
			return r.conclude(h)
		}
	}
	r.sum.Hops = r.Hops
	r.Report.Printf("%s\n", r.mtuText())
	return outcome.Failf(outcome.No, "allow more with --hops", "%s is not reached in %d hops", r.Name, r.Hops)
}

func (r *Run) failure(ctx context.Context, err error) error {
	var own *outcome.Error
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.As(err, &own) {
		return err
	}
	return outcome.Failf(outcome.Of(err), "", "cannot follow the path to %s: %s", r.Name, outcome.Cause(err))
}

// A hop is what is known of one router, or of the end.
type hop struct {
	number int
	from   []netip.Addr
	times  []time.Duration
	lost   int
	end    bool
	notice string // why it is the end, if it is not the host

	narrowed int // how often a smaller MTU was told
}

// maxNarrowed bounds how often one hop makes the packets smaller: a router knows the
// MTU of its link, and does not come to it in small steps.
const maxNarrowed = 8

// hop asks the router that is so many hops away.
func (r *Run) hop(ctx context.Context, number int) (*hop, error) {
	h := &hop{number: number}
	for len(h.times)+h.lost < r.Probes {
		e, err := r.probe(ctx, number)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded) || outcome.Of(err) == outcome.Timeout:
			if h.lost++; h.lost == 1 && !r.small && r.vanishes(ctx, h) {
				h.lost = 0
			}
		case outcome.Of(err) == outcome.Unreachable:
			h.end, h.notice = true, outcome.Cause(err)
			return h, nil
		case err != nil:
			return nil, err
		case e.Kind == sight.TooBig && e.MTU > 0 && e.MTU < r.mtu && h.narrowed < maxNarrowed:
			r.narrow(h, e)
		case e.Kind == sight.TooBig: // it says nothing that helps
			h.lost++
			r.small = true
		default:
			h.add(e)
		}
	}
	return h, nil
}

// probe sends one packet, as large as may pass.
func (r *Run) probe(ctx context.Context, hops int) (sight.Echo, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Wait)
	defer cancel()
	p := sight.Ping{HopLimit: hops, Whole: true, AnyKind: true}
	if !r.small {
		p.Size = max(r.mtu-r.headers(), 0)
	}
	return r.Net.Ping(ctx, r.To, p)
}

// vanishes finds out whether a packet was not answered because it was large: then
// small ones are, and go the rest of the way (RFC 2923 §2.1: a black hole).
func (r *Run) vanishes(ctx context.Context, h *hop) bool {
	r.small = true
	e, err := r.probe(ctx, h.number)
	if err != nil || e.Kind == sight.TooBig {
		r.small = false
		return false
	}
	h.add(e)
	r.Report.Printf("%2d  packets of %s octets vanish here without a word: small ones go on\n", h.number, quantity.Group(r.mtu))
	r.Report.Event("mtu", mtuBody{h.number, "", 0})
	return true
}

// narrow goes on with smaller packets, as somebody on the way wants.
func (r *Run) narrow(h *hop, e sight.Echo) {
	from, who := "", "this host"
	if e.From.IsValid() {
		from = e.From.String()
		who = from
	}
	r.mtu = e.MTU
	h.narrowed++
	r.Report.Printf("%2d  %s: MTU %s\n", h.number, who, quantity.Group(r.mtu))
	r.Report.Event("mtu", mtuBody{h.number, from, r.mtu})
}

// add notes who answered.
func (h *hop) add(e sight.Echo) {
	known := false
	for _, a := range h.from {
		known = known || a == e.From
	}
	if !known {
		h.from = append(h.from, e.From)
	}
	h.times = append(h.times, e.RTT)
	switch e.Kind {
	case sight.Answered:
		h.end = true
	case sight.Unreachable:
		h.end, h.notice = true, e.Notice
	}
}

// tell writes the hop as traceroute(8) does.
func (r *Run) tell(h *hop) {
	body := hopBody{Hop: h.number, From: []string{}, RTT: []int64{}, Lost: h.lost, Notice: h.notice}
	var words []string
	for _, a := range h.from {
		if a.IsValid() {
			words = append(words, a.String())
			body.From = append(body.From, a.String())
		}
	}
	for _, d := range h.times {
		words = append(words, fmt.Sprintf("%.3f ms", float64(d.Microseconds())/1000))
		body.RTT = append(body.RTT, d.Microseconds())
	}
	for range h.lost {
		words = append(words, "*")
	}
	if h.notice != "" {
		words = append(words, h.notice)
	}
	r.Report.Printf("%2d  %s\n", h.number, strings.Join(words, "  "))
	r.Report.Event("hop", body)
}

// conclude says how the way ends.
func (r *Run) conclude(h *hop) error {
	r.sum.Reached = h.notice == ""
	if !r.small && len(h.times) > 0 && r.mtu < firstMTU {
		r.sum.MTU = r.mtu
	}
	r.Report.Printf("%s\n", r.mtuText())
	if !r.sum.Reached {
		return outcome.Failf(outcome.Unreachable, "", "%s is not reached: %s", r.Name, h.notice)
	}
	return nil
}

func (r *Run) mtuText() string {
	hops := "1 hop"
	if r.sum.Hops != 1 {
		hops = fmt.Sprintf("%d hops", r.sum.Hops)
	}
	switch {
	case r.small:
		return fmt.Sprintf("%s, path MTU unknown: less than %s", hops, quantity.Group(r.mtu))
	case r.mtu == firstMTU:
		return fmt.Sprintf("%s, path MTU %s or more", hops, quantity.Group(r.mtu))
	}
	return fmt.Sprintf("%s, path MTU %s", hops, quantity.Group(r.mtu))
}
