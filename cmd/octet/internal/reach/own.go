package reach

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/octet-net/octet"
	"github.com/octet-net/octet/cmd/octet/internal/outcome"
	"github.com/octet-net/octet/cmd/octet/internal/sight"
	"github.com/octet-net/octet/ip"
)

// own is a host of ours in this process.
type own struct{ *octet.Host }

// Own returns the network of a host, which Close ends.
func Own(h *octet.Host) *own { return &own{h} }

// name returns the name of an interface by its number.
func (o *own) name(id ip.ID) string {
	list, err := o.Interfaces()
	if err == nil { // else the host is closed
		for _, i := range list {
			if i.Index == int(id) {
				return i.Name
			}
		}
	}
	return strconv.Itoa(int(id))
}

// Routes returns the routes. The host does not note who made them.
func (o *own) Routes() ([]sight.Route, error) {
	var all []sight.Route
	for _, r := range o.Host.Routes() {
		s := sight.Route{Dst: sight.PrefixText(r.Prefix), Dev: o.name(r.Interface), Metric: int(r.Metric), MTU: r.MTU, Flags: []string{}}
		if r.Via.IsValid() {
			s.Gateway = r.Via.String()
		}
		if r.Source.IsValid() {
			s.Source = r.Source.String()
		}
		all = append(all, s)
	}
	return all, nil
}

func (o *own) Neighbours() ([]sight.Neighbour, error) {
	var all []sight.Neighbour
	for _, n := range o.Host.Neighbours() {
		s := sight.Neighbour{Dst: n.Addr.String(), Dev: o.name(n.Interface), Router: n.Router, State: []string{n.State.String()}}
		if n.State != ip.Incomplete {
			s.MAC = n.MAC.String()
		}
		all = append(all, s)
	}
	return all, nil
}

func (o *own) Conns() ([]sight.Conn, error) {
	var all []sight.Conn
	for _, c := range o.Host.Conns() {
		s := sight.Conn{Network: c.Network, State: c.State, RecvQ: c.ReceiveQueue, SendQ: c.SendQueue, Local: c.Local.String()}
		if c.Remote.IsValid() {
			s.Peer = c.Remote.String()
		}
		if c.Network == "udp" {
			s.State = "UNCONN"
			if s.Peer != "" {
				s.State = "CONNECTED"
			}
		}
		if i := c.Info; i != nil {
			s.TCP = &sight.TCP{
				RTT: i.SRTT.Microseconds(), RTTVar: i.RTTVar.Microseconds(), MinRTT: i.MinRTT.Microseconds(), RTO: i.RTO.Microseconds(),
				MSS: i.MSS, PathMTU: i.PathMTU, Window: i.Congestion.Cwnd, Inflight: i.Inflight, Retrans: i.Counts.Retransmits,
				OctetsIn: i.Counts.OctetsIn, OctetsOut: i.Counts.OctetsOut,
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// Counters returns what the host counts: the state of its tables, what it dropped
// and why, and what passed each device.
func (o *own) Counters() ([]sight.Counter, error) {
	s := o.Stats()
	var all []sight.Counter
	add := func(group, name string, value int64) {
		all = append(all, sight.Counter{Group: group, Name: name, Value: value})
	}
	add("tcp", "connections", int64(s.Connections))
	add("tcp", "half_open", int64(s.HalfOpen))
	add("tcp", "orphans", int64(s.Orphans))
	add("tcp", "time_wait", int64(s.TimeWaits))
	add("tcp", "time_wait_recycled", int64(s.Recycled))
	add("tcp", "cookies_sent", int64(s.CookiesSent))
	add("tcp", "cookies_used", int64(s.CookiesUsed))
	for d, n := range s.Drops {
		add("drop", octet.Drop(d).String(), int64(n))
	}
	for r, n := range s.IPDrops {
		if ip.Reason(r) != ip.NotDropped {
			add("drop", ip.Reason(r).String(), int64(n))
		}
	}
	list, err := o.Interfaces()
	for _, i := range list {
		l, ok := o.LinkStats(i.Index)
		if !ok {
			continue
		}
		add(i.Name, "rx_bytes", int64(l.ReceivedOctets))
		add(i.Name, "rx_packets", int64(l.Received))
		add(i.Name, "rx_dropped", int64(l.ReceiveDropped))
		add(i.Name, "tx_bytes", int64(l.SentOctets))
		add(i.Name, "tx_packets", int64(l.Sent))
		add(i.Name, "tx_dropped", int64(l.SendDropped))
		add(i.Name, "errors", int64(l.Errors))
	}
	return all, err
}

func (o *own) NameServers() ([]netip.AddrPort, error) {
	servers, _ := o.Host.NameServers()
	return servers, nil
}

// noticeKinds say what an ICMP error means for a ping.
var noticeKinds = map[ip.NoticeKind]sight.NoticeKind{ip.TimeExceeded: sight.Expired, ip.TooBig: sight.TooBig}

func (o *own) Ping(ctx context.Context, dst netip.Addr, p sight.Ping) (sight.Echo, error) {
	data := make([]byte, p.Size)
	for i := range data {
		data[i] = byte(i)
	}
	pong, err := o.Host.Ping(ctx, dst, octet.Ping{Data: data, HopLimit: uint8(p.HopLimit), Whole: p.Whole})
	var notice *octet.NoticeError
	switch {
	case errors.As(err, &notice):
		kind := cmp.Or(noticeKinds[notice.Kind], sight.Unreachable)
		return sight.Echo{From: notice.From, RTT: notice.RTT, Notice: notice.Kind.String(), Kind: kind, MTU: notice.MTU}, nil
	case errors.Is(err, syscall.EMSGSIZE):
		if path, perr := o.RouteTo(dst); perr == nil {
			return sight.Echo{Notice: ip.TooBig.String(), Kind: sight.TooBig, MTU: path.MTU}, nil
		}
		return sight.Echo{}, err
	case err == nil && !bytes.Equal(pong.Data, data):
		return sight.Echo{}, outcome.Failf(outcome.No, "", "%v answered with other octets than were sent", pong.From)
	}
	return sight.Echo{From: pong.From, HopLimit: int(pong.HopLimit), RTT: pong.RTT}, err
}

// Capture refuses: on a fresh stack nothing passes but what this verb does.
func (o *own) Capture(context.Context, string, io.Writer) error {
	return outcome.Failf(outcome.Usage, "use --on kernel or a device that octet up is on", "a fresh stack has no packets to watch")
}
