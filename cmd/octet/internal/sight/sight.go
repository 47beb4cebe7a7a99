// Package sight is what can be seen of a network, the kernel's or a stack's, in the
// form in which people and scripts know it: as iproute2 writes it, in text and JSON.
package sight

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A Route says where packets for a prefix go. The keys are those of ip -j route.
type Route struct {
	Dst      string   `json:"dst" jsonschema:"default, or a prefix"`
	Type     string   `json:"type,omitempty" jsonschema:"unless it is unicast: local, broadcast, unreachable, …"`
	Gateway  string   `json:"gateway,omitempty"`
	Dev      string   `json:"dev,omitempty"`
	Protocol string   `json:"protocol,omitempty" jsonschema:"who made it: kernel, boot, static, ra, dhcp"`
	Source   string   `json:"prefsrc,omitempty"`
	Metric   int      `json:"metric,omitempty"`
	MTU      int      `json:"mtu,omitempty"`
	Flags    []string `json:"flags"`
}

// Text writes the route as ip-route(8) does.
func (r *Route) Text() string {
	var b strings.Builder
	if r.Type != "" {
		b.WriteString(r.Type + " ")
	}
	b.WriteString(r.Dst)
	for _, p := range [...]struct{ word, value string }{
		{"via", r.Gateway}, {"dev", r.Dev}, {"proto", r.Protocol}, {"src", r.Source},
	} {
		if p.value != "" {
			b.WriteString(" " + p.word + " " + p.value)
		}
	}
	if r.Metric != 0 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	if r.MTU != 0 {
		fmt.Fprintf(&b, " mtu %d", r.MTU)
	}
	for _, f := range r.Flags {
		b.WriteString(" " + f)
	}
	return b.String()
}

// PrefixText writes the prefix of a route: default for that of all addresses, and a
// single address without its length.
func PrefixText(p netip.Prefix) string {
	switch {
	case p.Bits() == 0:
		return "default"
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

// A Neighbour is a host on the link. The keys are those of ip -j neighbour.
type Neighbour struct {
	Dst    string   `json:"dst"`
	Dev    string   `json:"dev"`
	MAC    string   `json:"lladdr,omitempty"`
	Router bool     `json:"router,omitempty"`
	State  []string `json:"state"`
}

// Text writes the neighbour as ip-neighbour(8) does.
func (n *Neighbour) Text() string {
	s := n.Dst + " dev " + n.Dev
	if n.MAC != "" {
		s += " lladdr " + n.MAC
	}
	if n.Router {
		s += " router"
	}
	return s + " " + strings.Join(n.State, " ")
}

// A Conn is a socket: a listener, a connection, or what is left of one.
type Conn struct {
	Network string `json:"netid" jsonschema:"tcp or udp"`
	State   string `json:"state" jsonschema:"of tcp as RFC 9293 calls it; UNCONN or CONNECTED of udp"`
	RecvQ   int    `json:"recv_q" jsonschema:"octets that wait to be read; of a listener, connections that wait to be accepted"`
	SendQ   int    `json:"send_q" jsonschema:"octets that wait for their acknowledgement; of a listener, the most that may wait"`
	Local   string `json:"local"`
	Peer    string `json:"peer,omitempty"`
	TCP     *TCP   `json:"tcp,omitempty"`
}

// TCP is what a connection knows of its path.
type TCP struct {
	RTT       int64  `json:"rtt_us"`
	RTTVar    int64  `json:"rttvar_us"`
	MinRTT    int64  `json:"minrtt_us,omitempty"`
	RTO       int64  `json:"rto_us"`
	MSS       int    `json:"mss"`
	PathMTU   int    `json:"pmtu,omitempty"`
	Window    int    `json:"cwnd_octets" jsonschema:"congestion window"`
	Inflight  int    `json:"inflight_octets"`
	Retrans   uint64 `json:"retrans" jsonschema:"segments sent again, in all"`
	OctetsIn  uint64 `json:"bytes_received,omitempty"`
	OctetsOut uint64 `json:"bytes_sent,omitempty"`
}

// Text writes it in one line, in the words of ss -i.
func (t *TCP) Text() string {
	ms := func(us int64) string { return fmt.Sprintf("%.3f", float64(us)/1000) }
	s := fmt.Sprintf("rtt %s/%s ms rto %s ms mss %d cwnd %d octets inflight %d retrans %d",
		ms(t.RTT), ms(t.RTTVar), ms(t.RTO), t.MSS, t.Window, t.Inflight, t.Retrans)
	if t.PathMTU != 0 {
		s += fmt.Sprintf(" pmtu %d", t.PathMTU)
	}
	if t.OctetsIn+t.OctetsOut > 0 {
		s += fmt.Sprintf(" in %d out %d", t.OctetsIn, t.OctetsOut)
	}
	return s
}

// ConnHeader stands above the text of connections.
const ConnHeader = "Netid State        Recv-Q Send-Q Local                        Peer"

// Text writes the connection as a row under ConnHeader.
func (c *Conn) Text() string {
	peer := c.Peer
	if peer == "" {
		peer = "*"
	}
	return fmt.Sprintf("%-5s %-12s %6d %6d %-28s %s", c.Network, c.State, c.RecvQ, c.SendQ, c.Local, peer)
}

// A Counter is something that a network counts.
type Counter struct {
	Group string `json:"group" jsonschema:"what it is about: a protocol, drop, or an interface"`
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// Text writes the counter as a row.
func (c *Counter) Text() string { return fmt.Sprintf("%-10s %-28s %d", c.Group, c.Name, c.Value) }

// A Ping says what an echo request is like.
type Ping struct {
	Size     int  // octets of data
	HopLimit int  // 0: that of the network
	Whole    bool // never in fragments
	AnyKind  bool // what is sent does not matter: a datagram will do, where echo requests are not permitted
}

// An Echo is what came back: the answer, or an ICMP error.
type Echo struct {
	From     netip.Addr    // who says it
	HopLimit int           // that the answer had left; 0 if nobody says
	RTT      time.Duration // from the request to it
	Notice   string        // what an ICMP error says; empty for the answer
	Kind     NoticeKind    // and what it means
	MTU      int           // with TooBig
}

// NoticeKind is what an ICMP error means to who sends pings.
type NoticeKind int

// The kinds.
const (
	Answered    NoticeKind = iota // no error: the answer
	Expired                       // the packet had no hops left
	TooBig                        // the next link takes MTU octets only
	Unreachable                   // it cannot be delivered
)

// A Pinger sends one echo request and waits for what comes back.
type Pinger interface {
	Ping(ctx context.Context, dst netip.Addr, p Ping) (Echo, error)
}
