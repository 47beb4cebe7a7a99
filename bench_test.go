package octet

import (
	"io"
	"net"
	"testing"
)

// Each benchmark runs the same work over our loopback, that of the kernel, and
// net.Pipe, which has no protocol at all: only their ratios count.

type joined struct {
	name string
	pair func(b *testing.B) (x, y net.Conn)
}

func rivals() []joined {
	return []joined{
		{"octet", func(b *testing.B) (net.Conn, net.Conn) {
			h := newHost(b)
			s, c := pair(b, h, h, "127.0.0.1:0")
			return s, c
		}},
		{"kernel", func(b *testing.B) (net.Conn, net.Conn) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Skip("the kernel has no loopback:", err)
			}
			defer l.Close()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close(); c.Close() })
			return s, c
		}},
		{"pipe", func(b *testing.B) (net.Conn, net.Conn) {
			s, c := net.Pipe()
			b.Cleanup(func() { s.Close(); c.Close() })
			return s, c
		}},
	}
}

func BenchmarkPingPong(b *testing.B) {
	for _, r := range rivals() {
		b.Run(r.name, func(b *testing.B) {
			x, y := r.pair(b)
			go func() {
				buf := make([]byte, 64)
				for {
					if _, err := io.ReadFull(x, buf); err != nil {
						return
					}
					if _, err := x.Write(buf); err != nil {
						return
					}
				}
			}()
			buf := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := y.Write(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(y, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStream(b *testing.B) {
	for _, r := range rivals() {
		b.Run(r.name, func(b *testing.B) {
			x, y := r.pair(b)
			done := make(chan int64)
			go func() {
				buf := make([]byte, 64<<10)
				var total int64
				for {
					n, err := x.Read(buf)
					total += int64(n)
					if err != nil {
						done <- total
						return
					}
				}
			}()
			buf := make([]byte, 64<<10)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := y.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			y.Close()
			if got, want := <-done, int64(b.N)*int64(len(buf)); got != want {
				b.Fatalf("%d octets arrived of %d", got, want)
			}
		})
	}
}
