package ip

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// Autoconf says what comes to an interface by itself.
type Autoconf struct {
	// Temporary asks for addresses that change from day to day, and that are
	// preferred for what we begin (RFC 8981).
	Temporary bool
}

// Caps of what routers can make us keep for one interface (T-63).
const (
	maxRouters   = 16
	maxPrefixes  = 16
	maxServers   = 8
	maxDomains   = 8
	maxRedirects = 64
)

// idgenRetries is how often another identifier is tried (RFC 7217 §7).
const idgenRetries = 3

// An autoconf is what an interface got by itself.
type autoconf struct {
	Autoconf
	linkLocal netip.Addr
	dadCount  uint32 // of the link-local address (RFC 7217 §5)

	solicitAt   mono.Time // when to ask for routers
	solicitWait time.Duration
	solicited   int

	routers  []router
	prefixes []*autoPrefix
	servers  names[netip.Addr]
	domains  names[string]
	detours  []netip.Addr // destinations that were redirected, the oldest first
}

// Autoconfigure lets an interface configure itself for IPv6: a link-local address
// (RFC 4862 §5.3), then, from the advertisements of routers, default routes, the
// prefixes of the link, addresses (RFC 4862 §5.5, RFC 7217) and name servers
// (RFC 8106). What came of it is told by Event.
func (n *Node) Autoconfigure(now mono.Time, id ID, a Autoconf) error {
	i := n.tables.iface(id)
	if i == nil {
		return ErrNoInterface
	}
	if i.Flags&(Loopback|Forwarding) != 0 || i.MTU < minMTU6 { // RFC 4861 §6.2.1: routers do not
		return ErrInvalid
	}
	l := n.link(id)
	if l.auto != nil {
		l.auto.Autoconf = a
		return nil
	}
	l.auto = &autoconf{Autoconf: a, solicitAt: mono.Never}
	l.auto.servers.most, l.auto.domains.most = maxServers, maxDomains
	return n.makeLinkLocal(now, l)
}

// linkLocalPrefix is the prefix of link-local addresses (RFC 4291 §2.5.6).
func linkLocalPrefix() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfe, 0x80}), 64)
}

// makeLinkLocal makes the link-local address and begins its test.
func (n *Node) makeLinkLocal(now mono.Time, l *onLink) error {
	a := n.stableAddress(l.id, linkLocalPrefix(), l.auto.dadCount)
	l.auto.linkLocal = a
	return n.AddAddress(now, l.id, Address{Prefix: netip.PrefixFrom(a, 64), State: Tentative})
}

// stableAddress returns the address of a prefix of 64 bits that the interface has
// each time it sees the prefix, and that nobody can compute (RFC 7217 §5). The
// interface is known by its name and Ethernet address.
func (n *Node) stableAddress(id ID, p netip.Prefix, dadCount uint32) netip.Addr {
	i := n.tables.iface(id)
	var iface [16]byte
	copy(iface[:6], i.MAC[:])
	name := n.prf.sum16(forInterfaceID, [16]byte{}, fold(i.Name), 0, 0)
	binary.BigEndian.PutUint64(iface[8:], name)
	for round := uint32(0); ; round++ {
		a := withIdentifier(p, n.prf.sum16(forInterfaceID, p.Addr().As16(), iface, dadCount, 1+round))
		if !reservedIdentifier(a) {
			return a
		}
	}
}

// fold returns sixteen octets that depend on all of a short name.
func fold(name string) (b [16]byte) {
	for k := range len(name) {
		b[k%16] = b[k%16]<<3 ^ b[k%16]>>5 ^ name[k]
	}
	return b
}

func withIdentifier(p netip.Prefix, iid uint64) netip.Addr {
	b := p.Masked().Addr().As16()
	binary.BigEndian.PutUint64(b[8:], iid)
	return netip.AddrFrom16(b)
}

// reservedIdentifier reports whether the last 64 bits of an address mean something
// to everybody: those of the routers' anycast address, of other anycast addresses,
// and of IANA's own (RFC 5453).
func reservedIdentifier(a netip.Addr) bool {
	b := a.As16()
	iid := binary.BigEndian.Uint64(b[8:])
	return iid == 0 || iid >= 0xfdff_ffff_ffff_ff80 && iid <= 0xfdff_ffff_ffff_ffff || iid>>24 == 0x0200_5eff_fe
}

// approved goes on once an address is known to be unique: with the link-local one
// the interface can ask for routers (RFC 4861 §6.3.7).
func (n *Node) approved(now mono.Time, id ID, a netip.Addr) {
	if x := n.link(id).auto; x != nil && x.linkLocal == a {
		x.solicitAt, x.solicitWait, x.solicited = now.Add(n.random(maxSolicitationDelay)), 0, 0
	}
}

// tryAnother makes another address in place of one that somebody else has
// (RFC 7217 §6, RFC 8981 §3.4).
func (n *Node) tryAnother(now mono.Time, id ID, a netip.Addr) {
	l := n.link(id)
	x := l.auto
	if x == nil {
		return
	}
	if a == x.linkLocal {
		if x.dadCount++; x.dadCount < idgenRetries {
			n.removeAddress(now, id, a)
			// The only error is that the interface is gone, and with it all this.
			_ = n.makeLinkLocal(now, l)
		}
		return
	}
	for _, p := range x.prefixes {
		n.replace(now, l, p, a)
	}
}

// The constants of RFC 4861 §10 and RFC 7559 §2 for soliciting routers.
const (
	firstSolicitInterval = 4 * time.Second
	maxSolicitInterval   = time.Hour
)

// solicitRouters asks for routers. If none answers we keep on asking, ever more
// seldom (RFC 7559 §2).
func (n *Node) solicitRouters(now mono.Time, l *onLink) {
	i, x := n.tables.up(l.id), l.auto
	if i == nil || !n.tables.owns(l.id, x.linkLocal) {
		x.solicitAt = mono.Never
		return
	}
	var rs wire.RouterSolicit
	if i.Flags.Has(Ethernet) {
		rs.Options = rs.Options.AppendSourceMAC(i.MAC)
	}
	sendND(n, now, i, x.linkLocal, allRouters6, &rs, rs.Size(), wire.PutRouterSolicit)
	if x.solicited++; x.solicited == 1 {
		x.solicitWait = firstSolicitInterval
	} else {
		x.solicitWait = min(2*x.solicitWait, maxSolicitInterval)
	}
	// RFC 7559 §2: between nine and eleven tenths of it
	x.solicitAt = now.Add(x.solicitWait*9/10 + n.random(x.solicitWait/5))
}

// deadline returns when something of the link is due.
func (l *onLink) deadline(up bool) mono.Time {
	at := mono.Never
	if up {
		at = l.membership.deadline()
		for _, u := range l.tests {
			at = min(at, u.at)
		}
	}
	x := l.auto
	if x == nil {
		return at
	}
	at = min(at, x.solicitAt, x.servers.deadline(), x.domains.deadline())
	for k := range x.routers {
		at = min(at, x.routers[k].until)
	}
	for _, p := range x.prefixes {
		at = min(at, p.until, p.nextTemporary)
	}
	return at
}

// expireLink does what is due on a link.
func (n *Node) expireLink(now mono.Time, l *onLink) {
	n.expireTests(now, l)
	if i := n.tables.up(l.id); i != nil {
		n.expireGroups(now, i, l)
	}
	x := l.auto
	if x == nil {
		return
	}
	if x.solicitAt.Due(now) {
		n.solicitRouters(now, l)
	}
	for _, r := range slices.Clone(x.routers) {
		if r.until.Due(now) {
			n.dismiss(now, l.id, r.addr)
		}
	}
	for _, p := range slices.Clone(x.prefixes) {
		if p.nextTemporary.Due(now) {
			n.makeTemporary(now, l, p)
		}
		if p.until.Due(now) {
			x.prefixes = slices.DeleteFunc(x.prefixes, func(q *autoPrefix) bool { return q == p })
		}
	}
	servers, domains := x.servers.expire(now), x.domains.expire(now)
	if servers || domains {
		n.tell(NameServers, l.id, netip.Addr{}, wire.MAC{})
	}
}
