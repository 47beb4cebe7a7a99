package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"
)

// A Plan says what is measured.
type Plan struct {
	Works  []Work
	Stacks []Stack // the first is the one that is compared with the others
	Rounds int
	Span   time.Duration // of one measurement

	Progress   func(what string, done, total int) // told before each measurement; may be nil
	CPUProfile string                             // folder for a CPU profile of each work on each stack, if not empty
	MemProfile string                             // folder for a profile of what each allocates
}

// A Figure is what the rounds of a work on a stack gave.
type Figure struct {
	Work, Stack string
	All         []float64 // by round
}

// A Table holds all figures of a plan.
type Table struct {
	Works   []Work
	Stacks  []string // the first is the one that is compared with the others
	figures map[[2]string]*Figure
}

// Figure returns what a work gave on a stack; nil if the stack cannot do it.
func (t *Table) Figure(work, stack string) *Figure { return t.figures[[2]string{work, stack}] }

// Run measures: round by round, in each every work, and every work on all stacks
// one after another, in turning order.
func (p *Plan) Run(ctx context.Context) (*Table, error) {
	t := &Table{Works: p.Works, figures: map[[2]string]*Figure{}}
	for _, s := range p.Stacks {
		t.Stacks = append(t.Stacks, s.Name)
	}
	done, total := 0, p.Rounds*len(p.Works)*len(p.Stacks)
	for round := range p.Rounds {
		for i := range p.Works {
			w := &p.Works[i]
			for j := range p.Stacks {
				s := &p.Stacks[(j+round)%len(p.Stacks)]
				p.tell(fmt.Sprintf("%s on %s", w.Title, s.Name), done, total)
				done++
				if err := t.measure(ctx, w, s, p.Span); err != nil {
					return t, err
				}
			}
		}
	}
	return t, p.profile(ctx)
}

func (p *Plan) tell(what string, done, total int) {
	if p.Progress != nil {
		p.Progress(what, done, total)
	}
}

// measure adds one figure to the table.
func (t *Table) measure(ctx context.Context, w *Work, s *Stack, span time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	runtime.GC() // nobody pays for the rubbish of the one before
	v, err := w.measure(s, span)
	switch {
	case errors.Is(err, ErrNone):
		return nil
	case err != nil:
		return fmt.Errorf("%s on %s: %w", w.Name, s.Name, err)
	}
	key := [2]string{w.Name, s.Name}
	if t.figures[key] == nil {
		t.figures[key] = &Figure{Work: w.Name, Stack: s.Name}
	}
	t.figures[key].All = append(t.figures[key].All, v)
	return nil
}

// Median returns the middle figure: of an even number the mean of the two.
func Median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// Ratio returns how many times as good the first stack is as a rival at a work,
// as the median of the ratios of the rounds; ok is false if one cannot do it.
func (t *Table) Ratio(w *Work, rival string) (ratio float64, ok bool) {
	a, b := t.Figure(w.Name, t.Stacks[0]), t.Figure(w.Name, rival)
	if a == nil || b == nil {
		return 0, false
	}
	var list []float64
	for i := range min(len(a.All), len(b.All)) {
		x, y := a.All[i], b.All[i]
		if w.Less {
			x, y = y, x
		}
		if y > 0 {
			list = append(list, x/y)
		}
	}
	return Median(list), len(list) > 0
}

// profile runs everything once more, which does not count, and writes profiles.
func (p *Plan) profile(ctx context.Context) error {
	for i := range p.Works {
		for j := range p.Stacks {
			w, s := &p.Works[i], &p.Stacks[j]
			name := w.Name + "-" + s.Name + ".pprof"
			if p.CPUProfile != "" {
				if err := p.profiled(ctx, w, s, filepath.Join(p.CPUProfile, name), startCPU); err != nil {
					return err
				}
			}
			if p.MemProfile != "" {
				if err := p.profiled(ctx, w, s, filepath.Join(p.MemProfile, name), startAllocs); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// profiled runs one work on one stack with a profile that start begins.
func (p *Plan) profiled(ctx context.Context, w *Work, s *Stack, path string, start func(*os.File) (stop func() error, err error)) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	stop, err := start(f)
	if err != nil {
		return err
	}
	_, err = w.measure(s, p.Span)
	if err = errors.Join(err, stop()); errors.Is(err, ErrNone) {
		return os.Remove(path)
	}
	return err
}

func startCPU(f *os.File) (func() error, error) {
	return func() error { pprof.StopCPUProfile(); return nil }, pprof.StartCPUProfile(f)
}

// startAllocs writes every allocation, from the beginning of the process on: what
// came before can be taken off with go tool pprof -base.
func startAllocs(f *os.File) (func() error, error) {
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 512
	return func() error {
		runtime.MemProfileRate = rate
		runtime.GC()
		return pprof.Lookup("allocs").WriteTo(f, 0)
	}, nil
}
