package perf

import (
	"fmt"
	"strings"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/quantity"
	"github.com/octet-net/octet/cmd/octet/internal/report"
)

// Events are the objects of the JSON output of a client, besides start and end.
var Events = report.Events{"connected": {connectedBody{}}, "interval": {intervalBody{}}}

type connectedBody struct {
	Local   string `json:"local"`
	Peer    string `json:"peer"`
	Work    string `json:"work"`
	UDP     bool   `json:"udp"`
	Reverse bool   `json:"reverse"`
	Streams int    `json:"streams"`
	Length  int    `json:"length_octets"`
}

type intervalBody struct {
	From   int64   `json:"from_us"`
	To     int64   `json:"to_us"`
	Octets int64   `json:"octets" jsonschema:"that this end has sent, or received with reverse"`
	Bits   float64 `json:"bits_per_second"`
	Turns  int64   `json:"turns,omitempty" jsonschema:"requests or connections"`
}

// A Summary has the figures of a measurement.
type Summary struct {
	Work    string `json:"work"`
	UDP     bool   `json:"udp"`
	Reverse bool   `json:"reverse"`
	Streams int    `json:"streams"`

	Sent         int64   `json:"sent_octets"`
	Received     int64   `json:"received_octets"`
	SentBits     float64 `json:"sent_bits_per_second"`
	ReceivedBits float64 `json:"received_bits_per_second" jsonschema:"by the receiver's clock"`
	Retransmits  *int64  `json:"retransmits,omitempty" jsonschema:"segments that the sender had to send again; absent if it does not know"`

	Packets int64   `json:"sent_packets,omitempty" jsonschema:"datagrams"`
	Lost    int64   `json:"lost_packets,omitempty"`
	Late    int64   `json:"late_packets,omitempty" jsonschema:"that came after one that was sent later"`
	Jitter  float64 `json:"jitter_us,omitempty" jsonschema:"RFC 3550 §6.4.1"`

	Turns  int64   `json:"turns,omitempty" jsonschema:"requests or connections"`
	Failed int64   `json:"failed,omitempty" jsonschema:"requests over UDP that nobody answered"`
	Rate   float64 `json:"turns_per_second,omitempty"`
	Times  *Times  `json:"latency,omitempty"`

	elapsed time.Duration
	far     result
	moved   time.Duration // by the receiver's clock
}

// Times are latencies, each to three per cent.
type Times struct {
	Min  float64 `json:"min_us"`
	Mean float64 `json:"mean_us"`
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func timesOf(l *latencies) *Times {
	return &Times{micros(l.min), micros(l.mean()), micros(l.quantile(0.5)), micros(l.quantile(0.9)), micros(l.quantile(0.99)), micros(l.quantile(0.999)), micros(l.max)}
}

// Summary returns the figures.
func (c *Client) Summary() Summary { return c.sum }

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// fill works the figures out.
func (s *Summary) fill(c *Client) {
	near := c.meter.result()
	sender, receiver, sendTime := near, s.far, s.elapsed
	if c.Reverse {
		sender, receiver, sendTime = s.far, near, s.far.Elapsed
		receiver.Datagrams.end(s.far.Packets)
	}
	if c.Work != Stream {
		s.Turns, s.Failed = c.turns.Load(), c.failed.Load()
		s.Rate = perSecond(s.Turns, s.elapsed)
		s.Times = timesOf(&c.times)
		s.Sent, s.Received = near.Octets, near.Octets
		s.SentBits = 8 * perSecond(near.Octets, s.elapsed)
		s.ReceivedBits = s.SentBits
		return
	}
	s.moved = receiver.Elapsed
	if s.moved < time.Millisecond { // all came at once: what was needed to send it counts
		s.moved = max(s.moved, sendTime)
	}
	s.Sent, s.Received = sender.Octets, receiver.Octets
	s.SentBits, s.ReceivedBits = 8*perSecond(s.Sent, sendTime), 8*perSecond(s.Received, s.moved)
	if sender.Counted {
		s.Retransmits = &sender.Retransmits
	}
	d := receiver.Datagrams
	s.Packets, s.Lost, s.Late, s.Jitter = sender.Packets, d.Lost, d.Late, micros(d.Jitter)
}

const ruler = "- - - - - - - - - - - - - - - - - - - - - - - - -\n"

// text writes the figures as iperf3 does: one line for each end.
func (s *Summary) text() string {
	if s.Work != string(Stream) {
		return ruler + s.turnsText()
	}
	again, lost := "", ""
	if s.Retransmits != nil {
		again = fmt.Sprintf(", %s segments again", quantity.Group(*s.Retransmits))
	}
	if s.UDP {
		again = fmt.Sprintf(", %s datagrams", quantity.Group(s.Packets))
		share := 0.0
		if s.Packets > 0 {
			share = 100 * float64(s.Lost) / float64(s.Packets)
		}
		lost = fmt.Sprintf(", %s lost (%.3g%%), %s late, jitter %.3f ms", quantity.Group(s.Lost), share, quantity.Group(s.Late), s.Jitter/1000)
	}
	return ruler + line(0, s.elapsed, s.Sent, s.SentBits) + "  sender" + again + "\n" +
		line(0, s.moved, s.Received, s.ReceivedBits) + "  receiver" + lost + "\n"
}

func (s *Summary) turnsText() string {
	failed := ""
	if s.Failed > 0 {
		failed = fmt.Sprintf(", %s without an answer", quantity.Group(s.Failed))
	}
	what := s.Work
	if s.Work == string(Connects) {
		what = "connections"
	}
	t := s.Times
	return fmt.Sprintf("%s  %s %s, %s/s%s\n", span(0, s.elapsed), quantity.Group(s.Turns), what, quantity.Group(int64(s.Rate)), failed) +
		fmt.Sprintf("latency  min %s  mean %s  p50 %s  p90 %s  p99 %s  p99.9 %s  max %s\n",
			short(t.Min), short(t.Mean), short(t.P50), short(t.P90), short(t.P99), short(t.P999), short(t.Max))
}

// short writes a time of microseconds.
func short(us float64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%.3g µs", us)
	case us < 1e6:
		return fmt.Sprintf("%.3g ms", us/1000)
	}
	return fmt.Sprintf("%.3g s", us/1e6)
}

func span(from, to time.Duration) string {
	return fmt.Sprintf("%6.2f-%-6.2f sec", from.Seconds(), to.Seconds())
}

func line(from, to time.Duration, octets int64, bits float64) string {
	return fmt.Sprintf("%s  %9s  %12s", span(from, to), quantity.Bytes(octets), bitsText(bits))
}

// bitsText writes a rate with three digits.
func bitsText(bits float64) string {
	unit := 0
	units := []string{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"}
	for bits >= 999.5 && unit < len(units)-1 {
		bits /= 1000
		unit++
	}
	return fmt.Sprintf("%.3g %s", bits, units[unit])
}

// announce says what is measured.
func (c *Client) announce() {
	what := "TCP"
	if c.UDP {
		what = "UDP"
	}
	words := []string{what, string(c.Work)}
	if c.Streams > 1 {
		words = append(words, fmt.Sprintf("%d at a time", c.Streams))
	}
	if c.Reverse {
		words = append(words, "the server sends")
	}
	local, peer := c.control.LocalAddr().String(), c.control.RemoteAddr().String()
	c.Report.Printf("from %s to %s: %s\n", local, peer, strings.Join(words, ", "))
	c.Report.Event("connected", connectedBody{local, peer, string(c.Work), c.UDP, c.Reverse, c.Streams, c.Length})
}

// follow writes a line each interval until what it returns is called.
func (c *Client) follow() (stop func()) {
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		next := time.NewTicker(c.Interval)
		defer next.Stop()
		var from time.Duration
		var octets, turns int64
		for {
			select {
			case <-ended:
				return
			case <-next.C:
			}
			to, o, n := time.Since(c.begun), c.meter.octets.Load(), c.turns.Load()
			c.interval(from, to, o-octets, n-turns)
			from, octets, turns = to, o, n
		}
	}()
	return func() {
		close(ended)
		<-gone
	}
}

func (c *Client) interval(from, to time.Duration, octets, turns int64) {
	bits := 8 * perSecond(octets, to-from)
	c.Report.Event("interval", intervalBody{from.Microseconds(), to.Microseconds(), octets, bits, turns})
	switch {
	case c.Report.Quiet:
	case c.Work == Stream:
		c.Report.Printf("%s\n", line(from, to, octets, bits))
	default:
		c.Report.Printf("%s  %12s/s\n", span(from, to), quantity.Group(int64(perSecond(turns, to-from))))
	}
}
