package ip

import (
	"net/netip"
	"time"

	"github.com/octet-net/octet/mono"
)

// The constants of RFC 4861 §10 for which a router may set other values.
const (
	reachableTime = 30 * time.Second
	retransTimer  = time.Second
)

// An onLink is what a Node keeps about the link of an interface, besides what the
// Tables hold.
type onLink struct {
	id            ID
	baseReachable time.Duration // as routers say
	reachable     time.Duration // the same with a random factor
	retransmit    time.Duration // between solicitations

	tests    []*uniqueness            // addresses that are being tested or announced
	defended map[netip.Addr]mono.Time // our addresses that others used: when we last said so
	membership
	auto *autoconf // nil: nothing comes by itself
}

// link returns the state of an interface, which exists.
func (n *Node) link(id ID) *onLink {
	for int(id) >= len(n.links) {
		n.links = append(n.links, nil)
	}
	l := n.links[id]
	if l == nil {
		l = &onLink{id: id, retransmit: retransTimer, membership: newMembership(), defended: map[netip.Addr]mono.Time{}}
		n.setReachable(l, reachableTime)
		n.links[id] = l
	}
	return l
}

// setReachable sets the base of the time for which a neighbour stays reachable,
// which is that times a random factor between a half and three halves (RFC 4861
// §6.3.2), so that hosts do not probe in step.
func (n *Node) setReachable(l *onLink, base time.Duration) {
	l.baseReachable = base
	l.reachable = base/2 + n.random(base)
}

// random returns a duration from zero to less than d.
func (n *Node) random(d time.Duration) time.Duration {
	return time.Duration(n.dice.draw(&n.prf) % uint64(max(d, 1)))
}

func (n *Node) reachable(id ID) time.Duration  { return n.link(id).reachable }
func (n *Node) retransmit(id ID) time.Duration { return n.link(id).retransmit }
