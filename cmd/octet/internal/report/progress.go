package report

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/octet-net/octet/cmd/octet/internal/quantity"
)

// progressAfter is how long a run must last before its progress is shown, so that
// short ones stay silent; progressEvery is how often it is drawn again.
const (
	progressAfter = time.Second
	progressEvery = 100 * time.Millisecond
)

// Progress shows on a terminal how far a long transfer is. Anywhere else it does nothing.
type Progress struct {
	what  string
	total int64 // octets; zero if nobody knows
	to    *output

	mu    sync.Mutex
	shown bool // somebody looks, and it is not over
	begun time.Time
	drawn time.Time // zero before the first line
}

// Progress returns a progress line for a transfer of total octets, or of an unknown
// number of them if total is zero.
func (r *Reporter) Progress(what string, total int64) *Progress {
	return &Progress{
		what: what, total: total, to: r.output, begun: time.Now(),
		shown: !r.Quiet && !r.JSON && Terminal(r.diag),
	}
}

// Set says how many octets are done.
func (p *Progress) Set(done int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown {
		return
	}
	now := time.Now()
	if now.Sub(p.begun) >= progressAfter && now.Sub(p.drawn) >= progressEvery {
		p.drawn = now
		p.to.draw(p.line(done, now.Sub(p.begun)))
	}
}

// Done takes the line away.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.shown = false
		p.to.draw("")
	}
}

func (p *Progress) line(done int64, passed time.Duration) string {
	speed := quantity.Bytes(int64(float64(done)/passed.Seconds())) + "/s"
	if p.total <= 0 {
		return fmt.Sprintf("%s %s, %s", p.what, quantity.Bytes(done), speed)
	}
	const width = 24
	part := min(float64(done)/float64(p.total), 1)
	full := int(part * width)
	bar := strings.Repeat("█", full) + strings.Repeat("░", width-full)
	return fmt.Sprintf("%s %s %3.0f%% of %s, %s", p.what, bar, part*100, quantity.Bytes(p.total), speed)
}

// A Status shows on a terminal what a long run is doing. Anywhere else it does nothing.
type Status struct {
	to    *output
	shown bool
	begun time.Time
}

// Status returns the status line of a run that begins now.
func (r *Reporter) Status() *Status {
	return &Status{to: r.output, begun: time.Now(), shown: !r.Quiet && !r.JSON && Terminal(r.diag)}
}

// Set says what is being done.
func (s *Status) Set(what string) {
	if s.shown && time.Since(s.begun) >= progressAfter {
		s.to.draw(what)
	}
}

// Done takes the line away.
func (s *Status) Done() {
	if s.shown {
		s.to.draw("")
	}
}
