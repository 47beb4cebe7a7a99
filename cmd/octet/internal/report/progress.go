package report

import (
	"fmt"
	"io"
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

	mu    sync.Mutex
	w     io.Writer // nil where nothing is shown
	begun time.Time
	drawn time.Time // zero before the first line
}

// Progress returns a progress line for a transfer of total octets, or of an unknown
// number of them if total is zero.
func (r *Reporter) Progress(what string, total int64) *Progress {
	p := &Progress{what: what, total: total, begun: time.Now()}
	if !r.Quiet && !r.JSON && Terminal(r.diag) {
		p.w = r.diag
	}
	return p
}

// Set says how many octets are done.
func (p *Progress) Set(done int64) { p.set(time.Now(), done) }

func (p *Progress) set(now time.Time, done int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || now.Sub(p.begun) < progressAfter || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn = now
	fmt.Fprintf(p.w, "\r\x1b[K%s", p.line(done, now.Sub(p.begun)))
}

// Done takes the line away.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil && !p.drawn.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.w = nil
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
