package interop

import (
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/tcp"
	"github.com/octet-net/octet/tcp/cc"
	"github.com/octet-net/octet/wire"
)

// A marker is a device that marks some of the packets that may be marked, as a
// congested router does.
type marker struct {
	link.Device
	every    uint64 // which of them
	to       link.Receiver
	out, in  atomic.Uint64 // packets that could be marked
	outCE    atomic.Uint64 // those marked, as many as the receiver will count
	inCE     atomic.Uint64
	outECT1  atomic.Uint64 // packets that asked for L4S
	notData  atomic.Uint64 // ECN-capable packets from us without octets
	badBytes atomic.Uint64
}

func (m *marker) Attach(r link.Receiver) {
	m.to = r
	m.Device.Attach(m)
}

func (m *marker) Send(p *link.Packet) {
	b := p.Head()
	if ecn, payload := m.look(b, p.Len()); ecn != 0 {
		if payload == 0 {
			m.notData.Add(1)
		}
		if ecn == 1 {
			m.outECT1.Add(1)
		}
		if m.out.Add(1)%m.every == 0 {
			mark(b)
			m.outCE.Add(pieces(payload, p.SegmentSize))
		}
	}
	m.Device.Send(p)
}

func (m *marker) Receive(now mono.Time, batch []link.Packet) {
	for i := range batch {
		p := &batch[i]
		b := p.Data.B
		if len(p.Head()) > 0 {
			b = p.Head()
		}
		if ecn, payload := m.look(b, p.Len()); ecn != 0 && m.in.Add(1)%m.every == 0 {
			mark(b)
			m.inCE.Add(pieces(payload, p.SegmentSize))
		}
	}
	m.to.Receive(now, batch)
}

// look returns the ECN field of a TCP packet, and how many octets it has.
func (m *marker) look(b []byte, all int) (ecn uint8, payload int) {
	o, h := wire.Plain(b), wire.IP{}
	if f := wire.ParseIP(&o, &h); h.Proto != wire.ProtoTCP || f != wire.OK && f != wire.Truncated {
		return 0, 0
	}
	if h.HeaderLen == 0 {
		m.badBytes.Add(1)
		return 0, 0
	}
	t := b[h.HeaderLen:]
	return h.ECN(), all - int(h.HeaderLen) - int(t[12]>>4)*4
}

// mark sets CE.
func mark(b []byte) {
	if b[0]>>4 == 6 {
		b[1] |= 0x30
		return
	}
	b[1] |= 3
	b[10], b[11] = 0, 0
	c := wire.Sum(0).Add(b[:int(b[0]&15)*4]).Checksum()
	b[10], b[11] = byte(c>>8), byte(c)
}

func pieces(payload int, size uint16) uint64 {
	if size == 0 {
		return 1
	}
	return uint64((payload + int(size) - 1) / int(size))
}

// newMarkedLab is a lab whose host agrees to all ECN and asks for as much as it is
// told, behind a device that marks; tcp_ecn is the kernel's policy.
func newMarkedLab(t *testing.T, ask tcp.ECN, tcpECN int, control string, every uint64) (*lab, *marker) {
	t.Helper()
	m := &marker{every: every}
	p := octet.Linux()
	p.TCP.ECN, p.TCP.AcceptECN = ask, tcp.AccurateECN
	p.TCP.NewControl = func(q cc.Params) cc.Control {
		c, err := cc.New(control, q)
		if err != nil {
			panic(err)
		}
		return c
	}
	l := newLab(t, labPlan{options: []octet.Option{octet.WithProfile(p)}, wrap: func(d link.Device) link.Device {
		m.Device = d
		return m
	}})
	need(t, "sysctl")
	if _, err := try(t, nil, "sysctl", "-w", "net.ipv4.tcp_ecn="+strconv.Itoa(tcpECN)); err != nil {
		t.Skipf("this kernel has no tcp_ecn of %d, later ones do", tcpECN)
	}
	return l, m
}

// Kernel and host agree on the most that both know, in both directions: tcp_ecn is 0
// (none), 1 (RFC 3168), 2 (RFC 3168 when asked) and, in kernels after 6.18, 3 (RFC 9768).
func TestKernelAgreesOnECN(t *testing.T) {
	for _, c := range []struct {
		ask    tcp.ECN // of ours
		kernel int
		ours   tcp.ECN // agreed when we connect
		theirs tcp.ECN // and when the kernel does
	}{
		{tcp.NoECN, 2, tcp.NoECN, tcp.NoECN},
		{tcp.ClassicECN, 0, tcp.NoECN, tcp.NoECN},
		{tcp.ClassicECN, 1, tcp.ClassicECN, tcp.ClassicECN},
		{tcp.AccurateECN, 0, tcp.NoECN, tcp.NoECN},
		{tcp.AccurateECN, 1, tcp.ClassicECN, tcp.ClassicECN},
		{tcp.AccurateECN, 2, tcp.ClassicECN, tcp.NoECN},
		{tcp.AccurateECN, 3, tcp.AccurateECN, tcp.AccurateECN},
		{tcp.ClassicECN, 3, tcp.ClassicECN, tcp.AccurateECN},
	} {
		t.Run(fmt.Sprintf("%v, tcp_ecn %d", c.ask, c.kernel), func(t *testing.T) {
			t.Parallel()
			l, m := newMarkedLab(t, c.ask, c.kernel, "cubic", 20)
			for _, v := range l.versions() {
				if got, _ := l.connectOut(v); got.ECN != c.ours {
					t.Errorf("%s: we connect: %v, want %v", v.name, got.ECN, c.ours)
				}
				if got := l.connectIn(v); got.ECN != c.theirs {
					t.Errorf("%s: the kernel connects: %v, want %v", v.name, got.ECN, c.theirs)
				}
			}
			if n := m.notData.Load(); n != 0 {
				t.Errorf("%d packets without octets left ECN-capable", n)
			}
			if n := m.badBytes.Load(); n != 0 {
				t.Errorf("%d packets could not be read", n)
			}
		})
	}
}

// connectOut sends octets to the kernel and back, and returns what is known at the end
// here and there.
func (l *lab) connectOut(v version) (tcp.Info, *unix.TCPInfo) {
	l.Helper()
	accepted, done := make(chan *unix.TCPInfo, 1), make(chan bool)
	theirs := l.listenKernel(net.JoinHostPort(v.kernel, "0"), func(c net.Conn) {
		echo(c)
		<-done // what it sent last may be on its way
		accepted <- kernelInfo(c)
	})
	defer theirs.Close()
	c, err := l.host.Dial("tcp", theirs.Addr().String())
	if err != nil {
		l.Fatal(err)
	}
	defer c.Close()
	if err := exchangeStream(c, octets(1, 1<<20)); err != nil {
		l.Errorf("%s: %v", v.name, err)
	}
	close(done)
	return c.(*octet.TCPConn).Info().Info, <-accepted
}

// connectIn does so with a connection that the kernel opens.
func (l *lab) connectIn(v version) tcp.Info {
	l.Helper()
	accepted := make(chan tcp.Info, 1)
	ours := l.listen(net.JoinHostPort(v.ours, "0"), func(c net.Conn) {
		echo(c)
		accepted <- c.(*octet.TCPConn).Info().Info
	})
	defer ours.Close()
	c, err := net.Dial("tcp", ours.Addr().String())
	if err != nil {
		l.Fatal(err)
	}
	defer c.Close()
	if err := exchangeStream(c, octets(2, 1<<20)); err != nil {
		l.Errorf("%s: %v", v.name, err)
	}
	return <-accepted
}

// kernelInfo asks the kernel about one of its connections.
func kernelInfo(c net.Conn) (info *unix.TCPInfo) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	}
	if err != nil {
		return nil
	}
	return info
}

// What is marked on its way to the kernel we hear of and answer, and what is marked on
// its way to us the kernel hears of: that something was (RFC 3168), or what exactly (RFC 9768).
func TestKernelHearsOfMarks(t *testing.T) {
	for _, c := range []struct {
		control string
		mode    tcp.ECN
		tcpECN  int
	}{{"cubic", tcp.ClassicECN, 1}, {"prague", tcp.ClassicECN, 1}, {"cubic", tcp.AccurateECN, 3}, {"prague", tcp.AccurateECN, 3}} {
		t.Run(fmt.Sprintf("%s, %v", c.control, c.mode), func(t *testing.T) {
			t.Parallel()
			l, m := newMarkedLab(t, c.mode, c.tcpECN, c.control, 10)
			for _, v := range l.versions() {
				outCE, inCE, ect1 := m.outCE.Load(), m.inCE.Load(), m.outECT1.Load()
				i, kernel := l.connectOut(v)
				outCE, inCE, ect1 = m.outCE.Load()-outCE, m.inCE.Load()-inCE, m.outECT1.Load()-ect1
				if i.ECN != c.mode || outCE == 0 || inCE == 0 || i.Counts.Marks == 0 || i.Counts.MarkedIn != inCE {
					t.Errorf("%s, %v: %d packets marked out, %d in, of which %d counted; %d answers",
						v.name, i.ECN, outCE, inCE, i.Counts.MarkedIn, i.Counts.Marks)
				}
				if c.mode == tcp.AccurateECN && i.Counts.MarkedOut != outCE {
					t.Errorf("%s: %d packets marked out, the kernel told of %d", v.name, outCE, i.Counts.MarkedOut)
				}
				if kernel == nil || kernel.Delivered_ce == 0 {
					t.Errorf("%s: %d packets marked in, and the kernel heard of none: %+v", v.name, inCE, kernel)
				}
				if l4s := c.control == "prague" && c.mode == tcp.AccurateECN; ect1 > 0 != l4s {
					t.Errorf("%s: %d packets left as ECT(1)", v.name, ect1)
				}
			}
		})
	}
}
