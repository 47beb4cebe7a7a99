package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// Where the two sides of a lab are.
const (
	kernel4, ours4 = "192.0.2.1", "192.0.2.2"
	kernel6, ours6 = "2001:db8::1", "2001:db8::2"
)

// A version is one of IP with the addresses of the two sides.
type version struct {
	name         string
	kernel, ours string
}

var ip4, ip6 = version{"IPv4", kernel4, ours4}, version{"IPv6", kernel6, ours6}

// A labPlan says what a lab is like. The zero value is a TUN device with an MTU of 1500.
type labPlan struct {
	tap     bool
	mtu     int
	queues  int
	capture bool // check at the end what tshark thinks of all packets
	bare    bool // our side has no addresses
	bad     *link.Path
	wrap    func(link.Device) link.Device // what lies between the device and our side; may be nil
	options []octet.Option
}

// A lab is a network namespace with a device, the kernel on its one side and a host
// of ours on the other. The test's goroutine is tied to a thread in that namespace:
// programs that it starts and sockets of package net that it opens are there.
type lab struct {
	*testing.T
	host  *octet.Host
	dev   string
	index int // of the interface of the host
	mtu   int
	dir   string // for files
}

// enter puts the rest of the test on a thread in a network namespace of its own,
// which ends with the thread.
func enter(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread dies with the test's goroutine
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		_, err = os.Stat("/dev/net/tun")
	}
	if err != nil {
		missing(t, "no network namespace or no /dev/net/tun: %v", err)
	}
	need(t, "ip")
	run(t, "ip", "link", "set", "lo", "up")
}

// missing ends a test for want of something, which is a failure in CI.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("OCTET_CI") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// need ends a test if a program is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(t, "%s is not installed", p)
		}
	}
}

// run runs a program for at most half a minute and returns what it prints.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := try(t, nil, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// try is run for a program that may fail, and that reads an input.
func try(t *testing.T, in io.Reader, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Stdin = in
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, complaints.String())
	}
	return out.String(), nil
}

// newLab makes a lab, which ends with the test and must then have left nothing.
func newLab(t *testing.T, p labPlan) *lab {
	t.Helper()
	enter(t)
	l := &lab{T: t, dir: t.TempDir(), mtu: p.mtu}
	line := timeline.New()
	options := append([]octet.Option{octet.WithTimeline(line), octet.WithAddressTests(false)}, p.options...)
	if p.capture {
		need(t, "tshark")
		options = append(options, octet.WithObserver(l.record(line)))
	}
	d, err := link.OpenTUN(line, link.TUNOptions{
		Name: "oct%d", TAP: p.tap, MTU: p.mtu, Up: true, Queues: p.queues, NoOffload: p.bad != nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.dev, l.mtu = d.Info().Name, d.Info().MTU
	l.host = octet.NewHost(options...)
	t.Cleanup(func() {
		if err := l.host.Close(); err != nil {
			t.Errorf("closing the host: %v", err)
		}
		line.Close()
		if s := l.host.Stats(); s.Connections+s.TimeWaits+s.HalfOpen+s.Orphans != 0 {
			t.Errorf("a closed host holds %+v", s)
		}
	})
	run(t, "ip", "addr", "add", kernel4+"/24", "dev", l.dev)
	if l.mtu >= 1280 {
		run(t, "ip", "addr", "add", kernel6+"/64", "dev", l.dev, "nodad")
	}
	var ours []netip.Prefix
	for _, a := range []string{ours4 + "/24", ours6 + "/64"} {
		if !p.bare {
			ours = append(ours, netip.MustParsePrefix(a))
		}
	}
	var device link.Device = d
	if p.bad != nil {
		device = behind(t, line, d, *p.bad)
	}
	if p.wrap != nil {
		device = p.wrap(device)
	}
	if l.index, err = l.host.Attach(device, ours...); err != nil {
		t.Fatal(err)
	}
	if !p.bare {
		l.ready()
	}
	return l
}

// versions are the versions of IP that the MTU allows.
func (l *lab) versions() []version {
	if l.mtu < 1280 {
		return []version{ip4}
	}
	return []version{ip4, ip6}
}

// ready waits until packets pass: the kernel makes an interface ready in its own time.
func (l *lab) ready() {
	l.Helper()
	for _, v := range l.versions() {
		for k := 0; ; k++ {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			_, err := l.host.Ping(ctx, netip.MustParseAddr(v.kernel), octet.Ping{})
			cancel()
			if err == nil {
				break
			}
			if k == 50 {
				l.Fatalf("the kernel does not answer: %v", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// record returns an observer that writes all packets to a file, which tshark reads
// at the end of the test.
func (l *lab) record(line *timeline.Timeline) *link.Capture {
	l.Helper()
	name := filepath.Join(l.dir, "packets.pcapng")
	f, err := os.Create(name)
	if err != nil {
		l.Fatal(err)
	}
	c := link.NewCapture(f, line, link.CaptureOptions{})
	l.Cleanup(func() {
		if err := c.Close(); err != nil {
			l.Error(err)
		}
		f.Close()
		l.judge(name)
	})
	return c
}

// judge fails when tshark finds a malformed packet or a bad checksum in a capture,
// or no packets at all.
func (l *lab) judge(name string) {
	l.Helper()
	read := func(args ...string) string {
		out, err := try(l.T, nil, "tshark", append([]string{"-n", "-r", name,
			"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"}, args...)...)
		if err != nil {
			l.Errorf("tshark: %v", err)
		}
		return strings.TrimSpace(out)
	}
	if read("-c", "9") == "" {
		l.Error("the capture is empty")
	}
	// Linux writes a TCP checksum of zero as 0xffff, which tshark calls bad (RFC 1624 §3);
	// who adds it up finds it right.
	bad := read("-Y", `_ws.malformed || ip.checksum.status == "Bad" ||
		tcp.checksum.status == "Bad" && !(tcp.checksum == 0xffff && (ip.src == `+kernel4+` || ipv6.src == `+kernel6+`)) || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"`)
	if bad != "" {
		l.Errorf("tshark complains: %.2000s", bad)
	}
}

// behind returns a device whose packets take a bad wire to d and back.
func behind(t *testing.T, line *timeline.Timeline, d link.Device, path link.Path) link.Device {
	t.Helper()
	path.MTU = d.Info().MTU
	w, err := link.NewWire(line, link.WireOptions{
		Seed: 1, Ends: [2]string{"eth0", "far"}, MAC: [2][6]byte{d.Info().MAC, {}}, Ethernet: d.Info().Ethernet, Paths: [2]link.Path{path, path},
	})
	if err != nil {
		t.Fatal(err)
	}
	far := w.End(1)
	join(far, d)
	t.Cleanup(func() {
		if s := w.Stats(0); s.Lost == 0 && s.Reordered == 0 {
			t.Errorf("the wire was a good one: %+v", s)
		}
		d.Close()
		w.Close()
	})
	return w.End(0)
}

// sum returns the hash of octets.
func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// octets returns n octets that no compression and no chance makes equal to others.
func octets(seed, n int) []byte {
	b := make([]byte, n)
	x := uint64(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}

// serve accepts connections and handles each in a goroutine, until the listener is closed.
func serve(ln net.Listener, handle func(c net.Conn)) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			handle(c)
		}()
	}
}

// echo sends back what comes until the end.
func echo(c net.Conn) {
	if _, err := io.Copy(c, c); err == nil {
		c.(interface{ CloseWrite() error }).CloseWrite()
	}
}

// listen returns a listener of the host, which ends with the test.
func (l *lab) listen(address string, handle func(net.Conn)) net.Listener {
	l.Helper()
	ln, err := l.host.Listen("tcp", address)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { ln.Close() })
	go serve(ln, handle)
	return ln
}

// listenKernel is listen on the kernel. Only the test's goroutine may call it.
func (l *lab) listenKernel(address string, handle func(net.Conn)) net.Listener {
	l.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { ln.Close() })
	go serve(ln, handle)
	return ln
}

// file writes a file and returns its name.
func (l *lab) file(name string, content []byte) string {
	l.Helper()
	name = filepath.Join(l.dir, name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		l.Fatal(err)
	}
	return name
}

// start starts a program that runs until stop is called.
func (l *lab) start(program string, args ...string) (stop func()) {
	l.Helper()
	c := exec.Command(program, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	return func() {
		c.Process.Kill()
		c.Wait() // killed: that it was is no news
		if l.Failed() {
			l.Logf("%s says: %s", program, out.String())
		}
	}
}

// await repeats what fails until it succeeds, for some seconds.
func (l *lab) await(f func() error) {
	l.Helper()
	for k := 0; ; k++ {
		err := f()
		if err == nil {
			return
		}
		if k == 200 {
			l.Fatalf("in vain: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// badPath is a path that loses, repeats and reorders packets.
func badPath() *link.Path {
	return &link.Path{Delay: 2 * time.Millisecond, Loss: link.Random(0.03), Duplicate: 0.01, Reorder: 0.05}
}
