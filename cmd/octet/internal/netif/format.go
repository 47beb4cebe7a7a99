package netif

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Text writes the interface as ifconfig does on BSD and macOS: a line that begins
// with the name, then a line with a tab for each thing that is known. Flags,
// options, netmask and scope are hexadecimal.
func (i *Interface) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: flags=%s mtu %d\n", i.Name, i.shortFlags(), i.MTU)
	if i.Options != nil {
		fmt.Fprintf(&b, "\toptions=%s\n", i.Options)
	}
	if len(i.MAC) > 0 && i.Link != "loopback" {
		fmt.Fprintf(&b, "\tether %s\n", i.MAC)
	}
	for _, a := range i.Addrs {
		fmt.Fprintf(&b, "\t%s\n", i.addrText(a))
	}
	if s := i.Status(); s != "" {
		fmt.Fprintf(&b, "\tstatus: %s\n", s)
	}
	return b.String()
}

// shortFlags returns the flags that ifconfig shows: on Linux the 16 bits that the
// ioctl behind it has room for.
func (i *Interface) shortFlags() Word {
	w := i.Flags
	if w.Table == LinuxFlags {
		w.Value &= 0xffff
	}
	return w
}

func (i *Interface) addrText(a Addr) string {
	ip := a.Prefix.Addr()
	if !ip.Is4() {
		if !ip.IsLinkLocalUnicast() {
			return fmt.Sprintf("inet6 %s prefixlen %d", ip, a.Prefix.Bits())
		}
		return fmt.Sprintf("inet6 %s prefixlen %d scopeid 0x%x", ip.WithZone(i.Name), a.Prefix.Bits(), i.Index)
	}
	s := "inet " + ip.String()
	if a.Peer.IsValid() {
		s += " --> " + a.Peer.String()
	}
	s += fmt.Sprintf(" netmask 0x%08x", Mask4(a.Prefix.Bits()))
	if a.Broadcast.IsValid() {
		s += " broadcast " + a.Broadcast.String()
	}
	return s
}

// Mask4 returns the IPv4 netmask with n bits of network.
func Mask4(n int) uint32 {
	return binary.BigEndian.Uint32([]byte{byteMask(n), byteMask(n - 8), byteMask(n - 16), byteMask(n - 24)})
}

func byteMask(n int) byte { return ^byte(0xff >> min(max(n, 0), 8)) }

// Status returns whether the link is connected, as BSD says it: active or no
// carrier. It is empty for the loopback and where nobody says.
func (i *Interface) Status() string {
	switch {
	case i.Link == "loopback" || i.OperState == "":
		return ""
	case i.OperState == "UP" || i.OperState == "UNKNOWN" && i.Flags.Has("RUNNING"):
		return "active"
	case !i.Up():
		return "inactive"
	}
	return "no carrier"
}
