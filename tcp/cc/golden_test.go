package cc

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/octet-net/octet/mono"
)

var update = flag.Bool("update", false, "rewrite testdata/golden.txt")

// TestGolden is the behaviour of every control in one page: what a change of the
// code does to throughput, delay and fairness is the change of this file.
func TestGolden(t *testing.T) {
	var out bytes.Buffer
	throughputTable(&out)
	markTable(&out)
	fairnessTable(&out)
	const file = "testdata/golden.txt"
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s differs (go test -run Golden -update rewrites it):\n%s", file, diff(want, out.Bytes()))
	}
}

// diff shows the lines that differ.
func diff(want, got []byte) string {
	var out bytes.Buffer
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range max(len(w), len(g)) {
		var a, b []byte
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if !bytes.Equal(a, b) {
			fmt.Fprintf(&out, "%d: -%s\n%d: +%s\n", i+1, a, i+1, b)
		}
	}
	return out.String()
}

const (
	goldenRate = 20_000_000 / 8 // octets a second
	goldenTime = 20 * time.Second
)

// In the first table Prague is NewReno, as nothing is marked.
var unmarked = []string{"newreno", "cubic", "bbr"}

func throughputTable(out *bytes.Buffer) {
	fmt.Fprintf(out, "Throughput of one flow over 20 Mbit/s, 20 s, in percent of the rate, with the mean round trip.\n")
	fmt.Fprintf(out, "Loss is random; the buffer is in multiples of rate × round trip.\n\n")
	fmt.Fprintf(out, "%8s %7s %7s", "loss", "rtt", "buffer")
	for _, name := range unmarked {
		fmt.Fprintf(out, " %9s %7s", name, "ms")
	}
	fmt.Fprintln(out)
	for _, rtt := range []time.Duration{10 * ms, 50 * ms, 200 * ms} {
		for _, loss := range []float64{0, 0.0001, 0.001, 0.01, 0.05} {
			for _, buffer := range []float64{0.2, 1, 4} {
				if loss > 0 && buffer == 4 {
					continue // random loss keeps the queue short: nothing to see
				}
				fmt.Fprintf(out, "%7g%% %7v %7g", loss*100, rtt, buffer)
				for _, name := range unmarked {
					m := newModel(path{rate: goldenRate, rtt: rtt, loss: loss, seed: 1}, buffer)
					f := m.add(newControl(name, 0), 0)
					m.run(mono.Time(goldenTime))
					fmt.Fprintf(out, " %8.1f%% %7.1f", share(f.delivered), f.meanRTT())
				}
				fmt.Fprintln(out)
			}
		}
	}
	fmt.Fprintln(out)
}

func markTable(out *bytes.Buffer) {
	fmt.Fprintf(out, "The same with a queue that marks what finds more than 2 ms before it, and no loss:\n")
	fmt.Fprintf(out, "use of the rate, mean round trip, octets marked of those delivered.\n\n")
	for _, rtt := range []time.Duration{10 * ms, 50 * ms} {
		for _, name := range names {
			m := newModel(path{rate: goldenRate, rtt: rtt, mark: goldenRate / 500}, 4)
			f := m.add(newControl(name, 0), 0)
			m.run(mono.Time(goldenTime))
			fmt.Fprintf(out, "%-8s %5v %6.1f%% %6.1f ms %6.2f%%\n", name, rtt, share(f.delivered),
				f.meanRTT(), 100*float64(f.marked)/float64(f.delivered))
		}
	}
	fmt.Fprintln(out)
}

func fairnessTable(out *bytes.Buffer) {
	fmt.Fprintf(out, "Flows that share 20 Mbit/s and 40 ms, one rate × round trip of buffer, begun 0.1 s apart,\n")
	fmt.Fprintf(out, "from the 10th to the 40th second: Jain's index, use of the rate, octets lost of those sent.\n\n")
	mixes := [][]string{{"newreno"}, {"cubic"}, {"bbr"}, {"newreno", "cubic"}, {"cubic", "bbr"}}
	for _, mix := range mixes {
		for n := 2; n <= 64; n *= 2 {
			r := compete(mix, n)
			fmt.Fprintf(out, "%-16s %3d  jain %5.3f  use %5.1f%%  lost %5.2f%%", label(mix), n, r.jain, r.use, r.lost)
			if len(mix) == 2 {
				fmt.Fprintf(out, "  %s %5.1f%%  %s %5.1f%%", mix[0], r.part[0], mix[1], r.part[1])
			}
			fmt.Fprintln(out)
		}
	}
}

func label(mix []string) string {
	if len(mix) == 1 {
		return mix[0]
	}
	return mix[0] + "+" + mix[1]
}

type sharing struct {
	jain, use, lost float64
	part            [2]float64 // what the flows of each control had, in percent
}

// compete runs n flows whose controls alternate between those of mix.
func compete(mix []string, n int) sharing {
	m := newModel(path{rate: goldenRate, rtt: 40 * ms, seed: 7}, 1)
	for i := range n {
		m.add(newControl(mix[i%len(mix)], i), mono.Time(i)*mono.Time(100*ms))
	}
	m.run(mono.Time(10 * time.Second))
	before := make([]uint64, n)
	var sent, lost uint64
	for i, f := range m.flows {
		before[i] = f.delivered
		sent -= uint64(f.next)
		lost -= f.lost
	}
	m.run(mono.Time(40 * time.Second))
	var r sharing
	var sum, squares float64
	for i, f := range m.flows {
		x := float64(f.delivered - before[i])
		sum += x
		squares += float64(x * x)
		r.part[i%len(mix)] += 100 * x / goldenRate / 30
		sent += uint64(f.next)
		lost += f.lost
	}
	r.jain = sum * sum / (float64(n) * squares)
	r.use = 100 * sum / goldenRate / 30
	r.lost = 100 * float64(lost) / float64(sent*seg)
	return r
}

func newModel(p path, buffer float64) *model {
	bdp := float64(p.rate) * p.rtt.Seconds()
	p.buffer = max(int(bdp*buffer), 2*seg)
	return &model{path: p}
}

func newControl(name string, i int) Control {
	c, err := New(name, Params{MSS: seg, Seed: uint64(i)})
	if err != nil {
		panic(err)
	}
	return c
}

func share(octets uint64) float64 {
	return 100 * float64(octets) / (goldenRate * goldenTime.Seconds())
}

func (f *flow) meanRTT() float64 {
	return (f.sumRTT / time.Duration(max(f.samples, 1))).Seconds() * 1000
}
