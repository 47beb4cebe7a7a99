package packetdrill

import (
	"encoding/binary"
	"fmt"

	"github.com/octet-net/octet/wire"
)

// message is the type and code of an ICMP error in both versions; -1 where one has none.
type message struct{ type4, code4, type6, code6 int }

// messages are the ICMP errors that scripts name, by type and code.
var messages = map[string]message{
	"unreachable net_unreachable":           {3, 0, 1, 0},
	"unreachable no_route":                  {-1, 0, 1, 0},
	"unreachable host_unreachable":          {3, 1, 1, 3},
	"unreachable addr_unreachable":          {-1, 0, 1, 3},
	"unreachable address_unreachable":       {-1, 0, 1, 3},
	"unreachable protocol_unreachable":      {3, 2, 4, 1},
	"unreachable port_unreachable":          {3, 3, 1, 4},
	"unreachable frag_needed":               {3, 4, 2, 0},
	"unreachable source_route_failed":       {3, 5, -1, 0},
	"unreachable net_unknown":               {3, 6, -1, 0},
	"unreachable host_unknown":              {3, 7, -1, 0},
	"unreachable source_host_isolated":      {3, 8, -1, 0},
	"unreachable net_prohibited":            {3, 9, 1, 1},
	"unreachable host_prohibited":           {3, 10, 1, 1},
	"unreachable net_unreachable_for_tos":   {3, 11, -1, 0},
	"unreachable host_unreachable_for_tos":  {3, 12, -1, 0},
	"unreachable adm_prohibited":            {3, 13, 1, 1},
	"unreachable admin_prohibited":          {3, 13, 1, 1},
	"unreachable beyond_scope":              {-1, 0, 1, 2},
	"unreachable not_neighbour":             {-1, 0, 1, 2},
	"packet_too_big ":                       {3, 4, 2, 0},
	"source_quench ":                        {4, 0, -1, 0},
	"time_exceeded ttl_exceeded_in_transit": {11, 0, 3, 0},
	"time_exceeded hop_limit":               {11, 0, 3, 0},
	"time_exceeded fragment_reassembly":     {11, 1, 3, 1},
	"time_exceeded ":                        {11, 0, 3, 0},
	"parameter_problem ":                    {12, 0, 4, 0},
	"parameter_problem erroneous_header":    {12, 0, 4, 0},
	"parameter_problem unknown_next_header": {12, 0, 4, 1},
	"parameter_problem unknown_option":      {12, 0, 4, 2},
}

// injectICMP returns an ICMP error about a segment that the host sent.
func (f *flow) injectICMP(ip IPFields, m *ICMP) ([]byte, error) {
	k, ok := messages[m.Type+" "+m.Code]
	six := f.local.Addr().Is6()
	kind, code, proto := k.type4, k.code4, wire.ProtoICMPv4
	if six {
		kind, code, proto = k.type6, k.code6, wire.ProtoICMPv6
	}
	if !ok || kind < 0 {
		return nil, fmt.Errorf("there is no ICMP message %q for this version of IP", m.Type+" "+m.Code)
	}
	if m.Quoted == nil || m.Quoted.UDP {
		return nil, fmt.Errorf("an ICMP error needs the segment that it quotes: [1:1(0)]")
	}
	head := make([]byte, wire.ICMPLen)
	wire.PutICMP(head, &wire.ICMP{Type: uint8(kind), Code: uint8(code), Rest: uint32(max(m.MTU, 0))})
	return f.packet(ip, proto, head, f.quoted(m.Quoted)), nil
}

// quoted returns the beginning of the packet that an ICMP error quotes: the IP
// header and eight octets of TCP, or the whole TCP header for IPv6.
func (f *flow) quoted(q *Quote) []byte {
	h := wire.IP{Src: f.local.Addr(), Dst: f.remote.Addr(), Proto: wire.ProtoTCP, Next: wire.ProtoTCP, TTL: 64, Flags: wire.DontFragment}
	n := h.Size()
	h.Len = n + wire.TCPLen + q.Len
	b := make([]byte, n+wire.TCPLen)
	wire.PutIP(b, &h)
	seg := b[n:]
	binary.BigEndian.PutUint16(seg, f.local.Port())
	binary.BigEndian.PutUint16(seg[2:], f.remote.Port())
	binary.BigEndian.PutUint32(seg[4:], q.Start+f.ours)
	seg[12] = wire.TCPLen / 4 << 4
	if h.Is6() {
		return b
	}
	return b[:n+8]
}
