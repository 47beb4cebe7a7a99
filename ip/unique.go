package ip

import (
	"net/netip"
	"slices"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// The constants of RFC 5227 §1.1, for IPv4, and of RFC 4862 §5.1 and RFC 4861 §10, for IPv6.
const (
	probeWait        = time.Second
	probeNum         = 3
	probeMin         = time.Second
	probeMax         = 2 * time.Second
	announceWait     = 2 * time.Second
	announceNum      = 2
	announceInterval = 2 * time.Second

	dupAddrDetectTransmits = 1
	maxSolicitationDelay   = time.Second // MAX_RTR_SOLICITATION_DELAY
)

// A uniqueness is the test whether nobody else has an address (RFC 4862 §5.4, RFC
// 5227 §2.1), and for IPv4 the announcements that follow it.
type uniqueness struct {
	addr  netip.Addr
	nonce [6]byte   // of our own solicitations (RFC 7527 §4.1)
	sent  int       // probes
	told  int       // announcements
	sure  bool      // the test is over: only announcements are left
	at    mono.Time // when to go on
}

// testAddress begins the test of a tentative address. On links without Ethernet
// addresses nobody could answer, so there the address is good at once.
func (n *Node) testAddress(now mono.Time, id ID, a netip.Addr) {
	i := n.tables.iface(id)
	if !i.Flags.Has(Ethernet) {
		n.approve(now, id, a)
		return
	}
	l := n.link(id)
	u := &uniqueness{addr: a, at: now.Add(n.random(maxSolicitationDelay))}
	for k, x := 0, n.dice.draw(&n.prf); k < len(u.nonce); k++ {
		u.nonce[k] = byte(x >> (8 * k))
	}
	l.tests = append(l.withoutTest(a), u)
}

// announce begins the announcements of an IPv4 address that need not be tested.
func (n *Node) announce(now mono.Time, id ID, a netip.Addr) {
	if n.tables.iface(id).Flags.Has(Ethernet) {
		l := n.link(id)
		l.tests = append(l.withoutTest(a), &uniqueness{addr: a, sure: true, at: now})
	}
}

func (l *onLink) withoutTest(a netip.Addr) []*uniqueness {
	return slices.DeleteFunc(l.tests, func(u *uniqueness) bool { return u.addr == a })
}

// testing returns the test of an address that is not over, or nil.
func (l *onLink) testing(a netip.Addr) *uniqueness {
	for _, u := range l.tests {
		if u.addr == a && !u.sure {
			return u
		}
	}
	return nil
}

// expireTests goes on with the tests whose time has come.
func (n *Node) expireTests(now mono.Time, l *onLink) {
	for _, u := range slices.Clone(l.tests) {
		i := n.tables.up(l.id)
		if !u.at.Due(now) || i == nil {
			continue
		}
		if u.addr.Is4() {
			n.test4(now, i, l, u)
		} else {
			n.test6(now, i, l, u)
		}
	}
}

// test6 is one step of RFC 4862 §5.4.2.
func (n *Node) test6(now mono.Time, i *iface, l *onLink, u *uniqueness) {
	if u.sent >= dupAddrDetectTransmits {
		l.tests = l.withoutTest(u.addr)
		n.approve(now, l.id, u.addr)
		return
	}
	u.sent++
	u.at = now.Add(l.retransmit)
	ns := wire.NeighborSolicit{Target: u.addr, Options: wire.NDOptions(nil).AppendNonce(u.nonce[:])}
	sendND(n, now, i, netip.IPv6Unspecified(), solicitedNode(u.addr), &ns, ns.Size(), wire.PutNeighborSolicit)
}

// test4 is one step of RFC 5227 §2.1.1 or, once the address is ours, of §2.3.
func (n *Node) test4(now mono.Time, i *iface, l *onLink, u *uniqueness) {
	switch {
	case !u.sure && u.sent < probeNum:
		u.sent++
		u.at = now.Add(announceWait)
		if u.sent < probeNum {
			u.at = now.Add(probeMin + n.random(probeMax-probeMin))
		}
		n.sendARP(i, wire.ARPRequest, netip.IPv4Unspecified(), u.addr, wire.MAC{}, wire.BroadcastMAC())
		return
	case !u.sure:
		u.sure = true
		n.approve(now, l.id, u.addr)
	}
	u.told++
	u.at = now.Add(announceInterval)
	n.announceARP(i, u.addr)
	if u.told >= announceNum {
		l.tests = l.withoutTest(u.addr)
	}
}

// approve makes a tentative address one that may be used.
func (n *Node) approve(now mono.Time, id ID, a netip.Addr) {
	if n.setAddressState(now, id, a, Preferred) {
		n.tell(AddressReady, id, a, wire.MAC{})
		n.approved(now, id, a)
	}
}

// taken ends the test of an address that somebody else has.
func (n *Node) taken(now mono.Time, l *onLink, a netip.Addr, mac wire.MAC) {
	l.tests = l.withoutTest(a)
	if n.setAddressState(now, l.id, a, Duplicate) {
		n.tell(AddressTaken, l.id, a, mac)
		n.tryAnother(now, l.id, a)
	}
}

// setAddressState changes the state of an address. It reports whether the address is there.
func (n *Node) setAddressState(now mono.Time, id ID, a netip.Addr, s AddressState) bool {
	i := n.tables.iface(id)
	if i == nil || i.address(a) == nil {
		return false
	}
	t := n.tables.next()
	u := &t.ifaces[id]
	u.addrs = slices.Clone(u.addrs)
	e := u.address(a)
	if e.State = s; s == Preferred && e.PreferredUntil.Due(now) {
		e.State = Deprecated
	}
	n.publish(now, t)
	return true
}

// contested4 reports whether an ARP packet speaks about an address that is being
// tested, which is then taken: somebody uses it, or tests it too (RFC 5227 §2.1.1).
func (n *Node) contested4(now mono.Time, i *iface, a *wire.ARP) bool {
	about := a.Sender
	if a.Sender.IsUnspecified() {
		about = a.Target
	}
	return n.contestedAdvert(now, i, about, a.SenderMAC)
}

// contestedAdvert does so for one who says that he has the address (RFC 4862 §5.4.4).
func (n *Node) contestedAdvert(now mono.Time, i *iface, a netip.Addr, mac wire.MAC) bool {
	l := n.link(i.ID)
	if l.testing(a) == nil {
		return false
	}
	n.taken(now, l, a, mac)
	return true
}

// contestedSolicit does so for a neighbour solicitation. One for an address that is
// being tested is answered by nobody; it means that the address is taken if it is a
// test as well, and not our own that came back (RFC 4862 §5.4.3, RFC 7527 §4.2).
func (n *Node) contestedSolicit(now mono.Time, i *iface, p *Packet, ns *wire.NeighborSolicit, probe bool) bool {
	l := n.link(i.ID)
	u := l.testing(ns.Target)
	if u == nil {
		return false
	}
	if probe && string(ns.Options.Nonce()) != string(u.nonce[:]) && p.MAC != i.MAC {
		n.taken(now, l, ns.Target, p.MAC)
	}
	return true
}
