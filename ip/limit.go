package ip

import (
	"net/netip"
	"time"

	"github.com/octet-net/octet/mono"
)

// A bucket limits how often something happens. It holds the moment at which it
// will be full again; what a passage costs moves that moment on.
type bucket mono.Time

// room reports whether a passage is allowed, if burst of them are at once.
func (b bucket) room(now mono.Time, every time.Duration, burst int) bool {
	return mono.Time(b).Sub(now) < time.Duration(burst)*every
}

func (b *bucket) take(now mono.Time, cost time.Duration) {
	*b = bucket(max(mono.Time(*b), now).Add(cost))
}

// How many ICMP messages may leave at once.
const (
	icmpBurst     = 50
	icmpHostBurst = 10
)

// An icmpLimiter limits the ICMP messages that are sent without being asked for
// (RFC 1812 §4.3.2.8, RFC 4443 §2.4(f)): to everybody together, and to each host.
//
// Hosts share the buckets of a table of fixed size, at places that a secret
// chooses. What a passage through the common bucket costs is left to chance, so
// that nobody can count what others were sent by what is left for him
// (CVE-2020-25705).
type icmpLimiter struct {
	all   bucket
	hosts [1024]bucket
}

// allow reports whether a message to dst may leave now, and counts it if so.
func (l *icmpLimiter) allow(now mono.Time, n *Node, dst netip.Addr) bool {
	every, perHost := interval(n.cfg.ICMPRate), interval(n.cfg.ICMPRatePerHost)
	host := &l.hosts[n.prf.sum(forHostBucket, dst, netip.Addr{}, 0, 0)%uint64(len(l.hosts))]
	if !host.room(now, perHost, icmpHostBurst) || !l.all.room(now, every, icmpBurst) {
		return false
	}
	host.take(now, perHost)
	// between half and three halves of the average
	l.all.take(now, every/2+time.Duration(n.dice.draw(&n.prf)%uint64(every)))
	return true
}

// interval returns the time between two of so many a second.
func interval(rate int) time.Duration { return max(time.Second/time.Duration(rate), 1) }
