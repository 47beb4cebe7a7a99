package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// AddAddress gives an interface an address. It is not tested whether somebody else
// has it: the only other side of the interface is ours.
func AddAddress(index int, p netip.Prefix) error {
	a := p.Addr().AsSlice()
	b := ifAddrmsg(index, p)
	b = appendAttr(b, unix.IFA_LOCAL, a)
	b = appendAttr(b, unix.IFA_ADDRESS, a)
	if err := change(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, b); err != nil {
		return fmt.Errorf("address %v: %w", p, err)
	}
	return nil
}

// ifAddrmsg is the header of a message about an address (struct ifaddrmsg).
func ifAddrmsg(index int, p netip.Prefix) []byte {
	family, flags := byte(unix.AF_INET), byte(0)
	if !p.Addr().Is4() {
		family, flags = unix.AF_INET6, unix.IFA_F_NODAD
	}
	b := []byte{family, byte(p.Bits()), flags, unix.RT_SCOPE_UNIVERSE}
	return binary.NativeEndian.AppendUint32(b, uint32(index))
}

// appendAttr appends an attribute (struct rtattr), filled up to four octets.
func appendAttr(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%unix.NLMSG_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

// change sends one request of rtnetlink and waits for the kernel's word on it.
func change(kind uint16, flags int, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const sequence = 1
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags))
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = binary.NativeEndian.AppendUint32(b, 0)
	if err := unix.Sendto(fd, append(b, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, unix.Getpagesize())
	for {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if done, err := verdict(answer[:n], sequence); done || err != nil {
			return err
		}
	}
}

// verdict looks for the answer to a request; done is false if it is not among the messages.
func verdict(b []byte, sequence uint32) (done bool, err error) {
	list, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return false, err
	}
	for _, m := range list {
		if m.Header.Seq != sequence || m.Header.Type != unix.NLMSG_ERROR || len(m.Data) < 4 {
			continue
		}
		if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
			return true, syscall.Errno(-code)
		}
		return true, nil
	}
	return false, nil
}
