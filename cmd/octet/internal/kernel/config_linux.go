package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

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
