package octet

import (
	"math"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// silent returns a host beside a device that swallows everything.
func silent(t testing.TB, o ...Option) (*timeline.Timeline, *Host) {
	line, h := manual(t, o...)
	attach(t, h, &forge{}, "192.0.2.1/16")
	return line, h
}

// ports connects to an address n times and returns the ports that were drawn.
func ports(t testing.TB, h *Host, to string, n int) (list []uint16) {
	for range n {
		s := newSocket(t, h, "tcp4")
		if err := s.Connect(netip.MustParseAddrPort(to)); err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
		list = append(list, s.LocalAddr().Port())
	}
	return list
}

// T-36: ephemeral ports are spread evenly and do not tell of one another (RFC 6056).
func TestThreat_T36_EphemeralPorts(t *testing.T) {
	p := Linux()
	_, h := silent(t, WithProfile(p), WithSeed(1))
	const n, cells = 12_800, 64
	first, last := int(p.FirstPort), int(p.LastPort)
	var counts [cells]float64
	steps := map[int]int{}
	seen := map[uint16]bool{}
	before := 0
	for _, port := range ports(t, h, "192.0.2.2:80", n) {
		if int(port) < first || int(port) > last {
			t.Fatalf("port %d is not of the range", port)
		}
		if seen[port] {
			t.Fatalf("port %d twice for one destination", port)
		}
		seen[port] = true
		counts[(int(port)-first)*cells/(last-first+1)]++
		steps[int(port)-before]++
		before = int(port)
	}
	chi := 0.0
	for _, c := range counts {
		chi += math.Pow(c-n/cells, 2) / (n / cells)
	}
	if chi > 110 { // 63 degrees of freedom: beyond 110 in one of 4,000 runs; the seed makes this one repeat
		t.Errorf("χ² = %.1f: the ports are not spread evenly", chi)
	}
	for step, times := range steps {
		if times > n/100 {
			t.Errorf("a port is followed %d times by that %d above it", times, step)
		}
	}
	// Two destinations: the difference of the ports drawn next for both tells nothing.
	diff := map[int]int{}
	a, b := ports(t, h, "192.0.2.3:80", 1000), ports(t, h, "192.0.2.4:80", 1000)
	for i := range a {
		diff[int(a[i])-int(b[i])]++
	}
	for d, times := range diff {
		if times > 10 {
			t.Errorf("ports for two destinations differ by %d in %d of 1000 draws", d, times)
		}
	}
}

// When every port is in use for a destination there is an error, and other
// destinations can still be reached by the same ports.
func TestEphemeralPortsRunOut(t *testing.T) {
	p := Linux()
	p.FirstPort, p.LastPort = 50000, 50099
	_, h := silent(t, WithProfile(p))
	ports(t, h, "192.0.2.2:80", 100)
	s := newSocket(t, h, "tcp4")
	if err := s.Connect(netip.MustParseAddrPort("192.0.2.2:80")); err != syscall.EADDRNOTAVAIL {
		t.Errorf("connection 101: %v, want EADDRNOTAVAIL", err)
	}
	ports(t, h, "192.0.2.3:80", 100)
	var list []*UDPConn
	for i := range 101 {
		c, err := h.newUDP("udp4", netip.AddrPort{}, netip.AddrPort{})
		if (err == nil) != (i < 100) {
			t.Fatalf("UDP socket %d: %v", i, err)
		}
		if err == nil {
			list = append(list, c)
		}
	}
	for _, c := range list {
		c.Close()
	}
}

// Our own end leaves TIME-WAIT for a new connection when that is safe: at once over
// loopback, after a second with timestamps elsewhere (RFC 6191), not before.
func TestRFC6191_PortInTimeWaitIsUsedAgain(t *testing.T) {
	p := Linux()
	p.FirstPort, p.LastPort = 50000, 50003
	connectAndClose := func(h *Host, l *Socket, to string) error {
		c := newSocket(t, h, "tcp4")
		if err := c.Connect(netip.MustParseAddrPort(to)); err != syscall.EINPROGRESS {
			return err
		}
		s := accepted(t, l)
		c.Close()
		s.Close()
		return nil
	}
	t.Run("loopback", func(t *testing.T) {
		_, h := manual(t, WithProfile(p))
		l := listening(t, h, "127.0.0.1:80", 1)
		for i := range 50 {
			if err := connectAndClose(h, l, "127.0.0.1:80"); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
	})
	t.Run("pipe", func(t *testing.T) {
		line := timeline.NewManual()
		h, server := newHost(t, WithTimeline(line), WithProfile(p)), newHost(t, WithTimeline(line))
		a, b := link.NewPipe(line, link.PipeOptions{})
		attach(t, h, a, "192.0.2.1/24")
		attach(t, server, b, "192.0.2.2/24")
		l := listening(t, server, "192.0.2.2:80", 1)
		for i := range 4 {
			if err := connectAndClose(h, l, "192.0.2.2:80"); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
		if err := connectAndClose(h, l, "192.0.2.2:80"); err != syscall.EADDRNOTAVAIL {
			t.Errorf("at once: %v, want EADDRNOTAVAIL", err)
		}
		line.Advance(line.Now().Add(1100 * time.Millisecond))
		if err := connectAndClose(h, l, "192.0.2.2:80"); err != nil {
			t.Errorf("after a second: %v", err)
		}
	})
}

// A connection is never made to itself.
func TestNoConnectionToItself(t *testing.T) {
	p := Linux()
	p.FirstPort, p.LastPort = 50000, 50003
	_, h := manual(t, WithProfile(p))
	for range 20 {
		s := newSocket(t, h, "tcp4")
		if err := s.Connect(netip.MustParseAddrPort("127.0.0.1:50001")); err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
		if s.LocalAddr() == s.RemoteAddr() || s.Error() != syscall.ECONNREFUSED {
			t.Errorf("%v connected to %v", s.LocalAddr(), s.RemoteAddr())
		}
	}
}

// T-37, T-38: sequence numbers of one tuple go up with time; those of different
// tuples and hosts, and timestamps, tell nothing of one another.
func TestThreat_T37_ISN(t *testing.T) {
	line, h, f, _ := besieged(t)
	l := listening(t, h, "192.0.2.1:80", 1)
	open := func(port uint16) (iss, stamp uint32) {
		f.heard = nil
		s := handshakeWithTimestamp(t, line, f, l, port)
		s.Abort()
		iss, stamp = f.iss, f.stamp
		return iss, stamp
	}
	first, firstStamp := open(1000)
	line.Advance(line.Now().Add(time.Second))
	again, againStamp := open(1000)
	if d := again - first; d != uint32(time.Second/(4*time.Microsecond)) {
		t.Errorf("the number grew by %d in a second, want the clock of 4 µs", d)
	}
	if againStamp-firstStamp == 0 || againStamp-firstStamp > 10000 {
		t.Errorf("the timestamp of one tuple went from %d to %d", firstStamp, againStamp)
	}
	near := map[string]int{}
	lastISS, lastStamp := again, againStamp
	for port := range uint16(500) {
		iss, stamp := open(2000 + port)
		if iss-lastISS < 1<<24 || lastISS-iss < 1<<24 {
			near["ISS"]++
		}
		if stamp-lastStamp < 1<<24 || lastStamp-stamp < 1<<24 {
			near["timestamp"]++
		}
		lastISS, lastStamp = iss, stamp
	}
	for what, n := range near { // 1/128 of 500 expected
		if n > 20 {
			t.Errorf("%s: %d of 500 lie near the one before", what, n)
		}
	}
}
