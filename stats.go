package octet

import (
	"github.com/octet-net/octet/ip"
)

// Drop says why the root of the stack dropped a packet or gave up a connection.
// What package ip dropped is counted by its own reasons, and what a connection
// dropped by those of package tcp, in its Info.
type Drop uint8

// The reasons for dropping.
const (
	DropFrame      Drop = iota // Ethernet frame that is broken or not for us
	DropSegment                // TCP or UDP header broken, bad checksum, or a segment to a group
	DropDatagram               // UDP length or port that cannot be
	DropNoListener             // nobody listens at the port: answered by RST or ICMP
	DropBacklog                // the accept queue of the listener is full
	DropHalfOpen               // too many connections in SYN-RECEIVED
	DropTimeWait               // old segment for a connection in TIME-WAIT
	DropQueue                  // the queue of a UDP socket is full
	DropNoRoute                // no way to where an answer must go
	DropMemory                 // Profile.Memory is spent: a SYN, a datagram, or the text of a segment
	DropOrphan                 // too many connections that their programs have closed: one was reset
	NumDrops                   // how many reasons there are
)

var dropNames = [NumDrops]string{
	"bad frame", "bad segment", "bad datagram", "nobody listens", "accept queue full",
	"too many half-open connections", "old segment in TIME-WAIT", "socket queue full", "no route", "memory spent",
	"too many orphans",
}

// String returns the reason in words.
func (d Drop) String() string {
	if d >= NumDrops {
		return "unknown"
	}
	return dropNames[d]
}

func (h *Host) count(d Drop) { h.drops[d].Add(1) }

// Stats are counts of a host since it was made, and how much it holds now.
type Stats struct {
	Drops   [NumDrops]uint64 // by Drop
	IPDrops ip.Drops         // by ip.Reason

	Memory      int64  // octets that count against Profile.Memory, if that is set
	Connections int    // in the table of connections, of all states but TIME-WAIT
	HalfOpen    int    // of these in SYN-RECEIVED
	Orphans     int    // of these closed by their program, not yet by the peer
	TimeWaits   int    // records of TIME-WAIT
	CookiesSent uint64 // SYN cookies sent
	CookiesUsed uint64 // and connections that they became
	Recycled    uint64 // records of TIME-WAIT that had to leave before their time
	FastOpen    FastOpenStats
}

// Stats returns the counts.
func (h *Host) Stats() Stats {
	var s Stats
	for i := range s.Drops {
		s.Drops[i] = h.drops[i].Load()
	}
	h.ip.mu.Lock()
	s.IPDrops = h.ip.node.Drops()
	h.ip.mu.Unlock()
	s.Memory = h.budget.used.Load()
	s.Connections = h.conns.len()
	s.HalfOpen = int(h.halfOpen.Load())
	s.CookiesSent, s.CookiesUsed = h.cookiesSent.Load(), h.cookiesUsed.Load()
	s.Orphans = int(h.orphans.Load())
	s.TimeWaits, s.Recycled = h.waits.len()
	s.FastOpen = h.fastStats.read()
	return s
}
