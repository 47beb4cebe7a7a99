package ip

import (
	"net/netip"

	"github.com/octet-net/octet/chunk"
	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// onLinkPath is the path to a neighbour, or to a group of them.
func (i *iface) onLinkPath(src, dst netip.Addr) Path {
	return Path{Interface: i.ID, Flags: i.Flags, Cast: i.castOf(dst), Source: src, NextHop: dst, MTU: i.MTU}
}

// sendND sends a message of neighbour discovery that put writes to so many octets.
func sendND[M any](n *Node, now mono.Time, i *iface, src, dst netip.Addr, m *M, size int, put func([]byte, *M)) {
	v, b := newView(size)
	put(b, m)
	n.sendOnLink(now, i, &wire.IP{Src: src, Dst: dst, Proto: wire.ProtoICMPv6, Next: wire.ProtoICMPv6, TTL: wire.NDHopLimit}, v)
}

// sendOnLink sends a message of ICMP or IGMP, which lies whole in v, to somebody on
// the link. Only the lengths are missing in the header.
func (n *Node) sendOnLink(now mono.Time, i *iface, h *wire.IP, v chunk.View) {
	var head [wire.ICMPLen]byte
	copy(head[:], v.B)
	v.Trim(len(head), v.Len())
	h.Seal(head[:], v.B)
	h.HeaderLen = uint16(h.Size())
	h.Len = int(h.HeaderLen) + len(head) + v.Len()
	path := i.onLinkPath(h.Src, h.Dst)
	if err := n.transmit(now, &path, h, head[:], v, false); err != nil {
		n.drop(PacketTooBig)
	}
}

// solicit asks for the Ethernet address of a neighbour, or whether it is still there.
func (n *Node) solicit(now mono.Time, e *neighbour) {
	i := n.tables.up(e.key.iface)
	if i == nil {
		return
	}
	if e.key.addr.Is4() {
		n.askARP(i, e)
		return
	}
	src := n.tables.selectSource(i.ID, e.key.addr, e.key.addr)
	if !n.tables.owns(i.ID, src) {
		return
	}
	dst := solicitedNode(e.key.addr)
	if e.state == Probe {
		dst = e.key.addr
	}
	ns := wire.NeighborSolicit{Target: e.key.addr, Options: wire.NDOptions(nil).AppendSourceMAC(i.MAC)}
	sendND(n, now, i, src, dst, &ns, ns.Size(), wire.PutNeighborSolicit)
}

// advertise says that an address is ours, to who asked or to all (RFC 4861 §7.2.4, §7.2.6).
func (n *Node) advertise(now mono.Time, i *iface, target, to netip.Addr, solicited bool) {
	na := wire.NeighborAdvert{
		Target: target, Router: i.Flags.Has(Forwarding), Solicited: solicited, Override: true,
		Options: wire.NDOptions(nil).AppendTargetMAC(i.MAC),
	}
	sendND(n, now, i, target, to, &na, na.Size(), wire.PutNeighborAdvert)
}

// arriveND takes a message of neighbour discovery whose checksum is right. On links
// without Ethernet addresses nothing is to be discovered, but routers are heard.
func (n *Node) arriveND(now mono.Time, i *iface, p *Packet, v *Verdict, m *wire.ICMP) Reason {
	h := &v.Datagram.IP
	if h.TTL != wire.NDHopLimit || p.Looped || i.Flags.Has(Loopback) {
		return NeighbourInvalid // it may have come from anywhere
	}
	v.Kind = Answer
	switch m.Type {
	case wire.ICMPv6NeighborSolicit:
		return n.arriveSolicit(now, i, p, h, m)
	case wire.ICMPv6NeighborAdvert:
		return n.arriveAdvert(now, i, p, h, m)
	case wire.ICMPv6RouterAdvert:
		return n.arriveRouter(now, i, h, m)
	case wire.ICMPv6Redirect:
		return n.arriveRedirect(now, i, h, m)
	}
	return arriveRouterSolicit(h, m)
}

// arriveRouterSolicit ignores one who asks for routers: we may be one, but do not
// say so. That it was a good question is still checked (RFC 4861 §6.1.1).
func arriveRouterSolicit(h *wire.IP, m *wire.ICMP) Reason {
	var rs wire.RouterSolicit
	if wire.ParseRouterSolicit(m, &rs) != wire.OK {
		return NeighbourInvalid
	}
	if _, says := rs.Options.SourceMAC(); says && h.Src.IsUnspecified() {
		return NeighbourInvalid
	}
	return NotDropped
}

// arriveSolicit takes a neighbour solicitation (RFC 4861 §7.1.1, §7.2.3).
func (n *Node) arriveSolicit(now mono.Time, i *iface, p *Packet, h *wire.IP, m *wire.ICMP) Reason {
	var ns wire.NeighborSolicit
	if wire.ParseNeighborSolicit(m, &ns) != wire.OK {
		return NeighbourInvalid
	}
	mac, says := ns.Options.SourceMAC()
	says = says && !mac.IsMulticast() && mac != (wire.MAC{})
	probe := h.Src.IsUnspecified()
	if probe && (says || h.Dst != solicitedNode(ns.Target)) {
		return NeighbourInvalid
	}
	if n.contestedSolicit(now, i, p, &ns, probe) || !n.tables.owns(i.ID, ns.Target) {
		return NotDropped
	}
	if probe { // RFC 4862 §5.4.3: somebody tests an address that is ours
		n.advertise(now, i, ns.Target, allNodes6, false)
		return NotDropped
	}
	if says && i.Flags.Has(Ethernet) {
		n.hear(now, i.ID, h.Src, mac)
	}
	n.advertise(now, i, ns.Target, h.Src, true)
	return NotDropped
}

// arriveAdvert takes a neighbour advertisement (RFC 4861 §7.1.2, §7.2.5).
func (n *Node) arriveAdvert(now mono.Time, i *iface, p *Packet, h *wire.IP, m *wire.ICMP) Reason {
	var na wire.NeighborAdvert
	if wire.ParseNeighborAdvert(m, &na) != wire.OK || na.Solicited && h.Dst.IsMulticast() || h.Src.IsUnspecified() {
		return NeighbourInvalid
	}
	mac, says := na.Options.TargetMAC()
	if says && (mac.IsMulticast() || mac == (wire.MAC{}) || mac == i.MAC) {
		return NeighbourInvalid
	}
	if n.contestedAdvert(now, i, na.Target, p.MAC) {
		return NotDropped
	}
	if n.tables.owns(i.ID, na.Target) {
		n.defend(now, i, na.Target, p.MAC)
		return NotDropped
	}
	e := n.neigh.find(i.ID, na.Target)
	if e == nil || !i.Flags.Has(Ethernet) { // RFC 4861 §7.2.5: no entry is made
		return NotDropped
	}
	if e.router && !na.Router && e.state != Incomplete {
		n.dismiss(now, i.ID, na.Target)
	}
	e.router = na.Router
	n.heed(now, i.ID, claim{addr: na.Target, mac: mac, solicited: na.Solicited, override: na.Override})
	return NotDropped
}
