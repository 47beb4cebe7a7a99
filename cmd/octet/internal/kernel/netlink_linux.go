package kernel

import (
	"encoding/binary"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// A netlink is a socket to the kernel.
type netlink int

func openNetlink(protocol int) (netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	return netlink(fd), err
}

func (n netlink) close() { unix.Close(int(n)) }

// sequence is the number of the one request of a netlink.
const sequence = 1

// send sends a request.
func (n netlink) send(kind uint16, flags int, body []byte) error {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.NLM_F_REQUEST|flags))
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = binary.NativeEndian.AppendUint32(b, 0)
	return unix.Sendto(int(n), append(b, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// answers takes messages until the last one of the answer, or the kernel's error.
func (n netlink) answers(take func(m *syscall.NetlinkMessage)) error {
	b := make([]byte, 64<<10)
	for {
		size, _, err := unix.Recvfrom(int(n), b, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		list, err := syscall.ParseNetlinkMessage(slices.Clone(b[:size]))
		if err != nil {
			return err
		}
		for i := range list {
			m := &list[i]
			if m.Header.Seq != sequence {
				continue
			}
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return nil
			case unix.NLMSG_ERROR:
				return verdict(m.Data)
			}
			take(m)
		}
	}
}

// verdict reads an error message, which also says that there was none.
func verdict(data []byte) error {
	if len(data) < 4 {
		return unix.EBADMSG
	}
	if code := int32(binary.NativeEndian.Uint32(data)); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}

// ask sends a request that has many messages as its answer.
func ask(protocol int, kind uint16, body []byte, take func(m *syscall.NetlinkMessage)) error {
	n, err := openNetlink(protocol)
	if err != nil {
		return err
	}
	defer n.close()
	if err := n.send(kind, unix.NLM_F_DUMP, body); err != nil {
		return err
	}
	return n.answers(take)
}

// change sends one request of rtnetlink and waits for the kernel's word on it.
func change(kind uint16, flags int, body []byte) error {
	n, err := openNetlink(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer n.close()
	if err := n.send(kind, unix.NLM_F_ACK|flags, body); err != nil {
		return err
	}
	return n.answers(func(*syscall.NetlinkMessage) {})
}

// attrs calls take for each attribute in b (struct rtattr).
func attrs(b []byte, take func(kind uint16, value []byte)) {
	for len(b) >= unix.SizeofRtAttr {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if size < unix.SizeofRtAttr || size > len(b) {
			return
		}
		take(kind&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofRtAttr:size])
		b = b[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
	}
}

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}
