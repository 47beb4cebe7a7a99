package ip

import (
	"net/netip"
	"slices"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// The constants of RFC 9776 §8 and RFC 9777 §9.
const (
	robustness         = 2 // how often each change is told
	unsolicitedReport  = time.Second
	olderQuerierTime   = 260 * time.Second // robustness × 125 s + 10 s
	leastResponseDelay = 100 * time.Millisecond
	maxAsked           = 64 // groups that are asked for one by one
)

// The families, as indices.
const (
	family4 = iota
	family6
)

// A membership is what routers are told about the groups that an interface is in
// (RFC 9776, RFC 9777). We listen to all sources of a group, so each record of a
// report is one that excludes none.
type membership struct {
	known    []netip.Addr // what routers were told
	changes  []groupChange
	changeAt mono.Time // when to tell them again

	general [2]mono.Time // when to answer a query about all groups
	asked   []groupAnswer
	old     [2]olderQuerier
}

// A groupChange is a group that was joined or left.
type groupChange struct {
	group netip.Addr
	kind  wire.RecordKind
	left  int // how often it is still to be told
}

// A groupAnswer is a query about one group that is to be answered.
type groupAnswer struct {
	group netip.Addr
	at    mono.Time
}

// An olderQuerier says that a router of an older version was heard, until when we
// speak that version too (RFC 9776 §7.2.1, RFC 9777 §8.2.1).
type olderQuerier struct {
	version uint8
	until   mono.Time
}

func newMembership() membership {
	return membership{changeAt: mono.Never, general: [2]mono.Time{mono.Never, mono.Never}}
}

func familyOf(a netip.Addr) int { return truth(a.Is6()) }

// reportable returns the groups that routers are to know of: not those of all
// hosts, nor those that never leave the host (RFC 9776 §6, RFC 9777 §6), nor those
// of address resolution where there is none.
func reportable(i *iface) []netip.Addr {
	if !i.Flags.Has(Up|Multicast) || i.Flags.Has(Loopback) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(i.groups), func(g netip.Addr) bool {
		return g == allHosts4 || g == allNodes6 || g.Is6() && scopeOf(g) < linkLocal ||
			!i.Flags.Has(Ethernet) && isSolicitedNode(g)
	})
}

// reportGroups tells routers of the groups that interfaces joined or left.
func (n *Node) reportGroups(now mono.Time) {
	for k := range n.tables.ifaces {
		i := &n.tables.ifaces[k]
		if i.ID == 0 {
			continue
		}
		l := n.link(i.ID)
		groups := reportable(i)
		if slices.Equal(groups, l.known) {
			continue
		}
		was := l.known
		l.known = groups
		if !i.Flags.Has(Up | Multicast) {
			l.changes, l.asked, l.changeAt = nil, nil, mono.Never
			continue
		}
		for _, g := range groups {
			if !slices.Contains(was, g) {
				l.change(g, wire.ChangeToExclude)
			}
		}
		for _, g := range was {
			if !slices.Contains(groups, g) {
				l.change(g, wire.ChangeToInclude)
			}
		}
		n.tellChanges(now, i, l)
	}
}

// change notes what is to be told about a group, in place of what was.
func (l *onLink) change(g netip.Addr, kind wire.RecordKind) {
	l.changes = slices.DeleteFunc(l.changes, func(c groupChange) bool { return c.group == g })
	l.changes = append(l.changes, groupChange{g, kind, robustness})
}

// tellChanges sends the reports of what has changed, and will do so again (RFC 9776 §5.1).
func (n *Node) tellChanges(now mono.Time, i *iface, l *onLink) {
	var records []wire.GroupRecord
	for k := range l.changes {
		c := &l.changes[k]
		records = append(records, wire.GroupRecord{Kind: c.kind, Group: c.group})
		c.left--
	}
	n.report(now, i, l, records)
	l.changes = slices.DeleteFunc(l.changes, func(c groupChange) bool { return c.left == 0 })
	l.changeAt = mono.Never
	if len(l.changes) > 0 {
		l.changeAt = now.Add(n.random(unsolicitedReport))
	}
}

// deadline returns when something is to be told.
func (m *membership) deadline() mono.Time {
	at := min(m.changeAt, m.general[family4], m.general[family6])
	for _, a := range m.asked {
		at = min(at, a.at)
	}
	return at
}

// expireGroups tells what is due.
func (n *Node) expireGroups(now mono.Time, i *iface, l *onLink) {
	if l.changeAt.Due(now) {
		n.tellChanges(now, i, l)
	}
	for f := range l.general {
		if l.general[f].Due(now) {
			l.general[f] = mono.Never
			n.report(now, i, l, present(l.known, func(g netip.Addr) bool { return familyOf(g) == f }))
		}
	}
	due := func(a groupAnswer) bool { return a.at.Due(now) }
	for _, a := range l.asked {
		if due(a) {
			n.report(now, i, l, present(l.known, func(g netip.Addr) bool { return g == a.group }))
		}
	}
	l.asked = slices.DeleteFunc(l.asked, due)
}

// present returns the records that say that we are in those of the groups.
func present(groups []netip.Addr, which func(netip.Addr) bool) (records []wire.GroupRecord) {
	for _, g := range groups {
		if which(g) {
			records = append(records, wire.GroupRecord{Kind: wire.ModeIsExclude, Group: g})
		}
	}
	return records
}

// report sends records, in the version that the routers of each family speak.
func (n *Node) report(now mono.Time, i *iface, l *onLink, records []wire.GroupRecord) {
	for f := range l.old {
		mine := slices.DeleteFunc(slices.Clone(records), func(r wire.GroupRecord) bool { return familyOf(r.Group) != f })
		if o := &l.old[f]; !o.until.Due(now) {
			for _, r := range mine {
				n.reportOld(now, i, o.version, r)
			}
			continue
		}
		// as many at once as fit into a packet (RFC 9776 §4.2.16)
		most := (i.MTU - 60) / (8 + 12*f)
		for len(mine) > 0 {
			k := min(len(mine), max(most, 1))
			n.reportNow(now, i, mine[:k])
			mine = mine[k:]
		}
	}
}

// Where reports go (RFC 9776 §4.2.14, RFC 9777 §5.2.14).
var (
	allReports4 = netip.AddrFrom4([4]byte{224, 0, 0, 22})
	allReports6 = netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 15: 0x16})
)

// reportNow sends records of one family in the current version.
func (n *Node) reportNow(now mono.Time, i *iface, records []wire.GroupRecord) {
	var g wire.GroupRecords
	for _, r := range records {
		g = g.Append(r)
	}
	v, b := newView(g.Size())
	if records[0].Group.Is4() {
		wire.PutIGMPReport(b, g)
		n.sendOnLink(now, i, n.groupHeader(i, allReports4), v)
		return
	}
	wire.PutMLDReport(b, g)
	n.sendOnLink(now, i, n.groupHeader(i, allReports6), v)
}

// reportOld sends a record as a message of an older version (RFC 2236, RFC 2710). Of
// leaving, IGMPv1 has no word.
func (n *Node) reportOld(now mono.Time, i *iface, version uint8, r wire.GroupRecord) {
	leaves := r.Kind == wire.ChangeToInclude
	dst := r.Group
	if r.Group.Is6() {
		m := wire.ICMP{Type: wire.ICMPv6MLDv1Report}
		if leaves {
			m.Type, dst = wire.ICMPv6MLDv1Done, allRouters6
		}
		v, b := newView(wire.ICMPLen + 16)
		wire.PutICMP(b, &m)
		group := r.Group.As16()
		copy(b[wire.ICMPLen:], group[:])
		n.sendOnLink(now, i, n.groupHeader(i, dst), v)
		return
	}
	m := wire.IGMP{Type: wire.IGMPv2Report, Group: r.Group}
	switch {
	case version == 1 && leaves:
		return
	case version == 1:
		m.Type = wire.IGMPv1Report
	case leaves:
		m.Type, dst = wire.IGMPv2Leave, allRouters4
	}
	v, b := newView(wire.ICMPLen)
	wire.PutIGMP(b, &m)
	n.sendOnLink(now, i, n.groupHeader(i, dst), v)
}

// groupHeader returns the header of a report: for one hop, with router alert (RFC
// 9776 §4, RFC 9777 §5). The source is nobody as long as there is no address (RFC 3590).
func (n *Node) groupHeader(i *iface, dst netip.Addr) *wire.IP {
	h := &wire.IP{Dst: dst, TTL: 1}
	if dst.Is4() {
		h.Proto, h.Next, h.TOS = wire.ProtoIGMP, wire.ProtoIGMP, 0xc0
		h.Extra = []byte{148, 4, 0, 0}
		h.Src = netip.IPv4Unspecified()
	} else {
		h.Proto, h.Next = wire.ProtoICMPv6, wire.ProtoHopByHop
		h.Extra = []byte{byte(wire.ProtoICMPv6), 0, 5, 2, 0, 0, 1, 0}
		h.Src = netip.IPv6Unspecified()
	}
	for k := range i.addrs {
		a := &i.addrs[k]
		if a.usable() && a.Addr().Is4() == dst.Is4() && (dst.Is4() || a.Addr().IsLinkLocalUnicast()) {
			h.Src = a.Addr()
			break
		}
	}
	return h
}

// arriveIGMP takes a message of IGMP. Only queries are for hosts.
func (n *Node) arriveIGMP(now mono.Time, i *iface, p *Packet, v *Verdict, cast Cast) Reason {
	var m wire.IGMP
	var q wire.GroupQuery
	o := p.Octets
	h := &v.Datagram.IP
	o.Pull(int(h.HeaderLen))
	if !p.NoSum && h.Verify(&o) != wire.OK {
		return BadChecksum
	}
	if wire.ParseIGMP(&o, &m) != wire.OK || cast != Multicasting {
		return BadGroupMessage
	}
	v.Kind = Answer
	if m.Type != wire.IGMPQuery {
		return NotDropped
	}
	if wire.ParseIGMPQuery(&m, &q) != wire.OK {
		return BadGroupMessage
	}
	n.heedQuery(now, i, &q, family4, 3)
	return NotDropped
}

// arriveMLD does so for MLD, whose messages come from the link for sure (RFC 9777 §6.2).
func (n *Node) arriveMLD(now mono.Time, i *iface, p *Packet, v *Verdict, m *wire.ICMP) Reason {
	h := &v.Datagram.IP
	if h.TTL != 1 || h.Flags&wire.RouterAlert == 0 || !h.Src.IsLinkLocalUnicast() && !h.Src.IsUnspecified() {
		return BadGroupMessage
	}
	v.Kind = Answer
	if m.Type != wire.ICMPv6MLDQuery {
		return NotDropped
	}
	var q wire.GroupQuery
	if wire.ParseMLDQuery(m, &q) != wire.OK || h.Src.IsUnspecified() {
		return BadGroupMessage
	}
	n.heedQuery(now, i, &q, family6, 2)
	return NotDropped
}

// heedQuery notes that a query is to be answered, after a random time so that not
// all hosts answer at once (RFC 9776 §5.2). One about certain sources is taken as
// one about the group. Queries that come before the answer share it.
func (n *Node) heedQuery(now mono.Time, i *iface, q *wire.GroupQuery, f int, current uint8) {
	l := n.link(i.ID)
	if q.Version < current {
		l.old[f] = olderQuerier{q.Version, now.Add(olderQuerierTime)}
	}
	at := now.Add(max(n.random(q.MaxResponse), leastResponseDelay))
	if len(reportable(i)) == 0 {
		return
	}
	if q.Group.IsUnspecified() || len(l.asked) >= maxAsked {
		l.general[f] = min(l.general[f], at)
		return
	}
	if !slices.Contains(l.known, q.Group) || l.general[f] <= at {
		return
	}
	if k := slices.IndexFunc(l.asked, func(a groupAnswer) bool { return a.group == q.Group }); k >= 0 {
		l.asked[k].at = min(l.asked[k].at, at)
		return
	}
	l.asked = append(l.asked, groupAnswer{q.Group, at})
}
