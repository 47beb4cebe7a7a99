package octet

import (
	"time"

	"github.com/octet-net/octet/tcp"
)

// A Profile holds the policies of a host, each with a default. Start from Linux
// or FreeBSD and change what you need.
type Profile struct {
	// TCP holds the policies of every connection.
	TCP tcp.Config

	// Ephemeral ports are drawn from FirstPort to LastPort (RFC 6056 §3.2).
	FirstPort, LastPort uint16
	// Backlog is how many connections a listener made by Listen holds ready for Accept.
	Backlog int
	// HalfOpen is how many connections in SYN-RECEIVED a host keeps, all listeners together.
	HalfOpen int
	// SYNCookies answers the SYNs beyond that, and those beyond the backlog of one
	// listener, by SYN cookies (RFC 4987 §3.6); otherwise they are dropped.
	SYNCookies bool
	// FastOpen lets every Dial and Listen use TCP Fast Open (RFC 7413), also where
	// the program does not ask for it. See Dialer.FastOpen for what that means.
	FastOpen bool
	// FastOpenWait is how long the SYN of a Fast Open waits for the first Write, so
	// that it can take its octets along.
	FastOpenWait time.Duration
	// FastOpenPending is how many connections a listener gives to its program before
	// their handshake is done; with more pending, the next wait for theirs.
	FastOpenPending int
	// FastOpenPaths is how many cookies and failures a host remembers as a client.
	FastOpenPaths int
	// TimeWaits is how many TIME-WAIT records a host keeps; the oldest give way.
	TimeWaits int
	// Orphans is how many connections a host keeps whose program has closed them
	// while the peer has not: one more is reset.
	Orphans int
	// DatagramBuffer is how many octets of memory a UDP socket queues for its reader.
	DatagramBuffer int
	// Memory is how many octets a host may spend on connections, on what they and UDP
	// sockets queue, and on records of TIME-WAIT; 0 means no limit but those above. What
	// package ip remembers has caps of its own (a few MiB).
	Memory int
	// BrokenPipe calls a reset that follows the peer's FIN EPIPE, as Linux does, not ECONNRESET.
	BrokenPipe bool
	// HopLimit is the TTL of IPv4 and the hop limit of IPv6 packets (RFC 1122 §3.2.1.7).
	HopLimit uint8
}

// Linux returns the policies of Linux. They are the default.
func Linux() Profile {
	return Profile{
		TCP:             tcp.Linux(),
		FirstPort:       32768,
		LastPort:        60999,
		Backlog:         4096,
		HalfOpen:        16384,
		SYNCookies:      true,
		FastOpenWait:    10 * time.Millisecond,
		FastOpenPending: 256,
		FastOpenPaths:   1024,
		TimeWaits:       262144,
		Orphans:         65536,
		DatagramBuffer:  208 << 10,
		BrokenPipe:      true,
		HopLimit:        64,
	}
}

// FreeBSD returns policies in the manner of FreeBSD.
func FreeBSD() Profile {
	p := Linux()
	p.TCP = tcp.FreeBSD()
	p.FirstPort, p.LastPort = 49152, 65535
	p.BrokenPipe = false
	return p
}
