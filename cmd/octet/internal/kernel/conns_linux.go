package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octet-net/octet/cmd/octet/internal/sight"
)

// The parts of sock_diag(7) that package unix does not name.
const (
	diagRequestSize = 56 // struct inet_diag_req_v2
	diagMessageSize = 72 // struct inet_diag_msg
	diagInfo        = 2  // INET_DIAG_INFO: struct tcp_info
)

// tcpStates are the states of the kernel by RFC 9293's names. NEW_SYN_RECV is one.
var tcpStates = [...]string{
	"", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED", "CLOSE-WAIT",
	"LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED",
}

// Conns returns the sockets of TCP and UDP.
func Conns() ([]sight.Conn, error) {
	var all []sight.Conn
	for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
			request := make([]byte, diagRequestSize)
			request[0], request[1], request[2] = family, protocol, 1<<(diagInfo-1)
			binary.NativeEndian.PutUint32(request[4:], 1<<32-1) // all states
			err := ask(unix.NETLINK_INET_DIAG, unix.SOCK_DIAG_BY_FAMILY, request, func(m *syscall.NetlinkMessage) {
				if c, ok := parseConn(protocol, m.Data); ok {
					all = append(all, c)
				}
			})
			if err != nil {
				return nil, fmt.Errorf("cannot list the sockets: %w", err)
			}
		}
	}
	return all, nil
}

// parseConn reads a struct inet_diag_msg and its attributes.
func parseConn(protocol byte, b []byte) (sight.Conn, bool) {
	if len(b) < diagMessageSize {
		return sight.Conn{}, false
	}
	local, peer := socketAddr(b[0], b[8:24], b[4:6]), socketAddr(b[0], b[24:40], b[6:8])
	c := sight.Conn{
		Network: "tcp", RecvQ: int(u32(b[56:])), SendQ: int(u32(b[60:])), Local: local.String(),
	}
	if peer.Port() != 0 {
		c.Peer = peer.String()
	}
	switch state := b[1]; {
	case protocol == unix.IPPROTO_UDP && c.Peer != "":
		c.Network, c.State = "udp", "CONNECTED"
	case protocol == unix.IPPROTO_UDP:
		c.Network, c.State = "udp", "UNCONN"
	case int(state) < len(tcpStates):
		c.State = tcpStates[state]
	}
	attrs(b[diagMessageSize:], func(kind uint16, value []byte) {
		if kind == diagInfo && c.Network == "tcp" && c.Peer != "" {
			c.TCP = parseTCPInfo(value)
		}
	})
	return c, true
}

func socketAddr(family byte, addr, port []byte) netip.AddrPort {
	a := netip.AddrFrom4([4]byte(addr))
	if family == unix.AF_INET6 {
		a = netip.AddrFrom16([16]byte(addr)).Unmap()
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port))
}

// parseTCPInfo reads a struct tcp_info, of which older kernels give less.
func parseTCPInfo(b []byte) *sight.TCP {
	var i unix.TCPInfo
	whole := make([]byte, unix.SizeofTCPInfo)
	copy(whole, b)
	if err := binary.Read(bytes.NewReader(whole), binary.NativeEndian, &i); err != nil {
		return nil
	}
	return &sight.TCP{
		RTT: int64(i.Rtt), RTTVar: int64(i.Rttvar), MinRTT: int64(i.Min_rtt), RTO: int64(i.Rto), MSS: int(i.Snd_mss), PathMTU: int(i.Pmtu),
		Window: int(i.Snd_cwnd) * int(i.Snd_mss), Inflight: int(i.Unacked) * int(i.Snd_mss), Retrans: uint64(i.Total_retrans),
		OctetsIn: i.Bytes_received, OctetsOut: i.Bytes_sent,
	}
}
