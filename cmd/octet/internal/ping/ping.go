// Package ping sends echo requests to a host at intervals and tells what comes back,
// in the words that people know from ping(8).
package ping

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/report"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// A Run is one series of echo requests.
type Run struct {
	Net      sight.Pinger
	Name     string // as it was asked for
	To       netip.Addr
	Request  sight.Ping
	Count    int // 0: without end
	Interval time.Duration
	Wait     time.Duration // longest, for one answer
	Report   *report.Reporter

	mu  sync.Mutex
	sum Summary
}

// Events are the objects of the JSON output, besides start and end.
var Events = report.Events{"answer": {answerBody{}}, "notice": {noticeBody{}}, "lost": {lostBody{}}}

type answerBody struct {
	Seq      int    `json:"seq"`
	From     string `json:"from"`
	HopLimit int    `json:"ttl,omitempty" jsonschema:"that the answer had left"`
	Octets   int    `json:"octets" jsonschema:"of data"`
	RTT      int64  `json:"rtt_us"`
}

type noticeBody struct {
	Seq    int    `json:"seq"`
	From   string `json:"from,omitempty" jsonschema:"who says so; nobody if this host knows it itself"`
	Notice string `json:"notice"`
	MTU    int    `json:"mtu,omitempty"`
}

type lostBody struct {
	Seq int `json:"seq"`
}

// A Summary says what came of all requests.
type Summary struct {
	To       string `json:"to"`
	Sent     int    `json:"sent"`
	Received int    `json:"received"`
	Errors   int    `json:"errors" jsonschema:"ICMP errors"`
	Min      int64  `json:"rtt_min_us"`
	Avg      int64  `json:"rtt_avg_us"`
	Max      int64  `json:"rtt_max_us"`
	Mdev     int64  `json:"rtt_mdev_us" jsonschema:"standard deviation"`

	name       string
	total      time.Duration
	sum, sqsum float64 // of round trips, in seconds
	min, max   time.Duration
}

// Run sends the requests and waits for the answers. It fails if none came.
func (p *Run) Run(ctx context.Context) error {
	p.sum.name, p.sum.To = p.Name, p.To.String()
	begun := time.Now()
	p.Report.Printf("PING %s: %d data octets\n", p.target(), p.Request.Size)
	err := p.series(ctx)
	p.mu.Lock()
	p.sum.total = time.Since(begun)
	p.mu.Unlock()
	s := p.Summary()
	p.Report.Printf("\n%s", s.text())
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case s.Received > 0:
		return nil
	case s.Errors > 0:
		return outcome.Failf(outcome.No, "octet path shows how far packets get", "%s does not answer", p.Name)
	}
	return outcome.Failf(outcome.No, "check the address, or wait longer with --wait", "%s does not answer", p.Name)
}

func (p *Run) target() string {
	if p.Name == p.To.String() {
		return p.Name
	}
	return fmt.Sprintf("%s (%v)", p.Name, p.To)
}

// series sends a request each interval, whether or not those before are answered.
func (p *Run) series(ctx context.Context) error {
	run, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var all sync.WaitGroup
	next := time.NewTimer(0)
	defer next.Stop()
	for seq := 1; p.Count == 0 || seq <= p.Count; seq++ {
		select {
		case <-run.Done():
		case <-next.C:
			next.Reset(p.Interval)
			p.count(func(s *Summary) { s.Sent++ })
			all.Go(func() {
				if err := p.one(run, seq); err != nil {
					fail(err)
				}
			})
			continue
		}
		break
	}
	all.Wait()
	if err := context.Cause(run); ctx.Err() == nil && err != nil {
		return err
	}
	return nil
}

// one sends one request. An error is of this host and concerns all others too.
func (p *Run) one(ctx context.Context, seq int) error {
	wait, cancel := context.WithTimeout(ctx, p.Wait)
	defer cancel()
	e, err := p.Net.Ping(wait, p.To, p.Request)
	switch {
	case err == nil && e.Kind == sight.Answered:
		p.answered(seq, &e)
	case err == nil:
		p.noticed(seq, &e)
	case ctx.Err() != nil: // nobody waits any more
		p.count(func(s *Summary) { s.Sent-- })
	case wait.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		p.line("no answer to seq=%d in %v\n", seq, p.Wait)
		p.Report.Event("lost", lostBody{seq})
	case outcome.Of(err) == outcome.Unreachable:
		p.noticed(seq, &sight.Echo{Notice: outcome.Cause(err)})
	default:
		return outcome.Failf(outcome.Of(err), "", "cannot ping %s: %w", p.Name, err)
	}
	return p.Report.Err()
}

// line writes what came of one request, unless only the summary is wanted.
func (p *Run) line(format string, args ...any) {
	if !p.Report.Quiet {
		p.Report.Printf(format, args...)
	}
}

func (p *Run) count(f func(*Summary)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.sum)
}

func (p *Run) answered(seq int, e *sight.Echo) {
	p.count(func(s *Summary) { s.add(e.RTT) })
	ttl := ""
	if e.HopLimit > 0 {
		ttl = fmt.Sprintf(" ttl=%d", e.HopLimit)
	}
	p.line("%d octets from %v: seq=%d%s time=%s\n", p.Request.Size+8, e.From, seq, ttl, millis(e.RTT))
	p.Report.Event("answer", answerBody{seq, e.From.String(), e.HopLimit, p.Request.Size, e.RTT.Microseconds()})
}

func (p *Run) noticed(seq int, e *sight.Echo) {
	p.count(func(s *Summary) { s.Errors++ })
	from, who := "", "this host"
	if e.From.IsValid() {
		from = e.From.String()
		who = from
	}
	mtu := ""
	if e.MTU > 0 {
		mtu = fmt.Sprintf(" (MTU %d)", e.MTU)
	}
	p.line("from %s: seq=%d %s%s\n", who, seq, e.Notice, mtu)
	p.Report.Event("notice", noticeBody{seq, from, e.Notice, e.MTU})
}

// Summary returns what came so far.
func (p *Run) Summary() Summary {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sum
	if n := float64(s.Received); n > 0 {
		mean := s.sum / n
		s.Min, s.Max, s.Avg = s.min.Microseconds(), s.max.Microseconds(), int64(mean*1e6)
		s.Mdev = int64(math.Round(math.Sqrt(max(s.sqsum/n-mean*mean, 0)) * 1e6))
	}
	return s
}

func (s *Summary) add(rtt time.Duration) {
	if s.Received == 0 || rtt < s.min {
		s.min = rtt
	}
	s.max = max(s.max, rtt)
	s.Received++
	s.sum += rtt.Seconds()
	s.sqsum += rtt.Seconds() * rtt.Seconds()
}

// text is the summary as ping(8) writes it.
func (s *Summary) text() string {
	lost := 0.0
	if s.Sent > 0 {
		lost = 100 * float64(s.Sent-s.Received) / float64(s.Sent)
	}
	errs := ""
	if s.Errors > 0 {
		errs = fmt.Sprintf("+%d errors, ", s.Errors)
	}
	text := fmt.Sprintf("--- %s ping statistics ---\n%d packets transmitted, %d received, %s%.4g%% packet loss, time %dms\n",
		s.name, s.Sent, s.Received, errs, lost, s.total.Milliseconds())
	if s.Received > 0 {
		ms := func(us int64) string { return fmt.Sprintf("%.3f", float64(us)/1000) }
		text += fmt.Sprintf("rtt min/avg/max/mdev = %s/%s/%s/%s ms\n", ms(s.Min), ms(s.Avg), ms(s.Max), ms(s.Mdev))
	}
	return text
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000) }
