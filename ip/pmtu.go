package ip

import (
	"net/netip"
	"time"

	"github.com/octet-net/octet/mono"
)

// How long a Path MTU is believed before a larger one is tried again (RFC 1191
// §6.3, RFC 8201 §5.3), and of how many destinations it is remembered.
const (
	pathMTUTime = 10 * time.Minute
	maxPathMTUs = 4096
)

// PathMTUs are what Path MTU discovery found out, the oldest first. Only what a
// transport has confirmed comes in here, so nobody can fill it from outside.
type pathMTUs struct {
	byDst map[netip.Addr]*pathMTU
	age   list[pathMTU]
}

type pathMTU struct {
	dst   netip.Addr
	mtu   int
	until mono.Time
	link  link[pathMTU]
}

func (c *pathMTUs) remove(e *pathMTU) {
	delete(c.byDst, e.dst)
	c.age.remove(&e.link)
}

func (c *pathMTUs) deadline() mono.Time {
	if c.age.first == nil {
		return mono.Never
	}
	return c.age.first.of.until
}

// Route says how packets from src (zero: to be selected) reach dst, through the
// interface (0: any). Unlike that of Tables it knows what Path MTU discovery found.
func (n *Node) Route(now mono.Time, dst, src netip.Addr, through ID) (Path, error) {
	p, err := n.tables.Route(dst, src, through)
	if err == nil {
		n.narrow(now, &p, dst)
	}
	return p, err
}

// narrow lowers the MTU of a path to what is known about the destination.
func (n *Node) narrow(now mono.Time, p *Path, dst netip.Addr) {
	if e := n.mtus.byDst[dst.Unmap().WithZone("")]; e != nil && !e.until.Due(now) {
		p.MTU = min(p.MTU, e.mtu)
	}
}

// LowerMTU tells what a Notice said about the way to dst, once the transport has
// checked that the packet it quotes was really sent. It only ever lowers, for ten
// minutes, and not below Config.MinPathMTU or, of IPv6, 1280 octets (RFC 8201 §4).
// Paths then get another generation.
func (n *Node) LowerMTU(now mono.Time, dst netip.Addr, mtu int) {
	dst = dst.Unmap().WithZone("")
	floor := n.cfg.MinPathMTU
	if dst.Is6() {
		floor = minMTU6
	}
	p, err := n.Route(now, dst, netip.Addr{}, 0)
	if mtu = max(mtu, floor); err != nil || mtu >= p.MTU {
		return
	}
	if e := n.mtus.byDst[dst]; e != nil {
		n.mtus.remove(e)
	} else if len(n.mtus.byDst) >= maxPathMTUs {
		n.mtus.remove(n.mtus.age.first.of)
	}
	e := &pathMTU{dst: dst, mtu: mtu, until: now.Add(pathMTUTime)}
	e.link.of = e
	n.mtus.byDst[dst] = e
	n.mtus.age.push(&e.link)
	n.tables = n.tables.next()
}

// ageMTUs forgets what is too old: the next packets find out whether more goes through.
func (n *Node) ageMTUs(now mono.Time) {
	for changed := false; ; changed = true {
		if !n.mtus.deadline().Due(now) {
			if changed {
				n.tables = n.tables.next()
			}
			return
		}
		n.mtus.remove(n.mtus.age.first.of)
	}
}
