package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/timeline"
)

// Capture writes what passes an interface to w in pcapng, packet by packet, until
// the context ends.
func Capture(ctx context.Context, device string, w io.Writer) error {
	in, err := net.InterfaceByName(device)
	if err != nil {
		return outcome.Failf(outcome.NoName, "octet if -a lists them", "there is no interface %q", device)
	}
	file, err := packetSocket(in.Index)
	if err != nil {
		return err
	}
	defer file.Close()
	defer context.AfterFunc(ctx, func() { file.SetReadDeadline(time.Unix(1, 0)) })()
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	line := timeline.New()
	defer line.Close()
	c := link.NewCapture(w, line, link.CaptureOptions{Live: true})
	err = c.Flush() // whoever reads along sees at once that it has begun
	bare := len(in.HardwareAddr) == 0 && in.Flags&net.FlagLoopback == 0
	for err == nil && ctx.Err() == nil {
		var s link.Sighting
		if s, err = readPacket(raw, bare); err == nil {
			s.At, s.Device = line.Now(), device
			c.Observe(&s)
			s.Packet.Data.Release()
			err = c.Flush()
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return errors.Join(err, c.Close())
}

// packetSocket opens a socket for all packets of an interface.
func packetSocket(index int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil, outcome.Failf(outcome.NotPermitted, "it needs the capability CAP_NET_RAW", "cannot watch the kernel's packets: %w", err)
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot watch the kernel's packets: %w", os.NewSyscallError("bind", err))
	}
	return os.NewFile(uintptr(fd), "packets"), nil
}

func htons(n uint16) uint16 { return n<<8 | n>>8 }

// readPacket waits for the next packet. Those of an interface without addresses of
// its own are bare IP packets.
func readPacket(raw interface {
	Read(func(fd uintptr) bool) error
}, bare bool) (s link.Sighting, err error) {
	b := make([]byte, 1<<16)
	var failure error
	for {
		err = raw.Read(func(fd uintptr) bool {
			n, from, err := unix.Recvfrom(int(fd), b, 0)
			if err == unix.EAGAIN || err == unix.EINTR {
				return false
			}
			if failure = err; err == nil {
				ll, _ := from.(*unix.SockaddrLinklayer)
				s.Outgoing, s.Ethernet = ll != nil && ll.Pkttype == unix.PACKET_OUTGOING, !bare
				s.Packet = &link.Packet{Data: chunk.Copy(b[:n])}
			}
			return true
		})
		if failure == unix.ENETDOWN { // told once when the interface goes down; it may come back
			failure = nil
			continue
		}
		if failure != nil {
			return s, os.NewSyscallError("recvfrom", failure)
		}
		return s, err
	}
}
