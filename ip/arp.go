package ip

import (
	"net/netip"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// sendARP sends an ARP packet to a neighbour, or to everybody.
func (n *Node) sendARP(i *iface, op wire.ARPOp, sender, target netip.Addr, targetMAC, to wire.MAC) {
	s := sending{iface: i.ID, ether: wire.EtherARP, mac: to}
	wire.PutARP(s.setHead(wire.ARPLen), &wire.ARP{
		Op: op, SenderMAC: i.MAC, Sender: sender, TargetMAC: targetMAC, Target: target,
	})
	n.push(&s)
}

// askARP asks who has an address: everybody, or the one who had it.
func (n *Node) askARP(i *iface, e *neighbour) {
	sender := n.tables.selectSource(i.ID, e.key.addr, e.key.addr)
	if !n.tables.owns(i.ID, sender) { // one of another link would only confuse this one
		return
	}
	to := wire.BroadcastMAC()
	if e.state == Probe {
		to = e.mac
	}
	n.sendARP(i, wire.ARPRequest, sender, e.key.addr, wire.MAC{}, to)
}

// announceARP tells everybody whose an address is (RFC 5227 §2.3).
func (n *Node) announceARP(i *iface, a netip.Addr) {
	n.sendARP(i, wire.ARPRequest, a, a, wire.MAC{}, wire.BroadcastMAC())
}

// arriveARP takes an ARP packet (RFC 826, RFC 5227).
func (n *Node) arriveARP(now mono.Time, i *iface, p *Packet, v *Verdict) Reason {
	var a wire.ARP
	if !i.Flags.Has(Ethernet) || wire.ParseARP(&p.Octets, &a) != wire.OK || !plausible(i, &a) {
		return NeighbourInvalid
	}
	v.Kind = Answer
	if n.contested4(now, i, &a) {
		return NotDropped
	}
	if n.tables.owns(i.ID, a.Sender) {
		n.defend(now, i, a.Sender, a.SenderMAC)
		return NotDropped
	}
	asksUs := a.Op == wire.ARPRequest && n.tables.owns(i.ID, a.Target)
	switch {
	case a.Sender.IsUnspecified(): // RFC 5227 §1.1: it only asks whether the address is free
	case asksUs && n.tables.isNeighbour(i.ID, a.Sender):
		n.hear(now, i.ID, a.Sender, a.SenderMAC)
	default:
		// RFC 826: whoever is known is believed, nobody becomes known.
		answer := a.Op == wire.ARPReply && a.TargetMAC == i.MAC && n.awaits(i.ID, a.Sender)
		n.heed(now, i.ID, claim{addr: a.Sender, mac: a.SenderMAC, solicited: answer, override: true})
	}
	if asksUs {
		n.sendARP(i, wire.ARPReply, a.Target, a.Sender, a.SenderMAC, a.SenderMAC)
	}
	return NotDropped
}

// plausible reports whether somebody else can have sent such a packet.
func plausible(i *iface, a *wire.ARP) bool {
	if a.Op != wire.ARPRequest && a.Op != wire.ARPReply { // reverse ARP and the like (T-10)
		return false
	}
	if a.SenderMAC.IsMulticast() || a.SenderMAC == (wire.MAC{}) || a.SenderMAC == i.MAC {
		return false
	}
	if a.Sender.IsUnspecified() {
		return a.Op == wire.ARPRequest
	}
	h := wire.IP{Src: a.Sender}
	return !martianSource(&h, Unicast) && i.castOf(a.Sender) == Unicast
}

// awaits reports whether a neighbour was asked and has not answered yet.
func (n *Node) awaits(id ID, a netip.Addr) bool {
	e := n.neigh.find(id, a)
	return e != nil && (e.state == Incomplete || e.state == Probe)
}

// isNeighbour reports whether an address is on the link of the interface.
func (t *Tables) isNeighbour(id ID, a netip.Addr) bool {
	p, _, err := t.hop(a, id)
	return err == nil && p.NextHop == a && p.Cast == Unicast
}

// defendInterval is the least time between two defences of one address (RFC 5227 §1.1).
const defendInterval = 10 * time.Second

// defend answers somebody who uses an address of ours. We keep it, and tell
// everybody so at most once in ten seconds (RFC 5227 §2.4(c), RFC 4862 §5.4).
func (n *Node) defend(now mono.Time, i *iface, a netip.Addr, mac wire.MAC) {
	l := n.link(i.ID)
	if last, before := l.defended[a]; before && now.Sub(last) < defendInterval {
		return
	}
	l.defended[a] = now
	n.tell(AddressConflict, i.ID, a, mac)
	if a.Is4() {
		n.announceARP(i, a)
	} else {
		n.advertise(now, i, a, allNodes6, false)
	}
}
