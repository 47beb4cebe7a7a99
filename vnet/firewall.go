package vnet

import (
	"cmp"
	"net/netip"
	"sync"
	"time"

	"github.com/octet-net/octet/link"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// FirewallConfig says what a Firewall lets in.
type FirewallConfig struct {
	// Open is what may come in without having been asked for: such as TCP.Port(443).
	// A match must not wait or call the network.
	Open Match
	// Idle is how long answers may come after the last packet: 5 minutes of UDP and
	// ICMP if zero, and 124 minutes of TCP.
	IdleUDP, IdleTCP time.Duration
	// Most is how many flows it remembers: 65,536 if zero. No further ones begin.
	Most int
}

// A Firewall is a router that lets packets from its first network pass, and from
// its second only answers to them.
type Firewall struct {
	*Host
	state *flowTable
}

// Firewall makes a firewall between a network inside and one outside.
func (n *Net) Firewall(name string, inside, outside HostOption, c FirewallConfig) (*Firewall, error) {
	x, err := n.newRouter("firewall", name, []HostOption{inside, outside})
	if err != nil {
		return nil, err
	}
	c.IdleUDP = cmp.Or(c.IdleUDP, 5*time.Minute)
	c.IdleTCP = cmp.Or(c.IdleTCP, 124*time.Minute)
	c.Most = cmp.Or(c.Most, 1<<16)
	t := &flowTable{config: c, flows: map[flowKey]mono.Time{}, own: map[netip.Addr]bool{}}
	for _, a := range x.addrs {
		t.own[a] = true
	}
	x.nics[1].hook = t
	return &Firewall{&Host{x.stack, x}, t}, nil
}

// Stopped returns how many packets were not let in.
func (f *Firewall) Stopped() uint64 {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	return f.state.stopped
}

// Forget makes the firewall forget the flows that it has seen.
func (f *Firewall) Forget() {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	clear(f.state.flows)
}

type flowKey struct {
	proto        wire.Proto
	inner, outer netip.AddrPort
}

// A flowTable is what a firewall remembers: when each flow was last used.
type flowTable struct {
	config FirewallConfig
	own    map[netip.Addr]bool

	mu      sync.Mutex
	flows   map[flowKey]mono.Time
	stopped uint64
}

func (t *flowTable) outgoing(_ *nic, now mono.Time, p *link.Packet) bool {
	var s Packet
	s.read(p)
	if s.Proto == 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := flowKey{s.Proto, s.Src, s.Dst}
	if _, known := t.flows[key]; !known && len(t.flows) >= t.config.Most {
		t.sweep(now)
		if len(t.flows) >= t.config.Most {
			t.stopped++
			return false
		}
	}
	t.flows[key] = now
	return true
}

func (t *flowTable) sweep(now mono.Time) {
	for k := range t.flows {
		if !t.fresh(k, now) {
			delete(t.flows, k)
		}
	}
}

// fresh reports whether a flow is remembered.
func (t *flowTable) fresh(k flowKey, now mono.Time) bool {
	last, known := t.flows[k]
	idle := t.config.IdleUDP
	if k.proto == wire.ProtoTCP {
		idle = t.config.IdleTCP
	}
	return known && now.Sub(last) < idle
}

func (t *flowTable) incoming(_ *nic, now mono.Time, p *link.Packet) bool {
	var s Packet
	s.read(p)
	if s.Proto == 0 || linkMessage6(&s, p) {
		return true
	}
	open := t.config.Open != nil && t.config.Open(&s)
	t.mu.Lock()
	defer t.mu.Unlock()
	key := flowKey{s.Proto, s.Dst, s.Src}
	switch {
	case open && len(t.flows) < t.config.Most, t.fresh(key, now):
		t.flows[key] = now
		return true
	case t.quoted(now, p):
		return true
	}
	t.stopped++
	return false
}

// linkMessage6 reports whether a packet is one of ICMPv6 that concerns the link.
func linkMessage6(s *Packet, p *link.Packet) bool {
	if s.Proto != wire.ProtoICMPv6 {
		return false
	}
	b := p.AppendTo(nil)
	return len(b) > 14+wire.IPv6Len && linkMessage(b[14+wire.IPv6Len])
}

// quoted reports whether a packet is an ICMP error about a flow that is remembered.
func (t *flowTable) quoted(now mono.Time, p *link.Packet) bool {
	o := wire.Plain(p.AppendTo(nil)[14:])
	var h wire.IP
	if wire.ParseIP(&o, &h) != wire.OK || h.IsFragment() {
		return false
	}
	o.Pull(int(h.HeaderLen))
	var m wire.ICMP
	var q wire.Quote
	switch {
	case h.Proto == wire.ProtoICMPv4 && wire.ParseICMP(&o, &m) == wire.OK && wire.ParseQuote4(&m, &q) == wire.OK:
	case h.Proto == wire.ProtoICMPv6 && wire.ParseICMP(&o, &m) == wire.OK && wire.ParseQuote6(&m, &q) == wire.OK:
	default:
		return false
	}
	return t.fresh(flowKey{q.IP.Proto, netip.AddrPortFrom(q.IP.Src, q.SrcPort), netip.AddrPortFrom(q.IP.Dst, q.DstPort)}, now)
}
