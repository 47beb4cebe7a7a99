package packetdrill

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// defaultSlack is how far the time of an event may be off where a script does not say.
const defaultSlack = 4 * time.Millisecond

// started is when the first event of a script happens: late enough that a clock
// which has just begun looks like any other.
const started = mono.Time(time.Second)

// Result is what became of a script.
type Result struct {
	Err     error         // nil when the host did all that the script wants: else an *Error or a *Mismatch
	Packets int           // that crossed the wire, both ways
	Took    time.Duration // virtual time
}

// run is a script on its way.
type run struct {
	script *Script
	line   *timeline.Timeline
	host   *octet.Host
	tap    *tap
	flow   flow
	files  map[int64]*file
	slack  time.Duration
	last   time.Duration // time of the event before, since the start
	count  int
	mtu    int

	blocked *blocked // a call that has not returned
}

// Run runs a script against a fresh host with the given policies, which the
// script's sysctls may change. It takes no real time and opens no device.
func Run(s *Script, p octet.Profile) Result {
	r, err := newRun(s, p)
	if err != nil {
		return Result{Err: err}
	}
	defer r.end()
	for _, e := range s.Events {
		if err := r.event(e); err != nil {
			return Result{err, r.count, r.elapsed()}
		}
	}
	return Result{r.unfinished(), r.count, r.elapsed()}
}

func newRun(s *Script, p octet.Profile) (*run, error) {
	if err := configure(s, &p); err != nil {
		return nil, err
	}
	p.FastOpenWait = time.Hour // a script says itself when the SYN of a Fast Open leaves
	r := &run{script: s, line: timeline.NewManual(), files: map[int64]*file{}, slack: defaultSlack, mtu: 1500}
	local, remote := "192.168.0.1/16", "192.0.2.1"
	for _, o := range s.Options {
		switch o.Name {
		case "ip_version":
			if o.Value == "ipv6" {
				local, remote = "fd3d:a0b:17d6::1/64", "2001:db8::1"
			} else if o.Value != "ipv4" {
				return nil, &Error{s.Name, o.Line, "--ip_version: want ipv4 or ipv6, found " + o.Value}
			}
		case "tolerance_usecs":
			n, err := strconv.Atoi(o.Value)
			if err != nil || n < 0 {
				return nil, &Error{s.Name, o.Line, "--tolerance_usecs: want microseconds, found " + o.Value}
			}
			r.slack = time.Duration(n) * time.Microsecond
		case "mtu":
			n, err := strconv.Atoi(o.Value)
			if err != nil || n < 68 || n > 65535 {
				return nil, &Error{s.Name, o.Line, "--mtu: want 68 to 65535 octets, found " + o.Value}
			}
			r.mtu = n
		}
	}
	return r, r.open(p, netip.MustParsePrefix(local), netip.MustParseAddr(remote))
}

// open makes the host. Its only neighbour is the far end, behind a default route.
func (r *run) open(p octet.Profile, local netip.Prefix, remote netip.Addr) error {
	r.tap = &tap{line: r.line, mtu: r.mtu}
	r.host = octet.NewHost(octet.WithName("drill"), octet.WithTimeline(r.line), octet.WithProfile(p), octet.WithSeed(1))
	nic, err := r.host.Attach(r.tap, local)
	if err != nil {
		r.host.Close()
		return err
	}
	if err := r.host.AddRouteThrough(netip.PrefixFrom(remote, remote.BitLen()), nic); err != nil {
		r.host.Close()
		return err
	}
	r.flow.local = netip.AddrPortFrom(local.Addr(), 8080)
	r.flow.remote = netip.AddrPortFrom(remote, 8080)
	r.line.Advance(started)
	r.tap.seen = nil // what the host said about itself when it came up
	return nil
}

func (r *run) end() {
	r.host.Close()
	r.line.Close()
}

func (r *run) elapsed() time.Duration { return r.line.Now().Sub(started) }

// event waits for its time and does or checks what it says.
func (r *run) event(e *Event) error {
	from, to := r.window(e.When)
	if k, ok := e.Action.(*Packet); ok && k.Out {
		return r.expect(e, k, from, to)
	}
	r.advance(started.Add(from))
	r.last = from
	if e.When.Kind == AnyTime {
		r.last = r.elapsed()
	}
	switch a := e.Action.(type) {
	case *Packet:
		return r.inject(e, a)
	case *Call:
		return r.call(e, a, to)
	}
	return nil // sysctls were applied before; code is not run
}

// window returns the times since the start between which an event may happen.
func (r *run) window(w When) (from, to time.Duration) {
	from, to = w.From, w.To
	switch w.Kind {
	case AnyTime:
		return r.elapsed(), time.Hour
	case Relative, RelativeRange:
		from, to = from+r.last, to+r.last
	}
	if w.Kind == Absolute || w.Kind == Relative {
		if !w.Ends {
			to = from
		}
	}
	return from, to
}

// advance moves the time, event by event, so that a blocked call returns at its moment.
func (r *run) advance(to mono.Time) {
	r.retry()
	for r.line.Next() <= to {
		r.line.Advance(r.line.Next())
		r.retry()
	}
	r.line.Advance(to)
}

// expect waits for the next packet of the host and compares it.
func (r *run) expect(e *Event, want *Packet, from, to time.Duration) error {
	latest := started.Add(to + r.slack)
	got, ok := r.tap.first()
	for !ok && r.line.Next() <= latest {
		r.line.Advance(r.line.Next())
		r.retry()
		got, ok = r.tap.first()
	}
	if !ok {
		r.line.Advance(latest)
		return r.mismatch(e, nil, fmt.Sprintf("no packet until %s", secs(to+r.slack)))
	}
	r.tap.drop()
	r.count++
	at := got.at.Sub(started)
	r.last = from
	if e.When.Kind == AnyTime || e.When.Kind == AbsoluteRange || e.When.Kind == RelativeRange {
		r.last = at
	}
	s, err := r.flow.see(got.octets, want.TCP)
	if err != nil {
		return r.mismatch(e, nil, err.Error())
	}
	s.at = at
	all := differences(want, s, uint32(r.slack/time.Millisecond))
	if at < from-r.slack || at > to+r.slack {
		all = append(all, fmt.Sprintf("time: want %s, seen %s", secs(from), secs(at)))
	}
	if len(all) > 0 {
		return r.mismatch(e, s, all...)
	}
	return nil
}

// inject puts a packet of the script on the wire.
func (r *run) inject(e *Event, k *Packet) error {
	var octets []byte
	var err error
	switch {
	case k.TCP != nil:
		octets, err = r.flow.inject(k.IP, k.TCP)
	case k.ICMP != nil:
		octets, err = r.flow.injectICMP(k.IP, k.ICMP)
	default:
		err = fmt.Errorf("datagrams to the host are not supported")
	}
	if err != nil {
		return &Error{r.script.Name, e.Line, err.Error()}
	}
	r.count++
	r.tap.inject(octets)
	r.retry()
	return nil
}

// unfinished reports a call that has not returned by the end of the script.
func (r *run) unfinished() error {
	if r.blocked == nil {
		return nil
	}
	r.advance(started.Add(r.blocked.until + r.slack))
	if r.blocked == nil || r.blocked.err != nil {
		return r.settle()
	}
	return r.mismatch(r.blocked.event, nil, "the call has not returned")
}

// Mismatch says where the host did something else than the script wants.
type Mismatch struct {
	File string
	Line int
	Want string   // the line of the script
	Seen string   // what came instead, in the same language; empty if nothing did
	Why  []string // what differs
}

// Error shows both, one above the other.
func (m *Mismatch) Error() string {
	seen := m.Seen
	if seen == "" {
		seen = "nothing"
	}
	return fmt.Sprintf("%s:%d: %s\n    expected  %s\n    seen      %s", m.File, m.Line, strings.Join(m.Why, "; "), m.Want, seen)
}

func (r *run) mismatch(e *Event, got *sighting, why ...string) error {
	m := &Mismatch{File: r.script.Name, Line: e.Line, Want: e.Source, Why: why}
	if got != nil {
		m.Seen = got.String()
	}
	return m
}
