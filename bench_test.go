package octet

import (
	"io"
	"net"
	"net/netip"
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

// Connect, one octet each way, close.
func BenchmarkConnect(b *testing.B) {
	for name, n := range map[string]Network{"octet": newHost(b), "kernel": System()} {
		b.Run(name, func(b *testing.B) {
			l, err := n.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Skip(err)
			}
			defer l.Close()
			go func() {
				buf := make([]byte, 1)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					if _, err := io.ReadFull(c, buf); err == nil {
						c.Write(buf)
						c.Read(buf) // the other end closes first
					}
					c.Close()
				}
			}()
			buf := make([]byte, 1)
			b.ReportAllocs()
			for b.Loop() {
				c, err := n.DialContext(b.Context(), "tcp", l.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Write(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
		})
	}
}

// Datagrams of 512 octets, sent and received.
func BenchmarkUDP(b *testing.B) {
	for name, n := range map[string]Network{"octet": newHost(b), "kernel": System()} {
		b.Run(name, func(b *testing.B) {
			p, err := n.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				b.Skip(err)
			}
			defer p.Close()
			c, err := n.DialContext(b.Context(), "udp", p.LocalAddr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			out, in := make([]byte, 512), make([]byte, 512)
			r := p.(interface {
				ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
			})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(out); err != nil {
					b.Fatal(err)
				}
				if n, _, err := r.ReadFromUDPAddrPort(in); n != 512 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// One message of 64 octets from socket to socket, with nobody waiting: what the
// stack itself costs.
func BenchmarkMessage(b *testing.B) {
	h := newHost(b)
	s, c := joinedSockets(b, h)
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Send(buf); err != nil {
			b.Fatal(err)
		}
		if n, err := s.Recv(buf); n != len(buf) || err != nil {
			b.Fatal(n, err)
		}
	}
}
