package cc

import (
	"slices"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

// These are the test cases that the draft lists in its appendix "BBR Example Test
// Cases", each over the model network of 20 Mbit/s and 50 ms.

type bbrRun struct {
	*testing.T
	m *model
	f *flow
	b *BBR
}

func runBBR(t *testing.T, buffer float64) *bbrRun {
	m := newModel(path{rate: goldenRate, rtt: 50 * ms, seed: 3}, buffer)
	b := NewBBR(Params{MSS: seg, Seed: 1})
	return &bbrRun{t, m, m.add(b, 0), b}
}

// until runs, a millisecond at a time, until cond holds, for limit at most.
func (r *bbrRun) until(what string, limit time.Duration, cond func() bool) {
	r.Helper()
	for end := r.m.now.Add(limit); !cond(); {
		if r.m.now > end {
			r.Fatalf("%s: not within %v (%s)", what, limit, r.b.State().Phase)
		}
		r.m.run(r.m.now.Add(ms))
	}
}

func (r *bbrRun) reach(s bbrState, limit time.Duration) {
	r.Helper()
	r.until("state "+bbrGains[s].name, limit, func() bool { return r.b.state == s })
}

func (r *bbrRun) wantState(s bbrState) {
	r.Helper()
	if r.b.state != s {
		r.Fatalf("state %q at %v, want %q", r.b.State().Phase, r.m.now, bbrGains[s].name)
	}
}

// wantBandwidth wants max_bw within percent of the bottleneck's rate.
func (r *bbrRun) wantBandwidth(percent float64) {
	r.Helper()
	if got := 100 * (float64(r.b.bw.max)/float64(r.m.rate) - 1); got < -percent || got > percent {
		r.Fatalf("max_bw is %.1f %% off the rate, want within %g %%", got, percent)
	}
}

func TestBBRStartupEndsOnPlateau(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(drain, 2*time.Second)
	r.wantBandwidth(2)
	if !r.b.full.now || !r.b.full.reached || r.b.full.count != 3 {
		t.Errorf("full pipe: %+v", r.b.full)
	}
}

func TestBBRStartupEndsOnLoss(t *testing.T) {
	r := runBBR(t, 4)
	r.f.every = 2 * ms // the application writes 4 Mbit/s
	r.m.run(mono.Time(3 * time.Second))
	// "the connection stays in STARTUP indefinitely" without loss …
	r.wantState(startup)
	r.f.every = ms / 2 // 16 Mbit/s: enough losses for each round
	r.m.run(mono.Time(4 * time.Second))
	r.wantState(startup)
	// … and leaves on 2 % of loss in six places of a round, "even when bandwidth
	// samples are application-limited".
	r.m.loss = 0.2
	r.until("leaving startup", 2*time.Second, func() bool { return r.b.state != startup })
	if !r.b.full.reached {
		t.Error("full_bw_reached is not set")
	}
}

func TestBBRDrainEndsOnInflight(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(drain, 2*time.Second)
	if got, want := r.b.PacingRate(), r.b.bw.bw*50*99/10000; got != want {
		t.Errorf("pacing rate %d in drain, want half of the bandwidth, %d", got, want)
	}
	r.until("leaving drain", time.Second, func() bool { return r.b.state != drain })
	// A quantum may have left since.
	if bdp := r.b.inflight(r.b.bw.bw, 100); r.f.inflight() > int(bdp)+4*seg {
		t.Errorf("left drain with %d in flight of %d", r.f.inflight(), bdp)
	}
}

func TestBBRDrainEndsOnTime(t *testing.T) {
	r := runBBR(t, 40)
	r.reach(drain, 2*time.Second)
	r.m.rate /= 4 // far less than was measured: the queue does not drain
	begin := r.b.round.count
	r.until("leaving drain", 5*time.Second, func() bool { return r.b.state != drain })
	if got := r.b.round.count - begin; got > 4 {
		t.Errorf("drain took %d rounds, 3 are allowed", got)
	}
}

func TestBBRCycle(t *testing.T) {
	r := runBBR(t, 4)
	var seen []bbrState
	last := startup
	for r.m.now < mono.Time(20*time.Second) {
		r.m.run(r.m.now.Add(ms))
		if r.b.state != last {
			last = r.b.state
			seen = append(seen, last)
		}
	}
	// down → cruise → refill → up → down, with an excursion to probe rtt from any.
	next := map[bbrState][]bbrState{
		drain:       {probeDown, probeCruise},
		probeDown:   {probeCruise, probeRefill, probeRTT},
		probeCruise: {probeRefill, probeRTT},
		probeRefill: {probeUp, probeRTT},
		probeUp:     {probeDown, probeRTT},
		probeRTT:    {probeCruise},
	}
	for i := 1; i < len(seen); i++ {
		if !slices.Contains(next[seen[i-1]], seen[i]) {
			t.Errorf("%q → %q", bbrGains[seen[i-1]].name, bbrGains[seen[i]].name)
		}
	}
	for _, s := range []bbrState{probeDown, probeCruise, probeRefill, probeUp, probeRTT} {
		if !slices.Contains(seen, s) {
			t.Errorf("never in %q", bbrGains[s].name)
		}
	}
}

func TestBBRUpEndsOnPlateau(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(probeUp, 10*time.Second)
	r.until("leaving probe up", time.Second, func() bool { return r.b.state != probeUp })
	r.wantState(probeDown)
	if r.b.full.count != 3 || r.b.cycle.tooHigh {
		t.Errorf("left probe up with %+v, too high %v", r.b.full, r.b.cycle.tooHigh)
	}
}

func TestBBRUpEndsOnLoss(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(probeUp, 10*time.Second)
	r.m.run(r.m.now.Add(60 * ms))
	r.wantState(probeUp)
	r.m.loss = 0.2
	r.reach(probeDown, time.Second)
	if !r.b.cycle.tooHigh || r.b.inflightLong == maxWindow {
		t.Errorf("too high %v, inflight_longterm %d", r.b.cycle.tooHigh, r.b.inflightLong)
	}
	// "this Beta (0.7x) bound": no harder than CUBIC.
	if low := scale(r.b.bdp(r.b.bw.bw, 100), 60); r.b.inflightLong < low {
		t.Errorf("inflight_longterm fell to %d", r.b.inflightLong)
	}
	// The next probe is precautionary: it ends as soon as that volume is in flight.
	r.m.loss = 0
	r.reach(probeUp, 10*time.Second)
	r.until("leaving probe up", time.Second, func() bool { return r.b.state != probeUp })
	if r.wantState(probeDown); !r.b.cycle.precautionary {
		t.Error("the probe after a loss was not precautionary")
	}
	// "the flow immediately returns to ProbeBW_REFILL", bypassing cruise.
	r.reach(probeRefill, 200*ms)
}

func TestBBRUpDoesNotEndWhenApplicationLimited(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(probeUp, 10*time.Second)
	r.f.every = 2 * ms
	r.m.run(r.m.now.Add(4 * time.Second))
	r.until("probe up", time.Second, func() bool { return r.b.state == probeUp || r.b.state == probeRTT })
}

func TestBBRDownEndsOnInflight(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(probeUp, 10*time.Second)
	r.reach(probeDown, time.Second)
	r.m.run(r.m.now.Add(ms))
	if got, want := r.b.PacingRate(), r.b.bw.bw*90*99/10000; got != want {
		t.Errorf("pacing rate %d, want 90 %% of the bandwidth, %d", got, want)
	}
	r.until("leaving probe down", 3*time.Second, func() bool { return r.b.state != probeDown })
	r.wantState(probeCruise)
	if r.f.inflight() > int(r.b.inflight(r.b.bw.max, 100))+4*seg {
		t.Errorf("cruises with %d in flight", r.f.inflight())
	}
}

func TestBBRDownEndsOnTime(t *testing.T) {
	r := runBBR(t, 40)
	r.reach(probeUp, 10*time.Second)
	r.reach(probeDown, time.Second)
	r.m.rate = r.m.rate / 100 * 70
	wait := r.b.cycle.stamp.Add(r.b.cycle.wait)
	for r.b.state == probeDown {
		r.m.run(r.m.now.Add(ms))
	}
	if r.m.now > wait.Add(200*ms) {
		t.Errorf("probe down lasted until %v, bw_probe_wait was over at %v", r.m.now, wait)
	}
}

func TestBBRProbesTheRTT(t *testing.T) {
	r := runBBR(t, 4)
	for range 3 {
		begin := r.m.now
		r.reach(probeRTT, 6*time.Second)
		entered := r.m.now
		r.m.run(r.m.now.Add(100 * ms))
		// Half of the BDP is in flight.
		if bdp := goldenRate / 20; r.f.inflight() > bdp*6/10 {
			t.Errorf("%d in flight of a BDP of %d", r.f.inflight(), bdp)
		}
		r.until("leaving probe rtt", time.Second, func() bool { return r.b.state != probeRTT })
		r.wantState(probeCruise)
		if d := r.m.now.Sub(entered); d < 200*ms || d > 400*ms {
			t.Errorf("probe rtt lasted %v", d)
		}
		if begin > 0 && entered.Sub(begin) < 4900*ms {
			t.Errorf("probe rtt after %v", entered.Sub(begin))
		}
		if min := r.b.rtt.min; min > 51*ms {
			t.Errorf("min_rtt = %v after probe rtt", min)
		}
	}
}

func TestBBRIdleIsAsGoodAsProbeRTT(t *testing.T) {
	r := runBBR(t, 4)
	r.reach(probeCruise, 2*time.Second)
	r.f.paused = true
	r.m.run(r.m.now.Add(6 * time.Second))
	r.f.paused = false
	r.f.wake = r.m.now
	r.m.run(r.m.now.Add(2 * ms))
	if !r.b.idleRestart {
		t.Error("idle_restart is not set")
	}
	for end := r.m.now.Add(time.Second); r.m.now < end; r.m.run(r.m.now.Add(ms)) {
		if r.b.state == probeRTT {
			t.Fatal("probe rtt right after an idle time")
		}
	}
}

func TestBBRAggregation(t *testing.T) {
	r := runBBR(t, 4)
	r.m.batch = 20 * ms
	r.reach(drain, 3*time.Second)
	r.wantBandwidth(5)
	r.reach(probeCruise, time.Second)
	r.m.run(r.m.now.Add(time.Second))
	if extra := r.b.agg.extra(); extra < goldenRate/100 || int(extra) > r.b.Window() {
		t.Errorf("extra_acked = %d with 20 ms of acknowledgements at once", extra)
	}
	begin := r.f.delivered
	r.m.run(r.m.now.Add(2 * time.Second))
	if use := float64(r.f.delivered-begin) / (2 * goldenRate); use < 0.93 {
		t.Errorf("use of the rate is %.2f", use)
	}
}

func TestBBRSubPacketBDP(t *testing.T) {
	m := &model{path: path{rate: 8000, rtt: 10 * ms, buffer: 20 * seg}}
	b := NewBBR(Params{MSS: seg})
	r := &bbrRun{t, m, m.add(b, 0), b}
	r.reach(probeCruise, 60*time.Second)
	begin := r.f.delivered
	r.m.run(r.m.now.Add(20 * time.Second))
	// MinPipeCwnd is 4 segments; the offload budget of three quanta makes them 6, and
	// acknowledgements of whole segments look like aggregation of one or two.
	if w := b.Window(); w < 4*seg || w > 9*seg {
		t.Errorf("window %d, want 4 to 9 segments", w)
	}
	if use := float64(r.f.delivered-begin) / (20 * 8000); use < 0.9 {
		t.Errorf("use of the rate is %.2f", use)
	}
}

func TestBBRFindsTenTimesTheBandwidth(t *testing.T) {
	r := runBBR(t, 1)
	r.reach(probeCruise, 3*time.Second)
	r.m.rate *= 10
	r.m.buffer *= 10
	r.until("the new bandwidth", 30*time.Second, func() bool {
		return float64(r.b.bw.max) > 0.95*float64(r.m.rate)
	})
	r.wantBandwidth(5)
}

func TestBBRForgetsTenTimesTheBandwidth(t *testing.T) {
	r := runBBR(t, 1)
	r.reach(probeCruise, 3*time.Second)
	r.m.rate /= 10
	r.m.buffer /= 10
	// The short-term model follows the losses within rounds …
	r.until("bw_shortterm", 3*time.Second, func() bool { return r.b.bw.bw < 2*r.m.rate })
	// … the long-term one within two cycles of probing.
	r.until("max_bw", 20*time.Second, func() bool {
		return float64(r.b.bw.max) < 1.1*float64(r.m.rate)
	})
}

func TestBBRUndo(t *testing.T) {
	for name, spurious := range map[string]func(r *bbrRun){
		"fast recovery": func(r *bbrRun) {
			r.b.Lost(Event{Now: r.m.now, Inflight: r.f.inflight(), Lost: seg})
			a := tell(r.T, "newreno", Params{}).base(seg)
			a.Now, a.Lost, a.InRecovery, a.Inflight = r.m.now, 20*seg, true, r.f.inflight()
			a.Loss = LossSample{TxInFlight: r.f.inflight(), Since: 20 * seg}
			a.Rate = RateSample{Total: r.f.delivered, PriorTotal: r.f.delivered - seg}
			r.b.Acked(a)
			r.wantState(probeDown)
		},
		"timeout": func(r *bbrRun) {
			r.b.TimedOut(r.m.now, 1, r.f.inflight())
			if r.b.Window() != seg {
				r.Errorf("window %d after a timeout", r.b.Window())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := runBBR(t, 4)
			r.reach(probeUp, 10*time.Second)
			r.m.run(r.m.now.Add(60 * ms))
			window, long := r.b.Window(), r.b.inflightLong
			spurious(r)
			r.b.Undo(r.m.now)
			// "returning to ProbeBW by starting a refill phase to restart the probe".
			if r.b.state != probeUp && r.b.state != probeRefill {
				t.Errorf("in %q", r.b.State().Phase)
			}
			if r.b.Window() != window || r.b.inflightLong != long || r.b.bw.short != bbrNoBound {
				t.Errorf("window %d of %d, inflight_longterm %d of %d", r.b.Window(), window, r.b.inflightLong, long)
			}
		})
	}
}

func TestBBRProbeRTTInStartup(t *testing.T) {
	r := runBBR(t, 4)
	// Round trips that only get longer let the estimate expire while the application
	// keeps the flow in startup.
	r.f.every = 10 * ms
	r.m.run(mono.Time(time.Second))
	r.m.rtt += 20 * ms
	r.reach(probeRTT, 7*time.Second)
	r.until("leaving probe rtt", time.Second, func() bool { return r.b.state != probeRTT })
	r.wantState(startup)
}

func TestBBRDraws(t *testing.T) {
	waits := func(seed uint64) (w [4]time.Duration) {
		b := NewBBR(Params{Seed: seed})
		for i := range w {
			b.startDown(0)
			w[i] = b.cycle.wait
			if w[i] < 2*time.Second || w[i] >= 3*time.Second {
				t.Errorf("bw_probe_wait = %v, want 2 to 3 s", w[i])
			}
		}
		return w
	}
	if first, again := waits(1), waits(1); first != again {
		t.Error("equal seeds, unequal draws")
	}
	if waits(1) == waits(2) {
		t.Error("unequal seeds, equal draws")
	}
}

func TestBBRMarks(t *testing.T) {
	r := runBBR(t, 4)
	r.m.mark = 5 * seg
	r.m.run(mono.Time(10 * time.Second))
	// Marks bound what is in flight as losses do: the queue stays near the threshold.
	if r.b.inflightLong == maxWindow {
		t.Error("marks set no bound")
	}
	if mean := r.f.meanRTT(); mean > 60 {
		t.Errorf("mean round trip %.1f ms with marks from 2 ms of queue", mean)
	}
}
