package link

import (
	"fmt"
	"testing"
	"time"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
)

// benchmark sends b.N packets of n octets through d, batch of them for each Flush.
func benchmark(b *testing.B, d Device, n, batch int) {
	data := chunk.Copy(make([]byte, n-40))
	b.SetBytes(int64(n))
	b.ReportAllocs()
	b.ResetTimer()
	var p Packet
	for i := range b.N {
		p.Data = data.Share()
		p.SetHead(40)
		d.Send(&p)
		if i%batch == batch-1 {
			d.Flush()
		}
	}
	d.Flush()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}

func BenchmarkLoopback(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			l := NewLoopback(timeline.New())
			l.Attach(receiverBatch(func([]Packet) {}))
			benchmark(b, l, 65535, batch)
		})
	}
}

func BenchmarkPipe(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			x, y := NewPipe(timeline.New(), PipeOptions{})
			y.Attach(receiverBatch(func([]Packet) {}))
			benchmark(b, x, 1500, batch)
		})
	}
}

// BenchmarkPipeParallel has several goroutines send into one end.
func BenchmarkPipeParallel(b *testing.B) {
	x, y := NewPipe(timeline.New(), PipeOptions{})
	y.Attach(receiverBatch(func([]Packet) {}))
	data := chunk.Copy(make([]byte, 1460))
	b.RunParallel(func(pb *testing.PB) {
		var p Packet
		for pb.Next() {
			p.Data = data.Share()
			p.SetHead(40)
			x.Send(&p)
			x.Flush()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}

// BenchmarkWire sends in virtual time: what a simulated packet costs beside the stack.
func BenchmarkWire(b *testing.B) {
	for name, path := range map[string]Path{
		"perfect": {},
		"bad": {
			Rate: 1e9, Delay: time.Millisecond, Jitter: Jitter{Normal, time.Millisecond}, Loss: Random(0.01),
			Duplicate: 0.01, Corrupt: 0.01, Reorder: 0.01, Queue: DropTail(100 << 20),
		},
	} {
		b.Run(name, func(b *testing.B) {
			line := timeline.NewManual()
			w, err := NewWire(line, WireOptions{Paths: [2]Path{path}})
			if err != nil {
				b.Fatal(err)
			}
			w.End(1).Attach(receiverBatch(func([]Packet) {}))
			dev := w.End(0)
			flows := make([]*Packet, 16)
			for i := range flows {
				flows[i] = udp(uint16(i), 0, 1488)
			}
			b.ReportAllocs()
			b.ResetTimer()
			var p Packet
			for i := range b.N {
				p = *flows[i%16]
				p.Data = p.Data.Share()
				dev.Send(&p)
				if i%8 == 7 {
					line.Advance(line.Now() + mono.Time(100*time.Microsecond))
				}
			}
			line.Advance(line.Now() + mono.Time(time.Hour))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
