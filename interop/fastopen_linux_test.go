package interop

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/tcp"
)

// allowFastOpen lets the kernel of the lab use TCP Fast Open as client and server.
func (l *lab) allowFastOpen() {
	l.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_fastopen", []byte("3"), 0o644); err != nil {
		missing(l.T, "the kernel cannot be told to use Fast Open: %v", err)
	}
}

// The kernel gives our host a cookie, and from then on takes the octets of its SYNs.
func TestFastOpenToTheKernel(t *testing.T) {
	t.Parallel()
	l := newLab(t, labPlan{capture: true})
	l.allowFastOpen()
	for _, v := range l.versions() {
		server := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			var err error
			c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 16) })
			return err
		}}
		s, err := server.Listen(t.Context(), "tcp", net.JoinHostPort(v.kernel, "7070"))
		if err != nil {
			t.Fatal(err)
		}
		go serve(s, echo)
		d := octet.Dialer{Host: l.host, FastOpen: true, Timeout: 20 * time.Second}
		for i, want := range []tcp.FastOpenOutcome{tcp.FastOpenGiven, tcp.FastOpenTaken, tcp.FastOpenTaken} {
			c, err := d.DialContext(t.Context(), "tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			question := make([]byte, 5000) // more than goes with the SYN
			if _, err := c.Write(question); err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.ReadFull(c, question); err != nil {
				t.Fatalf("%s: connection %d: %v", v.name, i+1, err)
			}
			got := c.(*octet.TCPConn).Info()
			if got.FastOpen.Outcome != want || got.FastOpen.Taken != got.FastOpen.Sent {
				t.Errorf("%s: connection %d: %+v, want %v", v.name, i+1, got.FastOpen, want)
			}
			c.Close()
		}
		s.Close()
	}
}

// Our host gives the kernel a cookie, and takes the octets of its SYNs.
func TestFastOpenFromTheKernel(t *testing.T) {
	t.Parallel()
	l := newLab(t, labPlan{capture: true})
	l.allowFastOpen()
	for _, v := range l.versions() {
		server := octet.ListenConfig{Host: l.host, FastOpen: true}
		s, err := server.Listen(t.Context(), "tcp", net.JoinHostPort(v.ours, "7070"))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []tcp.FastOpenOutcome{tcp.FastOpenGiven, tcp.FastOpenTaken, tcp.FastOpenTaken} {
			fd := l.sendFast(netip.MustParseAddrPort(s.Addr().String()), make([]byte, 5000))
			s.(*octet.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
			c, err := s.Accept()
			if err != nil {
				t.Fatalf("%s: connection %d: %v", v.name, i+1, err)
			}
			c.SetDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.ReadFull(c, make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			if got := c.(*octet.TCPConn).Info(); got.FastOpen.Outcome != want || want == tcp.FastOpenTaken && got.FastOpen.Taken < 536 {
				t.Errorf("%s: connection %d: %+v, want %v", v.name, i+1, got.FastOpen, want)
			}
			c.Close()
			if n, err := unix.Read(fd, make([]byte, 1)); n != 0 || err != nil {
				t.Errorf("the kernel reads %d octets, %v; want the end", n, err)
			}
			unix.Close(fd)
		}
		s.Close()
	}
}

// sendFast has the kernel connect and send with the SYN if it can.
func (l *lab) sendFast(to netip.AddrPort, p []byte) int {
	l.Helper()
	var addr unix.Sockaddr = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	family := unix.AF_INET6
	if to.Addr().Is4() {
		addr, family = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}, unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.Fatal(err)
	}
	limit := unix.NsecToTimeval(int64(20 * time.Second))
	for _, o := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, o, &limit); err != nil {
			l.Fatal(err)
		}
	}
	if err := unix.Sendto(fd, p, unix.MSG_FASTOPEN, addr); err != nil {
		l.Fatalf("the kernel cannot send to %v: %v", to, err)
	}
	return fd
}
