package ip

import (
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// readICMP checks an ICMP message for us and reads it into m, which takes over the body.
func readICMP(p *Packet, h *wire.IP, m *wire.ICMP) Reason {
	o := p.Octets
	o.Pull(int(h.HeaderLen))
	if !p.NoSum && h.Verify(&o) != wire.OK {
		return BadChecksum
	}
	if wire.ParseICMP(&o, m) != wire.OK {
		return BadICMP
	}
	return NotDropped
}

// arriveICMPv4 takes an ICMPv4 message for us. Echo replies go to who asked; what
// else a host may ignore is ignored: redirects, source quench (RFC 1122 §3.2.2.3,
// RFC 6633),
// timestamps, address masks, router discovery.
func (n *Node) arriveICMPv4(now mono.Time, p *Packet, v *Verdict, cast Cast) Reason {
	h := &v.Datagram.IP
	var m wire.ICMP
	if why := readICMP(p, h, &m); why != NotDropped {
		return why
	}
	switch m.Type {
	case wire.ICMPv4Echo:
		if cast != Unicast { // RFC 1122 §3.2.2.6 leaves it open; smurf closed it
			return EchoToGroup
		}
		v.Kind = Answer
		return n.echo(now, p, h, &m, cast, wire.ICMPv4EchoReply)
	case wire.ICMPv4EchoReply:
		v.deliver(p, cast)
		return NotDropped
	case wire.ICMPv4Unreachable, wire.ICMPv4TimeExceeded, wire.ICMPv4ParamProblem:
		if cast != Unicast {
			return BadICMP
		}
		return n.inform(p, v, &m)
	case wire.ICMPv4Redirect:
		return RedirectIgnored
	}
	return BadICMP
}

// arriveICMPv6 takes an ICMPv6 message for us.
func (n *Node) arriveICMPv6(now mono.Time, i *iface, p *Packet, v *Verdict, cast Cast, fragmented bool) Reason {
	h := &v.Datagram.IP
	var m wire.ICMP
	if why := readICMP(p, h, &m); why != NotDropped {
		return why
	}
	switch m.Type {
	case wire.ICMPv6Echo:
		v.Kind = Answer
		return n.echo(now, p, h, &m, cast, wire.ICMPv6EchoReply)
	case wire.ICMPv6EchoReply:
		v.deliver(p, cast)
		return NotDropped
	case wire.ICMPv6Unreachable, wire.ICMPv6TimeExceeded, wire.ICMPv6ParamProblem, wire.ICMPv6PacketTooBig:
		if cast != Unicast {
			return BadICMP
		}
		return n.inform(p, v, &m)
	case wire.ICMPv6RouterSolicit, wire.ICMPv6RouterAdvert, wire.ICMPv6NeighborSolicit,
		wire.ICMPv6NeighborAdvert, wire.ICMPv6Redirect:
		if fragmented { // RFC 6980 §5
			return FragmentedND
		}
		return n.arriveND(now, i, p, v, &m)
	case wire.ICMPv6MLDQuery, wire.ICMPv6MLDv1Report, wire.ICMPv6MLDv1Done, wire.ICMPv6MLDv2Report:
		return n.arriveMLD(now, i, p, v, &m)
	}
	return BadICMP
}

// inform makes the verdict that an ICMP error came, if it is about a packet that
// could be ours (RFC 1122 §3.2.2.1, §3.2.2.4, §3.2.2.5).
func (n *Node) inform(p *Packet, v *Verdict, m *wire.ICMP) Reason {
	h := &v.Datagram.IP
	c := Notice{Type: m.Type, Code: m.Code, From: h.Src, Interface: p.Interface, Own: p.Interface == n.tables.loopback}
	c.Kind = noticeKind(h.Is6(), m)
	if c.Kind == 0 {
		return BadICMP
	}
	length, why := c.quoted(h.Is6(), m)
	if why != NotDropped {
		return why
	}
	on, ours := n.tables.Local(c.Src)
	if !ours {
		return NotAboutUs
	}
	if c.Own {
		c.Interface = on // not the loopback, by which we tell ourselves
	}
	if c.Kind == TooBig {
		if why := c.tooBig(h.Is6(), m, length); why != NotDropped {
			return why
		}
	}
	v.Kind, v.Notice = Inform, c
	return NotDropped
}
