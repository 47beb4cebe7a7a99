package ip

import (
	"net/netip"

	"github.com/octet-net/octet/wire"
)

// judge says to how many an arrived packet goes, and NotDropped if it is for us. A
// packet that is NotForUs may still be forwarded; all other reasons are final.
func (t *Tables) judge(i *iface, p *Packet, h *wire.IP) (Cast, Reason) {
	if i.Flags.Has(Loopback) || p.Looped {
		return t.judgeOwn(i, h)
	}
	cast, why := t.destined(i, h.Dst)
	if martianSource(h, cast) || t.isOurs(i, h.Src) {
		return cast, MartianSource
	}
	// RFC 1122 §3.3.6: a packet for one host in a frame for all is a mistake or an attack.
	if cast == Unicast && p.Link != Unicast {
		return cast, MartianDest
	}
	return cast, why
}

// judgeOwn does so for a packet that we sent to ourselves.
func (t *Tables) judgeOwn(i *iface, h *wire.IP) (Cast, Reason) {
	cast := i.castOf(h.Dst)
	switch {
	case h.Src.IsMulticast() || h.Dst.IsUnspecified() || h.Src.IsUnspecified() && cast == Unicast:
		return cast, MartianSource
	case cast == Broadcast, cast == Multicasting && (i.joined(h.Dst) || i.Flags.Has(Loopback)):
		return cast, NotDropped
	case cast == Multicasting:
		return cast, NotJoined
	}
	if _, ok := t.Local(h.Dst); !ok {
		return cast, NotForUs
	}
	return cast, NotDropped
}

// destined says whom a destination means to one who receives it on the interface.
func (t *Tables) destined(i *iface, dst netip.Addr) (Cast, Reason) {
	owners := t.owners[dst]
	for _, o := range owners {
		switch {
		case o.id != i.ID && !t.elsewhere(i, o.id, dst):
		case o.state > Deprecated:
			return Unicast, NotUsable
		default:
			return Unicast, NotDropped
		}
	}
	if len(owners) > 0 && !dst.IsLoopback() && !dst.IsLinkLocalUnicast() {
		return Unicast, OtherInterface
	}
	cast := i.castOf(dst)
	switch {
	case martianDest(dst):
		return cast, MartianDest
	case cast == Broadcast:
		return cast, NotDropped
	case cast == Multicasting && !i.joined(dst):
		return cast, NotJoined
	case cast == Multicasting:
		return cast, NotDropped
	}
	return cast, NotForUs
}

// elsewhere reports whether an address of another interface counts as ours on
// this one. In the strong host model (RFC 1122 §3.3.4.2) it does not: what arrives
// from one network cannot reach into another through us (CVE-2019-14899). Routers
// answer to all their addresses (RFC 1812 §5.2.3), and those that the loopback has
// belong to no network. Addresses that mean one link only never count elsewhere.
func (t *Tables) elsewhere(i *iface, owner ID, dst netip.Addr) bool {
	if dst.IsLoopback() || dst.IsLinkLocalUnicast() {
		return false
	}
	return t.weak || i.Flags.Has(Forwarding) || t.ifaces[owner].Flags.Has(Loopback)
}

// isOurs reports whether an address is one of ours, as it reads on the interface.
func (t *Tables) isOurs(i *iface, a netip.Addr) bool {
	if a.IsLinkLocalUnicast() {
		return t.owns(i.ID, a)
	}
	_, ok := t.Local(a)
	return ok || i.castOf(a) != Unicast
}

// martianSource reports whether no packet from a link can have such a source
// (RFC 1122 §3.2.1.3, RFC 1812 §5.3.7, RFC 4291 §2.5). Who has no address yet may
// speak to many: DHCP, neighbour discovery, group membership.
func martianSource(h *wire.IP, cast Cast) bool {
	switch a := h.Src; {
	case a.IsUnspecified():
		return cast == Unicast
	case a.IsMulticast(), a.IsLoopback(), a.Is4In6():
		return true
	case a.Is4():
		return a.As4()[0] == 0 || a.As4()[0] >= 240
	}
	return false
}

// martianDest reports whether no packet on a link can have such a destination.
func martianDest(a netip.Addr) bool {
	switch {
	case a.IsUnspecified(), a.IsLoopback(), a.Is4In6():
		return true
	case a.Is4():
		return a.As4()[0] == 0 || a.As4()[0] >= 240 && a != limitedBroadcast
	}
	// RFC 4291 §2.7: groups of scope 0 and 1 never leave a node.
	return a.IsMulticast() && a.As16()[1]&15 < 2
}
