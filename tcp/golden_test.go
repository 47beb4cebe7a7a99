package tcp

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

const (
	goldenRate = 10_000_000 / 8 // octets a second
	goldenTime = 20 * time.Second
)

var controls = []string{"newreno", "cubic", "bbr", "prague"}

// TestGoldenNetworks is what two machines make of networks, in one page: what a
// change of the code does to throughput, delay, repetition and fairness is the
// change of this file.
func TestGoldenNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of virtual time")
	}
	var out strings.Builder
	throughputTable(&out)
	markTable(&out)
	countTable(&out)
	orderTable(&out)
	fairnessTable(&out)
	golden(t, "networks.txt", out.String())
}

func throughputTable(out *strings.Builder) {
	fmt.Fprintf(out, "One flow over 10 Mbit/s for 20 s, its opening included: payload in percent of the rate,\n")
	fmt.Fprintf(out, "mean time in the queue in ms, segments sent again in percent, timeouts. Loss is random,\n")
	fmt.Fprintf(out, "the buffer is in multiples of rate × round trip. Without marks Prague is NewReno.\n")
	fmt.Fprintf(out, "A quarter of 10 ms is two segments: there every burst of three loses one.\n\n")
	fmt.Fprintf(out, "%6s %6s %7s", "loss %", "rtt ms", "buffer")
	for _, c := range controls[:3] {
		fmt.Fprintf(out, " | %7s %5s %5s %2s", c, "queue", "again", "to")
	}
	fmt.Fprintln(out)
	for _, delay := range []time.Duration{5 * ms, 20 * ms, 50 * ms} {
		for _, loss := range []float64{0, 0.001, 0.01, 0.05} {
			for _, buffer := range []float64{0.25, 1, 4} {
				if loss > 0.001 && buffer != 1 {
					continue // random loss keeps the queue short: nothing to see
				}
				fmt.Fprintf(out, "%6g %6d %7g", loss*100, 2*delay/ms, buffer)
				for _, c := range controls[:3] {
					p := wirePath{rate: goldenRate, delay: delay, loss: loss, seed: 1}
					p.buffer = p.bdp(buffer)
					fmt.Fprintf(out, " | %s", alone(p, c))
				}
				fmt.Fprintln(out)
			}
		}
	}
	fmt.Fprintln(out)
}

// alone runs one flow and says what became of it.
func alone(p wirePath, control string) string {
	n := &network{wirePath: p}
	f := n.add(control, 0)
	n.run(mono.Time(goldenTime))
	c := f.end[client].Info().Counts
	return fmt.Sprintf("%6.1f%% %5.1f %5.2f %2d", n.use(f, goldenTime), f.queueing().Seconds()*1000,
		100*float64(c.Retransmits)/float64(c.SegmentsOut), c.Timeouts)
}

func markTable(out *strings.Builder) {
	fmt.Fprintf(out, "The same with a queue of 4 rate × round trip that marks what waits for more than 10 ms (RFC 3168), and no loss.\n\n")
	for _, delay := range []time.Duration{5 * ms, 20 * ms} {
		for _, c := range controls {
			p := wirePath{rate: goldenRate, delay: delay, mark: 10 * ms}
			p.buffer = p.bdp(4)
			fmt.Fprintf(out, "rtt %2d ms %-8s %s\n", 2*delay/ms, c, alone(p, c))
		}
	}
	fmt.Fprintln(out)
}

func countTable(out *strings.Builder) {
	fmt.Fprintf(out, "The same with a queue that marks what waits for more than 2 ms: the time of two segments.\n")
	fmt.Fprintf(out, "Ends that count marks (RFC 9768), and those that do not (RFC 3168).\n\n")
	for _, delay := range []time.Duration{5 * ms, 10 * ms, 20 * ms} {
		for _, c := range []struct {
			control string
			ecn     ECN
		}{{"prague", AccurateECN}, {"cubic", AccurateECN}, {"prague", ClassicECN}, {"cubic", ClassicECN}} {
			p := wirePath{rate: goldenRate, delay: delay, mark: 2 * ms, ecn: c.ecn}
			p.buffer = p.bdp(4)
			fmt.Fprintf(out, "rtt %2d ms %-8s %-6v %s\n", 2*delay/ms, c.control, c.ecn, alone(p, c.control))
		}
	}
	fmt.Fprintln(out)
}

func orderTable(out *strings.Builder) {
	fmt.Fprintf(out, "Segments of which some are late by a quarter of the round trip of 40 ms, and none is lost:\n")
	fmt.Fprintf(out, "the receive buffer ends the flight before the queue is full.\n\n")
	for _, late := range []float64{0.001, 0.01, 0.1} {
		for _, c := range controls[:3] {
			n := &network{wirePath: wirePath{rate: goldenRate, delay: 20 * ms, late: late, buffer: 1 << 30}}
			f := n.add(c, 0)
			f.cfg[server].ReceiveBuffer.Max = n.bdp(4)
			n.run(mono.Time(goldenTime))
			k := f.end[client].Info().Counts
			fmt.Fprintf(out, "late %4g %% %-8s %5.1f%%  of %5d segments %3d sent again, %2d episodes, %2d undone, %d timeouts\n", late*100, c,
				n.use(f, goldenTime), k.SegmentsOut, k.Retransmits, k.FastRecoveries, k.Spurious, k.Timeouts)
		}
	}
	fmt.Fprintln(out)
}

func fairnessTable(out *strings.Builder) {
	fmt.Fprintf(out, "Flows that share 40 Mbit/s and 40 ms, one rate × round trip of buffer, begun 50 ms apart,\n")
	fmt.Fprintf(out, "from the 5th to the 20th second: Jain's index, use of the line, segments lost; timeouts in all.\n\n")
	for _, mix := range [][]string{{"newreno"}, {"cubic"}, {"bbr"}, {"newreno", "cubic"}, {"cubic", "bbr"}} {
		for _, flows := range []int{2, 8, 64} {
			r := compete(mix, flows)
			fmt.Fprintf(out, "%-14s %3d  jain %5.3f  use %5.1f%%  lost %5.2f%%  timeouts %3d",
				strings.Join(mix, "+"), flows, r.jain, r.use, r.lost, r.timeouts)
			if len(mix) == 2 {
				fmt.Fprintf(out, "  %s %4.1f%%  %s %4.1f%%", mix[0], r.part[0], mix[1], r.part[1])
			}
			fmt.Fprintln(out)
		}
	}
}

// sharing is what several flows made of one line, in percent but for the first two.
type sharing struct {
	jain      float64 // (Σx)²/(nΣx²): 1 if all had the same, 1/n if one had all
	timeouts  uint64
	use, lost float64
	part      [2]float64 // what the flows of each control had
}

// compete runs flows whose controls alternate between those of mix.
func compete(mix []string, flows int) sharing {
	const rate, from, to = 4 * goldenRate, 5 * time.Second, 20 * time.Second
	p := wirePath{rate: rate, delay: 20 * ms, seed: 7}
	p.buffer = p.bdp(1)
	n := &network{wirePath: p}
	for i := range flows {
		n.add(mix[i%len(mix)], mono.Time(50*ms)*mono.Time(i))
	}
	n.run(mono.Time(from))
	before := make([]netFlow, flows)
	for i, f := range n.flows {
		before[i] = *f
	}
	n.run(mono.Time(to))
	var r sharing
	var sum, squares, lost, sent float64
	for i, f := range n.flows {
		x := float64(f.octets - before[i].octets)
		sum += x
		squares += float64(x * x)
		r.part[i%len(mix)] += 100 * x / (rate * (to - from).Seconds())
		lost += float64(f.lost - before[i].lost)
		sent += float64(f.lost - before[i].lost + f.passed - before[i].passed)
		r.timeouts += f.end[client].Info().Counts.Timeouts
	}
	r.jain = sum * sum / (float64(flows) * squares)
	r.use = r.part[0] + r.part[1]
	r.lost = 100 * lost / sent
	return r
}

// TestFairness: flows of one control share a line, Reno and CUBIC get on, and the line
// is busy. 96.5 % are all that headers leave.
func TestFairness(t *testing.T) {
	for _, c := range []struct {
		mix  []string
		n    int
		jain float64
	}{
		{[]string{"newreno"}, 2, 0.95}, {[]string{"newreno"}, 8, 0.9}, {[]string{"newreno"}, 64, 0.8},
		{[]string{"cubic"}, 2, 0.9}, {[]string{"cubic"}, 8, 0.9}, {[]string{"cubic"}, 64, 0.8},
		{[]string{"bbr"}, 2, 0.8}, {[]string{"bbr"}, 8, 0.8}, {[]string{"bbr"}, 64, 0.8},
		{[]string{"newreno", "cubic"}, 2, 0.7}, {[]string{"newreno", "cubic"}, 8, 0.7}, {[]string{"newreno", "cubic"}, 64, 0.7},
	} {
		if testing.Short() && c.n > 2 {
			continue
		}
		r := compete(c.mix, c.n)
		t.Logf("%v, %d flows: %+v", c.mix, c.n, r)
		if r.jain < c.jain || r.use < 90 {
			t.Errorf("%v, %d flows: Jain's index %.3f with %.1f %% of the line, want %g and 90 %%", c.mix, c.n, r.jain, r.use, c.jain)
		}
	}
}

// mathis is the average window of Reno in segments under a loss probability: RFC 9438
// §4.3 equation 3 for AIMD(1, 0.5), which is the formula of Mathis et al. with the
// constant for a window that counts octets, whatever the receiver delays.
func mathis(loss float64) float64 { return math.Sqrt(1.5 / loss) }

// cubicResponse is RFC 9438 §5.1 equation 6 with C = 0.4, or Reno's where that is more
// (§4.3: the Reno-friendly region).
func cubicResponse(loss float64, rtt time.Duration) float64 {
	return max(1.054*math.Pow(rtt.Seconds()/loss, 0.75), mathis(loss))
}

// TestResponseFunctions compares throughput under random loss, where nothing else
// limits it, with what the response function of the control allows. The functions
// know neither of timeouts nor of the round trips of recovery, and assume losses at
// equal distances; hence the bounds.
func TestResponseFunctions(t *testing.T) {
	for _, c := range []struct {
		control  string
		rtt      time.Duration
		loss     float64
		low, top float64
	}{
		{"cubic", 20 * ms, 0.01, 0.8, 1.25},
		{"cubic", 20 * ms, 0.001, 0.8, 1.25},
		{"cubic", 100 * ms, 0.01, 0.8, 1.25},
		{"cubic", 100 * ms, 0.001, 0.8, 1.25},
		{"cubic", 100 * ms, 0.0001, 0.8, 1.25},
		{"cubic", 200 * ms, 0.001, 0.8, 1.25},
		{"cubic", 40 * ms, 0.02, 0.8, 1.25},
		{"newreno", 20 * ms, 0.01, 0.8, 1.25},
		{"newreno", 20 * ms, 0.001, 0.8, 1.25},
		{"newreno", 100 * ms, 0.001, 0.8, 1.25},
		{"newreno", 100 * ms, 0.03, 0.6, 1.25},
		{"cubic", 20 * ms, 0.03, 0.6, 1.25},
	} {
		if testing.Short() && c.loss < 0.001 {
			continue
		}
		want := mathis(c.loss)
		if c.control == "cubic" {
			want = cubicResponse(c.loss, c.rtt)
		}
		got, timeouts := meanWindow(c.control, c.rtt, c.loss)
		t.Logf("%s, %v, %g %% lost: %.1f segments a round trip, response function %.1f, ratio %.2f, %d timeouts",
			c.control, c.rtt, 100*c.loss, got, want, got/want, timeouts)
		if got < c.low*want || got > c.top*want {
			t.Errorf("%s, %v, %g %% lost: %.1f segments a round trip, want %g to %g times %.1f",
				c.control, c.rtt, 100*c.loss, got, c.low, c.top, want)
		}
		if timeouts > 0 && c.loss <= 0.01 {
			t.Errorf("%s, %v, %g %% lost: %d timeouts, want every loss repaired before", c.control, c.rtt, 100*c.loss, timeouts)
		}
	}
}

// meanWindow returns how many segments were delivered in a round trip, over 1,000
// round trips and three seeds, and the timeouts.
func meanWindow(control string, rtt time.Duration, loss float64) (float64, uint64) {
	const seeds, rounds = 3, 1000
	var octets, timeouts uint64
	for seed := range uint64(seeds) {
		n := &network{wirePath: wirePath{rate: 125_000_000, delay: rtt / 2, buffer: 1 << 30, loss: loss, seed: seed + 1}}
		f := n.add(control, 0)
		n.run(mono.Time(rounds / 4 * rtt))
		before := f.octets
		n.run(mono.Time(rounds * rtt))
		octets += f.octets - before
		timeouts += f.end[client].Info().Counts.Timeouts
	}
	return float64(octets) / 1448 / (seeds * rounds * 3 / 4), timeouts
}
