package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/timeline"
	"github.com/octet-net/octet/wire"
)

// namespace runs the rest of the test on a thread in a network namespace of its
// own, which ends with the thread.
func namespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread dies with the test's goroutine
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		_, err = os.Stat("/dev/net/tun")
	}
	if err != nil {
		if os.Getenv("OCTET_CI") == "1" {
			t.Fatalf("no network namespace or no /dev/net/tun: %v", err)
		}
		t.Skipf("no network namespace or no /dev/net/tun: %v", err)
	}
	needTool(t, "ip")
	ip(t, "link set lo up")
}

// ip runs the program of this name.
func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

// addressed gives an interface addresses at which our side is .2 and ::2.
func addressed(t *testing.T, name string) {
	t.Helper()
	ip(t, "addr add 192.0.2.1/24 dev "+name)
	ip(t, "addr add 2001:db8::1/64 dev "+name+" nodad")
}

func open(t *testing.T, o TUNOptions) *PortDevice {
	t.Helper()
	line := timeline.New()
	d, err := OpenTUN(line, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		line.Close()
	})
	return d
}

// converse has kernel sockets talk to an echoer behind the device, in UDP and TCP
// of both versions, and returns what the echoer counted.
func converse(t *testing.T, d *PortDevice) *echoer {
	t.Helper()
	e := &echoer{t: t, d: d}
	d.Attach(e)
	for _, host := range []string{"192.0.2.2", "2001:db8::2"} {
		converseUDP(t, host, d.Info().MTU)
		converseTCP(t, host)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := d.Stats(); s.Errors != 0 || s.ReceiveDropped != 0 {
		t.Errorf("the device counted %+v", s)
	}
	if e.longer != 0 {
		t.Errorf("%d packets of one segment were longer than the MTU", e.longer)
	}
	return e
}

func converseUDP(t *testing.T, host string, mtu int) {
	t.Helper()
	c, err := net.Dial("udp", net.JoinHostPort(host, "7"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deadline(t, c)
	back := make([]byte, 65536)
	greet(t, c)
	for _, n := range []int{0, 1, 100, 511, 1000, mtu - 48} {
		p := bytes.Repeat([]byte{byte(n), 7, 9}, n/3+1)[:n]
		if _, err := c.Write(p); err != nil {
			t.Fatalf("%s: %d octets: %v", host, n, err)
		}
		if k, err := c.Read(back); err != nil || !bytes.Equal(back[:k], p) {
			t.Fatalf("%s: %d octets came back as %d: %v", host, n, k, err)
		}
	}
}

// greet repeats a datagram until it comes back: the kernel makes an interface and
// its addresses ready in its own time, and loses what comes before. From then on
// nothing may be lost. An answer that comes late belongs to an earlier datagram and
// is read with the others, so that nothing of it is left for those who read next.
func greet(t *testing.T, c net.Conn) {
	t.Helper()
	back := make([]byte, 16)
	for try := range 100 {
		next := time.Now().Add(200 * time.Millisecond)
		_, err := c.Write([]byte{byte(try)}) // which may tell of the fate of the one before
		if err2 := c.SetReadDeadline(next); err2 != nil {
			t.Fatal(err2)
		}
		for !errors.Is(err, os.ErrDeadlineExceeded) {
			var n int
			if n, err = c.Read(back); err == nil && n == 1 && back[0] == byte(try) {
				deadline(t, c)
				return
			}
		}
	}
	t.Fatal("no datagram comes back")
}

// deadline ends a test that waits for the kernel in vain.
func deadline(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
}

func converseTCP(t *testing.T, host string) {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort(host, "7"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deadline(t, c)
	sent := make([]byte, 300_000)
	for i := range sent {
		sent[i] = byte(i * i >> 7)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		failed <- errors.Join(err, c.(*net.TCPConn).CloseWrite())
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%s: %d octets of %d came back: %v", host, len(got), len(sent), err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestTUNWithTheKernel(t *testing.T) {
	for _, c := range []struct {
		name    string
		options TUNOptions
		offload bool
	}{
		{"TUN", TUNOptions{Name: "oct%d", Up: true}, true},
		{"TUN, no offload", TUNOptions{Up: true, NoOffload: true}, false},
		{"TUN, MTU 9000", TUNOptions{Up: true, MTU: 9000}, true},
		{"TUN, MTU 65535", TUNOptions{Up: true, MTU: 65535}, true},
		{"TUN, four queues", TUNOptions{Up: true, Queues: 4}, true},
		{"TAP", TUNOptions{TAP: true, Up: true}, true},
		{"TAP, no offload", TUNOptions{TAP: true, Up: true, NoOffload: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			namespace(t)
			d := open(t, c.options)
			info := d.Info()
			if c.options.MTU != 0 && info.MTU != c.options.MTU || info.Ethernet != c.options.TAP || info.NoSum == c.options.NoOffload {
				t.Errorf("the device is %+v", info)
			}
			addressed(t, info.Name)
			e := converse(t, d)
			if c.offload && (e.large == 0 || e.noSum == 0) {
				t.Errorf("of %d packets none had several segments or came without checksum", e.got)
			}
			if !c.offload && e.large != 0 {
				t.Errorf("%d packets had several segments", e.large)
			}
		})
	}
}

func TestPacketSocketWithTheKernel(t *testing.T) {
	for _, c := range []struct {
		name      string
		noOffload bool
	}{{"offload", false}, {"no offload", true}} {
		t.Run(c.name, func(t *testing.T) {
			namespace(t)
			ip(t, "link add oct0 type veth peer name oct1")
			ip(t, "link set oct0 up")
			ip(t, "link set oct1 up")
			if c.noOffload { // frames as on a real wire
				needTool(t, "ethtool")
				if out, err := exec.Command("ethtool", "-K", "oct0", "tx", "off", "tso", "off", "gso", "off").CombinedOutput(); err != nil {
					t.Fatalf("ethtool: %v: %s", err, out)
				}
			}
			addressed(t, "oct0")
			line := timeline.New()
			defer line.Close()
			d, err := OpenPacket(line, PacketOptions{Interface: "oct1", NoOffload: c.noOffload})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			e := converse(t, d)
			if !c.noOffload && (e.large == 0 || e.noSum == 0) {
				t.Errorf("of %d packets none had several segments or came without checksum", e.got)
			}
		})
	}
}

// The kernel's segmentation of UDP comes in as datagrams, and ours goes out as such.
func TestTUNSegmentsUDPBothWays(t *testing.T) {
	namespace(t)
	d := open(t, TUNOptions{Up: true})
	addressed(t, d.Info().Name)
	var datagrams atomic.Int64
	d.Attach(receiverBatch(func(batch []Packet) {
		for i := range batch {
			if h, o, ok := transport(&batch[i], false); ok && h.Proto == wire.ProtoUDP && o.Len() == wire.UDPLen+1000 {
				datagrams.Add(1)
			}
		}
		if datagrams.Load() == 20 { // answer all at once
			d.Send(manyDatagrams(20, 1000))
			d.Flush()
		}
	}))
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5555})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deadline(t, c)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	if err := raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT, 1000) }); err != nil || refused != nil {
		t.Fatalf("UDP_SEGMENT: %v, %v", err, refused)
	}
	if _, err := c.WriteTo(make([]byte, 20*1000), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 7}); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, 65536)
	for i := range 20 {
		n, err := c.Read(back)
		if err != nil || n != 1000 || back[0] != byte(i) {
			t.Fatalf("datagram %d: %d octets, first %d: %v", i, n, back[0], err)
		}
	}
	if n := datagrams.Load(); n != 20 {
		t.Errorf("%d datagrams came out of 20 sent as one", n)
	}
}

// manyDatagrams returns n datagrams of size octets as one packet.
func manyDatagrams(n, size int) *Packet {
	data := make([]byte, n*size)
	for i := range n {
		data[i*size] = byte(i)
	}
	h := wire.IP{
		Src: netip.MustParseAddr("192.0.2.2"), Dst: netip.MustParseAddr("192.0.2.1"), Proto: wire.ProtoUDP, TTL: 64,
		Len: wire.IPv4Len + wire.UDPLen + len(data),
	}
	p := &Packet{NoSum: true, SegmentSize: uint16(size), Data: chunk.Copy(data)}
	wire.PutUDP(p.SetHead(wire.UDPLen), &wire.UDP{SrcPort: 7, DstPort: 5555, Payload: p.Data})
	wire.PutIP(p.Push(wire.IPv4Len), &h)
	return p
}

// The MTU is followed, a device that is removed is reported, and nothing is left.
func TestTUNThatChangesAndDisappears(t *testing.T) {
	namespace(t)
	changes := make(chan Info, 10)
	ends := make(chan error, 10)
	d := open(t, TUNOptions{Name: "octgone", Up: true, Changed: func(i Info, err error) {
		if err != nil {
			ends <- err
		} else {
			changes <- i
		}
	}})
	addressed(t, "octgone")
	e := &echoer{t: t, d: d}
	d.Attach(e)
	ip(t, "link set octgone mtu 1400")
	port := d.ports[0].(MTUPort)
	d.recheck(port)
	if i := <-changes; i.MTU != 1400 || d.Info().MTU != 1400 {
		t.Errorf("the MTU became %d", i.MTU)
	}
	ip(t, "link del octgone")
	if err := <-ends; err == nil || d.Err() == nil {
		t.Error("the device was removed and nobody was told")
	}
	<-d.Done()
	d.Send(udp(1, 1, 100))
	d.Flush()
	if s := d.Stats(); s.Errors == 0 || s.SendDropped == 0 {
		t.Errorf("sending into a device that is gone: %+v", s)
	}
}

func TestPacketSocketWhoseInterfacePausesAndDisappears(t *testing.T) {
	namespace(t)
	ip(t, "link add oct0 type veth peer name oct1")
	ip(t, "link set oct0 up")
	ip(t, "link set oct1 up")
	addressed(t, "oct0")
	line := timeline.New()
	defer line.Close()
	sizes := make(chan int, 10)
	d, err := OpenPacket(line, PacketOptions{Interface: "oct1", Changed: func(i Info, _ error) { sizes <- i.MTU }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	e := &echoer{t: t, d: d}
	d.Attach(e)
	defer func() {
		if t.Failed() {
			e.mu.Lock()
			t.Logf("stats %+v, err %v, got %d; %s%s", d.Stats(), d.Err(), e.got, ip(t, "-s link"), ip(t, "neigh"))
			e.mu.Unlock()
		}
	}()
	converseUDP(t, "192.0.2.2", 1500)
	ip(t, "link set oct1 down")
	ip(t, "link set oct1 name oct7") // and back under another name
	ip(t, "link set oct7 up")
	converseUDP(t, "192.0.2.2", 1500)
	if err := d.Err(); err != nil {
		t.Errorf("an interface that went down and up again ended the device: %v", err)
	}
	ip(t, "link set oct7 mtu 1300")
	d.Send(&Packet{Data: chunk.Copy(make([]byte, 1500))}) // too long now: the device looks
	d.Flush()
	if mtu := <-sizes; mtu != 1300 || d.Info().MTU != 1300 {
		t.Errorf("the MTU is %d", mtu)
	}
	ip(t, "link del oct7")
	<-d.Done()
	if d.Err() == nil {
		t.Error("no reason for the end")
	}
}

func TestCloseWakesTheReadersOfATUN(t *testing.T) {
	namespace(t)
	line := timeline.New()
	defer line.Close()
	for range 20 {
		d, err := OpenTUN(line, TUNOptions{Up: true, Queues: 3})
		if err != nil {
			t.Fatal(err)
		}
		d.Attach(receiverBatch(func([]Packet) {}))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if d.readers != 0 {
			t.Errorf("%d readers are left", d.readers)
		}
	}
	if out := ip(t, "-o link"); strings.Count(out, "\n") != 1 {
		t.Errorf("interfaces are left:\n%s", out)
	}
}

func TestOpenErrorsSayWhatIsWrong(t *testing.T) {
	namespace(t)
	line := timeline.New()
	defer line.Close()
	for _, c := range []struct {
		options TUNOptions
		want    string
	}{
		{TUNOptions{Name: "a-name-that-is-too-long"}, "a-name-that-is-too-long"},
		{TUNOptions{Name: "lo"}, "lo"},
		{TUNOptions{MTU: 10}, "MTU of 10"},
		{TUNOptions{MTU: 70000}, "MTU of 70000"},
	} {
		d, err := OpenTUN(line, c.options)
		if err == nil {
			d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error that names %q", c.options, err, c.want)
		}
	}
	for name, want := range map[string]string{"nosuch": "nosuch", "lo": "no Ethernet"} {
		if _, err := OpenPacket(line, PacketOptions{Interface: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenPacket(%q): %v", name, err)
		}
	}
	if out := ip(t, "-o link"); strings.Count(out, "\n") != 1 {
		t.Errorf("interfaces are left:\n%s", out)
	}
}

func TestPrivilegedNamesTheCapability(t *testing.T) {
	err := privileged("open tun0", "CAP_NET_ADMIN", os.NewSyscallError("TUNSETIFF", unix.EPERM))
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
		t.Errorf("%v", err)
	}
	if err := privileged("open tun0", "CAP_NET_ADMIN", unix.EBUSY); strings.Contains(err.Error(), "CAP") {
		t.Errorf("%v", err)
	}
}

func TestRandomMACIsLocalAndOfOneHost(t *testing.T) {
	seen := make(map[[6]byte]bool)
	for range 100 {
		mac := randomMAC()
		if mac[0]&3 != 2 || seen[mac] {
			t.Errorf("address %x", mac)
		}
		seen[mac] = true
	}
}

// BenchmarkTUN measures packets from a kernel socket to a receiver of ours and back.
func BenchmarkTUN(b *testing.B) {
	for _, n := range []int{64, 1400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkTUN(b, n) })
	}
}

func benchmarkTUN(b *testing.B, n int) {
	line := timeline.New()
	defer line.Close()
	type opened struct {
		d   *PortDevice
		c   net.Conn
		err error
	}
	ready := make(chan opened)
	go func() { // both belong to the namespace of this thread, and are used outside it
		var o opened
		defer func() { ready <- o }()
		runtime.LockOSThread()
		if o.err = unix.Unshare(unix.CLONE_NEWNET); o.err != nil {
			return
		}
		if o.d, o.err = OpenTUN(line, TUNOptions{Name: "octb", Up: true}); o.err != nil {
			return
		}
		if o.err = exec.Command("ip", "addr", "add", "192.0.2.1/24", "dev", "octb").Run(); o.err != nil {
			return
		}
		o.c, o.err = net.Dial("udp", "192.0.2.2:7")
	}()
	o := <-ready
	if o.err != nil {
		b.Skip(o.err)
	}
	defer o.d.Close()
	defer o.c.Close()
	o.d.Attach(&swapper{d: o.d})
	p := make([]byte, n)
	b.SetBytes(int64(2 * n))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.c.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := o.c.Read(p); err != nil {
			b.Fatal(err)
		}
	}
}

// swapper sends every datagram back with addresses and ports swapped, which leaves
// its checksums as they are.
type swapper struct{ d Device }

func (s *swapper) Receive(_ mono.Time, batch []Packet) {
	for i := range batch {
		p := &batch[i]
		b := p.Data.B
		if len(b) < 28 || b[0] != 0x45 || b[9] != byte(wire.ProtoUDP) {
			continue
		}
		head := p.SetHead(28)
		copy(head, b)
		copy(head[12:16], b[16:20])
		copy(head[16:20], b[12:16])
		binary.BigEndian.PutUint16(head[20:], binary.BigEndian.Uint16(b[22:]))
		binary.BigEndian.PutUint16(head[22:], binary.BigEndian.Uint16(b[20:]))
		p.Data.Trim(28, len(b))
		s.d.Send(p)
	}
	s.d.Flush()
}
