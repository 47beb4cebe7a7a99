package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/timeline"
)

// OpenPacket stands on an Ethernet interface beside the kernel: frames for the
// MAC address of our host, and those for groups, come to us as well; all others
// are the kernel's. Host and kernel cannot reach each other over it. It needs CAP_NET_RAW.
//
// Frames with a VLAN tag are not received.
func OpenPacket(line *timeline.Timeline, o PacketOptions) (*PortDevice, error) {
	d, err := openPacket(line, o)
	if err != nil {
		return nil, privileged("open "+o.Interface, "CAP_NET_RAW", err)
	}
	return d, nil
}

func openPacket(line *timeline.Timeline, o PacketOptions) (*PortDevice, error) {
	ifi, err := net.InterfaceByName(o.Interface)
	if err != nil {
		return nil, err
	}
	if len(ifi.HardwareAddr) != 6 {
		return nil, fmt.Errorf("%s is no Ethernet interface", o.Interface)
	}
	if o.MAC == [6]byte{} {
		o.MAC = randomMAC()
	}
	fd, err := packetSocket(ifi.Index, o)
	if err != nil {
		return nil, err
	}
	p, err := linuxPort(fd, o.Interface, true, !o.NoOffload)
	if err != nil {
		return nil, err
	}
	p.mtu = func() (int, error) { return numberedMTU(p.control, ifi.Index) }
	info := Info{Name: o.Interface, MTU: min(ifi.MTU, MTUMax-etherHeader), MAC: o.MAC, Ethernet: true}
	if !o.NoOffload {
		info.NoSum, info.Segments = true, segmentsMax
	}
	d, err := NewPortDevice(line, PortOptions{Info: info, Changed: o.Changed}, p)
	if err != nil {
		p.Close()
	}
	return d, err
}

// numberedMTU asks for the MTU of an interface by its number: its name may be
// another's by now. It returns 0 for one that is being renamed, which for a moment
// has no name that could be asked for.
func numberedMTU(control, index int) (int, error) {
	r, err := unix.NewIfreq("any")
	if err != nil {
		return 0, err
	}
	r.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(control, unix.SIOCGIFNAME, r); err != nil {
		return 0, os.NewSyscallError("SIOCGIFNAME", err)
	}
	mtu, err := interfaceMTU(control, r.Name())
	if errors.Is(err, unix.ENODEV) {
		return 0, nil
	}
	return min(mtu, MTUMax-etherHeader), err
}

// packetSocket opens a socket for the frames of an interface. Nothing is received
// before it is bound, and so nothing that the filter would not pass.
func packetSocket(index int, o PacketOptions) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	filter := packetFilter(o.MAC)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return -1, os.NewSyscallError("SO_ATTACH_FILTER", err)
	}
	for _, s := range []struct {
		name   string
		option int
		value  int
	}{
		{"PACKET_VNET_HDR", unix.PACKET_VNET_HDR, b2i(!o.NoOffload)},
		{"PACKET_IGNORE_OUTGOING", unix.PACKET_IGNORE_OUTGOING, 1},
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, s.option, s.value); err != nil {
			return -1, os.NewSyscallError(s.name, err)
		}
	}
	all := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC} // for our own MAC address
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &all); err != nil {
		return -1, os.NewSyscallError("PACKET_ADD_MEMBERSHIP", err)
	}
	protocol := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: index}); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// packetFilter passes frames without a VLAN tag that are for mac or for a group.
func packetFilter(mac [6]byte) []unix.SockFilter {
	const (
		loadByte = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		loadHalf = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		loadWord = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		bits     = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		end      = unix.BPF_RET | unix.BPF_K
		tagged   = 0xfffff000 + 48 // SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT
	)
	return []unix.SockFilter{
		{Code: loadByte, K: tagged},
		{Code: equal, K: 0, Jf: 7},
		{Code: loadByte, K: 0},
		{Code: bits, K: 1, Jt: 4}, // a group address
		{Code: loadWord, K: 0},
		{Code: equal, K: binary.BigEndian.Uint32(mac[:]), Jf: 3},
		{Code: loadHalf, K: 4},
		{Code: equal, K: uint32(binary.BigEndian.Uint16(mac[4:])), Jf: 1},
		{Code: end, K: 0xffffffff},
		{Code: end, K: 0},
	}
}
