package sim

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/vnet"
)

// An Option says how a simulation differs from the default.
type Option func(*settings)

type settings struct {
	start   time.Time
	options vnet.Options
}

// StartAt begins at a date: a bubble begins on 2000-01-01, before most certificates
// are valid. Earlier dates cannot be had.
func StartAt(date time.Time) Option { return func(s *settings) { s.start = date } }

// WithProfile sets the policies of all hosts. The default is octet.Linux with a
// send buffer without limit.
func WithProfile(p octet.Profile) Option { return func(s *settings) { s.options.Profile = &p } }

// WithARP has neighbours found by ARP and NDP over the links, which delay and lose them too.
func WithARP() Option { return func(s *settings) { s.options.WireARP = true } }

// WithRecord keeps so many octets of the latest packets for the report of a failure.
func WithRecord(octets int) Option { return func(s *settings) { s.options.Record = octets } }

// Elastic returns the default policies: those of Linux, but that Write takes
// whatever it is given.
func Elastic() octet.Profile {
	p := octet.Linux()
	p.TCP.SendBuffer = tcp.Buffer{Initial: 1 << 30, Max: 1 << 30}
	return p
}

// A run is one run of a test.
type run struct {
	name     string
	seed     uint64
	f        func(*testing.T, *Net)
	settings settings
	net      *Net // of the last run; nil until it began
}

// Test runs f in a bubble with an empty network, as a subtest that is called by
// its seed. When f returns the network is closed, and goroutines of the bubble
// that then do not end are errors. See the package for what happens on a failure.
//
// It must not be called inside a bubble. In f, t.Run and t.Parallel cannot be used.
func Test(t *testing.T, f func(t *testing.T, n *Net), list ...Option) {
	t.Helper()
	all, err := seeds(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	base := run{name: t.Name(), f: f}
	p := Elastic()
	base.settings.options.Profile = &p
	for _, o := range list {
		o(&base.settings)
	}
	if err := base.readSchedule(); err != nil {
		t.Fatal(err)
	}
	for i, seed := range all {
		r := base
		r.seed = seed
		if !t.Run(fmt.Sprintf("seed=%#x", seed), r.once) {
			if len(all) > 1 {
				t.Logf("sim: seed %#x, number %d of %d, failed", seed, i+1, len(all))
			}
			r.explain(t)
			return
		}
	}
}

func (r *run) readSchedule() error {
	if *flagSchedule == "" {
		return nil
	}
	f, err := os.Open(*flagSchedule)
	if err != nil {
		return fmt.Errorf("sim: -sim.schedule: %w", err)
	}
	defer f.Close()
	if r.settings.options.Replay, err = vnet.ReadSchedule(f); err != nil {
		return fmt.Errorf("sim: -sim.schedule: %s: %w", *flagSchedule, err)
	}
	return nil
}

// once is one run, as a subtest.
func (r *run) once(t *testing.T) {
	w := newWatchdog(r.name)
	defer w.stop()
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && strings.HasPrefix(err.Error(), "deadlock:") {
			r.deadlock(t, err, w.bubble)
		} else if p != nil {
			panic(p)
		}
	}()
	defer r.settle(t)()
	synctest.Test(t, func(t *testing.T) {
		w.enter()
		if !r.settings.start.IsZero() {
			time.Sleep(time.Until(r.settings.start))
		}
		o := r.settings.options
		o.Seed = r.seed
		n := newNet(t, vnet.New(o), w)
		r.net = n
		t.Cleanup(n.finish)
		r.f(t, n)
	})
}

// settle takes from chance what can be taken from it before the bubble begins: one
// processor, so that goroutines do not run side by side, and the randomness of
// cryptography, on which the lengths of signatures depend.
func (r *run) settle(t *testing.T) (restore func()) {
	processors := runtime.GOMAXPROCS(1)
	unseed := seedRuntime(r.seed)
	fixCrypto(t, r.seed)
	return func() {
		unseed()
		runtime.GOMAXPROCS(processors)
	}
}

// fixCrypto draws cryptographic randomness from the seed, except in a test that runs
// beside others, whose randomness it is too.
func fixCrypto(t *testing.T, seed uint64) {
	defer func() {
		if p := recover(); p != nil {
			if s, ok := p.(string); !ok || !strings.HasSuffix(s, "can not use t.Parallel") {
				panic(p)
			}
			t.Log("sim: this test runs beside others: what crypto/rand gives is not from the seed")
		}
	}()
	cryptotest.SetGlobalRandom(t, seed)
}

// deadlock reports what synctest has found, which otherwise ends the process.
func (r *run) deadlock(t *testing.T, err error, bubble string) {
	if r.net == nil || !r.net.finished { // else the goroutines that remain were listed
		t.Errorf("sim: %v: nothing can happen any more, and the test has not returned\n%s", err, blocked(bubble))
	}
}
