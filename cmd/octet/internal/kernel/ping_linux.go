package kernel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// The ICMP messages that are sent and awaited (RFC 792, RFC 4443).
const (
	echoRequest4, echoReply4 = 8, 0
	echoRequest6, echoReply6 = 128, 129
	icmpHeader               = 8
)

// A pinging is one echo request on its way, on a socket of its own: a socket for
// pings only, which users may have whom net.ipv4.ping_group_range names, or a raw one.
type pinging struct {
	file    *os.File
	raw     syscall.RawConn
	six     bool
	all     bool // a raw socket: it gets the answers of others too
	udp     bool // datagrams instead of echo requests
	id, seq uint16
	data    []byte
	sent    time.Time
}

// Ping sends an echo request and waits for what comes back, until the context ends.
func Ping(ctx context.Context, dst netip.Addr, o sight.Ping) (sight.Echo, error) {
	p, err := openPing(dst, o)
	if err != nil {
		return sight.Echo{}, err
	}
	defer p.file.Close()
	defer context.AfterFunc(ctx, func() { p.file.SetReadDeadline(time.Unix(1, 0)) })()
	p.sent = time.Now()
	if err := p.send(); err != nil && !errors.Is(err, unix.EMSGSIZE) { // of which the error queue tells more
		return sight.Echo{}, os.NewSyscallError("send", err)
	}
	e, err := p.await()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return e, err
}

func openPing(dst netip.Addr, o sight.Ping) (*pinging, error) {
	p := &pinging{six: dst.Is6(), seq: 1, id: uint16(rand.Uint32()), data: make([]byte, o.Size)}
	for i := range p.data {
		p.data[i] = byte(i)
	}
	fd, err := p.socket(o.AnyKind)
	if err != nil {
		return nil, err
	}
	if err := p.prepare(fd, dst, o); err != nil {
		unix.Close(fd)
		return nil, err
	}
	p.file = os.NewFile(uintptr(fd), "ping")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

// socket opens a socket for pings, or for datagrams if the user may have no other and
// nobody sees the difference.
func (p *pinging) socket(anyKind bool) (int, error) {
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if p.six {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|flags, protocol)
	if errors.Is(err, fs.ErrPermission) {
		p.all = true
		fd, err = unix.Socket(family, unix.SOCK_RAW|flags, protocol)
	}
	if errors.Is(err, fs.ErrPermission) && anyKind {
		p.all, p.udp = false, true
		fd, err = unix.Socket(family, unix.SOCK_DGRAM|flags, 0)
	}
	if errors.Is(err, fs.ErrPermission) {
		return -1, outcome.Failf(outcome.NotPermitted, "it needs the capability CAP_NET_RAW, or a group in sysctl net.ipv4.ping_group_range", "cannot send echo requests: %w", err)
	}
	return fd, os.NewSyscallError("socket", err)
}

// prepare sets the options and the destination. Errors of ICMP are asked for.
func (p *pinging) prepare(fd int, dst netip.Addr, o sight.Ping) error {
	type option struct{ level, name, value int }
	options := []option{{unix.IPPROTO_IP, unix.IP_RECVERR, 1}, {unix.IPPROTO_IP, unix.IP_RECVTTL, 1}}
	hops, discover := option{unix.IPPROTO_IP, unix.IP_TTL, o.HopLimit}, option{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT}
	var to unix.Sockaddr
	if !p.six {
		to = &unix.SockaddrInet4{Addr: dst.As4(), Port: p.port(o)}
	} else {
		options = []option{{unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1}, {unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1}}
		hops, discover = option{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, o.HopLimit}, option{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT}
		zone, err := zoneOf(dst)
		if err != nil {
			return err
		}
		to = &unix.SockaddrInet6{Addr: dst.As16(), ZoneId: zone, Port: p.port(o)}
	}
	if o.HopLimit != 0 {
		options = append(options, hops)
	}
	if o.Whole {
		discover.value = unix.IP_PMTUDISC_DO // the same number for IPv6
	}
	for _, x := range append(options, discover) {
		if err := unix.SetsockoptInt(fd, x.level, x.name, x.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("connect", unix.Connect(fd, to))
}

// port returns where datagrams go: ports that traceroute(8) has always used, where
// nobody listens.
func (p *pinging) port(o sight.Ping) int {
	if !p.udp {
		return 0
	}
	return 33434 + o.HopLimit
}

// send sends the request. The kernel fills in the checksum of IPv6, and on a socket
// for pings the identifier too.
func (p *pinging) send() error {
	b := make([]byte, icmpHeader, icmpHeader+len(p.data))
	b[0] = echoRequest4
	if p.six {
		b[0] = echoRequest6
	}
	binary.BigEndian.PutUint16(b[4:], p.id)
	binary.BigEndian.PutUint16(b[6:], p.seq)
	b = append(b, p.data...)
	if p.udp {
		b = p.data // the header is the kernel's, and as long
	} else if !p.six {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	var failure error
	err := p.raw.Write(func(fd uintptr) bool {
		failure = unix.Send(int(fd), b, 0)
		return failure != unix.EAGAIN
	})
	if failure != nil {
		return failure
	}
	return err
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i, x := range b {
		sum += uint32(x) << (8 * (1 - uint(i)%2))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// await waits for the answer, or for an error of ICMP.
func (p *pinging) await() (sight.Echo, error) {
	var e sight.Echo
	var failure error
	err := p.raw.Read(func(fd uintptr) bool {
		for _, flags := range [...]int{unix.MSG_ERRQUEUE, 0} {
			done, err := p.receive(int(fd), flags, &e)
			switch {
			case done:
				return true
			case err != nil && flags == 0:
				failure = os.NewSyscallError("recvmsg", err)
				return true
			}
		}
		return false
	})
	if failure != nil {
		return e, failure
	}
	return e, err
}

// receive reads messages, those of ICMP errors or others, until one is about the
// request, or there is none.
func (p *pinging) receive(fd, flags int, e *sight.Echo) (done bool, err error) {
	b, control := make([]byte, 1<<16), make([]byte, 512)
	for {
		n, m, _, from, err := unix.Recvmsg(fd, b, control, flags)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return false, nil
		case err != nil:
			return false, err
		}
		e.RTT = time.Since(p.sent)
		list, err := unix.ParseSocketControlMessage(control[:m])
		if err != nil {
			return false, err
		}
		if flags == unix.MSG_ERRQUEUE && p.readError(b[:n], list, e) || flags == 0 && p.readAnswer(b[:n], list, from, e) {
			return true, nil
		}
	}
}

// ours reports whether an ICMP message has the identifier and number of the request.
// A socket for pings has an identifier of its own, and gets no others.
func (p *pinging) ours(b []byte) bool {
	return len(b) >= icmpHeader && binary.BigEndian.Uint16(b[6:]) == p.seq && (!p.all || binary.BigEndian.Uint16(b[4:]) == p.id)
}

// readAnswer reads what was received and reports whether it is the answer.
func (p *pinging) readAnswer(b []byte, list []unix.SocketControlMessage, from unix.Sockaddr, e *sight.Echo) bool {
	reply := byte(echoReply4)
	if p.six {
		reply = echoReply6
	} else if p.all && len(b) > 0 { // the IP header comes with it
		b = b[min(int(b[0]&15)*4, len(b)):]
	}
	if !p.ours(b) || b[0] != reply || !bytes.Equal(b[icmpHeader:], p.data) {
		return false
	}
	e.From = addrOf(from)
	for _, m := range list {
		h := m.Header
		if h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL || h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT {
			e.HopLimit = int(u32(m.Data))
		}
	}
	return true
}

// readError reads an ICMP error about the packet in b (struct sock_extended_err and
// the address of who says so) and reports whether it is about the request.
func (p *pinging) readError(b []byte, list []unix.SocketControlMessage, e *sight.Echo) bool {
	for _, m := range list {
		h := m.Header
		isError := h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR || h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR
		if !isError || len(m.Data) < extendedErrorSize {
			continue
		}
		x := extendedError{errno: syscall.Errno(u32(m.Data)), origin: m.Data[4], kind: m.Data[5], code: m.Data[6], info: u32(m.Data[8:])}
		if x.origin != unix.SO_EE_ORIGIN_LOCAL && !p.udp && !p.ours(b) {
			return false
		}
		e.From = offender(m.Data[extendedErrorSize:])
		if x.tell(e); p.udp && x.noPort() { // the end of the way answers so
			e.Kind, e.Notice = sight.Answered, ""
		}
		return true
	}
	return false
}
