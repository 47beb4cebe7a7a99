package ip

import (
	"net/netip"
	"slices"
	"time"

	"github.com/octet-net/octet/mono"
	"github.com/octet-net/octet/wire"
)

// The constants of RFC 8981 §3.8.
const (
	tempValidLifetime     = 48 * time.Hour
	tempPreferredLifetime = 24 * time.Hour
	maxDesync             = tempPreferredLifetime * 4 / 10
	// regenAdvance is how long before the end of its preference a temporary address
	// is replaced: two seconds and the time of three tests.
	regenAdvance = 2*time.Second + idgenRetries*dupAddrDetectTransmits*retransTimer
)

// maxTemporary bounds the temporary addresses of a prefix: of those that live for
// two days and are replaced after at least 14.4 hours there are never more.
const maxTemporary = 4

// twoHours is the least that an unauthenticated advertisement can lower a valid
// lifetime to (RFC 4862 §5.5.3(e)).
const twoHours = 2 * time.Hour

// An autoPrefix is a prefix that a router announced, with what we made of it.
type autoPrefix struct {
	prefix   netip.Prefix
	router   netip.Addr // who announced it last
	until    mono.Time  // the end of the longest of what it is good for
	dadCount uint32
	stable   netip.Addr // zero if no address was made

	temporary      []temporary
	tempTries      int
	nextTemporary  mono.Time
	preferredUntil mono.Time
	validUntil     mono.Time
}

// A temporary is an address of RFC 8981 with when it was made.
type temporary struct {
	addr   netip.Addr
	made   mono.Time
	desync time.Duration
}

// lifetime returns the moment at which a lifetime of an option ends.
func lifetime(now mono.Time, d time.Duration) mono.Time {
	if d >= wire.Infinite {
		return mono.Never
	}
	return now.Add(d)
}

// heedPrefix takes a prefix that a router announces (RFC 4861 §6.3.4, RFC 4862 §5.5.3).
func (n *Node) heedPrefix(now mono.Time, l *onLink, from netip.Addr, o wire.PrefixInfo) {
	a := o.Prefix.Addr()
	if a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || o.Preferred > o.Valid {
		return
	}
	p := l.auto.prefix(o.Prefix)
	if p == nil {
		if o.Valid == 0 || len(l.auto.prefixes) >= maxPrefixes {
			return
		}
		p = &autoPrefix{prefix: o.Prefix, nextTemporary: mono.Never, validUntil: now}
		l.auto.prefixes = append(l.auto.prefixes, p)
	}
	p.router = from
	if o.OnLink {
		n.heedOnLink(now, l.id, o)
	}
	if o.Autonomous && o.Prefix.Bits() == 64 {
		n.heedAutonomous(now, l, p, o)
	}
	p.until = max(p.validUntil, lifetime(now, o.Valid))
}

// prefix returns what is known about a prefix, or nil.
func (x *autoconf) prefix(p netip.Prefix) *autoPrefix {
	for _, q := range x.prefixes {
		if q.prefix == p {
			return q
		}
	}
	return nil
}

// heedOnLink adds, prolongs or removes the route to a prefix of the link.
func (n *Node) heedOnLink(now mono.Time, id ID, o wire.PrefixInfo) {
	r := Route{Prefix: o.Prefix, Interface: id, Metric: onLinkMetric, Until: lifetime(now, o.Valid)}
	if o.Valid == 0 {
		_ = n.RemoveRoute(r) // there may be none
		return
	}
	_ = n.AddRoute(now, r) // package wire made sure that it is sound
}

// heedAutonomous makes an address of the prefix, or changes the lifetimes of those
// that it has.
func (n *Node) heedAutonomous(now mono.Time, l *onLink, p *autoPrefix, o wire.PrefixInfo) {
	p.preferredUntil = lifetime(now, o.Preferred)
	if p.stable.IsValid() {
		p.validUntil = prolong(now, p.validUntil, o.Valid)
		n.renew(now, l, p)
		return
	}
	if o.Valid == 0 {
		return
	}
	p.validUntil = lifetime(now, o.Valid)
	n.makeStable(now, l, p)
	n.makeTemporary(now, l, p)
}

// prolong returns the end of a valid lifetime after an advertisement (RFC 4862
// §5.5.3(e)): a short one only counts where less than two hours are left anyway.
func prolong(now, until mono.Time, valid time.Duration) mono.Time {
	left := until.Sub(now)
	switch {
	case until != mono.Never && (valid > twoHours || valid > left), until == mono.Never && valid > twoHours:
		return lifetime(now, valid)
	case until != mono.Never && left <= twoHours:
		return until
	}
	return now.Add(twoHours)
}

func (n *Node) makeStable(now mono.Time, l *onLink, p *autoPrefix) {
	p.stable = n.stableAddress(l.id, p.prefix, p.dadCount)
	n.autoAddress(now, l.id, p, Address{
		Prefix:         netip.PrefixFrom(p.stable, 64),
		PreferredUntil: p.preferredUntil, ValidUntil: p.validUntil,
	})
}

// autoAddress adds an address of a prefix and has it tested.
func (n *Node) autoAddress(now mono.Time, id ID, p *autoPrefix, a Address) {
	a.State, a.OffLink, a.Router = Tentative, true, p.router
	_ = n.AddAddress(now, id, a) // the interface is there, and the address one that can be given
}

// makeTemporary makes a temporary address, if they are wanted and the prefix is
// preferred for long enough (RFC 8981 §3.4).
func (n *Node) makeTemporary(now mono.Time, l *onLink, p *autoPrefix) {
	p.nextTemporary = mono.Never
	p.temporary = slices.DeleteFunc(p.temporary, func(t temporary) bool {
		_, valid := p.temporaryUntil(&t)
		return valid.Due(now)
	})
	if !l.auto.Temporary || !p.stable.IsValid() || len(p.temporary) >= maxTemporary {
		return
	}
	t := temporary{made: now, desync: n.random(maxDesync)}
	a := Address{Temporary: true}
	a.PreferredUntil, a.ValidUntil = p.temporaryUntil(&t)
	if a.PreferredUntil.Sub(now) <= regenAdvance {
		return
	}
	t.addr = withIdentifier(p.prefix, n.dice.draw(&n.prf))
	for reservedIdentifier(t.addr) {
		t.addr = withIdentifier(p.prefix, n.dice.draw(&n.prf))
	}
	p.temporary = append(p.temporary, t)
	p.nextTemporary = regenerate(a.PreferredUntil)
	a.Prefix = netip.PrefixFrom(t.addr, 64)
	n.autoAddress(now, l.id, p, a)
}

// regenerate returns when a temporary address is to be replaced.
func regenerate(preferredUntil mono.Time) mono.Time {
	if preferredUntil == mono.Never {
		return mono.Never
	}
	return preferredUntil.Add(-regenAdvance)
}

// temporaryUntil returns the ends of the lifetimes of a temporary address: those of
// its prefix, but not longer than its kind may live (RFC 8981 §3.4).
func (p *autoPrefix) temporaryUntil(t *temporary) (preferred, valid mono.Time) {
	preferred = min(p.preferredUntil, t.made.Add(tempPreferredLifetime-t.desync))
	return preferred, min(p.validUntil, t.made.Add(tempValidLifetime))
}

// renew gives the addresses of a prefix their new lifetimes. Temporary ones that
// have ended are forgotten.
func (n *Node) renew(now mono.Time, l *onLink, p *autoPrefix) {
	n.setLifetimes(now, l.id, p.stable, p.preferredUntil, p.validUntil)
	p.temporary = slices.DeleteFunc(p.temporary, func(t temporary) bool {
		preferred, valid := p.temporaryUntil(&t)
		if valid.Due(now) {
			return true
		}
		n.setLifetimes(now, l.id, t.addr, preferred, valid)
		return false
	})
	if k := len(p.temporary); k > 0 {
		preferred, _ := p.temporaryUntil(&p.temporary[k-1])
		p.nextTemporary = regenerate(preferred)
	} else if l.auto.Temporary {
		n.makeTemporary(now, l, p)
	}
}

// setLifetimes changes those of an address, and its state if that follows from them.
func (n *Node) setLifetimes(now mono.Time, id ID, a netip.Addr, preferred, valid mono.Time) {
	e := n.tables.iface(id).address(a)
	if e == nil || e.PreferredUntil == preferred && e.ValidUntil == valid {
		return
	}
	t := n.tables.next()
	u := &t.ifaces[id]
	u.addrs = slices.Clone(u.addrs)
	e = u.address(a)
	e.PreferredUntil, e.ValidUntil = preferred, valid
	if e.State == Deprecated && !preferred.Due(now) {
		e.State = Preferred
	} else {
		t.generation = n.tables.generation // paths stay what they are
	}
	n.publish(now, t)
}

// replace makes another address where somebody else has one of the prefix.
func (n *Node) replace(now mono.Time, l *onLink, p *autoPrefix, a netip.Addr) {
	if a == p.stable {
		if p.dadCount++; p.dadCount < idgenRetries {
			n.removeAddress(now, l.id, a)
			n.makeStable(now, l, p)
		}
		return
	}
	was := len(p.temporary)
	p.temporary = slices.DeleteFunc(p.temporary, func(t temporary) bool { return t.addr == a })
	if len(p.temporary) == was {
		return
	}
	n.removeAddress(now, l.id, a)
	if p.tempTries++; p.tempTries < idgenRetries {
		n.makeTemporary(now, l, p)
	}
}
